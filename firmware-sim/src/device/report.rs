//! The figures of a run on an emulated board.

use std::fmt;

use anyhow::{Context, Result};
use object::{Object, ObjectSection};
use ser_core::Model;
use ser_host::model::inspect::{Summary, state_bytes};
use ser_host::shares::percent;
use serde::Serialize;

use super::answers::{Answer, Answers};
use super::board::Board;
use super::snapshot::Figures;

/// Assumed cycles per instruction of an in-order core with flash wait states, on average; the share of a chip's time
/// follows from it.
const CYCLES_PER_INSTRUCTION: f64 = 1.5;

/// The first stage in which board and workstation differ.
#[derive(Clone, Debug, Serialize)]
pub struct Difference {
    utterance: String,
    stage: String,
}

impl Difference {
    /// The first stage in which two answers to an utterance differ; None if they are equal.
    pub fn between(utterance: &str, model: &Model<'_>, workstation: &Answer, device: &Answer) -> Option<Self> {
        let stage = workstation.stages.iter().zip(&device.stages).position(|(a, b)| a != b);
        let stage = match stage {
            Some(0) => "front end".to_owned(),
            Some(stage) => layer_name(model, stage - 1),
            None if workstation.logits != device.logits => "logits".to_owned(),
            None => return None,
        };
        Some(Self { utterance: utterance.to_owned(), stage })
    }
}

fn layer_name(model: &Model<'_>, layer: usize) -> String {
    let kind = model.layers().get(layer).map_or("?", |layer| layer.spec().name());
    format!("{} {kind}", layer + 1)
}

/// Instructions of one stage.
#[derive(Clone, Debug, Serialize)]
pub struct StageCount {
    stage: String,
    /// Per hop of audio for the front end, per hop of speech for a layer.
    instructions_per_hop: f64,
    /// None for the front end, and for a layer that multiplies nothing.
    instructions_per_mac: Option<f64>,
}

/// All figures.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    board: &'static str,
    core: &'static str,
    target: &'static str,
    utterances: usize,
    unreadable: usize,
    audio_seconds: f64,
    /// Empty if every row of every layer and all logits equal the workstation's.
    pub differences: Vec<Difference>,
    stages: Vec<StageCount>,
    /// Instructions of front end and network for a hop of speech.
    instructions_per_hop: f64,
    instructions_per_utterance: f64,
    /// Instructions of front end and network in the hop that took most, behind a pause for instance.
    instructions_in_worst_hop: u64,
    code_bytes: u64,
    table_bytes: u64,
    model_bytes: usize,
    state_bytes: usize,
    stack_bytes: u32,
    /// Share of the time of chips with this core, while somebody speaks.
    chips: Vec<ChipShare>,
}

#[derive(Clone, Debug, Serialize)]
struct ChipShare {
    chip: &'static str,
    mhz: f64,
    share: f64,
    /// Share of the time of the hop that takes most.
    worst_share: f64,
}

impl Report {
    /// The figures of a run. `least` is the ELF file of the program `least`, whose code and tables are counted.
    pub fn new(
        board: Board,
        model: &Model<'_>,
        least: &[u8],
        answers: &Answers,
        audio_seconds: f64,
        unreadable: usize,
        differences: Vec<Difference>,
    ) -> Result<Self> {
        let spec = model.front_end();
        let hops = audio_seconds * f64::from(spec.sample_rate_hz) / spec.hop_len as f64;
        let speech_hops: f64 = answers
            .utterances
            .iter()
            .filter_map(|answer| answer.stages.first())
            .map(|stage| f64::from(stage.rows))
            .sum();
        let total = |stage: usize| {
            answers.utterances.iter().filter_map(|answer| answer.instructions.get(stage)).sum::<u64>() as f64
        };
        let mut stages = vec![StageCount {
            stage: "front end".to_owned(),
            instructions_per_hop: total(0) / hops,
            instructions_per_mac: None,
        }];
        for (index, layer) in Summary::new(model).layers.iter().enumerate() {
            let macs = speech_hops * layer.macs_per_row as f64 / layer.hops_per_row as f64;
            let instructions = total(1 + index);
            if instructions > 0.0 {
                stages.push(StageCount {
                    stage: layer_name(model, index),
                    instructions_per_hop: instructions / speech_hops.max(1.0),
                    instructions_per_mac: (macs > 0.0).then_some(instructions / macs),
                });
            }
        }
        let instructions_per_hop = stages.iter().map(|stage| stage.instructions_per_hop).sum();
        let hops_per_second = f64::from(spec.sample_rate_hz) / spec.hop_len as f64;
        let share = |instructions: f64, mhz: f64| instructions * hops_per_second * CYCLES_PER_INSTRUCTION / (mhz * 1e6);
        let chips = board
            .chips()
            .iter()
            .map(|chip| ChipShare {
                chip: chip.name,
                mhz: chip.mhz,
                share: share(instructions_per_hop, chip.mhz),
                worst_share: share(answers.worst_hop as f64, chip.mhz),
            })
            .collect();
        let elf = object::File::parse(least).context("the program that was built is not an ELF file")?;
        let section = |name: &str| elf.section_by_name(name).map_or(0, |section| section.size());
        Ok(Self {
            board: board.name(),
            core: board.core(),
            target: board.target(),
            utterances: answers.utterances.len(),
            unreadable,
            audio_seconds,
            differences,
            stages,
            instructions_per_hop,
            instructions_per_utterance: (0..=model.layers().len()).map(total).sum::<f64>()
                / answers.utterances.len().max(1) as f64,
            instructions_in_worst_hop: answers.worst_hop,
            code_bytes: section(".text"),
            table_bytes: section(".rodata").saturating_sub(model.file_len() as u64),
            model_bytes: model.file_len(),
            state_bytes: state_bytes(model),
            stack_bytes: answers.stack_bytes,
            chips,
        })
    }
}

