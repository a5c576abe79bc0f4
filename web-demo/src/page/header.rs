//! The bar on top: where the data comes from, namespace, filter, connection; and the notice beneath it.

use sycamore::prelude::*;
use sycamore::web::queue_microtask;
use wasm_bindgen::JsCast;

use super::{Page, browser, text, when};
use crate::model::Event;
use crate::model::keys::Command;

/// The bar on top.
pub(crate) fn header(page: Page) -> View {
    let source = page.part(|frame| frame.source.clone());
    let filter = page.part(|frame| frame.filter.clone());
    let theme = page.part(|frame| frame.theme);
    let menu = page.menu();
    view! {
        header(class="top") {
            button(class="tool menu", aria-label="Kinds", on:click=move |_| menu.set(!menu.get())) {
                span(class="bars", aria-hidden="true")
            }
            a(class="brand", href="#/", aria-label="Portolan, overview") {
                span(class="mark", aria-hidden="true")
                span(class="brand-name") { "Portolan" }
            }
            span(class="source", data-testid="source") { (move || source.get_clone()) }
            (namespaces(page))
            label(class="filter") {
                span(class="key", aria-hidden="true") { "/" }
                input(
                    id="filter", r#type="search", placeholder="Filter: web !canary is:unready", autocomplete="off",
                    "spellcheck"="false", aria-label="Filter", data-testid="filter",
                    prop:value=move || filter.get_clone(),
                    on:input=move |event: web_sys::Event| page.apply(Event::Filter(browser::value(&event))),
                )
                (when(create_selector(move || filter.with(|filter| !filter.is_empty())), page, clear))
            }
            (badge(page))
            button(class="tool theme", title="Light or dark (t)", on:click=move |_| page.command(Command::Theme)) {
                (move || format!("Theme: {}", theme.get()))
            }
            button(class="tool help", title="Keys (?)", aria-label="Keys", on:click=move |_| page.command(Command::Help)) {
                "?"
            }
        }
    }
}

/// What Esc does, for those without keys.
fn clear(page: Page) -> View {
    let clear = move |_| {
        page.apply(Event::Filter(String::new()));
        browser::focus("filter");
    };
    view! {
        button(class="clear", aria-label="Clear the filter", title="Clear (Esc)", data-testid="clear", on:click=clear) {
            span(class="cross", aria-hidden="true")
        }
    }
}

/// What went wrong and what to do, when something did.
pub(crate) fn notice(page: Page) -> View {
    when(page.part(|frame| frame.notice.is_some()), page, open_notice)
}

fn open_notice(page: Page) -> View {
    let notice = page.part(|frame| frame.notice.clone());
    view! {
        section(class="notice", role="alert", data-testid="notice") {
            strong(class="tone-bad shaped") { (text(notice, |notice| notice.title.clone())) }
            p() { (text(notice, |notice| notice.advice.clone())) }
            code(class="command") { (text(notice, |notice| notice.command.clone())) }
            p(class="said") { (text(notice, |notice| notice.text.clone())) }
        }
    }
}

/// Asks for a namespace, when what is on show may not be looked at in all of them at once.
pub(crate) fn narrow(page: Page) -> View {
    when(page.part(|frame| frame.asks_namespace), page, namespace_box)
}

fn namespace_box(page: Page) -> View {
    let go = move |event: web_sys::Event| {
        page.apply(Event::Namespace(browser::value(&event).trim().to_owned()));
        browser::focus("rows");
    };
    view! {
        label(class="narrow") {
            "You may not look into all namespaces at once. Look into one:"
            input(
                class="mono", r#type="text", autocomplete="off", "spellcheck"="false", placeholder="namespace",
                data-testid="namespace-box", on:change=go,
            )
        }
    }
}

/// The namespace switch.
fn namespaces(page: Page) -> View {
    let names = page.part(|frame| frame.namespaces.clone());
    let chosen = page.part(|frame| frame.namespace.clone());
    let list = create_memo(move || names.with(|names| names.to_vec()));
    let select = create_node_ref();
    create_effect(move || {
        names.track();
        let chosen = chosen.get_clone();
        // The options are drawn by another effect of this same change.
        queue_microtask(move || {
            let select = select.try_get().and_then(|node| node.dyn_into::<web_sys::HtmlSelectElement>().ok());
            if let Some(select) = select {
                select.set_value(&chosen);
            }
        });
    });
    view! {
        label(class="namespace") {
            select(
                r#ref=select, aria-label="Namespace", data-testid="namespace",
                on:change=move |event: web_sys::Event| {
                    page.apply(Event::Namespace(browser::value(&event)));
                    browser::focus("rows");
                },
            ) {
                option(value="") { "All namespaces" }
                Keyed(list=list, key=|name| name.clone(), view=|name: String| {
                    let value = name.clone();
                    view! { option(value=value) { (name) } }
                })
            }
        }
    }
}

/// The connection in a word, always in view; a press opens the wire panel.
fn badge(page: Page) -> View {
    let state = page.part(|frame| frame.connection.state);
    let tone = page.part(|frame| frame.connection.tone);
    let reason = page.part(|frame| frame.connection.reason.clone());
    let next = page.part(|frame| frame.connection.next_try);
    view! {
        button(
            class=move || format!("connection tone-{}", tone.get().name()),
            data-testid="connection", data-state=move || state.get(), role="status",
            title=move || reason.get_clone(), on:click=move |_| page.command(Command::Wire),
        ) {
            span(class="shaped") { (move || state.get().to_owned()) }
            span(class="next", data-testid="next-try") {
                (move || next.get().map(|seconds| format!("next try in {seconds} s")).unwrap_or_default())
            }
        }
    }
}
