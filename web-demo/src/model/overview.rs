//! The overview: how many there are of each kind, what is not as it should be, and what happened last.
//!
//! Invariant: trouble comes first, the gravest and the youngest at the top; every line links to the table behind it.

use std::borrow::Cow;
use std::collections::HashMap;

use super::age::Millis;
use super::capacity::{self, Capacity};
use super::catalogue::Catalogue;
use super::cell::{Tone, Value};
use super::filter::Filter;
use super::health;
use super::manifest::{Manifest, part, text};
use super::order;
use super::reveal::{line, reveal};
use super::route::Route;
use super::table::{Query, Row, Table};
use super::timeline::{self, Timeline};
use super::trouble::Trouble;
use super::wire::Wire;

/// The overview as shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overview {
    /// One per kind of the page's own.
    pub tallies: Vec<Tally>,
    /// What needs a look, the gravest first, cut to what fits.
    pub attention: Vec<Attention>,
    /// How many need a look in all.
    pub unready: usize,
    /// What the nodes can give and how much of it is asked for.
    pub capacity: capacity::Board,
    /// The last hour's events.
    pub timeline: timeline::Picture,
    /// The youngest events.
    pub events: Vec<Happening>,
    /// Still waiting for the first lists.
    pub loading: bool,
    /// Only what the filter lets pass is counted and listed.
    pub filtered: bool,
    /// No kind may be looked at.
    pub forbidden: bool,
    /// The events may not be looked at.
    pub events_forbidden: bool,
    /// The nodes may not be looked at.
    pub nodes_forbidden: bool,
}

/// How many there are of a kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Tally {
    /// The kind's name.
    pub kind: String,
    /// In words.
    pub title: String,
    /// Where its table is.
    pub link: String,
    /// How many; `None` before the first list.
    pub count: Option<usize>,
    /// How many of each tone, the gravest first, none that are zero.
    pub tones: Vec<(Tone, usize)>,
    /// How many are not ready.
    pub unready: usize,
    /// Where those are listed.
    pub unready_link: String,
    /// What keeps it from being counted, in a word.
    pub trouble: String,
}

/// One object that needs a look.
#[derive(Clone, Debug, PartialEq)]
pub struct Attention {
    /// The kind in words.
    pub kind: String,
    /// Its key.
    pub key: String,
    /// Its status in a word.
    pub word: String,
    /// What that means.
    pub tone: Tone,
    /// Why, as far as the object says.
    pub why: String,
    /// How old it is.
    pub age: String,
    /// Where it is shown.
    pub link: String,
}

/// One event of the cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Happening {
    /// Its key.
    pub key: String,
    /// How long ago.
    pub age: String,
    /// Normal or worth a look.
    pub tone: Tone,
    /// Why, in a word.
    pub reason: String,
    /// Whom it concerns: `Pod/web-1`.
    pub object: String,
    /// What happened.
    pub message: String,
    /// Where it is shown.
    pub link: String,
}

/// Kinds whose trouble is listed; a ReplicaSet's is its Deployment's and its Pods'.
const WATCHED: &[&str] = &["nodes", "deployments.apps", "pods"];
/// Kinds counted on top.
const COUNTED: &[&str] = &["pods", "deployments.apps", "replicasets.apps", "services", "configmaps", "nodes"];
const MOST: usize = 14;
const MOST_EVENTS: usize = 24;

/// Has the tables keep which of their rows the filter lets pass, so that a picture costs no look into every object.
fn narrow(tables: &mut HashMap<String, Table>, route: &Route) {
    let filter = Filter::parse(&route.scope, &route.filter);
    for kind in COUNTED.iter().chain(WATCHED).chain(&["events"]) {
        if let Some(table) = tables.get_mut(*kind) {
            let (column, descending) = table.plan().order;
            table.arrange(&Query { filter: filter.clone(), column, descending }, false);
        }
    }
}

