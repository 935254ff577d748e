//! FLAC, Ogg and MP3, decoded by symphonia.

use std::io::{Cursor, ErrorKind};

use anyhow::{Context, Result, anyhow, bail, ensure};
use symphonia::core::audio::GenericAudioBufferRef;
use symphonia::core::codecs::audio::well_known::{CODEC_ID_FLAC, CODEC_ID_MP3, CODEC_ID_VORBIS};
use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions};
use symphonia::default::codecs::{FlacDecoder, MpaDecoder, VorbisDecoder};
use symphonia::default::formats::{FlacReader, MpaReader, OggReader};

use super::container::Container;
use super::format::{AudioFormat, Encoding};
use super::recording::Recording;

/// An MP3 file has no mark but the beginning of each frame, which chance may make once.
const LEAST_MP3_FRAMES: usize = 2;

/// Decodes a file in a container other than WAV.
pub(super) fn decode(container: Container, bytes: &[u8]) -> Result<Recording> {
    let source = MediaSourceStream::new(Box::new(Cursor::new(bytes)), MediaSourceStreamOptions::default());
    let options = FormatOptions::default();
    let mut reader: Box<dyn FormatReader + '_> = match container {
        Container::Flac => Box::new(FlacReader::try_new(source, options).map_err(reason)?),
        Container::Ogg => Box::new(OggReader::try_new(source, options).map_err(reason)?),
        Container::Mpeg => Box::new(MpaReader::try_new(source, options).map_err(reason)?),
        Container::Wav => bail!("a WAV file is not compressed"),
    };
    let wanted = "wanted FLAC, Vorbis or MP3";
    let track = reader.default_track(TrackType::Audio).with_context(|| format!("no audio in it; {wanted}"))?;
    let (id, announced) = (track.id, track.num_frames);
    let parameters = track.codec_params.as_ref().and_then(|parameters| parameters.audio());
    let parameters = parameters.with_context(|| format!("unknown encoding; {wanted}"))?;
    // FLAC files carry a checksum of their samples.
    let verified = AudioDecoderOptions::default().verify(true);
    let (mut decoder, encoding): (Box<dyn AudioDecoder>, Encoding) = match parameters.codec {
        CODEC_ID_FLAC => (
            Box::new(FlacDecoder::try_new(parameters, &verified).map_err(reason)?),
            Encoding::Flac { bits: parameters.bits_per_sample.unwrap_or(0) },
        ),
        CODEC_ID_VORBIS => (Box::new(VorbisDecoder::try_new(parameters, &verified).map_err(reason)?), Encoding::Vorbis),
        CODEC_ID_MP3 => (Box::new(MpaDecoder::try_new(parameters, &verified).map_err(reason)?), Encoding::Mp3),
        _ => bail!("an encoding that is not read; {wanted}"),
    };

    let mut decoded = Decoded { encoding, format: None, interleaved: Vec::new(), mono: Vec::new() };
    let mut packets = 0;
    while let Some(packet) = reader.next_packet().map_err(reason)? {
        if packet.track_id != id {
            continue;
        }
        packets += 1;
        match decoder.decode(&packet) {
            Ok(buffer) => decoded.append(&buffer)?,
            // The first frames of a stream that was cut refer to what was cut off.
            Err(Error::DecodeError(_)) if encoding == Encoding::Mp3 => {}
            Err(error) => return Err(reason(error)),
        }
    }
    ensure!(
        encoding != Encoding::Mp3 || packets >= LEAST_MP3_FRAMES,
        "wanted at least {LEAST_MP3_FRAMES} frames, found {packets}"
    );
    if let (Encoding::Flac { .. }, Some(announced)) = (encoding, announced) {
        let came = decoded.mono.len() as u64;
        ensure!(came >= announced, "truncated: the header says {announced} samples, the file holds {came}");
    }
    ensure!(decoder.finalize().verify_ok != Some(false), "damaged: the samples do not fit their checksum");
    Ok(Recording { samples: decoded.mono, format: decoded.format.context("no samples")? })
}

/// What was decoded so far.
struct Decoded {
    encoding: Encoding,
    /// None before the first samples.
    format: Option<AudioFormat>,
    /// Memory for a packet.
    interleaved: Vec<f32>,
    mono: Vec<f32>,
}

impl Decoded {
    /// Appends the average of the channels of each frame.
    fn append(&mut self, buffer: &GenericAudioBufferRef<'_>) -> Result<()> {
        if buffer.frames() == 0 {
            return Ok(());
        }
        let channels = buffer.num_planes();
        let format = AudioFormat {
            sample_rate_hz: buffer.spec().rate(),
            channels: u16::try_from(channels).unwrap_or(u16::MAX),
            encoding: self.encoding,
        };
        format.check()?;
        let first = *self.format.get_or_insert(format);
        ensure!(first == format, "it changes from {first} to {format}");
        buffer.copy_to_vec_interleaved(&mut self.interleaved);
        for frame in self.interleaved.chunks_exact(channels) {
            let sum: f32 = frame.iter().sum();
            ensure!(sum.is_finite(), "sample {} is {sum}", self.mono.len());
            self.mono.push(sum / channels as f32);
        }
        Ok(())
    }
}

/// What an error of the decoder means to the owner of the file.
fn reason(error: Error) -> anyhow::Error {
    match error {
        Error::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => anyhow!("truncated: the file ends early"),
        Error::Unsupported(feature) => anyhow!("not read: {feature}"),
        Error::DecodeError(what) => anyhow!("damaged: {what}"),
        other => anyhow!("damaged: {other}"),
    }
}
