//! An LSTM over a batch, outside of Burn: forward, and back through time.
//!
//! Utterances go through in groups that are computed in parallel. The groups do not depend on the number of threads, and what
//! is summed over them is summed in their order.

use rayon::prelude::*;

use super::cell::{Advance, Retreat};
use crate::graph::vector::{LANES, Outer, Packed, Product, vectorised};

/// Utterances that share each read of the weights.
const GROUP: usize = 4;

/// Numbers of an LSTM; columns as [`super::Lstm::columns`] says.
#[derive(Clone, Debug)]
pub(in crate::graph) struct Weights {
    pub(in crate::graph) inputs: usize,
    pub(in crate::graph) hidden: usize,
    /// `[input][4 hidden]`.
    pub(in crate::graph) input: Vec<f32>,
    /// `[hidden][4 hidden]`.
    pub(in crate::graph) recurrent: Vec<f32>,
    /// `[4 hidden]`.
    pub(in crate::graph) bias: Vec<f32>,
}

/// Gradients of an LSTM's numbers, in their layouts, and of its input.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::graph) struct Gradient {
    pub(in crate::graph) input: Vec<f32>,
    pub(in crate::graph) recurrent: Vec<f32>,
    pub(in crate::graph) bias: Vec<f32>,
    /// `[step][utterance][input]`.
    pub(in crate::graph) sequence: Vec<f32>,
}

/// A batch that went through.
#[derive(Debug)]
pub(in crate::graph) struct Pass {
    weights: Weights,
    steps: usize,
    batch: usize,
    groups: Vec<Group>,
}

/// Utterances that went through together: slices `[step][utterance]`, units padded to whole vectors.
#[derive(Debug)]
struct Group {
    utterances: usize,
    /// `[input]` at each step of each utterance.
    inputs: Vec<f32>,
    /// `[gate][unit]`.
    gates: Vec<f32>,
    /// `[unit]`.
    cells: Vec<f32>,
    /// `[unit]`; what was taken for it, if anything was.
    hidden: Vec<f32>,
}

impl Weights {
    /// Units, padding included.
    fn units(&self) -> usize {
        self.hidden.next_multiple_of(LANES)
    }

    /// Which column of a matrix of weights a padded one is; None for padding.
    fn column(&self, padded: usize) -> Option<usize> {
        let (gate, unit) = (padded / self.units(), padded % self.units());
        (unit < self.hidden).then_some(gate * self.hidden + unit)
    }

    /// An element of a matrix of weights, its column padded.
    fn element(&self, matrix: &[f32], row: usize, padded: usize) -> f32 {
        self.column(padded).map_or(0.0, |column| matrix[row * 4 * self.hidden + column])
    }

    /// Takes the padding out of rows of columns.
    fn compact(&self, padded: &[f32]) -> Vec<f32> {
        let rows = padded.chunks_exact(4 * self.units());
        rows.flat_map(|row| row.chunks_exact(self.units()).flat_map(|gate| &gate[..self.hidden])).copied().collect()
    }

    /// A sequence `[step][utterance][input]` through the LSTM; states start at zero.
    ///
    /// With `taken`, `[step][utterance][hidden]`, these are the hidden states that leave and that the next step hears; backward they are
    /// taken for the LSTM's own. The cell states stay its own.
    pub(super) fn forward(self, sequence: &[f32], taken: Option<&[f32]>, steps: usize, batch: usize) -> Pass {
        let columns = 4 * self.units();
        let input = Packed::new(self.inputs, columns, |row, column| self.element(&self.input, row, column));
        let recurrent = Packed::new(self.hidden, columns, |row, column| self.element(&self.recurrent, row, column));
        let bias: Vec<f32> = (0..columns).map(|column| self.element(&self.bias, 0, column)).collect();
        let first_of_groups: Vec<usize> = (0..batch).step_by(GROUP).collect();
        let groups = first_of_groups.into_par_iter().map(|first| {
            let inputs = Rows { of: sequence, width: self.inputs, batch }.group(first);
            let taken = taken.map(|of| Rows { of, width: self.hidden, batch }.group(first));
            self.forward_group(inputs, taken.as_deref(), GROUP.min(batch - first), &input, &recurrent, &bias)
        });
        Pass { groups: groups.collect(), weights: self, steps, batch }
    }

