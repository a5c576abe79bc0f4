//! Who made whom, by the owner references of everything the page holds.
//!
//! Invariant: a tree shows each object once, however its owners refer to each other.

use std::collections::{HashMap, HashSet};

use portolan::meta::OwnerReference;

use super::catalogue::Catalogue;
use super::cell::Tone;
use super::columns::Style;
use super::manifest::{self, Manifest};
use super::order;
use super::reveal::line;
use super::route::Route;
use super::table::Table;

/// How many lines a tree has at most.
pub const MOST_LINES: usize = 500;

/// The objects that are known, by what refers to what.
#[derive(Debug, Default)]
pub struct Family {
    /// By uid.
    members: HashMap<String, Member>,
    /// The uid of a kind and key.
    places: HashMap<(String, String), String>,
    /// The uids of what an owner has made.
    children: HashMap<String, HashSet<String>>,
}

#[derive(Debug)]
struct Member {
    kind: String,
    key: String,
    owners: Vec<OwnerReference>,
}

/// One line of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relative {
    /// How deep, from 1.
    pub level: usize,
    /// Its kind: `ReplicaSet`.
    pub kind: String,
    /// `namespace/name`, or `name`.
    pub key: String,
    /// Its name.
    pub name: String,
    /// How it is, in a word; "" where the page does not know.
    pub state: String,
    /// What that says about health.
    pub tone: Tone,
    /// Where it opens; "" for what is not there.
    pub link: String,
    /// The open object itself.
    pub current: bool,
    /// Why it cannot be opened, or what else there is to say.
    pub note: String,
}

impl Family {
    /// Takes an object, as it is now; an event has no family.
    pub fn put(&mut self, kind: &str, object: &Manifest) {
        if kind == "events" {
            return;
        }
        let (uid, key) = (object.meta().uid.to_owned(), object.key());
        self.remove(kind, &key);
        if uid.is_empty() {
            return;
        }
        let owners = object.owners();
        for owner in &owners {
            self.children.entry(owner.uid.clone()).or_default().insert(uid.clone());
        }
        self.places.insert((kind.to_owned(), key.clone()), uid.clone());
        self.members.insert(uid, Member { kind: kind.to_owned(), key, owners });
    }

    /// Takes an object out.
    pub fn remove(&mut self, kind: &str, key: &str) {
        let Some(uid) = self.places.remove(&(kind.to_owned(), key.to_owned())) else { return };
        let Some(member) = self.members.remove(&uid) else { return };
        for owner in member.owners {
            if let Some(children) = self.children.get_mut(&owner.uid) {
                children.remove(&uid);
                if children.is_empty() {
                    self.children.remove(&owner.uid);
                }
            }
        }
    }

    /// The uid of the object of `kind` and `key`.
    pub(super) fn uid(&self, kind: &str, key: &str) -> Option<&str> {
        self.places.get(&(kind.to_owned(), key.to_owned())).map(String::as_str)
    }

    /// Takes all objects of `kind` out.
    pub fn forget(&mut self, kind: &str) {
        let of_kind = self.places.keys().filter(|(own, _)| own == kind);
        let keys: Vec<String> = of_kind.map(|(_, key)| key.clone()).collect();
        keys.iter().for_each(|key| self.remove(kind, key));
    }

    /// The keys of the pods that an object has made, itself or through others.
    pub(super) fn pods(&self, kind: &str, key: &str) -> Vec<String> {
        let Some(uid) = self.uid(kind, key) else { return Vec::new() };
        let (mut open, mut seen, mut pods) = (vec![uid], HashSet::new(), Vec::new());
        while let Some(uid) = open.pop() {
            if !seen.insert(uid) {
                continue;
            }
            open.extend(self.children.get(uid).into_iter().flatten().map(String::as_str));
            pods.extend(
                self.members.get(uid).filter(|member| member.kind == "pods").map(|member| member.key.clone()),
            );
        }
        pods
    }

    /// The tree that the object of `kind` and `key` is in, from who is topmost down.
    pub fn tree(
        &self,
        (kind, key): (&str, &str),
        catalogue: &Catalogue,
        tables: &HashMap<String, Table>,
        route: &Route,
    ) -> Vec<Relative> {
        let Some(uid) = self.uid(kind, key) else { return Vec::new() };
        let drawing = Drawing { family: self, catalogue, tables, route, here: uid };
        let (above, top) = drawing.ascend(uid);
        let mut lines: Vec<Relative> = above.into_iter().collect();
        let left_out = drawing.descend(top, &mut lines);
        if left_out > 0
            && let Some(last) = lines.last_mut()
        {
            last.note = format!("{left_out} more are not shown");
        }
        lines
    }
}

