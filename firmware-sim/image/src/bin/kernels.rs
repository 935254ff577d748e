//! Compares the kernels of this processor with the portable code on random and extreme data, and counts their
//! instructions.
//!
//! The wrappers of the kernels hand data that is not aligned to 4 bytes to the portable code. So each layer runs twice,
//! with aligned and with unaligned weights, and both runs must give the same. Convolutions and pools must also give
//! what plain loops in this file give.
//!
//! `firmware-sim device --kernels` reads the output, which has one line `name: MACs instructions` for each kernel. If
//! anything differs, a line says what and the exit code is 1.

#![no_std]
#![no_main]

#[path = "../clock.rs"]
mod clock;

#[cfg(target_arch = "arm")]
use cortex_m_rt::entry;
#[cfg(target_arch = "riscv32")]
use riscv_rt::entry;

use semihosting::println;
use semihosting::process::exit;

use ser_core::arch::{CodeRows, GateRows};
use ser_core::kernels::{Conv2d, Conv2dState, Lstm, LstmState, MaxPool, MaxPoolState, matrix_vector};
use ser_core::packed::{packed_index, packed_len};
use ser_core::quant::{Multipliers, requantize};
use ser_core::spec::{Padding, Shape};

/// Bytes for the largest matrix; [`Memory`] adds room to move it off its alignment.
const WEIGHTS: usize = 24 << 10;
/// Rows of the largest matrix.
const ROWS: usize = 192;
/// Values of the largest row of a feature map.
const ROW: usize = 1024;
/// Rows that go through a convolution or a pool that plain loops check.
const HEARD: usize = 5;

/// All memory, aligned.
#[repr(align(16))]
struct Memory {
    first: [u8; WEIGHTS + 4],
    second: [u8; WEIGHTS + 4],
    bias: [[u8; 4]; ROWS],
    mantissa: [[u8; 4]; ROWS],
    shift: [u8; ROWS],
    input_shift: [u8; ROWS],
    heard: [[i8; ROW]; HEARD],
    work: [i16; ROW],
    ring: [[i8; 4 * ROW]; 2],
    output: [[i8; ROW]; 2],
}

static mut MEMORY: Memory = Memory {
    first: [0; WEIGHTS + 4],
    second: [0; WEIGHTS + 4],
    bias: [[0; 4]; ROWS],
    mantissa: [[0; 4]; ROWS],
    shift: [1; ROWS],
    input_shift: [0; ROWS],
    heard: [[0; ROW]; HEARD],
    work: [0; ROW],
    ring: [[0; 4 * ROW]; 2],
    output: [[0; ROW]; 2],
};

/// Xorshift (Marsaglia 2003). One value in eight is an extreme; all are while `extreme` is set.
struct Random {
    state: u32,
    extreme: bool,
}

impl Random {
    fn next(&mut self) -> u32 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 17;
        self.state ^= self.state << 5;
        self.state
    }

    fn below(&mut self, end: u32) -> usize {
        (self.next() % end) as usize
    }

    /// A value in `least..=most`.
    fn value(&mut self, least: i32, most: i32) -> i32 {
        let random = self.next();
        if self.extreme || random.is_multiple_of(8) {
            return if random & 8 == 0 { least } else { most };
        }
        least + (random % (most - least + 1) as u32) as i32
    }
}

/// A packed matrix of random weights: aligned in `first`, unaligned in `second`.
fn fill_weights<'m>(
    random: &mut Random,
    rows: usize,
    columns: usize,
    first: &'m mut [u8],
    second: &'m mut [u8],
) -> (&'m [u8], &'m [u8]) {
    let len = packed_len(rows, columns);
    first[..len].fill(0);
    for row in 0..rows {
        for column in 0..columns {
            first[packed_index(row, column, columns)] = random.value(-127, 127) as u8;
        }
    }
    second[1..][..len].copy_from_slice(&first[..len]);
    (&first[..len], &second[1..][..len])
}

/// Fills biases, mantissas and shifts with random values.
fn fill_rows(random: &mut Random, bias: &mut [[u8; 4]], mantissa: &mut [[u8; 4]], shift: &mut [u8]) {
    for ((bias, mantissa), shift) in bias.iter_mut().zip(mantissa).zip(shift) {
        *bias = random.value(-(1 << 20), 1 << 20).to_le_bytes();
        *mantissa = random.value(1 << 30, i32::MAX).to_le_bytes();
        *shift = random.value(1, 31) as u8;
    }
}

