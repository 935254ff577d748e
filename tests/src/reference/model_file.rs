//! The contents of a model file, and a reader that follows `docs/model-format.md` from top to bottom.

use crc::{CRC_32_ISO_HDLC, Crc};

/// Everything in a model file.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelFile {
    /// Header fields and sections of the front end.
    pub front_end: FrontEnd,
    /// The divisor of the logits before the softmax.
    pub temperature: f32,
    /// A leading probability below this threshold means "not sure".
    pub confidence_threshold: f32,
    /// Names of the classes.
    pub labels: Vec<String>,
    /// Layers in the order in which a row passes them.
    pub layers: Vec<Layer>,
}

/// Header fields and sections of the front end, as stored.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the fields are those of the page, under the same names")]
pub struct FrontEnd {
    pub sample_rate_hz: u32,
    pub frame_len: u16,
    pub hop_len: u16,
    pub fft_len: u16,
    pub mel_bands: u16,
    pub dc_block_pole: f32,
    pub pre_emphasis: f32,
    pub lower_edge_hz: f32,
    pub upper_edge_hz: f32,
    pub floor_db: f32,
    pub window: u8,
    pub gate: u8,
    pub longest_pause: u16,
    pub gate_threshold_db: f32,
    pub gate_range_db: f32,
    pub level: u8,
    /// 0 log-mel rows, 1 an image.
    pub features: u8,
    pub columns: u16,
    pub subtraction_tenths: u8,
    pub depth_db: u8,
    /// `[frame_len / 2 + 1]`, Q0.15; for an image `[frame_len / 2]`, Q0.31.
    pub window_table: Vec<i32>,
    /// `[mel_bands + 2]`, FFT bins; none for an image.
    pub edges: Vec<u16>,
    /// `[e[last] - e[0]]`, Q0.15; none for an image.
    pub rising: Vec<i16>,
    /// Steps of a band's sum; 0 for an image.
    pub floor: u64,
    /// `[mel_bands]`, dB, Q16.16; for an image `[3]`, pixel values, Q16.16.
    pub mean: Vec<i32>,
    /// `[mel_bands]`; for an image `[3]`.
    pub multipliers: Vec<Multiplier>,
}

impl FrontEnd {
    /// Shape `[bands][channels]` of a row that enters the network.
    pub fn row_shape(&self) -> (usize, usize) {
        (usize::from(self.mel_bands), if self.features == 1 { 3 } else { 1 })
    }

    /// Number of means and multipliers of a row.
    fn normalized_parts(&self) -> usize {
        if self.features == 1 { 3 } else { usize::from(self.mel_bands) }
    }
}

/// `mantissa / 2^(32 + shift)`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs, reason = "the fields are those of the page, under the same names")]
pub struct Multiplier {
    pub mantissa: i32,
    pub shift: u8,
}

/// One layer with its numbers, laid out as in the file.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the fields are those of the page, under the same names")]
pub enum Layer {
    Conv2d {
        kernel_rows: u8,
        kernel_bands: u8,
        /// 0 causal, 1 same, 2 valid.
        padding: u8,
        zero_point: i8,
        scale: f32,
        channels: u16,
        /// `[channels][rows][bands][input channels]`
        weights: Vec<i8>,
        bias: Vec<i32>,
        multipliers: Vec<Multiplier>,
    },
    MaxPool {
        rows: u8,
        bands: u8,
        overlap: u8,
    },
    Flatten {
        rows: u8,
    },
    Lstm {
        hidden: u16,
        /// `[hidden][4][inputs]`
        input_weights: Vec<i8>,
        /// `[hidden][4][hidden]`
        recurrent_weights: Vec<i8>,
        /// `[hidden][4]`
        bias: Vec<i32>,
        /// `[hidden][4]`
        multipliers: Vec<Multiplier>,
        /// `[hidden][4]`
        input_shifts: Vec<u8>,
    },
    TimeMean,
    LastStep,
    Dense {
        units: u16,
        /// `[units][inputs]`
        weights: Vec<i8>,
        bias: Vec<i32>,
        multipliers: Vec<Multiplier>,
    },
}

impl Layer {
    /// Shape `[bands][channels]` of a row that leaves this layer.
    pub fn output_shape(&self, (bands, channels): (usize, usize)) -> (usize, usize) {
        match self {
            Layer::Conv2d { channels, kernel_bands, padding: 2, .. } => {
                (bands + 1 - usize::from(*kernel_bands), usize::from(*channels))
            }
            Layer::Conv2d { channels, .. } => (bands, usize::from(*channels)),
            Layer::MaxPool { bands: block, overlap, .. } => {
                let (block, overlap) = (usize::from(*block), usize::from(*overlap));
                ((bands - overlap) / (block - overlap), channels)
            }
            Layer::Flatten { rows } => (1, usize::from(*rows) * bands * channels),
            Layer::Lstm { hidden, .. } => (1, usize::from(*hidden)),
            Layer::TimeMean | Layer::LastStep => (bands, channels),
            Layer::Dense { units, .. } => (1, usize::from(*units)),
        }
    }
}

