//! Figures as rows, tables and charts.

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::figures::{Figures, Spread};
use crate::machine;
use crate::plan::{Against, Group, Metric};

/// One goal and what came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) work: String,
    pub(crate) metric: String,
    pub(crate) ours: String,
    pub(crate) theirs: String,
    pub(crate) ours_value: f64,
    pub(crate) theirs_value: Option<f64>,
    pub(crate) ratio: f64,
    pub(crate) goal: f64,
    pub(crate) met: bool,
}

/// The goals of a group, those whose contestants ran.
pub(crate) fn rows(group: &Group, figures: &Figures) -> Vec<Row> {
    let row = |goal: &crate::plan::Goal| {
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

/// Writes `figures.md` and one chart for each group.
pub(crate) fn write_docs(
    directory: &Path,
    all: &[(Group, Figures)],
    rows: &[Row],
    rounds: usize,
) -> Result<()> {
    std::fs::create_dir_all(directory).with_context(|| format!("making {}", directory.display()))?;
    let mut text = format!(
        "# Figures\n\nWritten by `cargo xtask bench`; {rounds} rounds, interleaved; median (least–most). On {}.\n\n## Goals\n\n{}",
        machine::description(),
        goals_table(rows)
    );
    for (number, (group, figures)) in all.iter().enumerate() {
        let chart = format!("figures-{}.svg", number + 1);
        std::fs::write(directory.join(&chart), chart_of(group, figures)).context("writing a chart")?;
        let _ = write!(
            text,
            "\n## {}\n\n![{}]({chart})\n\n{}\n",
            group.name,
            group.name,
            group_table(group, figures)
        );
        for contestant in &group.contestants {
            let settings = figures.settings(&contestant.label);
            if !settings.is_empty() {
                let _ = writeln!(text, "- {}: {settings}", contestant.label);
            }
        }
        for (label, why) in figures.left_out() {
            let _ = writeln!(text, "- {label} was left out: {why}");
        }
    }
    std::fs::write(directory.join("figures.md"), text).context("writing figures.md")
}

/// Bars of the figure the group is about.
fn chart_of(group: &Group, figures: &Figures) -> String {
    let metrics = [Metric::PacedEvent, Metric::Heap, Metric::SyncCpu];
    let all =
        |metric: &Metric| group.contestants.iter().all(|one| figures.spread(&one.label, *metric).is_some());
    let metric = metrics.into_iter().find(all).unwrap_or(Metric::SyncCpu);
    let bars: Vec<(&str, f64)> = group
        .contestants
        .iter()
        .filter_map(|one| Some((one.label.as_str(), figures.spread(&one.label, metric)?.median)))
        .collect();
    let most = bars.iter().map(|(_, value)| *value).fold(f64::MIN_POSITIVE, f64::max);
    let height = 34 + bars.len() * 22;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"760\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"760\" height=\"{height}\" fill=\"#ffffff\"/>\n\
         <text x=\"8\" y=\"18\" font-weight=\"bold\">{}: {metric}</text>\n",
        group.name
    );
    for (index, (label, value)) in bars.iter().enumerate() {
        let (top, width) = (30 + index * 22, (value / most * 360.0).max(1.0));
        let colour = if label.starts_with("portolan") { "#1f6feb" } else { "#8c959f" };
        let _ = writeln!(
            text,
            "<text x=\"312\" y=\"{}\" text-anchor=\"end\">{label}</text>\
             <rect x=\"320\" y=\"{top}\" width=\"{width:.1}\" height=\"16\" fill=\"{colour}\"/>\
             <text x=\"{:.1}\" y=\"{}\">{}</text>",
            top + 12,
            326.0 + width,
            top + 12,
            metric.shown(*value)
        );
    }
    text.push_str("</svg>\n");
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
