//! Bytes to [`Model`]; the layout is that of `docs/model-format.md`.

use super::layers::{BadNumber, CODE_MAGNITUDE, HIDDEN_MAGNITUDE};
use super::reader::Reader;
use super::{LayerParams, Model};
use crate::frontend::{Normalizer, Tables};
use crate::kernels::matrix::packed_len;
use crate::kernels::{Conv2d, Dense, Flatten, LastStep, Lstm, MaxPool, TimeMean};
use crate::quant::Multipliers;
use crate::spec::{
    self, DENOISE, Denoise, IMAGES, Image, Level, MAX_LABELS, MAX_LAYERS, Padding, Shape, SpecError, Trim, Window,
};

/// First bytes of a model file.
pub const MAGIC: [u8; 8] = *b"SERMODEL";
/// Version of the layout.
pub const FORMAT_VERSION: u16 = 3;
/// Which arithmetic the numbers are meant for; a core that computes otherwise must refuse the file.
pub const CONTRACT_ID: u16 = 2;
/// Fixed part of the file, bytes.
pub const HEADER_LEN: usize = 80;
/// One label, bytes.
pub const LABEL_LEN: usize = 16;
/// One layer's record, bytes.
pub const LAYER_RECORD_LEN: usize = 16;
/// Every section begins at a multiple of this, counted from the start of the file.
pub const SECTION_ALIGN: usize = 16;
/// Where the bytes begin that the checksum covers.
const CHECKED_FROM: usize = 20;
/// The checksum: CRC-32/ISO-HDLC (the one of zip and PNG).
pub const CRC: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);

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

/// A Cargo feature of this crate that a model may need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// `denoise`: the front end subtracts noise.
    Denoise,
    /// `image`: the model is for images, or has a layer that is for these.
    Image,
}

/// Why a file is not a model that this core can run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ParseError {
    /// The file does not begin with [`MAGIC`].
    NotAModel,
    /// Another version of the layout.
    FormatVersion {
        /// Version in the file; wanted is [`FORMAT_VERSION`].
        got: u16,
    },
    /// Numbers for another arithmetic.
    Contract {
        /// Contract in the file; wanted is [`CONTRACT_ID`].
        got: u16,
    },
    /// The file ends early, or goes on after its end.
    Length {
        /// Bytes that came.
        got: usize,
        /// Bytes that the file should have, as far as known where reading stopped.
        wanted: usize,
    },
    /// The bytes are not those that were written.
    Checksum {
        /// Of the bytes that came.
        got: u32,
        /// In the header.
        wanted: u32,
    },
    /// A field has a value without meaning.
    Field {
        /// Which.
        field: &'static str,
        /// What came.
        got: u32,
    },
    /// A label is empty or not UTF-8 padded with zeros.
    Label {
        /// Which, from 0.
        index: usize,
    },
    /// A parameter is out of range, or layers do not fit together.
    Spec(SpecError),
    /// The model needs what this core was built without.
    Feature(Feature),
    /// A layer's numbers are out of range.
    Layer {
        /// Which, from 0.
        index: usize,
        /// What was wanted of them.
        wanted: &'static str,
    },
}

impl ParseError {
    /// What is wrong, without the numbers: for a compile error, which can't show them.
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

/// The value, or return: an early end, for reads.
macro_rules! read {
    ($reader:ident, $value:expr) => {
        match $value {
            Some(value) => value,
            None => {
                return Err(ParseError::Length {
                    got: $reader.position() + $reader.remaining(),
                    wanted: $reader.position() + $reader.remaining() + 1,
                })
            }
        }
    };
}

/// The value, or return the error.
macro_rules! check {
    ($value:expr) => {
        match $value {
            Ok(value) => value,
            Err(error) => return Err(error),
        }
    };
}

/// Skips to the next section, whose padding must be zeros, and reads `count` values of `N` bytes.
const fn section<'m, const N: usize>(reader: &mut Reader<'m>, count: usize) -> Result<&'m [[u8; N]], ParseError> {
    let padding = reader.position().next_multiple_of(SECTION_ALIGN) - reader.position();
    let mut zeros = read!(reader, reader.bytes(padding));
    while let [byte, rest @ ..] = zeros {
        zeros = rest;
        if *byte != 0 {
            return Err(ParseError::Field { field: "padding before a section", got: *byte as u32 });
        }
    }
    let wanted = match count.checked_mul(N) {
        Some(len) => reader.position().saturating_add(len),
        None => usize::MAX,
    };
    match reader.values(count) {
        Some(values) => Ok(values),
        None => Err(ParseError::Length { got: reader.position() + reader.remaining(), wanted }),
    }
}

