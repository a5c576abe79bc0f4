//! The detail pane drawn: key facts first, YAML on demand.

use sycamore::prelude::*;

use super::{Page, when};
use crate::model::columns::Style;
use crate::model::detail::{Detail, Fact, Section};
use crate::model::keys::Command;
use crate::model::yaml::{Line, Span};

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

/// More lines than this are shown without colours.
const MOST_COLOURED: usize = 4_000;

fn yaml(page: Page) -> View {
    let yaml = of(page, |detail| detail.yaml.clone());
    view! {
        div(class="pane-body code") {
            (move || match yaml.get_clone() {
                None => View::default(),
                Some(Err(why)) => view! { p(class="pane-note") { (why) } },
                Some(Ok(lines)) => {
                    let text = if lines.len() > MOST_COLOURED { plain(&lines).into() } else { coloured(&lines) };
                    view! { pre(class="yaml", data-testid="yaml", tabindex="0") { (text) } }
                }
            })
        }
    }
}

fn coloured(lines: &[Line]) -> View {
    let spans = lines.iter().flat_map(|line| line.iter().map(span).chain(["\n".into()]));
    spans.collect::<Vec<View>>().into()
}

fn span(span: &Span) -> View {
    let (class, text) = (format!("y-{}", span.class), span.text.clone());
    view! { span(class=class) { (text) } }
}

fn plain(lines: &[Line]) -> String {
    let line = |line: &Line| line.iter().map(|span| span.text.as_str()).chain(["\n"]).collect::<String>();
    lines.iter().map(line).collect()
}
