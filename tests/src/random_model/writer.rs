//! A writer that follows `docs/model-format.md` from top to bottom.

use crate::reference::model_file::{Layer, ModelFile, Multiplier, checksum};

impl ModelFile {
    /// The bytes of the file. All numbers are written unchecked, valid or not.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut file = self.header();
        for label in &self.labels {
            let mut name = [0; 16];
            name[..label.len()].copy_from_slice(label.as_bytes());
            file.extend(name);
        }
        for layer in &self.layers {
            file.extend(record(layer));
        }
        let spec = &self.front_end;
        if spec.features == 1 {
            section(&mut file, &spec.window_table, i32::to_le_bytes);
        } else {
            section(&mut file, &spec.window_table, |value| (value as i16).to_le_bytes());
        }
        if spec.features == 0 {
            section(&mut file, &spec.edges, u16::to_le_bytes);
            section(&mut file, &spec.rising, i16::to_le_bytes);
            section(&mut file, &[spec.floor], u64::to_le_bytes);
        }
        section(&mut file, &spec.mean, i32::to_le_bytes);
        multiplier_sections(&mut file, &spec.multipliers);
        for layer in &self.layers {
            numbers(&mut file, layer);
        }
        let length = file.len() as u32;
        file[12..16].copy_from_slice(&length.to_le_bytes());
        with_repaired_crc(file)
    }

    fn header(&self) -> Vec<u8> {
        let spec = &self.front_end;
        let mut header = b"SERMODEL".to_vec();
        header.extend([3, 0, 2, 0]);
        header.extend([0; 8]);
        header.extend(spec.sample_rate_hz.to_le_bytes());
        for field in [spec.frame_len, spec.hop_len, spec.fft_len, spec.mel_bands] {
            header.extend(field.to_le_bytes());
        }
        for field in [spec.dc_block_pole, spec.pre_emphasis, spec.lower_edge_hz, spec.upper_edge_hz, spec.floor_db] {
            header.extend(field.to_le_bytes());
        }
        header.extend([spec.window, spec.gate]);
        header.extend(spec.longest_pause.to_le_bytes());
        for field in [spec.gate_threshold_db, spec.gate_range_db, self.temperature, self.confidence_threshold] {
            header.extend(field.to_le_bytes());
        }
        header.extend([self.layers.len() as u8, self.labels.len() as u8]);
        header.extend([spec.level, spec.features]);
        header.extend(spec.columns.to_le_bytes());
        header.extend([spec.subtraction_tenths, spec.depth_db]);
        header
    }
}

/// The same file with the right CRC.
pub fn with_repaired_crc(mut file: Vec<u8>) -> Vec<u8> {
    let crc = checksum(&file);
    file[16..20].copy_from_slice(&crc.to_le_bytes());
    file
}

fn record(layer: &Layer) -> Vec<u8> {
    let (kind, rows, bands, zero_point, units, edges, scale) = match layer {
        Layer::Conv2d { kernel_rows, kernel_bands, padding, zero_point, channels, scale, .. } => {
            (1, *kernel_rows, *kernel_bands, *zero_point, *channels, *padding, *scale)
        }
        Layer::MaxPool { rows, bands, overlap } => (2, *rows, *bands, 0, 0, *overlap, 0.0),
        Layer::Lstm { hidden, .. } => (3, 0, 0, 0, *hidden, 0, 0.0),
        Layer::TimeMean => (4, 0, 0, 0, 0, 0, 0.0),
        Layer::Dense { units, .. } => (5, 0, 0, 0, *units, 0, 0.0),
        Layer::Flatten { rows } => (6, *rows, 0, 0, 0, 0, 0.0),
        Layer::LastStep => (7, 0, 0, 0, 0, 0, 0.0),
    };
    let mut record = vec![kind, rows, bands, zero_point.to_le_bytes()[0]];
    record.extend(units.to_le_bytes());
    record.extend([edges, 0]);
    record.extend(scale.to_le_bytes());
    record.extend([0; 4]);
    record
}

fn numbers(file: &mut Vec<u8>, layer: &Layer) {
    match layer {
        Layer::Conv2d { weights, bias, multipliers, .. } | Layer::Dense { weights, bias, multipliers, .. } => {
            section(file, &packed(weights, bias.len()), i8::to_le_bytes);
            section(file, bias, i32::to_le_bytes);
            multiplier_sections(file, multipliers);
        }
        Layer::Lstm { input_weights, recurrent_weights, bias, multipliers, input_shifts, .. } => {
            section(file, &packed(input_weights, bias.len()), i8::to_le_bytes);
            section(file, &packed(recurrent_weights, bias.len()), i8::to_le_bytes);
            section(file, bias, i32::to_le_bytes);
            multiplier_sections(file, multipliers);
            section(file, input_shifts, u8::to_le_bytes);
        }
        Layer::MaxPool { .. } | Layer::Flatten { .. } | Layer::TimeMean | Layer::LastStep => {}
    }
}

/// Packs a matrix of `rows` rows: into blocks of four rows, each block into groups of four columns, each group into
/// four words, one for each row.
fn packed(weights: &[i8], rows: usize) -> Vec<i8> {
    let columns = weights.len() / rows;
    let weight =
        |row: usize, column: usize| if row < rows && column < columns { weights[row * columns + column] } else { 0 };
    let mut bytes = Vec::new();
    for block in (0..rows).step_by(4) {
        for group in (0..columns).step_by(4) {
            for row in block..block + 4 {
                bytes.extend([0, 2, 1, 3].map(|column| weight(row, group + column)));
            }
        }
    }
    bytes
}

fn multiplier_sections(file: &mut Vec<u8>, multipliers: &[Multiplier]) {
    let (mantissas, shifts): (Vec<i32>, Vec<u8>) = multipliers.iter().map(|m| (m.mantissa, m.shift)).unzip();
    section(file, &mantissas, i32::to_le_bytes);
    section(file, &shifts, u8::to_le_bytes);
}

/// Each section begins at the next multiple of 16 after the one before it.
fn section<T: Copy, const N: usize>(file: &mut Vec<u8>, values: &[T], encode: fn(T) -> [u8; N]) {
    file.resize(file.len().next_multiple_of(16), 0);
    file.extend(values.iter().flat_map(|&value| encode(value)));
}
