//! Single layers over rows that were recorded.

use ser_core::engine::Row;
use ser_core::kernels::{Conv2d, Conv2dState, Lstm, LstmState, MaxPool, MaxPoolState};

/// How often each part is timed for the table of shares.
pub const ROUNDS: usize = 30;

#[derive(Clone)]
pub enum Input {
    Codes(Vec<i8>),
    Hidden(Vec<i16>),
}

impl Input {
    pub fn add(&mut self, row: Row<'_>) {
        match (self, row) {
            (Input::Codes(all), Row::Codes(codes)) => all.extend(codes),
            (Input::Hidden(all), Row::Hidden(hidden)) => all.extend(hidden),
            (input, Row::Codes(codes)) => *input = Input::Codes(codes.to_vec()),
            (input, Row::Hidden(hidden)) => *input = Input::Hidden(hidden.to_vec()),
        }
    }
}

pub fn conv2d(conv: &Conv2d<'_>, rows: &[i8]) {
    let (mut ring, mut oldest) = (vec![0; conv.ring_len()], 0);
    let mut state = Conv2dState { ring: &mut ring, oldest: &mut oldest };
    let (mut output, mut work) = (vec![0; conv.output_len()], vec![0; conv.work_len()]);
    conv.reset(&mut state);
    for row in rows.chunks_exact(conv.input().len()) {
        conv.push(&mut state, row, &mut output, &mut work);
        divan::black_box(&output);
    }
}

pub fn max_pool(pool: &MaxPool, rows: &[i8]) {
    let (mut maximum, mut filled) = (vec![0; pool.maximum_len()], 0);
    let mut state = MaxPoolState { maximum: &mut maximum, filled: &mut filled };
    for row in rows.chunks_exact(pool.input().len()) {
        divan::black_box(pool.push(&mut state, row));
    }
}

pub fn lstm(layer: &Lstm<'_>, values: impl Iterator<Item = i16>) {
    let (mut hidden, mut cell, mut work) = (vec![0; layer.hidden()], vec![0; layer.hidden()], vec![0; layer.hidden()]);
    let mut state = LstmState { hidden: &mut hidden, cell: &mut cell };
    let rows: Vec<i16> = values.collect();
    for row in rows.chunks_exact(layer.inputs()) {
        layer.push(&mut state, row, &mut work);
    }
    divan::black_box(&hidden);
}
