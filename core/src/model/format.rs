//! Constants of the model file; `docs/model-format.md` describes the bytes.

/// First bytes of a model file.
pub const MAGIC: [u8; 8] = *b"SERMODEL";
/// Version of the layout.
pub const FORMAT_VERSION: u16 = 3;
/// Fixed part of the file, bytes.
pub const HEADER_LEN: usize = 80;
/// One label, bytes.
pub const LABEL_LEN: usize = 16;
/// One layer's record, bytes.
pub const LAYER_RECORD_LEN: usize = 16;
/// Every section begins at a multiple of this, counted from the start of the file.
pub const SECTION_ALIGN: usize = 16;
/// Start of the bytes that the checksum covers.
pub(super) const CHECKED_FROM: usize = 20;

/// Values of a layer record's first byte.
pub mod kind {
    /// Convolution and ReLU.
    pub const CONV2D: u8 = 1;
    /// Max pool.
    pub const MAX_POOL: u8 = 2;
    /// LSTM.
    pub const LSTM: u8 = 3;
    /// Time mean.
    pub const TIME_MEAN: u8 = 4;
    /// Dense.
    pub const DENSE: u8 = 5;
    /// Flatten.
    pub const FLATTEN: u8 = 6;
    /// Last step.
    pub const LAST_STEP: u8 = 7;
}
