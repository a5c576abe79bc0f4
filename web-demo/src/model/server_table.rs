//! Columns that the server prints (its Table): of kinds of which neither the page nor a definition says any, as those of an
//! aggregated API server, and of custom ones whose definition may not be read.
//!
//! A kind that cannot be watched comes this way altogether (`listed`).
//!
//! Invariant: they are asked for again only when an object has changed, and some seconds after the last answer. Until then
//! an object keeps the cells that were printed of it last, and one that is new has none.

use std::borrow::Cow;
use std::collections::HashMap;
use std::rc::Rc;

use portolan::Error;
use serde_json::Value;

use super::age::Millis;
use super::calls::{Action, Question, Request, Target};
use super::catalogue::Kind;
use super::cell::{self, Cell};
use super::columns::{Cells, Plan, Width};
use super::health::generic_status;
use super::listed::Listing;
use super::manifest::Manifest;
use super::printed::{self, DEFINITIONS, Type};
use super::reveal::line;
use super::{Model, manifest};

/// How long a question waits after an answer, in milliseconds; and after one that was no table.
const PAUSE: Millis = 3_000;
const AFTER_FAILURE: Millis = 60_000;
/// Of how many objects cells are asked for, in each namespace.
const MOST: &str = "500";

/// What has been asked about the kind on show.
#[derive(Debug, Default)]
pub(super) struct ServerTables {
    /// The kind's name, and the namespaces on show.
    of: (String, Vec<String>),
    /// Not to be asked again before.
    next: Millis,
    /// Everything has been asked for since the last change.
    current: bool,
    /// The calls that have no answer yet, each with its namespace.
    waits: Vec<(u64, String)>,
    /// What came of them, when the kind cannot be watched.
    pub(super) listing: Listing,
}

impl ServerTables {
    /// The kind and the namespace whose table the call `id` asked for, when it still matters.
    pub(super) fn answered(&mut self, id: u64) -> Option<(String, String)> {
        let place = self.waits.iter().position(|(waits, _)| *waits == id)?;
        Some((self.of.0.clone(), self.waits.swap_remove(place).1))
    }

    /// The kind on show is to be asked about once more.
    pub(super) fn refresh(&mut self) {
        if self.waits.is_empty() {
            (self.current, self.next) = (false, 0);
        }
    }

    /// Whether `kind` is what was asked about last.
    pub(super) fn is_of(&self, kind: &str) -> bool {
        self.of.0 == kind
    }

    /// A list has been taken over: there is nothing to ask for until the reader says so, or what failed is tried again.
    pub(super) fn listed(&mut self, now: Millis) {
        self.current = self.listing.trouble().is_none();
        self.next = now + AFTER_FAILURE;
    }

    /// Whether an answer is waited for.
    pub(super) fn is_waiting(&self) -> bool {
        !self.waits.is_empty()
    }

    /// An object of `kind` has come, changed or gone.
    pub(super) fn changed(&mut self, kind: &str) {
        self.current &= self.of.0 != kind;
    }
}

/// A table as the server printed it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Printout {
    /// The cells of each object, by its key: its status, then one for each column of the kind's own.
    rows: HashMap<String, Vec<Cell>>,
    columns: usize,
    namespaced: bool,
}

impl Printout {
    /// The cells of `object` under the columns of its plan.
    pub(super) fn cells(&self, object: &Manifest) -> Vec<Cell> {
        let mut told = self.rows.get(&object.key()).into_iter().flatten().cloned();
        let (own, told_status) = (generic_status(object), told.next());
        let status = if own.searchable().is_empty() { told_status.unwrap_or(own) } else { own };
        let rest = told.chain(std::iter::repeat_with(|| Cell::text(""))).take(self.columns);
        printed::cells(object, status, rest, self.namespaced)
    }
}

