//! The terminal drawn: the screen's rows, and a box without looks that takes what is typed.

use sycamore::prelude::*;
use wasm_bindgen::JsCast;

use super::super::{Page, browser, changing, live, on, on_size};
use super::places::{advice, places};
use crate::model::inspect::Event;
use crate::model::terminal::{Size, Span, Stroke, View as Terminal};

/// The height of a row in CSS pixels; `.term` in app.css has the same.
const ROW_HEIGHT: f64 = 18.0;
/// How many letters the probe of their width has.
const PROBE: &str = "00000000000000000000";
/// How many rows a turn of the wheel scrolls by.
const WHEEL: isize = 3;

/// All of it.
pub(super) fn terminal(page: Page) -> View {
    let tone = of(page, |terminal| terminal.tone);
    let status = of(page, |terminal| terminal.status.clone());
    let trouble = of(page, |terminal| terminal.trouble.clone());
    let exited = of(page, |terminal| terminal.ended && terminal.trouble.is_none());
    let places = places(page, of(page, |terminal| terminal.places.clone()));
    let class = live(move || format!("stream-state shaped tone-{}", tone.get().name()));
    let advice = advice(trouble, page);
    let again = changing(move || match exited.get() {
        false => View::default(),
        true => view! {
            p(class="stream-note") {
                button(class="chip", data-testid="stream-again", on:click=on(move |_| page.inspect(Event::Again))) { "Begin another" }
            }
        },
    });
    let screen = screen(page);
    view! {
        div(class="stream-tools") { (places) }
        p(class=class, role="status", data-testid="terminal-state", data-tone=move || tone.get().name()) { (status) }
        (advice)
        (again)
        (screen)
    }
}

fn screen(page: Page) -> View {
    let [screen, probe] = std::array::from_fn(|_| create_node_ref());
    let drawn = of(page, |terminal| terminal.rows.clone());
    let rows = create_memo(move || drawn.with(|rows| rows.to_vec()));
    let measure = move || {
        let nodes = (screen.try_get(), probe.try_get());
        let (Some(screen), Some(probe)) = nodes else { return };
        let (Some((width, height)), Some((letters, _))) =
            (browser::inner_size(&screen), browser::inner_size(&probe))
        else {
            return;
        };
        let letter = (letters / PROBE.len() as f64).max(1.0);
        let size = Size { columns: (width / letter) as u16, rows: (height / ROW_HEIGHT) as u16 };
        page.inspect(Event::Resized(size));
    };
    on_size(screen, measure);
    let wheel = on(move |event: web_sys::WheelEvent| {
        event.prevent_default();
        page.inspect(Event::Wheel(if event.delta_y() < 0.0 { WHEEL } else { -WHEEL }));
    });
    let keys = keys(page);
    let unused = of(page, |terminal| terminal.trouble.is_some() && !terminal.begun);
    // It keeps the focus, so that Enter begins another.
    let class = move || if unused.get() { "term unused" } else { "term" };
    view! {
        div(class=class, on:click=on(move |_| browser::focus_unless_selecting("terminal")), on:wheel=wheel) {
            span(r#ref=probe, class="term-probe", aria-hidden="true") { (PROBE) }
            div(r#ref=screen, class="term-screen", data-testid="terminal-screen") {
                Indexed(list=rows, view=row)
            }
            (keys)
        }
    }
}

/// The box that has the focus. No key pressed in it is the page's.
fn keys(page: Page) -> View {
    let press = on(move |event: web_sys::KeyboardEvent| {
        event.stop_propagation();
        if event.key() == "F6" {
            event.prevent_default();
            return browser::focus("terminal-switch");
        }
        let stroke = Stroke {
            key: event.key(),
            ctrl: event.ctrl_key(),
            alt: event.alt_key(),
            shift: event.shift_key(),
        };
        let taken = !event.meta_key() && !event.is_composing() && page.model().takes(&stroke);
        if taken {
            event.prevent_default();
            page.inspect(Event::Stroke(stroke));
        }
    });
    let typed = on(move |event: web_sys::Event| {
        let Some(input) = event.dyn_ref::<web_sys::InputEvent>() else { return };
        if !input.is_composing() {
            let text = browser::take_value(&event);
            page.inspect(Event::Text(text, input.input_type() == "insertFromPaste"));
        }
    });
    let composed = on(move |event: web_sys::CompositionEvent| {
        let text = browser::take_value(&event);
        page.inspect(Event::Text(text, false));
    });
    view! {
        textarea(id="terminal", class="term-keys", data-testid="terminal", autocomplete="off", autocapitalize="off", "spellcheck"="false",
            aria-label="Terminal. Keys go to the shell; F6 leaves it.",
            on:keydown=press, on:input=typed, on:compositionend=composed)
    }
}

fn row(spans: Vec<Span>) -> View {
    let spans: Vec<View> =
        spans.into_iter().map(|(class, text)| view! { span(class=class) { (text) } }).collect();
    view! { div(class="term-row") { (spans) } }
}

/// One part of the terminal.
fn of<T: PartialEq + Default + 'static>(page: Page, read: fn(&Terminal) -> T) -> ReadSignal<T> {
    page.part(move |frame| frame.terminal.as_deref().map(read).unwrap_or_default())
}
