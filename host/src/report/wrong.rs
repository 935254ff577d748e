//! The utterances that are most wrong, with what the network hears of them: log-mel rows of the core's own front end.

use anyhow::Result;
use serde::Serialize;

use super::Group;
use super::gather::Run;
use super::plot::Picture;
use super::spectrogram::{Labels, Levels, Spectrogram};
use super::text::percent;
use crate::cache::FeatureCache;
use crate::corpus::Utterance;
use crate::features::Rows;
use crate::predictions::{leading, probabilities};

/// Utterances shown.
const SHOWN: usize = 12;

/// A wrong answer.
#[derive(Clone, Debug, Serialize)]
pub struct Wrong {
    /// The utterance.
    pub id: String,
    /// Name of the run that tested it.
    pub run: String,
    /// The true label.
    pub truth: String,
    /// The label said.
    pub said: String,
    /// Its probability, at the device's temperature.
    pub probability: f64,
    /// The probability of the true label.
    pub probability_of_truth: f64,
    /// Log-mel rows, dBFS, or why there are none; None until they are read.
    #[serde(skip)]
    pub rows: Option<Result<Rows, String>>,
}

/// The wrong answers of the largest probabilities, an utterance once.
pub fn most_wrong(runs: &[Run]) -> Vec<Wrong> {
    let mut wrong: Vec<Wrong> = runs.iter().flat_map(wrong_of).collect();
    wrong.sort_by(|a, b| b.probability.total_cmp(&a.probability).then_with(|| a.id.cmp(&b.id)));
    let mut shown: Vec<Wrong> = Vec::with_capacity(SHOWN);
    for answer in wrong {
        if shown.len() < SHOWN && shown.iter().all(|other| other.id != answer.id) {
            shown.push(answer);
        }
    }
    shown
}

fn wrong_of(run: &Run) -> Vec<Wrong> {
    let wrong = run.predictions.utterances.iter().filter_map(|utterance| {
        let values = utterance.int8.as_deref()?;
        let said = leading(values).filter(|said| *said != utterance.truth)?;
        let probabilities = probabilities(values, run.temperature());
        Some(Wrong {
            id: utterance.id.clone(),
            run: run.name.clone(),
            truth: run.predictions.labels.get(utterance.truth)?.clone(),
            said: run.predictions.labels.get(said)?.clone(),
            probability: *probabilities.get(said)?,
            probability_of_truth: *probabilities.get(utterance.truth)?,
            rows: None,
        })
    });
    wrong.collect()
}

/// Reads the recordings of wrong answers; what can't be read keeps the reason.
pub fn read(wrong: &mut [Wrong], run: &Run) {
    let read = || -> Result<Vec<Result<Rows, String>>> {
        let corpus = run.config.open_corpus()?;
        let by_id = corpus.by_id();
        let found: Vec<&Utterance> = wrong.iter().filter_map(|wrong| by_id.get(wrong.id.as_str()).copied()).collect();
        let mut rows = FeatureCache::new(&run.config.network.front_end, None)?.log_mel(&found, 1.0)?.into_iter();
        let missing = || format!("corpus {} has no such utterance", corpus.name);
        Ok(wrong
            .iter()
            .map(|wrong| {
                if by_id.contains_key(wrong.id.as_str()) {
                    rows.next().unwrap_or_else(|| Err(missing()))
                } else {
                    Err(missing())
                }
            })
            .collect())
    };
    match read() {
        Ok(rows) => wrong.iter_mut().zip(rows).for_each(|(wrong, rows)| wrong.rows = Some(rows)),
        Err(reason) => wrong.iter_mut().for_each(|wrong| wrong.rows = Some(Err(format!("{reason:#}")))),
    }
}

/// What is seen.
pub fn seen(group: &Group) -> String {
    let Some(first) = group.worst.first() else {
        return "No answer of the int8 core is wrong.".to_owned();
    };
    let unread = group.worst.iter().find_map(|wrong| match &wrong.rows {
        Some(Err(reason)) => Some(format!(" Not every recording could be read: {reason}.")),
        _ => None,
    });
    format!(
        "The surest mistake of the int8 core: {}, which is {}, is taken for {} with a probability of {}.{}",
        first.id,
        first.truth,
        first.said,
        percent(first.probability),
        unread.unwrap_or_default()
    )
}

/// The answers as a table; None if none is wrong.
pub fn table(group: &Group) -> Option<super::page::Table> {
    let row = |wrong: &Wrong| {
        let cells = [
            wrong.id.clone(),
            wrong.truth.clone(),
            wrong.said.clone(),
            percent(wrong.probability),
            percent(wrong.probability_of_truth),
        ];
        cells.to_vec()
    };
    (!group.worst.is_empty()).then(|| super::page::Table {
        caption: "The surest mistakes".to_owned(),
        head: ["utterance", "truth", "said", "how surely", "probability of the truth"].map(str::to_owned).to_vec(),
        rows: group.worst.iter().map(row).collect(),
    })
}

/// A spectrogram of each utterance that could be read, all on the same scale.
pub fn pictures(group: &Group) -> Result<Vec<Picture>> {
    let read = group
        .worst
        .iter()
        .enumerate()
        .filter_map(|(index, wrong)| Some((index, wrong, wrong.rows.as_ref()?.as_ref().ok()?)));
    let read = read.filter(|(_, _, rows)| !rows.is_empty());
    let drawn: Vec<(usize, &Wrong, Spectrogram)> = read
        .map(|(index, wrong, rows)| (index, wrong, Spectrogram::of_log_mel(&group.front_end, rows.clone())))
        .collect();
    let levels = Levels::of(drawn.iter().map(|(.., spectrogram)| spectrogram));
    drawn.iter().map(|(index, wrong, spectrogram)| picture(group, *index, wrong, spectrogram, &levels)).collect()
}

fn picture(group: &Group, index: usize, wrong: &Wrong, spectrogram: &Spectrogram, levels: &Levels) -> Result<Picture> {
    let subtitle = format!("{} taken for {}, {}", wrong.truth, wrong.said, percent(wrong.probability));
    let description = format!(
        "Log-mel spectrogram of {}, {:.2} s of speech. It is {}; the int8 core says {} with a probability of {}, and gives {} to {}.",
        wrong.id,
        spectrogram.seconds().1,
        wrong.truth,
        wrong.said,
        percent(wrong.probability),
        percent(wrong.probability_of_truth),
        wrong.truth
    );
    let labels = Labels {
        name: &group.picture_name(&format!("wrong-{:02}", index + 1)),
        title: &wrong.id,
        subtitle: &subtitle,
        time: "speech, s",
        description: &description,
    };
    spectrogram.picture(labels, levels, (420, 280))
}
