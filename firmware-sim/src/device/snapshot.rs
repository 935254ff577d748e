//! The figures of a board, kept in a file, so that a change that makes one larger is noticed.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use ser_host::files::write_json;

/// Share by which a figure may exceed the one kept.
const TOLERANCE: f64 = 0.02;

/// Figures by name.
pub type Figures = BTreeMap<String, f64>;

/// Reads the figures that a file keeps.
pub fn read(path: &Path) -> Result<Figures> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}; --update writes it", path.display()))?;
    serde_json::from_slice(&bytes)
        .with_context(|| format!("{} is not a snapshot: wanted a JSON object of numbers", path.display()))
}

/// Writes figures to a file.
pub fn write(path: &Path, figures: &Figures) -> Result<()> {
    write_json(path, figures)
}

/// One line for each figure that grew beyond the tolerance, and for each that only one of the two has.
pub fn growth(kept: &Figures, now: &Figures) -> Vec<String> {
    let percent = |from: f64, to: f64| 100.0 * (to / from - 1.0);
    let grown = now.iter().filter_map(|(name, &now)| match kept.get(name) {
        Some(&kept) if now > kept * (1.0 + TOLERANCE) => {
            Some(format!("{name} grew from {kept} to {now} ({:+.1} %)", percent(kept, now)))
        }
        Some(_) => None,
        None => Some(format!("{name} is not in the snapshot: it is {now}")),
    });
    let gone =
        kept.keys().filter(|name| !now.contains_key(*name)).map(|name| format!("{name} is in the snapshot alone"));
    grown.chain(gone).collect()
}

/// Whether a figure fell by more than the tolerance, so that the snapshot should be written again.
pub fn has_fallen(kept: &Figures, now: &Figures) -> bool {
    kept.iter().any(|(name, &kept)| now.get(name).is_some_and(|&now| now < kept * (1.0 - TOLERANCE)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(pairs: &[(&str, f64)]) -> Figures {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect()
    }

    #[test]
    fn two_percent_more_is_none_and_a_little_more_is_growth() {
        let kept = figures(&[("state", 100.0), ("stack", 50.0)]);
        assert!(growth(&kept, &figures(&[("state", 102.0), ("stack", 1.0)])).is_empty());
        let lines = growth(&kept, &figures(&[("state", 102.1), ("stack", 50.0)]));
        assert_eq!(lines, ["state grew from 100 to 102.1 (+2.1 %)"]);
    }

    #[test]
    fn a_figure_that_came_or_went_is_growth() {
        let lines = growth(&figures(&[("a", 1.0)]), &figures(&[("b", 1.0)]));
        assert_eq!(lines, ["b is not in the snapshot: it is 1", "a is in the snapshot alone"]);
    }

    #[test]
    fn less_is_a_reason_to_update() {
        let kept = figures(&[("a", 100.0)]);
        assert!(!has_fallen(&kept, &figures(&[("a", 98.5)])));
        assert!(has_fallen(&kept, &figures(&[("a", 97.0)])));
    }

    #[test]
    fn what_is_written_is_read_and_a_broken_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("board.json");
        assert!(read(&path).unwrap_err().to_string().contains("--update"));
        write(&path, &figures(&[("a", 1.5)])).unwrap();
        assert_eq!(read(&path).unwrap(), figures(&[("a", 1.5)]));
        std::fs::write(&path, "[]").unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("board.json"));
    }
}
