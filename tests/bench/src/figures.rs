//! What the runs took, contestant by contestant, and the statistics of it.
//!
//! Invariant: contestants that hold the same part of the objects have given the same proofs, or the whole run fails.

use std::collections::BTreeMap;

use anyhow::{Result, bail};

use crate::child::Taken;
use crate::plan::{Contestant, Metric};

/// The figures of one group.
#[derive(Default)]
pub(crate) struct Figures {
    values: BTreeMap<(String, Metric), Vec<f64>>,
    settings: BTreeMap<String, String>,
    left_out: BTreeMap<String, String>,
    /// By what was done and the part of the objects: who proved it first, and the sum.
    proofs: BTreeMap<(String, bool), (String, u64)>,
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
    /// Takes in one run; fails when its proof is not that of the others.
    pub(crate) fn take(&mut self, contestant: &Contestant, taken: Taken) -> Result<()> {
        let metadata_only = contestant.argument("form") == "metadata";
        for (did, proof) in taken.proofs {
            let place = (did.clone(), metadata_only);
            let (first, expected) = self.proofs.entry(place).or_insert((contestant.label.clone(), proof));
            if *expected != proof {
                bail!(
                    "{} proves {proof} after {did}, {first} {expected}: not the same work",
                    contestant.label
                );
            }
        }
        for (metric, value) in taken.values {
            self.values.entry((contestant.label.clone(), metric)).or_default().push(value);
        }
        self.settings.insert(contestant.label.clone(), taken.settings);
        Ok(())
    }

    pub(crate) fn leave_out(&mut self, contestant: &Contestant, why: &str) {
        self.left_out.insert(contestant.label.clone(), why.to_owned());
    }

    pub(crate) fn left_out(&self) -> impl Iterator<Item = (&str, &str)> {
        self.left_out.iter().map(|(label, why)| (label.as_str(), why.as_str()))
    }

    pub(crate) fn spread(&self, label: &str, metric: Metric) -> Option<Spread> {
        Spread::of(self.values.get(&(label.to_owned(), metric))?)
    }

    /// How a contestant was set.
    pub(crate) fn settings(&self, label: &str) -> &str {
        self.settings.get(label).map_or("", String::as_str)
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

    #[test]
    fn the_median_is_the_middle() {
        let spread = Spread::of(&[3.0, 1.0, 10.0]).unwrap();
        assert_eq!((spread.median, spread.least, spread.most), (3.0, 1.0, 10.0));
        assert_eq!(Spread::of(&[1.0, 2.0, 4.0, 8.0]).unwrap().median, 3.0);
        assert_eq!(Spread::of(&[]), None);
    }

    #[test]
    fn another_proof_is_refused() {
        let contestant = crate::plan::groups(true).remove(0).contestants.remove(0);
        let mut figures = Figures::default();
        let taken = |proof| Taken { proofs: [("sync".to_owned(), proof)].into(), ..Taken::default() };
        figures.take(&contestant, taken(7)).unwrap();
        figures.take(&contestant, taken(7)).unwrap();
        assert!(figures.take(&contestant, taken(8)).unwrap_err().to_string().contains("not the same work"));
    }
}
