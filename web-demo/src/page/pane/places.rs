//! Which pod and which container, above logs and terminal; and what to do when there is trouble with them.

use sycamore::prelude::*;

use super::super::{Page, browser, text};
use crate::model;
use crate::model::inspect::Event;
use crate::model::place::Places;
use crate::model::trouble::Trouble;

/// A name in the address and in words, and which one is chosen.
type Choices = (String, Vec<(String, String)>);

/// The choices, as far as there is something to choose.
pub(super) fn places(page: Page, places: ReadSignal<Places>) -> View {
    let pods = create_selector(move || {
        places.with(|places| {
            let chosen = places.place.as_ref().map(|place| place.pod.clone()).unwrap_or_default();
            (chosen, places.pods.iter().map(|pod| (pod.clone(), pod.clone())).collect())
        })
    });
    let containers = create_selector(move || {
        places.with(|places| {
            let chosen = places.place.as_ref().map(|place| place.container.clone()).unwrap_or_default();
            let titled = |(name, kind): &(String, &'static str)| match *kind {
                "" => (name.clone(), name.clone()),
                kind => (name.clone(), format!("{name} ({kind})")),
            };
            (chosen, places.containers.iter().map(titled).collect())
        })
    });
    view! {
        (choice(page, "Pod", "stream-pod", pods, Event::Pod))
        (choice(page, "Container", "stream-container", containers, Event::Container))
    }
}

fn choice(
    page: Page,
    label: &'static str,
    id: &'static str,
    choices: ReadSignal<Choices>,
    event: fn(String) -> Event,
) -> View {
    let several = create_selector(move || choices.with(|(_, all)| all.len() > 1));
    let options = move || {
        let (chosen, all) = choices.get_clone();
        let option = |(name, title): (String, String)| {
            let selected = name == chosen;
            view! { option(value=name, selected=selected) { (title) } }
        };
        all.into_iter().map(option).collect::<Vec<View>>()
    };
    View::from_dynamic(move || {
        if !several.get() {
            return View::default();
        }
        view! {
            label(class="stream-choose") {
                span(class="stream-choose-label") { (label) }
                select(data-testid=id, on:change=move |changed: web_sys::Event| {
                    page.apply(model::Event::Inspect(event(browser::value(&changed))));
                }) { (options) }
            }
        }
    })
}

/// What went wrong and what to do, while something is wrong.
pub(super) fn advice(trouble: ReadSignal<Option<Trouble>>, page: Page) -> View {
    let shown = create_selector(move || trouble.with(Option::is_some));
    View::from_dynamic(move || {
        if !shown.get() {
            return View::default();
        }
        view! {
            div(class="stream-trouble", data-testid="stream-trouble") {
                p() { (text(trouble, |trouble| trouble.advice.clone())) }
                code(class="command") { (text(trouble, |trouble| trouble.command.clone())) }
                p(class="said") { (text(trouble, |trouble| trouble.text.clone())) }
                button(class="chip", data-testid="stream-again",
                    on:click=move |_| page.apply(model::Event::Inspect(Event::Again))) { "Try again" }
            }
        }
    })
}
