//! Batch norm and ReLU: `y = max(0, scale (z - mean) / √(variance + ε) + shift)`, each channel with its own numbers.
//!
//! Slices of channels are padded to whole vectors; the values of the padding mean nothing.

use pulp::{Simd, WithSimd};

use crate::training::graph::fast::vector::{select, vectorised, vectors, vectors_mut};
use crate::training::graph::statistics::{EPSILON, Statistics};

/// Mean and sum of squared deviations of each channel over one utterance.
#[derive(Debug)]
pub(super) struct Moments {
    mean: Vec<f64>,
    squares: Vec<f32>,
}

impl Moments {
    /// Moments of values `[position][channel]`, at least one position.
    pub(super) fn of(values: &[f32], stride: usize) -> Self {
        let mut squares = vec![0.0; stride];
        vectorised(Deviations { values, centre: &vec![0.0; stride], power: 1, sums: &mut squares });
        let count = (values.len() / stride) as f64;
        let mean: Vec<f64> = squares.iter().map(|sum| f64::from(*sum) / count).collect();
        let centre: Vec<f32> = mean.iter().map(|mean| *mean as f32).collect();
        vectorised(Deviations { values, centre: &centre, power: 2, sums: &mut squares });
        Self { mean, squares }
    }
}

/// Statistics over utterances that all have `positions` positions.
pub(super) fn statistics_of(utterances: &[Moments], positions: usize, channels: usize) -> Statistics {
    let (count, positions) = (utterances.len() as f64, positions as f64);
    let of_channel = |channel: usize| {
        let mean = utterances.iter().map(|u| u.mean[channel]).sum::<f64>() / count;
        let within = utterances.iter().map(|u| f64::from(u.squares[channel])).sum::<f64>() / positions;
        let between = utterances.iter().map(|u| (u.mean[channel] - mean).powi(2)).sum::<f64>();
        (mean as f32, ((within + between) / count) as f32)
    };
    let (mean, variance) = (0..channels).map(of_channel).unzip();
    Statistics { mean, variance }
}

/// Batch norm with given statistics, `n = gain · z + offset`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Norm {
    gain: Vec<f32>,
    offset: Vec<f32>,
    mean: Vec<f32>,
    inverse_deviation: Vec<f32>,
}

impl Norm {
    /// The norm for rows whose channels are padded to `stride`.
    pub(super) fn new(scale: &[f32], shift: &[f32], statistics: &Statistics, stride: usize) -> Self {
        let padded =
            |values: &[f32]| values.iter().copied().chain(std::iter::repeat(0.0)).take(stride).collect::<Vec<_>>();
        let mean = padded(&statistics.mean);
        let inverse_deviation: Vec<f32> =
            padded(&statistics.variance).iter().map(|v| (1.0 / (f64::from(*v) + EPSILON).sqrt()) as f32).collect();
        let gain: Vec<f32> =
            padded(scale).iter().zip(&inverse_deviation).map(|(scale, inverse)| scale * inverse).collect();
        let offset =
            padded(shift).iter().zip(&mean).zip(&gain).map(|((shift, mean), gain)| shift - mean * gain).collect();
        Self { gain, offset, mean, inverse_deviation }
    }

    /// Norm and ReLU of values `[position][channel]`.
    pub(super) fn activate(&self, values: &[f32]) -> Vec<f32> {
        let mut out = values.to_vec();
        vectorised(Activate { norm: self, out: &mut out });
        out
    }

    /// Turns the gradient of the activations into that of the norm's output, in place: it is zero where ReLU has cut.
    /// Returns the sums of the result.
    ///
    /// If other activations replaced this norm's, ReLU has cut where these are 0.
    pub(super) fn through_relu(&self, values: &[f32], activations: Option<&[f32]>, gradients: &mut [f32]) -> Sums {
        let mut sums = Sums { shift: vec![0.0; self.gain.len()], scale: vec![0.0; self.gain.len()] };
        vectorised(ThroughRelu { norm: self, values, activations, gradients, sums: &mut sums });
        sums
    }

    /// Turns the gradient of the norm's output into that of its input, in place. `means` are the means over all
    /// positions of the batch.
    pub(super) fn through_norm(&self, means: &Sums, values: &[f32], gradients: &mut [f32]) {
        vectorised(ThroughNorm { norm: self, means, values, gradients });
    }
}

/// For each channel, gradients of shift and scale: the sum over positions of `n`'s gradient, and the sum of this
/// gradient times the standardised input.
#[derive(Clone, Debug)]
pub(super) struct Sums {
    pub(super) shift: Vec<f32>,
    pub(super) scale: Vec<f32>,
}

impl Sums {
    /// The sums of a batch, from the sums of its utterances.
    pub(super) fn of(utterances: &[Self]) -> Self {
        let channels = utterances.first().map_or(0, |first| first.shift.len());
        let sum = |values: fn(&Self) -> &[f32]| {
            (0..channels)
                .map(|channel| utterances.iter().map(|u| f64::from(values(u)[channel])).sum::<f64>() as f32)
                .collect()
        };
        Self { shift: sum(|sums| &sums.shift), scale: sum(|sums| &sums.scale) }
    }

