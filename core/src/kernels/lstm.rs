//! LSTM step with int16 hidden state and int32 cell state.
//!
//! For each unit and each gate (input `i`, forget `f`, cell candidate `g`, output `o`)
//! `a = requantize((Σ W x) · 2^input_shift + Σ R h + bias)` in Q3.12, all in one int32 accumulator with no rounding and
//! no saturation in between; then
//!
//! ```text
//! c' = σ(a_f) · c + σ(a_i) · tanh(a_g)        c in Q7.24, one rounding
//! h' = σ(a_o) · tanh(c')                      h in Q0.15
//! ```
//!
//! `bias` contains `-zero_point · Σ W · 2^input_shift`, so that raw codes are multiplied.

#[cfg(arm_dsp)]
use super::matrix::row_sum;
#[cfg(not(arm_dsp))]
use super::matrix::{Products, Work, block_len, with_products};
use crate::activation::{sigmoid, tanh};
use crate::quant::{Multiplier, Multipliers, requantize};

/// Parameters of an LSTM. Rows of all matrices are `[unit][gate]`, gates in the order input, forget, cell, output.
#[derive(Clone, Copy, Debug)]
pub struct Lstm<'m> {
    /// Values of an input row.
    pub inputs: usize,
    /// Units.
    pub hidden: usize,
    /// `W`: i8 `[hidden][4][inputs]`, [packed](super::matrix).
    pub input_weights: &'m [u8],
    /// `R`: i8 `[hidden][4][hidden]`, packed.
    pub recurrent_weights: &'m [u8],
    /// i32 `[hidden][4]`.
    pub bias: &'m [[u8; 4]],
    /// To Q3.12, `[hidden][4]`.
    pub multipliers: Multipliers<'m>,
    /// How far the input's products stand above the recurrent ones, bits, `[hidden][4]`, each at most 15.
    pub input_shift: &'m [u8],
}

/// What an LSTM remembers between steps.
#[derive(Debug)]
pub struct LstmState<'s> {
    /// `h`, Q0.15, `[hidden]`.
    pub hidden: &'s mut [i16],
    /// `c`, Q7.24, `[hidden]`.
    pub cell: &'s mut [i32],
}

