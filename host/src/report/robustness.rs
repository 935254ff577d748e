//! What distortions do to the answers: curves of a sweep.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use super::Group;
use super::gather::Run;
use super::page::Table;
use super::plot::{Area, Axis, DARK, Look, MIDDLE, Marker, Picture, Stroke, axes, heading, range, series};
use super::text::{number, percent, slug};

/// No parameter of a distortion is larger; an axis can be drawn up to here.
const LARGEST_VALUE: f64 = 1e9;

/// A measured sweep: `sweep.json` of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sweep {
    /// Kinds of distortion.
    pub families: Vec<Family>,
    /// Sounds without speech.
    pub non_speech: Vec<NonSpeech>,
}

/// One kind of distortion.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Family {
    /// What is done.
    pub name: String,
    /// What varies, with its unit.
    pub parameter: String,
    /// One for each value.
    pub points: Vec<Point>,
}

/// The answers at one value of the parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// The parameter.
    pub value: f64,
    /// Utterances.
    pub utterances: u64,
    /// Weighted average recall of all answers, 0 to 1.
    pub war: f64,
    /// Unweighted average recall, 0 to 1.
    pub uar: f64,
    /// Share of answers below the model's threshold, 0 to 1.
    pub not_sure: f64,
    /// WAR of the others; None if there are none.
    pub war_of_sure: Option<f64>,
    /// Expected calibration error; None without an answer.
    pub calibration_error: Option<f64>,
}

/// The answers to sounds without speech.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NonSpeech {
    /// What is heard.
    pub name: String,
    /// Sounds.
    pub sounds: u64,
    /// Of these, without an answer.
    pub unanswered: u64,
    /// With an answer below the threshold.
    pub not_sure: u64,
    /// With an answer to be believed, wrongly.
    pub sure: u64,
    /// Labels answered, and how often.
    pub labels: Vec<(String, u64)>,
}

impl Sweep {
    /// The sweep on file; None if there is no such file.
    ///
    /// # Errors
    ///
    /// If it is damaged.
    pub fn load(path: &Path) -> Result<Option<Self>> {
        if !path.exists() {
            return Ok(None);
        }
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let sweep: Self = serde_json::from_slice(&bytes).with_context(|| format!("{} holds no sweep", path.display()))?;
        for (family, point) in sweep.families.iter().flat_map(|family| family.points.iter().map(move |point| (family, point))) {
            let shares = [point.war, point.uar, point.not_sure];
            ensure!(
                point.value.abs() <= LARGEST_VALUE && shares.iter().all(|share| (0.0..=1.0).contains(share)),
                "{}: {} at {} wants a value of at most {LARGEST_VALUE:e} and shares in 0..=1",
                path.display(),
                family.name,
                point.value
            );
        }
        Ok(Some(sweep))
    }

    /// The sweeps of all runs that have one, together: shares weighted by utterances, counts added. None if no run has one.
    pub fn of(runs: &[Run]) -> Option<Self> {
        let mut sweeps = runs.iter().filter_map(|run| run.sweep.as_ref());
        let mut pooled = sweeps.next()?.clone();
        sweeps.for_each(|sweep| pooled.add(sweep));
        for family in &mut pooled.families {
            family.points.sort_by(|a, b| a.value.total_cmp(&b.value));
        }
        Some(pooled)
    }

    fn add(&mut self, other: &Self) {
        for family in &other.families {
            match self.families.iter_mut().find(|known| known.name == family.name && known.parameter == family.parameter) {
                Some(known) => family.points.iter().for_each(|point| known.add(point)),
                None => self.families.push(family.clone()),
            }
        }
        for sounds in &other.non_speech {
            match self.non_speech.iter_mut().find(|known| known.name == sounds.name) {
                Some(known) => known.add(sounds),
                None => self.non_speech.push(sounds.clone()),
            }
        }
    }
}

impl Family {
    fn add(&mut self, point: &Point) {
        let Some(known) = self.points.iter_mut().find(|known| known.value == point.value) else {
            self.points.push(point.clone());
            return;
        };
        let weight = |point: &Point| point.utterances as f64;
        let sure = |point: &Point| point.utterances as f64 * (1.0 - point.not_sure);
        let pool = |a: f64, a_weight: f64, b: f64, b_weight: f64| {
            let sum = a_weight + b_weight;
            if sum > 0.0 { (a * a_weight + b * b_weight) / sum } else { a }
        };
        let pool_some = |a: Option<f64>, a_weight: f64, b: Option<f64>, b_weight: f64| match (a, b) {
            (Some(a), Some(b)) => Some(pool(a, a_weight, b, b_weight)),
            (a, b) => a.or(b),
        };
        let (known_weight, point_weight) = (weight(known), weight(point));
        *known = Point {
            value: known.value,
            utterances: known.utterances.saturating_add(point.utterances),
            war: pool(known.war, known_weight, point.war, point_weight),
            uar: pool(known.uar, known_weight, point.uar, point_weight),
            not_sure: pool(known.not_sure, known_weight, point.not_sure, point_weight),
            war_of_sure: pool_some(known.war_of_sure, sure(known), point.war_of_sure, sure(point)),
            calibration_error: pool_some(known.calibration_error, known_weight, point.calibration_error, point_weight),
        };
    }
}

