//! All objects of one kind: kept by key, filtered and sorted into an order, and cut to the window on screen.
//!
//! Invariant: once arranged, `order` names exactly the rows that pass the query, each once. A change that moves no row
//! leaves it alone, and one that moves some costs little more than those.

use std::cmp::Ordering;
use std::collections::HashMap;

use slab::Slab;

use super::age::Millis;
use super::cell::{Cell, Tone};
use super::columns::Plan;
use super::filter::Filter;
use super::manifest::Manifest;
use super::order;
use super::scope::Scope;

/// One object and what the table shows of it.
#[derive(Debug)]
pub struct Row {
    /// `namespace/name`, or `name`.
    pub key: String,
    /// The namespace, "" without one.
    pub namespace: String,
    /// The object's resource version.
    pub version: String,
    /// The object.
    pub object: Manifest,
    /// One per column of the plan.
    pub cells: Vec<Cell>,
    /// The gravest tone of its cells.
    pub tone: Tone,
    /// When it last changed before the reader's eyes; `None` for what was there at the start.
    pub changed: Option<Millis>,
    /// How often it has been replaced.
    pub changes: u32,
    text: String,
}

/// What a table is asked to show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Which rows.
    pub filter: Filter,
    /// The column sorted by.
    pub column: usize,
    /// Largest first.
    pub descending: bool,
}

/// All objects of one kind.
#[derive(Debug)]
pub struct Table {
    plan: Plan,
    rows: Slab<Row>,
    slots: HashMap<String, usize>,
    order: Vec<usize>,
    query: Query,
    /// The rows that may be missing in `order`, or stand in a wrong place there.
    displaced: Vec<usize>,
    tones: HashMap<String, [usize; 6]>,
}

/// So many rows are placed one by one; more are sorted with all others.
const MOST_PLACED: usize = 200;

impl Table {
    /// An empty table with the columns of `plan`.
    pub fn new(plan: Plan) -> Self {
        let query = Query { column: plan.order.0, descending: plan.order.1, ..Query::default() };
        Self {
            plan,
            rows: Slab::new(),
            slots: HashMap::new(),
            order: Vec::new(),
            query,
            displaced: Vec::new(),
            tones: HashMap::new(),
        }
    }

    /// The columns.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Shows the same objects by another plan.
    pub fn replan(&mut self, plan: Plan) {
        let (rows, query) = (std::mem::take(&mut self.rows), std::mem::take(&mut self.query));
        *self = Self { query, ..Self::new(plan) };
        for (_, row) in rows {
            self.put(row.object, row.changed);
        }
    }

    /// How many rows of `scope` are of each tone.
    pub fn tones(&self, scope: &Scope) -> [usize; 6] {
        let mut sum = [0; 6];
        for (_, counts) in self.tones.iter().filter(|(own, _)| scope.holds(own)) {
            sum.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        }
        sum
    }

    /// Adds or replaces an object. `changed` marks it as a change the reader should see.
    pub fn put(&mut self, object: Manifest, changed: Option<Millis>) {
        let mut row = Row::new(object, &self.plan, changed);
        self.tally(&row.namespace, row.tone, 1);
        let Some(&slot) = self.slots.get(&row.key) else {
            let (key, accepted) = (row.key.clone(), self.accepts(&row));
            let slot = self.rows.insert(row);
            self.slots.insert(key, slot);
            if accepted {
                self.displaced.push(slot);
            }
            return;
        };
        let old = &self.rows[slot];
        row.changes = old.changes + 1;
        let column = self.query.column;
        let moved = old.cells.get(column) != row.cells.get(column);
        if moved || self.accepts(old) != self.accepts(&row) {
            self.displaced.push(slot);
        }
        let old = std::mem::replace(&mut self.rows[slot], row);
        self.tally(&old.namespace, old.tone, -1);
    }

    /// Takes an object out.
    pub fn remove(&mut self, key: &str) {
        let Some(slot) = self.slots.remove(key) else { return };
        let row = self.rows.remove(slot);
        self.tally(&row.namespace, row.tone, -1);
        self.order.retain(|&other| other != slot);
    }

    /// The row of `key`.
    pub fn row(&self, key: &str) -> Option<&Row> {
        self.slots.get(key).map(|&slot| &self.rows[slot])
    }

