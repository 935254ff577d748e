//! Deals utterances into folds. Each function returns the number of folds, and the fold of each utterance.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail, ensure};
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;

use crate::corpus::sentences::doubt;
use crate::corpus::{Corpus, Utterance};

/// Number of folds where none is given, unless each speaker or corpus is a fold.
pub const DEFAULT_FOLDS: usize = 5;
/// Each speaker is a fold by default up to this many.
const MOST_SPEAKER_FOLDS: usize = 10;

/// Number of utterances of each class, of each sex where it is known, and of each corpus where there are several.
pub(super) type Counts = Vec<u64>;

fn check_folds(folds: usize, count: usize, what: &str) -> Result<()> {
    ensure!(folds >= 2, "number of folds must be at least 2, got {folds}");
    ensure!(count >= folds, "{folds} folds need at least as many {what}, the corpus has {count}");
    Ok(())
}

/// Each speaker's utterances of each emotion are shuffled and dealt.
pub(super) fn strata(corpus: &Corpus, folds: usize, seed: u64) -> Result<(usize, Vec<usize>)> {
    check_folds(folds, corpus.utterances.len(), "utterances")?;
    let mut strata: BTreeMap<(usize, &str), Vec<usize>> = BTreeMap::new();
    for (index, utterance) in corpus.utterances.iter().enumerate() {
        strata.entry((utterance.emotion, &utterance.speaker)).or_default().push(index);
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut fold_of = vec![0; corpus.utterances.len()];
    // Dealing continues where the previous stratum ended, so small strata do not all favour the first folds.
    let mut dealt = 0;
    for stratum in strata.values_mut() {
        stratum.shuffle(&mut rng);
        for &index in stratum.iter() {
            fold_of[index] = dealt % folds;
            dealt += 1;
        }
    }
    Ok((folds, fold_of))
}

/// The sentences are shuffled and dealt.
pub(super) fn sentences(corpus: &Corpus, folds: usize, seed: u64) -> Result<(usize, Vec<usize>)> {
    if let Some(doubt) = doubt(corpus) {
        bail!(
            "protocol 'sentence' needs the sentence of every utterance, but {doubt}: use --protocol speaker or random, \
             or a manifest that names the sentences"
        );
    }
    let names = distinct(corpus, |utterance| &utterance.sentence);
    check_folds(folds, names.len(), "sentences")?;
    Ok((folds, shuffled_groups(corpus, names, |utterance| &utterance.sentence, folds, seed)))
}

/// As many folds as there are speakers: each is the fold of its place among the sorted names. Fewer folds: the speakers
/// are shuffled and dealt. Without a number of folds, 5 if there are more than 10 speakers.
pub(super) fn speakers(corpus: &Corpus, folds: Option<usize>, seed: u64) -> Result<(usize, Vec<usize>)> {
    if let Some(utterance) = corpus.utterances.iter().find(|utterance| utterance.speaker.is_empty()) {
        bail!(
            "protocol 'speaker' needs the speaker of every utterance, {} has none: use the layout speaker/emotion/name.wav or a manifest",
            utterance.id
        );
    }
    let names = distinct(corpus, |utterance| &utterance.speaker);
    let folds = match folds {
        Some(0) => names.len(),
        Some(folds) => folds,
        None if names.len() > MOST_SPEAKER_FOLDS => DEFAULT_FOLDS,
        None => names.len(),
    };
    each_or_dealt(corpus, names, |utterance| &utterance.speaker, folds, "speakers", seed)
}

/// As many folds as there are corpora, in the order of their names. Fewer folds: they are shuffled and dealt.
pub(super) fn corpora(corpus: &Corpus, folds: Option<usize>, seed: u64) -> Result<(usize, Vec<usize>)> {
    let names = distinct(corpus, |utterance| &*utterance.corpus);
    ensure!(
        names.len() > 1,
        "protocol 'corpus' needs at least two corpora, {} is one: give --corpus more than once, or a TOML list",
        corpus.name
    );
    let folds = folds.filter(|folds| *folds > 0).unwrap_or(names.len());
    each_or_dealt(corpus, names, |utterance| &*utterance.corpus, folds, "corpora", seed)
}

fn each_or_dealt<'c>(
    corpus: &'c Corpus,
    names: Vec<&'c str>,
    name: impl Fn(&Utterance) -> &str,
    folds: usize,
    what: &str,
    seed: u64,
) -> Result<(usize, Vec<usize>)> {
    check_folds(folds, names.len(), what)?;
    if folds < names.len() {
        return Ok((folds, shuffled_groups(corpus, names, name, folds, seed)));
    }
    let fold_of: BTreeMap<&str, usize> = names.into_iter().enumerate().map(|(place, name)| (name, place)).collect();
    Ok((folds, corpus.utterances.iter().map(|utterance| fold_of[name(utterance)]).collect()))
}

