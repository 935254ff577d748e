//! What distortions do to the answers: curves of a sweep.

use anyhow::Result;

use super::Group;
use super::gather::Run;
use super::page::Table;
use super::plot::{Area, Axis, DARK, GREY, Look, MIDDLE, Marker, Picture, Stroke, axes, heading, range, series};
use super::text::{number, percent, slug};
use crate::sweep::{NonSpeech, SweepFamily, SweepPoint, SweepReport};

/// The sweeps of all runs that have one, together: shares weighted by utterances, counts added. None if no run has one.
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

/// What is seen.
pub fn seen(group: &Group) -> String {
    let Some(sweep) = &group.robustness else {
        return "No run has a sweep.json; `firmware-sim eval --sweep` measures one.".to_owned();
    };
    let points = sweep.families.iter().flat_map(|family| family.points.iter().map(move |point| (family, point)));
    match points.min_by(|(_, a), (_, b)| a.war.total_cmp(&b.war)) {
        Some((family, point)) => format!(
            "The WAR is lowest under {}, {} {}: {}; {} of the utterances then have no confident answer. Undisturbed, the WAR of the test part is {}.",
            family.name,
            family.parameter,
            number(&point.value),
            percent(point.war),
            percent(point.not_sure),
            percent(group.int8.war.value)
        ),
        None => "The sweep has no point.".to_owned(),
    }
}

/// A picture for each kind of distortion.
pub fn pictures(group: &Group) -> Result<Vec<Picture>> {
    let families = group.robustness.iter().flat_map(|sweep| &sweep.families).enumerate();
    families
        .filter(|(_, family)| !family.points.is_empty())
        .map(|(index, family)| picture(group, index, family))
        .collect()
}

fn picture(group: &Group, index: usize, family: &SweepFamily) -> Result<Picture> {
    let title = format!("Robustness: {}", family.name);
    let first = family.points.first().map_or(0.0, |point| point.value);
    let (low, high) = range(family.points.iter().map(|point| point.value), (first, first));
    // A single value has a place too.
    let air = if high > low { 0.04 * (high - low) } else { 1.0 };
    let x = Axis { label: &family.parameter, range: (low - air, high + air), ticks: 6, format: number };
    let undisturbed = group.int8.war.value;
    let draw = |area: &Area<'_>| -> Result<()> {
        let war = Look::line(DARK, Stroke::Solid, Marker::Disc);
        let not_sure = Look::line(MIDDLE, Stroke::Dashed, Marker::Ring);
        let reference = Look { width: 2, ..Look::line(GREY, Stroke::Dotted, Marker::None) };
        let top = heading(area, &title, &[("WAR", war), ("not sure", not_sure), ("WAR undisturbed", reference)])?;
        let chart = axes(area, top, &x, &Axis::share("share of utterances"))?;
        let points = |value: fn(&SweepPoint) -> f64| {
            family.points.iter().map(|point| (point.value, value(point))).collect::<Vec<_>>()
        };
        series(area, &chart, &[(x.range.0, undisturbed), (x.range.1, undisturbed)], &reference)?;
        series(area, &chart, &points(|point| point.not_sure), &not_sure)?;
        series(area, &chart, &points(|point| point.war), &war)
    };
    let words = |point: &SweepPoint| {
        format!("{}: WAR {}, not sure {}", number(&point.value), percent(point.war), percent(point.not_sure))
    };
    let points = family.points.iter().map(words).collect::<Vec<_>>().join("; ");
    let description = format!("{}. {points}. Undisturbed: WAR {}.", family.parameter, percent(undisturbed));
    // The number keeps names apart that have the same letters.
    let name = group.picture_name(&format!("robustness-{}-{}", index + 1, slug(&family.name)));
    Picture::draw(
        name.trim_end_matches('-').to_owned(),
        format!("{title}, {}", group.name),
        description,
        (420, 310),
        draw,
    )
}

/// The answers to sounds without speech; None if none was heard.
pub fn table(group: &Group) -> Option<Table> {
    let sounds = &group.robustness.as_ref()?.non_speech;
    let row = |sound: &NonSpeech| {
        let labels: Vec<String> = sound.labels.iter().map(|(label, count)| format!("{label} {count}")).collect();
        let labels = if labels.is_empty() { "none".to_owned() } else { labels.join(", ") };
        [
            vec![sound.name.clone()],
            [sound.sounds, sound.unanswered, sound.not_sure, sound.sure].map(|n| n.to_string()).to_vec(),
            vec![labels],
        ]
        .concat()
    };
    (!sounds.is_empty()).then(|| Table {
        caption: "Sounds without speech: an answer that is sure is a mistake".to_owned(),
        head: ["sound", "sounds", "no answer", "not sure", "sure", "labels"].map(str::to_owned).to_vec(),
        rows: sounds.iter().map(row).collect(),
    })
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
        // 100 and 150 sure answers, 100 and 225 answers.
        assert!((pooled.war_of_sure.unwrap() - 0.56).abs() < 1e-12);
        assert!(
            (pooled.calibration_error - (80.0 + 90.0) / 325.0).abs() < 1e-12
                && (pooled.unanswered - 0.1875).abs() < 1e-12
        );
    }
}