    /// The sums divided by a number of positions.
    pub(super) fn mean(&self, positions: usize) -> Self {
        let mean = |sums: &[f32]| sums.iter().map(|sum| sum / positions as f32).collect();
        Self { shift: mean(&self.shift), scale: mean(&self.scale) }
    }

    /// Zeros in place of the sums.
    pub(super) fn zeros(&self) -> Self {
        Self { shift: vec![0.0; self.shift.len()], scale: vec![0.0; self.scale.len()] }
    }
}

/// Sums of `(value - centre)^power` for each channel, for a power of 1 or 2.
struct Deviations<'a> {
    values: &'a [f32],
    centre: &'a [f32],
    power: usize,
    sums: &'a mut [f32],
}

impl WithSimd for Deviations<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (values, centre, sums) =
            (vectors::<S>(self.values), vectors::<S>(self.centre), vectors_mut::<S>(self.sums));
        for channel in 0..sums.len() {
            let mut sum = simd.splat_f32s(0.0);
            let mut at = channel;
            while at < values.len() {
                let deviation = simd.sub_f32s(values[at], centre[channel]);
                sum = if self.power == 1 {
                    simd.add_f32s(sum, deviation)
                } else {
                    simd.mul_add_e_f32s(deviation, deviation, sum)
                };
                at += sums.len();
            }
            sums[channel] = sum;
        }
    }
}

/// [`Norm::activate`] in place.
struct Activate<'a> {
    norm: &'a Norm,
    out: &'a mut [f32],
}

impl WithSimd for Activate<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (gain, offset, out) =
            (vectors::<S>(&self.norm.gain), vectors::<S>(&self.norm.offset), vectors_mut::<S>(self.out));
        let zero = simd.splat_f32s(0.0);
        for channel in 0..gain.len() {
            let mut at = channel;
            while at < out.len() {
                let normed = simd.mul_add_e_f32s(gain[channel], out[at], offset[channel]);
                // A comparison keeps a NaN, a maximum would not: so a training that has diverged is noticed.
                out[at] = select(simd, simd.less_than_f32s(normed, zero), zero, normed);
                at += gain.len();
            }
        }
    }
}

/// See [`Norm::through_relu`].
struct ThroughRelu<'a> {
    norm: &'a Norm,
    values: &'a [f32],
    activations: Option<&'a [f32]>,
    gradients: &'a mut [f32],
    sums: &'a mut Sums,
}

impl WithSimd for ThroughRelu<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (gain, offset) = (vectors::<S>(&self.norm.gain), vectors::<S>(&self.norm.offset));
        let (mean, inverse_deviation) = (vectors::<S>(&self.norm.mean), vectors::<S>(&self.norm.inverse_deviation));
        let (values, gradients) = (vectors::<S>(self.values), vectors_mut::<S>(self.gradients));
        let activations = self.activations.map(vectors::<S>);
        let (of_shift, of_scale) = (vectors_mut::<S>(&mut self.sums.shift), vectors_mut::<S>(&mut self.sums.scale));
        let zero = simd.splat_f32s(0.0);
        for channel in 0..gain.len() {
            let mut at = channel;
            while at < values.len() {
                let decisive = match activations {
                    Some(activations) => activations[at],
                    None => simd.mul_add_e_f32s(gain[channel], values[at], offset[channel]),
                };
                let gradient = select(simd, simd.greater_than_f32s(decisive, zero), gradients[at], zero);
                let standard = simd.mul_f32s(simd.sub_f32s(values[at], mean[channel]), inverse_deviation[channel]);
                gradients[at] = gradient;
                of_shift[channel] = simd.add_f32s(of_shift[channel], gradient);
                of_scale[channel] = simd.mul_add_e_f32s(gradient, standard, of_scale[channel]);
                at += gain.len();
            }
        }
    }
}

/// See [`Norm::through_norm`].
struct ThroughNorm<'a> {
    norm: &'a Norm,
    means: &'a Sums,
    values: &'a [f32],
    gradients: &'a mut [f32],
}

impl WithSimd for ThroughNorm<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (gain, mean) = (vectors::<S>(&self.norm.gain), vectors::<S>(&self.norm.mean));
        let inverse_deviation = vectors::<S>(&self.norm.inverse_deviation);
        let (of_shift, of_scale) = (vectors::<S>(&self.means.shift), vectors::<S>(&self.means.scale));
        let (values, gradients) = (vectors::<S>(self.values), vectors_mut::<S>(self.gradients));
        for channel in 0..gain.len() {
            let mut at = channel;
            while at < values.len() {
                let standard = simd.mul_f32s(simd.sub_f32s(values[at], mean[channel]), inverse_deviation[channel]);
                let centred = simd.sub_f32s(gradients[at], of_shift[channel]);
                let projected = simd.mul_f32s(standard, of_scale[channel]);
                gradients[at] = simd.mul_f32s(gain[channel], simd.sub_f32s(centred, projected));
                at += gain.len();
            }
        }
    }
}
