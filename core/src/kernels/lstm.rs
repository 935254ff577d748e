//! LSTM step with int16 hidden state and int32 cell state.
//!
//! For each unit and each gate (input `i`, forget `f`, cell candidate `g`, output `o`)
//! `a = requantize((Σ W x) · 2^input_shift + Σ R h + bias)` in Q3.12. All products enter one int32 accumulator, which
//! is rounded and saturated once. Then
//!
//! ```text
//! c' = σ(a_f) · c + σ(a_i) · tanh(a_g)        c in Q7.24, one rounding
//! h' = σ(a_o) · tanh(c')                      h in Q0.15
//! ```
//!
//! `bias` contains `-zero_point · Σ W · 2^input_shift`, so raw codes are multiplied.

use crate::arch::{Arithmetic, GateRows, Work, run_fastest};
use crate::packed::fits;

/// Parameters of an LSTM.
#[derive(Clone, Copy, Debug)]
pub struct Lstm<'m> {
    /// Values of an input row.
    pub(crate) inputs: usize,
    /// Units.
    pub(crate) hidden: usize,
    /// Four rows for each unit.
    pub(crate) gates: GateRows<'m>,
}

/// State of an LSTM between steps.
#[derive(Debug)]
pub struct LstmState<'s> {
    /// `h`, Q0.15, `[hidden]`.
    pub hidden: &'s mut [i16],
    /// `c`, Q7.24, `[hidden]`.
    pub cell: &'s mut [i32],
}

impl<'m> Lstm<'m> {
    /// An LSTM with this many inputs. None if `gates` are rows of fewer.
    pub const fn new(inputs: usize, gates: GateRows<'m>) -> Option<Self> {
        let rows = gates.bias.len();
        if fits(rows, inputs, gates.input_weights.len()) {
            Some(Self { inputs, hidden: rows / 4, gates })
        } else {
            None
        }
    }

    /// Values of an input row.
    pub const fn inputs(&self) -> usize {
        self.inputs
    }

    /// Units.
    pub const fn hidden(&self) -> usize {
        self.hidden
    }

    /// Four rows for each unit.
    pub const fn gates(&self) -> &GateRows<'m> {
        &self.gates
    }

    /// Sets the state to that before the first step.
    pub fn reset(&self, state: &mut LstmState<'_>) {
        state.hidden.fill(0);
        state.cell.fill(0);
    }

    /// One step with the input row `x`, `[inputs]`, raw codes. `work`, `[hidden]`, takes the new hidden state until all
    /// units have read the old one.
    pub fn push(&self, state: &mut LstmState<'_>, x: &[i16], work: &mut [i16]) {
        struct Step<'a, 'm, 's>(&'a Lstm<'m>, &'a mut LstmState<'s>, &'a [i16], &'a mut [i16]);
        impl Work for Step<'_, '_, '_> {
            type Output = ();

            #[inline(always)]
            fn run(self, arithmetic: impl Arithmetic) {
                let Self(lstm, state, x, work) = self;
                arithmetic.lstm(&lstm.gates, x, state.hidden, state.cell, work);
            }
        }
        run_fastest(Step(self, state, x, work));
        state.hidden.iter_mut().zip(work.iter()).for_each(|(to, from)| *to = *from);
    }
}
