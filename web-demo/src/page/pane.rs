//! The detail pane drawn: a tab for each thing there is to show of an object.

mod acts;
mod edit;
mod facts;
mod logs;
mod owners;
mod places;
mod terminal;
mod yaml;

use sycamore::prelude::*;

pub(crate) use owners::LINES;

use super::{Page, when};
use crate::model::detail::Detail;
use crate::model::keys::Command;
use crate::model::route::Pane;

/// The open object, when there is one.
pub(crate) fn pane(page: Page) -> View {
    when(page.part(|frame| frame.detail.is_some()), page, whole)
}

fn whole(page: Page) -> View {
    let [key, version] = [of(page, |detail| detail.key.clone()), of(page, |detail| detail.version.clone())];
    let gone = of(page, |detail| detail.gone);
    let missing = of(page, |detail| detail.missing);
    let shown = of(page, |detail| detail.pane);
    let secret = of(page, |detail| detail.revealed.is_some());
    let note = move |shown: bool| if shown { "pane-note" } else { "pane-note none" };
    view! {
        aside(
            class="pane", aria-label="Detail", data-testid="detail",
            data-key=move || key.get_clone(), data-version=move || version.get_clone(),
        ) {
            (head(page))
            (acts::acts(page))
            (tabs(page))
            p(class=move || note(gone.get()), data-testid="gone") {
                span(class="shaped tone-warn") { "Deleted. This is the last that was seen of it." }
            }
            p(class=move || note(missing.get()), data-testid="missing") { "No object of this name is known here (yet)." }
            (move || match shown.get() {
                Pane::Facts => facts::facts(page),
                Pane::Yaml => view! {
                    (when(secret, page, reveal))
                    (yaml::yaml(page))
                },
                Pane::Edit => view! {
                    (when(secret, page, reveal))
                    (edit::edit(page))
                },
                Pane::Logs => logs::logs(page),
                Pane::Terminal => terminal::terminal(page),
                Pane::Owners => owners::owners(page),
            })
        }
    }
}

fn head(page: Page) -> View {
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
            button(class="tool", aria-label="Close", title="Close (Esc)", on:click=move |_| page.command(Command::Close)) {
                span(class="cross", aria-hidden="true")
            }
        }
    }
}

/// Shows the values of a Secret, or masks them again.
fn reveal(page: Page) -> View {
    let shown = of(page, |detail| detail.revealed == Some(true));
    view! {
        p(class="pane-note") {
            button(
                class="push", data-testid="reveal", aria-pressed=move || shown.get().to_string(), title="Values (x)",
                on:click=move |_| page.command(Command::Reveal),
            ) { "Reveal the values" }
        }
    }
}

fn tabs(page: Page) -> View {
    let panes = of(page, |detail| detail.panes.clone());
    view! {
        div(class="tabs", role="toolbar", aria-label="What to show") {
            Keyed(list=panes, key=|pane| pane.name(), view=move |pane| tab(page, pane))
        }
    }
}

fn tab(page: Page, pane: Pane) -> View {
    let pressed = page.part(move |frame| frame.detail.as_ref().is_some_and(|detail| detail.pane == pane));
    let name = format!("{}-switch", pane.name());
    let id = name.clone();
    view! {
        button(
            id=id, class="tab", aria-pressed=move || pressed.get().to_string(), data-testid=name,
            on:click=move |_| page.command(Command::Show(pane)),
        ) { (pane.title()) }
    }
}

/// One part of the open object.
fn of<T: PartialEq + Default + 'static>(page: Page, read: fn(&Detail) -> T) -> ReadSignal<T> {
    page.part(move |frame| frame.detail.as_deref().map(read).unwrap_or_default())
}
