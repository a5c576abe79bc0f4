//! A live query: the objects of one informer, filtered, sorted and grouped, of which only a window is ever written out.
//!
//! Invariants: pure, no clock and no tasks; [`View::update`] writes a row once and names it by key from then on, until it
//! has left the window, so that only what changed crosses to whoever shows it.

mod cell;
mod query;
#[cfg(test)]
mod tests;

use std::cell::Cell as Flag;
use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use portolan::meta::{Key, Object as _};
use portolan::object::{Lazy, Unstructured};
use serde::Serialize;

pub use cell::Cell;
pub use query::{Column, Condition, Filter, Query, Sort, Take};

/// An object as informers hold it.
pub type Held = Arc<Lazy<Unstructured>>;

/// The rows of one query.
#[derive(Debug)]
pub struct View {
    query: Query,
    rows: BTreeMap<Key, Rc<Row>>,
    /// All rows: in order as of the last [`settle`](Self::settle), and behind them those that were added since.
    order: Vec<Rc<Row>>,
    unsorted: bool,
    /// A row in `order` has gone.
    gone: bool,
    groups: BTreeMap<String, usize>,
    window: Range<usize>,
    /// The rows of the last update, by key, each with the version that was written.
    written: BTreeMap<Key, Rc<Row>>,
}

#[derive(Debug)]
struct Row {
    key: Key,
    object: Held,
    order: Box<[Cell]>,
    group: Option<String>,
    gone: Flag<bool>,
}

/// What changed for whoever shows the window.
#[derive(Debug, Default, Serialize)]
pub struct Update {
    /// How many rows the filter let through.
    pub matched: usize,
    /// Where the window begins.
    pub start: usize,
    /// The rows of the window in order.
    pub rows: Vec<Shown>,
    /// How many rows each value of the group's path has; empty without a group.
    pub groups: BTreeMap<String, usize>,
}

/// One row of the window.
#[derive(Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Shown {
    /// As it was in the update before: its key.
    Known(String),
    /// New or changed: its key, uid and version, and the cells in the order of the query's columns.
    Fresh(String, String, String, Vec<Cell>),
}

impl View {
    /// An empty view.
    pub fn new(query: Query, window: Range<usize>) -> Self {
        Self {
            query,
            rows: BTreeMap::new(),
            order: Vec::new(),
            unsorted: false,
            gone: false,
            groups: BTreeMap::new(),
            window,
            written: BTreeMap::new(),
        }
    }

    /// Takes an object in, in place of the one of its key.
    pub fn put(&mut self, object: &Held) {
        let key = object.key();
        self.remove(&key);
        if !self.query.filter.lets_through(object, &self.query.columns) {
            return;
        }
        let row = Rc::new(Row {
            order: self.query.sort_cells(object),
            group: self.query.group.as_ref().map(|path| Cell::read(object, path, Take::Auto).to_string()),
            object: object.clone(),
            key: key.clone(),
            gone: Flag::new(false),
        });
        if let Some(group) = &row.group {
            *self.groups.entry(group.clone()).or_default() += 1;
        }
        self.order.push(row.clone());
        self.unsorted = true;
        self.rows.insert(key, row);
    }

    /// Forgets the object of this key.
    pub fn remove(&mut self, key: &Key) {
        let Some(row) = self.rows.remove(key) else { return };
        row.gone.set(true);
        self.gone = true;
        if let Some(group) = &row.group
            && let Some(count) = self.groups.get_mut(group)
        {
            *count -= 1;
            if *count == 0 {
                self.groups.remove(group);
            }
        }
    }

    /// Shows other rows from the next update on.
    pub fn set_window(&mut self, window: Range<usize>) {
        self.window = window;
    }

    /// The window.
    pub fn window(&self) -> Range<usize> {
        self.window.clone()
    }

    /// The window's rows now, those of the last update by key alone.
    pub fn update(&mut self) -> Update {
        self.settle();
        let end = self.window.end.min(self.order.len());
        let start = self.window.start.min(end);
        let shown = &self.order[start..end];
        let write = |row: &Rc<Row>| {
            let text = row.key.to_string();
            if self.written.get(&row.key).is_some_and(|written| Rc::ptr_eq(written, row)) {
                return Shown::Known(text);
            }
            let meta = row.object.meta();
            let columns = self.query.columns.iter();
            let cells = columns.map(|column| Cell::read(&row.object, &column.path, column.take)).collect();
            Shown::Fresh(text, meta.uid.to_owned(), meta.resource_version.to_owned(), cells)
        };
        let rows = shown.iter().map(write).collect();
        self.written = shown.iter().map(|row| (row.key.clone(), row.clone())).collect();
        Update { matched: self.order.len(), start, rows, groups: self.groups.clone() }
    }

    /// Brings `order` up to date. Of rows that are sorted but for a few, sorting is little more than a merge.
    fn settle(&mut self) {
        if std::mem::take(&mut self.gone) {
            self.order.retain(|row| !row.gone.get());
        }
        if std::mem::take(&mut self.unsorted) {
            let query = &self.query;
            self.order.sort_by(|a, b| query.compare(&a.order, &b.order).then_with(|| a.key.cmp(&b.key)));
        }
    }
}
