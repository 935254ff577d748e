//! The figures of an evaluation, for people and as JSON.

use std::fmt;

use ser_host::evaluation::breakdown::Breakdown;
use ser_host::evaluation::interval::{Interval, Intervals, Unit, shown};
use ser_host::evaluation::metrics::Confusion;
use ser_host::evaluation::sweep::SweepReport;
use ser_host::shares::percent;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use crate::tally::Tally;

/// All figures of an evaluation.
#[derive(Debug)]
pub struct Report {
    /// The core's answers.
    pub int8: Tally,
    /// Intervals of the core's figures.
    pub int8_intervals: Intervals,
    /// The core's figures of each corpus and speaker.
    pub breakdown: Breakdown,
    /// None if there was no float model.
    pub comparison: Option<Comparison>,
    /// What the intervals count as one.
    pub unit: Unit,
    /// Utterances that the model was trained on; None if nothing tells.
    pub trained_on: Option<usize>,
    /// Utterances that could not be read.
    pub skipped: usize,
    /// Length of the model file, which is the flash that it takes, bytes.
    pub model_bytes: usize,
    /// Memory of a recognizer, bytes.
    pub state_bytes: usize,
    /// Length of the audio, s.
    pub audio_s: f64,
    /// Time in the core, summed over threads, s.
    pub core_s: f64,
    /// Multiplications with a weight.
    pub macs: u64,
    /// None without `--sweep`.
    pub sweep: Option<SweepReport>,
}

/// The float model's answers, and how far the core is from them.
#[derive(Debug)]
pub struct Comparison {
    /// The float model's answers.
    pub float: Confusion,
    /// Intervals of the float model's figures.
    pub float_intervals: Intervals,
    /// Share of the utterances on which the two models agree, 0 to 1.
    pub agreement: f64,
    /// Over all utterances and labels.
    pub max_probability_difference: f64,
    /// Over all utterances and labels.
    pub mean_probability_difference: f64,
    /// Signal-to-noise ratio of the core's rows against the float model's, dB: of the input and of each layer that
    /// passes rows on. None where signal or noise is 0.
    pub snr_db: Vec<(&'static str, Option<f64>)>,
}

impl Report {
    /// Length of the audio divided by the time that one thread needs for it.
    fn realtime_factor(&self) -> f64 {
        self.audio_s / self.core_s
    }

