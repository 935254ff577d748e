//! Learning rate: a linear rise, then half a cosine; the quantisation-aware stage has half a cosine of its own.

use crate::training::recipe::Recipe;

/// Learning rate of a step; `step` counts from 0 over the whole training.
pub(super) fn learning_rate(recipe: &Recipe, steps_per_epoch: usize, step: usize) -> f64 {
    if let Some(step) = step.checked_sub(recipe.epochs * steps_per_epoch) {
        let share = (step as f64 / (recipe.qat_epochs * steps_per_epoch).max(1) as f64).min(1.0);
        return recipe.qat_learning_rate * falling(share);
    }
    let total = (recipe.epochs * steps_per_epoch) as f64;
    let warmup = (recipe.warmup_epochs * steps_per_epoch as f64).min(total);
    let done = (step + 1) as f64;
    if done <= warmup {
        return recipe.learning_rate * done / warmup;
    }
    let share = (done - warmup) / (total - warmup);
    recipe.learning_rate * (recipe.final_learning_rate + (1.0 - recipe.final_learning_rate) * falling(share))
}

/// Half a cosine, from 1 to 0 as `share` goes from 0 to 1.
fn falling(share: f64) -> f64 {
    0.5 * (1.0 + (std::f64::consts::PI * share).cos())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_learning_rate_rises_to_its_peak_and_falls_to_its_end() {
        let recipe = Recipe {
            epochs: 10,
            warmup_epochs: 2.0,
            learning_rate: 1.0,
            final_learning_rate: 0.1,
            ..Recipe::default()
        };
        let rates: Vec<f64> = (0..100).map(|step| learning_rate(&recipe, 10, step)).collect();
        assert!((rates[9] - 0.5).abs() < 1e-12);
        assert!((rates[19] - 1.0).abs() < 1e-12);
        assert!((rates[59] - 0.55).abs() < 1e-12);
        assert!((rates[99] - 0.1).abs() < 1e-12);
        assert!(rates[..20].is_sorted() && rates[19..].iter().rev().is_sorted());
    }

    #[test]
    fn the_quantisation_aware_stage_falls_from_its_own_rate_to_nearly_zero() {
        let recipe = Recipe { epochs: 10, qat_epochs: 4, qat_learning_rate: 0.5, ..Recipe::default() };
        let rates: Vec<f64> = (100..140).map(|step| learning_rate(&recipe, 10, step)).collect();
        assert!((rates[0] - 0.5).abs() < 1e-12 && (rates[20] - 0.25).abs() < 1e-12);
        assert!(rates.iter().rev().is_sorted() && rates[39] > 0.0 && rates[39] < 0.01);
        let without = Recipe { qat_epochs: 0, ..recipe.clone() };
        assert!((0..100).all(|step| learning_rate(&recipe, 10, step) == learning_rate(&without, 10, step)));
    }

    #[test]
    fn a_training_shorter_than_its_warm_up_has_finite_rates() {
        let recipe = Recipe { epochs: 1, warmup_epochs: 5.0, ..Recipe::default() };
        assert!(
            (0..4).map(|step| learning_rate(&recipe, 4, step)).all(|rate| rate > 0.0 && rate <= recipe.learning_rate)
        );
    }
}
