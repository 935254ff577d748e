//! Runs an utterance through the int8 core and through the float model, and compares the two.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use rayon::prelude::*;
use ser_core::frontend::INPUT_SCALE;
use ser_core::frontend::image::UtteranceError;
use ser_core::kernels::LOGIT_FRACTION_BITS;
use ser_core::model::LayerParams;
use ser_core::recognizer::{Observation, Recognizer};
use ser_core::{ImageRecognizer, Model, Prediction};

use crate::corpus::{Problem, Utterance};
use crate::evaluation::predictions::{self, Predictions};
use crate::features::rows::{Extractor, Rows, features_of};
use crate::model::dequantise::Dequantiser;
use crate::model::float_model::{FloatModel, FloatOutput};
use crate::model::logits::{leading, log_softmax, softmax};

/// Number of samples handed to the core at a time; any number gives the same bits.
const CHUNK: usize = 256;

/// The recognizer that the model is for: of streams or of images.
#[derive(Debug)]
enum AnyRecognizer<'m, 's> {
    Stream(Recognizer<'m, 's>),
    /// The second field is memory for the levels of an utterance.
    Image(ImageRecognizer<'m, 's>, Vec<i16>),
}

impl<'m, 's> AnyRecognizer<'m, 's> {
    fn new(model: &'m Model<'m>, memory: &'s mut Vec<u32>, samples: usize) -> Result<Self> {
        memory.resize(model.state_words(), 0);
        Ok(if model.front_end().image.is_some() {
            Self::Image(ImageRecognizer::new(model, memory)?, vec![0; model.image_levels_len(samples)])
        } else {
            Self::Stream(Recognizer::new(model, memory)?)
        })
    }

    /// None if the samples hold only silence or too little speech. A stream comes in chunks of `chunk` samples; 0
    /// counts as 1.
    fn recognize(
        &mut self,
        samples: &[i16],
        chunk: usize,
        mut observe: impl FnMut(Observation<'_>),
    ) -> Result<Option<Prediction<'m>>> {
        match self {
            Self::Stream(recognizer) => {
                for chunk in samples.chunks(chunk.max(1)) {
                    recognizer.push_observed(chunk, &mut observe);
                }
                Ok(recognizer.finish())
            }
            Self::Image(recognizer, levels) => match recognizer.recognize_observed(samples, levels, observe) {
                Err(UtteranceError::TooShort { .. }) => Ok(None),
                answer => Ok(Some(answer?)),
            },
        }
    }
}

/// The core's answer to an utterance, and what it cost.
#[derive(Debug)]
pub struct Heard<'m> {
    /// None if the samples hold only silence or too little speech.
    pub prediction: Option<Prediction<'m>>,
    /// Natural logarithms of the probabilities at temperature 1, one for each label; None without a prediction.
    pub log_probabilities: Option<Vec<f32>>,
    /// Time in the core.
    pub time: Duration,
    /// Rows that entered the network; for an image its columns.
    pub rows: u64,
    /// Multiplications with a weight.
    pub macs: u64,
}

/// Feeds the samples, at the model's rate, to the core, in chunks of `chunk` samples (0 counts as 1). A model for images takes them
/// as a whole.
///
/// # Errors
///
/// If an utterance is too long for an image.
pub fn hear<'m>(model: &'m Model<'m>, samples: &[i16], chunk: usize) -> Result<Heard<'m>> {
    let mut memory = Vec::new();
    let mut recognizer = AnyRecognizer::new(model, &mut memory, samples.len())?;
    let mut rows = 0;
    let start = Instant::now();
    let prediction = recognizer.recognize(samples, chunk, |observation| {
        if let Observation::Input(_) = observation {
            rows += 1;
        }
    })?;
    let time = start.elapsed();
    let log_probabilities = prediction.map(|prediction| {
        let logits = prediction.logits.iter().take(model.labels().len());
        log_softmax(&logits.map(|logit| f64::from(*logit) / f64::from(1u32 << LOGIT_FRACTION_BITS)).collect::<Vec<_>>())
    });
    Ok(Heard { prediction, log_probabilities, time, rows, macs: macs(model, rows) })
}

