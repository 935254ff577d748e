//! The first table of the page: the conditions of all groups, side by side.

use crate::report::figures::Group;
use crate::report::figures::conditions::{Conditions, RunConditions};
use crate::report::figures::gather::ModelFile;
use crate::report::page::Table;
use crate::report::text::{number, thousands};

/// Conditions in rows, groups in columns.
pub fn table(groups: &[Group]) -> Table {
    type Cell = fn(&Conditions) -> String;
    let rows: [(&str, Cell); 13] = [
        ("corpus", |c| c.corpus.clone()),
        ("protocol", |c| c.protocol.to_string()),
        ("fold that tests", folds),
        ("seed", |c| list(c.runs.iter().map(|run| run.seed))),
        ("preset", |c| c.preset.clone()),
        ("epochs", epochs),
        ("utterances to train on", |c| span(c, |run| Some(run.train))),
        ("utterances to validate on", |c| span(c, |run| Some(run.validation))),
        ("utterances to test on", |c| span(c, |run| Some(run.test))),
        ("of these not readable", |c| c.runs.iter().map(|run| run.skipped).sum::<usize>().to_string()),
        ("model file, bytes", |c| span(c, |run| Some(run.model?.bytes))),
        ("state, bytes", |c| span(c, |run| Some(run.model?.state_bytes))),
        ("temperature, confidence threshold", confidence),
    ];
    Table {
        caption: "Conditions".to_owned(),
        head: std::iter::once(String::new()).chain(groups.iter().map(|group| group.name.clone())).collect(),
        rows: rows
            .iter()
            .map(|(name, cell)| {
                std::iter::once((*name).to_owned()).chain(groups.iter().map(|group| cell(&group.conditions))).collect()
            })
            .collect(),
    }
}

fn folds(conditions: &Conditions) -> String {
    let of = conditions.runs.iter().map(|run| run.folds).max().unwrap_or_default();
    format!("{} (of {of}, counted from 0)", list(conditions.runs.iter().map(|run| run.fold as u64)))
}

fn epochs(conditions: &Conditions) -> String {
    let unfinished = conditions.runs.iter().any(|run| run.epochs < run.epochs_wanted);
    let done = span(conditions, |run| Some(run.epochs));
    let wanted = span(conditions, |run| Some(run.epochs_wanted));
    if unfinished { format!("{done} of {wanted}: unfinished") } else { done }
}

fn confidence(conditions: &Conditions) -> String {
    let of = |value: fn(&ModelFile) -> f64| {
        let mut values: Vec<f64> = conditions.runs.iter().filter_map(|run| run.model.as_ref()).map(value).collect();
        values.sort_by(f64::total_cmp);
        match (values.first(), values.last()) {
            (Some(low), Some(high)) if low < high => format!("{} to {}", number(low), number(high)),
            (Some(value), _) => number(value),
            _ => "no model file".to_owned(),
        }
    };
    format!("{}, {}", of(|model| model.temperature), of(|model| model.confidence_threshold))
}

/// The distinct numbers in ascending order.
fn list(numbers: impl Iterator<Item = u64>) -> String {
    let mut numbers: Vec<u64> = numbers.collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")
}

/// The smallest and the largest value over the runs, or the only value.
fn span(conditions: &Conditions, value: fn(&RunConditions) -> Option<usize>) -> String {
    let values = || conditions.runs.iter().filter_map(value);
    match (values().min(), values().max()) {
        (Some(low), Some(high)) if low < high => format!("{} to {}", thousands(low), thousands(high)),
        (Some(value), _) => thousands(value),
        _ => "no model file".to_owned(),
    }
}
