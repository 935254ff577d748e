//! Hidden Markov models with a mixture of Gaussians in each state (Rabiner, 1989), one for each emotion; the answer is
//! the emotion of the likeliest model.
//!
//! A model of one state is a mixture over frames and ignores their order: the Gaussian mixture classifier of Reynolds
//! and Rose (1995).

#[cfg(test)]
mod tests;

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use rayon::prelude::*;

use super::cepstra::Sequence;
use super::mixture::{Mixture, log_sum_exp};
use crate::model::logits::leading;

/// Steps of Baum and Welch's re-estimation.
const ITERATIONS: usize = 20;

/// How large the model of an emotion is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Number of states.
    pub states: usize,
    /// Gaussians in each state.
    pub components: usize,
}

/// A left-to-right hidden Markov model: it starts in the first state, and at each frame stays or goes on to the next.
#[derive(Clone, Debug, PartialEq)]
pub struct Hmm {
    /// `ln a_ij`, `[from][to]`.
    log_transitions: Vec<Vec<f64>>,
    /// `b_j`.
    states: Vec<Mixture>,
}

impl Hmm {
    /// The initial model, which divides each sequence evenly among the states. There must be at least one frame.
    fn seeded(sequences: &[&Sequence], shape: Shape, rng: &mut ChaCha8Rng) -> Self {
        let all: Vec<&Vec<f64>> = sequences.iter().copied().flatten().collect();
        let mixture = |state: usize| {
            let frames = sequences.iter().flat_map(|sequence| {
                let border = |state: usize| state * sequence.len() / shape.states;
                sequence.iter().skip(border(state)).take(border(state + 1) - border(state))
            });
            let frames: Vec<&Vec<f64>> = frames.collect();
            Mixture::seeded(if frames.is_empty() { &all } else { &frames }, shape.components, rng)
        };
        let states: Vec<Mixture> = (0..shape.states).map(mixture).collect();
        // The stay probability makes a state last as long as its part of a mean sequence.
        let stay = 1.0 - (shape.states as f64 * sequences.len() as f64 / all.len() as f64).min(0.5);
        let probability = |from: usize, to: usize| match to.checked_sub(from) {
            Some(0) if from + 1 == shape.states => 1.0,
            Some(0) => stay,
            Some(1) => 1.0 - stay,
            _ => 0.0,
        };
        let log_transitions =
            (0..shape.states).map(|from| (0..shape.states).map(|to| probability(from, to).ln()).collect()).collect();
        Self { log_transitions, states }
    }

    /// Fits a model to the sequences, of which at least one must have a frame.
    pub fn fit(sequences: &[&Sequence], shape: Shape, rng: &mut ChaCha8Rng) -> Self {
        let mut model = Self::seeded(sequences, shape, rng);
        for _ in 0..ITERATIONS {
            model = model.re_estimated(sequences);
        }
        model
    }

    /// `ln p(x_1 … x_T)` by the forward algorithm, over all paths through the states; 0 without a frame.
    pub fn log_likelihood(&self, sequence: &[Vec<f64>]) -> f64 {
        self.forward(&of_states(&self.log_densities(sequence)))
            .last()
            .map_or(0.0, |last| log_sum_exp(last.iter().copied()))
    }

    /// Logarithms of the components' densities, `[frames][states][components]`; the densities of a state sum to
    /// `b_j(x_t)`.
    fn log_densities(&self, sequence: &[Vec<f64>]) -> Vec<Vec<Vec<f64>>> {
        sequence.iter().map(|frame| self.states.iter().map(|state| state.log_densities(frame)).collect()).collect()
    }

    /// `ln α_t(j) = ln Σ_i α_{t−1}(i) a_ij + ln b_j(x_t)`, `[frames][states]`: Rabiner's (19) and (20).
    fn forward(&self, log_densities: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let mut forward: Vec<Vec<f64>> = Vec::with_capacity(log_densities.len());
        for densities in log_densities {
            let arrival = |to: usize| match forward.last() {
                Some(before) => {
                    log_sum_exp(before.iter().zip(&self.log_transitions).map(|(alpha, row)| alpha + row[to]))
                }
                None if to == 0 => 0.0,
                None => f64::NEG_INFINITY,
            };
            let now = densities.iter().enumerate().map(|(to, density)| arrival(to) + density).collect();
            forward.push(now);
        }
        forward
    }