/// The answers of both models to each utterance, and the utterances that could not be read. The model's labels must be
/// the emotions in their order.
///
/// # Errors
///
/// If an utterance is too long for an image. A checked model and the float network that it was made from cause no other
/// error.
pub fn predict(
    model: &Model<'_>,
    float: &FloatModel,
    utterances: &[&Utterance],
) -> Result<(Predictions, Vec<Problem>)> {
    let twin = FloatTwin::new(model, float)?;
    let answer = |utterance: &&Utterance| -> Result<Result<predictions::Prediction, Problem>> {
        let samples = match utterance.samples(model.front_end().sample_rate_hz) {
            Ok(samples) => samples,
            Err(error) => return Ok(Err(Problem { path: utterance.id.clone(), reason: format!("{error:#}") })),
        };
        let float = twin.output(&samples)?.map(|(_, output)| log_probabilities(&output.logits));
        Ok(Ok(predictions::Prediction {
            id: utterance.id.clone(),
            corpus: utterance.corpus.to_string(),
            speaker: utterance.speaker.clone(),
            truth: utterance.emotion,
            int8: hear(model, &samples, CHUNK)?.log_probabilities,
            float,
        }))
    };
    let mut predictions = Predictions {
        labels: model.labels().iter().map(ToString::to_string).collect(),
        utterances: Vec::new(),
        skipped: 0,
    };
    let mut problems = Vec::new();
    for answer in utterances.par_iter().map(answer).collect::<Result<Vec<_>>>()? {
        match answer {
            Ok(prediction) => predictions.utterances.push(prediction),
            Err(problem) => problems.push(problem),
        }
    }
    predictions.skipped = problems.len();
    Ok((predictions, problems))
}

/// Multiplications for an utterance of `rows` rows, including the prediction at its end.
fn macs(model: &Model<'_>, rows: u64) -> u64 {
    let mut shape = model.front_end().row_shape();
    let mut rows = usize::try_from(rows).unwrap_or(usize::MAX);
    let mut macs = 0;
    for layer in model.layers() {
        let layer = layer.spec();
        rows = layer.output_rows(rows);
        macs += layer.macs(shape) as u64 * rows as u64;
        shape = layer.output(shape);
    }
    macs
}

/// Energies of a layer's float output, and of the difference between its int8 and float output.
#[derive(Clone, Copy, Debug, Default)]
pub struct Noise {
    signal: f64,
    noise: f64,
}

impl Noise {
    fn between(float: &Rows, int8: &Rows) -> Self {
        let mut energies = Self::default();
        for (float, int8) in float.values.iter().zip(&int8.values) {
            let (float, int8) = (f64::from(*float), f64::from(*int8));
            energies.signal += float * float;
            energies.noise += (int8 - float) * (int8 - float);
        }
        energies
    }

    /// Adds the energies of another utterance.
    pub fn add(&mut self, other: Self) {
        self.signal += other.signal;
        self.noise += other.noise;
    }

    /// Signal-to-noise ratio, dB; None if signal or noise is 0.
    pub fn snr_db(self) -> Option<f64> {
        (self.signal > 0.0 && self.noise > 0.0).then(|| 10.0 * (self.signal / self.noise).log10())
    }
}

/// The float model's answer to an utterance.
#[derive(Debug)]
pub struct Reference {
    /// Index of the leading label, and the probabilities at the int8 model's temperature; None as in
    /// [`Heard::prediction`].
    pub prediction: Option<(usize, Vec<f32>)>,
    /// The same as [`Heard::log_probabilities`], of the float model.
    pub log_probabilities: Option<Vec<f32>>,
    /// Noise of the input rows and of each layer that passes rows on; empty without a prediction.
    pub noise: Vec<Noise>,
}

/// The float network beside the core. Its input is the rows that the core rounds to int8.
#[derive(Debug)]
pub struct FloatTwin<'a> {
    model: &'a Model<'a>,
    float: &'a FloatModel,
    extractor: Extractor,
}

