//! Where the rows of an utterance are: in memory, or in a file from which each request reads them.

use std::borrow::Cow;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use ser_core::frontend::DECIBEL;

use crate::features::rows::Rows;

/// The rows of one utterance. A training holds thousands of these, so those of a file take no memory: the operating
/// system keeps what there is room for.
#[derive(Clone, Debug)]
pub enum Kept {
    /// In memory.
    Memory(Rows),
    /// In a file that holds the rows of many utterances.
    File(Arc<RowFile>, usize),
}

impl Kept {
    /// Number of rows, without reading them.
    pub fn len(&self) -> usize {
        match self {
            Self::Memory(rows) => rows.len(),
            Self::File(file, place) => file.entry(*place).map_or(0, |entry| entry.values / entry.bands),
        }
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rows.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn rows(&self) -> Result<Cow<'_, Rows>> {
        match self {
            Self::Memory(rows) => Ok(Cow::Borrowed(rows)),
            Self::File(file, place) => file.rows(*place).map(Cow::Owned),
        }
    }
}

impl From<Rows> for Kept {
    fn from(rows: Rows) -> Self {
        Self::Memory(rows)
    }
}

/// How a file stores a value; both hold exactly what a front end makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// A level: 128ths of a decibel as i16, little-endian.
    Level,
    /// A pixel: 0 to 255 as u8.
    Pixel,
}

impl Value {
    const fn bytes(self) -> usize {
        match self {
            Self::Level => 2,
            Self::Pixel => 1,
        }
    }

    fn encode(self, values: &[f32]) -> Vec<u8> {
        match self {
            Self::Level => {
                values.iter().flat_map(|value| ((value * f32::from(DECIBEL)) as i16).to_le_bytes()).collect()
            }
            Self::Pixel => values.iter().map(|value| *value as u8).collect(),
        }
    }

    fn decode(self, bytes: &[u8]) -> Vec<f32> {
        match self {
            Self::Level => {
                let level = |bytes: &[u8; 2]| f32::from(i16::from_le_bytes(*bytes)) / f32::from(DECIBEL);
                bytes.as_chunks::<2>().0.iter().map(level).collect()
            }
            Self::Pixel => bytes.iter().map(|byte| f32::from(*byte)).collect(),
        }
    }
}

/// Bytes of the number of utterances, at the start of a file.
const COUNT: usize = 8;
/// Bytes of an utterance's entry at the head of a file.
const ENTRY: usize = 16;

#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Digest of the recording.
    key: u64,
    bands: usize,
    values: usize,
    /// Where the values begin, bytes from the start of the file.
    offset: u64,
}

/// A file with the rows of a list of utterances, open for reading.
///
/// At its head stand the number of utterances as u64, little-endian, and for each its key as u64 and its number of bands
/// and of values as u32; behind it the values, utterance after utterance. An utterance that could not be read has 0 bands.
#[derive(Debug)]
pub struct RowFile {
    path: PathBuf,
    file: Mutex<File>,
    value: Value,
    entries: Vec<Entry>,
}

impl RowFile {
    /// Opens a file. None if there is none, or if it is damaged.
    pub(super) fn open(path: &Path, value: Value) -> Option<Self> {
        let mut file = File::open(path).ok()?;
        let len = file.metadata().ok()?.len();
        let mut count = [0; COUNT];
        file.read_exact(&mut count).ok()?;
        let count = usize::try_from(u64::from_le_bytes(count)).ok()?;
        let head = count.checked_mul(ENTRY).filter(|head| *head as u64 <= len)?;
        let mut head = vec![0; head];
        file.read_exact(&mut head).ok()?;
        let mut offset = (COUNT + head.len()) as u64;
        let mut entries = Vec::with_capacity(count);
        for entry in head.as_chunks::<ENTRY>().0 {
            let (key, [bands, values]) = (entry.first_chunk::<8>()?, [entry[8..].first_chunk()?, entry.last_chunk()?]);
            let [bands, values] = [bands, values].map(|number| u32::from_le_bytes(*number) as usize);
            entries.push(Entry { key: u64::from_le_bytes(*key), bands, values, offset });
            offset += (values * value.bytes()) as u64;
        }
        (len == offset).then(|| Self { path: path.to_owned(), file: Mutex::new(file), value, entries })
    }

    /// Number of utterances, whether they could be read or not.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The places of the utterances that could be read, by their keys.
    pub(super) fn keys(&self) -> impl Iterator<Item = (u64, usize)> {
        let readable = self.entries.iter().enumerate().filter(|(_, entry)| entry.bands > 0);
        readable.map(|(place, entry)| (entry.key, place))
    }

    /// Whether the utterance could be read when the file was made.
    pub(super) fn holds(&self, place: usize) -> bool {
        self.entry(place).is_some()
    }

    /// None for an utterance without rows in the file.
    fn entry(&self, place: usize) -> Option<&Entry> {
        self.entries.get(place).filter(|entry| entry.bands > 0)
    }

    fn rows(&self, place: usize) -> Result<Rows> {
        let Some(entry) = self.entry(place) else { return Ok(Rows::default()) };
        let mut bytes = vec![0; entry.values * self.value.bytes()];
        let mut read = || -> std::io::Result<()> {
            // Each request seeks, so a thread that panicked leaves nothing behind that matters.
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            file.seek(SeekFrom::Start(entry.offset))?;
            file.read_exact(&mut bytes)
        };
        read().with_context(|| format!("cannot read {}", self.path.display()))?;
        Ok(Rows { bands: entry.bands, values: self.value.decode(&bytes) })
    }
}

/// Writes the file that [`RowFile`] reads, some utterances at a time.
pub(super) struct RowWriter<'f> {
    file: &'f mut File,
    value: Value,
    head: Vec<u8>,
}

impl<'f> RowWriter<'f> {
    /// Leaves room for the head at the start of an empty file.
    pub(super) fn new(file: &'f mut File, utterances: usize, value: Value) -> Result<Self> {
        file.seek(SeekFrom::Start((COUNT + utterances * ENTRY) as u64))?;
        let mut head = Vec::with_capacity(COUNT + utterances * ENTRY);
        head.extend((utterances as u64).to_le_bytes());
        Ok(Self { file, value, head })
    }

    /// Adds the next utterances, each with its key; None for one that could not be read.
    pub(super) fn push<'r>(&mut self, utterances: impl IntoIterator<Item = (u64, Option<&'r Rows>)>) -> Result<()> {
        let unreadable = Rows::default();
        let mut bytes = Vec::new();
        for (key, rows) in utterances {
            let rows = rows.unwrap_or(&unreadable);
            self.head.extend(key.to_le_bytes());
            for number in [rows.bands, rows.values.len()] {
                self.head
                    .extend(u32::try_from(number).context("an utterance is too long for the cache")?.to_le_bytes());
            }
            bytes.extend(self.value.encode(&rows.values));
        }
        Ok(self.file.write_all(&bytes)?)
    }

    /// Writes the head.
    pub(super) fn finish(self) -> Result<()> {
        self.file.seek(SeekFrom::Start(0))?;
        Ok(self.file.write_all(&self.head)?)
    }
}