/// Sums up what `tables` hold of the route's namespace and the filter lets pass.
pub fn overview(
    tables: &mut HashMap<String, Table>,
    capacity: &Capacity,
    wire: &Wire,
    catalogue: &Catalogue,
    route: &Route,
    now: Millis,
) -> Overview {
    narrow(tables, route);
    let tallies: Vec<Tally> =
        COUNTED.iter().filter_map(|kind| tally(kind, tables, wire, catalogue, route)).collect();
    let mut unready: Vec<(&str, &Row)> = Vec::new();
    for &kind in WATCHED {
        let rows = tables.get(kind).into_iter().flat_map(Table::passing);
        unready.extend(rows.filter(|row| row.tone.is_unready()).map(|row| (kind, row)));
    }
    let total = unready.len();
    order::sort(&mut unready, |(_, left), (_, right)| {
        (right.tone, born(right), &left.key).cmp(&(left.tone, born(left), &right.key))
    });
    unready.truncate(MOST);
    let attention =
        unready.into_iter().map(|(kind, row)| attention(kind, row, catalogue, route, now)).collect();
    let loading = tallies.iter().any(|tally| tally.count.is_none() && tally.trouble.is_empty());
    let forbids = |kind: &str| wire.trouble(kind).is_some_and(Trouble::forbids);
    let forbidden = tallies.iter().all(|tally| tally.count.is_none() && forbids(&tally.kind));
    let mut timeline = Timeline::new(now);
    let events = events(tables, route, &mut timeline, now);
    let events_forbidden = forbids("events");
    let timeline = match events_forbidden && events.is_empty() {
        true => timeline::Picture::unknown(),
        false => timeline.picture(),
    };
    Overview {
        tallies,
        attention,
        unready: total,
        capacity: capacity.board(route),
        timeline,
        events,
        loading,
        filtered: !route.filter.trim().is_empty(),
        forbidden,
        events_forbidden,
        nodes_forbidden: forbids("nodes"),
    }
}

fn tally(
    kind: &str,
    tables: &HashMap<String, Table>,
    wire: &Wire,
    catalogue: &Catalogue,
    route: &Route,
) -> Option<Tally> {
    let title = catalogue.kind(kind)?.title.clone();
    let synced = wire.figures(kind).is_some_and(|figures| figures.synced);
    let mut counts = Tone::ALL.map(|tone| (tone, 0));
    for row in tables.get(kind).into_iter().flat_map(Table::passing) {
        counts[row.tone as usize].1 += 1;
    }
    let count: usize = counts.iter().map(|(_, count)| count).sum();
    let place = Route { filter: route.filter.clone(), ..route.to(Some(kind)) };
    let unready = format!("{} is:unready", route.filter).trim_start().to_owned();
    let unready_place = Route { filter: unready, ..place.clone() };
    Some(Tally {
        kind: kind.to_owned(),
        title,
        link: place.hash(),
        count: (synced || count > 0).then_some(count),
        unready: counts.iter().filter(|(tone, _)| tone.is_unready()).map(|(_, count)| count).sum(),
        tones: counts.into_iter().rev().filter(|(_, count)| *count > 0).collect(),
        unready_link: unready_place.hash(),
        trouble: wire.trouble(kind).map(|trouble| trouble.title.clone()).unwrap_or_default(),
    })
}

fn attention(kind: &str, row: &Row, catalogue: &Catalogue, route: &Route, now: Millis) -> Attention {
    let status = row.cells.iter().find(|cell| cell.tone == row.tone);
    Attention {
        kind: catalogue.kind(kind).map(|kind| kind.resource.kind.to_string()).unwrap_or_default(),
        key: line(&row.key).into_owned(),
        word: status.map(|cell| cell.show(now)).unwrap_or_default(),
        tone: row.tone,
        why: reveal(&why(&row.object)).into_owned(),
        age: row.cells.last().map(|cell| cell.show(now)).unwrap_or_default(),
        link: Route { open: Some(row.key.clone()), ..route.to(Some(kind)) }.hash(),
    }
}

fn events(
    tables: &HashMap<String, Table>,
    route: &Route,
    timeline: &mut Timeline,
    now: Millis,
) -> Vec<Happening> {
    let Some(table) = tables.get("events") else { return Vec::new() };
    let rows: Vec<&Row> = table.passing().collect();
    for row in &rows {
        if let Some(then) = seen(row) {
            timeline.count(then, row.tone);
        }
    }
    let order =
        |left: &&Row, right: &&Row| seen(right).cmp(&seen(left)).then_with(|| left.key.cmp(&right.key));
    order::first(rows, MOST_EVENTS, order).into_iter().map(|row| happening(row, route, now)).collect()
}

fn happening(row: &Row, route: &Route, now: Millis) -> Happening {
    let cell = |index: usize| row.cells.get(index).map(|cell| cell.show(now)).unwrap_or_default();
    Happening {
        key: row.key.clone(),
        age: cell(0),
        tone: row.tone,
        reason: cell(2),
        object: cell(3),
        message: cell(5),
        link: Route { open: Some(row.key.clone()), ..route.to(Some("events")) }.hash(),
    }
}

/// When an event was last seen: its first column.
fn seen(row: &Row) -> Option<Millis> {
    moment(row.cells.first())
}

