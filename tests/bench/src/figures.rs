//! What the runs of a group took, contestant by contestant, and the statistics of it.
//!
//! Invariant: contestants that hold the same part of as many objects have given the same proofs, or the whole run fails.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};

use crate::child::Taken;
use crate::metric::Metric;
use crate::plan::{Contestant, Group};

/// The figures of one group, as they are kept in a file too.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Figures {
    /// The group's name.
    pub(crate) group: String,
    /// How many objects or items, unless a contestant has a number of its own.
    pub(crate) objects: usize,
    pub(crate) rounds: usize,
    /// How large the objects are.
    pub(crate) sizes: String,
    /// By label.
    runs: BTreeMap<String, Runs>,
    /// Labels, and why they are not among the runs.
    pub(crate) left_out: BTreeMap<String, String>,
    /// By what was done, the part of the objects and how many: who proved it first, and the sum.
    #[serde(skip)]
    proofs: BTreeMap<(String, bool, usize), (String, u64)>,
}

/// The runs of one contestant.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Runs {
    settings: String,
    values: BTreeMap<Metric, Vec<f64>>,
}

/// The middle of some values and how far they lie apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Spread {
    pub(crate) fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (least, most) = (*sorted.first()?, *sorted.last()?);
        let half = sorted.len() / 2;
        let median =
            if sorted.len() % 2 == 1 { sorted[half] } else { (sorted[half - 1] + sorted[half]) / 2.0 };
        Some(Self { median, least, most })
    }
}

impl Figures {
    pub(crate) fn of(group: &Group, rounds: usize, sizes: String) -> Self {
        Self { group: group.name.to_owned(), objects: group.objects, rounds, sizes, ..Self::default() }
    }

    /// Takes in one run; fails when its proof is not that of the others.
    pub(crate) fn take(&mut self, contestant: &Contestant, objects: usize, taken: Taken) -> Result<()> {
        let metadata_only = contestant.argument("form") == "metadata";
        for (did, proof) in taken.proofs {
            let place = (did.clone(), metadata_only, objects);
            let (first, expected) = self.proofs.entry(place).or_insert((contestant.label.clone(), proof));
            if *expected != proof {
                bail!(
                    "{} proves {proof} after {did}, {first} {expected}: not the same work",
                    contestant.label
                );
            }
        }
        for (metric, value) in taken.values {
            self.put(&contestant.label, metric, value);
        }
        self.runs.entry(contestant.label.clone()).or_default().settings = taken.settings;
        Ok(())
    }

    /// Takes in one value.
    pub(crate) fn put(&mut self, label: &str, metric: Metric, value: f64) {
        let runs = self.runs.entry(label.to_owned()).or_default();
        runs.values.entry(metric).or_default().push(value);
    }

    pub(crate) fn spread(&self, label: &str, metric: Metric) -> Option<Spread> {
        Spread::of(self.runs.get(label)?.values.get(&metric)?)
    }

    /// How a contestant was set.
    pub(crate) fn settings(&self, label: &str) -> &str {
        self.runs.get(label).map_or("", |runs| &runs.settings)
    }
}

/// One run as a line.
pub(crate) fn one_line(taken: &Taken) -> String {
    let shown = taken.values.iter().map(|(metric, value)| format!("{metric} {}", metric.shown(*value)));
    shown.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Scale, groups};

    #[test]
    fn the_median_is_the_middle() {
        let spread = Spread::of(&[3.0, 1.0, 10.0]).unwrap();
        assert_eq!((spread.median, spread.least, spread.most), (3.0, 1.0, 10.0));
        assert_eq!(Spread::of(&[1.0, 2.0, 4.0, 8.0]).unwrap().median, 3.0);
        assert_eq!(Spread::of(&[]), None);
    }

    #[test]
    fn another_proof_is_refused() {
        let contestant = groups(Scale::Full).remove(0).contestants.remove(0);
        let mut figures = Figures::default();
        let taken = |proof| Taken { proofs: [("sync".to_owned(), proof)].into(), ..Taken::default() };
        figures.take(&contestant, 5, taken(7)).unwrap();
        figures.take(&contestant, 5, taken(7)).unwrap();
        figures.take(&contestant, 6, taken(8)).unwrap();
        let refused = figures.take(&contestant, 5, taken(8)).unwrap_err().to_string();
        assert!(refused.contains("not the same work"), "{refused}");
    }

    #[test]
    fn what_is_kept_is_read_again() {
        let group = groups(Scale::Full).remove(0);
        let mut figures = Figures::of(&group, 5, String::new());
        figures.put("a", Metric::SyncCpu, 1.5);
        let kept = serde_json::to_string(&figures).unwrap();
        let read: Figures = serde_json::from_str(&kept).unwrap();
        assert_eq!(read.spread("a", Metric::SyncCpu).unwrap().median, 1.5);
    }
}
