//! What matters about the open object.

use sycamore::prelude::*;

use super::super::Page;
use super::of;
use crate::model::columns::Style;
use crate::model::detail::{Fact, Section};

/// Its facts, then longer matters under headings.
pub(super) fn facts(page: Page) -> View {
    let facts = of(page, |detail| detail.facts.clone());
    let sections = of(page, |detail| detail.sections.clone());
    view! {
        div(class="pane-body", tabindex="0", role="region", aria-label="Facts") {
            dl(class="facts") { Indexed(list=facts, view=fact) }
            Indexed(list=sections, view=section)
        }
    }
}

fn section(section: Section) -> View {
    let class = if matches!(section.title, "Labels" | "Annotations") { "facts stacked" } else { "facts" };
    let facts: Vec<View> = section.facts.into_iter().map(fact).collect();
    view! {
        section(class="pane-section") {
            h3() { (section.title) }
            dl(class=class) { (facts) }
        }
    }
}

fn fact(fact: Fact) -> View {
    let shaped = if fact.style == Style::Status { " shaped" } else { "" };
    let class = format!("v-{}{shaped} tone-{}", fact.style.name(), fact.tone.name());
    view! {
        div(class="fact") {
            dt() { (fact.label) }
            dd(class=class) { (fact.value) }
        }
    }
}