impl ModelFile {
    /// Reads a valid file. For an invalid file it returns the first fault that gets in the way, but it does not look
    /// for all faults: that is the core's job.
    ///
    /// # Errors
    /// If magic, versions, length or CRC are wrong, a layer kind is unknown, a label is not UTF-8, or numbers are
    /// missing at the end.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let mut header = Cursor { bytes, at: 0 };
        if header.take(8)? != b"SERMODEL" {
            return Err("no magic".into());
        }
        let (version, contract) = (header.u16()?, header.u16()?);
        if (version, contract) != (3, 2) {
            return Err(format!("format version and contract 3, 2 wanted, got {version}, {contract}"));
        }
        let length = header.u32()?;
        if length as usize != bytes.len() {
            return Err(format!("{length} bytes announced, got {}", bytes.len()));
        }
        let crc = header.u32()?;
        if crc != checksum(bytes) {
            return Err("CRC differs".into());
        }
        let mut front_end = FrontEnd {
            sample_rate_hz: header.u32()?,
            frame_len: header.u16()?,
            hop_len: header.u16()?,
            fft_len: header.u16()?,
            mel_bands: header.u16()?,
            dc_block_pole: header.f32()?,
            pre_emphasis: header.f32()?,
            lower_edge_hz: header.f32()?,
            upper_edge_hz: header.f32()?,
            floor_db: header.f32()?,
            window: header.u8()?,
            gate: header.u8()?,
            longest_pause: header.u16()?,
            gate_threshold_db: header.f32()?,
            gate_range_db: header.f32()?,
            level: 0,
            features: 0,
            columns: 0,
            subtraction_tenths: 0,
            depth_db: 0,
            window_table: Vec::new(),
            edges: Vec::new(),
            rising: Vec::new(),
            floor: 0,
            mean: Vec::new(),
            multipliers: Vec::new(),
        };
        let temperature = header.f32()?;
        let confidence_threshold = header.f32()?;
        let (layer_count, label_count) = (header.u8()?, header.u8()?);
        (front_end.level, front_end.features, front_end.columns) = (header.u8()?, header.u8()?, header.u16()?);
        (front_end.subtraction_tenths, front_end.depth_db) = (header.u8()?, header.u8()?);
        let mut labels = Vec::new();
        for _ in 0..label_count {
            let name: Vec<u8> = header.take(16)?.iter().copied().take_while(|&byte| byte != 0).collect();
            labels.push(String::from_utf8(name).map_err(|error| error.to_string())?);
        }
        let mut records = Vec::new();
        for _ in 0..layer_count {
            records.push(header.take(16)?);
        }

        let mut sections = header;
        let half_a_frame = usize::from(front_end.frame_len) / 2;
        if front_end.features == 1 {
            front_end.window_table = sections.section(half_a_frame, i32::from_le_bytes)?;
        } else {
            front_end.window_table =
                sections.section(half_a_frame + 1, |bytes| i32::from(i16::from_le_bytes(bytes)))?;
            sections.filterbank(&mut front_end)?;
        }
        front_end.mean = sections.section(front_end.normalized_parts(), i32::from_le_bytes)?;
        front_end.multipliers = sections.multipliers(front_end.normalized_parts())?;

        let mut shape = front_end.row_shape();
        let mut layers = Vec::new();
        for record in records {
            let layer = sections.layer(record, shape)?;
            shape = layer.output_shape(shape);
            layers.push(layer);
        }
        if sections.at != bytes.len() {
            return Err(format!("{} bytes after the last section", bytes.len() - sections.at));
        }
        Ok(Self { front_end, temperature, confidence_threshold, labels, layers })
    }
}

/// The CRC that the header should hold.
pub fn checksum(bytes: &[u8]) -> u32 {
    Crc::<u32>::new(&CRC_32_ISO_HDLC).checksum(&bytes[20..])
}