/// A tree while it is drawn.
struct Drawing<'a> {
    family: &'a Family,
    catalogue: &'a Catalogue,
    tables: &'a HashMap<String, Table>,
    route: &'a Route,
    here: &'a str,
}

impl<'a> Drawing<'a> {
    /// From `uid` up to the topmost that is there: its controller first, else its first owner. Above that, who should be
    /// there and is not.
    fn ascend(&self, uid: &'a str) -> (Option<Relative>, &'a str) {
        let (mut top, mut seen) = (uid, HashSet::new());
        while seen.insert(top) {
            let Some(member) = self.family.members.get(top) else { break };
            let (mut owners, others): (Vec<&OwnerReference>, Vec<&OwnerReference>) =
                member.owners.iter().partition(|owner| owner.controller == Some(true));
            owners.extend(others);
            let known = owners.iter().find_map(|owner| self.family.members.get_key_value(&owner.uid));
            match (known, owners.first()) {
                (Some((owner, _)), _) => top = owner,
                (None, Some(owner)) => return (Some(self.absent(owner)), top),
                (None, None) => break,
            }
        }
        (None, top)
    }

    fn absent(&self, owner: &OwnerReference) -> Relative {
        let group = owner.api_version.rsplit_once('/').map_or("", |(group, _)| group);
        let mut kinds = self.catalogue.kinds();
        let known = kinds.any(|kind| kind.resource.kind == owner.kind && kind.resource.group == group);
        let note = match known {
            true => "not there: deleted, not loaded yet, or not yours to see",
            false => "of a kind that cannot be listed here",
        };
        Relative {
            level: 1,
            kind: line(&owner.kind).into_owned(),
            key: line(&owner.name).into_owned(),
            name: line(&owner.name).into_owned(),
            state: String::new(),
            tone: Tone::Plain,
            link: String::new(),
            current: false,
            note: note.to_owned(),
        }
    }

    /// Draws `uid` and all below it, below what is drawn already, and says for how many there was no room.
    fn descend(&self, uid: &'a str, lines: &mut Vec<Relative>) -> usize {
        let (mut open, mut seen, mut left_out) = (vec![(uid, lines.len() + 1)], HashSet::new(), 0);
        while let Some((uid, level)) = open.pop() {
            let Some(member) = self.family.members.get(uid).filter(|_| seen.insert(uid)) else { continue };
            match lines.len() < MOST_LINES {
                true => lines.push(self.line(uid, member, level)),
                false => left_out += 1,
            }
            let mut children: Vec<(&str, &Member)> = self
                .family
                .children
                .get(uid)
                .into_iter()
                .flatten()
                .filter_map(|uid| Some((uid.as_str(), self.family.members.get(uid)?)))
                .collect();
            order::sort(&mut children, |(_, left), (_, right)| {
                (&left.kind, &left.key).cmp(&(&right.kind, &right.key))
            });
            open.extend(children.into_iter().rev().map(|(uid, _)| (uid, level + 1)));
        }
        left_out
    }

    fn line(&self, uid: &str, member: &Member, level: usize) -> Relative {
        let kind = self.catalogue.kind(&member.kind).map(|kind| kind.resource.kind.to_string());
        let (_, name) = manifest::parts(&member.key);
        let table = self.tables.get(&member.kind);
        let row = table.and_then(|table| Some((table.row(&member.key)?, table.plan())));
        let status = row.and_then(|(row, plan)| {
            let column = plan.columns.iter().position(|column| column.style == Style::Status)?;
            Some((row.cells.get(column)?.show(0), row.tone))
        });
        let (state, tone) = status.unwrap_or_default();
        let there = Route {
            open: Some(member.key.clone()),
            pane: self.route.pane,
            ..self.route.to(Some(&member.kind))
        };
        Relative {
            level,
            kind: line(&kind.unwrap_or_else(|| member.kind.clone())).into_owned(),
            key: member.key.clone(),
            name: line(name).into_owned(),
            state,
            tone,
            link: there.hash(),
            current: uid == self.here,
            note: String::new(),
        }
    }
}

