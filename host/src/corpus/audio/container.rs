//! What a file is, by its first bytes.

use std::fmt;

use anyhow::{Result, bail};

/// The containers that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Container {
    Wav,
    Flac,
    Ogg,
    Mpeg,
}

/// Bytes of the mark that [`Container::of_mark`] knows.
const MARK_LEN: usize = 4;
/// Bytes from the start of a file that tell what it is, [`Container::other`] included.
pub(super) const START_LEN: usize = 12;

/// Marks of files that are not read: where the mark stands, the mark, what the file is.
const OTHERS: [(usize, &[u8], &str); 10] = [
    (0, b"FORM", "AIFF"),
    (4, b"ftyp", "MP4 (M4A)"),
    (0, b"\x1a\x45\xdf\xa3", "Matroska (WebM)"),
    (0, b"caff", "CAF"),
    (0, b".snd", "AU"),
    (0, b"NIST_1A", "NIST SPHERE"),
    (0, b"#!AMR", "AMR"),
    (0, b"wvpk", "WavPack"),
    (0, b"\x30\x26\xb2\x75", "WMA"),
    (0, b"riff\x2e\x91\xcf\x11", "Wave64"),
];

impl Container {
    /// The container that begins with these bytes, if they leave no doubt. A tag before the audio (ID3) is taken for
    /// MP3's.
    pub fn of_mark(bytes: &[u8]) -> Option<Self> {
        let mark = bytes.first_chunk::<MARK_LEN>()?;
        match mark {
            // RIFX is a WAV file too; its reader says that it reads none.
            b"RIFF" | b"RF64" | b"BW64" | b"RIFX" => Some(Self::Wav),
            b"fLaC" => Some(Self::Flac),
            b"OggS" => Some(Self::Ogg),
            [b'I', b'D', b'3', _] => Some(Self::Mpeg),
            _ => None,
        }
    }

    /// What begins with these bytes, if it is known and not read. A container that is read may have such a mark among its
    /// lengths.
    pub fn other(bytes: &[u8]) -> Option<&'static str> {
        if Self::of_mark(bytes).is_some() {
            return None;
        }
        let known = OTHERS.iter().find(|(at, mark, _)| bytes.get(*at..).is_some_and(|rest| rest.starts_with(mark)));
        known.map(|(_, _, name)| *name)
    }

    /// The container of a file, and the file without the tags before the audio.
    ///
    /// # Errors
    ///
    /// If it is none of them; the error says what it is, as far as that can be told.
    pub fn of(bytes: &[u8]) -> Result<(Self, &[u8])> {
        let audio = behind_tags(bytes);
        match audio {
            // Eleven bits of synchronisation, a version, a layer: 0 is AAC, not MPEG audio.
            [0xff, second, ..] if second & 0xe0 == 0xe0 && second & 0x06 != 0 => return Ok((Self::Mpeg, audio)),
            _ => {}
        }
        if let Some(container) = Self::of_mark(audio) {
            return Ok((container, audio));
        }
        match Self::other(audio) {
            Some(name) => bail!("not a WAV file, nor FLAC, Ogg or MP3, but {name}"),
            None => bail!("not a WAV file, nor FLAC, Ogg or MP3"),
        }
    }
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Wav => "WAV",
            Self::Flac => "FLAC",
            Self::Ogg => "Ogg",
            Self::Mpeg => "MP3",
        })
    }
}

/// The bytes behind ID3v2 tags. A tag has ten bytes of header and a length in four bytes of seven bits each.
fn behind_tags(mut bytes: &[u8]) -> &[u8] {
    while let Some((&[b'I', b'D', b'3', _, _, flags, a, b, c, d], rest)) = bytes.split_first_chunk::<10>() {
        let len = [a, b, c, d].iter().fold(0, |len, byte| len << 7 | usize::from(byte & 0x7f));
        // A footer repeats the header.
        let footer = if flags & 0x10 == 0 { 0 } else { 10 };
        bytes = rest.get(len + footer..).unwrap_or_default();
    }
    bytes
}