impl<'a> FloatTwin<'a> {
    /// `float` must have the front end and the layers of `model`.
    ///
    /// # Errors
    ///
    /// If the front end's tables can't be made.
    pub fn new(model: &'a Model<'a>, float: &'a FloatModel) -> Result<Self> {
        Ok(Self { model, float, extractor: Extractor::new(model.front_end())? })
    }

    /// Runs the float model over the samples, at the model's rate, and the core again, to compare them layer by layer.
    ///
    /// # Errors
    ///
    /// If the two pass on different numbers of values in some layer, or an utterance is too long for an image.
    pub fn hear(&self, samples: &[i16]) -> Result<Reference> {
        let Some((features, output)) = self.output(samples)? else {
            return Ok(Reference { prediction: None, log_probabilities: None, noise: Vec::new() });
        };
        let int8 = self.int8_rows(samples)?;
        let float: Vec<&Rows> = std::iter::once(&features).chain(&output.layers).collect();
        let noise = float.iter().zip(&int8).map(|(float, int8)| {
            ensure!(
                float.values.len() == int8.values.len(),
                "wanted as many values from the core as from the float model, the core passes on {}, the float model {}",
                int8.values.len(),
                float.values.len()
            );
            Ok(Noise::between(float, int8))
        });
        let noise = noise.collect::<Result<Vec<Noise>>>()?;
        Ok(Reference {
            prediction: answer(&output.logits, self.model.temperature()),
            log_probabilities: Some(log_probabilities(&output.logits)),
            noise,
        })
    }

    /// The features of the samples and the float model's output for them; None as in [`Heard::prediction`].
    fn output(&self, samples: &[i16]) -> Result<Option<(Rows, FloatOutput)>> {
        let features = features_of(self.model, &self.extractor.log_mel(samples)?);
        Ok(self.float.run(&features)?.map(|output| (features, output)))
    }

    /// The core's rows as real numbers: first those that enter the network, then those that each layer passes on.
    fn int8_rows(&self, samples: &[i16]) -> Result<Vec<Rows>> {
        let mut input = Rows { bands: self.model.front_end().row_shape().len(), values: Vec::new() };
        let rows_of = |layer: &LayerParams<'_>| {
            let bands = match layer {
                LayerParams::Conv2d(conv) => conv.output_len(),
                LayerParams::MaxPool(pool) => pool.output_len(),
                LayerParams::Flatten(flatten) => flatten.output_len(),
                LayerParams::Lstm(lstm) => lstm.hidden(),
                LayerParams::TimeMean(_) | LayerParams::LastStep(_) | LayerParams::Dense(_) => return None,
            };
            Some(Rows { bands, values: Vec::new() })
        };
        let mut passed_on: Vec<Rows> = self.model.layers().iter().map_while(rows_of).collect();
        let dequantiser = Dequantiser::new(self.model);
        let mut memory = Vec::new();
        let mut recognizer = AnyRecognizer::new(self.model, &mut memory, samples.len())?;
        recognizer.recognize(samples, samples.len(), |observation| match observation {
            Observation::Input(codes) => input.values.extend(codes.iter().map(|code| f32::from(*code) * INPUT_SCALE)),
            Observation::Layer(layer, row) => {
                if let Some(rows) = passed_on.get_mut(layer) {
                    dequantiser.append(layer, row, &mut rows.values);
                }
            }
        })?;
        Ok(std::iter::once(input).chain(passed_on).collect())
    }
}

/// The index of the largest logit, and the probabilities at a temperature; None for no logits.
fn answer(logits: &[f32], temperature: f32) -> Option<(usize, Vec<f32>)> {
    let probabilities = softmax(logits, temperature.into()).into_iter().map(|probability| probability as f32);
    leading(logits).map(|index| (index, probabilities.collect()))
}

fn log_probabilities(logits: &[f32]) -> Vec<f32> {
    log_softmax(&logits.iter().copied().map(f64::from).collect::<Vec<_>>())
}
