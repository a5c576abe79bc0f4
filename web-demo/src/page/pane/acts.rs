//! The buttons that do something to the open object. One that is not allowed says why and stays in reach of the keyboard.

use sycamore::prelude::*;

use super::super::{Page, each, on, text};
use crate::model::act::Act;
use crate::model::frame::ActFrame;
use crate::model::keys::{BINDINGS, Command};

/// The buttons.
pub(super) fn acts(page: Page) -> View {
    let some = page.part(|frame| !frame.acts.is_empty());
    let buttons = each(
        page,
        |frame| frame.acts.len(),
        |frame, place| frame.acts.get(place).cloned(),
        move |item| button(page, item),
    );
    view! {
        div(class=move || if some.get() { "acts" } else { "acts none" }, role="toolbar", aria-label="Actions") { (buttons) }
    }
}

fn button(page: Page, item: ReadSignal<Option<ActFrame>>) -> View {
    let go = on(move |_| {
        if let Some(item) = item.get_clone_untracked() {
            page.command(Command::Act(item.act));
        }
    });
    let name = text(item, |item| item.act.name().to_owned());
    let denied = text(item, |item| item.denied.is_some().to_string());
    let hint = text(item, hint);
    let title = text(item, |item| item.title.to_owned());
    view! {
        button(class="push", data-testid="act", data-act=name, aria-disabled=denied, title=hint, on:click=go) { (title) }
    }
}

fn hint(item: &ActFrame) -> String {
    item.denied.clone().unwrap_or_else(|| format!("{} ({})", item.title, key(item.act)))
}

fn key(act: Act) -> &'static str {
    let bound = BINDINGS.iter().find(|binding| binding.command == Command::Act(act));
    bound.map(|binding| binding.label).unwrap_or_default()
}
