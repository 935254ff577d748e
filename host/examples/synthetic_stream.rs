//! Writes a stream of synthetic speech to standard output, raw 16-bit little-endian PCM at 16 kHz: one utterance in
//! each emotion, each followed by a second of silence.
//!
//! ```sh
//! cargo run --release -p host --no-default-features --example synthetic_stream > audio.raw
//! ```

use std::io::{self, Write};

use ser_host::corpus::audio::SAMPLE_RATE_HZ;
use ser_host::corpus::labels::EMOTIONS;
use ser_host::corpus::synth::{self, DEFAULT_SEED, VOICES};

fn main() -> io::Result<()> {
    let mut output = io::stdout().lock();
    for emotion in 0..EMOTIONS.len() {
        let mut samples = synth::render(DEFAULT_SEED, emotion % VOICES.len(), emotion, emotion);
        samples.resize(samples.len() + SAMPLE_RATE_HZ as usize, 0);
        for sample in samples {
            output.write_all(&sample.to_le_bytes())?;
        }
    }
    Ok(())
}
