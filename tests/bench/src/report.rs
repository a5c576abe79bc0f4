//! Figures as rows and tables.

mod chart;
mod docs;

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use crate::figures::{Figures, Spread};
use crate::metric::Metric;
use crate::plan::{Against, Goal, Group};

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
    let row = |goal: &Goal| {
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
    };
    group.goals.iter().filter_map(row).collect()
}

/// The goals that were met before and are not any more, as lines.
pub(crate) fn lost(earlier: &[Row], now: &[Row]) -> Vec<String> {
    let same = |one: &Row, other: &Row| {
        (&one.work, &one.metric, &one.ours, &one.theirs)
            == (&other.work, &other.metric, &other.ours, &other.theirs)
    };
    let lost = |before: &Row| {
        let row = now.iter().find(|row| same(row, before))?;
        (before.met && !row.met).then(|| {
            format!(
                "{}: {} of {} to {}: {:.3}, was {:.3}, goal {}",
                row.work, row.metric, row.ours, row.theirs, row.ratio, before.ratio, row.goal
            )
        })
    };
    earlier.iter().filter_map(lost).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn row(ratio: f64, met: bool) -> Row {
        Row {
            work: "w".into(),
            metric: "m".into(),
            ours: "o".into(),
            theirs: "t".into(),
            ours_value: ratio,
            theirs_value: Some(1.0),
            ratio,
            goal: 0.5,
            met,
        }
    }

    #[test]
    fn a_goal_once_met_is_not_lost_unseen() {
        assert!(lost(&[row(0.4, true)], &[row(0.45, true)]).is_empty());
        assert!(lost(&[row(0.6, false)], &[row(0.7, false)]).is_empty());
        assert_eq!(lost(&[row(0.4, true)], &[row(0.6, false)]).len(), 1);
    }
}