/// Shuffles groups of utterances, which have a name in common, and deals them.
fn shuffled_groups<'c>(
    corpus: &'c Corpus,
    mut names: Vec<&'c str>,
    name: impl Fn(&Utterance) -> &str,
    folds: usize,
    seed: u64,
) -> Vec<usize> {
    names.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    let place_of: BTreeMap<&str, usize> = names.iter().enumerate().map(|(place, name)| (*name, place)).collect();
    let group_of = |utterance: &Utterance| place_of[name(utterance)];
    let several = |names: Vec<&'c str>| if names.len() > 1 { names } else { Vec::new() };
    let sexes = several(distinct(corpus, |utterance| &utterance.sex));
    let corpora = several(distinct(corpus, |utterance| &utterance.corpus));
    let classes = corpus.labels.len();
    let mut groups = vec![vec![0; classes + sexes.len() + corpora.len()]; names.len()];
    for utterance in &corpus.utterances {
        let group = &mut groups[group_of(utterance)];
        group[utterance.emotion] += 1;
        if let Some(sex) = sexes.iter().position(|sex| *sex == utterance.sex) {
            group[classes + sex] += 1;
        }
        if let Some(of) = corpora.iter().position(|corpus| **corpus == *utterance.corpus) {
            group[classes + sexes.len() + of] += 1;
        }
    }
    let fold_of = stratified(&groups, classes, folds);
    corpus.utterances.iter().map(|utterance| fold_of[group_of(utterance)]).collect()
}

/// The fold of each group, so that each fold gets about the same share of every class.
///
/// Larger groups are dealt first, and of equal ones those of a kind one after the other: the first `classes` counts are of
/// classes, the others say of which sex and corpus a group is. A group goes to the fold that has least of the group's classes so far,
/// `Σ_c fold_c group_c / all_c`; of equal folds to the one with fewest utterances, then to the first. So groups that are
/// alike are dealt in turn.
pub(super) fn stratified(groups: &[Counts], classes: usize, folds: usize) -> Vec<usize> {
    let all = sum(groups);
    let size = |counts: &Counts| counts.iter().sum::<u64>();
    let mut order: Vec<usize> = (0..groups.len()).collect();
    let kind = |group: usize| -> Vec<bool> { groups[group].iter().skip(classes).map(|count| *count > 0).collect() };
    order.sort_by_cached_key(|group| (std::cmp::Reverse(size(&groups[*group])), kind(*group)));
    let mut filled = vec![vec![0; all.len()]; folds];
    let mut fold_of = vec![0; groups.len()];
    for group in order {
        let counts = &groups[group];
        let overlap = |fold: &Counts| -> f64 {
            let shares = fold.iter().zip(counts).zip(&all).filter(|(_, all)| **all > 0);
            shares.map(|((fold, group), all)| (fold * group) as f64 / *all as f64).sum()
        };
        let least = filled
            .iter()
            .enumerate()
            .min_by(|(_, a), (_, b)| overlap(a).total_cmp(&overlap(b)).then(size(a).cmp(&size(b))))
            .map_or(0, |(fold, _)| fold);
        filled[least].iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        fold_of[group] = least;
    }
    fold_of
}

/// `wanted` groups that have about their share of every class together, by place. One after the other is chosen, always
/// the one that brings the classes nearest to their shares; of equal groups the first.
pub(super) fn stratified_part(groups: &[Counts], wanted: usize) -> Vec<usize> {
    let all = sum(groups);
    let target: Vec<f64> = all.iter().map(|all| *all as f64 * wanted as f64 / groups.len().max(1) as f64).collect();
    let mut held = vec![0; all.len()];
    let mut left: Vec<usize> = (0..groups.len()).collect();
    let mut chosen = Vec::new();
    for _ in 0..wanted {
        let distance = |group: &usize| -> f64 {
            let classes =
                groups[*group].iter().zip(&held).zip(target.iter().zip(&all)).filter(|(_, (_, all))| **all > 0);
            classes.map(|((group, held), (target, all))| ((group + held) as f64 - target).powi(2) / *all as f64).sum()
        };
        let nearest = left.iter().enumerate().min_by(|(_, a), (_, b)| distance(a).total_cmp(&distance(b)));
        let Some((place, _)) = nearest else { break };
        let group = left.remove(place);
        held.iter_mut().zip(&groups[group]).for_each(|(sum, count)| *sum += count);
        chosen.push(group);
    }
    chosen
}

fn sum(groups: &[Counts]) -> Counts {
    let mut all = vec![0; groups.first().map_or(0, Vec::len)];
    groups.iter().for_each(|group| all.iter_mut().zip(group).for_each(|(sum, count)| *sum += count));
    all
}

/// The different names in the corpus, sorted.
pub(super) fn distinct(corpus: &Corpus, name: impl Fn(&Utterance) -> &str) -> Vec<&str> {
    corpus.utterances.iter().map(name).collect::<BTreeSet<_>>().into_iter().collect()
}
