//! The distortion sweeps of several runs, pooled into one.

use super::gather::Run;
use crate::evaluation::sweep::{NonSpeech, SweepFamily, SweepPoint, SweepReport};

/// Pools the sweeps of all runs that have one: means of shares, weighted by utterances, and sums of counts. None if no
/// run has a sweep.
pub fn pool(runs: &[Run]) -> Option<SweepReport> {
    let mut sweeps = runs.iter().filter_map(|run| run.sweep.as_ref());
    let mut pooled = sweeps.next()?.clone();
    sweeps.for_each(|sweep| add(&mut pooled, sweep));
    for family in &mut pooled.families {
        family.points.sort_by(|a, b| a.value.total_cmp(&b.value));
    }
    Some(pooled)
}

fn add(pooled: &mut SweepReport, other: &SweepReport) {
    for family in &other.families {
        match pooled.families.iter_mut().find(|known| known.name == family.name && known.parameter == family.parameter)
        {
            Some(known) => family.points.iter().for_each(|point| add_point(known, point)),
            None => pooled.families.push(family.clone()),
        }
    }
    for sounds in &other.non_speech {
        match pooled.non_speech.iter_mut().find(|known| known.name == sounds.name) {
            Some(known) => add_sounds(known, sounds),
            None => pooled.non_speech.push(sounds.clone()),
        }
    }
}

fn add_point(family: &mut SweepFamily, point: &SweepPoint) {
    let Some(known) = family.points.iter_mut().find(|known| known.value == point.value) else {
        family.points.push(point.clone());
        return;
    };
    let pool = |of: fn(&SweepPoint) -> f64, weight: fn(&SweepPoint) -> f64| {
        let sum = weight(known) + weight(point);
        if sum > 0.0 { (of(known) * weight(known) + of(point) * weight(point)) / sum } else { of(known) }
    };
    let all = |point: &SweepPoint| point.utterances as f64;
    let answered = |point: &SweepPoint| point.utterances as f64 * (1.0 - point.unanswered);
    let sure = |point: &SweepPoint| point.utterances as f64 * (1.0 - point.not_sure);
    *known = SweepPoint {
        value: known.value,
        utterances: known.utterances.saturating_add(point.utterances),
        war: pool(|point| point.war, all),
        uar: pool(|point| point.uar, all),
        not_sure: pool(|point| point.not_sure, all),
        unanswered: pool(|point| point.unanswered, all),
        war_of_sure: match (known.war_of_sure, point.war_of_sure) {
            (Some(_), Some(_)) => Some(pool(|point| point.war_of_sure.unwrap_or_default(), sure)),
            (known, other) => known.or(other),
        },
        calibration_error: pool(|point| point.calibration_error, answered),
    };
}

fn add_sounds(known: &mut NonSpeech, other: &NonSpeech) {
    known.sounds = known.sounds.saturating_add(other.sounds);
    known.unanswered = known.unanswered.saturating_add(other.unanswered);
    known.not_sure = known.not_sure.saturating_add(other.not_sure);
    known.sure = known.sure.saturating_add(other.sure);
    for (label, count) in &other.labels {
        match known.labels.iter_mut().find(|(known, _)| known == label) {
            Some((_, known)) => *known = known.saturating_add(*count),
            None => known.labels.push((label.clone(), *count)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pooled_shares_are_weighted_by_utterances() {
        let point = |utterances, war, not_sure, unanswered| SweepPoint {
            value: 0.0,
            utterances,
            war,
            uar: war,
            not_sure,
            unanswered,
            war_of_sure: Some(war),
            calibration_error: war,
        };
        let family = |point| SweepFamily { name: "gain".into(), parameter: "gain, dB".into(), points: vec![point] };
        let mut sweep = SweepReport { families: vec![family(point(100, 0.8, 0.0, 0.0))], non_speech: vec![] };
        add(&mut sweep, &SweepReport { families: vec![family(point(300, 0.4, 0.5, 0.25))], non_speech: vec![] });
        let pooled = &sweep.families[0].points[0];
        assert_eq!(pooled.utterances, 400);
        assert!((pooled.war - 0.5).abs() < 1e-12 && (pooled.not_sure - 0.375).abs() < 1e-12);
        // 100 and 150 answers are sure; 100 and 225 utterances have an answer.
        assert!((pooled.war_of_sure.unwrap() - 0.56).abs() < 1e-12);
        assert!(
            (pooled.calibration_error - (80.0 + 90.0) / 325.0).abs() < 1e-12
                && (pooled.unanswered - 0.1875).abs() < 1e-12
        );
    }
}
