//! The wire panel drawn: per informer what it has open, where it is, and how much goes by.

use sycamore::prelude::*;

use super::{Page, each, live, on, text, when};
use crate::model::Event;
use crate::model::frame::WireFrame;
use crate::model::keys::Command;
use crate::model::wire::{Line, Phase};

/// The wire panel, when it is open.
pub(crate) fn wire(page: Page) -> View {
    when(page.part(|frame| frame.wire.is_some()), page, panel)
}

fn panel(page: Page) -> View {
    let lines = each(
        page,
        |frame| frame.wire.as_ref().map_or(0, |wire| wire.lines.len()),
        |frame, place| frame.wire.as_ref()?.lines.get(place).cloned(),
        line,
    );
    let head = head(page);
    view! {
        section(class="wire", aria-label="Wire", data-testid="wire") {
            (head)
            div(class="wire-body", tabindex="0") {
                table() {
                    thead() {
                        tr() {
                            th(scope="col") { "Informer" }
                            th(scope="col") { "State" }
                            th(scope="col", class="num") { "Objects" }
                            th(scope="col", class="num") { "Version" }
                            th(scope="col", class="num") { "Events/s" }
                            th(scope="col", class="num") { "Events" }
                            th(scope="col", class="num") { "Bookmarks" }
                            th(scope="col", class="num") { "Relists" }
                            th(scope="col", class="num") { "Bytes" }
                            th(scope="col", class="num") { "Heard" }
                            th(scope="col") { "Last error" }
                        }
                    }
                    tbody() { (lines) }
                }
            }
        }
    }
}

fn head(page: Page) -> View {
    let watches = of(page, |wire| wire.watches);
    let bytes = of(page, |wire| size(wire.bytes));
    let rate = of(page, |wire| format!("{:.1}", wire.rate));
    let path = of(page, |wire| spark(&wire.history));
    let all = of(page, |wire| wire.all);
    let watches = live(move || watches.get().to_string());
    view! {
        header(class="wire-head") {
            h2() { "Wire" }
            p(class="figure") { b(data-testid="wire-watches") { (watches) } " open watches" }
            p(class="figure") {
                b(data-testid="wire-rate") { (rate) } " events/s"
                svg(class="spark", viewBox="0 0 90 16", preserveAspectRatio="none", aria-hidden="true") {
                    path(d=path)
                }
            }
            p(class="figure") { b(data-testid="wire-bytes") { (bytes) } " received" }
            label(class="all") {
                input(
                    r#type="checkbox", data-testid="watch-all", prop:checked=all,
                    on:change=on(move |_| page.apply(Event::ToggleAll)),
                )
                "Watch every kind"
            }
            button(class="tool", aria-label="Close", title="Close (w)", on:click=on(move |_| page.command(Command::Wire))) {
                span(class="cross", aria-hidden="true")
            }
        }
    }
}

fn of<T: PartialEq + Default + 'static>(page: Page, read: fn(&WireFrame) -> T) -> ReadSignal<T> {
    page.part(move |frame| frame.wire.as_deref().map(read).unwrap_or_default())
}

fn line(item: ReadSignal<Option<Line>>) -> View {
    let figure = |read: fn(&Line) -> String| text(item, read);
    let [kind, title] = [(); 2].map(|()| figure(|line| line.kind.clone()));
    let [state, word] = [(); 2].map(|()| figure(|line| words(line).0.to_owned()));
    let class = figure(|line| format!("shaped tone-{}", words(line).1));
    let watching = figure(|line| line.figures.watching.to_string());
    let objects = figure(|line| line.figures.objects.to_string());
    let version = figure(|line| line.figures.resource_version.clone());
    let rate = figure(|line| format!("{:.1}", line.rate));
    let events = figure(|line| line.figures.events.to_string());
    let bookmarks = figure(|line| line.figures.bookmarks.to_string());
    let relists = figure(|line| line.figures.relists.to_string());
    let bytes = figure(|line| size(line.figures.bytes));
    let heard = figure(|line| line.heard.clone());
    let error =
        figure(|line| line.figures.last_error.as_ref().map(|error| error.text.clone()).unwrap_or_default());
    view! {
        tr(data-testid="wire-informer", data-kind=kind, data-state=state, data-watching=watching) {
            th(scope="row", class="mono") { (title) }
            td() { span(class=class) { (word) } }
            td(class="num", data-testid="wire-objects") { (objects) }
            td(class="num", data-testid="wire-version") { (version) }
            td(class="num", data-testid="wire-event-rate") { (rate) }
            td(class="num", data-testid="wire-events") { (events) }
            td(class="num", data-testid="wire-bookmarks") { (bookmarks) }
            td(class="num", data-testid="wire-relists") { (relists) }
            td(class="num", data-testid="wire-informer-bytes") { (bytes) }
            td(class="num", data-testid="wire-heard") { (heard) }
            td(class="error", data-testid="wire-error") { (error) }
        }
    }
}

/// An informer's state in the words of the connection, and its tone.
fn words(line: &Line) -> (&'static str, &'static str) {
    match line.figures.phase {
        Phase::Live => ("live", "good"),
        _ if line.trouble.as_ref().is_some_and(|trouble| trouble.refused) => ("refused", "idle"),
        _ if line.figures.synced => ("stale", "warn"),
        Phase::Connecting => ("connecting", "busy"),
        Phase::Retrying => ("retrying", "bad"),
    }
}

/// Bytes with a unit.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.2} GB", bytes as f64 / 1e9),
    }
}

/// The history as an SVG path in a box of 90 × 16; what came before it is nothing.
fn spark(history: &[f64]) -> String {
    let most = history.iter().copied().fold(1.0, f64::max);
    let start = 90 - history.len().min(90);
    let point = |(place, rate): (usize, &f64)| format!("L{} {:.1}", start + place, 15.0 - 14.0 * rate / most);
    let points = history.iter().enumerate().map(point);
    [format!("M0 15L{start} 15")].into_iter().chain(points).collect()
}
