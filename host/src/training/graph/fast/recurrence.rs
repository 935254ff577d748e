//! An LSTM over a batch, outside of Burn: forward, and back through time.
//!
//! The input's share of the gate sums is one product for all steps and utterances, cut along its columns. Then groups
//! of utterances go through the steps, in parallel. The groups do not depend on the number of threads, and sums over
//! them run in their order. A large input, such as a flattened image, makes its weights by far the largest part of the
//! network. So these weights are read in place, and each product packs at most as many of them at a time as a cache
//! holds.

use std::borrow::Cow;

use rayon::prelude::*;

use super::cell::{Advance, Retreat};
use crate::training::graph::fast::vector::{LANES, Outer, Packed, Product, vectorised};

/// Utterances that share each read of the recurrent weights.
const GROUP: usize = 4;
/// Columns of a product that are computed together.
const COLUMNS: usize = 48;
/// Inputs that are summed before their sums are added to the others.
const DEPTH: usize = 512;
/// Inputs whose weight gradients are computed together.
const INPUTS: usize = 96;

/// Numbers of an LSTM; [`crate::training::graph::lstm::Lstm::columns`] gives the order of the columns.
#[derive(Clone, Debug)]
pub(super) struct Weights {
    pub(super) inputs: usize,
    pub(super) hidden: usize,
    /// `[input][4 hidden]`.
    pub(super) input: Vec<f32>,
    /// `[hidden][4 hidden]`.
    pub(super) recurrent: Vec<f32>,
    /// `[4 hidden]`.
    pub(super) bias: Vec<f32>,
}

/// Gradients of an LSTM's numbers, in their layouts, and of its input.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Gradient {
    pub(super) input: Vec<f32>,
    pub(super) recurrent: Vec<f32>,
    pub(super) bias: Vec<f32>,
    /// `[step][utterance][input]`.
    pub(super) sequence: Vec<f32>,
}

/// A batch that went through.
#[derive(Debug)]
pub(super) struct Pass {
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
    /// `[unit]`; the values that replaced it, if any did.
    hidden: Vec<f32>,
}

impl Weights {
    /// Units, including padding.
    fn units(&self) -> usize {
        self.hidden.next_multiple_of(LANES)
    }

