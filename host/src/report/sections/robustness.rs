//! Section `robustness`: what distortions do to the answers, as curves of a sweep.

use anyhow::Result;

use crate::evaluation::sweep::{NonSpeech, SweepFamily, SweepPoint};
use crate::report::figures::Group;
use crate::report::page::Table;
use crate::report::plot::{
    Area, Axis, DARK, GREY, Look, MIDDLE, Marker, Picture, Stroke, axes, heading, range, series,
};
use crate::report::text::{number, percent, slug};

/// What is seen: the distortion with the lowest WAR.
pub fn seen(group: &Group) -> String {
    let Some(sweep) = &group.robustness else {
        return "No run has a sweep.json; `firmware-sim eval --sweep` measures one.".to_owned();
    };
    let points = sweep.families.iter().flat_map(|family| family.points.iter().map(move |point| (family, point)));
    match points.min_by(|(_, a), (_, b)| a.war.total_cmp(&b.war)) {
        Some((family, point)) => format!(
            "The WAR is lowest under {}, {} {}: {}; {} of the utterances then have no confident answer. Undisturbed, \
             the WAR of the test part is {}.",
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

/// One picture for each kind of distortion.
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
    // An axis needs two ends, even for a single value.
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
    // The number keeps two families apart whose names have the same letters.
    let name = group.picture_name(&format!("robustness-{}-{}", index + 1, slug(&family.name)));
    Picture::draw(
        name.trim_end_matches('-').to_owned(),
        format!("{title}, {}", group.name),
        description,
        (420, 310),
        draw,
    )
}

/// The answers to sounds without speech; None if the sweep has no such sound.
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
