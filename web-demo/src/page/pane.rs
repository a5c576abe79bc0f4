//! The detail pane drawn: key facts first, YAML on demand.

use std::ops::Range;
use std::rc::Rc;

use sycamore::prelude::*;
use wasm_bindgen::JsCast;

use super::{Page, browser, when};
use crate::model::columns::Style;
use crate::model::detail::{Detail, Fact, Section};
use crate::model::keys::Command;
use crate::model::yaml::{Document, Line, Span};

/// The open object, when there is one.
pub(crate) fn pane(page: Page) -> View {
    when(page.part(|frame| frame.detail.is_some()), page, whole)
}

fn whole(page: Page) -> View {
    let [key, version] = [of(page, |detail| detail.key.clone()), of(page, |detail| detail.version.clone())];
    let gone = of(page, |detail| detail.gone);
    let missing = of(page, |detail| detail.missing);
    let yaml_shown = of(page, |detail| detail.yaml.is_some());
    let note = move |shown: bool| if shown { "pane-note" } else { "pane-note none" };
    view! {
        aside(
            class="pane", aria-label="Detail", data-testid="detail",
            data-key=move || key.get_clone(), data-version=move || version.get_clone(),
        ) {
            (head(page, yaml_shown))
            p(class=move || note(gone.get()), data-testid="gone") {
                span(class="shaped tone-warn") { "Deleted. This is the last that was seen of it." }
            }
            p(class=move || note(missing.get()), data-testid="missing") { "No object of this name is known here (yet)." }
            (when(yaml_shown, page, yaml))
            (when(create_selector(move || !yaml_shown.get()), page, facts))
        }
    }
}

fn head(page: Page, yaml_shown: ReadSignal<bool>) -> View {
    let name = of(page, |detail| detail.name.clone());
    let kind = of(page, |detail| match detail.namespace.as_str() {
        "" => detail.kind.clone(),
        namespace => format!("{} in {namespace}", detail.kind),
    });
    view! {
        header(class="pane-head") {
            div(class="pane-title") {
                span(class="pane-kind") { (move || kind.get_clone()) }
                h2(class="mono") { (move || name.get_clone()) }
            }
            button(
                class="tool", aria-pressed=move || yaml_shown.get().to_string(), data-testid="yaml-switch",
                title="YAML (y)", on:click=move |_| page.command(Command::Yaml),
            ) { "YAML" }
            button(class="tool", aria-label="Close", title="Close (Esc)", on:click=move |_| page.command(Command::Close)) {
                span(class="cross", aria-hidden="true")
            }
        }
    }
}

fn of<T: PartialEq + Default + 'static>(page: Page, read: fn(&Detail) -> T) -> ReadSignal<T> {
    page.part(move |frame| frame.detail.as_deref().map(read).unwrap_or_default())
}

fn facts(page: Page) -> View {
    let facts = of(page, |detail| detail.facts.clone());
    let sections = of(page, |detail| detail.sections.clone());
    view! {
        div(class="pane-body") {
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

/// The height of a row of YAML in CSS pixels, where rows are not wrapped; `.yaml` in app.css has the same.
const ROW_HEIGHT: f64 = 18.0;
/// More rows than this are not wrapped, and only those in view are in the document.
const MOST_WRAPPED: usize = 1_000;
/// How many rows are in the document then, and in which steps they move.
const WINDOW: usize = 240;
const STEP: usize = 40;

fn yaml(page: Page) -> View {
    let yaml = of(page, |detail| detail.yaml.clone());
    View::from_dynamic(move || match yaml.get_clone() {
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
        if let Some(node) = scroller.try_get().and_then(|node| node.dyn_into::<web_sys::Element>().ok()) {
            let above = (f64::from(node.scroll_top()) / ROW_HEIGHT) as usize;
            first.set_fn(|_| (above / STEP * STEP).saturating_sub(STEP));
        }
    };
    create_effect(move || {
        let first = first.get() as f64;
        let (Some(space), Some(window)) = (space.try_get(), window.try_get()) else { return };
        browser::style(&space, "height", &format!("{}px", rows as f64 * ROW_HEIGHT));
        browser::style(&window, "transform", &format!("translateY({}px)", first * ROW_HEIGHT));
    });
    let shown = create_selector(move || first.get());
    view! {
        div(r#ref=scroller, class="pane-body code", tabindex="0", data-testid="yaml-scroller", on:scroll=move |_| look()) {
            div(r#ref=space, class="yaml-space") {
                pre(r#ref=window, class="yaml unwrapped", data-testid="yaml", data-rows=rows.to_string()) {
                    (move || coloured(&document, shown.get()..shown.get() + WINDOW))
                }
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