    /// Rows of columns, with padding added.
    fn pad<'w>(&self, columns: &'w [f32]) -> Cow<'w, [f32]> {
        if self.units() == self.hidden {
            return columns.into();
        }
        let mut padded = vec![0.0; columns.len() / self.hidden * self.units()];
        for (to, from) in padded.chunks_exact_mut(self.units()).zip(columns.chunks_exact(self.hidden)) {
            to[..self.hidden].copy_from_slice(from);
        }
        padded.into()
    }

    /// Rows of columns, with padding removed.
    fn compact(&self, padded: Vec<f32>) -> Vec<f32> {
        if self.units() == self.hidden {
            return padded;
        }
        let rows = padded.chunks_exact(4 * self.units());
        rows.flat_map(|row| row.chunks_exact(self.units()).flat_map(|gate| &gate[..self.hidden])).copied().collect()
    }

    /// A sequence `[step][utterance][input]` through the LSTM; states start at zero.
    ///
    /// `taken`, `[step][utterance][hidden]`, replaces the hidden states, in the output and as input of the next step.
    /// The backward pass treats it as the LSTM's own. The cell states stay the LSTM's own.
    pub(super) fn forward(self, sequence: &[f32], taken: Option<&[f32]>, steps: usize, batch: usize) -> Pass {
        let columns = 4 * self.units();
        let recurrent = Packed::columns(&self.pad(&self.recurrent), columns, 0..columns);
        let sums = self.input_sums(sequence, steps * batch);
        let first_of_groups: Vec<usize> = (0..batch).step_by(GROUP).collect();
        let groups = first_of_groups.into_par_iter().map(|first| {
            let inputs = Rows { of: sequence, width: self.inputs, batch }.group(first);
            let gates = Rows { of: &sums, width: columns, batch }.group(first);
            let taken = taken.map(|of| Rows { of, width: self.hidden, batch }.group(first));
            self.forward_group(inputs, gates, taken.as_deref(), GROUP.min(batch - first), &recurrent)
        });
        Pass { groups: groups.collect(), weights: self, steps, batch }
    }

    /// `W x + b` of `rows` inputs, `[row][4 units]`.
    fn input_sums(&self, inputs: &[f32], rows: usize) -> Vec<f32> {
        let columns = 4 * self.units();
        let (weights, bias) = (self.pad(&self.input), self.pad(&self.bias));
        let first_columns: Vec<usize> = (0..columns).step_by(COLUMNS).collect();
        let parts = first_columns.into_par_iter().map(|first| {
            let range = first..columns.min(first + COLUMNS);
            let mut sums = bias[range.clone()].repeat(rows);
            for (block, weights) in weights.chunks(DEPTH * columns).enumerate() {
                let weights = &Packed::columns(weights, columns, range.clone());
                let (starts, run, out) = (&[block * DEPTH], weights.rows(), &mut sums);
                vectorised(Product { input: inputs, starts, run, step: self.inputs, weights, out, accumulate: true });
            }
            sums
        });
        join_columns(&parts.collect::<Vec<_>>(), rows, columns)
    }

    fn forward_group(
        &self,
        inputs: Vec<f32>,
        mut gates: Vec<f32>,
        taken: Option<&[f32]>,
        utterances: usize,
        recurrent: &Packed,
    ) -> Group {
        let units = self.units();
        let rows = inputs.len() / self.inputs;
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
                present
                    .chunks_exact_mut(units)
                    .zip(of_step)
                    .for_each(|(to, from)| to[..self.hidden].copy_from_slice(from));
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

    /// All gradients from the gradient of [`Pass::output`].
    pub(super) fn backward(&self, of_output: &[f32]) -> Gradient {
        let weights = &self.weights;
        let columns = 4 * weights.units();
        let recurrent = Packed::transposed(&weights.pad(&weights.recurrent), columns);
        let of_sums: Vec<Vec<f32>> = (0..self.groups.len())
            .into_par_iter()
            .map(|place| {
                let of_hidden = Rows { of: of_output, width: weights.hidden, batch: self.batch }.group(place * GROUP);
                self.groups[place].backward(weights, &of_hidden, &recurrent)
            })
            .collect();
        let mut bias = vec![0.0; columns];
        for (place, of_sums) in of_sums.iter().enumerate() {
            let mut of_group = vec![0.0; columns];
            of_sums.chunks_exact(columns).for_each(|of_row| add(&mut of_group, of_row));
            if place == 0 { bias = of_group } else { add(&mut bias, &of_group) }
        }
        let inputs = self.groups.iter().zip(&of_sums).map(|(group, of_sums)| (&*group.inputs, &**of_sums));
        let before = self.groups.iter().zip(&of_sums).map(|(group, of_sums)| {
            let width = group.utterances * weights.units();
            (&group.hidden[..(self.steps - 1) * width], &of_sums[4 * width..])
        });
        let mut recurrent = outer(&before.collect::<Vec<_>>(), weights.units(), columns);
        recurrent.truncate(weights.hidden * columns);
        Gradient {
            input: weights.compact(outer(&inputs.collect::<Vec<_>>(), weights.inputs, columns)),
            recurrent: weights.compact(recurrent),
            bias: weights.compact(bias),
            sequence: self.input_gradient(&of_sums),
        }
    }

    /// Gradient of the input `[step][utterance][input]`, from the gradient of the gates' sums.
    fn input_gradient(&self, of_sums: &[Vec<f32>]) -> Vec<f32> {
        let Weights { inputs, .. } = self.weights;
        let (rows, columns) = (self.steps * self.batch, 4 * self.weights.units());
        let of_sums = join_groups(of_sums, self.steps, rows * columns);
        let weights = self.weights.pad(&self.weights.input);
        let parts: Vec<Vec<f32>> = weights
            .par_chunks(COLUMNS * columns)
            .map(|weights| {
                let weights = &Packed::transposed(weights, columns);
                let mut out = vec![0.0; rows * weights.stride()];
                let (input, starts) = (&of_sums, &[0]);
                vectorised(Product {
                    input,
                    starts,
                    run: columns,
                    step: columns,
                    weights,
                    out: &mut out,
                    accumulate: false,
                });
                out
            })
            .collect();
        join_columns(&parts, rows, inputs)
    }
}

