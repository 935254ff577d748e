//! Options that change the front end of a network.

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use ser_core::spec::{Denoise, FrontEnd, Network, Window};

use crate::features::tables::OwnedTables;

/// The noise estimate is subtracted once, in tenths. Of the factors 1, 2 and 3, this one leaves the log-mel rows of
/// noisy speech nearest to those of clean speech.
const SUBTRACTION_TENTHS: u8 = 10;
/// Heading of these options in `--help`. Each option names it: a heading of the whole struct would also stand over the
/// options that follow.
const HEADING: &str = "Front end";

/// Changes of the front end. An option that is not given changes nothing.
#[derive(Args, Clone, Debug, Default, PartialEq)]
pub struct FrontEndOptions {
    /// Subtract the noise from each mel band, by at most DB decibels, 1 to 60 [without =DB: 10].
    #[arg(
        long,
        value_name = "DB",
        help_heading = HEADING,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "10"
    )]
    pub denoise: Option<u8>,
    /// Window of each frame.
    #[arg(long, help_heading = HEADING, value_enum)]
    pub window: Option<WindowName>,
    /// Number of mel bands, 1 to 128.
    #[arg(long, help_heading = HEADING, value_name = "N")]
    pub mel_bands: Option<usize>,
    /// Pre-emphasis y(n) = x(n) - A x(n-1), A from 0 (none) to 1; 0.97 is usual.
    #[arg(long, help_heading = HEADING, value_name = "A")]
    pub pre_emphasis: Option<f32>,
    /// Keep the silence in the recordings.
    #[arg(long, help_heading = HEADING)]
    pub keep_silence: bool,
}

/// Windows of frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WindowName {
    /// Raised cosine, 0 at its ends.
    Hann,
    /// Raised cosine on a pedestal, 0.08 at its ends.
    Hamming,
}

impl FrontEndOptions {
    /// The network with the changed front end.
    ///
    /// # Errors
    ///
    /// If the front end makes an image, a parameter is out of its range, or the layers can't take the rows.
    pub fn apply(&self, network: Network) -> Result<Network> {
        if *self == Self::default() {
            return Ok(network);
        }
        let preset = network.front_end;
        ensure!(
            preset.image.is_none(),
            "--denoise, --window, --mel-bands, --pre-emphasis and --keep-silence are for log-mel rows, \
             this network is shown an image"
        );
        let front_end = FrontEnd {
            denoise: self
                .denoise
                .map(|depth_db| Denoise { subtraction_tenths: SUBTRACTION_TENTHS, depth_db })
                .or(preset.denoise),
            window: self.window.map_or(preset.window, |window| match window {
                WindowName::Hann => Window::Hann,
                WindowName::Hamming => Window::Hamming,
            }),
            mel_bands: self.mel_bands.unwrap_or(preset.mel_bands),
            pre_emphasis: self.pre_emphasis.unwrap_or(preset.pre_emphasis),
            trim: preset.trim.filter(|_| !self.keep_silence),
            ..preset
        };
        OwnedTables::new(&front_end).context("the front end is unusable")?;
        let network = Network { front_end, ..network };
        network.check().context("the network is unusable with this front end")?;
        Ok(network)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use ser_core::spec::{edge, paper};

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        options: FrontEndOptions,
    }

    fn options(line: &str) -> FrontEndOptions {
        Command::try_parse_from(["host"].into_iter().chain(line.split_whitespace())).unwrap().options
    }

    #[test]
    fn what_is_named_is_changed_and_nothing_else() {
        let preset = edge().front_end;
        let denoise = |depth_db| Some(Denoise { subtraction_tenths: 10, depth_db });
        for (line, wanted) in [
            ("", preset),
            ("--denoise", FrontEnd { denoise: denoise(10), ..preset }),
            ("--denoise=15", FrontEnd { denoise: denoise(15), ..preset }),
            ("--window hamming", FrontEnd { window: Window::Hamming, ..preset }),
            ("--mel-bands 26 --pre-emphasis 0.97", FrontEnd { mel_bands: 26, pre_emphasis: 0.97, ..preset }),
            ("--keep-silence", FrontEnd { trim: None, ..preset }),
        ] {
            assert_eq!(options(line).apply(edge()).unwrap(), Network { front_end: wanted, ..edge() }, "{line}");
        }
    }

    #[test]
    fn a_front_end_out_of_range_and_one_of_an_image_are_refused() {
        for line in ["--denoise=0", "--denoise=61", "--mel-bands 0", "--mel-bands 129", "--pre-emphasis 1.1"] {
            let error = options(line).apply(edge()).unwrap_err();
            assert!(format!("{error:#}").contains("wanted"), "{line}: {error:#}");
        }
        assert!(options("").apply(paper()).is_ok());
        for line in ["--denoise", "--window hann", "--mel-bands 40", "--pre-emphasis 0", "--keep-silence"] {
            assert!(options(line).apply(paper()).unwrap_err().to_string().contains("image"), "{line}");
        }
    }
}
