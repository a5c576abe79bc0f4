//! The bar on top: where the data comes from, namespace, filter, connection; and the notice beneath it.

use sycamore::prelude::*;
use sycamore::web::queue_microtask;
use wasm_bindgen::JsCast;

use super::{Page, browser, changing, derived, effect, live, on, text, when};
use crate::model::Event;
use crate::model::keys::Command;
use crate::model::scope::GROUPS;

/// The bar on top.
pub(crate) fn header(page: Page) -> View {
    let source = page.part(|frame| frame.source.clone());
    let filter = page.part(|frame| frame.filter.clone());
    let wrong = page.part(|frame| !frame.filter_problem.is_empty());
    let theme = page.part(|frame| frame.theme);
    let theme = live(move || format!("Theme: {}", theme.get()));
    let menu = page.menu();
    let clear = when(derived(move || filter.with(|filter| !filter.is_empty())), page, clear);
    let [namespaces, badge] = [namespaces(page), badge(page)];
    view! {
        header(class="top") {
            button(class="tool menu", aria-label="Kinds", on:click=on(move |_| menu.set(!menu.get()))) {
                span(class="bars", aria-hidden="true")
            }
            a(class="brand", href="#/", aria-label="Portolan, overview") {
                span(class="mark", aria-hidden="true")
                span(class="brand-name") { "Portolan" }
            }
            span(class="source", data-testid="source") { (source) }
            button(class="tool go", title="Go to anything (: or Ctrl K)", on:click=on(move |_| page.command(Command::Jump))) {
                span(class="lens", aria-hidden="true")
                span(class="go-name") { "Go to …" }
            }
            (namespaces)
            label(class="filter") {
                span(class="key", aria-hidden="true") { "/" }
                input(
                    id="filter", r#type="search", placeholder="Filter: web !canary is:unready", autocomplete="off",
                    "spellcheck"="false", aria-label="Filter", data-testid="filter",
                    aria-invalid=move || wrong.get().to_string(), aria-describedby="filter-problem",
                    prop:value=move || filter.get_clone(),
                    on:input=on(move |event| page.apply(Event::Filter(browser::value(&event)))),
                )
                (clear)
            }
            (badge)
            button(class="tool theme", title="Light or dark (t)", on:click=on(move |_| page.command(Command::Theme))) {
                (theme)
            }
            button(class="tool help", title="Keys (?)", aria-label="Keys", on:click=on(move |_| page.command(Command::Help))) {
                "?"
            }
        }
    }
}

/// What Esc does, for those without keys.
fn clear(page: Page) -> View {
    let clear = on(move |_| {
        page.apply(Event::Filter(String::new()));
        browser::focus("filter");
    });
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
            span(class="shaped tone-warn") { (problem) }
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
    let class = move || if heard.with(String::is_empty) { "heard none" } else { "heard" };
    let heard = live(move || {
        format!("The server was last heard of {} ago: what is on show may be behind.", heard.get_clone())
    });
    let tone = text(notice, |notice| format!("tone-{} shaped", notice.tone().name()));
    let title = text(notice, |notice| notice.title.clone());
    let advice = text(notice, |notice| notice.advice.clone());
    let command = text(notice, |notice| notice.command.clone());
    let said = text(notice, |notice| notice.text.clone());
    view! {
        section(class="notice", role="alert", data-testid="notice") {
            strong(class=tone) { (title) }
            p() { (advice) }
            code(class="command") { (command) }
            p(class=class, data-testid="heard", aria-live="off") { (heard) }
            p(class="said") { (said) }
        }
    }
}

/// Asks for a namespace, when what is on show may not be looked at in all of them at once.
pub(crate) fn narrow(page: Page) -> View {
    when(page.part(|frame| frame.asks_namespace), page, namespace_box)
}

fn namespace_box(page: Page) -> View {
    let go = on(move |event| {
        page.apply(Event::Namespace(browser::value(&event).trim().to_owned()));
        browser::focus("rows");
    });
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
    effect(move || {
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
    let one = namespace_options(page, "");
    let [also, without] = GROUPS.map(|group| namespace_group(page, group));
    let choose = on(move |event| {
        page.apply(Event::Namespace(browser::value(&event)));
        browser::focus("rows");
    });
    view! {
        label(class="namespace") {
            select(r#ref=select, aria-label="Namespace", data-testid="namespace", on:change=choose) {
                (one)
                (also)
                (without)
            }
        }
    }
}

fn namespace_group(page: Page, group: &'static str) -> View {
    let any = page.part(move |frame| frame.namespaces.iter().any(|choice| choice.group == group));
    changing(move || match any.get() {
        true => {
            let options = namespace_options(page, group);
            view! { optgroup(label=group) { (options) } }
        }
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
    let class = live(move || format!("connection tone-{}", tone.get().name()));
    let word = live(move || state.get().to_owned());
    let next = live(move || next.get().map(|seconds| format!("next try in {seconds} s")).unwrap_or_default());
    let aloud = live(move || format!("Connection: {}", state.get()));
    view! {
        button(
            class=class, data-testid="connection", data-state=state, title=reason,
            on:click=on(move |_| page.command(Command::Wire)),
        ) {
            span(class="shaped") { (word) }
            span(class="next", data-testid="next-try") { (next) }
        }
        // Read aloud when it changes; the seconds are not.
        span(class="unseen", role="status") { (aloud) }
    }
}
