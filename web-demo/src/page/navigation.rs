//! The kinds at the left: the page's own on top, found ones by group below.

use sycamore::prelude::*;

use super::{Page, each, live, on, text, when};
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
    let kept = when(page.part(|frame| !frame.views.is_empty()), page, kept);
    let class = move || if found.get() > 0 { "found" } else { "found none" };
    let found = live(move || format!("{} more kinds", found.get()));
    view! {
        nav(class="kinds", aria-label="Kinds") {
            (kept)
            ul() { (own) }
            p(class=class, data-testid="found") { (found) }
            div(class="groups") { (groups) }
        }
        div(class="scrim", on:click=on(move |_| menu.set(false)))
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
    let remove = on(move |_| {
        if let Some((view, _)) = item.get_clone_untracked() {
            page.apply(Event::RemoveView(view.name));
        }
    });
    let link = text(item, |(view, _)| view.hash.clone());
    let current = text(item, |(_, active)| active.to_string());
    let [title, name] = [(); 2].map(|()| text(item, |(view, _)| view.name.clone()));
    let what = text(item, |(view, _)| format!("Remove the view {}", view.name));
    view! {
        li(class="view") {
            a(class="kind", href=link, data-testid="view", aria-current=current, title=title) {
                span(class="view-name") { (name) }
            }
            button(class="tool", data-testid="view-remove", on:click=remove, title="Remove", aria-label=what) {
                span(class="cross", aria-hidden="true")
            }
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
    let title = text(group, |(_, title)| title.clone());
    view! {
        section(class="group") {
            h2() { (title) }
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
    // Not text, for what has gone is not current.
    let current = live(move || item.with(|item| item.as_ref().is_some_and(|item| item.active)).to_string());
    let unready = text(item, |item| match item.unready {
        0 => "unready none".to_owned(),
        _ => format!("unready shaped tone-{}", item.tone.name()),
    });
    let link = text(item, |item| item.link.clone());
    let kind = text(item, |item| item.kind.clone());
    let [title, name] = [(); 2].map(|()| text(item, |item| item.title.clone()));
    let failing = text(item, |item| grouped(item.unready));
    let count = text(item, |item| item.count.map(grouped).unwrap_or_default());
    view! {
        li() {
            a(class="kind", href=link, data-testid="kind", data-kind=kind, aria-current=current, title=title) {
                span(class="kind-title") { (name) }
                span(class=unready, title="Not ready") { (failing) }
                span(class="count") { (count) }
            }
        }
    }
}
