//! Log-mel rows of many utterances, computed once and kept on disk.
//!
//! A file holds the rows of one list of utterances at one speed. Its name is a digest of everything that decides the
//! rows: the utterances (name, length and time of each file), the front end's description, the front end's output for a
//! probe signal, and the speed. So a stale file is never read, and deleting the folder only costs time. The place of an
//! utterance that could not be read is empty; each call tries to read that utterance again.
//!
//! Images are not kept: an image takes 150 KB and is made in 3 ms.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rayon::prelude::*;
use ser_core::spec::FrontEnd;

use crate::corpus::audio::change_speed;
use crate::corpus::{Corpus, Utterance};
use crate::features::rows::{Extractor, Rows, Unheard};
use crate::files::write_atomic;

/// The rows of an utterance, or why it has none.
pub type Extracted = Result<Rows, String>;

/// Computes log-mel rows, or reads those kept on disk.
#[derive(Clone, Debug)]
pub struct FeatureCache {
    folder: Option<PathBuf>,
    extractor: Extractor,
    digest: u64,
}

impl FeatureCache {
    /// A cache in `folder`, which is made at its first use. Without a folder, each call computes everything.
    pub fn new(front_end: &FrontEnd, folder: Option<&Path>) -> Result<Self> {
        let extractor = Extractor::new(front_end)?;
        let folder = folder.filter(|_| front_end.image.is_none());
        let mut hasher = DefaultHasher::new();
        serde_json::to_string(front_end)?.hash(&mut hasher);
        // A ramp and a square wave: any changed step of the front end changes the rows.
        let probe: Vec<i16> = (0..8000i32)
            .map(|n| ((n * 37 % 4001) - 2000 + if n / 60 % 2 == 0 { 3000 } else { -3000 }) as i16)
            .collect();
        for value in extractor.log_mel(&probe)?.values {
            value.to_bits().hash(&mut hasher);
        }
        Ok(Self { folder: folder.map(Path::to_owned), extractor, digest: hasher.finish() })
    }

    /// Whether rows are kept on disk: true with a folder, except for images.
    pub fn keeps(&self) -> bool {
        self.folder.is_some()
    }

    /// The front end that makes the rows.
    pub fn front_end(&self) -> &FrontEnd {
        self.extractor.front_end()
    }

    /// Log-mel rows (dBFS), or the image, of each utterance, played `speed` times as fast. An utterance that cannot be
    /// read does not fail the call: its place holds the reason.
    ///
    /// # Errors
    ///
    /// If the cache cannot be written, or the speed is not in `0.5..=2.0`.
    pub fn log_mel(&self, utterances: &[&Utterance], speed: f64) -> Result<Vec<Extracted>> {
        let file = self.file(utterances, speed);
        change_speed(&[], speed)?;
        let extract = |utterance: &Utterance| -> Extracted {
            let rows = || -> Result<Rows> { self.extractor.log_mel(&change_speed(&self.samples(utterance)?, speed)?) };
            rows().map_err(|error| format!("{error:#}"))
        };
        if let Some(kept) = file.as_deref().and_then(read)
            && kept.len() == utterances.len()
        {
            return Ok(kept
                .into_iter()
                .zip(utterances)
                .map(|(rows, utterance)| rows.map_or_else(|| extract(utterance), Ok))
                .collect());
        }
        let rows: Vec<Extracted> = utterances.par_iter().map(|utterance| extract(utterance)).collect();
        if let Some(file) = file {
            let folder = file.parent().unwrap_or(Path::new("."));
            std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
            write_atomic(&file, &encode(&rows))?;
        }
        Ok(rows)
    }

    /// The same for a part of a corpus. If rows are kept, they are computed for the whole corpus, so that all splits
    /// share one file.
    ///
    /// # Errors
    ///
    /// As [`FeatureCache::log_mel`]; or, if rows are kept, if the corpus lacks an utterance of the part.
    pub fn log_mel_of_part(&self, corpus: &Corpus, part: &[&Utterance], speed: f64) -> Result<Vec<Extracted>> {
        if !self.keeps() {
            return self.log_mel(part, speed);
        }
        let all: Vec<&Utterance> = corpus.utterances.iter().collect();
        let rows = self.log_mel(&all, speed)?;
        let by_id: HashMap<&str, &Extracted> = all.iter().map(|utterance| utterance.id.as_str()).zip(&rows).collect();
        let of_part = part.iter().map(|utterance| by_id.get(utterance.id.as_str()).map(|rows| (*rows).clone()));
        of_part
            .collect::<Option<_>>()
            .with_context(|| format!("the corpus {} lacks an utterance of the part", corpus.name))
    }

