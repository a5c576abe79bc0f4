//! What lies over the page: the list of kinds and the help.

use sycamore::prelude::*;

use super::{Page, browser, each, text};
use crate::model::Event;
use crate::model::frame::{Frame, Overlay};
use crate::model::keys::{BINDINGS, Binding, Command};

/// The overlay on show.
pub(crate) fn overlay(page: Page) -> View {
    let which = page.part(|frame| std::mem::discriminant(&frame.overlay));
    let jump_to_a_kind =
        std::mem::discriminant(&Overlay::Jump { text: String::new(), kinds: Vec::new(), selected: 0 });
    view! {
        (move || match which.get() {
            which if which == std::mem::discriminant(&Overlay::Help) => help(page),
            which if which == jump_to_a_kind => jump(page),
            _ => View::default(),
        })
    }
}

fn help(page: Page) -> View {
    let lines: Vec<View> = BINDINGS.iter().map(binding).collect();
    view! {
        div(class="veil", on:click=move |_| page.command(Command::Close))
        section(class="over", role="dialog", aria-label="Keys", data-testid="help") {
            h2() { "Keys" }
            dl(class="bindings") { (lines) }
            p(class="hint") { "The filter knows words, !words, and is:ready, is:unready, is:failing, is:warning, is:pending." }
        }
    }
}

fn binding(binding: &Binding) -> View {
    let (label, help) = (binding.label, binding.help);
    view! {
        div() {
            dt() { kbd() { (label) } }
            dd() { (help) }
        }
    }
}

type Choice = (String, String, String, bool);

fn choice(frame: &Frame, place: usize) -> Option<Choice> {
    let Overlay::Jump { kinds, selected, .. } = &frame.overlay else { return None };
    let (id, title, group) = kinds.get(place)?.clone();
    Some((id, title, group, place == *selected))
}

fn choices(frame: &Frame) -> usize {
    match &frame.overlay {
        Overlay::Jump { kinds, .. } => kinds.len(),
        Overlay::None | Overlay::Help => 0,
    }
}

fn jump(page: Page) -> View {
    let choices = each(page, choices, choice, move |item| line(page, item));
    view! {
        div(class="veil", on:click=move |_| page.command(Command::Close))
        section(class="over", role="dialog", aria-label="Go to a kind") {
            label(class="jump-box") {
                span(class="key", aria-hidden="true") { ":" }
                input(
                    id="jump", data-testid="jump", autocomplete="off", "spellcheck"="false", aria-label="Kind",
                    placeholder="pods, deployments, cm, pvc …",
                    on:input=move |event: web_sys::Event| page.apply(Event::JumpText(browser::value(&event))),
                )
            }
            div(class="choices", role="listbox", aria-label="Kinds") { (choices) }
        }
    }
}

fn line(page: Page, item: ReadSignal<Option<Choice>>) -> View {
    let go = move |_| {
        if let Some((kind, ..)) = item.get_clone_untracked() {
            page.apply(Event::JumpTo(kind));
        }
    };
    view! {
        button(
            class="choice", tabindex="-1", role="option", data-testid="jump-choice",
            data-kind=text(item, |item| item.0.clone()), aria-selected=text(item, |item| item.3.to_string()), on:click=go,
        ) {
            span() { (text(item, |item| item.1.clone())) }
            span(class="mono dim") { (text(item, |item| item.2.clone())) }
        }
    }
}
