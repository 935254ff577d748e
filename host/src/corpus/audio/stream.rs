//! Audio from a pipe, heard while it is written.

use std::io::{ErrorKind, Read};

use anyhow::{Context, Result, bail, ensure};

use super::Recording;
use super::container::{Container, START_LEN};
use super::pcm::Layout;
use super::rate::Resampler;
use super::recording::to_i16;
use super::wav::{Header, Len, truncated};

/// Bytes that are read at a time: 128 ms of 16-bit mono at 16 kHz.
const PIECE_LEN: usize = 4096;

/// Hears a stream to its end, as mono samples at `rate_hz`.
///
/// The first bytes tell what comes. WAV is heard while it comes, some seconds later if its samples must tell how they are
/// stored. FLAC, Ogg, and MP3 that begins with a tag, are read to their end first. Anything else is raw PCM: 16-bit
/// little-endian mono at `raw_rate_hz`, or at `rate_hz` if none is given.
///
/// # Errors
///
/// If the stream is empty, or is a recording in a container that is not read and no `raw_rate_hz` says that it is raw all
/// the same. If the stream cannot be read or ends in the middle of a sample, if a recording in it cannot be decoded, or
/// if `raw_rate_hz` is given for a recording, which has a rate of its own. What was heard before stays heard.
pub fn hear(mut input: impl Read, raw_rate_hz: Option<u32>, rate_hz: u32, mut take: impl FnMut(&[i16])) -> Result<()> {
    let mut start = Vec::with_capacity(START_LEN);
    input.by_ref().take(START_LEN as u64).read_to_end(&mut start).context("cannot be read")?;
    ensure!(!start.is_empty(), "an empty stream");
    let container = Container::of_mark(&start);
    ensure!(
        container.is_none() || raw_rate_hz.is_none(),
        "a sample rate is for raw PCM alone: this is a recording that says its own"
    );
    if let (Some(name), None) = (Container::other(&start), raw_rate_hz) {
        bail!("{name}; wanted WAV, FLAC, Ogg, MP3, or raw 16-bit PCM: a sample rate says that it is raw");
    }
    let mut input = start.as_slice().chain(input);
    match container {
        None => {
            pieces(input, Layout::RAW, Len::Unknown, Resampler::new(raw_rate_hz.unwrap_or(rate_hz), rate_hz)?, take)
                .and_then(|rest| {
                    ensure!(rest == 0, "the stream ends in the middle of a sample; wanted raw 16-bit PCM");
                    Ok(())
                })
        }
        Some(Container::Wav) => {
            let Header { format, mut layout, len, peeked: mut first } = Header::read(&mut input)?;
            let second = format.samples_in_a_second();
            while layout.is_doubtful() {
                let room = (second / usize::from(format.channels) * layout.frame_len()) as u64;
                let came = input.by_ref().take(room).read_to_end(&mut first).context("cannot be read")?;
                if layout.settle(&first, second) || came == 0 {
                    break;
                }
            }
            let input = first.as_slice().chain(input);
            pieces(input, layout, len, Resampler::new(format.sample_rate_hz, rate_hz)?, take).map(|_| ())
        }
        Some(Container::Flac | Container::Ogg | Container::Mpeg) => {
            let mut bytes = Vec::new();
            input.read_to_end(&mut bytes).context("cannot be read")?;
            take(&Recording::decode(&bytes)?.at(rate_hz)?);
            Ok(())
        }
    }
}

/// Hears plain samples as they come. Returns how many bytes are left behind the last whole frame.
fn pieces(
    input: impl Read,
    layout: Layout,
    len: Len,
    mut resampler: Resampler,
    mut take: impl FnMut(&[i16]),
) -> Result<usize> {
    let frame_len = layout.frame_len();
    let mut input = input.take(match len {
        Len::Known(len) => len,
        Len::Unknown => u64::MAX,
    });
    let mut bytes = vec![0; PIECE_LEN.max(frame_len)];
    let (mut mono, mut resampled, mut samples) = (Vec::new(), Vec::new(), Vec::new());
    let mut hear = |resampled: &mut Vec<f32>| {
        samples.clear();
        samples.extend(resampled.drain(..).map(to_i16));
        take(&samples);
    };
    // A read may end in the middle of a frame.
    let (mut kept, mut frames) = (0, 0);
    loop {
        let read = match input.read(&mut bytes[kept..]) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            read => read.context("cannot be read")?,
        };
        if read == 0 {
            break;
        }
        let filled = kept + read;
        let whole = filled - filled % frame_len;
        mono.clear();
        layout.mix_down(&bytes[..whole], frames, &mut mono)?;
        frames += mono.len() as u64;
        resampler.push(&mono, &mut resampled)?;
        hear(&mut resampled);
        bytes.copy_within(whole..filled, 0);
        kept = filled - whole;
    }
    ensure!(frames > 0, "no samples");
    resampler.finish(&mut resampled)?;
    hear(&mut resampled);
    if let Len::Known(len) = len {
        let wanted = len / frame_len as u64;
        ensure!(frames >= wanted, truncated(wanted, frames));
    }
    Ok(kept)
}