    /// `ln β_t(i) = ln Σ_j a_ij b_j(x_{t+1}) β_{t+1}(j)`, `[frames][states]`: Rabiner's (24) and (25).
    fn backward(&self, log_densities: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let mut reversed: Vec<Vec<f64>> = Vec::with_capacity(log_densities.len());
        let mut next_densities: Option<&Vec<f64>> = None;
        for densities in log_densities.iter().rev() {
            let departure = |row: &Vec<f64>| match (reversed.last(), next_densities) {
                (Some(after), Some(next)) => {
                    log_sum_exp(row.iter().zip(next.iter().zip(after)).map(|(a, (b, beta))| a + b + beta))
                }
                _ => 0.0,
            };
            let now = self.log_transitions.iter().map(departure).collect();
            reversed.push(now);
            next_densities = Some(densities);
        }
        reversed.reverse();
        reversed
    }

    /// One step of Baum and Welch: the sequences are at least as likely under the returned model, as long as the
    /// variance floor does not act.
    fn re_estimated(&self, sequences: &[&Sequence]) -> Self {
        let count = self.states.len();
        let mut transitions = vec![vec![0.0; count]; count];
        let mut statistics: Vec<_> = self.states.iter().map(Mixture::statistics).collect();
        for sequence in sequences {
            let of_components = self.log_densities(sequence);
            let densities = of_states(&of_components);
            let (forward, backward) = (self.forward(&densities), self.backward(&densities));
            let Some(likelihood) = forward.last().map(|last| log_sum_exp(last.iter().copied())) else { continue };
            for ((frame, of_components), (alphas, betas)) in
                sequence.iter().zip(&of_components).zip(forward.iter().zip(&backward))
            {
                for ((sums, of_components), (alpha, beta)) in
                    statistics.iter_mut().zip(of_components).zip(alphas.iter().zip(betas))
                {
                    sums.add(frame, of_components, (alpha + beta - likelihood).exp());
                }
            }
            for ((alphas, next), betas) in forward.iter().zip(densities.iter().skip(1)).zip(backward.iter().skip(1)) {
                for ((alpha, log_row), row) in alphas.iter().zip(&self.log_transitions).zip(&mut transitions) {
                    for (((expected, a), b), beta) in row.iter_mut().zip(log_row).zip(next).zip(betas) {
                        *expected += (alpha + a + b + beta - likelihood).exp();
                    }
                }
            }
        }
        let log_share = |(expected, old): (Vec<f64>, &Vec<f64>)| {
            let total: f64 = expected.iter().sum();
            if total > 0.0 {
                expected.into_iter().map(|expected| (expected / total).ln()).collect()
            } else {
                old.clone()
            }
        };
        Self {
            log_transitions: transitions.into_iter().zip(&self.log_transitions).map(log_share).collect(),
            states: self.states.iter().zip(&statistics).map(|(state, sums)| state.re_estimated(sums)).collect(),
        }
    }
}

/// `ln b_j(x_t)`, `[frames][states]`, from the densities of the components.
fn of_states(log_densities: &[Vec<Vec<f64>>]) -> Vec<Vec<f64>> {
    let of_state = |of_components: &Vec<f64>| log_sum_exp(of_components.iter().copied());
    log_densities.iter().map(|states| states.iter().map(of_state).collect()).collect()
}

/// The class of each test sequence: the class whose model, fitted to its training sequences, makes the test sequence
/// likeliest. Each class below `classes` must have a training sequence with a frame.
pub fn classify(train: &[(Sequence, usize)], test: &[Sequence], classes: usize, shape: Shape, seed: u64) -> Vec<usize> {
    let fit = |class: usize| {
        let sequences: Vec<&Sequence> =
            train.iter().filter(|(_, of)| *of == class).map(|(sequence, _)| sequence).collect();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(class as u64);
        Hmm::fit(&sequences, shape, &mut rng)
    };
    let models: Vec<Hmm> = (0..classes).into_par_iter().map(fit).collect();
    let likeliest = |sequence: &Sequence| {
        let likelihoods: Vec<f64> = models.iter().map(|model| model.log_likelihood(sequence)).collect();
        leading(&likelihoods).unwrap_or(0)
    };
    test.par_iter().map(likeliest).collect()
}
