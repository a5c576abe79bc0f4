//! The kinds at the left: the page's own on top, found ones by group below.

use sycamore::prelude::*;

use super::{Page, each, name, text, when};
use crate::model::Event;
use crate::model::cell::grouped;
use crate::model::frame::{Frame, NavigationItem};
use crate::model::views;

/// The kinds.
pub(crate) fn navigation(page: Page) -> View {
    let found =
        page.part(|frame| frame.navigation.iter().skip(1).map(|group| group.items.len()).sum::<usize>());
    let own = each(page, |frame| group_len(frame, 0), |frame, place| item(frame, 0, place), entry);
    let groups = each(
        page,
        |frame| frame.navigation.len().saturating_sub(1),
        |frame, place| frame.navigation.get(place + 1).map(|group| (place + 1, group.title.clone())),
        move |group| self::group(page, group),
    );
    let menu = page.menu();
    view! {
        nav(class="kinds", aria-label="Kinds") {
            (when(page.part(|frame| !frame.views.is_empty()), page, kept))
            ul() { (own) }
            p(class=move || if found.get() > 0 { "found" } else { "found none" }, data-testid="found") {
                (move || format!("{} more kinds", found.get()))
            }
            div(class="groups") { (groups) }
        }
        div(class="scrim", on:click=move |_| menu.set(false))
    }
}

/// The kept views.
fn kept(page: Page) -> View {
    let views = each(
        page,
        |frame| frame.views.len(),
        |frame, place| Some((frame.views.get(place)?.clone(), frame.hash == frame.views.get(place)?.hash)),
        move |item| view(page, item),
    );
    view! {
        section(class="group views") {
            h2() { "Views" }
            ul() { (views) }
        }
    }
}

fn view(page: Page, item: ReadSignal<Option<(views::View, bool)>>) -> View {
    let remove = move |_| {
        if let Some((view, _)) = item.get_clone_untracked() {
            page.apply(Event::RemoveView(view.name));
        }
    };
    view! {
        li(class="view") {
            a(
                class="kind", href=text(item, |(view, _)| view.hash.clone()), data-testid="view",
                aria-current=text(item, |(_, active)| active.to_string()), title=text(item, |(view, _)| view.name.clone()),
            ) { span(class="view-name") { (text(item, |(view, _)| view.name.clone())) } }
            button(
                class="tool", data-testid="view-remove", on:click=remove, title="Remove",
                aria-label=text(item, |(view, _)| format!("Remove the view {}", view.name)),
            ) { span(class="cross", aria-hidden="true") }
        }
    }
}

fn group(page: Page, group: ReadSignal<Option<(usize, String)>>) -> View {
    let number = group.get_clone_untracked().map_or(0, |(number, _)| number);
    let items = each(
        page,
        move |frame| group_len(frame, number),
        move |frame, place| item(frame, number, place),
        entry,
    );
    view! {
        section(class="group") {
            h2() { (text(group, |(_, title)| title.clone())) }
            ul() { (items) }
        }
    }
}

fn group_len(frame: &Frame, group: usize) -> usize {
    frame.navigation.get(group).map_or(0, |group| group.items.len())
}

fn item(frame: &Frame, group: usize, place: usize) -> Option<NavigationItem> {
    frame.navigation.get(group)?.items.get(place).cloned()
}

fn entry(item: ReadSignal<Option<NavigationItem>>) -> View {
    let current = move || item.with(|item| item.as_ref().is_some_and(|item| item.active)).to_string();
    let unready = text(item, |item| match item.unready {
        0 => "unready none".to_owned(),
        _ => format!("unready shaped tone-{}", item.tone.name()),
    });
    view! {
        li() {
            a(
                class="kind", href=text(item, |item| item.link.clone()), data-testid="kind",
                data-kind=text(item, |item| item.kind.clone()), aria-current=current, title=text(item, |item| item.title.clone()),
            ) {
                span(class="kind-title") { (name(item, |item| &item.title)) }
                span(class=unready, title="Not ready") { (text(item, |item| grouped(item.unready))) }
                span(class="count") {
                    (text(item, |item| item.count.map(grouped).unwrap_or_default()))
                }
            }
        }
    }
}
