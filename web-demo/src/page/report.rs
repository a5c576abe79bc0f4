//! What came of what the reader did, told in a corner of the page: by itself, and aloud.

use sycamore::prelude::*;

use super::{Page, text, told, when};
use crate::model::Event;
use crate::model::frame::Report;

/// See the file.
pub(crate) fn report(page: Page) -> View {
    let said = page.part(|frame| match &frame.report {
        Some(Report::Pending(text)) => ("pending", text.clone()),
        Some(Report::Done(text)) => ("done", text.clone()),
        None => ("", String::new()),
    });
    let state = create_selector(move || said.with(|(state, _)| *state));
    view! {
        div(class="reports") {
            p(
                class=move || match state.get() { "" => "report none", "done" => "report shaped tone-good", _ => "report shaped tone-busy" },
                role="status", data-testid="report", data-state=move || state.get(),
            ) { (move || said.with(|(_, text)| text.clone())) }
            div(role="alert") { (when(page.part(|frame| frame.failure.is_some()), page, failure)) }
        }
    }
}

fn failure(page: Page) -> View {
    let trouble = page.part(|frame| frame.failure.clone());
    view! {
        section(class="report failure", data-testid="failure") {
            strong(class="tone-bad shaped") { (text(trouble, |trouble| trouble.title.clone())) }
            button(class="tool", aria-label="Close the message", data-testid="dismiss", on:click=move |_| page.apply(Event::Dismiss)) {
                span(class="cross", aria-hidden="true")
            }
            (told(trouble))
        }
    }
}
