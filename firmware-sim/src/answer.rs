//! How an answer of the core looks as JSON and as text; files and streams share it.

use std::io::Write;

use anyhow::Result;
use ser_core::{Model, Prediction};
use serde::Serialize;

/// How probable a label is.
#[derive(Serialize)]
pub struct LabelProbability<'a> {
    label: &'a str,
    probability: f32,
}

impl<'m> LabelProbability<'m> {
    /// One for each label of the model.
    pub fn all(model: &Model<'m>, prediction: &Prediction<'m>) -> Vec<Self> {
        let pairs = model.labels().iter().zip(prediction.probabilities);
        pairs.map(|(label, probability)| Self { label, probability }).collect()
    }
}

/// Prints the label, `not sure` unless the answer is confident, and all probabilities.
pub fn print_answer(
    output: &mut impl Write,
    label: &str,
    confident: bool,
    probabilities: &[LabelProbability<'_>],
) -> Result<()> {
    write!(output, "{label}{}", if confident { "" } else { ", not sure" })?;
    let mut separator = " (";
    for LabelProbability { label, probability } in probabilities {
        write!(output, "{separator}{label} {probability:.2}")?;
        separator = ", ";
    }
    write!(output, ")")?;
    Ok(())
}