/// The plan that `answer` makes; none when it is no table. `before` keeps what it has of other namespaces.
fn plan(answer: &Value, namespaced: bool, namespace: &str, before: Option<&Printout>) -> Option<Plan> {
    let definitions = answer["columnDefinitions"].as_array()?;
    let title = |at: usize| definitions[at]["name"].as_str().unwrap_or_default();
    let column = |at: usize| {
        let of = match definitions[at]["type"].as_str() {
            Some("integer" | "number") => Type::Number,
            _ => Type::Text,
        };
        let from = if definitions[at]["priority"].as_i64() > Some(0) { Width::Wide } else { Width::Medium };
        Some((at, printed::column(Cow::Owned(line(title(at)).into_owned()), of, from)?))
    };
    let (places, columns): (Vec<usize>, Vec<_>) = (0..definitions.len()).filter_map(column).unzip();
    let status = (0..definitions.len()).find(|&at| title(at).eq_ignore_ascii_case("status"));
    let mut printout = before.cloned().unwrap_or_default();
    let elsewhere = |key: &String| !namespace.is_empty() && manifest::parts(key).0 != namespace;
    printout.rows.retain(|key, _| elsewhere(key));
    for row in answer["rows"].as_array().into_iter().flatten() {
        let metadata = &row["object"]["metadata"];
        let key = match (metadata["namespace"].as_str(), metadata["name"].as_str().unwrap_or_default()) {
            (Some(namespace), name) if !namespace.is_empty() => format!("{namespace}/{name}"),
            (_, name) => name.to_owned(),
        };
        let told = |at: usize| cell(&row["cells"][at]);
        let first = status.map_or_else(|| Cell::text(""), told);
        printout.rows.insert(key, [first].into_iter().chain(places.iter().copied().map(told)).collect());
    }
    (printout.columns, printout.namespaced) = (columns.len(), namespaced);
    let columns = printed::framed(columns, namespaced).into();
    Some(Plan { columns, cells: Cells::Server(Rc::new(printout)), order: (0, false) })
}

fn cell(value: &Value) -> Cell {
    let mut text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    printed::cut(&mut text);
    match value.as_f64() {
        Some(number) => Cell { value: cell::Value::Number(number, text), ..Cell::text("") },
        None => Cell::text(text),
    }
}

impl Model {
    /// Asks for the tables that are due.
    pub(super) fn ask_for_tables(&mut self, now: Millis) {
        let Some(kind) = self.without_columns() else { return };
        let mut namespaces = vec![String::new()];
        if kind.resource.namespaced && !self.route.scope.is_empty() {
            namespaces = self.route.scope.names().map(str::to_owned).collect();
        }
        let (of, resource) = ((kind.id.clone(), namespaces), kind.resource.clone());
        // Objects that nobody watches come with what is printed of them.
        let asked = if kind.live { ("limit", MOST) } else { ("includeObject", "Object") };
        if self.server_tables.of != of {
            self.server_tables = ServerTables { of, ..ServerTables::default() };
        }
        if self.server_tables.current || now < self.server_tables.next {
            return;
        }
        (self.server_tables.current, self.server_tables.next) = (true, Millis::MAX);
        for namespace in &self.server_tables.of.1 {
            let target = Target { namespace: namespace.clone(), ..Target::default() };
            let request = Request::new(&resource, &target, Action::Print);
            let request = Request { query: vec![asked], ..request };
            let id = self.desk.post(Question::Server(Box::new(request)));
            self.server_tables.waits.push((id, namespace.clone()));
        }
    }

    /// The kind on show, when nothing but the server says its columns; once it is known that no definition does.
    fn without_columns(&self) -> Option<&Kind> {
        let kind = self.catalogue.kind(self.defined()?)?;
        let undefined = match self.plans.get(&kind.id) {
            _ if !kind.live => true,
            Some(plan) => matches!(plan.cells, Cells::Server(_)),
            None => {
                let looked = self.wire.figures(DEFINITIONS).is_some_and(|figures| figures.synced);
                looked
                    || self.wire.trouble(DEFINITIONS).is_some()
                    || self.catalogue.kind(DEFINITIONS).is_none()
            }
        };
        undefined.then_some(kind)
    }

    /// Takes what the server printed of `kind` in `namespace`.
    pub(super) fn printed(
        &mut self,
        kind: &str,
        namespace: &str,
        outcome: Result<Value, Error>,
        now: Millis,
    ) {
        let Some(known) = self.catalogue.kind(kind) else { return };
        let (namespaced, live) = (known.resource.namespaced, known.live);
        let before = match self.plans.get(kind).map(|plan| &plan.cells) {
            None => None,
            Some(Cells::Server(printout)) => Some(&**printout),
            Some(_) => return,
        };
        match outcome.as_ref().ok().and_then(|answer| plan(answer, namespaced, namespace, before)) {
            None => (self.server_tables.current, self.server_tables.next) = (false, now + AFTER_FAILURE),
            Some(plan) => {
                self.server_tables.next = now + PAUSE;
                self.plans.insert(kind.to_owned(), plan.clone());
                if let Some(table) = self.tables.get_mut(kind).filter(|table| *table.plan() != plan) {
                    table.replan(plan);
                }
            }
        }
        if !live {
            self.list(kind, namespace, outcome, now);
        }
    }
}

#[cfg(test)]
mod tests;
