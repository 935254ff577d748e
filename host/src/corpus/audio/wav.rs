//! WAV files: RIFF with 32-bit lengths, RF64 and BW64 with 64-bit lengths (EBU Tech 3306).

use std::io::{ErrorKind, Read};

use anyhow::{Context, Result, bail, ensure};

use super::format::{AudioFormat, Encoding};
use super::pcm::Layout;
use super::recording::Recording;

/// Writers that cannot go back to the header say that the samples take at least so many bytes: sox 0x7FFFF000, arecord
/// 0x80000000, ffmpeg 0xFFFFFFFF.
const UNKNOWN_LEN: u64 = 0x7fff_f000;
/// Lengths that an RF64 file gives elsewhere.
const LEN_IS_ELSEWHERE: u32 = u32::MAX;
/// A format is described in 16 to 40 bytes.
const FORMAT_LEN: std::ops::RangeInclusive<u32> = 16..=1024;
/// The format of a sample stands in the first two bytes of a sub-format of 16; these are the others.
const SUB_FORMAT: [u8; 14] = *b"\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71";
const EXTENSIBLE: u16 = 0xfffe;
/// Bytes of name and length of a chunk.
const CHUNK_HEADER_LEN: u64 = 8;

/// All that stands before the samples.
#[derive(Clone, Debug)]
pub(super) struct Header {
    pub format: AudioFormat,
    pub layout: Layout,
    pub len: Len,
    /// What was read of the samples to tell whether there are any.
    pub peeked: Vec<u8>,
}

/// Bytes of the samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Len {
    /// As many as this.
    Known(u64),
    /// The writer did not know: all that come.
    Unknown,
}

impl Header {
    /// Reads up to the first byte of the samples.
    ///
    /// # Errors
    ///
    /// If the audio ends before, is no WAV file, has an encoding that is not read, or has a rate or number of channels
    /// that is not accepted.
    pub fn read(input: &mut impl Read) -> Result<Self> {
        let (riff, riff_len) = chunk(input)?;
        ensure!(riff != *b"RIFX", "a big-endian WAV file (RIFX); wanted little-endian (RIFF)");
        let form = bytes::<4>(input)?;
        ensure!(form == *b"WAVE", "not a WAV file but RIFF of type {:?}", String::from_utf8_lossy(&form));
        // Where the file ends, by its own account; the first 8 bytes do not count.
        let riff_len = u64::from(riff_len);
        let end = riff_len + 8;
        let mut at = 12;
        let mut long_len = None;
        let mut format = None;
        loop {
            let (id, len) = chunk(input)?;
            at += 8;
            // A chunk of odd length is padded.
            let padded = u64::from(len) + u64::from(len % 2);
            match &id {
                b"data" => {
                    let (format, layout) = format.context("the WAV file has no format (fmt) before its samples")?;
                    let mut peeked = Vec::new();
                    let len = match (u64::from(len), long_len) {
                        (_, Some(long_len)) if len == LEN_IS_ELSEWHERE => match long_len {
                            0 | u64::MAX => Len::Unknown,
                            len => Len::Known(len),
                        },
                        // A recorder that never came to write the lengths: nothing should follow, yet something does.
                        (0, _) if end <= at || riff_len >= UNKNOWN_LEN => Len::Unknown,
                        // One that wrote only the length of the file: what follows is another chunk, or the samples.
                        (0, _) => {
                            input.by_ref().take(CHUNK_HEADER_LEN).read_to_end(&mut peeked).context("cannot be read")?;
                            if is_chunk(&peeked, end.saturating_sub(at)) { Len::Known(0) } else { Len::Unknown }
                        }
                        (len, _) if len >= UNKNOWN_LEN => Len::Unknown,
                        (len, _) => Len::Known(len),
                    };
                    return Ok(Self { format, layout, len, peeked });
                }
                b"fmt " => {
                    ensure!(FORMAT_LEN.contains(&len), "a format (fmt) of {len} bytes, wanted 16 to 40");
                    let mut description = vec![0; padded as usize];
                    fill(input, &mut description)?;
                    format = Some(describe(&description)?);
                }
                b"ds64" if padded >= 16 => {
                    let _file_len = bytes::<8>(input)?;
                    long_len = Some(u64::from_le_bytes(bytes(input)?));
                    skip(input, padded - 16)?;
                }
                _ => skip(input, padded)?,
            }
            at += padded;
        }
    }
}

/// Decodes a file.
pub(super) fn decode(file: &[u8]) -> Result<Recording> {
    let mut rest = file;
    let Header { format, mut layout, len, peeked } = Header::read(&mut rest)?;
    let rest = &file[file.len() - rest.len() - peeked.len()..];
    let samples = match len {
        Len::Known(len) => usize::try_from(len).ok().and_then(|len| rest.get(..len)).with_context(|| {
            let frame_len = layout.frame_len() as u64;
            truncated(len / frame_len, rest.len() as u64 / frame_len)
        })?,
        Len::Unknown => rest,
    };
    if layout.is_doubtful() {
        layout.settle(samples, format.samples_in_a_second());
    }
    let mut mono = Vec::new();
    layout.mix_down(samples, 0, &mut mono)?;
    Ok(Recording { samples: mono, format })
}

