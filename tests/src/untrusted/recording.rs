//! A recording in any container, as a file and as a stream.

use std::io::Read;

use ser_host::corpus::audio::{Recording, SAMPLE_RATE_HZ, stream};

use crate::containers::{Encoding, Lengths, flac, wav};
use crate::signals;

/// How the containers begin that a stream is recognised by.
const MARKS: [&[u8]; 6] = [b"RIFF", b"RF64", b"BW64", b"fLaC", b"OggS", b"ID3"];

/// Decodes the bytes as a file, and hears them as a stream that comes in small pieces. What both read is the same.
pub fn check(bytes: &[u8]) {
    let mut heard = Vec::new();
    let stream = stream::hear(Pieces(bytes), None, SAMPLE_RATE_HZ, |samples| heard.extend_from_slice(samples));
    match Recording::decode(bytes) {
        Ok(recording) => {
            assert!(!recording.samples.is_empty() && recording.samples.iter().all(|sample| sample.is_finite()));
            let samples = recording.at(SAMPLE_RATE_HZ).expect("samples at 16 kHz");
            if MARKS.iter().any(|mark| bytes.starts_with(mark)) {
                stream.expect("a stream of what is a recording");
                assert_eq!(heard, samples);
            }
        }
        Err(error) => {
            let reason = format!("{error:#}");
            assert!(!reason.is_empty());
            if stream.is_ok() && MARKS.iter().any(|mark| bytes.starts_with(mark)) {
                assert!(heard.is_empty(), "a stream of {} samples, but the file is refused: {reason}", heard.len());
            }
        }
    }
}

/// A pipe: each read gives up to 997 bytes.
struct Pieces<'a>(&'a [u8]);

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let len = buffer.len().min(997);
        self.0.read(&mut buffer[..len])
    }
}

/// Short recordings in all containers and encodings.
pub fn seeds() -> Vec<Vec<u8>> {
    let samples = signals::noise(1, 8_000, 300);
    let encodings = [
        Encoding::Integer(8),
        Encoding::Integer(16),
        Encoding::Integer(24),
        Encoding::Upper(20),
        Encoding::Lower(24),
        Encoding::Float(32),
        Encoding::Float(64),
        Encoding::ALaw,
        Encoding::MuLaw,
    ];
    let lengths = [Lengths::True, Lengths::AllOnes, Lengths::Sox, Lengths::Zero, Lengths::Long];
    let of_kind = encodings.iter().map(|encoding| wav(&samples, SAMPLE_RATE_HZ, 1, *encoding, Lengths::True));
    let of_length = lengths.iter().map(|lengths| wav(&samples, SAMPLE_RATE_HZ, 2, Encoding::Integer(16), *lengths));
    let resampled = [8_000, 44_100].map(|rate_hz| wav(&samples, rate_hz, 1, Encoding::Integer(16), Lengths::True));
    let compressed = [flac(&samples, SAMPLE_RATE_HZ, 1, 16, 64), flac(&samples, SAMPLE_RATE_HZ, 2, 24, 192)];
    of_kind.chain(of_length).chain(resampled).chain(compressed).chain(TONES.map(<[u8]>::to_vec)).collect()
}

/// Half a second of a tone in FLAC with all its predictors, Ogg and MP3.
const TONES: [&[u8]; 3] = [
    include_bytes!("../../../host/src/corpus/audio/fixtures/tone.flac"),
    include_bytes!("../../../host/src/corpus/audio/fixtures/tone.ogg"),
    include_bytes!("../../../host/src/corpus/audio/fixtures/tone.mp3"),
];
