//! The audio that an image reads and the answers that it writes; `image/src/main.rs` describes the layout.

use anyhow::{Context, Result, ensure};
use crc::{CRC_32_ISO_HDLC, Crc, Digest};
use ser_core::engine::{Logits, Row};
use ser_core::spec::MAX_LABELS;

/// The file that an image reads.
pub const AUDIO: &str = "audio.bin";
/// The file that an image writes.
pub const ANSWERS: &str = "answers.bin";
/// The checksum over the rows that leave a stage.
pub const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);

/// The rows that left a stage for one utterance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stage {
    /// Number of rows.
    pub rows: u32,
    /// CRC-32 over all rows.
    pub crc: u32,
}

/// The answer to one utterance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The input of the network first, then its layers.
    pub stages: Vec<Stage>,
    /// None if there was too little speech.
    pub logits: Option<Logits>,
    /// Instructions of the front end, then of each layer; empty on a workstation.
    pub instructions: Vec<u64>,
    /// Instructions of the hop that took most; 0 on a workstation.
    pub worst_hop: u64,
}

/// Everything that an image wrote.
#[derive(Debug)]
pub struct Answers {
    /// In the order of the audio.
    pub utterances: Vec<Answer>,
    /// Instructions of the hop that took most in any utterance.
    pub worst_hop: u64,
    /// Most stack that the core took, bytes.
    pub stack_bytes: u32,
}

/// The audio of utterances as an image reads it.
pub fn pack<'a>(utterances: impl Iterator<Item = &'a [i16]>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for samples in utterances {
        bytes.extend((samples.len() as u32).to_le_bytes());
        bytes.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    }
    bytes
}

/// Adds a row to the checksum of its stage.
pub fn digest(sum: &mut Digest<'_, u32>, row: Row<'_>) {
    match row {
        Row::Codes(codes) => codes.iter().for_each(|code| sum.update(&code.to_le_bytes())),
        Row::Hidden(hidden) => hidden.iter().for_each(|value| sum.update(&value.to_le_bytes())),
    }
}

impl Answers {
    /// Reads the answers of a network with `stages` stages to `utterances` utterances.
    pub fn parse(bytes: &[u8], stages: usize, utterances: usize) -> Result<Self> {
        let mut words = bytes.chunks_exact(4).map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]));
        let mut next = || words.next().context("the image's answers end early: does it hold another model?");
        let came = next()? as usize;
        ensure!(
            came == stages,
            "the image's network has {came} stages, the model has {stages}: it holds another model"
        );
        let mut answers = Vec::new();
        for _ in 0..utterances {
            let stages =
                (0..stages).map(|_| Ok(Stage { rows: next()?, crc: next()? })).collect::<Result<Vec<Stage>>>()?;
            let said = next()? == 1;
            let mut logits = [0; MAX_LABELS];
            for logit in &mut logits {
                *logit = next()? as i32;
            }
            let mut count = || Ok(u64::from(next()?) | u64::from(next()?) << 32);
            let instructions = stages.iter().map(|_| count()).collect::<Result<Vec<u64>>>()?;
            let worst_hop = count()?;
            answers.push(Answer { stages, logits: said.then_some(logits), instructions, worst_hop });
        }
        let stack_bytes = next()?;
        ensure!(words.next().is_none(), "the image wrote more than the answers to {utterances} utterances");
        let worst_hop = answers.iter().map(|answer| answer.worst_hop).max().unwrap_or_default();
        Ok(Self { utterances: answers, worst_hop, stack_bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers of a network of two stages: one utterance with a prediction, one without.
    fn written() -> Vec<u32> {
        let mut logits = [0; MAX_LABELS];
        logits[..2].copy_from_slice(&[7, -3i32 as u32]);
        let one = [&[11, 0xAA, 5, 0xBB, 1][..], &logits, &[100, 0, 2, 1, 70, 0]].concat();
        let two = [&[0, 0, 0, 0, 0][..], &[0; MAX_LABELS], &[50, 0, 0, 0, 50, 0]].concat();
        [&[2][..], &one, &two, &[1700]].concat()
    }

    fn parse(words: &[u32]) -> Result<Answers> {
        Answers::parse(&words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>(), 2, 2)
    }

    #[test]
    fn answers_are_read_as_they_were_written() {
        let answers = parse(&written()).unwrap();
        assert_eq!(answers.stack_bytes, 1700);
        let [one, two] = &answers.utterances[..] else { panic!("{answers:?}") };
        assert_eq!(one.stages, [Stage { rows: 11, crc: 0xAA }, Stage { rows: 5, crc: 0xBB }]);
        assert_eq!(one.logits.unwrap()[..3], [7, -3, 0]);
        assert_eq!(one.instructions, [100, 2 + (1 << 32)]);
        assert_eq!((one.worst_hop, two.worst_hop, answers.worst_hop), (70, 50, 70));
        assert_eq!(two.logits, None);
    }

    #[test]
    fn answers_that_end_early_go_on_or_are_of_another_network_are_errors() {
        let whole = written();
        for len in 0..whole.len() {
            assert!(parse(&whole[..len]).unwrap_err().to_string().contains("end early"), "{len} words");
        }
        assert!(parse(&[&whole[..], &[0]].concat()).unwrap_err().to_string().contains("more than"));
        let other = [&[3][..], &whole[1..]].concat();
        assert!(parse(&other).unwrap_err().to_string().contains("another model"));
    }

    #[test]
    fn audio_is_packed_with_its_lengths() {
        assert_eq!(pack([&[1i16, -2][..], &[]].into_iter()), [2, 0, 0, 0, 1, 0, 0xFE, 0xFF, 0, 0, 0, 0]);
    }
}
