//! Batch norm and ReLU: `y = max(0, scale (z - mean) / √(variance + ε) + shift)`, each channel with its own numbers.
//!
//! Slices of channels are padded to whole vectors; what the padding holds is of no meaning.

use super::super::vector::vectorised;

/// Added to a variance before its root.
pub(in super::super) const EPSILON: f64 = 1e-5;

/// Mean and biased variance of each channel over a batch.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct Statistics {
    pub(in super::super) mean: Vec<f32>,
    pub(in super::super) variance: Vec<f32>,
}

/// Mean and sum of squared deviations of each channel over one utterance.
#[derive(Debug)]
pub(super) struct Moments {
    mean: Vec<f64>,
    squares: Vec<f32>,
}

impl Moments {
    /// Those of values `[position][channel]`, at least one position.
    pub(super) fn of(values: &[f32], stride: usize) -> Self {
        vectorised(|| {
            let mut sum = vec![0.0f32; stride];
            for values in values.chunks_exact(stride) {
                sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
            }
            let count = (values.len() / stride) as f64;
            let mean: Vec<f64> = sum.iter().map(|sum| f64::from(*sum) / count).collect();
            let rounded: Vec<f32> = mean.iter().map(|mean| *mean as f32).collect();
            let mut squares = vec![0.0f32; stride];
            for values in values.chunks_exact(stride) {
                for ((square, value), mean) in squares.iter_mut().zip(values).zip(&rounded) {
                    *square += (value - mean) * (value - mean);
                }
            }
            Self { mean, squares }
        })
    }
}

impl Statistics {
    /// Those of utterances with equally many positions each.
    pub(super) fn of(utterances: &[Moments], positions: usize, channels: usize) -> Self {
        let (count, positions) = (utterances.len() as f64, positions as f64);
        let of_channel = |channel: usize| {
            let mean = utterances.iter().map(|u| u.mean[channel]).sum::<f64>() / count;
            let within = utterances.iter().map(|u| f64::from(u.squares[channel])).sum::<f64>() / positions;
            let between = utterances.iter().map(|u| (u.mean[channel] - mean).powi(2)).sum::<f64>();
            (mean as f32, ((within + between) / count) as f32)
        };
        let (mean, variance) = (0..channels).map(of_channel).unzip();
        Self { mean, variance }
    }
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
    /// For rows whose channels are padded to `stride`.
    pub(super) fn new(scale: &[f32], shift: &[f32], statistics: &Statistics, stride: usize) -> Self {
        let padded = |values: &[f32]| values.iter().copied().chain(std::iter::repeat(0.0)).take(stride).collect::<Vec<_>>();
        let mean = padded(&statistics.mean);
        let inverse_deviation: Vec<f32> =
            padded(&statistics.variance).iter().map(|v| (1.0 / (f64::from(*v) + EPSILON).sqrt()) as f32).collect();
        let gain: Vec<f32> = padded(scale).iter().zip(&inverse_deviation).map(|(scale, inverse)| scale * inverse).collect();
        let offset = padded(shift).iter().zip(&mean).zip(&gain).map(|((shift, mean), gain)| shift - mean * gain).collect();
        Self { gain, offset, mean, inverse_deviation }
    }

    /// Norm and ReLU of one row `[band][channel]` into a row whose bands have a stride of their own, the padding left out as needed.
    pub(super) fn activate(&self, row: &[f32], out: &mut [f32], out_stride: usize) {
        for (values, out) in row.chunks_exact(self.gain.len()).zip(out.chunks_exact_mut(out_stride)) {
            for (((out, value), gain), offset) in out.iter_mut().zip(values).zip(&self.gain).zip(&self.offset) {
                let normed = gain * value + offset;
                // Unlike `max`, keeps a NaN, so that a training that has diverged is noticed.
                *out = if normed < 0.0 { 0.0 } else { normed };
            }
        }
    }

