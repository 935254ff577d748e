//! The cues that a recording session gives away, kept or removed.
//!
//! Corpora are recorded in sessions. Offset, level and the silence around the speech differ between sessions, so they
//! can differ by emotion too. A network that hears them scores better on the corpus, but not on other recordings.

use std::fmt;

use anyhow::{Result, ensure};
use clap::ValueEnum;
use ser_core::spec::{FrontEnd, LevelMode};
use serde::{Deserialize, Serialize};

/// Which parts of a recording reach the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// Everything: no DC block, no trimming of silence, absolute levels. Comparable with published figures.
    AsRecorded,
    /// Only the speech: offset blocked, silence trimmed and levels relative to the peak, as the network's own front end
    /// does.
    CuesRemoved,
}

impl Condition {
    /// All conditions.
    pub const ALL: [Self; 2] = [Self::CuesRemoved, Self::AsRecorded];

    /// The default condition of a network: as recorded for images, which show all of a recording, and cues removed
    /// otherwise.
    pub fn of(front_end: &FrontEnd) -> Self {
        if front_end.image.is_some() { Self::AsRecorded } else { Self::CuesRemoved }
    }

    /// Fails if the front end cannot meet the condition.
    pub fn check(self, front_end: &FrontEnd) -> Result<()> {
        ensure!(
            front_end.image.is_none() || self == Self::AsRecorded,
            "an image keeps what a recording session gives away: wanted the condition {}, {self} came",
            Self::AsRecorded
        );
        Ok(())
    }

    /// The front end of a network under this condition, made from the front end of its preset.
    pub fn front_end(self, preset: FrontEnd) -> FrontEnd {
        match self {
            Self::AsRecorded => FrontEnd { dc_block_pole: 0.0, trim: None, level: LevelMode::Absolute, ..preset },
            Self::CuesRemoved => preset,
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::AsRecorded => "as-recorded",
            Self::CuesRemoved => "cues-removed",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::rows::Extractor;
    use ser_core::spec::{edge, paper};

    /// Half a second each of offset silence, a tone, offset silence.
    fn recording() -> Vec<i16> {
        let tone = |n: usize| if (8000..16000).contains(&n) { (6000.0 * (n as f32 * 0.3).sin()) as i16 } else { 0 };
        (0..24_000).map(|n| tone(n) + 12).collect()
    }

    #[test]
    fn as_recorded_keeps_the_silence_that_the_other_condition_trims() {
        let rows = |condition: Condition| {
            Extractor::new(&condition.front_end(edge().front_end)).unwrap().log_mel(&recording()).unwrap().len()
        };
        let (recorded, removed) = (rows(Condition::AsRecorded), rows(Condition::CuesRemoved));
        assert_eq!(recorded, (24_000 - 1024) / 256 + 1);
        assert!(removed < recorded / 2, "{removed} of {recorded}");
    }

    #[test]
    fn an_image_is_as_recorded_under_no_other_condition() {
        let image = paper().front_end;
        assert_eq!(
            (Condition::of(&image), Condition::of(&edge().front_end)),
            (Condition::AsRecorded, Condition::CuesRemoved)
        );
        assert_eq!(Condition::AsRecorded.front_end(image), image);
        assert!(Condition::AsRecorded.check(&image).is_ok() && Condition::CuesRemoved.check(&edge().front_end).is_ok());
        let error = Condition::CuesRemoved.check(&image).unwrap_err().to_string();
        assert!(error.contains("wanted the condition as-recorded, cues-removed came"), "{error}");
    }

    #[test]
    fn names_are_those_of_the_command_line_and_of_json() {
        for condition in Condition::ALL {
            assert_eq!(serde_json::to_string(&condition).unwrap(), format!("\"{condition}\""));
            assert_eq!(Condition::from_str(&condition.to_string(), false), Ok(condition));
        }
    }
}
