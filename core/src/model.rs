//! The model file: read in place from flash, checked once.
//!
//! `docs/model-format.md` describes the bytes. [`Model::parse`] checks everything: lengths, checksum, ranges, chaining
//! of shapes, that no accumulator can overflow. After it inference has no error to report.

mod layers;
mod parse;
mod reader;

pub use layers::LayerParams;
pub use parse::{
    CONTRACT_ID, CRC, FORMAT_VERSION, Feature, HEADER_LEN, LABEL_LEN, LAYER_RECORD_LEN, MAGIC, ParseError,
    SECTION_ALIGN, kind,
};

use crate::frontend::{Normalizer, Tables};
use crate::kernels::TimeMean;
use crate::quant::Multipliers;
use crate::spec::{FrontEnd, MAX_LABELS, MAX_LAYERS};

/// Bytes that begin where a kernel may read words: what [`model!`](crate::model!) makes of a file.
#[repr(C, align(16))]
#[derive(Debug)]
pub struct Aligned<Bytes: ?Sized>(pub Bytes);

/// A model in flash, from a path as of `include_bytes!`: aligned, parsed, and so checked, when the firmware is
/// compiled.
///
/// ```
/// use ser_core::Model;
///
/// const PARSED: Model<'static> = ser_core::model!("../../models/synthetic/edge.ser");
/// static MODEL: Model<'static> = PARSED;
/// static MEMORY: [u32; PARSED.state_words()] = [0; PARSED.state_words()];
/// # assert_eq!(MODEL.labels().len(), 6);
/// ```
///
/// A file that is no model, or a damaged one, is a compile error that says so:
///
/// ```compile_fail,E0080
/// const BROKEN: ser_core::Model<'static> = ser_core::model!("../Cargo.toml");
/// # let _ = BROKEN;
/// ```
#[macro_export]
macro_rules! model {
    ($path:expr $(,)?) => {{
        const FILE: &$crate::model::Aligned<[u8]> = &$crate::model::Aligned(*include_bytes!($path));
        match $crate::Model::parse(&FILE.0) {
            Ok(model) => model,
            Err(error) => panic!("{}", error.summary()),
        }
    }};
}