    fn forward_group(
        &self,
        inputs: Vec<f32>,
        taken: Option<&[f32]>,
        utterances: usize,
        input: &Packed,
        recurrent: &Packed,
        bias: &[f32],
    ) -> Group {
        let units = self.units();
        let rows = inputs.len() / self.inputs;
        let mut gates = bias.repeat(rows);
        vectorised(Product {
            input: &inputs,
            starts: &[0],
            run: self.inputs,
            step: self.inputs,
            weights: input,
            out: &mut gates,
            accumulate: true,
        });
        let mut cells = vec![0.0; rows * units];
        let mut hidden = vec![0.0; rows * units];
        let width = utterances * units;
        let mut before = vec![0.0; width];
        for (step, gates) in gates.chunks_exact_mut(4 * width).enumerate() {
            let (past, present) = hidden.split_at_mut(step * width);
            if let Some(past) = past.rchunks_exact(width).next() {
                let starts = &[0];
                vectorised(Product {
                    input: past,
                    starts,
                    run: self.hidden,
                    step: units,
                    weights: recurrent,
                    out: gates,
                    accumulate: true,
                });
            }
            let (cell, present) = (&mut cells[step * width..][..width], &mut present[..width]);
            vectorised(Advance { units, gates, before: &before, cell, hidden: present });
            before.copy_from_slice(cell);
            if let Some(taken) = taken {
                let of_step = taken[step * utterances * self.hidden..].chunks_exact(self.hidden);
                present.chunks_exact_mut(units).zip(of_step).for_each(|(to, from)| to[..self.hidden].copy_from_slice(from));
            }
        }
        Group { utterances, inputs, gates, cells, hidden }
    }
}

impl Pass {
    /// Hidden state after each step, `[step][utterance][hidden]`.
    pub(super) fn output(&self) -> Vec<f32> {
        let (units, hidden) = (self.weights.units(), self.weights.hidden);
        let mut out = Vec::with_capacity(self.steps * self.batch * hidden);
        for step in 0..self.steps {
            for group in &self.groups {
                let width = group.utterances * units;
                let of_step = &group.hidden[step * width..][..width];
                of_step.chunks_exact(units).for_each(|utterance| out.extend_from_slice(&utterance[..hidden]));
            }
        }
        out
    }

    /// Gradients from that of [`Pass::output`].
    pub(super) fn backward(&self, of_output: &[f32]) -> Gradient {
        let weights = &self.weights;
        let columns = 4 * weights.units();
        let recurrent = Packed::new(columns, weights.hidden, |column, row| weights.element(&weights.recurrent, row, column));
        let input = Packed::new(columns, weights.inputs, |column, row| weights.element(&weights.input, row, column));
        let of_groups: Vec<Gradient> = (0..self.groups.len())
            .into_par_iter()
            .map(|place| {
                let of_hidden = Rows { of: of_output, width: weights.hidden, batch: self.batch }.group(place * GROUP);
                self.groups[place].backward(weights, &of_hidden, &input, &recurrent)
            })
            .collect();
        let sum = |of_group: fn(&Gradient) -> &[f32]| {
            let mut sum: Vec<f32> = of_groups.first().map(|first| of_group(first).to_vec()).unwrap_or_default();
            for gradient in of_groups.iter().skip(1) {
                sum.iter_mut().zip(of_group(gradient)).for_each(|(sum, value)| *sum += value);
            }
            weights.compact(&sum)
        };
        let mut sequence = Vec::with_capacity(self.steps * self.batch * weights.inputs);
        for step in 0..self.steps {
            for (group, gradient) in self.groups.iter().zip(&of_groups) {
                let width = group.utterances * weights.inputs;
                sequence.extend_from_slice(&gradient.sequence[step * width..][..width]);
            }
        }
        Gradient { input: sum(|g| &g.input), recurrent: sum(|g| &g.recurrent), bias: sum(|g| &g.bias), sequence }
    }
}