/// Ends the program with a line that names the kernel and its shape, unless `equal`.
fn require(equal: bool, kernel: &str, shape: &[usize]) {
    if !equal {
        println!("DIFFERENT {kernel} {shape:?}");
        exit(1);
    }
}

/// The output of a convolution at an index of its row, after the rows in `heard`.
fn plain_convolution(conv: &Conv2d<'_>, heard: &[[i8; ROW]], index: usize) -> i8 {
    let Shape { bands, channels } = conv.input();
    let (position, channel) = (index / conv.channels(), index % conv.channels());
    let beside = if conv.padding() == Padding::Valid { 0 } else { conv.bands() / 2 };
    let mut sum = i32::from_le_bytes(conv.codes().bias()[channel]);
    for (column, kernel_row, kernel_band, of_band) in (0..conv.patch_len()).map(|column| {
        let place = column / channels;
        (column, place / conv.bands(), place % conv.bands(), column % channels)
    }) {
        let (time, band) =
            ((heard.len() + kernel_row).checked_sub(conv.rows()), (position + kernel_band).checked_sub(beside));
        let code = match (time, band) {
            (Some(time), Some(band)) if band < bands => heard[time][band * channels + of_band],
            _ => conv.input_zero_point(),
        };
        sum +=
            i32::from(code) * i32::from(conv.codes().weights()[packed_index(channel, column, conv.patch_len())] as i8);
    }
    let multiplier = conv.codes().multipliers().iter().nth(channel).map_or(0, |multiplier| requantize(sum, multiplier));
    let zero_point = i32::from(conv.codes().zero_point());
    (multiplier + zero_point).clamp(zero_point, 127) as i8
}

/// Pushes rows through a convolution; `shape` is `[channels, rows, bands, input bands, input channels]`. Returns the
/// instructions of the aligned run.
fn convolution(random: &mut Random, memory: &mut Memory, shape: [usize; 5], padding: Padding, rows: usize) -> u64 {
    let [channels, height, width, bands, input_channels] = shape;
    let columns = height * width * input_channels;
    fill_rows(random, &mut memory.bias[..channels], &mut memory.mantissa[..channels], &mut memory.shift[..channels]);
    let (aligned, unaligned) = fill_weights(random, channels, columns, &mut memory.first, &mut memory.second);
    let zero_point = random.value(-128, 127) as i8;
    let multipliers = Multipliers { mantissa: &memory.mantissa[..channels], shift: &memory.shift[..channels] };
    let conv = |weights| {
        let codes = CodeRows::new(columns, weights, &memory.bias[..channels], multipliers, -128)?;
        let input = Shape { bands, channels: input_channels };
        Conv2d::new(input, [height, width], padding, zero_point, 1.0, codes)
    };
    let (Some(first), Some(second)) = (conv(aligned), conv(unaligned)) else { exit(1) };
    let convs = [first, second];
    let mut oldest = [0; 2];
    let mut instructions = 0;
    let mut states = memory
        .ring
        .iter_mut()
        .zip(&mut oldest)
        .zip(&convs)
        .map(|((ring, oldest), conv)| Conv2dState { ring: &mut ring[..conv.ring_len()], oldest });
    let (Some(mut first), Some(mut second)) = (states.next(), states.next()) else { exit(1) };
    convs[0].reset(&mut first);
    convs[1].reset(&mut second);
    for time in 0..rows {
        let row = &mut memory.heard[time % HEARD][..bands * input_channels];
        row.iter_mut().for_each(|code| *code = random.value(-128, 127) as i8);
        let [output, wanted] = &mut memory.output;
        let (output, wanted) = (&mut output[..convs[0].output_len()], &mut wanted[..convs[1].output_len()]);
        let from = clock::now();
        let speaks = convs[0].push(&mut first, row, output, &mut memory.work);
        instructions += u64::from(clock::instructions(from, clock::now()));
        require(convs[1].push(&mut second, row, wanted, &mut memory.work) == speaks, "conv2d", &shape);
        if speaks {
            require(output == wanted, "conv2d", &shape);
            if let Some(heard) = memory.heard.get(..time + 1) {
                let plain = |index: usize| plain_convolution(&convs[0], heard, index);
                require(output.iter().enumerate().all(|(index, code)| *code == plain(index)), "plain conv2d", &shape);
            }
        }
    }
    instructions
}

