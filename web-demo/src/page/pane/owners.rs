//! The owner tree drawn: a line per object, indented, each leading to its object.

use sycamore::prelude::*;

use super::super::{Page, browser, changing, each, on, text};
use crate::model::family::{Relative, stride};
use crate::model::frame::Frame;

/// Who made the open object, and whom it made.
pub(super) fn owners(page: Page) -> View {
    let none = page.part(|frame| frame.owners.as_ref().is_none_or(|owners| owners.is_empty()));
    let alone = page.part(|frame| frame.owners.as_ref().is_some_and(|owners| owners.len() == 1));
    let lines = each(
        page,
        |frame| frame.owners.as_ref().map_or(0, |owners| owners.len()),
        |frame, at| frame.owners.as_ref().and_then(|owners| owners.get(at).cloned()),
        line,
    );
    let press = on(move |event: web_sys::KeyboardEvent| {
        let next = browser::place_among(LINES).and_then(|at| stride(&levels(page), at, &event.key()));
        if let Some(next) = next {
            event.prevent_default();
            event.stop_propagation();
            browser::focus_at(LINES, next);
        }
    });
    let note = changing(move || match (none.get(), alone.get()) {
        (true, _) => view! { p(class="dim") { "This object is not known here (yet)." } },
        (_, true) => {
            view! { p(class="dim") { "Nobody made it but whoever applied it, and it has made nothing." } }
        }
        _ => View::default(),
    });
    view! {
        div(class="pane-body") {
            (note)
            div(role="tree", class="tree", aria-label="Owners and offspring", data-testid="owners", on:keydown=press) { (lines) }
        }
    }
}

/// What finds the lines.
pub(crate) const LINES: &str = ".tree .relative";

/// How deep each line is.
fn levels(page: Page) -> Vec<usize> {
    let owners =
        |frame: &Frame| frame.owners.iter().flat_map(|owners| owners.iter()).map(|line| line.level).collect();
    owners(&page.0.frame.get_clone_untracked())
}

fn line(relative: ReadSignal<Option<Relative>>) -> View {
    let class = text(relative, |relative| {
        let depth = relative.level.min(8);
        let current = if relative.current { " current" } else { "" };
        format!("relative depth-{depth}{current}")
    });
    let state = text(relative, |relative| match relative.state.is_empty() {
        true => "relative-state".to_owned(),
        false => format!("relative-state shaped tone-{}", relative.tone.name()),
    });
    let link = move || {
        let link = relative.with(|relative| relative.as_ref().map(|relative| relative.link.clone()));
        link.filter(|link| !link.is_empty())
    };
    let level = text(relative, |relative| relative.level.to_string());
    let current = text(relative, |relative| relative.current.to_string());
    let key = text(relative, |relative| relative.key.clone());
    let [kind, title] = [(); 2].map(|()| text(relative, |relative| relative.kind.clone()));
    let name = text(relative, |relative| relative.name.clone());
    let word = text(relative, |relative| relative.state.clone());
    let note = text(relative, |relative| relative.note.clone());
    view! {
        a(class=class, role="treeitem", tabindex="0", aria-level=level, aria-current=current, data-testid="owner",
            data-key=key, data-kind=kind, href=link) {
            span(class="what-kind") { (title) }
            span(class="mono relative-name") { (name) }
            span(class=state) { (word) }
            span(class="dim") { (note) }
        }
    }
}
