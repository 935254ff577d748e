//! Speech emotion recognition on a microcontroller: i16 PCM in, six probabilities out.
//!
//! ```text
//! i16 PCM ─ DC block, pre-emphasis ─ framer ─ window ─ FFT ─ mel ─ log ─ silence gate ─ int8 row
//!                                                                                          │ one each hop
//!              prediction ─ softmax ─ dense ─ time mean ─ LSTM ─ LSTM ─ 3 × [conv ─ ReLU ─ max pool]
//! ```
//!
//! One direction; no step knows the step after it. Audio arrives in chunks of any length, every layer keeps only the
//! rows that it still needs, and the same bits come out for any chunking.
//!
//! | module | what it holds |
//! |---|---|
//! | [`spec`] | the one description of front end and network: shapes, parameters, presets |
//! | [`frontend`] | PCM to log-mel rows, in integers; a whole utterance to an image |
//! | [`quant`], [`activation`] | the numeric contract: rounding, sigmoid and tanh from a table |
//! | [`kernels`] | convolution, pooling, LSTM, dense on plain slices |
//! | [`mod@model`] | the model file: read in place, checked once |
//! | [`engine`] | int8 rows through the layers |
//! | [`recognizer`] | audio to prediction: what a firmware calls |
//! | [`image_recognizer`] | a whole utterance, as an image, to prediction: for models like `paper` |
//! | [`endpointer`], [`listener`] | an endless stream: where utterances begin and end, a prediction for each |
//! | [`snapshot`] | state as one array of bytes |
//!
//! | feature | adds |
//! |---|---|
//! | `image` (default) | models for images and what is for these: [`image_recognizer`], paddings, overlapping pools, flatten, last step |
//! | `denoise` (default) | models that subtract noise ([`spec::Denoise`]) |
//! | `std` | AVX2 where the processor has it |
//! | `serde` | (de)serialisation of [`spec`] |
//!
//! None changes a number. [`Model::parse`] refuses a model that needs a feature that is off, so that a firmware for
//! streams can do without the first two: 1,600 bytes of code.
//!
//! # In a firmware
//!
//! ```
//! use ser_core::{Model, Prediction, Recognizer};
//!
//! // Parsed, and so checked, when the firmware is compiled: a damaged model is a compile error.
//! const PARSED: Model<'static> = ser_core::model!("../../models/synthetic/edge.ser");
//! static MODEL: Model<'static> = PARSED;
//!
//! // Sized by the model; in a firmware a `static`, from `static_cell` for instance.
//! let mut memory = [0u32; PARSED.state_words()];
//! let mut recognizer = Recognizer::new(&MODEL, &mut memory)?;
//!
//! # fn next_dma_buffer(n: usize) -> Option<[i16; 160]> {
//! #     (n < 100).then(|| core::array::from_fn(|i| if ((160 * n + i) / 50).is_multiple_of(2) { 8000 } else { -8000 }))
//! # }
//! # fn show(prediction: &Prediction<'_>) { assert!(prediction.probabilities.iter().sum::<f32>() > 0.99); }
//! # let mut n = 0;
//! // i16 samples at the model's rate, as many at a time as there are.
//! while let Some(samples) = next_dma_buffer(n) {
//!     recognizer.push(&samples);
//!     if let Some(prediction) = recognizer.prediction() {
//!         show(&prediction); // label, probabilities, and whether to believe them
//!     }
//! #   n += 1;
//! }
//! // The utterance is over: its prediction, and a recognizer ready for the next.
//! assert!(recognizer.finish().is_some());
//! # Ok::<(), ser_core::recognizer::RecognizerError>(())
//! ```
//!
//! No allocation, `unsafe` in assembly kernels alone, and after [`model::Model::parse`] no error left to report:
//! buffers are the caller's.
#![no_std]

pub mod activation;
pub mod endpointer;
pub mod engine;
pub mod frontend;
#[cfg(feature = "image")]
pub mod image_recognizer;
pub mod kernels;
pub mod listener;
pub mod model;
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