    /// Every row, in no order.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().map(|(_, row)| row)
    }

    /// Brings the order up to date with `query`. While `hold`, rows that are on screen already keep their places.
    pub fn arrange(&mut self, query: &Query, hold: bool) {
        let mut displaced = std::mem::take(&mut self.displaced);
        let asked_anew = *query != self.query;
        if asked_anew || displaced.len() > MOST_PLACED && !hold {
            self.query.clone_from(query);
            return self.sort();
        }
        if displaced.is_empty() {
            return;
        }
        displaced.sort_unstable();
        displaced.dedup();
        let mut leaves = vec![false; self.rows.capacity()];
        displaced.iter().for_each(|&slot| leaves[slot] = true);
        if hold {
            let stays = |slot: &usize| leaves[*slot] && self.accepts(&self.rows[*slot]);
            let staying: Vec<usize> = self.order.iter().copied().filter(stays).collect();
            staying.iter().for_each(|&slot| leaves[slot] = false);
            displaced.retain(|&slot| leaves[slot]);
            self.displaced = staying;
        }
        let mut order = std::mem::take(&mut self.order);
        order.retain(|&slot| !leaves[slot]);
        for slot in displaced {
            if self.rows.get(slot).is_some_and(|row| self.accepts(row)) {
                let place = order.partition_point(|&other| self.compare(other, slot) == Ordering::Less);
                order.insert(place, slot);
            }
        }
        self.order = order;
    }

    /// Makes the whole order. The stable sort takes little more than one pass over what is nearly in order already.
    fn sort(&mut self) {
        let mut placed = vec![false; self.rows.capacity()];
        let mut order = std::mem::take(&mut self.order);
        order.retain(|&slot| self.accepts(&self.rows[slot]));
        order.iter().for_each(|&slot| placed[slot] = true);
        let fresh = self.rows.iter().filter(|(slot, row)| !placed[*slot] && self.accepts(row));
        order.extend(fresh.map(|(slot, _)| slot));
        order::sort_places(&mut order, &|left, right| self.compare(left, right));
        self.order = order;
    }

    /// How many rows pass the query.
    pub fn matching(&self) -> usize {
        self.order.len()
    }

    /// The rows that pass the query, in order.
    pub fn passing(&self) -> impl Iterator<Item = &Row> {
        self.order.iter().map(|&slot| &self.rows[slot])
    }

    /// The rows from `first`, at most `count`.
    pub fn window(&self, first: usize, count: usize) -> impl Iterator<Item = &Row> {
        self.passing().skip(first).take(count)
    }

    /// The place of `key` among the rows that pass.
    pub fn position(&self, key: &str) -> Option<usize> {
        let slot = self.slots.get(key)?;
        self.order.iter().position(|other| other == slot)
    }

    fn tally(&mut self, namespace: &str, tone: Tone, by: isize) {
        if !self.tones.contains_key(namespace) {
            self.tones.insert(namespace.to_owned(), [0; 6]);
        }
        let count = self.tones.get_mut(namespace).map(|counts| &mut counts[tone as usize]);
        if let Some(count) = count {
            *count = count.saturating_add_signed(by);
        }
    }

    fn accepts(&self, row: &Row) -> bool {
        row.passes(&self.query.filter)
    }

    fn compare(&self, left: usize, right: usize) -> Ordering {
        let (left, right) = (&self.rows[left], &self.rows[right]);
        let column = self.query.column;
        let by_cell = match (left.cells.get(column), right.cells.get(column)) {
            (Some(left), Some(right)) => left.compare(right),
            _ => Ordering::Equal,
        };
        let by_cell = if self.query.descending { by_cell.reverse() } else { by_cell };
        by_cell.then_with(|| left.key.cmp(&right.key))
    }
}

impl Row {
    /// Whether `filter` lets it pass.
    fn passes(&self, filter: &Filter) -> bool {
        filter.accepts(&self.namespace, &self.text, self.tone, &self.object)
    }