/// What to say of a file with fewer frames than its header announces.
pub(super) fn truncated(wanted: u64, came: u64) -> String {
    format!("truncated: the header says {wanted} samples, the file holds {came}")
}

/// Format and layout of the samples, from a `fmt ` chunk of at least 16 bytes.
fn describe(chunk: &[u8]) -> Result<(AudioFormat, Layout)> {
    let word = |at: usize| chunk.get(at..at + 2).map_or(0, |pair| u16::from(pair[0]) | u16::from(pair[1]) << 8);
    let (tag, channels, frame_len, bits) = (word(0), word(2), word(12), word(14));
    let sample_rate_hz = u32::from(word(4)) | u32::from(word(6)) << 16;
    let (tag, valid) = match tag {
        EXTENSIBLE => {
            ensure!(
                chunk.get(26..40) == Some(&SUB_FORMAT),
                "a WAV file in an encoding of somebody's own (extensible, unknown sub-format)"
            );
            (word(24), word(18))
        }
        tag => (tag, 0),
    };
    let container = frame_len.checked_div(channels).unwrap_or(0);
    let encoding = match (tag, bits, container) {
        (1, 1..=32, 1..=4) if bits <= 8 * container => {
            // An extensible format says how many of the bits are used.
            let used = if (1..bits).contains(&valid) { valid } else { bits };
            Encoding::Integer { bits: used, container }
        }
        (3, 32, 4) | (3, 64, 8) => Encoding::Float { bits },
        (6, 8, 1) => Encoding::ALaw,
        (7, 8, 1) => Encoding::MuLaw,
        (1 | 3 | 6 | 7, ..) => bail!(
            "a WAV file with {} of {bits} bits in {container} bytes; wanted integers of 1 to 32 bits, floats of 32 or 64, \
             A-law or µ-law of 8",
            name(tag)
        ),
        _ => bail!(
            "a WAV file in the encoding {}; wanted one without compression: integers, floats, A-law or µ-law",
            name(tag)
        ),
    };
    let format = AudioFormat { sample_rate_hz, channels, encoding };
    format.check()?;
    ensure!(
        frame_len == container * channels,
        "a WAV file with {frame_len} bytes for the samples of {channels} channels, wanted a multiple"
    );
    // Fewer bits than fill their bytes are in the upper ones, as the standard demands. Where there is a byte more than
    // the bits need, some writers keep to that, and others use the lower ones, as ALSA's formats S24_LE and S20_LE.
    let left = bits.div_ceil(8) == container;
    Ok((format, Layout::new(encoding, container.into(), channels.into(), left)))
}

/// The name of an encoding (RFC 2361).
fn name(tag: u16) -> String {
    let name = match tag {
        1 => "integers",
        2 => "Microsoft ADPCM",
        3 => "floats",
        6 => "A-law",
        7 => "µ-law",
        0x11 => "IMA ADPCM",
        0x31 => "GSM 6.10",
        0x50 => "MPEG audio",
        0x55 => "MP3",
        0xff | 0x1610 => "AAC",
        0x160 | 0x161 => "WMA",
        _ => return format!("{tag:#06x}"),
    };
    name.to_owned()
}

/// Whether these bytes are the header of a chunk that fits into the `room` bytes that begin with it.
fn is_chunk(bytes: &[u8], room: u64) -> bool {
    let Ok((id, len)) = chunk(&mut &*bytes) else { return bytes.is_empty() };
    id.iter().all(|byte| matches!(byte, b' '..=b'~')) && u64::from(len) + CHUNK_HEADER_LEN <= room
}

/// Name and length of the next chunk.
fn chunk(input: &mut impl Read) -> Result<([u8; 4], u32)> {
    Ok((bytes(input)?, u32::from_le_bytes(bytes(input)?)))
}

/// The next `N` bytes.
fn bytes<const N: usize>(input: &mut impl Read) -> Result<[u8; N]> {
    let mut bytes = [0; N];
    fill(input, &mut bytes)?;
    Ok(bytes)
}

fn fill(input: &mut impl Read, bytes: &mut [u8]) -> Result<()> {
    input.read_exact(bytes).map_err(|error| match error.kind() {
        ErrorKind::UnexpectedEof => anyhow::Error::msg(ENDS_EARLY),
        _ => anyhow::Error::new(error).context("cannot be read"),
    })
}

fn skip(input: &mut impl Read, len: u64) -> Result<()> {
    let skipped = std::io::copy(&mut input.take(len), &mut std::io::sink()).context("cannot be read")?;
    ensure!(skipped == len, ENDS_EARLY);
    Ok(())
}

const ENDS_EARLY: &str = "truncated: the file ends before its samples begin";
