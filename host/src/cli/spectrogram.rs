//! `host spectrogram`: a recording as a picture.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use ser_core::spec::edge;

use crate::corpus::audio::{SAMPLE_RATE_HZ, read_audio};
use crate::files::write_atomic;
use crate::report::spectrogram::{Labels, Levels, Spectrogram};

/// Size of the picture, CSS pixels; a PNG has twice as many.
const SIZE: (u32, u32) = (900, 420);

/// Draw the spectrogram of a recording: time, frequency, level in dBFS.
///
/// As for recognition, other rates are converted to 16 kHz, and channels are averaged.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example: host spectrogram my.wav --kind linear --out my.svg")]
pub struct SpectrogramArgs {
    /// WAV, FLAC, Ogg Vorbis or MP3 file, any rate.
    #[arg(value_name = "FILE")]
    recording: PathBuf,
    /// Kind of the frequency axis.
    #[arg(long, value_enum, default_value_t = Kind::Mel)]
    kind: Kind,
    /// PNG or SVG file to write [default: name of the recording with .png, in the current folder].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Kind of spectrogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Spectrum from 0 to 8 kHz, Hann window of 16 ms each 8 ms.
    Linear,
    /// Log-mel rows of the front end of the network `edge`, silence kept.
    Mel,
}

/// Format of the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Png,
    Svg,
}

impl Format {
    fn of(path: &Path) -> Result<Self> {
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        match extension.as_str() {
            "png" => Ok(Self::Png),
            "svg" => Ok(Self::Svg),
            _ => bail!("{}: wanted a name that ends in .png or .svg", path.display()),
        }
    }
}

/// Runs the command.
///
/// # Errors
///
/// If the recording can't be read or is shorter than a frame, or if the picture's name ends in neither .png nor .svg or
/// the picture can't be written.
pub fn run(args: &SpectrogramArgs) -> Result<()> {
    let out = args.out.clone().unwrap_or_else(|| default_out(&args.recording));
    let format = Format::of(&out)?;
    let samples = read_audio(&args.recording, SAMPLE_RATE_HZ)?;
    let spectrogram = match args.kind {
        Kind::Linear => Spectrogram::linear(&samples),
        Kind::Mel => Spectrogram::mel(&edge().front_end, &samples),
    };
    let spectrogram = spectrogram.with_context(|| args.recording.display().to_string())?;
    let file = args.recording.file_name().unwrap_or_default().to_string_lossy();
    let levels = Levels::of([&spectrogram]);
    let (start, end) = spectrogram.seconds();
    let description = format!(
        "Spectrogram of {file}, {start:.2} to {end:.2} s, from white at {} to black at {} {}.",
        levels.low, levels.high, levels.unit
    );
    let labels = Labels {
        name: "spectrogram",
        title: &file,
        subtitle: spectrogram.analysis(),
        time: "time, s",
        description: &description,
    };
    let picture = spectrogram.picture(labels, &levels, SIZE)?;
    match format {
        Format::Png => write_atomic(&out, &picture.png()?)?,
        Format::Svg => write_atomic(&out, picture.svg().as_bytes())?,
    }
    println!("{}: {}", out.display(), spectrogram.analysis());
    Ok(())
}

fn default_out(recording: &Path) -> PathBuf {
    let mut name = recording.file_stem().unwrap_or_default().to_owned();
    name.push(".png");
    name.into()
}