/// A section of bytes.
const fn byte_section<'m>(reader: &mut Reader<'m>, count: usize) -> Result<&'m [u8], ParseError> {
    match section::<1>(reader, count) {
        Ok(values) => Ok(values.as_flattened()),
        Err(error) => Err(error),
    }
}

/// One layer's fixed-size record.
#[derive(Clone, Copy)]
struct Record {
    layer: spec::Layer,
    zero_point: i8,
    scale: f32,
}

pub(super) const fn parse(file: &[u8]) -> Result<Model<'_>, ParseError> {
    let checksum = check!(check_envelope(file));
    let mut reader = Reader::new(file);
    read!(reader, reader.bytes(CHECKED_FROM));

    let front_end = check!(parse_front_end(&mut reader));
    let mut model = Model::blank(front_end);
    model.file_len = file.len();
    model.checksum = checksum;
    model.temperature = read!(reader, reader.f32());
    if !(model.temperature >= 0.01 && model.temperature <= 100.0) {
        return Err(ParseError::Spec(SpecError {
            quantity: "temperature",
            got: model.temperature,
            wanted: "0.01..=100",
        }));
    }
    model.confidence_threshold = read!(reader, reader.f32());
    if !(model.confidence_threshold >= 0.0 && model.confidence_threshold <= 1.0) {
        return Err(ParseError::Spec(SpecError {
            quantity: "confidence threshold",
            got: model.confidence_threshold,
            wanted: "0..=1",
        }));
    }
    model.layer_count = read!(reader, reader.u8()) as usize;
    model.label_count = read!(reader, reader.u8()) as usize;
    if model.layer_count > MAX_LAYERS {
        return Err(ParseError::Field { field: "number of layers", got: model.layer_count as u32 });
    }
    if model.label_count > MAX_LABELS {
        return Err(ParseError::Field { field: "number of labels", got: model.label_count as u32 });
    }
    let front_end = check!(parse_rest_of_front_end(&mut reader, front_end));
    model.front_end = front_end;

    // Copies, so that the compiler knows that no index below is out of range.
    let (layer_count, label_count) = (model.layer_count, model.label_count);
    let mut index = 0;
    while index < label_count {
        let bytes = read!(reader, reader.bytes(LABEL_LEN));
        model.labels[index] = match parse_label(bytes) {
            Some(label) => label,
            None => return Err(ParseError::Label { index }),
        };
        index += 1;
    }

    let mut records = [Record { layer: spec::Layer::TimeMean, zero_point: 0, scale: 0.0 }; MAX_LAYERS];
    let mut layers = [spec::Layer::TimeMean; MAX_LAYERS];
    index = 0;
    while index < layer_count {
        records[index] = check!(parse_record(&mut reader));
        layers[index] = records[index].layer;
        index += 1;
    }
    let input = front_end.row_shape();
    if let Err(error) = spec::check_layers(input, front_end.image_rows(), layers.split_at(layer_count).0, label_count) {
        return Err(ParseError::Spec(error));
    }

    check!(parse_tables(&mut reader, &mut model));
    let mut state = Flow { shape: input, zero_point: 0, magnitude: CODE_MAGNITUDE };
    index = 0;
    while index < layer_count {
        let (layer, next) = check!(parse_layer(&mut reader, records[index], state));
        if let Err(bad) = layer.check_numbers(state.magnitude) {
            let wanted = match bad {
                BadNumber::Weight => "weights in -127..=127, and 0 where they fill up a block",
                BadNumber::Multiplier => "multipliers with a mantissa of at least 2^30 and a shift in 1..=31",
                BadNumber::InputShift => "input shifts in 0..=15",
                BadNumber::Accumulator => "weights and biases that can't overflow an int32 accumulator",
            };
            return Err(ParseError::Layer { index, wanted });
        }
        model.layers[index] = layer;
        state = next;
        index += 1;
    }
    if reader.remaining() > 0 {
        return Err(ParseError::Length { got: file.len(), wanted: reader.position() });
    }
    Ok(model)
}

