//! Writers of recordings in many containers, plain and from the standards alone: RIFF and `ksmedia.h` for WAV, EBU Tech
//! 3306 for RF64, ITU-T G.711 for A-law and µ-law, RFC 9639 for FLAC.

use crc::{CRC_8_SMBUS, CRC_16_UMTS, Crc};

/// How a sample is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Integers of this many bits that fill their bytes.
    Integer(u16),
    /// Integers of 24 or 20 bits in the upper bits of 32, as WAVE_FORMAT_EXTENSIBLE has them.
    Upper(u16),
    /// Integers of 24 or 20 bits in the lower bits of 32, as ALSA has them.
    Lower(u16),
    /// Floating-point numbers of 32 or 64 bits.
    Float(u16),
    /// G.711 A-law.
    ALaw,
    /// G.711 µ-law.
    MuLaw,
}

/// What a WAV file says of its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lengths {
    /// The truth.
    True,
    /// ffmpeg into a pipe.
    AllOnes,
    /// sox into a pipe.
    Sox,
    /// A recorder without power.
    Zero,
    /// RF64.
    Long,
}

/// A WAV file of mono samples, on each of `channels` channels.
pub fn wav(samples: &[i16], rate_hz: u32, channels: u16, encoding: Encoding, lengths: Lengths) -> Vec<u8> {
    let (tag, bits, len): (u16, u16, u16) = match encoding {
        Encoding::Integer(bits) => (1, bits, bits.div_ceil(8)),
        Encoding::Upper(_) => (0xfffe, 32, 4),
        Encoding::Lower(bits) => (1, bits, 4),
        Encoding::Float(bits) => (3, bits, bits / 8),
        Encoding::ALaw => (6, 8, 1),
        Encoding::MuLaw => (7, 8, 1),
    };
    let mut format = Vec::new();
    format.extend(tag.to_le_bytes());
    format.extend(channels.to_le_bytes());
    format.extend(rate_hz.to_le_bytes());
    format.extend((rate_hz * u32::from(len * channels)).to_le_bytes());
    format.extend((len * channels).to_le_bytes());
    format.extend(bits.to_le_bytes());
    if let Encoding::Upper(valid) = encoding {
        format.extend([22, 0]);
        format.extend(valid.to_le_bytes());
        format.extend([4, 0, 0, 0]);
        format.extend(*b"\x01\x00\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71");
    }
    let data: Vec<u8> = samples
        .iter()
        .flat_map(|sample| std::iter::repeat_n(stored(*sample, encoding), channels.into()).flatten())
        .collect();
    let mut chunks = chunk(b"fmt ", &format);
    // A tag of odd length.
    chunks.extend(chunk(b"LIST", b"INFOx"));
    let data_chunk = chunk(b"data", &data);
    let true_len = (4 + chunks.len() + data_chunk.len()) as u32;
    let (magic, file_len, data_len) = match lengths {
        Lengths::True => (b"RIFF", true_len, data.len() as u32),
        Lengths::AllOnes => (b"RIFF", u32::MAX, u32::MAX),
        Lengths::Sox => (b"RIFF", 0x7fff_f024, 0x7fff_f000),
        Lengths::Zero => (b"RIFF", 0, 0),
        Lengths::Long => (b"RF64", u32::MAX, u32::MAX),
    };
    let mut file = [&magic[..], &file_len.to_le_bytes(), b"WAVE"].concat();
    if lengths == Lengths::Long {
        let lens = [36 + u64::from(true_len), data.len() as u64, samples.len() as u64];
        let lens: Vec<u8> = lens.into_iter().flat_map(u64::to_le_bytes).chain([0; 4]).collect();
        file.extend(chunk(b"ds64", &lens));
    }
    file.extend(chunks);
    file.extend([&b"data"[..], &data_len.to_le_bytes(), &data].concat());
    if lengths == Lengths::True {
        file.extend(&data_chunk[8 + data.len()..]);
        file.extend(chunk(b"note", b"behind the samples"));
    }
    file
}

fn chunk(id: &[u8], bytes: &[u8]) -> Vec<u8> {
    let padding = vec![0; bytes.len() % 2];
    [id, &(bytes.len() as u32).to_le_bytes(), bytes, &padding].concat()
}

