//! Two tables at the head of the page: the figures of all groups side by side, and the figures of each run.

use std::collections::BTreeSet;

use super::bars::interval;
use crate::evaluation::groups::GroupReport;
use crate::evaluation::interval::Unit;
use crate::report::figures::Group;
use crate::report::figures::accuracy::{Figure, ModelFigures};
use crate::report::page::Table;
use crate::report::text::{percent, plus_minus};

/// UAR, WAR, macro-F1 and agreement in rows. Each group has two columns: int8 core and float model.
pub fn table(groups: &[Group]) -> Table {
    let named = groups.len() > 1;
    let heads = groups.iter().flat_map(|group| {
        ["int8 core", "float model"]
            .map(|model| if named { format!("{}: {model}", group.name) } else { model.to_owned() })
    });
    let row = |name: &str, figure: fn(&ModelFigures) -> Figure| -> Vec<String> {
        let cells = groups.iter().flat_map(|group| [interval(&figure(&group.int8)), interval(&figure(&group.float))]);
        std::iter::once(name.to_owned()).chain(cells).collect()
    };
    let mut rows = vec![
        row("UAR (mean recall of the classes)", |figures| figures.uar),
        row("WAR (accuracy)", |figures| figures.war),
        row("macro-F1", |figures| figures.macro_f1),
    ];
    if groups.iter().any(|group| group.conditions.runs.len() > 1) {
        let cells = groups.iter().flat_map(|group| match group.conditions.spread() {
            Some((int8, float)) if group.conditions.runs.len() > 1 => [plus_minus(int8), plus_minus(float)],
            _ => ["one run".to_owned(), "one run".to_owned()],
        });
        rows.push(std::iter::once("WAR, mean ± sd over runs".to_owned()).chain(cells).collect());
    }
    let agreement = groups.iter().flat_map(|group| {
        let agreement = &group.agreement;
        [format!("{} of {}", percent(agreement.share), agreement.answers), String::new()]
    });
    rows.push(std::iter::once("same label from both".to_owned()).chain(agreement).collect());
    Table {
        caption: format!("Test part, with 95\u{a0}% intervals (bootstrap over {})", units(groups)),
        head: std::iter::once("figure".to_owned()).chain(heads).collect(),
        rows,
    }
}

/// What the intervals of the groups count as one: `40 sentences`, and for several groups each in turn.
fn units(groups: &[Group]) -> String {
    let units = groups.iter().map(|group| Unit::of(group.conditions.protocol).count(group.int8.units));
    units.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(", ")
}

/// One row for each run; None of a single run.
pub fn runs(groups: &[Group]) -> Option<Table> {
    let runs = groups.iter().flat_map(|group| &group.conditions.runs);
    let rows: Vec<Vec<String>> = runs
        .map(|run| {
            let numbers = [run.fold as u64, run.seed, run.test as u64].map(|number| number.to_string());
            let [fold, seed, test] = numbers;
            vec![run.name.clone(), fold, seed, test, percent(run.int8_war), percent(run.float_war)]
        })
        .collect();
    (rows.len() > 1).then(|| Table {
        caption: "Runs".to_owned(),
        head: ["run", "fold", "seed", "utterances", "WAR int8", "WAR float"].map(str::to_owned).to_vec(),
        rows,
    })
}

/// One row for each corpus of each group; None if no group has several.
pub fn corpora(groups: &[Group]) -> Option<Table> {
    parts(groups, "corpus", "Corpora", |group| &group.corpora)
}

/// One row for each speaker of each group; None if no group has several.
pub fn speakers(groups: &[Group]) -> Option<Table> {
    parts(groups, "speaker", "Speakers", |group| &group.speakers)
}

fn parts(groups: &[Group], one: &str, many: &str, of: fn(&Group) -> &[GroupReport]) -> Option<Table> {
    let named = groups.len() > 1;
    let of_groups = groups.iter().flat_map(|group| of(group).iter().map(move |part| (group, part)));
    let rows: Vec<Vec<String>> = of_groups
        .map(|(group, corpus)| {
            let name = if named { format!("{}: {}", group.name, corpus.name) } else { corpus.name.clone() };
            let interval = corpus.uar_interval.map(|(low, high)| format!(" ({} to {})", percent(low), percent(high)));
            vec![
                name,
                corpus.answers.to_string(),
                percent(corpus.int8_uar) + &interval.unwrap_or_default(),
                percent(corpus.float_uar),
                percent(corpus.own_uar),
                percent(corpus.int8_war),
                percent(corpus.float_war),
            ]
        })
        .collect();
    (!rows.is_empty()).then(|| Table {
        caption: format!("{many}, UAR over the classes that each has"),
        head: [one, "answers", "UAR int8", "UAR float", "UAR int8, own labels", "WAR int8", "WAR float"]
            .map(str::to_owned)
            .to_vec(),
        rows,
    })
}