    fn macs_per_second(&self) -> f64 {
        self.macs as f64 / self.core_s
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let utterances = self.int8.utterances();
        match self.trained_on {
            Some(0) => writeln!(f, "trained on   none of these {utterances} recordings")?,
            Some(known) => {
                writeln!(f, "trained on   {known} of these {utterances} recordings: THE FIGURES BELOW ARE NO TEST")?;
            }
            None => writeln!(f, "trained on   unknown: no file MODEL.trained.json tells")?,
        }
        let interval = |intervals: &Intervals| {
            let [uar, war] = [intervals.uar, intervals.war].map(shown);
            format!("95 % intervals, over {}: UAR {uar}, WAR {war}", self.unit.count(intervals.units))
        };
        writeln!(f, "\nint8 core\n{}\n{}", self.int8.confusion, interval(&self.int8_intervals))?;
        writeln!(f, "{}", self.breakdown)?;
        if let Some(comparison) = &self.comparison {
            writeln!(f, "float model\n{}\n{}\n", comparison.float, interval(&comparison.float_intervals))?;
            writeln!(f, "layer        signal to noise of int8 against float")?;
            for (index, (layer, snr_db)) in comparison.snr_db.iter().enumerate() {
                let snr_db = snr_db.map_or("-".to_owned(), |snr_db| format!("{snr_db:.1} dB"));
                writeln!(f, "{index:>2} {layer:<9} {snr_db:>9}")?;
            }
            writeln!(f, "\nagreement    {} of the utterances", percent(comparison.agreement))?;
            writeln!(
                f,
                "probability  differs by at most {:.4}, by {:.4} on average",
                comparison.max_probability_difference, comparison.mean_probability_difference
            )?;
        }
        write!(f, "confident    {} of the utterances", percent(self.int8.sure_share()))?;
        match self.int8.war_of_sure() {
            Some(war) => writeln!(f, ", {} of them right", percent(war))?,
            None => writeln!(f)?,
        }
        writeln!(
            f,
            "not sure     {} of the utterances; {} got no answer at all",
            percent(self.int8.not_sure_share()),
            percent(self.int8.unanswered_share())
        )?;
        writeln!(
            f,
            "calibration  the confidence is off by {:.3} on average (expected calibration error)",
            self.int8.calibration_error
        )?;
        writeln!(f, "skipped      {}", self.skipped)?;
        writeln!(f, "flash        {} bytes (model file)", self.model_bytes)?;
        writeln!(f, "state        {} bytes", self.state_bytes)?;
        write!(
            f,
            "speed        {:.0} x real time on one thread: {:.0} s of audio in {:.3} s, {:.0} M MAC/s",
            self.realtime_factor(),
            self.audio_s,
            self.core_s,
            self.macs_per_second() / 1e6
        )?;
        match &self.sweep {
            Some(sweep) => write!(f, "\n\n{sweep}"),
            None => Ok(()),
        }
    }
}

/// Figures of one model in the JSON.
#[derive(Serialize)]
struct Figures {
    war: f64,
    uar: f64,
    macro_f1: f64,
    war_95: Interval,
    recalls: Vec<Option<f64>>,
    unanswered: u64,
}

impl Figures {
    fn new(confusion: &Confusion, intervals: &Intervals) -> Self {
        Self {
            war: confusion.war(),
            uar: confusion.uar(),
            macro_f1: confusion.macro_f1(),
            war_95: intervals.war,
            recalls: confusion.recalls(),
            unanswered: confusion.unanswered.iter().sum(),
        }
    }
}

#[derive(Serialize)]
struct Snr {
    layer: &'static str,
    snr_db: Option<f64>,
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let comparison = self.comparison.as_ref();
        let float = comparison.map(|comparison| Figures::new(&comparison.float, &comparison.float_intervals));
        let mut json = serializer.serialize_struct("Report", 26)?;
        json.serialize_field("utterances", &self.int8.utterances())?;
        json.serialize_field("skipped", &self.skipped)?;
        json.serialize_field("trained_on", &self.trained_on)?;
        json.serialize_field("interval_unit", &self.unit)?;
        json.serialize_field("interval_units", &self.int8_intervals.units)?;
        json.serialize_field("float", &float)?;
        json.serialize_field("int8", &Figures::new(&self.int8.confusion, &self.int8_intervals))?;
        json.serialize_field("corpora", &self.breakdown.corpora)?;
        json.serialize_field("speakers", &self.breakdown.speakers)?;
        json.serialize_field("agreement", &comparison.map(|comparison| comparison.agreement))?;
        json.serialize_field(
            "max_probability_difference",
            &comparison.map(|comparison| comparison.max_probability_difference),
        )?;
        json.serialize_field(
            "mean_probability_difference",
            &comparison.map(|comparison| comparison.mean_probability_difference),
        )?;
        json.serialize_field("labels", &self.int8.confusion.labels)?;
        json.serialize_field("confusion_int8", &self.int8.confusion.counts)?;
        json.serialize_field("confusion_float", &comparison.map(|comparison| &comparison.float.counts))?;
        json.serialize_field("layers", &comparison.map(Comparison::layers))?;
        json.serialize_field("confident_share", &self.int8.sure_share())?;
        json.serialize_field("confident_accuracy", &self.int8.war_of_sure())?;
        json.serialize_field("not_sure_share", &self.int8.not_sure_share())?;
        json.serialize_field("calibration_error", &self.int8.calibration_error)?;
        json.serialize_field("model_bytes", &self.model_bytes)?;
        json.serialize_field("state_bytes", &self.state_bytes)?;
        json.serialize_field("audio_seconds", &self.audio_s)?;
        json.serialize_field("macs_per_second", &self.macs_per_second())?;
        json.serialize_field("realtime_factor", &self.realtime_factor())?;
        json.serialize_field("sweep", &self.sweep)?;
        json.end()
    }
}

impl Comparison {
    fn layers(&self) -> Vec<Snr> {
        self.snr_db.iter().map(|(layer, snr_db)| Snr { layer, snr_db: *snr_db }).collect()
    }
}