    /// Why an utterance, played `speed` times as fast, has no rows though it can be read.
    ///
    /// # Errors
    ///
    /// If it cannot be read now, or the speed is not in `0.5..=2.0`.
    pub fn unheard(&self, utterance: &Utterance, speed: f64) -> Result<Unheard> {
        self.extractor.unheard(&change_speed(&self.samples(utterance)?, speed)?)
    }

    /// The recording at the front end's rate.
    fn samples(&self, utterance: &Utterance) -> Result<Vec<i16>> {
        utterance.samples(self.front_end().sample_rate_hz)
    }

    fn file(&self, utterances: &[&Utterance], speed: f64) -> Option<PathBuf> {
        let folder = self.folder.as_deref()?;
        let mut hasher = DefaultHasher::new();
        self.digest.hash(&mut hasher);
        speed.to_bits().hash(&mut hasher);
        for utterance in utterances {
            utterance.id.hash(&mut hasher);
            if let Some(file) = utterance.file() {
                file.hash(&mut hasher);
                let metadata = std::fs::metadata(file).ok()?;
                metadata.len().hash(&mut hasher);
                metadata.modified().ok()?.hash(&mut hasher);
            }
        }
        // The samples of one synthetic utterance stand for the synthesiser and its seed.
        if let Some(first) = utterances.iter().find(|utterance| utterance.file().is_none()) {
            self.samples(first).ok()?.hash(&mut hasher);
        }
        Some(folder.join(format!("{:016x}.rows", hasher.finish())))
    }
}

/// Bands and number of values as u32, then the values as f32, little-endian, one utterance after the other. An
/// utterance that could not be read has 0 bands.
fn encode(rows: &[Extracted]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let unreadable = Rows::default();
    for rows in rows {
        let rows = rows.as_ref().unwrap_or(&unreadable);
        bytes.extend((rows.bands as u32).to_le_bytes());
        bytes.extend((rows.values.len() as u32).to_le_bytes());
        bytes.extend(rows.values.iter().flat_map(|value| value.to_le_bytes()));
    }
    bytes
}

