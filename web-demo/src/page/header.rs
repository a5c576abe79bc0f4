//! The bar on top: where the data comes from, namespace, filter, connection; and the notice beneath it.

use sycamore::prelude::*;
use sycamore::web::queue_microtask;
use wasm_bindgen::JsCast;

use super::{Page, browser, text, when};
use crate::model::Event;
use crate::model::keys::Command;
use crate::model::scope::GROUPS;

/// The bar on top.
pub(crate) fn header(page: Page) -> View {
    let source = page.part(|frame| frame.source.clone());
    let filter = page.part(|frame| frame.filter.clone());
    let wrong = page.part(|frame| !frame.filter_problem.is_empty());
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
            button(class="tool go", title="Go to anything (: or Ctrl K)", on:click=move |_| page.command(Command::Jump)) {
                span(class="lens", aria-hidden="true")
                span(class="go-name") { "Go to …" }
            }
            (namespaces(page))
            label(class="filter") {
                span(class="key", aria-hidden="true") { "/" }
                input(
                    id="filter", r#type="search", placeholder="Filter: web !canary is:unready", autocomplete="off",
                    "spellcheck"="false", aria-label="Filter", data-testid="filter",
                    aria-invalid=move || wrong.get().to_string(), aria-describedby="filter-problem",
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

/// What is wrong with a selector in the filter; the table stays.
pub(crate) fn filter_problem(page: Page) -> View {
    let problem = page.part(|frame| frame.filter_problem.clone());
    let class = move || if problem.with(String::is_empty) { "problem none" } else { "problem" };
    view! {
        p(id="filter-problem", class=class, role="status", data-testid="filter-problem") {
            span(class="shaped tone-warn") { (move || problem.get_clone()) }
        }
    }
}

/// What went wrong and what to do, when something did.
pub(crate) fn notice(page: Page) -> View {
    when(page.part(|frame| frame.notice.is_some()), page, open_notice)
}

fn open_notice(page: Page) -> View {
    let notice = page.part(|frame| frame.notice.clone());
    let heard = page.part(|frame| frame.connection.heard.clone());
    view! {
        section(class="notice", role="alert", data-testid="notice") {
            strong(class="tone-bad shaped") { (text(notice, |notice| notice.title.clone())) }
            p() { (text(notice, |notice| notice.advice.clone())) }
            code(class="command") { (text(notice, |notice| notice.command.clone())) }
            p(class=move || if heard.with(String::is_empty) { "heard none" } else { "heard" }, data-testid="heard", aria-live="off") {
                (move || format!("The server was last heard of {} ago: what is on show may be behind.", heard.get_clone()))
            }
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
            "You may not look into all namespaces at once. Look into one, or some (a,b):"
            input(
                class="mono", r#type="text", autocomplete="off", "spellcheck"="false", placeholder="namespace",
                data-testid="namespace-box", on:change=go,
            )
        }
    }
}

/// The namespace switch: one alone, one more, one less.
fn namespaces(page: Page) -> View {
    let offered = page.part(|frame| frame.namespaces.clone());
    let chosen = page.part(|frame| frame.namespace.clone());
    let select = create_node_ref();
    create_effect(move || {
        offered.track();
        let chosen = chosen.get_clone();
        // The options are drawn by another effect of this same change.
        queue_microtask(move || {
            let select = select.try_get().and_then(|node| node.dyn_into::<web_sys::HtmlSelectElement>().ok());
            if let Some(select) = select {
                select.set_value(&chosen);
            }
        });
    });
    let [also, without] = GROUPS.map(|group| namespace_group(page, group));
    view! {
        label(class="namespace") {
            select(
                r#ref=select, aria-label="Namespace", data-testid="namespace",
                on:change=move |event: web_sys::Event| {
                    page.apply(Event::Namespace(browser::value(&event)));
                    browser::focus("rows");
                },
            ) {
                (namespace_options(page, ""))
                (also)
                (without)
            }
        }
    }
}

fn namespace_group(page: Page, group: &'static str) -> View {
    let any = page.part(move |frame| frame.namespaces.iter().any(|choice| choice.group == group));
    View::from_dynamic(move || match any.get() {
        true => view! { optgroup(label=group) { (namespace_options(page, group)) } },
        false => View::default(),
    })
}

fn namespace_options(page: Page, group: &'static str) -> View {
    let choices = page.part(move |frame| {
        frame.namespaces.iter().filter(|choice| choice.group == group).cloned().collect::<Vec<_>>()
    });
    view! {
        Keyed(list=choices, key=|choice| choice.value.clone(), view=|choice| view! { option(value=choice.value) { (choice.label) } })
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
            data-testid="connection", data-state=move || state.get(),
            title=move || reason.get_clone(), on:click=move |_| page.command(Command::Wire),
        ) {
            span(class="shaped") { (move || state.get().to_owned()) }
            span(class="next", data-testid="next-try") {
                (move || next.get().map(|seconds| format!("next try in {seconds} s")).unwrap_or_default())
            }
        }
        // Read aloud when it changes; the seconds are not.
        span(class="unseen", role="status") { (move || format!("Connection: {}", state.get())) }
    }
}