impl NonSpeech {
    fn add(&mut self, other: &Self) {
        self.sounds = self.sounds.saturating_add(other.sounds);
        self.unanswered = self.unanswered.saturating_add(other.unanswered);
        self.not_sure = self.not_sure.saturating_add(other.not_sure);
        self.sure = self.sure.saturating_add(other.sure);
        for (label, count) in &other.labels {
            match self.labels.iter_mut().find(|(known, _)| known == label) {
                Some((_, known)) => *known = known.saturating_add(*count),
                None => self.labels.push((label.clone(), *count)),
            }
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
            "The WAR is lowest, {}, with {} at {} ({}); {} of the answers are then marked as not sure.",
            percent(point.war),
            family.name,
            number(&point.value),
            family.parameter,
            percent(point.not_sure)
        ),
        None => "The sweep has no point.".to_owned(),
    }
}

/// A picture for each kind of distortion.
pub fn pictures(group: &Group) -> Result<Vec<Picture>> {
    let families = group.robustness.iter().flat_map(|sweep| &sweep.families).enumerate();
    families.filter(|(_, family)| !family.points.is_empty()).map(|(index, family)| picture(group, index, family)).collect()
}

fn picture(group: &Group, index: usize, family: &Family) -> Result<Picture> {
    let title = format!("Robustness: {}", family.name);
    let first = family.points.first().map_or(0.0, |point| point.value);
    let (low, high) = range(family.points.iter().map(|point| point.value), (first, first));
    // A single value has a place too.
    let air = if high > low { 0.04 * (high - low) } else { 1.0 };
    let x = Axis { label: &family.parameter, range: (low - air, high + air), ticks: 6, format: number };
    let draw = |area: &Area<'_>| -> Result<()> {
        let war = Look::line(DARK, Stroke::Solid, Marker::Disc);
        let not_sure = Look::line(MIDDLE, Stroke::Dashed, Marker::Ring);
        let top = heading(area, &title, &[("WAR", war), ("share of not sure", not_sure)])?;
        let mut chart = axes(area, top, &x, &Axis::share("share of utterances"))?;
        let points = |value: fn(&Point) -> f64| family.points.iter().map(|point| (point.value, value(point))).collect::<Vec<_>>();
        series(area, &mut chart, &points(|point| point.not_sure), &not_sure)?;
        series(area, &mut chart, &points(|point| point.war), &war)
    };
    let words = |point: &Point| format!("{}: WAR {}, not sure {}", number(&point.value), percent(point.war), percent(point.not_sure));
    let description = format!("{}. {}.", family.parameter, family.points.iter().map(words).collect::<Vec<_>>().join("; "));
    // The number keeps names apart that have the same letters.
    let name = group.picture_name(&format!("robustness-{}-{}", index + 1, slug(&family.name)));
    Picture::draw(name.trim_end_matches('-').to_owned(), format!("{title}, {}", group.name), description, (420, 310), draw)
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
        let point = |utterances, war, not_sure| Point {
            value: 0.0,
            utterances,
            war,
            uar: war,
            not_sure,
            war_of_sure: Some(war),
            calibration_error: None,
        };
        let family = |point| Family { name: "gain".into(), parameter: "gain, dB".into(), points: vec![point] };
        let mut sweep = Sweep { families: vec![family(point(100, 0.8, 0.0))], non_speech: vec![] };
        sweep.add(&Sweep { families: vec![family(point(300, 0.4, 0.5))], non_speech: vec![] });
        let pooled = &sweep.families[0].points[0];
        assert_eq!(pooled.utterances, 400);
        assert!((pooled.war - 0.5).abs() < 1e-12 && (pooled.not_sure - 0.375).abs() < 1e-12);
        // 100 and 150 sure answers.
        assert!((pooled.war_of_sure.unwrap() - 0.56).abs() < 1e-12);
    }

    #[test]
    fn a_damaged_sweep_is_told_and_a_missing_one_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sweep.json");
        assert_eq!(Sweep::load(&path).unwrap(), None);
        std::fs::write(&path, "{\"families\":3}").unwrap();
        assert!(Sweep::load(&path).unwrap_err().to_string().contains("holds no sweep"));
        let point = r#"{"value":1e300,"utterances":1,"war":0.5,"uar":0.5,"not_sure":0,"war_of_sure":null,"calibration_error":null}"#;
        std::fs::write(&path, format!(r#"{{"families":[{{"name":"gain","parameter":"dB","points":[{point}]}}],"non_speech":[]}}"#))
            .unwrap();
        assert!(Sweep::load(&path).unwrap_err().to_string().contains("gain at 1000"));
    }
}
