//! The question before something is done. The page behind it is inert; Enter answers yes, Esc no.

use sycamore::prelude::*;

use super::{Page, browser, on};
use crate::model::Event;
use crate::model::act::{Act, Dialog, Propagation};
use crate::model::frame::Overlay;
use crate::model::keys::Command;

/// The dialog on show.
pub(crate) fn dialog(page: Page) -> View {
    let act = of(page, |dialog| Some(dialog.act)).get();
    let [title, text, verb, problem] = [
        of(page, Dialog::title),
        of(page, Dialog::text),
        of(page, |dialog| dialog.verb().to_owned()),
        of(page, |dialog| dialog.problem.clone()),
    ];
    let controls = match act {
        Some(Act::Scale) => replicas(page),
        Some(Act::Delete) => propagation(page),
        Some(Act::Restart | Act::Cordon) | None => View::default(),
    };
    let first = if matches!(act, Some(Act::Restart | Act::Cordon)) { "dialog-first" } else { "dialog-last" };
    let class = if act == Some(Act::Delete) { "push strong grave" } else { "push strong" };
    // Arrows move among the choices, and nothing else listens to them here.
    let keep = on(|event: web_sys::KeyboardEvent| {
        if event.key().starts_with("Arrow") {
            event.stop_propagation();
        }
    });
    view! {
        section(
            class="over dialog", role="dialog", aria-modal="true", aria-labelledby="dialog-title",
            aria-describedby="dialog-text", data-testid="dialog", on:keydown=keep,
        ) {
            h2(id="dialog-title") { (title) }
            p(id="dialog-text", class="dim") { (text) }
            (controls)
            p(class="problem shaped tone-bad", role="alert", data-testid="dialog-problem") { (problem) }
            div(class="pushes") {
                button(class="push", data-testid="dialog-cancel", on:click=on(move |_| page.command(Command::Close))) { "Cancel" }
                button(id=first, class=class, data-testid="dialog-confirm", on:click=on(move |_| page.apply(Event::Confirm))) { (verb) }
            }
        }
    }
}

fn replicas(page: Page) -> View {
    let wanted = of(page, |dialog| dialog.replicas.clone());
    view! {
        label(class="asked") {
            "Replicas"
            input(
                id="dialog-first", class="mono", r#type="text", inputmode="numeric", autocomplete="off",
                data-testid="replicas", prop:value=move || wanted.get_clone(),
                on:input=on(move |event| page.apply(Event::Replicas(browser::value(&event)))),
            )
        }
    }
}

fn propagation(page: Page) -> View {
    let chosen = of(page, |dialog| Some(dialog.propagation));
    let line = move |choice: Propagation| {
        let [name, help] = [choice.name(), choice.help()];
        let id = if choice == Propagation::default() { "dialog-first" } else { name };
        view! {
            label(class="chosen") {
                input(
                    id=id, r#type="radio", name="propagation", value=name, data-testid="propagation",
                    prop:checked=move || chosen.get() == Some(choice),
                    on:change=on(move |_| page.apply(Event::Propagation(choice))),
                )
                span() { (name) }
                span(class="dim") { (help) }
            }
        }
    };
    let lines: Vec<View> = Propagation::ALL.into_iter().map(line).collect();
    view! { fieldset(class="choose") { legend(class="dim") { "What becomes of what it owns" } (lines) } }
}

/// One part of the dialog.
fn of<T: PartialEq + Default + 'static>(page: Page, read: impl Fn(&Dialog) -> T + 'static) -> ReadSignal<T> {
    page.part(move |frame| match &frame.overlay {
        Overlay::Dialog(dialog) => read(dialog),
        _ => T::default(),
    })
}
