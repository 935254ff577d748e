//! Section `wrong`: the surest mistakes of the int8 core, each with the log-mel rows that the network hears.

use anyhow::Result;

use crate::report::figures::Group;
use crate::report::figures::wrong::Wrong;
use crate::report::page::Table;
use crate::report::plot::Picture;
use crate::report::spectrogram::{Labels, Levels, Spectrogram};
use crate::report::text::percent;

/// What is seen: the surest mistake.
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

/// The mistakes as a table; None if no answer is wrong.
pub fn table(group: &Group) -> Option<Table> {
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
    (!group.worst.is_empty()).then(|| Table {
        caption: "The surest mistakes".to_owned(),
        head: ["utterance", "truth", "said", "how surely", "probability of the truth"].map(str::to_owned).to_vec(),
        rows: group.worst.iter().map(row).collect(),
    })
}

/// One spectrogram for each mistake whose recording could be read, all on the same scale.
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
        "Log-mel spectrogram of {}, {:.2} s of speech. It is {}; the int8 core says {} with a probability of {}, and \
         gives {} to {}.",
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
