//! The overview drawn: counts, what needs a look, what happened last.

use sycamore::prelude::*;

use super::{Page, browser, derived, each, effect, live, text, when};
use crate::model::capacity::Line;
use crate::model::cell::{Tone, grouped, last_part};
use crate::model::overview::{Attention, Happening, Overview, Tally};
use crate::model::timeline;

/// The overview, when it is on show.
pub(crate) fn overview(page: Page) -> View {
    when(page.part(|frame| frame.overview.is_some()), page, board)
}

fn board(page: Page) -> View {
    let unready = of(page, |overview| overview.unready);
    let loading = of(page, |overview| overview.loading);
    let quiet = of(page, |overview| overview.events.is_empty());
    let blind = of(page, |overview| overview.tallies.iter().all(|tally| tally.count.is_none()));
    let forbidden = of(page, |overview| overview.forbidden);
    let unseen = of(page, |overview| overview.events_forbidden);
    let filtered = of(page, |overview| overview.filtered);
    let no_events = live(move || match (unseen.get(), filtered.get()) {
        (true, _) => "You are not allowed to look at events.",
        _ if loading.get() => "Looking …",
        (false, true) => "None that match.",
        (false, false) => "None yet.",
    });
    let verdict = live(move || match (unready.get(), loading.get()) {
        (0, true) => "Looking …".to_owned(),
        (0, false) if forbidden.get() => "You are not allowed to look.".to_owned(),
        (0, false) if blind.get() => "Nothing to be seen.".to_owned(),
        (0, false) if filtered.get() => "Nothing that matches needs a look.".to_owned(),
        (0, false) => "Everything is ready.".to_owned(),
        (1, _) => "1 object is not ready.".to_owned(),
        (count, _) => format!("{} objects are not ready.", grouped(count)),
    });
    let calm = move || if unready.get() == 0 && !loading.get() { "calm" } else { "calm none" };
    let tallies = list(page, |overview| &overview.tallies, tally);
    let attention = list(page, |overview| &overview.attention, attention);
    let events = list(page, |overview| &overview.events, happening);
    let [capacity, timeline] = [capacity(page), timeline(page)];
    view! {
        div(class="overview", data-testid="overview", tabindex="-1") {
            h1(class="unseen") { "Overview" }
            ul(class="tallies") { (tallies) }
            div(class="boards figures") {
                (capacity)
                (timeline)
            }
            div(class="boards") {
                section(class="board attention") {
                    header() {
                        h2() { "Needs a look" }
                        p(class="verdict", data-testid="verdict") { (verdict) }
                    }
                    p(class=calm) { "Pods, deployments and nodes that are not as they should be appear here, the gravest first." }
                    ul(class="lines") { (attention) }
                }
                section(class="board events") {
                    header() {
                        h2() { "Recent events" }
                        a(class="all", href="#/events") { "All events" }
                    }
                    p(class=move || if quiet.get() { "calm" } else { "calm none" }) { (no_events) }
                    ul(class="lines") { (events) }
                }
            }
        }
    }
}

/// What the nodes can give, and how much of it is asked for.
fn capacity(page: Page) -> View {
    let lines = list(page, |overview| &overview.capacity.lines, load);
    let none = of(page, |overview| overview.capacity.lines.is_empty());
    let [loading, forbidden] =
        [of(page, |overview| overview.loading), of(page, |overview| overview.nodes_forbidden)];
    let why = live(move || match (forbidden.get(), loading.get()) {
        (true, _) => "You are not allowed to look at nodes.",
        (false, true) => "Looking …",
        (false, false) => "There are no nodes.",
    });
    let more = of(page, |overview| overview.capacity.more);
    let rest = live(move || match more.get() {
        0 => String::new(),
        1 => "And 1 node that is less full.".to_owned(),
        more => format!("And {} nodes that are less full.", grouped(more)),
    });
    view! {
        section(class="board capacity", data-testid="capacity") {
            header() {
                h2() { "Capacity" }
                p(class="dim") { "What pods ask for, of what nodes can give" }
            }
            p(class=move || if none.get() { "calm" } else { "calm none" }) { (why) }
            table(class=move || if none.get() { "loads none" } else { "loads" }) {
                thead() {
                    tr() {
                        th(scope="col") { "Node" }
                        th(scope="col") { "CPU" }
                        th(scope="col") { "Memory" }
                        th(scope="col") { "Pods" }
                    }
                }
                tbody() { (lines) }
            }
            p(class=move || if more.get() > 0 { "calm" } else { "calm none" }) { (rest) }
        }
    }
}

