//! The folder where figures are kept: what was measured last of each group, and what is made of it.
//!
//! Invariant: `figures.json` is the source; `baseline.json`, `figures.md` and the charts say nothing that it does not.

use std::fmt::Write;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::chart::chart_of;
use super::{Row, goals_table, group_table, rows};
use crate::figures::Figures;
use crate::machine::Origin;
use crate::plan::{Group, Scale, groups};

/// The folder, and where figures that come now come from.
pub(crate) struct Docs {
    folder: PathBuf,
    origin: Origin,
}

/// A group as it was measured last.
#[derive(Serialize, Deserialize)]
struct Kept {
    #[serde(flatten)]
    origin: Origin,
    #[serde(flatten)]
    figures: Figures,
}

impl Docs {
    /// Figures that come now are of what is committed now: made before anything is measured.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder, origin: Origin::now() }
    }

    /// Puts these figures in the place of earlier ones of the same group, and writes everything anew.
    pub(crate) fn write(&self, figures: Figures) -> Result<()> {
        fs::create_dir_all(&self.folder).with_context(|| format!("making {}", self.folder.display()))?;
        let mut all = self.kept()?;
        all.retain(|kept| kept.figures.group != figures.group);
        all.push(Kept { origin: self.origin.clone(), figures });
        let groups = groups(Scale::Full);
        let place = |kept: &Kept| groups.iter().position(|group| group.name == kept.figures.group);
        all.sort_by_key(place);
        self.save("figures.json", &(serde_json::to_string(&all)? + "\n"))?;
        let known: Vec<(&Group, &Kept)> =
            all.iter().filter_map(|kept| Some((&groups[place(kept)?], kept))).collect();
        let rows: Vec<Row> = known.iter().flat_map(|(group, kept)| rows(group, &kept.figures)).collect();
        self.save("baseline.json", &(serde_json::to_string_pretty(&rows)? + "\n"))?;
        let mut text = format!(
            "# Figures\n\nWritten by `cargo xtask bench --write`; rounds are interleaved; a cell is the median \
             (least–most). All of them ask one server on the loopback, by HTTP/1.1 without compression, under TLS as \
             well.\n\n## Goals\n\n{}",
            goals_table(&rows)
        );
        text.push('\n');
        for group in groups.iter().filter(|group| known.iter().all(|(known, _)| known.name != group.name)) {
            let _ = writeln!(text, "- **{}** was not measured", group.name);
        }
        for (group, kept) in known {
            self.section(&mut text, group, kept)?;
        }
        self.save("figures.md", &text)
    }

    fn section(&self, text: &mut String, group: &Group, kept: &Kept) -> Result<()> {
        let Kept { origin: Origin { machine, commit, day }, figures } = kept;
        let Figures { objects, rounds, sizes, .. } = figures;
        let _ = write!(text, "\n## {}\n\n", group.name);
        if let Some(chart) = chart_of(group, figures) {
            let file = format!("{}.svg", slug(group.name));
            self.save(&file, &chart)?;
            let _ = write!(text, "![{}]({file})\n\n", group.name);
        }
        let _ = write!(text, "{objects} objects or items, {rounds} rounds, on {machine}");
        if !commit.is_empty() {
            let _ = write!(text, ", of commit {commit}, {day}");
        }
        let _ = write!(text, ". {sizes}\n\n");
        text.push_str(&group_table(group, figures));
        text.push('\n');
        for contestant in &group.contestants {
            let settings = figures.settings(&contestant.label);
            if !settings.is_empty() {
                let _ = writeln!(text, "- {}: {settings}", contestant.label);
            }
        }
        for (label, why) in &figures.left_out {
            let _ = writeln!(text, "- {label} was left out: {why}");
        }
        Ok(())
    }

    fn kept(&self) -> Result<Vec<Kept>> {
        match fs::read_to_string(self.folder.join("figures.json")) {
            Ok(text) => serde_json::from_str(&text).context("figures.json of an earlier run"),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error).context("reading figures.json of an earlier run"),
        }
    }

    fn save(&self, name: &str, text: &str) -> Result<()> {
        let path: &Path = &self.folder.join(name);
        fs::write(path, text).with_context(|| format!("writing {}", path.display()))
    }
}

/// A file's name made of a group's.
fn slug(name: &str) -> String {
    let words = name.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-").to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::Metric;

    #[test]
    fn what_is_measured_again_takes_the_place_of_what_was_measured_before() {
        let folder = tempfile::tempdir().unwrap();
        let origin = Origin { machine: "m".into(), commit: "abc".into(), day: "2026-01-31".into() };
        let docs = Docs { folder: folder.path().to_owned(), origin };
        let groups = groups(Scale::Full);
        let figures = |group: &Group, value| {
            let mut figures = Figures::of(group, 1, String::new());
            for goal in &group.goals {
                figures.put(goal.ours, goal.metric, value);
                if let crate::plan::Against::Peer(label) = goal.theirs {
                    figures.put(label, goal.metric, 1.0);
                }
            }
            figures
        };
        let heap = groups.iter().find(|group| group.name == "heap").unwrap();
        let store = groups.iter().find(|group| group.name == "store").unwrap();
        docs.write(figures(heap, 9.0)).unwrap();
        docs.write(figures(store, 0.1)).unwrap();
        docs.write(figures(store, 0.2)).unwrap();
        let rows: Vec<Row> =
            serde_json::from_str(&fs::read_to_string(folder.path().join("baseline.json")).unwrap()).unwrap();
        let of =
            |work: &str| rows.iter().filter(|row| row.work == work).map(|row| row.ratio).collect::<Vec<_>>();
        assert_eq!(of("store"), [0.2; 3]);
        assert_eq!(of("heap").len(), heap.goals.len());
        let table = fs::read_to_string(folder.path().join("figures.md")).unwrap();
        assert!(
            table.contains("**workqueue, 1 worker** was not measured")
                && folder.path().join("heap.svg").is_file()
        );
        assert!(table.contains(&Metric::StoreList.to_string()));
        assert!(table.contains("on m, of commit abc, 2026-01-31. "));
    }

    #[test]
    fn what_was_kept_without_its_commit_is_read() {
        let kept: Kept = serde_json::from_str(
            r#"{"machine":"m","group":"store","objects":1,"rounds":5,"sizes":"","runs":{},"left_out":{}}"#,
        )
        .unwrap();
        assert_eq!((kept.origin.machine.as_str(), kept.origin.commit.as_str()), ("m", ""));
    }
}