/// Runs steps of an LSTM; `shape` is `[inputs, hidden]`. Returns the instructions of the aligned run.
fn lstm(random: &mut Random, memory: &mut Memory, shape: [usize; 2], steps: usize) -> u64 {
    let [inputs, hidden] = shape;
    let rows = 4 * hidden;
    fill_rows(random, &mut memory.bias[..rows], &mut memory.mantissa[..rows], &mut memory.shift[..rows]);
    memory.input_shift[..rows].iter_mut().for_each(|shift| *shift = random.value(0, 15) as u8);
    let split = packed_len(rows, inputs) + 4;
    let (first_w, first_r) = memory.first.split_at_mut(split);
    let (second_w, second_r) = memory.second.split_at_mut(split);
    let (w, w_unaligned) = fill_weights(random, rows, inputs, first_w, second_w);
    let (r, r_unaligned) = fill_weights(random, rows, hidden, first_r, second_r);
    let multipliers = Multipliers { mantissa: &memory.mantissa[..rows], shift: &memory.shift[..rows] };
    let layer = |weights| {
        let gates = GateRows::new(inputs, weights, &memory.bias[..rows], multipliers, &memory.input_shift[..rows])?;
        Lstm::new(inputs, gates)
    };
    let (Some(layer), Some(twin)) = (layer([w, r]), layer([w_unaligned, r_unaligned])) else { exit(1) };
    let (mut cells, mut hiddens, mut x) = ([[0i32; ROWS]; 2], [const { Row([0; ROWS]) }; 2], Row([0; ROWS]));
    let mut instructions = 0;
    for _ in 0..steps {
        x.0[..inputs].iter_mut().for_each(|x| *x = random.value(-32768, 32767) as i16);
        let ([cell, cell_wanted], [output, wanted]) = (&mut cells, &mut hiddens);
        let from = clock::now();
        layer.push(
            &mut LstmState { hidden: &mut output.0[..hidden], cell: &mut cell[..hidden] },
            &x.0[..inputs],
            &mut memory.work,
        );
        instructions += u64::from(clock::instructions(from, clock::now()));
        twin.push(
            &mut LstmState { hidden: &mut wanted.0[..hidden], cell: &mut cell_wanted[..hidden] },
            &x.0[..inputs],
            &mut memory.work,
        );
        require(output.0 == wanted.0 && cell == cell_wanted, "lstm", &shape);
    }
    instructions
}

/// An aligned vector.
#[repr(align(4))]
struct Row([i16; ROWS]);

/// Multiplies a matrix of `[rows, columns]` by a vector. Returns the instructions of the aligned run.
fn products(random: &mut Random, memory: &mut Memory, shape: [usize; 2]) -> u64 {
    let [rows, columns] = shape;
    let (aligned, unaligned) = fill_weights(random, rows, columns, &mut memory.first, &mut memory.second);
    let mut x = Row([0; ROWS]);
    x.0[..columns].iter_mut().for_each(|x| *x = random.value(-32768, 32767) as i16);
    let (mut sums, mut wanted) = ([0i32; ROWS], [0i32; ROWS]);
    let run = |matrix: &[u8], sums: &mut [i32]| {
        let mut sums = sums.iter_mut();
        matrix_vector(matrix, &x.0[..columns], |sum| {
            if let Some(to) = sums.next() {
                *to = sum;
            }
        });
    };
    let from = clock::now();
    run(aligned, &mut sums);
    let instructions = clock::instructions(from, clock::now());
    run(unaligned, &mut wanted);
    require(sums == wanted, "matrix x vector", &shape);
    u64::from(instructions)
}

/// Pushes rows through a max pool of `[rows, bands, overlap]` and compares its output with the maximum by plain loops.
fn max_pool(random: &mut Random, memory: &mut Memory, input: Shape, [rows, bands, overlap]: [usize; 3]) {
    let Some(pool) = MaxPool::new(input, [rows, bands], overlap) else { exit(1) };
    let mut filled = 0;
    let mut state = MaxPoolState { maximum: &mut memory.output[0][..pool.maximum_len()], filled: &mut filled };
    pool.reset(&mut state);
    for time in 0..HEARD {
        let row = &mut memory.heard[time][..input.len()];
        row.iter_mut().for_each(|code| *code = random.value(-128, 127) as i8);
        let speaks = pool.push(&mut state, row);
        let complete = time + 1 >= rows && (time + 1 - rows).is_multiple_of(rows - overlap);
        require(speaks == complete, "rows of a max pool", &[rows, bands, overlap]);
        if speaks {
            let block = &memory.heard[time + 1 - rows..=time];
            let wanted = |index: usize| {
                let at = index / input.channels * (bands - overlap) * input.channels + index % input.channels;
                block.iter().flat_map(|row| row[at..].iter().step_by(input.channels).take(bands)).max()
            };
            let right = |(index, code)| wanted(index) == Some(code);
            require(
                state.maximum[..pool.output_len()].iter().enumerate().all(right),
                "max pool",
                &[input.bands, input.channels],
            );
        }
    }
}