fn load(item: ReadSignal<Option<Line>>) -> View {
    let bars: Vec<View> = (0..3).map(|place| bar(item, place)).collect();
    let node = text(item, |line| line.name.clone());
    let link = text(item, |line| line.link.clone());
    // The end stays in view when the rest is cut: others may begin alike.
    let head = text(item, |line| line.name[..last_part(&line.name)].to_owned());
    let tail = text(item, |line| line.name[last_part(&line.name)..].to_owned());
    view! {
        tr(data-testid="load", data-node=node) {
            th(scope="row") {
                a(class="mono", href=link) {
                    span(class="head") { (head) }
                    span(class="tail") { (tail) }
                }
            }
            (bars)
        }
    }
}

/// A share as a bar, and in words.
fn bar(item: ReadSignal<Option<Line>>, place: usize) -> View {
    let node = create_node_ref();
    let percent = derived(move || item.with(|item| item.as_ref()?.bars[place].percent));
    effect(move || {
        let percent = percent.get().unwrap_or_default().clamp(0, 100);
        if let Some(node) = node.try_get() {
            browser::style(&node, "width", &format!("{percent}%"));
        }
    });
    let class = text(item, move |line| match line.bars[place].tone {
        Tone::Plain => "share".to_owned(),
        tone => format!("share shaped tone-{}", tone.name()),
    });
    let share = live(move || percent.get().map_or("–".to_owned(), |percent| format!("{percent}%")));
    let amounts = text(item, move |line| line.bars[place].text.clone());
    view! {
        td(class="load") {
            div(class="trough", aria-hidden="true") { div(r#ref=node, class="filled") }
            span(class=class) { (share) }
            span(class="amounts") { (amounts) }
        }
    }
}

/// The last hour's events, minute by minute.
fn timeline(page: Page) -> View {
    let words = of(page, |overview| overview.timeline.text.clone());
    let most = of(page, |overview| overview.timeline.counts.map(|_| overview.timeline.most));
    let counts = of(page, |overview| overview.timeline.counts);
    let [warnings, normal] = [0, 1].map(|place| {
        page.part(move |frame| {
            frame.overview.as_ref().map(|overview| overview.timeline.bars[place].clone()).unwrap_or_default()
        })
    });
    let (width, height) = timeline::SIZE;
    let size = format!("0 0 {width} {height}");
    let warned =
        live(move || counts.get().map_or("warnings not known".to_owned(), |[warnings, _]| warned(warnings)));
    let others = live(move || {
        counts
            .get()
            .map_or("normal not known".to_owned(), |[_, normal]| format!("{} normal", grouped(normal)))
    });
    let most = live(move || most.get().map(|most| format!("most in a minute: {most}")).unwrap_or_default());
    view! {
        section(class="board timeline", data-testid="timeline") {
            header() {
                h2() { "Events of the last hour" }
                p(class="legend") {
                    span(class="shaped tone-warn", data-testid="timeline-warnings") { (warned) }
                    span(class="shaped tone-idle", data-testid="timeline-normal") { (others) }
                }
            }
            figure() {
                svg(viewBox=size, preserveAspectRatio="none", "role"="img", "aria-label"=words) {
                    path(class="warnings", d=warnings)
                    path(class="normal", d=normal)
                }
                figcaption() {
                    span() { "an hour ago" }
                    span() { (most) }
                    span() { "now" }
                }
            }
        }
    }
}

fn of<T: PartialEq + Default + 'static>(page: Page, read: fn(&Overview) -> T) -> ReadSignal<T> {
    page.part(move |frame| frame.overview.as_deref().map(read).unwrap_or_default())
}

fn list<T: Clone + PartialEq + 'static>(
    page: Page,
    items: fn(&Overview) -> &Vec<T>,
    view: impl Fn(ReadSignal<Option<T>>) -> View + 'static,
) -> View {
    each(
        page,
        move |frame| frame.overview.as_deref().map_or(0, |overview| items(overview).len()),
        move |frame, place| items(frame.overview.as_deref()?).get(place).cloned(),
        view,
    )
}

