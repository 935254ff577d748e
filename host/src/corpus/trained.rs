//! Which recordings a model was trained on: digests of their samples.
//!
//! A digest is the CRC-64/XZ of a recording's 16-bit samples at 16 kHz, little-endian. So a copy under another
//! name or in another lossless container has the same digest, and nothing can be heard from it.

use anyhow::{Context, Result, ensure};
use crc::{CRC_64_XZ, Crc};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::Utterance;
use super::audio::SAMPLE_RATE_HZ;

const CRC: Crc<u64> = Crc::<u64>::new(&CRC_64_XZ);
/// Hexadecimal digits of a digest.
const DIGITS: usize = 16;

/// The recordings that a model was trained on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct TrainedOn {
    /// Name of the corpus.
    pub corpus: String,
    /// Sorted, each once.
    digests: Vec<u64>,
}

/// The form in JSON.
#[derive(Clone, Serialize, Deserialize)]
struct Written {
    corpus: String,
    recordings: usize,
    /// One after the other, 16 hexadecimal digits each.
    digests: String,
}

impl TrainedOn {
    /// Reads the recordings, in parallel, and keeps their digests. Recordings that cannot be read were not trained on.
    pub fn new(corpus: &str, utterances: &[&Utterance]) -> Self {
        let digests =
            utterances.par_iter().filter_map(|utterance| Some(digest(&utterance.samples(SAMPLE_RATE_HZ).ok()?)));
        let mut digests: Vec<u64> = digests.collect();
        digests.sort_unstable();
        digests.dedup();
        Self { corpus: corpus.to_owned(), digests }
    }

    /// Number of different recordings.
    pub fn recordings(&self) -> usize {
        self.digests.len()
    }

    /// Whether a recording is one of these, from its samples at [`SAMPLE_RATE_HZ`].
    pub fn has(&self, samples: &[i16]) -> bool {
        self.digests.binary_search(&digest(samples)).is_ok()
    }
}

impl From<TrainedOn> for Written {
    fn from(TrainedOn { corpus, digests }: TrainedOn) -> Self {
        let hex = digests.iter().map(|digest| format!("{digest:0DIGITS$x}")).collect();
        Self { corpus, recordings: digests.len(), digests: hex }
    }
}

impl TryFrom<Written> for TrainedOn {
    type Error = anyhow::Error;

    fn try_from(Written { corpus, recordings, digests: hex }: Written) -> Result<Self> {
        let digest = |digits: &[u8]| -> Result<u64> { Ok(u64::from_str_radix(std::str::from_utf8(digits)?, 16)?) };
        let digests: Vec<u64> =
            hex.as_bytes().chunks(DIGITS).map(digest).collect::<Result<_>>().context("a digest is damaged")?;
        ensure!(
            hex.len() == DIGITS * recordings && digests.is_sorted(),
            "wanted the sorted digests of {recordings} recordings, {} digits came",
            hex.len()
        );
        Ok(Self { corpus, digests })
    }
}

fn digest(samples: &[i16]) -> u64 {
    let mut digest = CRC.digest();
    for samples in samples.chunks(4096) {
        digest.update(&samples.iter().flat_map(|sample| sample.to_le_bytes()).collect::<Vec<u8>>());
    }
    digest.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::Corpus;
    use crate::corpus::audio::write_wav;
    use crate::corpus::choice::Choice;

    #[test]
    fn a_recording_is_known_under_any_name_and_another_is_not() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("c/sad")).unwrap();
        let synthetic = Corpus::synthetic(1);
        let [known, other] = [3, 4].map(|place| synthetic.utterances[place].samples(SAMPLE_RATE_HZ).unwrap());
        write_wav(&dir.path().join("c/sad/renamed.wav"), &known).unwrap();
        std::fs::write(dir.path().join("c/sad/broken.wav"), "no recording").unwrap();
        let corpus = Corpus::open(&dir.path().join("c"), &Choice::default()).unwrap();
        let trained_on = TrainedOn::new(&corpus.name, &corpus.utterances.iter().collect::<Vec<_>>());
        assert_eq!(trained_on.recordings(), 1);
        assert!(trained_on.has(&known) && !trained_on.has(&other) && !trained_on.has(&known[1..]));
        let json = serde_json::to_string(&trained_on).unwrap();
        assert_eq!(serde_json::from_str::<TrainedOn>(&json).unwrap(), trained_on);
        for (from, to) in [("\"recordings\":1", "\"recordings\":2"), ("\"digests\":\"", "\"digests\":\"g")] {
            assert!(serde_json::from_str::<TrainedOn>(&json.replace(from, to)).is_err());
        }
    }

    #[test]
    fn the_digest_is_the_published_check_value() {
        let bytes = b"12345678";
        let samples: Vec<i16> = bytes.as_chunks::<2>().0.iter().map(|pair| i16::from_le_bytes(*pair)).collect();
        assert_eq!(digest(&samples), CRC.checksum(bytes));
        assert_eq!(CRC.checksum(b"123456789"), 0x995d_c9bb_df19_39fa);
    }
}