impl Group {
    /// Gradient of the gates' sums; `recurrent` are the transposed weights.
    fn backward(&self, weights: &Weights, of_output: &[f32], recurrent: &Packed) -> Vec<f32> {
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
                vectorised(Product {
                    input: of_sums,
                    starts,
                    run: columns,
                    step: columns,
                    weights: recurrent,
                    out,
                    accumulate: false,
                });
            }
        }
        of_sums
    }
}

fn add(sum: &mut [f32], values: &[f32]) {
    sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
}

/// `Σ left[m][k] · right[m][n]` as `[k][n]`: over the rows of each group, then over the groups.
fn outer(groups: &[(&[f32], &[f32])], rows: usize, columns: usize) -> Vec<f32> {
    let mut out = vec![0.0; rows * columns];
    out.par_chunks_mut(INPUTS * columns).enumerate().for_each(|(chunk, out)| {
        let rows_of_chunk = out.len() / columns;
        for (place, (left, right)) in groups.iter().enumerate() {
            if left.is_empty() {
                continue;
            }
            let left = &left[chunk * INPUTS..];
            if place == 0 {
                vectorised(Outer { left, stride: rows, rows: rows_of_chunk, right, columns, out });
            } else {
                let mut of_group = vec![0.0; out.len()];
                vectorised(Outer { left, stride: rows, rows: rows_of_chunk, right, columns, out: &mut of_group });
                add(out, &of_group);
            }
        }
    });
    out
}

/// Parts `[row][columns of the part]` side by side; columns beyond `columns` are padding.
fn join_columns(parts: &[Vec<f32>], rows: usize, columns: usize) -> Vec<f32> {
    let mut out = vec![0.0; rows * columns];
    let mut first = 0;
    for part in parts {
        let width = part.len() / rows;
        let taken = width.min(columns - first);
        for (to, from) in out.chunks_exact_mut(columns).zip(part.chunks_exact(width)) {
            to[first..first + taken].copy_from_slice(&from[..taken]);
        }
        first += taken;
    }
    out
}

/// Joins slices `[step][utterance of the group][value]` into one `[step][utterance][value]` of `len` values.
fn join_groups(groups: &[Vec<f32>], steps: usize, len: usize) -> Vec<f32> {
    let mut out = Vec::with_capacity(len);
    for step in 0..steps {
        for group in groups {
            let width = group.len() / steps;
            out.extend_from_slice(&group[step * width..][..width]);
        }
    }
    out
}

/// A slice `[step][utterance][value]`.
struct Rows<'a> {
    of: &'a [f32],
    width: usize,
    batch: usize,
}

impl Rows<'_> {
    /// The part of the group that begins with utterance `first`, `[step][utterance][value]`.
    fn group(&self, first: usize) -> Vec<f32> {
        let utterances = GROUP.min(self.batch - first);
        let mut out = Vec::with_capacity(self.of.len() / self.batch * utterances);
        for step in self.of.chunks_exact(self.batch * self.width) {
            out.extend_from_slice(&step[first * self.width..][..utterances * self.width]);
        }
        out
    }
}

#[cfg(test)]
mod tests;
