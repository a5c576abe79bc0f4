//! From the model's state to a frame. Invariant: looks only; the one thing it brings up to date is the tables' order.

use std::rc::Rc;

use super::age::Millis;
use super::catalogue::Kind;
use super::cell::Tone;
use super::columns::{NAMESPACE_TITLE, Plan, Width};
use super::filter::Filter;
use super::frame::{
    ColumnFrame, Empty, Frame, NavigationGroup, NavigationItem, Overlay, RowFrame, TableFrame, WireFrame,
};
use super::listed::Listing;
use super::order;
use super::overview::overview;
use super::reveal::line;
use super::route::Route;
use super::scope::{self, Scope};
use super::table::{Query, Row, Table};
use super::trouble::Trouble;
use super::wire::Connection;
use super::{Model, ROW_HEIGHT, Shown};

/// Rows drawn above and below the window, and the step in which the window moves, so that a small scroll redraws nothing.
const MARGIN: usize = 4;
/// How long a change is tinted, in milliseconds.
const TINT: Millis = 600;
/// How many lines of the palette are in view.
const MOST_CHOICES: usize = 12;

/// The frame of `model` at `now`.
pub(super) fn frame(model: &mut Model, now: Millis) -> Frame {
    model.settle(now);
    let connection = model.wire.connection(model.outside(), now);
    let table = table(model, now).map(Rc::new);
    let open = model.route.open.clone().zip(model.route.kind.clone());
    let detail = open.map(|(key, kind)| {
        let name = model.catalogue.kind(&kind).map(|kind| kind.resource.kind.to_string()).unwrap_or_default();
        Rc::new(model.open.show((&kind, &name), &key, model.route.pane, &model.tables, now))
    });
    let masked = detail.as_ref().is_some_and(|detail| detail.revealed == Some(false));
    let edit = model.edit(masked);
    let overview = model.route.kind.is_none().then(|| {
        Rc::new(overview(
            &mut model.tables,
            &model.capacity,
            &model.wire,
            &model.catalogue,
            &model.route,
            now,
        ))
    });
    let filter = Filter::parse(&model.route.scope, &model.route.filter);
    Frame {
        hash: model.route.hash(),
        title: title(model, &connection),
        theme: model.theme.name(),
        source: model.source.clone(),
        notice: notice(model, &connection, now),
        connection,
        navigation: Rc::new(navigation(model)),
        namespaces: Rc::new(scope::choices(&model.route.scope, model.namespaces())),
        namespace: model.route.scope.text(),
        filter: model.route.filter.clone(),
        filter_problem: line(filter.problem().unwrap_or_default()).into_owned(),
        views: Rc::new(model.views.iter().cloned().collect()),
        overview,
        table,
        detail,
        acts: model.acts(),
        edit,
        report: model.desk.report(now).cloned(),
        failure: model.desk.failure().cloned(),
        logs: model.logs_view(now).map(Rc::new),
        terminal: model.terminal_view().map(Rc::new),
        owners: model.owners_view().map(Rc::new),
        wire: model.route.wire.then(|| Rc::new(wire(model, now))),
        overlay: overlay(model),
        asks_namespace: asks_namespace(model),
    }
}

/// Whether what is on show is refused in all namespaces at once, and might be granted in one.
fn asks_namespace(model: &Model) -> bool {
    let refused = match &model.route.kind {
        Some(kind) => model.narrowed.contains(kind),
        None => model.catalogue.kinds().any(|kind| kind.core && model.narrowed.contains(&kind.id)),
    };
    model.route.scope.is_empty() && refused
}

fn title(model: &Model, connection: &Connection) -> String {
    let place = line(model.place());
    match connection.state {
        "live" => format!("{place} · Portolan"),
        state => format!("{place} ({state}) · Portolan"),
    }
}

fn notice(model: &Model, connection: &Connection, now: Millis) -> Option<Trouble> {
    if let Some(trouble) = model.outside() {
        return Some(trouble.clone());
    }
    if connection.state == "live" {
        let listing = model.route.kind.as_deref().and_then(|kind| model.listing(kind));
        return listing.and_then(Listing::trouble).filter(|trouble| !trouble.refused).cloned();
    }
    let troubles: Vec<Option<Trouble>> = model.wire.lines(now).into_iter().map(|line| line.trouble).collect();
    let all_refused = troubles.iter().all(|trouble| trouble.as_ref().is_some_and(|trouble| trouble.refused));
    let mut told = troubles.into_iter().flatten();
    // One refused kind is its table's affair; when nothing is served, the refusal is the page's.
    let told = told.find(|trouble| if all_refused { trouble.forbids() } else { !trouble.refused });
    told.or_else(|| (connection.state == "stale").then(Trouble::silent))
}

