//! Which pod and which container, above logs and terminal; and what to do when there is trouble with them.

use sycamore::prelude::*;

use super::super::{Page, browser, text};
use crate::model::inspect::Event;
use crate::model::place::{Places, title};
use crate::model::trouble::Trouble;

/// A name in the address and in words, and which one is chosen.
pub(super) type Choices = (String, Vec<(String, String)>);

/// The choices, as far as there is something to choose.
pub(super) fn places(page: Page, places: ReadSignal<Places>) -> View {
    let pods = create_selector(move || {
        places.with(|places| {
            let chosen = places.place.as_ref().map(|place| place.pod.clone()).unwrap_or_default();
            (chosen, places.pods.iter().map(|pod| (pod.clone(), title(pod))).collect())
        })
    });
    let containers = create_selector(move || {
        places.with(|places| {
            let chosen = places.place.as_ref().map(|place| place.container.clone()).unwrap_or_default();
            let titled = |(name, kind): &(String, &'static str)| match *kind {
                "" => (name.clone(), title(name)),
                kind => (name.clone(), format!("{} ({kind})", title(name))),
            };
            (chosen, places.containers.iter().map(titled).collect())
        })
    });
    view! {
        (choice("Pod", "stream-pod", pods, move |pod| page.inspect(Event::Pod(pod))))
        (choice("Container", "stream-container", containers, move |name| page.inspect(Event::Container(name))))
    }
}

/// A choice among several: nothing where there is but one.
pub(super) fn choice(
    label: &'static str,
    id: &'static str,
    choices: ReadSignal<Choices>,
    choose: impl Fn(String) + Copy + 'static,
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
                select(data-testid=id, on:change=move |changed: web_sys::Event| choose(browser::value(&changed))) {
                    (options)
                }
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
                button(class="chip", data-testid="stream-again", on:click=move |_| page.inspect(Event::Again)) { "Try again" }
            }
        }
    })
}