#[derive(Clone, Copy)]
struct Cursor<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Cursor<'b> {
    fn take(&mut self, count: usize) -> Result<&'b [u8], String> {
        let taken = self
            .bytes
            .get(self.at..self.at + count)
            .ok_or_else(|| format!("{count} bytes wanted at {}, the file has {}", self.at, self.bytes.len()))?;
        self.at += count;
        Ok(taken)
    }

    fn number<const N: usize, T>(&mut self, decode: fn([u8; N]) -> T) -> Result<T, String> {
        let mut bytes = [0; N];
        bytes.copy_from_slice(self.take(N)?);
        Ok(decode(bytes))
    }

    fn u8(&mut self) -> Result<u8, String> {
        self.number(u8::from_le_bytes)
    }

    fn u16(&mut self) -> Result<u16, String> {
        self.number(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32, String> {
        self.number(u32::from_le_bytes)
    }

    fn f32(&mut self) -> Result<f32, String> {
        self.number(f32::from_le_bytes)
    }

    fn section<const N: usize, T>(&mut self, count: usize, decode: fn([u8; N]) -> T) -> Result<Vec<T>, String> {
        self.at = self.at.next_multiple_of(16);
        (0..count).map(|_| self.number(decode)).collect()
    }

    /// Sections 2 to 4.
    fn filterbank(&mut self, front_end: &mut FrontEnd) -> Result<(), String> {
        let mel_bands = usize::from(front_end.mel_bands);
        front_end.edges = self.section(mel_bands + 2, u16::from_le_bytes)?;
        let (first, last) = (front_end.edges[0], front_end.edges[mel_bands + 1]);
        let bins = usize::from(last.checked_sub(first).ok_or("mel edges wanted in ascending order")?);
        front_end.rising = self.section(bins, i16::from_le_bytes)?;
        front_end.floor = self.section(1, u64::from_le_bytes)?[0];
        Ok(())
    }

    /// The weights of a packed matrix, row by row.
    fn matrix(&mut self, rows: usize, columns: usize) -> Result<Vec<i8>, String> {
        let (blocks, groups) = (rows.div_ceil(4), columns.div_ceil(4));
        let packed = self.section(16 * blocks * groups, i8::from_le_bytes)?;
        let mut weights = vec![0; rows * columns];
        for (at, &weight) in packed.iter().enumerate() {
            let (word, byte) = (at / 4, at % 4);
            let row = word / 4 / groups * 4 + word % 4;
            let column = word / 4 % groups * 4 + [0, 2, 1, 3][byte];
            if row < rows && column < columns {
                weights[row * columns + column] = weight;
            } else if weight != 0 {
                return Err(format!(
                    "0 wanted where a matrix of {rows} rows and {columns} columns is filled up, got {weight}"
                ));
            }
        }
        Ok(weights)
    }

    fn multipliers(&mut self, rows: usize) -> Result<Vec<Multiplier>, String> {
        let mantissas = self.section(rows, i32::from_le_bytes)?;
        let shifts = self.section(rows, u8::from_le_bytes)?;
        Ok(mantissas.into_iter().zip(shifts).map(|(mantissa, shift)| Multiplier { mantissa, shift }).collect())
    }

    fn layer(&mut self, record: &[u8], (bands, channels_in): (usize, usize)) -> Result<Layer, String> {
        let mut fields = Cursor { bytes: record, at: 0 };
        let (kind, along_time, along_frequency) = (fields.u8()?, fields.u8()?, fields.u8()?);
        let zero_point = fields.number(i8::from_le_bytes)?;
        let units = fields.u16()?;
        let edges = fields.u8()?;
        fields.u8()?;
        let scale = fields.f32()?;
        let (inputs, outputs) = (bands * channels_in, usize::from(units));
        Ok(match kind {
            1 => Layer::Conv2d {
                kernel_rows: along_time,
                kernel_bands: along_frequency,
                padding: edges,
                zero_point,
                scale,
                channels: units,
                weights: self.matrix(outputs, usize::from(along_time) * usize::from(along_frequency) * channels_in)?,
                bias: self.section(outputs, i32::from_le_bytes)?,
                multipliers: self.multipliers(outputs)?,
            },
            2 => Layer::MaxPool { rows: along_time, bands: along_frequency, overlap: edges },
            3 => Layer::Lstm {
                hidden: units,
                input_weights: self.matrix(outputs * 4, inputs)?,
                recurrent_weights: self.matrix(outputs * 4, outputs)?,
                bias: self.section(outputs * 4, i32::from_le_bytes)?,
                multipliers: self.multipliers(outputs * 4)?,
                input_shifts: self.section(outputs * 4, u8::from_le_bytes)?,
            },
            4 => Layer::TimeMean,
            5 => Layer::Dense {
                units,
                weights: self.matrix(outputs, inputs)?,
                bias: self.section(outputs, i32::from_le_bytes)?,
                multipliers: self.multipliers(outputs)?,
            },
            6 => Layer::Flatten { rows: along_time },
            7 => Layer::LastStep,
            other => return Err(format!("layer kind 1..=7 wanted, got {other}")),
        })
    }
}
