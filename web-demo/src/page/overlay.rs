//! What lies over the page: the palette, the box that names a view, and the help.

use sycamore::prelude::*;

use super::{Page, browser, changing, dialog, each, live, on, text};
use crate::model::Event;
use crate::model::frame::{Frame, Overlay};
use crate::model::keys::{BINDINGS, Binding, Command};
use crate::model::palette::{Choice, Target};

/// The overlay on show.
pub(crate) fn overlay(page: Page) -> View {
    let which = page.part(|frame| match &frame.overlay {
        Overlay::None => "",
        Overlay::Help => "help",
        Overlay::Dialog(_) => "dialog",
        Overlay::Palette { .. } => "palette",
        Overlay::Naming { .. } => "naming",
    });
    changing(move || {
        let over = match which.get() {
            "help" => help(),
            "dialog" => dialog::dialog(page),
            "palette" => palette(page),
            "naming" => naming(page),
            _ => return View::default(),
        };
        view! {
            div(class="veil", on:click=on(move |_| page.command(Command::Close)))
            (over)
        }
    })
}

fn help() -> View {
    let lines: Vec<View> = BINDINGS.iter().map(binding).collect();
    view! {
        section(class="over", role="dialog", aria-label="Keys", tabindex="0", data-testid="help") {
            h2() { "Keys" }
            dl(class="bindings") { (lines) }
            p(class="hint") {
                "The filter knows words, !words, and is:ready, is:unready, is:failing, is:warning, is:pending. Selectors: "
                span(class="mono") { "label:app in (a,b),!canary" }
                " and "
                span(class="mono") { "field:status.phase=Running" }
            }
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

fn naming(page: Page) -> View {
    let text = page.part(|frame| match &frame.overlay {
        Overlay::Naming { text, .. } => text.clone(),
        _ => String::new(),
    });
    let taken = page.part(|frame| matches!(frame.overlay, Overlay::Naming { taken: true, .. }));
    let note = live(move || match taken.get() {
        true => "There is a view of this name: it is replaced.",
        false => "Kept in this browser. To share it, share the address.",
    });
    view! {
        section(class="over", role="dialog", aria-label="Keep this view", data-testid="naming") {
            h2() { "Keep this view" }
            label(class="jump-box") {
                span() { "Name" }
                input(
                    id="name", data-testid="view-name", autocomplete="off", "spellcheck"="false", maxlength="60",
                    prop:value=move || text.get_clone(),
                    on:input=on(move |event| page.apply(Event::Typed(browser::value(&event)))),
                )
                button(class="tool", data-testid="view-save", on:click=on(move |_| page.apply(Event::SaveView))) { "Keep" }
            }
            p(class="dim", role="status") { (note) }
        }
    }
}

type Line = (Choice, bool, usize);

fn choice(frame: &Frame, place: usize) -> Option<Line> {
    let Overlay::Palette { choices, selected } = &frame.overlay else { return None };
    Some((choices.get(place)?.clone(), place == *selected, place))
}

fn choices(frame: &Frame) -> usize {
    match &frame.overlay {
        Overlay::Palette { choices, .. } => choices.len(),
        _ => 0,
    }
}

fn palette(page: Page) -> View {
    let lines = each(page, choices, choice, move |item| line(page, item));
    let none = page.part(|frame| choices(frame) == 0);
    let class = move || if none.get() { "dim" } else { "dim none" };
    let none = live(move || if none.get() { "Nothing of this name." } else { "" });
    let selected = page.part(|frame| match &frame.overlay {
        Overlay::Palette { choices, selected } if !choices.is_empty() => format!("choice-{selected}"),
        _ => String::new(),
    });
    view! {
        section(class="over", role="dialog", aria-label="Go to anything") {
            label(class="jump-box") {
                span(class="key", aria-hidden="true") { ":" }
                input(
                    id="jump", data-testid="jump", autocomplete="off", "spellcheck"="false",
                    aria-label="Kind, object, namespace, view or command", role="combobox", aria-expanded="true",
                    aria-autocomplete="list", aria-controls="choices", aria-activedescendant=selected,
                    placeholder="pods, web-1, shop, svc, theme …",
                    on:input=on(move |event| page.apply(Event::Typed(browser::value(&event)))),
                )
            }
            div(class="choices", id="choices", role="listbox", aria-label="Found") { (lines) }
            p(class=class, role="status") { (none) }
        }
    }
}

fn line(page: Page, item: ReadSignal<Option<Line>>) -> View {
    let go = on(move |_| {
        if let Some((choice, ..)) = item.get_clone_untracked() {
            page.apply(Event::Choose(choice.target));
        }
    });
    let kind = text(item, |(choice, ..)| match &choice.target {
        Target::Kind(kind) => kind.clone(),
        _ => String::new(),
    });
    let sort = text(item, |(choice, ..)| choice.target.name().to_owned());
    let id = text(item, |(_, _, place)| format!("choice-{place}"));
    let selected = text(item, |(_, selected, _)| selected.to_string());
    let title = text(item, |(choice, ..)| choice.title.clone());
    let hint = text(item, |(choice, ..)| choice.hint.clone());
    view! {
        button(
            class="choice", tabindex="-1", role="option", data-testid="jump-choice", data-kind=kind,
            data-choice=sort, id=id, aria-selected=selected, on:click=go,
        ) {
            span(class="choice-title") { (title) }
            span(class="mono dim") { (hint) }
        }
    }
}