fn navigation(model: &Model) -> Vec<NavigationGroup> {
    let here = model.route.kind.as_deref();
    let overview = NavigationItem {
        kind: String::new(),
        title: "Overview".to_owned(),
        link: model.route.to(None).hash(),
        count: None,
        unready: 0,
        tone: Tone::Plain,
        active: here.is_none(),
    };
    let mut groups = vec![NavigationGroup { title: String::new(), items: vec![overview] }];
    for kind in model.catalogue.kinds() {
        let title = match (kind.core, kind.resource.group.as_ref()) {
            (true, _) => "",
            (false, "") => "core",
            (false, group) => group,
        };
        let title = line(title);
        let item = item(model, kind, here);
        match groups.iter_mut().find(|group| group.title == title) {
            Some(group) => group.items.push(item),
            None => groups.push(NavigationGroup { title: title.into_owned(), items: vec![item] }),
        }
    }
    order::sort(&mut groups[1..], |left, right| left.title.cmp(&right.title));
    groups
}

fn item(model: &Model, kind: &Kind, here: Option<&str>) -> NavigationItem {
    let table = model.tables.get(&kind.id);
    let counts = table.map(|table| table.tones(&model.route.scope));
    let count_of = |tone: Tone| counts.map_or(0, |counts| counts[tone as usize]);
    // Warnings among the events are history, not a state.
    let tones = if kind.id == "events" { &[][..] } else { &[Tone::Bad, Tone::Warn, Tone::Busy] };
    let synced = model.wire.figures(&kind.id).is_some_and(|figures| figures.synced);
    let in_full = model.is_watched_in_full(kind);
    NavigationItem {
        kind: kind.id.clone(),
        title: kind.title.clone(),
        link: model.route.to(Some(&kind.id)).hash(),
        count: counts.map(|counts| counts.iter().sum()).or_else(|| synced.then_some(0)).filter(|_| in_full),
        unready: tones.iter().map(|&tone| count_of(tone)).sum(),
        tone: tones.iter().copied().find(|&tone| count_of(tone) > 0).unwrap_or_default(),
        active: here == Some(kind.id.as_str()),
    }
}

fn table(model: &mut Model, now: Millis) -> Option<TableFrame> {
    let id = model.route.kind.clone()?;
    let Some(kind) = model.catalogue.kind(&id) else { return Some(unknown(id)) };
    let (title, namespaced) = (kind.title.clone(), kind.resource.namespaced);
    let plan = model.tables.get(&id).map_or_else(|| model.plan(kind), |table| table.plan().clone());
    let shown: Vec<usize> = (0..plan.columns.len())
        .filter(|&index| model.route.scope.len() != 1 || plan.columns[index].title != NAMESPACE_TITLE)
        .collect();
    let query = query(&model.route, &plan, namespaced);
    let column = |&index: &usize| ColumnFrame {
        title: plan.columns[index].title.clone(),
        style: plan.columns[index].style,
        from: plan.columns[index].from,
        sorted: (index == query.column).then_some(query.descending),
    };
    let mut frame = TableFrame {
        title,
        listed: model.listed(kind, now),
        columns: shown.iter().map(column).collect(),
        tracks: [Width::Narrow, Width::Medium, Width::Wide].map(|width| tracks(&plan, &shown, width)),
        ..unknown(id.clone())
    };
    frame.empty = None;
    if let Some(table) = model.tables.get_mut(&id) {
        table.arrange(&query, model.hold);
        frame.total = table.tones(&model.route.scope).iter().sum();
        frame.matching = table.matching();
        let above = (model.top / ROW_HEIGHT) as usize;
        let step = above.min(frame.matching.saturating_sub(1)) / MARGIN * MARGIN;
        frame.first = step.saturating_sub(MARGIN);
        let height = (model.height / ROW_HEIGHT).ceil() as usize;
        let count = (height + 4 * MARGIN).min(400);
        let cursor = model.cursor.as_deref();
        frame.rows = table
            .window(frame.first, count)
            .zip(frame.first..)
            .map(|(row, place)| Rc::new(row_frame(row, place, &shown, cursor, now)))
            .collect();
    }
    if frame.matching == 0 {
        frame.empty = Some(empty(model, &id, frame.total));
    }
    Some(frame)
}

