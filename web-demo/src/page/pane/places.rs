//! Which pod and which container, above logs and terminal; and what to do when there is trouble with them.

use sycamore::prelude::*;

use super::super::{Page, browser, changing, derived, on, text};
use crate::model::inspect::Event;
use crate::model::place::{Places, title};
use crate::model::trouble::Trouble;

/// A name in the address and in words, and which one is chosen.
pub(super) type Choices = (String, Vec<(String, String)>);

/// The choices, as far as there is something to choose.
pub(super) fn places(page: Page, places: ReadSignal<Places>) -> View {
    let pods = derived(move || {
        places.with(|places| {
            let chosen = places.place.as_ref().map(|place| place.pod.clone()).unwrap_or_default();
            (chosen, places.pods.iter().map(|pod| (pod.clone(), title(pod))).collect())
        })
    });
    let containers = derived(move || {
        places.with(|places| {
            let chosen = places.place.as_ref().map(|place| place.container.clone()).unwrap_or_default();
            let titled = |(name, kind): &(String, &'static str)| match *kind {
                "" => (name.clone(), title(name)),
                kind => (name.clone(), format!("{} ({kind})", title(name))),
            };
            (chosen, places.containers.iter().map(titled).collect())
        })
    });
    vec![
        choice("Pod", "stream-pod", pods, move |pod| page.inspect(Event::Pod(pod))),
        choice("Container", "stream-container", containers, move |name| page.inspect(Event::Container(name))),
    ]
    .into()
}

/// A choice among several: nothing where there is but one.
pub(super) fn choice(
    label: &'static str,
    id: &'static str,
    choices: ReadSignal<Choices>,
    choose: impl Fn(String) + Copy + 'static,
) -> View {
    let several = derived(move || choices.with(|(_, all)| all.len() > 1));
    changing(move || {
        if !several.get() {
            return View::default();
        }
        let options = changing(move || {
            let (chosen, all) = choices.get_clone();
            let option = |(name, title): (String, String)| {
                let selected = name == chosen;
                view! { option(value=name, selected=selected) { (title) } }
            };
            all.into_iter().map(option).collect::<Vec<View>>().into()
        });
        view! {
            label(class="stream-choose") {
                span(class="stream-choose-label") { (label) }
                select(data-testid=id, on:change=on(move |changed| choose(browser::value(&changed)))) { (options) }
            }
        }
    })
}

/// What went wrong and what to do, while something is wrong.
pub(super) fn advice(trouble: ReadSignal<Option<Trouble>>, page: Page) -> View {
    let shown = derived(move || trouble.with(Option::is_some));
    changing(move || {
        if !shown.get() {
            return View::default();
        }
        let advice = text(trouble, |trouble| trouble.advice.clone());
        let command = text(trouble, |trouble| trouble.command.clone());
        let said = text(trouble, |trouble| trouble.text.clone());
        let again = on(move |_| page.inspect(Event::Again));
        view! {
            div(class="stream-trouble", data-testid="stream-trouble") {
                p() { (advice) }
                code(class="command") { (command) }
                p(class="said") { (said) }
                button(class="chip", data-testid="stream-again", on:click=again) { "Try again" }
            }
        }
    })
}