    fn new(object: Manifest, plan: &Plan, changed: Option<Millis>) -> Self {
        let (key, meta) = (object.key(), object.meta());
        let [namespace, version] = [meta.namespace, meta.resource_version].map(str::to_owned);
        let cells = plan.cells(&object);
        let tone = cells.iter().map(|cell| cell.tone).max().unwrap_or_default();
        let mut text = key.to_ascii_lowercase();
        for cell in &cells {
            text.push(' ');
            text.push_str(&cell.searchable().to_ascii_lowercase());
        }
        text.push(' ');
        text.push_str(&super::fields::pairs(&object, "metadata.labels").to_ascii_lowercase());
        Self { key, namespace, version, cells, tone, changed, changes: 0, text, object }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::columns::plan;
    use crate::model::testing::manifest;
    use serde_json::json;

    fn pod(name: &str, restarts: i64, phase: &str) -> Manifest {
        manifest(
            json!({"metadata": {"name": name, "namespace": "n", "resourceVersion": "1", "labels": {"app": "web"}},
            "spec": {"containers": [{}]},
            "status": {"phase": phase, "containerStatuses": [{"ready": true, "restartCount": restarts, "state": {"running": {}}}]}}),
        )
    }

    fn names(table: &Table) -> Vec<&str> {
        table.window(0, 100).map(|row| row.key.as_str()).collect()
    }

    fn by(column: usize, descending: bool, filter: &str) -> Query {
        Query { filter: Filter::parse(&Scope::default(), filter), column, descending }
    }

    #[test]
    fn rows_are_filtered_sorted_and_cut() {
        let mut table = Table::new(plan("pods", true));
        for (name, restarts) in [("b", 3), ("c", 20), ("a", 3)] {
            table.put(pod(name, restarts, "Running"), None);
        }
        table.arrange(&by(0, false, ""), false);
        assert_eq!(names(&table), ["n/a", "n/b", "n/c"]);
        table.arrange(&by(4, true, ""), false);
        assert_eq!(names(&table), ["n/c", "n/a", "n/b"]);
        table.arrange(&by(0, false, "app=web !n/b"), false);
        assert_eq!((names(&table), table.matching()), (vec!["n/a", "n/c"], 2));
        assert_eq!(table.window(1, 5).count(), 1);
        assert_eq!(table.position("n/c"), Some(1));
    }

    #[test]
    fn counts_by_tone_follow_every_change() {
        let mut table = Table::new(plan("pods", true));
        let count = |table: &Table, scope, tone: Tone| table.tones(&Scope::parse(scope))[tone as usize];
        table.put(pod("a", 0, "Running"), None);
        table.put(pod("b", 0, "Pending"), None);
        assert_eq!((count(&table, "", Tone::Good), count(&table, "n", Tone::Busy)), (1, 1));
        assert_eq!(table.tones(&Scope::parse("m")), [0; 6], "another namespace has none of them");
        table.put(pod("b", 0, "Running"), Some(7));
        assert_eq!((count(&table, "n", Tone::Good), count(&table, "", Tone::Busy)), (2, 0));
        table.remove("n/b");
        table.remove("n/unknown");
        assert_eq!((table.len(), count(&table, "", Tone::Good)), (1, 1));
        table.put(manifest(json!({"metadata": {"name": "node"}, "status": {"phase": "Running"}})), None);
        assert_eq!(
            table.tones(&Scope::parse("m")).iter().sum::<usize>(),
            1,
            "what is in no namespace is in every one"
        );
    }

    #[test]
    fn another_plan_shows_the_same_objects() {
        let mut table = Table::new(crate::model::columns::generic(true));
        table.put(pod("a", 7, "Running"), None);
        table.put(pod("b", 3, "Running"), None);
        table.replan(plan("pods", true));
        table.arrange(&by(4, true, ""), false);
        assert_eq!((names(&table), table.len()), (vec!["n/a", "n/b"], 2));
        assert_eq!(table.tones(&Scope::default()).iter().sum::<usize>(), 2);
    }

    #[test]
    fn under_the_pointer_rows_keep_their_places_and_new_ones_still_come() {
        let mut table = Table::new(plan("pods", true));
        let query = by(4, true, "");
        for (name, restarts) in [("a", 9), ("b", 5), ("c", 1)] {
            table.put(pod(name, restarts, "Running"), None);
        }
        table.arrange(&query, false);
        table.put(pod("c", 50, "Running"), Some(1));
        table.put(pod("d", 7, "Running"), Some(1));
        table.arrange(&query, true);
        assert_eq!(names(&table), ["n/a", "n/d", "n/b", "n/c"]);
        table.remove("n/a");
        table.arrange(&query, false);
        assert_eq!(
            names(&table),
            ["n/c", "n/d", "n/b"],
            "once the pointer has gone, everything goes to its place"
        );
        table.put(pod("d", 80, "Running"), Some(2));
        table.arrange(&query, false);
        assert_eq!(names(&table), ["n/d", "n/c", "n/b"]);
    }

    #[test]
    fn order_equals_a_naive_model_under_random_operations() {
        // Arranged after each change, and rarely enough that many changes meet.
        for every in [1, 7, 600] {
            play(every);
        }
    }

    fn play(every: u64) {
        let mut seed = 7_u64;
        let mut random = move |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % below
        };
        let mut table = Table::new(plan("pods", true));
        let mut naive = std::collections::BTreeMap::new();
        for step in 0..2_000 {
            let name = format!("pod-{}", random(60));
            if random(4) == 0 {
                table.remove(&format!("n/{name}"));
                naive.remove(&name);
            } else {
                let restarts = random(9) as i64;
                table.put(pod(&name, restarts, "Running"), Some(step));
                naive.insert(name, restarts);
            }
            let query = by(4, step % 500 < 250, if step % 700 < 350 { "" } else { "!pod-1" });
            if step % every > 0 {
                continue;
            }
            table.arrange(&query, false);
            let mut expected: Vec<_> =
                naive.iter().filter(|(name, _)| step % 700 < 350 || !name.contains("pod-1")).collect();
            expected.sort_by(|left, right| {
                let by_cell = left.1.cmp(right.1);
                if query.descending { by_cell.reverse() } else { by_cell }.then(left.0.cmp(right.0))
            });
            let expected: Vec<_> = expected.into_iter().map(|(name, _)| format!("n/{name}")).collect();
            assert_eq!(names(&table), expected, "step {step}");
        }
    }
}