/// Magic, versions, length, checksum, which it gives.
const fn check_envelope(file: &[u8]) -> Result<u32, ParseError> {
    let mut reader = Reader::new(file);
    let magic: [u8; 8] = match reader.array() {
        Some(magic) => magic,
        None => return Err(ParseError::Length { got: file.len(), wanted: HEADER_LEN }),
    };
    if u64::from_le_bytes(magic) != u64::from_le_bytes(MAGIC) {
        return Err(ParseError::NotAModel);
    }
    let format = read!(reader, reader.u16());
    if format != FORMAT_VERSION {
        return Err(ParseError::FormatVersion { got: format });
    }
    let contract = read!(reader, reader.u16());
    if contract != CONTRACT_ID {
        return Err(ParseError::Contract { got: contract });
    }
    let len = read!(reader, reader.u32());
    if len as usize != file.len() {
        return Err(ParseError::Length { got: file.len(), wanted: len as usize });
    }
    let wanted = read!(reader, reader.u32());
    let got = CRC.checksum(read!(reader, reader.bytes(reader.remaining())));
    if got != wanted {
        return Err(ParseError::Checksum { got, wanted });
    }
    Ok(wanted)
}

const fn parse_front_end(reader: &mut Reader<'_>) -> Result<spec::FrontEnd, ParseError> {
    let sample_rate_hz = read!(reader, reader.u32());
    let frame_len = read!(reader, reader.u16()) as usize;
    let hop_len = read!(reader, reader.u16()) as usize;
    let fft_len = read!(reader, reader.u16()) as usize;
    let mel_bands = read!(reader, reader.u16()) as usize;
    let dc_block_pole = read!(reader, reader.f32());
    let pre_emphasis = read!(reader, reader.f32());
    let mel_low_hz = read!(reader, reader.f32());
    let mel_high_hz = read!(reader, reader.f32());
    let floor_db = read!(reader, reader.f32());
    let window = match read!(reader, reader.u8()) {
        0 => Window::Hann,
        1 => Window::Hamming,
        2 => Window::HannSymmetric,
        other => return Err(ParseError::Field { field: "window", got: other as u32 }),
    };
    let trims = read!(reader, reader.u8());
    let max_pause_rows = read!(reader, reader.u16()) as usize;
    let threshold_db = read!(reader, reader.f32());
    let range_db = read!(reader, reader.f32());
    let trim = match trims {
        0 => None,
        1 => Some(Trim { threshold_db, range_db, max_pause_rows }),
        other => return Err(ParseError::Field { field: "trim", got: other as u32 }),
    };
    Ok(spec::FrontEnd {
        sample_rate_hz,
        frame_len,
        hop_len,
        fft_len,
        window,
        dc_block_pole,
        pre_emphasis,
        mel_bands,
        mel_low_hz,
        mel_high_hz,
        floor_db,
        trim,
        // The header keeps these behind the counts.
        level: Level::Absolute,
        denoise: None,
        image: None,
    })
}

