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
use super::ogg;
use super::recording::Recording;

/// An MP3 file has no mark but the beginning of each frame, which chance may make once.
const LEAST_MP3_FRAMES: usize = 2;
/// Encoders do not agree on whether the frame of the header counts; a frame has 1152 samples.
const SPARED_MP3_SAMPLES: u64 = 1152;
/// Bytes of an ID3v1 tag, which stands at the end of a file.
const TAG_LEN: usize = 128;

/// Decodes a file in a container other than WAV.
pub(super) fn decode(container: Container, bytes: &[u8]) -> Result<Recording> {
    // The reader of FLAC would take a tag at the end for a part of the last frame, and leave out both.
    let bytes = match bytes.split_last_chunk::<TAG_LEN>() {
        Some((audio, [b'T', b'A', b'G', ..])) if container == Container::Flac => audio,
        _ => bytes,
    };
    let source = MediaSourceStream::new(Box::new(Cursor::new(bytes)), MediaSourceStreamOptions::default());
    let options = FormatOptions::default();
    let mut reader: Box<dyn FormatReader + '_> = match container {
        Container::Flac => Box::new(FlacReader::try_new(source, options).map_err(reason)?),
        Container::Ogg => {
            ogg::check(bytes)?;
            Box::new(OggReader::try_new(source, options).map_err(reason)?)
        }
        Container::Mpeg => Box::new(MpaReader::try_new(source, options).map_err(reason)?),
        Container::Wav => bail!("a WAV file is not compressed"),
    };
    let wanted = "wanted FLAC, Vorbis or MP3";
    let track = reader.default_track(TrackType::Audio).with_context(|| format!("no audio in it; {wanted}"))?;
    let (id, announced) = (track.id, track.num_frames);
    // Without the encoder's delay the number of samples of an MP3 file is a guess.
    let announced = announced.filter(|_| container != Container::Mpeg || track.delay.is_some());
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
    let (mut packets, mut packets_len, mut end) = (0, 0, 0);
    loop {
        let packet = match reader.next_packet() {
            Ok(Some(packet)) => packet,
            Ok(None) => break,
            // The last frames of FLAC are missing or damaged.
            Err(Error::IoError(error)) if error.kind() == ErrorKind::UnexpectedEof => break,
            Err(error) => return Err(reason(error)),
        };
        if packet.track_id != id {
            continue;
        }
        if container == Container::Flac {
            // A frame says which samples it holds; the reader leaves out frames that do not fit their checksum.
            let (came, begins) = (decoded.mono.len() as i64, packet.pts.get());
            ensure!(begins == came, "damaged: samples {came} to {begins} cannot be read");
        }
        packets += 1;
        packets_len += packet.data.len();
        end = packet.pts.get().saturating_add_unsigned(packet.dur.get());
        match decoder.decode(&packet) {
            Ok(buffer) => decoded.append(&buffer)?,
            // The first frames of a stream that was cut refer to what was cut off.
            Err(Error::DecodeError(_)) if encoding == Encoding::Mp3 => {}
            Err(error) => return Err(reason(error)),
        }
    }
    let came = decoded.mono.len() as u64;
    match (container, announced) {
        (Container::Flac, Some(announced)) => {
            ensure!(came >= announced, "truncated or damaged: the header says {announced} samples, {came} can be read")
        }
        (Container::Flac, None) => {
            let behind = bytes.len().saturating_sub(flac_header_len(bytes) + packets_len);
            ensure!(behind == 0, "truncated or damaged: the last {behind} bytes are no whole FLAC frame");
        }
        (Container::Mpeg, announced) => {
            ensure!(packets >= LEAST_MP3_FRAMES, "wanted at least {LEAST_MP3_FRAMES} frames, found {packets}");
            let came = end.max(0) as u64;
            if let Some(announced) = announced {
                ensure!(
                    came + SPARED_MP3_SAMPLES >= announced,
                    "truncated or damaged: the header says {announced} samples, {came} can be read"
                );
            }
        }
        (Container::Ogg | Container::Wav, _) => {}
    }
    ensure!(decoder.finalize().verify_ok != Some(false), "damaged: the samples do not fit their checksum");
    Ok(Recording { samples: decoded.mono, format: decoded.format.context("no samples")? })
}

/// Bytes before the first frame of a FLAC file: the mark, then blocks of a byte of kind and three of length.
fn flac_header_len(file: &[u8]) -> usize {
    let mut at = 4;
    while let Some(&[kind, a, b, c]) = file.get(at..).and_then(|rest| rest.first_chunk()) {
        at += 4 + u32::from_be_bytes([0, a, b, c]) as usize;
        if kind & 0x80 != 0 {
            break;
        }
    }
    at
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
