//! The open object as YAML, coloured; of a long document only what is in view.

use std::ops::Range;
use std::rc::Rc;

use sycamore::prelude::*;

use super::super::{Page, browser, changing, derived, effect, on};
use super::of;
use crate::model::yaml::{Document, Line, Span};

/// The height of a row of YAML in CSS pixels, where rows are not wrapped; `.yaml` in app.css has the same.
const ROW_HEIGHT: f64 = 18.0;
/// More rows than this are not wrapped, and only those in view are in the document.
const MOST_WRAPPED: usize = 1_000;
/// How many rows are in the document then, and in which steps they move.
const WINDOW: usize = 240;
const STEP: usize = 40;

/// All of it.
pub(super) fn yaml(page: Page) -> View {
    let yaml = of(page, |detail| detail.yaml.clone());
    changing(move || match yaml.get_clone() {
        None => View::default(),
        Some(Err(why)) => {
            view! { div(class="pane-body code") { p(class="pane-note", data-testid="no-yaml") { (why) } } }
        }
        Some(Ok(document)) if document.len() > MOST_WRAPPED => windowed(document),
        Some(Ok(document)) => {
            let text = coloured(&document, 0..document.len());
            view! { div(class="pane-body code") { pre(class="yaml", data-testid="yaml", tabindex="0") { (text) } } }
        }
    })
}

/// A long document: as high as all its rows, and those in view.
fn windowed(document: Rc<Document>) -> View {
    let [scroller, space, window] = std::array::from_fn(|_| create_node_ref());
    let first = create_signal(0);
    let rows = document.len();
    let look = move || {
        if let Some((top, _)) = scroller.try_get().and_then(|node| browser::scrolled(&node)) {
            let above = (top / ROW_HEIGHT) as usize;
            first.set_fn(|_| (above / STEP * STEP).saturating_sub(STEP));
        }
    };
    effect(move || {
        let first = first.get() as f64;
        let (Some(space), Some(window)) = (space.try_get(), window.try_get()) else { return };
        browser::style(&space, "height", &format!("{}px", rows as f64 * ROW_HEIGHT));
        browser::style(&window, "transform", &format!("translateY({}px)", first * ROW_HEIGHT));
    });
    let shown = derived(move || first.get());
    let lines = changing(move || coloured(&document, shown.get()..shown.get() + WINDOW));
    let count = rows.to_string();
    view! {
        div(r#ref=scroller, class="pane-body code", tabindex="0", data-testid="yaml-scroller", on:scroll=on(move |_| look())) {
            div(r#ref=space, class="yaml-space") {
                pre(r#ref=window, class="yaml unwrapped", data-testid="yaml", data-rows=count) { (lines) }
            }
        }
    }
}

fn coloured(document: &Document, rows: Range<usize>) -> View {
    let wrapped = document.len() <= MOST_WRAPPED;
    let row = |(line, ends): (Line, bool)| {
        let end = if ends || !wrapped { "\n" } else { "" };
        line.into_iter().map(span).chain([end.into()]).collect::<Vec<View>>()
    };
    document.rows(rows).flat_map(row).collect::<Vec<View>>().into()
}

fn span(span: Span) -> View {
    let class = format!("y-{}", span.class);
    view! { span(class=class) { (span.text) } }
}