impl Group {
    /// Gradients of the group, columns padded; `input` and `recurrent` are the transposed weights.
    fn backward(&self, weights: &Weights, of_output: &[f32], input: &Packed, recurrent: &Packed) -> Gradient {
        let units = weights.units();
        let (width, columns) = (self.utterances * units, 4 * units);
        let steps = self.cells.len() / width;
        let mut of_sums = vec![0.0; self.gates.len()];
        let (mut of_hidden, mut of_cell) = (vec![0.0; width], vec![0.0; width]);
        let nothing = vec![0.0; width];
        for step in (0..steps).rev() {
            let of_step = of_output[step * self.utterances * weights.hidden..].chunks_exact(weights.hidden);
            for (sum, values) in of_hidden.chunks_exact_mut(units).zip(of_step) {
                sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
            }
            let of_sums = &mut of_sums[step * 4 * width..][..4 * width];
            let before = if step > 0 { &self.cells[(step - 1) * width..][..width] } else { &nothing };
            let (gates, cell) = (&self.gates[step * 4 * width..][..4 * width], &self.cells[step * width..][..width]);
            vectorised(Retreat { units, gates, before, cell, of_hidden: &of_hidden, of_cell: &mut of_cell, of_sums });
            if step > 0 {
                let (starts, out) = (&[0], &mut of_hidden);
                vectorised(Product { input: of_sums, starts, run: columns, step: columns, weights: recurrent, out, accumulate: false });
            }
        }
        let rows = steps * self.utterances;
        let mut sequence = vec![0.0; rows * weights.inputs.next_multiple_of(LANES)];
        let out = &mut sequence;
        vectorised(Product { input: &of_sums, starts: &[0], run: columns, step: columns, weights: input, out, accumulate: false });
        let mut of_input = vec![0.0; weights.inputs * columns];
        let (left, out) = (&self.inputs, &mut of_input);
        vectorised(Outer { left, rows: weights.inputs, right: &of_sums, columns, out });
        let mut of_recurrent = vec![0.0; units * columns];
        let (left, out) = (&self.hidden[..(steps - 1) * width], &mut of_recurrent);
        vectorised(Outer { left, rows: units, right: &of_sums[4 * width..], columns, out });
        of_recurrent.truncate(weights.hidden * columns);
        let mut bias = vec![0.0; columns];
        for of_row in of_sums.chunks_exact(columns) {
            bias.iter_mut().zip(of_row).for_each(|(sum, value)| *sum += value);
        }
        let padded = weights.inputs.next_multiple_of(LANES);
        let sequence = if padded == weights.inputs {
            sequence
        } else {
            sequence.chunks_exact(padded).flat_map(|row| &row[..weights.inputs]).copied().collect()
        };
        Gradient { input: of_input, recurrent: of_recurrent, bias, sequence }
    }
}

/// A slice `[step][utterance][value]`.
struct Rows<'a> {
    of: &'a [f32],
    width: usize,
    batch: usize,
}

impl Rows<'_> {
    /// The part of a group that begins with an utterance, `[step][utterance][value]`.
    fn group(&self, first: usize) -> Vec<f32> {
        let utterances = GROUP.min(self.batch - first);
        let mut out = Vec::with_capacity(self.of.len() / self.batch * utterances);
        for step in self.of.chunks_exact(self.batch * self.width) {
            out.extend_from_slice(&step[first * self.width..][..utterances * self.width]);
        }
        out
    }
}