fn unknown(kind: String) -> TableFrame {
    TableFrame {
        title: line(&kind).into_owned(),
        kind,
        columns: Vec::new(),
        tracks: Default::default(),
        total: 0,
        matching: 0,
        first: 0,
        rows: Vec::new(),
        listed: None,
        empty: Some(Empty::UnknownKind),
    }
}

fn query(route: &Route, plan: &Plan, namespaced: bool) -> Query {
    let scope = if namespaced { route.scope.clone() } else { Scope::default() };
    let named = route.sort.as_ref().and_then(|sort| {
        let column =
            plan.columns.iter().position(|column| column.title.to_ascii_lowercase() == sort.column)?;
        Some((column, sort.descending))
    });
    let (column, descending) = named.unwrap_or(plan.order);
    Query { filter: Filter::parse(&scope, &route.filter), column, descending }
}

fn tracks(plan: &Plan, shown: &[usize], width: Width) -> String {
    let columns = shown.iter().map(|&index| &plan.columns[index]).filter(|column| column.from <= width);
    columns.map(|column| column.width).collect::<Vec<_>>().join(" ")
}

fn row_frame(row: &Row, place: usize, shown: &[usize], cursor: Option<&str>, now: Millis) -> RowFrame {
    RowFrame {
        key: row.key.clone(),
        version: row.version.clone(),
        place,
        cells: shown.iter().map(|&index| (row.cells[index].show(now), row.cells[index].tone)).collect(),
        selected: cursor == Some(row.key.as_str()),
        tint: row.changed.filter(|&then| now.saturating_sub(then) < TINT).map(|_| row.changes % 2 == 1),
    }
}

fn empty(model: &Model, kind: &str, here: usize) -> Empty {
    let figures = model.wire.figures(kind);
    let total = model.tables.get(kind).map_or(0, Table::len);
    if let Some(trouble) = model.outside().filter(|_| total == 0) {
        return Empty::Trouble(trouble.clone());
    }
    let listing = model.listing(kind);
    let trouble = model.wire.trouble(kind).or_else(|| listing?.trouble());
    if let Some(trouble) = trouble.filter(|_| total == 0) {
        return Empty::Trouble(trouble.clone());
    }
    let synced = figures.is_some_and(|figures| figures.synced) || listing.is_some_and(Listing::is_there);
    match (total, synced) {
        (0, false) => Empty::Loading,
        (0, true) => Empty::None,
        _ if here == 0 => Empty::NoneHere(line(&model.route.scope.words()).into_owned()),
        _ => Empty::NoMatch(here),
    }
}

fn wire(model: &Model, now: Millis) -> WireFrame {
    let lines = model.wire.lines(now);
    let history = model.wire.history();
    WireFrame {
        watches: lines.iter().filter(|line| line.figures.watching).count(),
        rate: history.last().copied().unwrap_or_default(),
        bytes: lines.iter().map(|line| line.figures.bytes).sum(),
        history,
        lines,
        all: model.watch_all || model.route.all,
    }
}

fn overlay(model: &Model) -> Overlay {
    match &model.overlay {
        Shown::Nothing => Overlay::None,
        Shown::Help => Overlay::Help,
        Shown::Dialog(dialog) => Overlay::Dialog(Rc::new((**dialog).clone())),
        Shown::Palette { found, selected, .. } => {
            let selected = (*selected).min(found.len().saturating_sub(1));
            // The list shows a window around the selected line.
            let skip = selected.saturating_sub(MOST_CHOICES - 1);
            let choices = found.iter().skip(skip).take(MOST_CHOICES).cloned().collect();
            Overlay::Palette { choices, selected: selected - skip }
        }
        Shown::Naming { text } => {
            Overlay::Naming { text: text.clone(), taken: model.views.find(text.trim()).is_some() }
        }
    }
}
