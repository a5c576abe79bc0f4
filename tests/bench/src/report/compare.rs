//! What became of the goals that an earlier run met.
//!
//! Invariant: a goal of a group that ran is measured, or found missing: one that nobody measured is never as good as met.

use std::fmt;

use super::{Row, row};
use crate::figures::Figures;
use crate::plan::Group;

/// What became of them, as far as groups have been compared.
#[derive(Debug, Default)]
pub(crate) struct Compared {
    /// How many goals met before were measured again.
    again: usize,
    lost: Vec<String>,
    /// Goals, whether met before or not.
    not_measured: Vec<String>,
}

/// Compares a group that ran with an earlier run. What was a goal then and is none now counts for nothing.
pub(crate) fn compare(earlier: &[Row], group: &Group, figures: &Figures) -> Compared {
    let mut compared = Compared::default();
    for goal in &group.goals {
        let Some(now) = row(group, goal, figures) else {
            compared.not_measured.push(format!("{}: {} of {}", group.name, goal.metric, goal.ours));
            continue;
        };
        let Some(before) = earlier.iter().find(|before| before.met && is_same(before, &now)) else {
            continue;
        };
        compared.again += 1;
        if !now.met {
            compared.lost.push(format!(
                "{}: {} of {} to {}: {:.3}, was {:.3}, goal {}",
                now.work, now.metric, now.ours, now.theirs, now.ratio, before.ratio, now.goal
            ));
        }
    }
    compared
}

fn is_same(one: &Row, other: &Row) -> bool {
    (&one.work, &one.metric, &one.ours, &one.theirs)
        == (&other.work, &other.metric, &other.ours, &other.theirs)
}

impl Compared {
    /// Whether all is measured and nothing lost.
    pub(crate) fn is_well(&self) -> bool {
        self.lost.is_empty() && self.not_measured.is_empty()
    }

    /// What is not well, line by line.
    pub(crate) fn lines(&self) -> impl Iterator<Item = String> {
        let lost = self.lost.iter().map(|line| format!("LOST: {line}"));
        lost.chain(self.not_measured.iter().map(|line| format!("NOT MEASURED: {line}")))
    }

    /// Takes another group's in.
    pub(crate) fn add(&mut self, other: Self) {
        self.again += other.again;
        self.lost.extend(other.lost);
        self.not_measured.extend(other.not_measured);
    }
}

impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (lost, not_measured) = (self.lost.len(), self.not_measured.len());
        write!(f, "{lost} of {} goals met before are lost, {not_measured} goals not measured", self.again)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Against, Scale, groups};
    use crate::report::rows;

    /// The group of the store, and its figures with each goal's ratio as given.
    fn store(ratio: f64) -> (Group, Figures) {
        let group = groups(Scale::Full).into_iter().find(|group| group.name == "store").unwrap();
        let mut figures = Figures::of(&group, 5, String::new());
        for goal in &group.goals {
            let Against::Peer(theirs) = goal.theirs else { panic!("{goal:?}") };
            figures.put(goal.ours, goal.metric, ratio);
            figures.put(theirs, goal.metric, 1.0);
        }
        (group, figures)
    }

    #[test]
    fn a_goal_once_met_is_not_lost_unseen() {
        let (group, good) = store(0.1);
        let (_, bad) = store(0.9);
        let (met, missed) = (rows(&group, &good), rows(&group, &bad));
        assert!(compare(&met, &group, &good).is_well());
        assert!(compare(&missed, &group, &bad).is_well(), "none of them was met before");
        let lost = compare(&met, &group, &bad);
        assert!(!lost.is_well());
        assert_eq!(lost.to_string(), "3 of 3 goals met before are lost, 0 goals not measured");
    }

    #[test]
    fn nobody_passes_who_measures_nothing() {
        let (group, good) = store(0.1);
        let nothing = compare(&rows(&group, &good), &group, &Figures::default());
        assert!(!nothing.is_well());
        assert_eq!(nothing.to_string(), "0 of 0 goals met before are lost, 3 goals not measured");
    }

    #[test]
    fn a_goal_of_another_name_is_compared_with_nothing() {
        let (group, good) = store(0.1);
        let mut earlier = rows(&group, &good);
        "another".clone_into(&mut earlier[0].metric);
        let compared = compare(&earlier, &group, &good);
        assert!(compared.is_well());
        assert_eq!(compared.to_string(), "0 of 2 goals met before are lost, 0 goals not measured");
    }
}