/// What the header keeps of the front end behind the counts; and the check of the whole.
const fn parse_rest_of_front_end(
    reader: &mut Reader<'_>,
    mut front_end: spec::FrontEnd,
) -> Result<spec::FrontEnd, ParseError> {
    front_end.level = match read!(reader, reader.u8()) {
        0 => Level::Absolute,
        1 => Level::RelativeToPeak,
        other => return Err(ParseError::Field { field: "level", got: other as u32 }),
    };
    let features = read!(reader, reader.u8());
    let columns = read!(reader, reader.u16()) as usize;
    match (features, columns) {
        (0, 0) => {}
        (0, _) => {
            return Err(ParseError::Field { field: "columns of an image that there is not", got: columns as u32 });
        }
        (1, _) if !IMAGES => return Err(ParseError::Feature(Feature::Image)),
        (1, _) => {
            front_end.image = Some(Image { bands: front_end.mel_bands, columns });
            front_end.mel_bands = 0;
        }
        (other, _) => return Err(ParseError::Field { field: "kind of features", got: other as u32 }),
    }
    let subtraction_tenths = read!(reader, reader.u8());
    let depth_db = read!(reader, reader.u8());
    match (subtraction_tenths, depth_db) {
        (0, 0) => {}
        (0, _) => {
            return Err(ParseError::Field { field: "depth of a subtraction that there is not", got: depth_db as u32 });
        }
        _ if !DENOISE => return Err(ParseError::Feature(Feature::Denoise)),
        _ => front_end.denoise = Some(Denoise { subtraction_tenths, depth_db }),
    }
    match front_end.check() {
        Ok(()) => Ok(front_end),
        Err(error) => Err(ParseError::Spec(error)),
    }
}

/// The text before the first zero, if only zeros follow.
const fn parse_label(bytes: &[u8]) -> Option<&str> {
    let mut len = 0;
    let mut rest = bytes;
    while let [byte, behind @ ..] = rest {
        rest = behind;
        if *byte == 0 {
            break;
        }
        len += 1;
    }
    while let [byte, behind @ ..] = rest {
        rest = behind;
        if *byte != 0 {
            return None;
        }
    }
    match bytes.split_at_checked(len) {
        Some((text, _)) if !text.is_empty() => match core::str::from_utf8(text) {
            Ok(text) => Some(text),
            Err(_) => None,
        },
        _ => None,
    }
}

const fn parse_record(reader: &mut Reader<'_>) -> Result<Record, ParseError> {
    let layer_kind = read!(reader, reader.u8());
    let rows = read!(reader, reader.u8()) as usize;
    let bands = read!(reader, reader.u8()) as usize;
    let zero_point = read!(reader, reader.u8()) as i8;
    let channels = read!(reader, reader.u16()) as usize;
    let edges = read!(reader, reader.u8());
    let reserved = read!(reader, reader.u8());
    let scale = read!(reader, reader.f32());
    let more_reserved = read!(reader, reader.u32());
    if reserved != 0 || more_reserved != 0 {
        return Err(ParseError::Field { field: "reserved field of a layer", got: more_reserved | reserved as u32 });
    }
    if !(scale.is_finite() && scale >= 0.0) {
        return Err(ParseError::Spec(SpecError {
            quantity: "scale of a layer",
            got: scale,
            wanted: "a number not below 0",
        }));
    }
    let layer = match layer_kind {
        kind::CONV2D => {
            let padding = match edges {
                0 => Padding::Causal,
                1 => Padding::Same,
                2 => Padding::Valid,
                other => return Err(ParseError::Field { field: "padding of a conv2d", got: other as u32 }),
            };
            spec::Layer::Conv2d { channels, rows, bands, padding }
        }
        kind::MAX_POOL => spec::Layer::MaxPool { rows, bands, overlap: edges as usize },
        _ if edges != 0 => return Err(ParseError::Field { field: "reserved field of a layer", got: edges as u32 }),
        kind::FLATTEN => spec::Layer::Flatten { rows },
        kind::LSTM => spec::Layer::Lstm { hidden: channels },
        kind::TIME_MEAN => spec::Layer::TimeMean,
        kind::LAST_STEP => spec::Layer::LastStep,
        kind::DENSE => spec::Layer::Dense { units: channels },
        other => return Err(ParseError::Field { field: "kind of a layer", got: other as u32 }),
    };
    if !IMAGES && layer.is_for_images() {
        return Err(ParseError::Feature(Feature::Image));
    }
    Ok(Record { layer, zero_point, scale })
}

