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

use super::{Page, changing, live, on, when};
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
    let note =
        |shown: ReadSignal<bool>| live(move || if shown.get() { "pane-note" } else { "pane-note none" });
    let [gone, missing] = [note(gone), note(missing)];
    let [head, acts, tabs] = [head(page), acts::acts(page), tabs(page)];
    let body = changing(move || match shown.get() {
        Pane::Facts => facts::facts(page),
        Pane::Yaml => vec![when(secret, page, reveal), yaml::yaml(page)].into(),
        Pane::Edit => vec![when(secret, page, reveal), edit::edit(page)].into(),
        Pane::Logs => logs::logs(page),
        Pane::Terminal => terminal::terminal(page),
        Pane::Owners => owners::owners(page),
    });
    view! {
        aside(class="pane", aria-label="Detail", data-testid="detail", data-key=key, data-version=version) {
            (head)
            (acts)
            (tabs)
            p(class=gone, data-testid="gone") {
                span(class="shaped tone-warn") { "Deleted. This is the last that was seen of it." }
            }
            p(class=missing, data-testid="missing") { "No object of this name is known here (yet)." }
            (body)
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
                span(class="pane-kind") { (kind) }
                h2(class="mono") { (name) }
            }
            button(class="tool", aria-label="Close", title="Close (Esc)", on:click=on(move |_| page.command(Command::Close))) {
                span(class="cross", aria-hidden="true")
            }
        }
    }
}

/// Shows the values of a Secret, or masks them again.
fn reveal(page: Page) -> View {
    let shown = of(page, |detail| detail.revealed == Some(true));
    let shown = live(move || shown.get().to_string());
    view! {
        p(class="pane-note") {
            button(
                class="push", data-testid="reveal", aria-pressed=shown, title="Values (x)",
                on:click=on(move |_| page.command(Command::Reveal)),
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
    let pressed = live(move || pressed.get().to_string());
    let name = format!("{}-switch", pane.name());
    let id = name.clone();
    let title = pane.title();
    view! {
        button(
            id=id, class="tab", aria-pressed=pressed, data-testid=name,
            on:click=on(move |_| page.command(Command::Show(pane))),
        ) { (title) }
    }
}

/// One part of the open object.
fn of<T: PartialEq + Default + 'static>(page: Page, read: fn(&Detail) -> T) -> ReadSignal<T> {
    page.part(move |frame| frame.detail.as_deref().map(read).unwrap_or_default())
}