#[entry]
fn main() -> ! {
    clock::start();
    let memory = &raw mut MEMORY;
    // SAFETY: this function runs once, and nothing else uses the memory.
    let memory = core::hint::black_box(unsafe { &mut *memory });
    let mut random = Random { state: 0x5EED_1234, extreme: false };

    for round in 0..300 {
        random.extreme = round % 4 == 3;
        let padding = [Padding::Causal, Padding::Same, Padding::Valid][random.below(3)];
        for channels_at_a_time in [1, 4] {
            let mut some = |most: u32| channels_at_a_time * (1 + random.below(most / channels_at_a_time as u32));
            let (channels, input_channels) = (some(16), some(12));
            let width = 1 + 2 * random.below(3);
            let (height, bands) = match padding {
                Padding::Causal => (1 + random.below(3), 1 + random.below(10)),
                Padding::Same => (1 + 2 * random.below(2), 1 + random.below(10)),
                Padding::Valid => (1 + random.below(3), width + random.below(10)),
            };
            convolution(&mut random, memory, [channels, height, width, bands, input_channels], padding, HEARD);
        }
        let shape = [1 + random.below(40), 1 + random.below(20)];
        lstm(&mut random, memory, shape, 3);
        let by_fours = [4 + 4 * random.below(10), 4 + 4 * random.below(5)];
        lstm(&mut random, memory, by_fours, 3);
        let shape = [1 + random.below(40), 1 + random.below(120)];
        products(&mut random, memory, shape);
        let input = Shape { bands: 3 + random.below(18), channels: 1 + random.below(32) };
        for block in [[1, 2, 0], [2, 2, 0], [2, 3, 1], [3, 3, 1]] {
            max_pool(&mut random, memory, input, block);
        }
    }
    random.extreme = false;

    let report = |kernel: &str, macs: usize, instructions: u64| println!("{kernel}: {macs} {instructions}");
    let rows = 40;
    report(
        "conv2d 3x3, 8 to 16 channels, 40 rows of 10 bands",
        rows * 10 * 16 * 72,
        convolution(&mut random, memory, [16, 3, 3, 10, 8], Padding::Causal, rows),
    );
    report(
        "conv2d 3x3, 1 to 8 channels, 40 rows of 10 bands",
        rows * 10 * 8 * 9,
        convolution(&mut random, memory, [8, 3, 3, 10, 1], Padding::Causal, rows),
    );
    report(
        "conv2d 3x3, 1 to 12 channels, 40 rows of 40 bands",
        rows * 40 * 12 * 9,
        convolution(&mut random, memory, [12, 3, 3, 40, 1], Padding::Causal, rows),
    );
    report(
        "conv2d 5x5 same, 3 to 8 channels, 40 rows of 100 bands",
        (rows - 2) * 100 * 8 * 75,
        convolution(&mut random, memory, [8, 5, 5, 100, 3], Padding::Same, rows),
    );
    report(
        "conv2d 3x3 valid, 8 to 16 channels, 40 rows of 60 bands",
        (rows - 2) * 58 * 16 * 72,
        convolution(&mut random, memory, [16, 3, 3, 60, 8], Padding::Valid, rows),
    );
    report("matrix x vector, 192 rows of 120", 192 * 120, products(&mut random, memory, [192, 120]));
    report("LSTM step, 72 inputs, 48 units", 20 * 192 * 120, lstm(&mut random, memory, [72, 48], 20));
    // Off the fast path: lengths that are no multiple of 4.
    report(
        "conv2d 3x3, 8 to 15 channels, 40 rows of 10 bands",
        rows * 10 * 15 * 72,
        convolution(&mut random, memory, [15, 3, 3, 10, 8], Padding::Causal, rows),
    );
    report("LSTM step, 70 inputs, 46 units", 20 * 184 * 116, lstm(&mut random, memory, [70, 46], 20));
    exit(0)
}
