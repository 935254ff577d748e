//! The trainable network: a Burn module built from the one description, and its way back to plain numbers.
//!
//! ```text
//! [batch, channels, rows, bands] ─ blocks ─ [steps, batch, features] ─ LSTMs ─ mean of valid steps ─ dense ─ logits
//! ```
//!
//! For a stream everything is causal, so rows appended to an utterance change nothing before them. Utterances of
//! different lengths therefore share a batch, and [`Batch::valid_rows`] says which rows count. Images all have one
//! size. They come normalised, `z = (pixel - mean) / sd` for each colour, but the first convolution hears `sd · z`,
//! pixels around their mean: [`Graph::with_input_gain`]. Flatten, if there is one, turns all steps of an image into
//! one. The last valid step may take the place of the mean.
//!
//! The network runs in two ways from the same parameters ([`Kernels`]): `plain` is the forward pass in Burn's
//! operations, which Burn differentiates; `fast` computes convolution blocks and LSTMs with our own kernels.
//!
//! | file | what it holds |
//! |---|---|
//! | `module` | [`Graph`]: all parameters, and what follows from shapes |
//! | `convolution`, `lstm`, `auxiliary` | parameters of a layer |
//! | `pass` | forward, gradients, statistics; chooses the way |
//! | `head` | the layers after the convolutions, for both ways |
//! | `plain`, `fast` | the two ways |
//! | `convert` | to and from [`FloatNetwork`](crate::model::float_network::FloatNetwork) |
//! | `core_outputs` | outputs of the int8 core, for quantisation-aware training |

mod auxiliary;
mod batch;
mod compute;
mod convert;
mod convolution;
mod core_outputs;
mod dropout;
mod fast;
mod head;
mod init;
mod lstm;
mod module;
mod pass;
mod plain;
mod pool;
mod statistics;
mod style;
mod tensors;
#[cfg(test)]
mod tests;

pub use auxiliary::AuxiliaryClasses;
pub use batch::{Batch, StepRows};
pub use compute::{Compute, Kernels};
pub use dropout::Dropout;
pub use module::Graph;
pub use pass::TrainOutput;
pub use style::Style;