    /// The gradient of the activations to that of the norm's output, in place: zero where ReLU has cut. Gives its sums.
    pub(super) fn through_relu(&self, values: &[f32], gradients: &mut [f32]) -> Sums {
        vectorised(|| {
            let stride = self.gain.len();
            let mut sums = Sums { shift: vec![0.0; stride], scale: vec![0.0; stride] };
            for (values, gradients) in values.chunks_exact(stride).zip(gradients.chunks_exact_mut(stride)) {
                let norm = self.gain.iter().zip(&self.offset);
                for ((gradient, value), (gain, offset)) in gradients.iter_mut().zip(values).zip(norm) {
                    *gradient = if gain * value + offset > 0.0 { *gradient } else { 0.0 };
                }
                sums.shift.iter_mut().zip(&*gradients).for_each(|(sum, gradient)| *sum += gradient);
                let standard = self.standard(values);
                sums.scale.iter_mut().zip(&*gradients).zip(standard).for_each(|((sum, gradient), standard)| *sum += gradient * standard);
            }
            sums
        })
    }

    /// The same where other activations took the place of this norm's: ReLU has cut where they are 0.
    pub(super) fn through_relu_of(&self, activations: &[f32], values: &[f32], gradients: &mut [f32]) -> Sums {
        vectorised(|| {
            let stride = self.gain.len();
            let mut sums = Sums { shift: vec![0.0; stride], scale: vec![0.0; stride] };
            let positions = activations.chunks_exact(stride).zip(values.chunks_exact(stride));
            for ((activations, values), gradients) in positions.zip(gradients.chunks_exact_mut(stride)) {
                for (gradient, activation) in gradients.iter_mut().zip(activations) {
                    *gradient = if *activation > 0.0 { *gradient } else { 0.0 };
                }
                sums.shift.iter_mut().zip(&*gradients).for_each(|(sum, gradient)| *sum += gradient);
                let standard = self.standard(values);
                sums.scale.iter_mut().zip(&*gradients).zip(standard).for_each(|((sum, gradient), standard)| *sum += gradient * standard);
            }
            sums
        })
    }

    /// The gradient of the norm's output to that of its input, in place. `means` are those of all positions of the batch.
    pub(super) fn through_norm(&self, means: &Sums, values: &[f32], gradients: &mut [f32]) {
        vectorised(|| {
            let stride = self.gain.len();
            for (values, gradients) in values.chunks_exact(stride).zip(gradients.chunks_exact_mut(stride)) {
                let means = means.shift.iter().zip(&means.scale);
                for (((gradient, standard), gain), (of_shift, of_scale)) in
                    gradients.iter_mut().zip(self.standard(values)).zip(&self.gain).zip(means)
                {
                    *gradient = gain * (*gradient - of_shift - standard * of_scale);
                }
            }
        });
    }

    /// Values of one position, standardised.
    fn standard(&self, values: &[f32]) -> impl Iterator<Item = f32> {
        values.iter().zip(&self.mean).zip(&self.inverse_deviation).map(|((value, mean), inverse)| (value - mean) * inverse)
    }
}

/// For each channel, gradients of shift and scale: sums over positions of `n`'s gradient, and of that times the standardised input.
#[derive(Clone, Debug)]
pub(super) struct Sums {
    pub(super) shift: Vec<f32>,
    pub(super) scale: Vec<f32>,
}

impl Sums {
    /// Those of a batch, from those of its utterances.
    pub(super) fn of(utterances: &[Self]) -> Self {
        let channels = utterances.first().map_or(0, |first| first.shift.len());
        let sum = |values: fn(&Self) -> &[f32]| {
            (0..channels).map(|channel| utterances.iter().map(|u| f64::from(values(u)[channel])).sum::<f64>() as f32).collect()
        };
        Self { shift: sum(|sums| &sums.shift), scale: sum(|sums| &sums.scale) }
    }

    /// Divided by a number of positions.
    pub(super) fn mean(&self, positions: usize) -> Self {
        let mean = |sums: &[f32]| sums.iter().map(|sum| sum / positions as f32).collect();
        Self { shift: mean(&self.shift), scale: mean(&self.scale) }
    }
    /// Zeros in place of the sums.
    pub(super) fn zeros(&self) -> Self {
        Self { shift: vec![0.0; self.shift.len()], scale: vec![0.0; self.scale.len()] }
    }
}
