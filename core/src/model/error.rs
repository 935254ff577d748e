//! Why a file is no model.

use super::format::FORMAT_VERSION;
use crate::contract::CONTRACT_ID;
use crate::spec::SpecError;

/// A Cargo feature of this crate that a model may need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// `denoise`: the front end subtracts noise.
    Denoise,
    /// `image`: the model is for images, or has a layer for images.
    Image,
}

/// Why a file is not a model that this core can run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ParseError {
    /// The file does not begin with [`MAGIC`](crate::model::MAGIC).
    NotAModel,
    /// The file has another version of the layout.
    FormatVersion {
        /// Version in the file; wanted is [`FORMAT_VERSION`].
        got: u16,
    },
    /// The numbers are for another arithmetic.
    Contract {
        /// Contract in the file; wanted is [`CONTRACT_ID`].
        got: u16,
    },
    /// The file is too short or too long.
    Length {
        /// Bytes that came.
        got: usize,
        /// Bytes that the file needs, as far as known where reading stopped.
        wanted: usize,
    },
    /// The bytes are damaged.
    Checksum {
        /// Checksum of the bytes that came.
        got: u32,
        /// Checksum in the header.
        wanted: u32,
    },
    /// A field has a value without meaning.
    Field {
        /// Name of the field.
        field: &'static str,
        /// What came.
        got: u32,
    },
    /// A label is empty or not UTF-8 padded with zeros.
    Label {
        /// Index, from 0.
        index: usize,
    },
    /// A parameter is out of range, or layers do not fit together.
    Spec(SpecError),
    /// The model needs a feature that this core was built without.
    Feature(Feature),
    /// A layer's numbers are out of range.
    Layer {
        /// Index, from 0.
        index: usize,
        /// The numbers that are allowed.
        wanted: &'static str,
    },
}

impl ParseError {
    /// The reason without the numbers, for a compile error, which can't show numbers.
    pub const fn summary(&self) -> &'static str {
        match self {
            Self::NotAModel => "the file is no ser model",
            Self::FormatVersion { .. } => {
                "the model file has another format version than this core reads: export it anew"
            }
            Self::Contract { .. } => "the model file is for another arithmetic than this core computes: export it anew",
            Self::Length { .. } => "the model file ends early, or goes on after its end",
            Self::Checksum { .. } => "the model file is damaged: its checksum does not fit",
            Self::Field { .. } | Self::Label { .. } => "a field of the model file has a value without meaning",
            Self::Spec(_) => "a parameter of the model is out of range, or its layers do not fit together",
            Self::Feature(Feature::Denoise) => "the model denoises, this core was built without its feature `denoise`",
            Self::Feature(Feature::Image) => {
                "the model is for images, or has layers that are, this core was built without its feature `image`"
            }
            Self::Layer { .. } => "the numbers of a layer are out of range",
        }
    }
}

impl core::fmt::Display for ParseError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            ParseError::NotAModel => write!(f, "not a model file: it does not begin with SERMODEL"),
            ParseError::FormatVersion { got } => {
                write!(f, "model format version is {got}, this core reads {FORMAT_VERSION}")
            }
            ParseError::Contract { got } => write!(f, "numeric contract is {got}, this core computes {CONTRACT_ID}"),
            ParseError::Length { got, wanted } => write!(f, "model file has {got} bytes, wanted {wanted}"),
            ParseError::Checksum { got, wanted } => {
                write!(f, "model file is damaged: CRC-32 is {got:08x}, wanted {wanted:08x}")
            }
            ParseError::Field { field, got } => write!(f, "model file: {field} is {got}, which has no meaning"),
            ParseError::Label { index } => {
                write!(f, "model file: label {index} is empty or not UTF-8 padded with zeros")
            }
            ParseError::Spec(error) => write!(f, "model file: {error}"),
            ParseError::Feature(_) => f.write_str(self.summary()),
            ParseError::Layer { index, wanted } => write!(f, "model file: layer {index}: wanted {wanted}"),
        }
    }
}

impl core::error::Error for ParseError {}