/// When an object was made: its last column.
fn born(row: &Row) -> Option<Millis> {
    moment(row.cells.last())
}

fn moment(cell: Option<&super::cell::Cell>) -> Option<Millis> {
    match cell.map(|cell| &cell.value) {
        Some(Value::Since(moment)) => *moment,
        _ => None,
    }
}

/// Why an object is not as it should be, as far as it says so itself.
pub fn why(object: &Manifest) -> String {
    let waiting = object.elements("status.containerStatuses").find_map(|container| {
        let state = part(container, "state.waiting").or_else(|| part(container, "state.terminated"))?;
        Some(text(state, "message")).filter(|message| !message.is_empty())
    });
    let own = object.text("status.message");
    let condition = health::conditions(object).into_iter().find(|condition| {
        let bad = if health::is_good_when_false(&condition.kind) { "True" } else { "False" };
        condition.status == bad && !condition.message.is_empty()
    });
    waiting
        .or_else(|| (!own.is_empty()).then_some(own))
        .map(Cow::into_owned)
        .or_else(|| condition.map(|condition| condition.message))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::columns;
    use crate::model::scope::Scope;
    use crate::model::testing::manifest;
    use serde_json::json;

    fn sum_up(route: &Route) -> Overview {
        overview(&mut tables(), &Capacity::default(), &Wire::default(), &Catalogue::default(), route, NOW)
    }

    /// A minute after the first second of 2026.
    const NOW: Millis = 1_767_225_660_000;

    fn tables() -> HashMap<String, Table> {
        let mut pods = Table::new(columns::plan("pods", true));
        for (name, phase, born) in
            [("ok", "Running", 1), ("new", "Pending", 9), ("old", "Failed", 2), ("young", "Failed", 5)]
        {
            pods.put(
                manifest(json!({"metadata": {"name": name, "namespace": "n", "creationTimestamp": format!("2026-01-0{born}T00:00:00Z")},
                    "status": {"phase": phase, "message": "out of luck"}})),
                None,
            );
        }
        let mut events = Table::new(columns::plan("events", true));
        for second in 10..50 {
            events.put(
                manifest(json!({"metadata": {"name": format!("e{second}"), "namespace": "n"}, "type": "Normal", "reason": "Pulled",
                    "lastTimestamp": format!("2026-01-01T00:00:{second}Z")})),
                None,
            );
        }
        HashMap::from([("pods".into(), pods), ("events".into(), events)])
    }

    #[test]
    fn the_gravest_and_youngest_come_first_and_lead_to_themselves() {
        let route = Route::default();
        let overview = sum_up(&route);
        let keys: Vec<_> = overview.attention.iter().map(|line| line.key.as_str()).collect();
        assert_eq!(keys, ["n/young", "n/old", "n/new"]);
        assert_eq!(overview.attention[0].why, "out of luck");
        assert_eq!(Route::parse(&overview.attention[0].link).open.as_deref(), Some("n/young"));
        let pods = &overview.tallies[0];
        assert_eq!((pods.count, pods.unready), (Some(4), 3));
        assert_eq!(Route::parse(&pods.unready_link).filter, "is:unready");
        assert!(overview.loading, "the other kinds have not been listed");
    }

    #[test]
    fn the_youngest_events_are_shown_and_filters_and_namespaces_narrow() {
        let all = sum_up(&Route::default());
        assert_eq!((all.events.len(), all.events[0].key.as_str()), (MOST_EVENTS, "n/e49"));
        assert_eq!(all.timeline.counts, Some([0, 40]), "every event counts, whether or not it is listed");
        let one = Route { filter: "e33".into(), ..Route::default() };
        let filtered = sum_up(&one);
        assert_eq!((filtered.events.len(), filtered.attention.len(), filtered.filtered), (1, 0, true));
        let old = Route { filter: "old".into(), ..Route::default() };
        let filtered = sum_up(&old);
        assert_eq!((filtered.unready, filtered.tallies[0].count), (1, Some(1)));
        assert_eq!(Route::parse(&filtered.tallies[0].unready_link).filter, "old is:unready");
        let elsewhere = Route { scope: Scope::parse("m"), ..Route::default() };
        let none = sum_up(&elsewhere);
        assert_eq!((none.events.len(), none.attention.len(), none.tallies[0].count), (0, 0, None));
    }

    #[test]
    fn what_is_null_hides_no_reason() {
        let states = json!([null, {"state": {"waiting": null, "terminated": {"message": "out of memory"}}}]);
        assert_eq!(why(&manifest(json!({"status": {"containerStatuses": states}}))), "out of memory");
    }
}