/// The rows of a cache file, None for an utterance that could not be read; None altogether if there is no file or it is
/// damaged.
fn read(file: &Path) -> Option<Vec<Option<Rows>>> {
    let bytes = std::fs::read(file).ok()?;
    let mut rest = bytes.as_slice();
    let mut rows = Vec::new();
    while !rest.is_empty() {
        let (bands, behind) = rest.split_first_chunk::<4>()?;
        let (count, behind) = behind.split_first_chunk::<4>()?;
        let (values, behind) = behind.split_at_checked((u32::from_le_bytes(*count) as usize).checked_mul(4)?)?;
        let values = values.as_chunks::<4>().0.iter().map(|value| f32::from_le_bytes(*value)).collect();
        let bands = u32::from_le_bytes(*bands) as usize;
        rows.push((bands > 0).then_some(Rows { bands, values }));
        rest = behind;
    }
    Some(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::Corpus;
    use crate::corpus::audio::write_wav;
    use ser_core::spec::edge;

    fn corpus(dir: &Path, level: i16) -> Corpus {
        for (emotion, name) in [("angry", "a"), ("sad", "b")] {
            std::fs::create_dir_all(dir.join(emotion)).unwrap();
            let tone: Vec<i16> = (0..8000).map(|n| if n / 40 % 2 == 0 { level } else { -level }).collect();
            write_wav(&dir.join(emotion).join(format!("{name}.wav")), &tone).unwrap();
        }
        Corpus::open(dir).unwrap()
    }

    #[test]
    fn a_cache_hit_returns_the_same_rows() {
        let dir = tempfile::tempdir().unwrap();
        let corpus = corpus(&dir.path().join("corpus"), 5000);
        let utterances: Vec<&Utterance> = corpus.utterances.iter().collect();
        let folder = dir.path().join("cache");
        let cache = FeatureCache::new(&edge().front_end, Some(&folder)).unwrap();
        let computed = cache.log_mel(&utterances, 1.1).unwrap();
        assert!(computed.iter().all(|rows| !rows.as_ref().unwrap().is_empty()));
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
        assert_eq!(cache.log_mel(&utterances, 1.1).unwrap(), computed);
        assert_ne!(cache.log_mel(&utterances, 1.0).unwrap(), computed);
        let without = FeatureCache::new(&edge().front_end, None).unwrap();
        assert_eq!(without.log_mel(&utterances, 1.1).unwrap(), computed);
    }

    #[test]
    fn changed_audio_or_a_changed_front_end_is_no_cache_hit() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("cache");
        let front_end = edge().front_end;
        let rows = |level: i16, front_end: &FrontEnd| {
            let corpus = corpus(&dir.path().join("corpus"), level);
            let utterances: Vec<&Utterance> = corpus.utterances.iter().collect();
            FeatureCache::new(front_end, Some(&folder)).unwrap().log_mel(&utterances, 1.0).unwrap()
        };
        let first = rows(5000, &front_end);
        assert_ne!(rows(9000, &front_end), first);
        assert_ne!(rows(5000, &FrontEnd { floor_db: -60.0, ..front_end }), first);
    }

    #[test]
    fn a_front_end_at_another_rate_hears_the_recordings_at_it() {
        let dir = tempfile::tempdir().unwrap();
        let corpus = corpus(&dir.path().join("corpus"), 5000);
        let utterances: Vec<&Utterance> = corpus.utterances.iter().collect();
        let folder = dir.path().join("cache");
        let rows = |front_end: &FrontEnd| {
            let rows = FeatureCache::new(front_end, Some(&folder)).unwrap().log_mel(&utterances, 1.0).unwrap();
            rows.into_iter().map(|rows| rows.unwrap().len()).collect::<Vec<_>>()
        };
        let at_16_khz = edge().front_end;
        let at_8_khz = FrontEnd {
            sample_rate_hz: 8_000,
            frame_len: at_16_khz.frame_len / 2,
            hop_len: at_16_khz.hop_len / 2,
            fft_len: at_16_khz.fft_len / 2,
            mel_bands: 20,
            mel_high_hz: 4_000.0,
            ..at_16_khz
        };
        assert_eq!(rows(&at_8_khz), rows(&at_16_khz));
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 2);
    }

    #[test]
    fn a_damaged_cache_file_is_computed_anew() {
        let dir = tempfile::tempdir().unwrap();
        let corpus = corpus(&dir.path().join("corpus"), 5000);
        let utterances: Vec<&Utterance> = corpus.utterances.iter().collect();
        let folder = dir.path().join("cache");
        let cache = FeatureCache::new(&edge().front_end, Some(&folder)).unwrap();
        let computed = cache.log_mel(&utterances, 1.0).unwrap();
        let file = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
        let bytes = std::fs::read(&file).unwrap();
        std::fs::write(&file, &bytes[..bytes.len() - 3]).unwrap();
        assert_eq!(cache.log_mel(&utterances, 1.0).unwrap(), computed);
    }

    #[test]
    fn an_unreadable_utterance_leaves_its_reason_and_the_others_their_rows() {
        let dir = tempfile::tempdir().unwrap();
        let corpus = corpus(&dir.path().join("corpus"), 5000);
        std::fs::write(dir.path().join("corpus/angry/a.wav"), b"").unwrap();
        let utterances: Vec<&Utterance> = corpus.utterances.iter().collect();
        let folder = dir.path().join("cache");
        let cache = FeatureCache::new(&edge().front_end, Some(&folder)).unwrap();
        let rows = cache.log_mel(&utterances, 1.0).unwrap();
        assert!(rows[0].as_ref().is_err_and(|reason| reason.contains("empty")), "{:?}", rows[0]);
        assert!(rows[1].is_ok());
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
        assert_eq!(cache.log_mel(&utterances, 1.0).unwrap(), rows);
    }

    #[test]
    fn the_rows_of_a_part_are_those_of_its_utterances_and_parts_share_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let corpus = corpus(&dir.path().join("corpus"), 5000);
        let folder = dir.path().join("cache");
        let cache = FeatureCache::new(&edge().front_end, Some(&folder)).unwrap();
        let alone = FeatureCache::new(&edge().front_end, None).unwrap();
        for utterance in &corpus.utterances {
            assert_eq!(
                cache.log_mel_of_part(&corpus, &[utterance], 1.1).unwrap(),
                alone.log_mel(&[utterance], 1.1).unwrap()
            );
        }
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
        let (first, second) = corpus.utterances.split_at(1);
        let smaller = Corpus { utterances: first.to_vec(), ..corpus.clone() };
        assert!(cache.log_mel_of_part(&smaller, &[&second[0]], 1.0).is_err());
    }
}