const fn parse_tables<'m>(reader: &mut Reader<'m>, model: &mut Model<'m>) -> Result<(), ParseError> {
    let spec = model.front_end;
    let window = check!(section(reader, spec.window_len()));
    if spec.image.is_some() {
        model.tables = Tables { window, mel_edges: &[], mel_rise: &[], floor: [0; 8] };
        return parse_normalizer(reader, model);
    }
    let mel_edges = check!(section(reader, spec.mel_bands + 2));
    let bins = match (mel_edges.first(), mel_edges.last()) {
        (Some(first), Some(last)) => u16::from_le_bytes(*last).saturating_sub(u16::from_le_bytes(*first)) as usize,
        _ => 0,
    };
    let mel_rise = check!(section(reader, bins));
    let floor = match check!(section(reader, 1)) {
        [floor, ..] => *floor,
        [] => [0; 8],
    };
    model.tables = Tables { window, mel_edges, mel_rise, floor };
    parse_normalizer(reader, model)
}

/// The section behind the tables, and the check of both.
const fn parse_normalizer<'m>(reader: &mut Reader<'m>, model: &mut Model<'m>) -> Result<(), ParseError> {
    if let Err(error) = model.tables.check(&model.front_end) {
        return Err(ParseError::Spec(error));
    }
    let (mean, multipliers) = check!(parse_multipliers(reader, model.front_end.normalized_parts()));
    model.normalizer = Normalizer { mean, multipliers };
    match model.normalizer.check() {
        Ok(()) => Ok(()),
        Err(error) => Err(ParseError::Spec(error)),
    }
}

/// What one layer hands to the next.
#[derive(Clone, Copy)]
struct Flow {
    shape: Shape,
    zero_point: i8,
    magnitude: u64,
}

/// A number for each row, its bias or mean, and its multiplier.
const fn parse_multipliers<'m>(
    reader: &mut Reader<'m>,
    rows: usize,
) -> Result<(&'m [[u8; 4]], Multipliers<'m>), ParseError> {
    let bias = check!(section(reader, rows));
    let mantissa = check!(section(reader, rows));
    let shift = check!(byte_section(reader, rows));
    Ok((bias, Multipliers { mantissa, shift }))
}

const fn parse_layer<'m>(
    reader: &mut Reader<'m>,
    record: Record,
    flow: Flow,
) -> Result<(LayerParams<'m>, Flow), ParseError> {
    let input = flow.shape;
    let mut next = Flow { shape: record.layer.output(input), ..flow };
    let layer = match record.layer {
        spec::Layer::Conv2d { channels, rows, bands, padding } => {
            let weights = check!(byte_section(reader, packed_len(channels, rows * bands * input.channels)));
            let (bias, multipliers) = check!(parse_multipliers(reader, channels));
            next.zero_point = record.zero_point;
            LayerParams::Conv2d(Conv2d {
                input,
                channels,
                rows,
                bands,
                padding,
                input_zero_point: flow.zero_point,
                output_zero_point: record.zero_point,
                output_scale: record.scale,
                weights,
                bias,
                multipliers,
            })
        }
        spec::Layer::MaxPool { rows, bands, overlap } => LayerParams::MaxPool(MaxPool { input, rows, bands, overlap }),
        spec::Layer::Flatten { rows } => LayerParams::Flatten(Flatten { input, rows }),
        spec::Layer::Lstm { hidden } => {
            let input_weights = check!(byte_section(reader, packed_len(4 * hidden, input.len())));
            let recurrent_weights = check!(byte_section(reader, packed_len(4 * hidden, hidden)));
            let (bias, multipliers) = check!(parse_multipliers(reader, 4 * hidden));
            let input_shift = check!(byte_section(reader, 4 * hidden));
            next.magnitude = HIDDEN_MAGNITUDE;
            LayerParams::Lstm(Lstm {
                inputs: input.len(),
                hidden,
                input_weights,
                recurrent_weights,
                bias,
                multipliers,
                input_shift,
            })
        }
        spec::Layer::TimeMean => LayerParams::TimeMean(TimeMean { len: input.len() }),
        spec::Layer::LastStep => LayerParams::LastStep(LastStep { len: input.len() }),
        spec::Layer::Dense { units } => {
            let weights = check!(byte_section(reader, packed_len(units, input.len())));
            let (bias, multipliers) = check!(parse_multipliers(reader, units));
            LayerParams::Dense(Dense { inputs: input.len(), units, weights, bias, multipliers })
        }
    };
    Ok((layer, next))
}
