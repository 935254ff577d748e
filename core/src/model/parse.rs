//! Bytes to [`Model`]; `docs/model-format.md` describes the layout.

use super::error::{Feature, ParseError};
use super::format::{CHECKED_FROM, FORMAT_VERSION, HEADER_LEN, LABEL_LEN, MAGIC, SECTION_ALIGN, kind};
use super::layers::{BadNumber, CODE_MAGNITUDE, HIDDEN_MAGNITUDE, LayerParams};
use super::parsed::Model;
use super::reader::Reader;
use crate::arch::{CodeRows, GateRows};
use crate::contract::{CONTRACT_ID, CRC};
use crate::frontend::{Normalizer, Tables};
use crate::kernels::{Conv2d, Dense, Flatten, LastStep, Lstm, MaxPool, TimeMean};
use crate::packed::packed_len;
use crate::quant::Multipliers;
use crate::spec::{
    self, DENOISE, Denoise, IMAGES, Image, LevelMode, MAX_LABELS, MAX_LAYERS, Padding, Shape, SpecError, Trim, Window,
};

impl<'m> Model<'m> {
    /// Reads a model file of any alignment. It can run in a constant, so that the model of a firmware is checked when
    /// the firmware is compiled.
    ///
    /// # Errors
    /// [`ParseError`] says what was wanted and what came. No bytes make parsing panic.
    pub const fn parse(file: &'m [u8]) -> Result<Self, ParseError> {
        parse(file)
    }
}

/// The value, or returns the error of a file that ends early.
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

/// The value, or returns the error.
macro_rules! check {
    ($value:expr) => {
        match $value {
            Ok(value) => value,
            Err(error) => return Err(error),
        }
    };
}

/// Skips to the next section and reads `count` values of `N` bytes. The padding before the section must be zeros.
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

const fn parse(file: &[u8]) -> Result<Model<'_>, ParseError> {
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

    // Copies, which prove to the compiler that no index below is out of range.
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

/// Checks magic, versions, length and checksum, and returns the checksum.
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
        // In the header these follow the counts.
        level: LevelMode::Absolute,
        denoise: None,
        image: None,
    })
}

/// The part of the front end that follows the counts, and the check of the whole.
const fn parse_rest_of_front_end(
    reader: &mut Reader<'_>,
    mut front_end: spec::FrontEnd,
) -> Result<spec::FrontEnd, ParseError> {
    front_end.level = match read!(reader, reader.u8()) {
        0 => LevelMode::Absolute,
        1 => LevelMode::RelativeToPeak,
        other => return Err(ParseError::Field { field: "level", got: other as u32 }),
    };
    let features = read!(reader, reader.u8());
    let columns = read!(reader, reader.u16()) as usize;
    match (features, columns) {
        (0, 0) => {}
        (0, _) => {
            return Err(ParseError::Field { field: "image columns without an image", got: columns as u32 });
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
            return Err(ParseError::Field {
                field: "depth of a subtraction without a subtraction",
                got: depth_db as u32,
            });
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

/// The section behind the tables, and the check of tables and normaliser.
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

/// The rows between two layers.
#[derive(Clone, Copy)]
struct Flow {
    shape: Shape,
    zero_point: i8,
    magnitude: u64,
}

/// For each row a bias or mean, and a multiplier.
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
                output_scale: record.scale,
                codes: CodeRows { weights, bias, multipliers, zero_point: record.zero_point },
            })
        }
        spec::Layer::MaxPool { rows, bands, overlap } => LayerParams::MaxPool(MaxPool { input, rows, bands, overlap }),
        spec::Layer::Flatten { rows } => LayerParams::Flatten(Flatten { input, rows }),
        spec::Layer::Lstm { hidden } => {
            let input_weights = check!(byte_section(reader, packed_len(4 * hidden, input.len())));
            let recurrent_weights = check!(byte_section(reader, packed_len(4 * hidden, hidden)));
            let (bias, multipliers) = check!(parse_multipliers(reader, 4 * hidden));
            let input_shift = check!(byte_section(reader, 4 * hidden));
            next.zero_point = 0;
            next.magnitude = HIDDEN_MAGNITUDE;
            LayerParams::Lstm(Lstm {
                inputs: input.len(),
                hidden,
                gates: GateRows { input_weights, recurrent_weights, bias, multipliers, input_shift },
            })
        }
        spec::Layer::TimeMean => {
            next.zero_point = 0;
            next.magnitude = HIDDEN_MAGNITUDE;
            LayerParams::TimeMean(TimeMean { len: input.len(), zero_point: flow.zero_point })
        }
        spec::Layer::LastStep => LayerParams::LastStep(LastStep { len: input.len() }),
        spec::Layer::Dense { units } => {
            let weights = check!(byte_section(reader, packed_len(units, input.len())));
            let (bias, multipliers) = check!(parse_multipliers(reader, units));
            LayerParams::Dense(Dense { inputs: input.len(), units, weights, bias, multipliers })
        }
    };
    Ok((layer, next))
}
