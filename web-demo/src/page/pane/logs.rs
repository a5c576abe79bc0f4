//! The logs drawn: what is chosen above, the lines in view below.

use sycamore::prelude::*;

use super::super::{Page, browser, changing, effect, live, on, on_size};
use super::places::{advice, choice, places};
use crate::model::choice::{Switch, TAILS};
use crate::model::inspect::Event;
use crate::model::logs::{LINE_HEIGHT, Row, View as Logs};

/// All of it.
pub(super) fn logs(page: Page) -> View {
    let tone = of(page, |logs| logs.tone);
    let status = of(page, |logs| logs.status.clone());
    let dropped = of(page, |logs| logs.dropped);
    let note = of(page, |logs| logs.trouble.clone());
    let places = places(page, of(page, |logs| logs.places.clone()));
    let [tail, search, lines] = [tail(page), search(page), lines(page)];
    let follow = switch(page, Switch::Follow, "Follow", "log-follow");
    let previous = switch(page, Switch::Previous, "Previous", "log-previous");
    let times = switch(page, Switch::Times, "Times", "log-times");
    let class = live(move || format!("stream-state shaped tone-{}", tone.get().name()));
    let advice = advice(note, page);
    let dropped = changing(move || match dropped.get() {
        0 => View::default(),
        count => {
            let note = format!("{count} older lines are not kept here.");
            view! { p(class="stream-note", data-testid="log-dropped") { (note) } }
        }
    });
    view! {
        div(class="stream-tools") {
            (places)
            (tail)
            (follow)
            (previous)
            (times)
        }
        (search)
        p(class=class, role="status", data-testid="log-state", data-tone=move || tone.get().name()) { (status) }
        (advice)
        (dropped)
        (lines)
    }
}

fn switch(page: Page, switch: Switch, title: &'static str, id: &'static str) -> View {
    let on = page.part(move |frame| frame.logs.as_ref().is_some_and(|logs| logs.choice.is_on(switch)));
    let pressed = live(move || on.get().to_string());
    let turn = self::on(move |_| page.inspect(Event::Turn(switch)));
    view! {
        button(class="chip", aria-pressed=pressed, data-testid=id, on:click=turn) { (title) }
    }
}

fn tail(page: Page) -> View {
    let tail = of(page, |logs| logs.choice.tail);
    let titled = |lines: u32| (lines.to_string(), format!("{lines} lines"));
    let choices = create_memo(move || (tail.get().to_string(), TAILS.map(titled).to_vec()));
    choice("Last", "log-tail", choices, move |tail| {
        if let Ok(tail) = tail.parse() {
            page.inspect(Event::Tail(tail));
        }
    })
}

fn search(page: Page) -> View {
    let find = of(page, |logs| logs.choice.find.clone());
    let hits = of(page, |logs| match (logs.choice.find.is_empty(), logs.hits) {
        (true, _) => String::new(),
        (false, (count, Some(at))) => format!("{} of {count}", at + 1),
        (false, (1, None)) => "1 line".to_owned(),
        (false, (count, None)) => format!("{count} lines"),
    });
    // The box has keys of its own, and none is the page's but those that are held with Control.
    let press = on(move |event: web_sys::KeyboardEvent| {
        if browser::is_held(&event) {
            return;
        }
        event.stop_propagation();
        match event.key().as_str() {
            "Enter" => page.inspect(Event::Step(if event.shift_key() { -1 } else { 1 })),
            "Escape" => browser::focus("log"),
            _ => return,
        }
        event.prevent_default();
    });
    let only = switch(page, Switch::Only, "Only these", "log-only");
    view! {
        div(class="stream-find") {
            input(r#type="search", placeholder="Find in the logs", aria-label="Find in the logs; Enter goes to the next, Esc leaves",
                data-testid="log-find", autocomplete="off", "spellcheck"="false", prop:value=move || find.get_clone(),
                on:input=on(move |event| page.inspect(Event::Find(browser::value(&event)))), on:keydown=press)
            span(class="stream-hits", role="status", data-testid="log-hits") { (hits) }
            (only)
        }
    }
}

fn lines(page: Page) -> View {
    let [scroller, space, window] = std::array::from_fn(|_| create_node_ref());
    let count = of(page, |logs| logs.lines);
    let first = of(page, |logs| logs.first);
    let away = of(page, |logs| logs.away);
    let rows = of(page, |logs| logs.rows.clone());
    let look = move || {
        if let Some((top, height)) = scroller.try_get().and_then(|node| browser::scrolled(&node)) {
            page.inspect(Event::Scrolled(top, height));
        }
    };
    on_size(scroller, look);
    effect(move || {
        let (count, first) = (count.get() as f64, first.get() as f64);
        let (Some(space), Some(window)) = (space.try_get(), window.try_get()) else { return };
        browser::style(&space, "height", &format!("{}px", count * LINE_HEIGHT));
        browser::style(&window, "transform", &format!("translateY({}px)", first * LINE_HEIGHT));
    });
    // What scrolls the lines does not move in the table.
    let scrolling = on(move |event: web_sys::KeyboardEvent| {
        let key = event.key();
        if matches!(key.as_str(), "ArrowDown" | "ArrowUp" | "Home" | "End") {
            event.stop_propagation();
        }
        if matches!(key.as_str(), "ArrowUp" | "Home" | "PageUp") {
            page.inspect(Event::Back);
        }
    });
    let wheeled = on(move |event: web_sys::WheelEvent| {
        if event.delta_y() < 0.0 {
            page.inspect(Event::Back);
        }
    });
    let count = live(move || count.get().to_string());
    let end = changing(move || match away.get() {
        false => View::default(),
        true => view! {
            button(class="log-end", data-testid="log-end", on:click=on(move |_| page.inspect(Event::End))) { "To the end" }
        },
    });
    view! {
        div(class="log-frame") {
            div(r#ref=scroller, id="log", class="log", tabindex="0", role="region", aria-label="Log lines", data-testid="log",
                data-lines=count, on:scroll=on(move |_| look()), on:keydown=scrolling, on:wheel=wheeled) {
                div(r#ref=space, class="log-space") {
                    pre(r#ref=window, class="log-window") {
                        Keyed(list=rows, key=|row| (row.number, row.current, row.spans.clone()), view=row)
                    }
                }
            }
            (end)
        }
    }
}

fn row(row: Row) -> View {
    let class = if row.current { "log-line current" } else { "log-line" };
    let spans: Vec<View> =
        row.spans.into_iter().map(|(class, text)| view! { span(class=class) { (text) } }).collect();
    view! { div(class=class, data-testid="log-line") { (spans) } }
}

/// One part of the logs.
fn of<T: PartialEq + Default + 'static>(page: Page, read: fn(&Logs) -> T) -> ReadSignal<T> {
    page.part(move |frame| frame.logs.as_deref().map(read).unwrap_or_default())
}
