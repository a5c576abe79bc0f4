//! What came of what the reader did, told in a corner of the page: by itself, and aloud.

use sycamore::prelude::*;

use super::{Page, derived, live, on, text, told, when};
use crate::model::Event;
use crate::model::frame::Report;

/// See the file.
pub(crate) fn report(page: Page) -> View {
    let said = page.part(|frame| match &frame.report {
        Some(Report::Pending(text)) => ("pending", text.clone()),
        Some(Report::Done(text)) => ("done", text.clone()),
        None => ("", String::new()),
    });
    let state = derived(move || said.with(|(state, _)| *state));
    let class = move || match state.get() {
        "" => "report none",
        "done" => "report shaped tone-good",
        _ => "report shaped tone-busy",
    };
    let said = live(move || said.with(|(_, text)| text.clone()));
    let failure = when(page.part(|frame| frame.failure.is_some()), page, failure);
    view! {
        div(class="reports") {
            p(class=class, role="status", data-testid="report", data-state=state) { (said) }
            div(role="alert") { (failure) }
        }
    }
}

fn failure(page: Page) -> View {
    let trouble = page.part(|frame| frame.failure.clone());
    let title = text(trouble, |trouble| trouble.title.clone());
    let told = told(trouble);
    let dismiss = on(move |_| page.apply(Event::Dismiss));
    view! {
        section(class="report failure", data-testid="failure") {
            strong(class="tone-bad shaped") { (title) }
            button(class="tool", aria-label="Close the message", data-testid="dismiss", on:click=dismiss) {
                span(class="cross", aria-hidden="true")
            }
            (told)
        }
    }
}
