//! The open object as text to be edited: a plain text area, what the server says would come of it, and who is in the way.

use sycamore::prelude::*;

use super::super::{Page, browser, each, live, on, text, told, when};
use super::of;
use crate::model::Event;
use crate::model::changes::Line;
use crate::model::frame::{Conflict, EditFrame, Frame, Review};

/// The editor, or why there is none.
pub(super) fn edit(page: Page) -> View {
    let masked = of(page, |detail| detail.revealed == Some(false));
    let cannot = page
        .part(|frame| frame.edit.as_ref().and_then(|edit| edit.as_ref().err()).cloned().unwrap_or_default());
    let open = page.part(|frame| matches!(frame.edit, Some(Ok(_))));
    let editor = when(open, page, editor);
    view! {
        p(class=move || if masked.get() { "pane-note" } else { "none" }, data-testid="locked") {
            "The values of this Secret are masked: reveal them to edit it."
        }
        p(class=move || if cannot.with(String::is_empty) { "none" } else { "pane-note" }, data-testid="cannot-edit") { (cannot) }
        (editor)
    }
}

fn editor(page: Page) -> View {
    let [yaml, unseen] = [part(page, |edit| edit.text.clone()), part(page, |edit| edit.unseen.clone())];
    let [busy, denied] =
        [part(page, |edit| edit.busy.to_owned()), part(page, |edit| edit.denied.clone().unwrap_or_default())];
    // Letters are text here, not commands; Esc leaves the box.
    let keys = on(|event: web_sys::KeyboardEvent| {
        if browser::is_held(&event) {
            return;
        }
        event.stop_propagation();
        if event.key() == "Escape" {
            browser::focus("rows");
        }
    });
    let warning =
        live(move || unseen.with(|places| format!("Not seen below, or turning a line around: {places}")));
    let buttons = buttons(page);
    let problem = when(part(page, |edit| edit.problem.is_some()), page, problem);
    let review = when(part(page, |edit| edit.review.is_some()), page, review);
    view! {
        div(class="pane-body edit") {
            p(class="pane-note tone-warn shaped", hidden=move || denied.with(String::is_empty), data-testid="edit-denied") { (denied) }
            p(class="pane-note tone-warn shaped", hidden=move || unseen.with(|places| places.is_empty()), data-testid="unseen") {
                (warning)
            }
            textarea(
                id="editor", class="editor", aria-label="YAML of the object", "spellcheck"="false", autocomplete="off",
                autocapitalize="off", data-testid="editor", prop:value=move || yaml.with(|text| text.to_string()),
                on:input=on(move |event| page.apply(Event::Write(browser::value(&event)))), on:keydown=keys,
            )
            (buttons)
            p(class="busy dim", role="status", data-testid="edit-busy") { (busy) }
            div(role="alert") { (problem) }
            (review)
        }
    }
}

fn buttons(page: Page) -> View {
    let off = |on: ReadSignal<bool>| live(move || (!on.get()).to_string());
    let untouched = off(part(page, |edit| edit.touched));
    let busy = off(part(page, |edit| edit.busy.is_empty()));
    let unready = off(part(page, |edit| edit.ready));
    view! {
        div(class="pushes") {
            button(class="push", data-testid="discard", aria-disabled=untouched, on:click=on(move |_| page.apply(Event::Discard))) { "Discard" }
            button(class="push", data-testid="review", aria-disabled=busy, on:click=on(move |_| page.apply(Event::Review))) { "Review" }
            button(class="push strong", data-testid="apply", aria-disabled=unready, on:click=on(move |_| page.apply(Event::Apply))) { "Apply" }
        }
    }
}

fn problem(page: Page) -> View {
    let trouble = page.part(|frame| edit_of(frame).and_then(|edit| edit.problem.clone()));
    let title = text(trouble, |trouble| trouble.title.clone());
    let told = told(trouble);
    view! {
        div(class="edit-problem", data-testid="edit-problem") {
            strong(class="tone-bad shaped") { (title) }
            (told)
        }
    }
}

fn review(page: Page) -> View {
    let verdict = part(page, |edit| match edit.review.as_deref() {
        Some(review) if review.lines.is_empty() => "The server would change nothing.".to_owned(),
        Some(_) => "What would change".to_owned(),
        None => String::new(),
    });
    let unknown = part(page, |edit| {
        let unknown = edit.review.as_deref().and_then(|review| review.unknown.as_deref());
        unknown.map(|why| format!("Who else manages these fields is not known: {why}.")).unwrap_or_default()
    });
    let lines = each(page, |frame| reviewed(frame).map_or(0, |review| review.lines.len()), line, drawn);
    let some = part(page, |edit| edit.review.as_deref().is_some_and(|review| !review.conflicts.is_empty()));
    let conflicts = when(some, page, conflicts);
    view! {
        section(class="review", aria-label="Review", data-testid="reviewed") {
            (conflicts)
            p(class="dim") { (unknown) }
            h3() { (verdict) }
            pre(class="changes", tabindex="0", aria-label="Changed lines", data-testid="changes") { (lines) }
        }
    }
}

fn conflicts(page: Page) -> View {
    let read = |frame: &Frame, place: usize| reviewed(frame)?.conflicts.get(place).cloned();
    let list = each(page, |frame| reviewed(frame).map_or(0, |review| review.conflicts.len()), read, conflict);
    let take = part(page, |edit| edit.review.as_deref().is_some_and(|review| review.take));
    view! {
        div(class="conflicts", data-testid="conflicts") {
            h3(class="tone-warn shaped") { "Others manage what you change" }
            dl(class="facts stacked") { (list) }
            label(class="chosen") {
                input(
                    r#type="checkbox", data-testid="take", prop:checked=take,
                    on:change=on(move |_| page.apply(Event::Take(!take.get()))),
                )
                span() { "Take these fields over" }
            }
        }
    }
}

fn conflict(item: ReadSignal<Option<Conflict>>) -> View {
    let manager = text(item, |item| item.manager.clone());
    let fields = text(item, |item| item.fields.join("\n"));
    view! {
        div(class="fact", data-testid="conflict") {
            dt() { (manager) }
            dd(class="mono") { (fields) }
        }
    }
}

fn line(frame: &Frame, place: usize) -> Option<Line> {
    reviewed(frame)?.lines.get(place).cloned()
}

fn drawn(item: ReadSignal<Option<Line>>) -> View {
    let class = text(item, |line| format!("change {}", line.change.signs().0));
    let line = text(item, |line| format!("{} {}\n", line.change.signs().1, line.text));
    view! { span(class=class) { (line) } }
}

fn edit_of(frame: &Frame) -> Option<&EditFrame> {
    frame.edit.as_ref()?.as_ref().ok()
}

fn reviewed(frame: &Frame) -> Option<&Review> {
    edit_of(frame)?.review.as_deref()
}

/// One part of the edit.
fn part<T: PartialEq + Default + 'static>(page: Page, read: fn(&EditFrame) -> T) -> ReadSignal<T> {
    page.part(move |frame| edit_of(frame).map(read).unwrap_or_default())
}
