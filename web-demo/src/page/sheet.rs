//! The table drawn: a scroller as high as all rows, and only the rows in view in the document.

use std::rc::Rc;

use sycamore::prelude::*;

use super::{Page, at_each, browser, changing, derived, each, effect, live, on, on_size, places, text, when};
use crate::model::cell::{grouped, last_part};
use crate::model::frame::{ColumnFrame, Empty, RowFrame, TableFrame};
use crate::model::{Event, ROW_HEIGHT};

/// The table, when one is on show.
pub(crate) fn sheet(page: Page) -> View {
    when(page.part(|frame| frame.table.is_some()), page, whole)
}

fn whole(page: Page) -> View {
    let title = of(page, |table| table.title.clone());
    let amount = of(page, amount);
    let [total, matching] = [of(page, |table| table.total), of(page, |table| table.matching)];
    let [total, matching] = [total, matching].map(|count| live(move || count.get().to_string()));
    let scroller = scroller(page);
    let listed = when(of(page, |table| table.listed.is_some()), page, listed);
    view! {
        section(class="sheet") {
            div(class="sheet-head") {
                h1(data-testid="title") { (title) }
                span(class="amount", data-testid="amount", data-total=total, data-matching=matching) { (amount) }
                (listed)
            }
            div(class="sheet-body") { (scroller) }
        }
    }
}

/// How old the rows of a kind are that cannot be watched, and what brings newer ones.
fn listed(page: Page) -> View {
    let listed = of(page, |table| table.listed.clone().unwrap_or_default());
    view! {
        span(class="dim shaped tone-idle", data-testid="not-live") { (listed) }
        button(class="push", data-testid="refresh", on:click=on(move |_| page.apply(Event::Refresh))) { "Refresh" }
    }
}

fn scroller(page: Page) -> View {
    let [title, kind] = [of(page, |table| table.title.clone()), of(page, |table| table.kind.clone())];
    let total = of(page, |table| table.matching);
    let total = live(move || total.get().to_string());
    let [scroller, grid, space] = std::array::from_fn(|_| create_node_ref());
    place(page, grid, space);
    let measure = move || {
        if let Some((top, height)) = scroller.try_get().and_then(|node| browser::scrolled(&node)) {
            page.apply(Event::Scrolled { top, height });
        }
    };
    on_size(scroller, measure);
    let [headings, rows, nothing] = [headings(page), rows(page), nothing(page)];
    view! {
        div(
            r#ref=scroller, class="scroller", id="rows", tabindex="0", role="grid", data-testid="table",
            data-kind=kind, aria-label=title, aria-rowcount=total, on:scroll=on(move |_| measure()),
        ) {
            div(r#ref=grid, class="grid") {
                (headings)
                div(r#ref=space, class="space") {
                    div(
                        class="window", role="rowgroup",
                        on:pointerenter=on(move |_| page.apply(Event::Pointer(true))),
                        on:pointerleave=on(move |_| page.apply(Event::Pointer(false))),
                    ) {
                        (rows)
                    }
                }
            }
        }
        (nothing)
    }
}

/// Sets the grid's tracks and the height of all rows.
fn place(page: Page, grid: NodeRef, space: NodeRef) {
    let tracks = of(page, |table| table.tracks.clone());
    let total = of(page, |table| table.matching);
    effect(move || {
        let tracks = tracks.get_clone();
        let Some(grid) = grid.try_get() else { return };
        for (name, tracks) in ["--narrow", "--medium", "--wide"].into_iter().zip(&tracks) {
            browser::style(&grid, name, tracks);
        }
    });
    effect(move || {
        let total = total.get() as f64;
        if let Some(space) = space.try_get() {
            browser::style(&space, "height", &format!("{}px", total * ROW_HEIGHT));
        }
    });
}

fn of<T: PartialEq + Default + 'static>(page: Page, read: fn(&TableFrame) -> T) -> ReadSignal<T> {
    page.part(move |frame| frame.table.as_deref().map(read).unwrap_or_default())
}

fn amount(table: &TableFrame) -> String {
    match (table.matching, table.total) {
        _ if matches!(table.empty, Some(Empty::Loading | Empty::Trouble(_) | Empty::UnknownKind)) => {
            String::new()
        }
        (matching, total) if matching == total => grouped(total),
        (matching, total) => format!("{} of {}", grouped(matching), grouped(total)),
    }
}

fn headings(page: Page) -> View {
    let none = of(page, |table| table.columns.is_empty());
    let headings = each(
        page,
        |frame| frame.table.as_ref().map_or(0, |table| table.columns.len()),
        |frame, place| frame.table.as_ref()?.columns.get(place).cloned(),
        move |column| heading(page, column),
    );
    // A row of no cells would be none to those who hear the page.
    let role = move || if none.get() { "presentation" } else { "row" };
    view! {
        div(class="row headings", role=role) { (headings) }
    }
}

fn heading(page: Page, column: ReadSignal<Option<ColumnFrame>>) -> View {
    let sorted = text(column, |column| {
        match column.sorted {
            Some(true) => "descending",
            Some(false) => "ascending",
            None => "none",
        }
        .to_owned()
    });
    let class = text(column, |column| format!("cell c-{} from-{}", column.style.name(), column.from.name()));
    let title = text(column, |column| column.title.to_string());
    let sort = on(move |_| {
        if let Some(column) = column.get_clone_untracked() {
            page.apply(Event::SortBy(column.title.to_string()));
        }
    });
    view! {
        div(class=class, role="columnheader", aria-sort=sorted) {
            button(class="sort", data-testid="sort", on:click=sort) { (title) }
        }
    }
}

