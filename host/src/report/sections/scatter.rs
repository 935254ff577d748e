//! Section `float-int8`: the probability of the true label, float model against int8 core.

use anyhow::Result;
use plotters::style::BLACK;

use crate::report::figures::Group;
use crate::report::plot::{Area, Axis, DARK, GREY, Look, Marker, Picture, Stroke, axes, heading, marker, series};
use crate::report::text::percent;

/// What is seen: how often both models agree, and their largest difference.
pub fn seen(group: &Group) -> String {
    let agreement = &group.agreement;
    let apart = group.scatter.iter().filter(|point| !point.agree).count();
    let crosses = match apart {
        0 => "No answer differs.".to_owned(),
        1 => "1 answer, a cross, differs.".to_owned(),
        _ => format!("{apart} answers, the crosses, differ."),
    };
    format!(
        "Float model and int8 core give the same label to {} of {} utterances. {crosses} The largest difference of a \
         probability, of any label, is {:.3}.",
        percent(agreement.share),
        agreement.answers,
        agreement.largest_difference
    )
}

/// One picture: a mark for each utterance.
pub fn pictures(group: &Group) -> Result<Vec<Picture>> {
    let title = "Probability of the true label, float and int8";
    let draw = |area: &Area<'_>| -> Result<()> {
        let same = Look::line(DARK, Stroke::None, Marker::Ring);
        let other = Look::line(BLACK, Stroke::None, Marker::Cross);
        let equal = Look { width: 3, ..Look::line(GREY, Stroke::Dotted, Marker::None) };
        let top = heading(area, title, &[("same label", same), ("another label", other), ("equal", equal)])?;
        let chart = axes(area, top, &Axis::share("float model"), &Axis::share("int8 core"))?;
        series(area, &chart, &[(0.0, 0.0), (1.0, 1.0)], &equal)?;
        // The crosses come last, so that nothing hides them.
        for (agree, look) in [(true, same), (false, other)] {
            for point in group.scatter.iter().filter(|point| point.agree == agree) {
                marker(area, chart.backend_coord(&(point.float, point.int8)), &look)?;
            }
        }
        Ok(())
    };
    Ok(vec![Picture::draw(
        group.picture_name("float-int8"),
        format!("{title}, {}", group.name),
        seen(group),
        (420, 430),
        draw,
    )?])
}
