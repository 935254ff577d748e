use super::*;
use crate::training::recipe::{Auxiliary, AuxiliaryTarget};

fn speakers() -> Vec<Example> {
    let names = ["ann", "bob", "cleo"];
    let alike = |(index, example): (usize, Example)| Example {
        speaker: names[index / 6].into(),
        sentence: format!("s{}", index % 2),
        ..example
    };
    examples().into_iter().enumerate().map(alike).collect()
}

fn with(target: AuxiliaryTarget, adversarial: bool) -> Config {
    let mut config = config(2);
    config.recipe.auxiliary = vec![Auxiliary { target, weight: 0.5, adversarial }];
    config
}

#[test]
fn heads_steer_the_training_and_are_not_in_its_result() {
    let mut plain = trainer(2);
    finish(&mut plain);
    let targets = [
        AuxiliaryTarget::Speaker,
        AuxiliaryTarget::Sentence,
        AuxiliaryTarget::Group([("ann".into(), "f".into()), ("bob".into(), "m".into())].into()),
    ];
    let mut results = vec![plain.network().unwrap()];
    for target in targets {
        for adversarial in [false, true] {
            let mut trainer = Trainer::new(with(target.clone(), adversarial), speakers()).unwrap();
            finish(&mut trainer);
            let network = trainer.network().unwrap();
            assert_eq!(network.layers.len(), results[0].layers.len());
            assert!(results.iter().all(|other| *other != network), "{target:?} {adversarial}");
            results.push(network);
        }
    }
}

#[test]
fn a_training_with_heads_resumes_with_the_same_bits_into_the_quantisation_aware_stage() {
    let mut config = with(AuxiliaryTarget::Speaker, false);
    config.recipe.qat_epochs = 1;
    let mut uninterrupted = Trainer::new(config.clone(), speakers()).unwrap();
    finish(&mut uninterrupted);
    for steps in [3, 8, 10] {
        let mut interrupted = Trainer::new(config.clone(), speakers()).unwrap();
        for _ in 0..steps {
            interrupted.step().unwrap();
        }
        let mut resumed = Trainer::new(config.clone(), speakers()).unwrap();
        resumed.restore(&interrupted.checkpoint().unwrap()).unwrap();
        finish(&mut resumed);
        assert_eq!(result(&resumed), result(&uninterrupted), "interrupted after {steps} steps");
    }
}

#[test]
fn a_head_with_nothing_to_tell_apart_is_an_error() {
    let error = Trainer::new(with(AuxiliaryTarget::Speaker, false), examples()).err().unwrap().to_string();
    assert!(error.contains("0 classes"), "{error}");
}