fn tally(item: ReadSignal<Option<Tally>>) -> View {
    let tones =
        derived(move || item.with(|item| item.as_ref().map(|item| item.tones.clone()).unwrap_or_default()));
    let kind = text(item, |item| item.kind.clone());
    let link = text(item, |item| item.link.clone());
    let count = text(item, |item| item.count.map_or("–".to_owned(), grouped));
    let title = text(item, |item| item.title.clone());
    let trouble = text(item, |item| item.trouble.clone());
    let unready_link = text(item, |item| item.unready_link.clone());
    let unready_count = text(item, |item| format!("{} not ready", grouped(item.unready)));
    let unready = text(item, |item| match item.unready {
        0 => "tally-unready none".to_owned(),
        _ => "tally-unready".to_owned(),
    });
    view! {
        li(class="tally", data-testid="tally", data-kind=kind) {
            a(class="tally-link", href=link) {
                span(class="tally-count", data-testid="tally-count") { (count) }
                span(class="tally-title") { (title) }
            }
            div(class="bar", aria-hidden="true") { Indexed(list=tones, view=part) }
            span(class="tally-trouble", data-testid="tally-trouble") { (trouble) }
            a(class=unready, href=unready_link) { (unready_count) }
        }
    }
}

fn warned(count: usize) -> String {
    format!("{} {}", grouped(count), if count == 1 { "warning" } else { "warnings" })
}

/// One stretch of a tally's bar, as long as its share.
fn part((tone, count): (Tone, usize)) -> View {
    let node = create_node_ref();
    effect(move || {
        if let Some(node) = node.try_get() {
            browser::style(&node, "flex-grow", &count.to_string());
        }
    });
    let class = format!("part tone-{}", tone.name());
    view! { span(r#ref=node, class=class) }
}

fn attention(item: ReadSignal<Option<Attention>>) -> View {
    let class = text(item, |item| format!("word shaped tone-{}", item.tone.name()));
    let link = text(item, |item| item.link.clone());
    let word = text(item, |item| item.word.clone());
    let kind = text(item, |item| item.kind.clone());
    let [key, shown] = [(); 2].map(|()| text(item, |item| item.key.clone()));
    let why = text(item, |item| item.why.clone());
    let age = text(item, |item| item.age.clone());
    view! {
        li() {
            a(class="line", href=link, data-testid="attention", data-key=key) {
                span(class=class) { (word) }
                span(class="what") {
                    span(class="what-kind") { (kind) }
                    span(class="mono") { (shown) }
                }
                span(class="why") { (why) }
                span(class="age") { (age) }
            }
        }
    }
}

fn happening(item: ReadSignal<Option<Happening>>) -> View {
    let class = text(item, |item| format!("word shaped tone-{}", item.tone.name()));
    let link = text(item, |item| item.link.clone());
    let reason = text(item, |item| item.reason.clone());
    let object = text(item, |item| item.object.clone());
    let message = text(item, |item| item.message.clone());
    let age = text(item, |item| item.age.clone());
    view! {
        li() {
            a(class="line", href=link, data-testid="event") {
                span(class=class) { (reason) }
                span(class="what mono") { (object) }
                span(class="why") { (message) }
                span(class="age") { (age) }
            }
        }
    }
}