/// The bytes of a sample.
fn stored(sample: i16, encoding: Encoding) -> Vec<u8> {
    let wide = i32::from(sample) << 16;
    match encoding {
        Encoding::Integer(8) => vec![(128 + nearest(sample, 8)) as u8],
        Encoding::Integer(bits) => wide.to_le_bytes()[4 - usize::from(bits.div_ceil(8))..].to_vec(),
        Encoding::Upper(_) => wide.to_le_bytes().to_vec(),
        Encoding::Lower(bits) => (wide >> (32 - bits)).to_le_bytes().to_vec(),
        Encoding::Float(32) => (f32::from(sample) / 32_768.0).to_le_bytes().to_vec(),
        Encoding::Float(_) => (f64::from(sample) / 32_768.0).to_le_bytes().to_vec(),
        Encoding::ALaw => vec![a_law(sample)],
        Encoding::MuLaw => vec![mu_law(sample)],
    }
}

/// The sample in fewer bits, rounded.
fn nearest(sample: i16, bits: u32) -> i16 {
    let step = 1 << (16 - bits);
    let rounded = (i32::from(sample) + step / 2).div_euclid(step);
    rounded.min((1 << (bits - 1)) - 1) as i16
}

/// The code of a sample: sign, segment, four bits; every other bit is inverted.
fn a_law(sample: i16) -> u8 {
    // 13 bits count, and -1 has the magnitude 0.
    let (sign, magnitude) = if sample >= 0 { (0x80, sample >> 3) } else { (0, !(sample >> 3)) };
    let segment = magnitude.max(1).ilog2().saturating_sub(4);
    let step = magnitude >> segment.max(1);
    (sign | (segment as u8) << 4 | (step & 15) as u8) ^ 0x55
}

/// The code of a sample: sign, segment, four bits; all inverted.
fn mu_law(sample: i16) -> u8 {
    let sign = if sample < 0 { 0x80 } else { 0 };
    let magnitude = i32::from(sample).abs().min(32_635) + 132;
    let segment = magnitude.ilog2() - 7;
    !(sign | (segment as u8) << 4 | (magnitude >> (segment + 3) & 15) as u8)
}

/// A FLAC file of mono samples, on each of `channels` channels, in blocks of `block` samples without compression;
/// blocks of one value store it once. `bits` is 16 or 24.
pub fn flac(samples: &[i16], rate_hz: u32, channels: u8, bits: u8, block: u16) -> Vec<u8> {
    let len = samples.len() as u64;
    let mut file = b"fLaC\x80\x00\x00\x22".to_vec();
    file.extend([block.to_be_bytes(), block.to_be_bytes()].concat());
    // Lengths of the shortest and the longest frame: unknown.
    file.extend([0; 6]);
    let shape = u64::from(rate_hz) << 44 | u64::from(channels - 1) << 41 | u64::from(bits - 1) << 36 | len;
    file.extend(shape.to_be_bytes());
    // No checksum of the samples.
    file.extend([0; 16]);
    for (number, block) in samples.chunks(block.into()).enumerate() {
        // Blocks of one length; the length of this one follows; the rate stands in the file's header.
        let size = if bits == 16 { 4 } else { 6 };
        let mut frame = vec![0xff, 0xf8, 0x70, (channels - 1) << 4 | size << 1];
        let mut utf8 = [0; 4];
        let number = char::from_u32(number as u32).expect("few blocks");
        frame.extend(number.encode_utf8(&mut utf8).as_bytes());
        frame.extend((block.len() as u16 - 1).to_be_bytes());
        frame.push(Crc::<u8>::new(&CRC_8_SMBUS).checksum(&frame));
        for _ in 0..channels {
            let bytes = |sample: &i16| (i32::from(*sample) << 16).to_be_bytes()[..usize::from(bits / 8)].to_vec();
            if block.iter().all(|sample| *sample == block[0]) {
                frame.push(0x00);
                frame.extend(bytes(&block[0]));
            } else {
                frame.push(0x02);
                frame.extend(block.iter().flat_map(bytes));
            }
        }
        frame.extend(Crc::<u16>::new(&CRC_16_UMTS).checksum(&frame).to_be_bytes());
        file.extend(frame);
    }
    file
}
