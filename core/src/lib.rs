//! Speech emotion recognition on a microcontroller: i16 PCM in, six probabilities out.
//!
//! ```text
//! i16 PCM ─ DC block ─ frames ─ window ─ FFT ─ mel ─ log ─ silence gate
//!                                                                │ one int8 row each hop
//! prediction ─ dense ─ time mean ─ LSTM ─ LSTM ─ 3 × [conv ─ ReLU ─ pool]
//! ```
//!
//! Data flows in one direction; no step knows the next one. Audio arrives in chunks of any length. Every layer keeps
//! only the rows that it still needs. The same bits come out for any chunking and on every processor.
//!
//! The crate allocates nothing: the caller owns all buffers, and the model gives their sizes. [`Model::parse`] checks
//! everything, so inference has no error to report and can't panic. `unsafe` is in the assembly kernels only.
//!
//! # In a firmware
//!
//! ```
//! use ser_core::{Model, Prediction, Recognizer};
//!
//! // Parsed and checked at compile time: a damaged model is an error there.
//! const PARSED: Model<'static> = ser_core::model!("../../models/synthetic/edge.ser");
//! static MODEL: Model<'static> = PARSED;
//!
//! // Sized by the model. In a firmware: a `static`, from `static_cell` for instance.
//! let mut memory = [0u32; PARSED.state_words()];
//! let mut recognizer = Recognizer::new(&MODEL, &mut memory)?;
//!
//! # fn next_dma_buffer(n: usize) -> Option<[i16; 160]> {
//! #     (n < 100).then(|| core::array::from_fn(|i| if ((160 * n + i) / 50).is_multiple_of(2) { 8000 } else { -8000 }))
//! # }
//! # fn show(prediction: &Prediction<'_>) { assert!(prediction.probabilities.iter().sum::<f32>() > 0.99); }
//! # let mut n = 0;
//! // Any number of i16 samples at a time, at the model's rate.
//! while let Some(samples) = next_dma_buffer(n) {
//!     recognizer.push(&samples);
//!     if let Some(prediction) = recognizer.prediction() {
//!         show(&prediction); // label, probabilities, whether to trust them
//!     }
//! #   n += 1;
//! }
//! // Ends the utterance. The recognizer is ready for the next one.
//! assert!(recognizer.finish().is_some());
//! # Ok::<(), ser_core::recognizer::RecognizerError>(())
//! ```
//!
//! # Modules
//!
//! From the interface of a firmware down to the arithmetic; each module uses only those below it.
//!
//! | module | what it holds |
//! |---|---|
//! | [`listener`], [`endpointer`] | an endless stream: where utterances begin and end, a prediction for each |
//! | [`recognizer`] | audio to prediction, one utterance at a time |
//! | [`image_recognizer`] | a whole utterance, as an image, to prediction: for models like `paper` |
//! | [`engine`] | int8 rows through the layers |
//! | [`mod@model`] | the model file: read in place, checked once |
//! | [`frontend`] | PCM to log-mel rows, in integers; a whole utterance to an image |
//! | [`kernels`] | convolution, pooling, LSTM, dense on plain slices |
//! | [`arch`] | the arithmetic of each processor: portable, Cortex-M with DSP extension, AVX2 |
//! | [`spec`] | the one description of front end and network: shapes, parameters, presets |
//! | [`snapshot`] | the state as one array of bytes |
//! | [`activation`], [`quant`], [`fixed`], [`packed`], [`contract`] | the numbers: sigmoid and tanh, rounding, formats, layout of weights, contract id |
//!
//! # Features
//!
//! No feature changes a number. [`Model::parse`] refuses a model that needs a feature that is off. Without the first
//! two a firmware for streams saves 1,600 bytes of code.
//!
//! | feature | adds |
//! |---|---|
//! | `image` (default) | models for images: [`image_recognizer`], paddings, overlapping pools, flatten, last step |
//! | `denoise` (default) | models that subtract noise ([`spec::Denoise`]) |
//! | `std` | AVX2 where the processor has it |
//! | `serde` | (de)serialisation of [`spec`] |
#![no_std]

pub mod activation;
pub mod arch;
pub mod contract;
pub mod endpointer;
pub mod engine;
pub mod fixed;
pub mod frontend;
#[cfg(feature = "image")]
pub mod image_recognizer;
pub mod kernels;
pub mod listener;
pub mod model;
pub mod packed;
pub mod quant;
pub mod recognizer;
pub mod snapshot;
pub mod spec;

pub use endpointer::EndpointerConfig;
#[cfg(feature = "image")]
pub use image_recognizer::ImageRecognizer;
pub use listener::{Event, Listener};
pub use model::Model;
pub use recognizer::{Prediction, Recognizer};