/// Where a key takes the focus from line `at` of a tree with these levels; `None` for a key that moves nothing.
pub fn stride(levels: &[usize], at: usize, key: &str) -> Option<usize> {
    let last = levels.len().checked_sub(1)?;
    let level = *levels.get(at)?;
    match key {
        "ArrowDown" => Some((at + 1).min(last)),
        "ArrowUp" => Some(at.saturating_sub(1)),
        "Home" => Some(0),
        "End" => Some(last),
        "ArrowLeft" => Some(levels[..at].iter().rposition(|&other| other < level).unwrap_or(at)),
        "ArrowRight" => Some(if levels.get(at + 1).is_some_and(|&next| next > level) { at + 1 } else { at }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::columns;
    use crate::model::testing::manifest;
    use serde_json::json;

    fn object(name: &str, owners: &[(&str, bool)]) -> Manifest {
        let owners = owners.iter().map(|(name, controller)| {
            json!({"uid": name, "name": name, "kind": "ReplicaSet", "apiVersion": "apps/v1", "controller": controller})
        });
        let owners: Vec<_> = owners.collect();
        manifest(
            json!({"metadata": {"name": name, "namespace": "n", "uid": name, "ownerReferences": owners}}),
        )
    }

    fn shown(family: &Family, kind: &str, name: &str) -> Vec<String> {
        let mut pods = Table::new(columns::plan("pods", true));
        pods.put(
            manifest(json!({"metadata": {"name": "p1", "namespace": "n"}, "status": {"phase": "Failed"}})),
            None,
        );
        let tables = HashMap::from([("pods".to_owned(), pods)]);
        let route = Route { kind: Some(kind.to_owned()), ..Route::default() };
        let tree = family.tree((kind, &format!("n/{name}")), &Catalogue::default(), &tables, &route);
        let line = |line: &Relative| {
            let here = if line.current { " <" } else { "" };
            format!("{}{} {} {}{here}", "-".repeat(line.level), line.kind, line.name, line.state)
        };
        tree.iter().map(line).collect()
    }

    #[test]
    fn the_tree_goes_up_to_the_top_and_down_to_the_last() {
        let mut family = Family::default();
        family.put("deployments.apps", &object("d", &[]));
        family.put("replicasets.apps", &object("r2", &[("d", true)]));
        family.put("replicasets.apps", &object("r1", &[("d", true)]));
        family.put("pods", &object("p1", &[("x", false), ("r1", true)]));
        let whole = ["-Deployment d ", "--ReplicaSet r1 ", "---Pod p1 Failed <", "--ReplicaSet r2 "];
        assert_eq!(shown(&family, "pods", "p1"), whole);
        assert_eq!(family.pods("deployments.apps", "n/d"), ["n/p1"]);
        family.remove("replicasets.apps", "n/r2");
        assert_eq!(shown(&family, "deployments.apps", "d").len(), 3);
        family.put("pods", &object("p1", &[]));
        assert_eq!(shown(&family, "pods", "p1"), ["-Pod p1 Failed <"], "an orphan has no tree but itself");
        family.forget("pods");
        assert!(shown(&family, "pods", "p1").is_empty());
    }

    #[test]
    fn who_is_not_there_is_told_and_a_circle_ends() {
        let mut family = Family::default();
        family.put("pods", &object("p1", &[("gone", true)]));
        assert_eq!(shown(&family, "pods", "p1"), ["-ReplicaSet gone ", "--Pod p1 Failed <"]);
        family.put("pods", &object("a", &[("b", true)]));
        family.put("pods", &object("b", &[("a", true)]));
        assert_eq!(shown(&family, "pods", "a").len(), 2);
    }

    #[test]
    fn more_than_can_be_read_is_cut_and_said() {
        let mut family = Family::default();
        family.put("replicasets.apps", &object("r", &[]));
        (0..MOST_LINES + 9).for_each(|at| family.put("pods", &object(&format!("p{at}"), &[("r", true)])));
        let route = Route::default();
        let tree = family.tree(("replicasets.apps", "n/r"), &Catalogue::default(), &HashMap::new(), &route);
        assert_eq!((tree.len(), tree[MOST_LINES - 1].note.as_str()), (MOST_LINES, "10 more are not shown"));
    }

    #[test]
    fn keys_walk_the_tree() {
        let levels = [1, 2, 3, 2];
        let walked = ["ArrowDown", "ArrowUp", "Home", "End", "ArrowLeft", "ArrowRight"]
            .map(|key| stride(&levels, 2, key));
        assert_eq!(walked, [Some(3), Some(1), Some(0), Some(3), Some(1), Some(2)]);
        assert_eq!(
            (stride(&levels, 1, "ArrowRight"), stride(&levels, 0, "x"), stride(&[], 0, "Home")),
            (Some(2), None, None)
        );
    }
}