fn rows(page: Page) -> View {
    let shape = of(page, |table| table.columns.clone());
    let places = places(of(page, |table| table.columns.len()));
    each(
        page,
        |frame| frame.table.as_ref().map_or(0, |table| table.rows.len()),
        |frame, element| frame.table.as_ref()?.drawn_by(element).cloned(),
        move |row| line(page, row, places, shape),
    )
}

type RowSignal = ReadSignal<Option<Rc<RowFrame>>>;

fn line(
    page: Page,
    row: RowSignal,
    places: ReadSignal<Vec<usize>>,
    shape: ReadSignal<Vec<ColumnFrame>>,
) -> View {
    let class = derived(text(row, |row| {
        let tint = match row.tint {
            Some(true) => " tint-odd",
            Some(false) => " tint-even",
            None => "",
        };
        format!("row{tint}{}", if row.selected { " selected" } else { "" })
    }));
    let key = derived(text(row, |row| row.key.clone()));
    let version = derived(text(row, |row| row.version.clone()));
    let place = derived(move || row.with(|row| row.as_ref().map_or(0, |row| row.place)));
    let node = create_node_ref();
    effect(move || {
        let top = place.get() as f64 * ROW_HEIGHT;
        if let Some(node) = node.try_get() {
            browser::style(&node, "transform", &format!("translateY({top}px)"));
        }
    });
    let index = live(move || (place.get() + 2).to_string());
    let selected = text(row, |row| row.selected.to_string());
    let cells = at_each(places, move |place| cell(row, place, shape));
    view! {
        div(
            r#ref=node, aria-rowindex=index, class=class, role="row", data-testid="row",
            data-key=key, data-version=version, aria-selected=selected,
            on:click=on(move |_| page.apply(Event::Open(key.get_clone_untracked()))),
        ) { (cells) }
    }
}

fn cell(row: RowSignal, place: usize, shape: ReadSignal<Vec<ColumnFrame>>) -> View {
    let shown =
        derived(text(row, move |row| row.cells.get(place).map(|(text, _)| text.clone()).unwrap_or_default()));
    let tone = derived(move || {
        row.with(|row| row.as_ref().and_then(|row| row.cells.get(place)).map(|(_, tone)| *tone))
            .unwrap_or_default()
    });
    let class = live(move || {
        // Before the other is read: a signal that is brought up to date while one is borrowed ends the page.
        let tone = tone.get().name();
        shape.with(|shape| {
            let Some(column) = shape.get(place) else { return String::new() };
            format!("cell c-{} from-{} tone-{tone}", column.style.name(), column.from.name())
        })
    });
    // Of what comes first, a name as a rule, the end stays in view when the rest is cut.
    if place > 0 {
        return view! { div(class=class, role="gridcell") { (shown) } };
    }
    let head = live(move || shown.with(|text| text[..last_part(text)].to_owned()));
    let tail = live(move || shown.with(|text| text[last_part(text)..].to_owned()));
    view! {
        div(class=class, role="gridcell") {
            span(class="head") { (head) }
            span(class="tail") { (tail) }
        }
    }
}

/// Why there are no rows.
fn nothing(page: Page) -> View {
    let empty = page.part(|frame| {
        frame.table.as_ref().and_then(|table| Some((table.empty.clone()?, table.title.to_ascii_lowercase())))
    });
    changing(move || match empty.get_clone() {
        None => View::default(),
        Some((empty, title)) => reason(&empty, &title),
    })
}

fn reason(empty: &Empty, title: &str) -> View {
    let none = String::new;
    let (state, heading, advice, command) = match empty {
        Empty::Loading => ("loading", format!("Looking for {title} …"), none(), none()),
        Empty::None => (
            "none",
            format!("There are no {title}."),
            "They appear here as they are made.".to_owned(),
            none(),
        ),
        Empty::NoneHere(namespace) => (
            "none-here",
            format!("No {title} in {namespace}."),
            "Other namespaces have some.".to_owned(),
            none(),
        ),
        Empty::NoMatch(total) => (
            "no-match",
            format!("No match among {} {title}.", grouped(*total)),
            "Clear the filter (Esc) to see them.".to_owned(),
            none(),
        ),
        Empty::UnknownKind => (
            "unknown",
            format!("This server serves no {title}."),
            "It may not have been found yet, or has been removed. Press : to choose another kind.".to_owned(),
            none(),
        ),
        Empty::Trouble(trouble) if trouble.refused => (
            "forbidden",
            trouble.title.clone(),
            match trouble.text.ends_with(['.', '?']) {
                true => format!("{} {}", trouble.text, trouble.advice),
                false => format!("{}. {}", trouble.text, trouble.advice),
            },
            trouble.command.clone(),
        ),
        // Why is told by the notice above, which concerns the whole page.
        Empty::Trouble(_) => (
            "failed",
            format!("No {title} to show yet."),
            "They appear here as soon as the server answers.".to_owned(),
            none(),
        ),
    };
    view! {
        div(class="nothing", data-testid="empty", data-state=state, role="status") {
            p(class="nothing-title") { (heading) }
            p() { (advice) }
            code(class="command") { (command) }
        }
    }
}