impl Lstm<'_> {
    /// A state as it is before the first step.
    pub fn reset(&self, state: &mut LstmState<'_>) {
        state.hidden.fill(0);
        state.cell.fill(0);
    }

    /// One step with the input row `x`, `[inputs]`, raw codes. `work`, `[hidden]`, is for the new hidden state: every
    /// unit must see the old one.
    pub fn push(&self, state: &mut LstmState<'_>, x: &[i16], work: &mut [i16]) {
        self.step(state, x, work);
        state.hidden.iter_mut().zip(work.iter()).for_each(|(to, from)| *to = *from);
    }

    /// The new cells and, in `work`, the new hidden state.
    fn step(&self, state: &mut LstmState<'_>, x: &[i16], work: &mut [i16]) {
        #[cfg(arm_dsp)]
        if let Some(gates) = super::dsp::Gates::new(self, x, state.hidden) {
            for ((gates, cell), next_hidden) in gates.zip(state.cell.iter_mut()).zip(work) {
                advance(gates, cell, next_hidden);
            }
            return;
        }
        self.portable_step(state, x, work);
    }

    /// By itself, so that a kernel's step need not have its stack; as small as can be.
    #[cfg(arm_dsp)]
    #[cold]
    #[inline(never)]
    fn portable_step(&self, state: &mut LstmState<'_>, x: &[i16], work: &mut [i16]) {
        let Multipliers { mantissa, shift } = self.multipliers;
        let value = |of: &[i16], index: usize| of.get(index).copied().unwrap_or_default();
        for (unit, (cell, next_hidden)) in state.cell.iter_mut().zip(work).enumerate() {
            let gates = [0, 1, 2, 3].map(|gate| {
                let row = 4 * unit + gate;
                let input = row_sum(self.input_weights, row, x.len(), |column| value(x, column));
                let recurrent =
                    row_sum(self.recurrent_weights, row, state.hidden.len(), |column| value(state.hidden, column));
                let of_row = |numbers: &[[u8; 4]]| numbers.get(row).copied().unwrap_or_default();
                let shifts = [self.input_shift, shift].map(|shifts| shifts.get(row).copied().unwrap_or_default());
                let acc = (input << (shifts[0] & 15)) + recurrent + i32::from_le_bytes(of_row(self.bias));
                saturate(requantize(acc, Multiplier::read(of_row(mantissa), shifts[1])))
            });
            advance(gates, cell, next_hidden);
        }
    }

    #[cfg(not(arm_dsp))]
    fn portable_step(&self, state: &mut LstmState<'_>, x: &[i16], work: &mut [i16]) {
        struct Step<'a, 'm, 's>(&'a Lstm<'m>, &'a mut LstmState<'s>, &'a [i16], &'a mut [i16]);
        impl Work for Step<'_, '_, '_> {
            type Output = ();

            #[inline(always)]
            fn run(self, products: impl Products) {
                let Self(lstm, state, x, work) = self;
                lstm.step_by(products, state, x, work);
            }
        }
        with_products(Step(self, state, x, work));
    }

    #[cfg(not(arm_dsp))]
    #[inline(always)]
    fn step_by(&self, products: impl Products, state: &mut LstmState<'_>, x: &[i16], work: &mut [i16]) {
        let blocks = |matrix, columns: usize| <[u8]>::chunks_exact(matrix, block_len(columns).max(1));
        let weights = blocks(self.input_weights, self.inputs).zip(blocks(self.recurrent_weights, self.hidden));
        let rows = self.bias.as_chunks::<4>().0.iter().zip(self.input_shift.as_chunks::<4>().0);
        let multipliers =
            self.multipliers.mantissa.as_chunks::<4>().0.iter().zip(self.multipliers.shift.as_chunks::<4>().0);
        let mut units = weights.zip(rows).zip(multipliers);
        let cells = state.cell.chunks_mut(UNITS_AT_A_TIME).zip(work.chunks_mut(UNITS_AT_A_TIME));
        for (cells, next_hidden) in cells {
            let mut gates = [[0; 4]; UNITS_AT_A_TIME];
            for (gates, (((w, r), (bias, input_shift)), (mantissa, shift))) in
                gates.iter_mut().zip(units.by_ref().take(cells.len()))
            {
                let input = products.four_rows(w, x);
                let recurrent = products.four_rows(r, state.hidden);
                for (row, gate) in gates.iter_mut().enumerate() {
                    let acc = (input[row] << (input_shift[row] & 15)) + recurrent[row] + i32::from_le_bytes(bias[row]);
                    *gate = saturate(requantize(acc, Multiplier::read(mantissa[row], shift[row])));
                }
            }
            products.advance(&gates, cells, next_hidden);
        }
    }
}

/// Units whose gates are activated together.
#[cfg(not(arm_dsp))]
pub(super) const UNITS_AT_A_TIME: usize = 8;

/// The new cell and hidden state of a unit from its gates before their activation, Q3.12: input, forget, cell, output.
pub(super) fn advance([input, forget, candidate, output]: [i16; 4], cell: &mut i32, hidden: &mut i16) {
    *cell = next_cell(sigmoid(input), sigmoid(forget), tanh(candidate), *cell);
    *hidden = next_output(sigmoid(output), *cell);
}

fn saturate(value: i32) -> i16 {
    value.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
}

/// `f · c + i · g`: Q0.15 gates, Q7.24 cell; rounded once, ties up, saturated.
pub(super) fn next_cell(input: i16, forget: i16, candidate: i16, cell: i32) -> i32 {
    let kept = i64::from(forget) * i64::from(cell);
    let added = i64::from(i32::from(input) * i32::from(candidate)) << 9;
    let sum = kept + added + (1 << 14);
    let high = (sum >> 32) as i32;
    // Within -2⁴⁶..2⁴⁶ the result fits: told by the upper half alone.
    if (-(1 << 14)..1 << 14).contains(&high) {
        (sum >> 15) as i32
    } else if high < 0 {
        i32::MIN
    } else {
        i32::MAX
    }
}

/// `o · tanh(c)`, Q0.15, ties up. The cell goes into tanh as Q3.12, rounded, saturated at ±8.
fn next_output(output: i16, cell: i32) -> i16 {
    let squashed = tanh(saturate(cell.saturating_add(1 << 11) >> 12));
    ((i32::from(output) * i32::from(squashed) + (1 << 14)) >> 15) as i16
}