/// A parsed model; its tables and weights stay where the file is.
#[derive(Clone, Copy, Debug)]
pub struct Model<'m> {
    front_end: FrontEnd,
    tables: Tables<'m>,
    normalizer: Normalizer<'m>,
    layers: [LayerParams<'m>; MAX_LAYERS],
    layer_count: usize,
    labels: [&'m str; MAX_LABELS],
    label_count: usize,
    temperature: f32,
    confidence_threshold: f32,
    file_len: usize,
    checksum: u32,
}

impl<'m> Model<'m> {
    /// Reads a model file; needs no alignment. Usable in a constant, so that a firmware's model is checked when it is
    /// compiled.
    ///
    /// # Errors
    /// [`ParseError`] says what was wanted and what came. No bytes make it panic.
    pub const fn parse(file: &'m [u8]) -> Result<Self, ParseError> {
        parse::parse(file)
    }

    /// An empty model for the parser to fill.
    const fn blank(front_end: FrontEnd) -> Self {
        Self {
            front_end,
            tables: Tables { window: &[], mel_edges: &[], mel_rise: &[], floor: [0; 8] },
            normalizer: Normalizer { mean: &[], multipliers: Multipliers { mantissa: &[], shift: &[] } },
            layers: [LayerParams::TimeMean(TimeMean { len: 0 }); MAX_LAYERS],
            layer_count: 0,
            labels: [""; MAX_LABELS],
            label_count: 0,
            temperature: 1.0,
            confidence_threshold: 0.0,
            file_len: 0,
            checksum: 0,
        }
    }

    /// The front end that the model was trained with.
    pub const fn front_end(&self) -> &FrontEnd {
        &self.front_end
    }

    /// The front end's tables.
    pub const fn tables(&self) -> Tables<'m> {
        self.tables
    }

    /// Normalisation of the log-mel rows, or of the colours of an image.
    pub const fn normalizer(&self) -> Normalizer<'m> {
        self.normalizer
    }

    /// The layers in order.
    pub const fn layers(&self) -> &[LayerParams<'m>] {
        match self.layers.split_at_checked(self.layer_count) {
            Some((layers, _)) => layers,
            None => &[],
        }
    }

    /// One name for each logit.
    pub const fn labels(&self) -> &[&'m str] {
        match self.labels.split_at_checked(self.label_count) {
            Some((labels, _)) => labels,
            None => &[],
        }
    }

    /// Logits are divided by this before the softmax.
    pub const fn temperature(&self) -> f32 {
        self.temperature
    }

    /// A prediction whose probability is below this is not to be believed.
    pub const fn confidence_threshold(&self) -> f32 {
        self.confidence_threshold
    }

    /// Length of the file, bytes.
    pub const fn file_len(&self) -> usize {
        self.file_len
    }

    /// CRC-32 of the file, as in its header: tells models apart.
    pub const fn checksum(&self) -> u32 {
        self.checksum
    }

    /// Memory that the network needs, u32 words.
    pub const fn network_words(&self) -> usize {
        let mut words = self.scratch_words();
        let mut rest = self.layers();
        while let [layer, behind @ ..] = rest {
            rest = behind;
            words += layer.state_words();
        }
        words
    }

    /// Work memory that the layers share, u32 words.
    pub(crate) const fn scratch_words(&self) -> usize {
        let mut words = 0;
        let mut rest = self.layers();
        while let [layer, behind @ ..] = rest {
            rest = behind;
            if layer.scratch_words() > words {
                words = layer.scratch_words();
            }
        }
        words
    }

    /// Memory that a [`crate::Recognizer`] needs, u32 words: audio, FFT, held rows and the network; for a model of
    /// images [`Model::image_state_words`].
    pub const fn state_words(&self) -> usize {
        #[cfg(feature = "image")]
        if self.front_end.image.is_some() {
            return self.image_state_words();
        }
        self.front_end_words() + self.held_words() + self.row_words() + self.network_words()
    }

    /// Memory that a [`crate::ImageRecognizer`] needs besides the levels of the utterance, u32 words: FFT or sums, one
    /// column and the network.
    #[cfg(feature = "image")]
    pub const fn image_state_words(&self) -> usize {
        self.image_words() + self.column_words() + self.network_words()
    }

    /// i16 values that a [`crate::ImageRecognizer`] needs for the levels of an utterance of so many samples.
    #[cfg(feature = "image")]
    pub const fn image_levels_len(&self, samples: usize) -> usize {
        crate::frontend::ImageFrontEnd::levels_len(&self.front_end, samples)
    }

    /// Length of a [`crate::Recognizer::snapshot`], bytes.
    pub const fn snapshot_len(&self) -> usize {
        crate::snapshot::SNAPSHOT_HEADER_LEN + crate::Recognizer::saved_len(self)
    }

    pub(crate) const fn front_end_words(&self) -> usize {
        crate::frontend::FrontEnd::work_len(&self.front_end)
    }

    pub(crate) const fn held_words(&self) -> usize {
        crate::frontend::RowGate::<i8>::held_len(self.front_end.trim, self.front_end.mel_bands).div_ceil(4)
    }

    #[cfg(feature = "image")]
    pub(crate) const fn image_words(&self) -> usize {
        crate::frontend::ImageFrontEnd::work_len(&self.front_end)
    }

    #[cfg(feature = "image")]
    pub(crate) const fn column_words(&self) -> usize {
        self.front_end.row_shape().len().div_ceil(4)
    }

    pub(crate) const fn row_words(&self) -> usize {
        self.front_end.mel_bands.div_ceil(4)
    }
}
