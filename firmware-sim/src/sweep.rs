//! `firmware-sim eval --sweep`: runs the core over disturbed recordings.

use anyhow::{Context, Result};
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use rayon::prelude::*;
use ser_core::{Model, Prediction};
use ser_host::corpus::Utterance;
use ser_host::corpus::audio::{SAMPLE_RATE_HZ, to_rate};
use ser_host::evaluation::compare;
use ser_host::evaluation::sweep::{NonSpeech, SweepFamily, SweepPoint, SweepReport};
use ser_host::features::disturb::sounds::others;
use ser_host::progress::Progress;

use crate::conditions::{FAMILIES, Family, SOUNDS, Sound, Subject, TALKERS};
use crate::tally::{Answer, Tally};

/// Seed of all noise.
const SEED: u64 = 1;

/// Each purpose has its own random numbers.
#[derive(Clone, Copy)]
enum Purpose {
    Speech = 1,
    NonSpeech = 2,
}

/// The generator for one utterance or sound.
fn generator(purpose: Purpose, kind: usize, index: usize) -> ChaCha8Rng {
    let mut seed = [0; 32];
    for (to, word) in seed.as_chunks_mut::<8>().0.iter_mut().zip([SEED, purpose as u64, kind as u64, index as u64]) {
        *to = word.to_le_bytes();
    }
    ChaCha8Rng::from_seed(seed)
}

/// Every family with each of its values.
fn conditions() -> impl Iterator<Item = (&'static Family, f64)> {
    FAMILIES.iter().flat_map(|family| family.values.iter().map(move |value| (family, *value)))
}

/// Recognises every utterance under every condition, and sounds that are not speech, on the threads of the calling
/// pool.
///
/// An utterance is read when it is disturbed, and again each time it babbles behind another, so memory does not grow
/// with the corpus. An utterance that cannot be read is left out.
pub fn sweep(model: &Model<'_>, utterances: &[&Utterance], truths: &[usize], chunk: usize) -> Result<SweepReport> {
    let progress = Progress::new("sweep", utterances.len());
    let answers = utterances.par_iter().zip(truths).enumerate().map(|(index, (utterance, truth))| {
        let answers = under_all_conditions(model, utterances, (index, utterance), *truth, chunk)
            .with_context(|| utterance.id.clone());
        progress.step();
        answers
    });
    let answers = answers.collect::<Result<Vec<_>>>()?;
    let mut points = Vec::new();
    for (index, (family, value)) in conditions().enumerate() {
        let tally = Tally::new(model, answers.iter().filter_map(|answers| *answers.get(index)?));
        points.push((family.name, point(value, &tally)));
    }
    let family = |family: &Family| SweepFamily {
        name: family.name.to_owned(),
        parameter: family.parameter.to_owned(),
        points: points
            .iter()
            .filter(|(name, point)| *name == family.name && point.utterances > 0)
            .map(|(_, point)| point.clone())
            .collect(),
    };
    let families = FAMILIES.iter().map(family).filter(|family| !family.points.is_empty()).collect();
    let non_speech = SOUNDS
        .par_iter()
        .enumerate()
        .map(|(kind, sound)| non_speech(model, kind, sound, chunk))
        .collect::<Result<Vec<_>>>()?;
    Ok(SweepReport { families, non_speech })
}

/// The core's answer to samples at [`SAMPLE_RATE_HZ`], the rate of all disturbances.
fn hear<'m>(model: &'m Model<'m>, samples: &[i16], chunk: usize) -> Result<Option<Prediction<'m>>> {
    let samples = to_rate(samples, SAMPLE_RATE_HZ, model.front_end().sample_rate_hz)?;
    Ok(compare::hear(model, &samples, chunk)?.prediction)
}

/// The answers in the order of [`conditions`], None for a condition that can't be made; empty if the utterance cannot
/// be read.
fn under_all_conditions<'m>(
    model: &'m Model<'m>,
    utterances: &[&Utterance],
    (index, utterance): (usize, &Utterance),
    truth: usize,
    chunk: usize,
) -> Result<Vec<Option<Answer<'m>>>> {
    let Ok(samples) = utterance.samples(SAMPLE_RATE_HZ) else { return Ok(Vec::new()) };
    let mut rng = generator(Purpose::Speech, 0, index);
    let talkers = others(utterances, utterance, &mut rng);
    let talkers: Vec<Vec<i16>> =
        talkers.into_iter().filter_map(|talker| talker.samples(SAMPLE_RATE_HZ).ok()).take(TALKERS).collect();
    let subject = Subject::new(samples, &talkers, &mut rng);
    let answer = |(family, value): (&Family, f64)| {
        let Some(samples) = subject.disturbed(family, value).with_context(|| format!("{} at {value}", family.name))?
        else {
            return Ok(None);
        };
        Ok(Some((truth, hear(model, &samples, chunk)?)))
    };
    conditions().map(answer).collect()
}

fn point(value: f64, tally: &Tally) -> SweepPoint {
    SweepPoint {
        value,
        utterances: tally.utterances(),
        war: tally.confusion.war(),
        uar: tally.confusion.uar(),
        not_sure: tally.not_sure_share(),
        unanswered: tally.unanswered_share(),
        war_of_sure: tally.war_of_sure(),
        calibration_error: tally.calibration_error,
    }
}

fn non_speech(model: &Model<'_>, kind: usize, sound: &Sound, chunk: usize) -> Result<NonSpeech> {
    let mut labels: Vec<(String, usize)> = model.labels().iter().map(|label| ((*label).to_owned(), 0)).collect();
    let (mut unanswered, mut not_sure, mut sure) = (0, 0, 0);
    for index in 0..sound.count {
        match hear(model, &sound.play(&mut generator(Purpose::NonSpeech, kind, index)), chunk)? {
            None => unanswered += 1,
            Some(prediction) if !prediction.confident => not_sure += 1,
            Some(prediction) => {
                sure += 1;
                labels.iter_mut().skip(prediction.index).take(1).for_each(|(_, count)| *count += 1);
            }
        }
    }
    labels.retain(|(_, count)| *count > 0);
    labels.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    Ok(NonSpeech { name: sound.name.to_owned(), sounds: sound.count, unanswered, not_sure, sure, labels })
}