impl Report {
    /// The figures that a snapshot keeps: instructions per hop by stage, and bytes.
    pub fn figures(&self) -> Figures {
        let whole = |value: f64| value.round();
        let stages = self
            .stages
            .iter()
            .map(|stage| (format!("instructions a hop, {}", stage.stage), whole(stage.instructions_per_hop)));
        let bytes = [
            ("code", self.code_bytes as f64),
            ("tables", self.table_bytes as f64),
            ("state", self.state_bytes as f64),
            ("stack", f64::from(self.stack_bytes)),
        ];
        let mut figures: Figures = stages.chain(bytes.map(|(name, value)| (format!("bytes, {name}"), value))).collect();
        figures.insert("instructions a hop, all".to_owned(), whole(self.instructions_per_hop));
        figures.insert("instructions a hop, worst".to_owned(), self.instructions_in_worst_hop as f64);
        figures
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "board        {}: {}, {}", self.board, self.core, self.target)?;
        writeln!(
            f,
            "utterances   {}, {:.1} s of audio; {} could not be read",
            self.utterances, self.audio_seconds, self.unreadable
        )?;
        if self.differences.is_empty() {
            writeln!(f, "equal        every row of every layer and all logits are the workstation's, bit for bit")?;
        }
        for difference in &self.differences {
            writeln!(f, "DIFFERENT    {}: first in {}", difference.utterance, difference.stage)?;
        }
        writeln!(f, "\n{:<14} {:>16} {:>10}", "stage", "instructions/hop", "per MAC")?;
        for stage in &self.stages {
            let per_mac = stage.instructions_per_mac.map_or_else(String::new, |count| format!("{count:.2}"));
            writeln!(f, "{:<14} {:>16.0} {per_mac:>10}", stage.stage, stage.instructions_per_hop)?;
        }
        writeln!(f, "{:<14} {:>16.0}   in a hop of speech", "all", self.instructions_per_hop)?;
        writeln!(
            f,
            "{:<14} {:>16}   in the worst hop, {:.2} times as many",
            "",
            self.instructions_in_worst_hop,
            self.instructions_in_worst_hop as f64 / self.instructions_per_hop
        )?;
        writeln!(f, "{:<14} {:>16.0}   in an utterance\n", "", self.instructions_per_utterance)?;
        writeln!(
            f,
            "flash        code {}, tables {}, model {} bytes (the least firmware at opt-level s; the counts are at opt-level 3)",
            self.code_bytes, self.table_bytes, self.model_bytes
        )?;
        writeln!(f, "RAM          state {}, stack {} bytes", self.state_bytes, self.stack_bytes)?;
        for chip in &self.chips {
            writeln!(
                f,
                "{:<12} {} of its time at {:.0} MHz while somebody speaks, {} in the worst hop, if an instruction takes {CYCLES_PER_INSTRUCTION} cycles",
                chip.chip,
                percent(chip.share),
                chip.mhz,
                percent(chip.worst_share)
            )?;
        }
        Ok(())
    }
}
