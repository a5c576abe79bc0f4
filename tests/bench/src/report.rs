//! Figures as rows and tables.

mod chart;
mod compare;
mod docs;

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use crate::figures::{Figures, Spread};
use crate::metric::Metric;
use crate::plan::{Against, Goal, Group};

pub(crate) use compare::{Compared, compare};
pub(crate) use docs::Docs;

/// One goal and what came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) work: String,
    pub(crate) metric: String,
    pub(crate) ours: String,
    /// "" where the figure itself is limited.
    pub(crate) theirs: String,
    pub(crate) ours_value: f64,
    pub(crate) theirs_value: Option<f64>,
    /// Ours ÷ theirs, or the figure itself.
    pub(crate) ratio: f64,
    pub(crate) goal: f64,
    pub(crate) met: bool,
}

/// The goals of a group, those whose contestants ran.
pub(crate) fn rows(group: &Group, figures: &Figures) -> Vec<Row> {
    group.goals.iter().filter_map(|goal| row(group, goal, figures)).collect()
}

/// What came of a goal; `None` when a contestant did not run.
fn row(group: &Group, goal: &Goal, figures: &Figures) -> Option<Row> {
    let ours = figures.spread(goal.ours, goal.metric)?.median;
    let (theirs, value) = match goal.theirs {
        Against::Peer(label) => (label.to_owned(), Some(figures.spread(label, goal.metric)?.median)),
        Against::Own(label, metric) => {
            (format!("{label}, {metric}"), Some(figures.spread(label, metric)?.median))
        }
        Against::Limit => (String::new(), None),
    };
    let ratio = value.map_or(ours, |value| ours / value);
    Some(Row {
        work: group.name.to_owned(),
        metric: goal.metric.to_string(),
        ours: goal.ours.to_owned(),
        theirs,
        ours_value: ours,
        theirs_value: value,
        ratio,
        goal: goal.at_most,
        met: ratio <= goal.at_most,
    })
}

/// Every figure of a group: median, and the range in brackets.
pub(crate) fn group_table(group: &Group, figures: &Figures) -> String {
    let metrics: Vec<Metric> = Metric::ALL
        .into_iter()
        .filter(|metric| group.contestants.iter().any(|one| figures.spread(&one.label, *metric).is_some()))
        .collect();
    let mut text = String::from("| |");
    for metric in &metrics {
        let _ = write!(text, " {metric} |");
    }
    text.push_str("\n|---|");
    text.push_str(&"---:|".repeat(metrics.len()));
    text.push('\n');
    for contestant in &group.contestants {
        let cells = metrics.iter().map(|metric| match figures.spread(&contestant.label, *metric) {
            Some(Spread { median, least, most }) => {
                format!("{} ({}–{})", metric.shown(median), metric.shown(least), metric.shown(most))
            }
            None => "–".to_owned(),
        });
        let cells: Vec<String> = cells.collect();
        if cells.iter().any(|cell| cell != "–") {
            let _ = writeln!(text, "| {} | {} |", contestant.label, cells.join(" | "));
        }
    }
    text
}

/// The goals as a table.
pub(crate) fn goals_table(rows: &[Row]) -> String {
    let mut text = String::from(
        "| work | figure | ours | against | ours ÷ theirs | goal | met |\n|---|---|---|---|---:|---:|---|\n",
    );
    for row in rows {
        let Row { work, metric, ours, theirs, ratio, goal, met, .. } = row;
        let met = if *met { "yes" } else { "**no**" };
        let _ = writeln!(text, "| {work} | {metric} | {ours} | {theirs} | {ratio:.3} | {goal} | {met} |");
    }
    let met = rows.iter().filter(|row| row.met).count();
    let _ = writeln!(text, "\n{met} of {} goals met", rows.len());
    text
}
