//! Informers in, events out: starts the informers the model wants, stops the others, and looks at how they stand.
//!
//! Invariant: an informer that has been stopped tells the model nothing more.

mod calls;
mod kinds;
mod patience;
mod source;
mod streams;

use std::cell::Cell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use portolan::cache::{self, HandlerOptions, Phase, ReflectorOptions};
use portolan::informer::{InformerOptions, InformerStatus, Registration, SharedIndexInformer};
use portolan::meta::{FieldSelector, Object};
use portolan::object::{Lazy, Unstructured};
use portolan::time::Instant;
use portolan_wasm::browser::wakes;
use wasm_bindgen_futures::spawn_local;

pub(crate) use calls::send;

use super::{Page, browser};
use crate::model::age::Millis;
use crate::model::trouble::{Reach, Trouble, is_unanswered};
use crate::model::wire::{self, Figures};
use crate::model::{Event, Wanted};
use source::Source;

/// How often the informers are looked at, in milliseconds.
const LOOK: i32 = 250;
/// How long what was found out of a server that does not answer is believed.
const REPROBE: Duration = Duration::from_secs(4);

/// What feeds the page.
pub(crate) struct Feed {
    source: Source,
    running: HashMap<String, Running>,
    stream: Option<streams::Open>,
    reach: Rc<Cell<Reach>>,
    probing: Rc<Cell<bool>>,
}

/// The informers on a kind: one in each of the namespaces.
struct Running {
    informers: Vec<Informer>,
    wanted: Wanted,
    alive: Rc<Cell<bool>>,
}

struct Informer {
    informer: SharedIndexInformer<Lazy<Unstructured>>,
    /// Its handler, which fills the model.
    registration: Registration<Lazy<Unstructured>>,
}

/// Chooses where the data comes from and begins.
pub(crate) fn open(page: Page) {
    if browser::query("informers").as_deref() == Some("all") {
        page.apply(Event::WatchAll);
    }
    spawn_local(async move {
        let source = match source::choose(page).await {
            Ok(source) => source,
            Err(trouble) => return page.apply(Event::Outside(Some(trouble))),
        };
        page.apply(Event::Source(source.title.clone()));
        spawn_local(kinds::discover(page, source.clone()));
        spawn_local(wake(page));
        let reach = Rc::new(Cell::new(Reach::Unknown));
        page.set_feed(Feed { source, running: HashMap::new(), stream: None, reach, probing: Rc::default() });
        browser::every(LOOK, move || look(page));
    });
}

/// Starts and stops informers so that those the model wants run.
pub(crate) fn follow(page: Page) {
    page.with_feed(|feed| {
        let wanted = page.model().wanted();
        let unwanted = |_: &String, running: &mut Running| !wanted.contains(&running.wanted);
        for (kind, running) in feed.running.extract_if(unwanted) {
            running.alive.set(false);
            running.informers.iter().for_each(|each| each.informer.stop());
            page.model().forget(&kind);
        }
        for wanted in wanted {
            if !feed.running.contains_key(&wanted.kind) {
                feed.start(page, wanted);
            }
        }
        streams::follow(page, &feed.source.client, &mut feed.stream);
    });
}

impl Feed {
    fn start(&mut self, page: Page, wanted: Wanted) {
        let Wanted { kind, resource, namespaces, metadata, name } = &wanted;
        let mut field_selector = FieldSelector::default();
        if !name.is_empty() {
            field_selector = FieldSelector::equals("metadata.name", name);
        }
        let reflector = ReflectorOptions { field_selector, ..ReflectorOptions::default() };
        let alive = Rc::new(Cell::new(true));
        let start = |namespace: &String| {
            let api = self.source.client.resource(resource, namespace);
            let api = if *metadata { api.metadata_only() } else { api };
            let options = InformerOptions { reflector: reflector.clone(), ..InformerOptions::default() };
            let informer = SharedIndexInformer::new(api, options);
            let (told, kind) = (alive.clone(), kind.clone());
            let handler = move |event: cache::Event<Lazy<Unstructured>>| {
                if told.get() {
                    page.apply(translate(&kind, event));
                }
            };
            let registration = informer.add_handler(HandlerOptions::default(), handler);
            informer.start();
            Informer { informer, registration }
        };
        let informers = namespaces.iter().map(start).collect();
        self.running.insert(kind.clone(), Running { informers, wanted, alive });
    }

    /// Makes every informer ask at once whether it is current.
    pub(crate) fn wake(&self) {
        let informers = self.running.values().flat_map(|running| &running.informers);
        informers.for_each(|each| each.informer.wake());
    }

    /// While an informer gets no answer, finds out who else does not answer, and wakes all when everybody does again: they
    /// may be far into their backoffs.
    fn probe(&self, page: Page, statuses: &[(String, InformerStatus)]) {
        let unanswered = |status: &InformerStatus| {
            matches!(status.phase, Phase::Retrying { .. })
                && status.last_error_kind.as_ref().is_some_and(is_unanswered)
        };
        if !statuses.iter().any(|(_, status)| unanswered(status)) {
            self.reach.set(Reach::Unknown);
            return;
        }
        if self.probing.replace(true) {
            return;
        }
        let (source, reach, probing) = (self.source.clone(), self.reach.clone(), self.probing.clone());
        spawn_local(async move {
            let before = reach.replace(source::reach(&source).await);
            if reach.get() == Reach::Answers && !matches!(before, Reach::Answers | Reach::Unknown) {
                page.with_feed(|feed| feed.wake());
            }
            source.client.runtime().sleep(REPROBE).await;
            probing.set(false);
        });
    }
}

fn translate(kind: &str, event: cache::Event<Lazy<Unstructured>>) -> Event {
    let put = |object: Arc<Lazy<Unstructured>>, initial| Event::Put {
        kind: kind.to_owned(),
        object: object.into(),
        initial,
    };
    match event {
        cache::Event::Added { object, is_in_initial_list } => put(object, is_in_initial_list),
        cache::Event::Updated { new, .. } => put(new, false),
        cache::Event::Deleted { object, .. } => {
            Event::Remove { kind: kind.to_owned(), key: object.key().as_str().to_owned() }
        }
    }
}

/// Tells the model how every informer stands.
fn look(page: Page) {
    let figures = page.with_feed(|feed| {
        let clock = feed.source.client.runtime().clock.clone();
        let (now, wall) = (clock.now(), browser::now());
        let at = |moment: Instant| {
            let since = now.saturating_duration_since(moment).as_millis() as Millis;
            wall.saturating_sub(since) + moment.saturating_duration_since(now).as_millis() as Millis
        };
        let status = |each: &Informer| {
            let status = each.informer.status();
            // Until the model has been told of all there was, it is not in step.
            let told = each.registration.has_synced();
            let phase = if told { status.phase } else { arriving(status.phase) };
            InformerStatus { phase, ..status }
        };
        let running = feed.running.iter();
        let all = running.flat_map(|(kind, running)| running.informers.iter().map(move |each| (kind, each)));
        let statuses: Vec<(String, InformerStatus)> =
            all.map(|(kind, each)| (kind.clone(), status(each))).collect();
        feed.probe(page, &statuses);
        let mut kinds: Vec<(String, Figures)> = Vec::new();
        for (kind, status) in statuses {
            let figures = figures(status, &feed.source.address, feed.reach.get(), at);
            // Those of a kind follow each other.
            match kinds.pop_if(|(last, _)| *last == kind) {
                Some((_, others)) => kinds.push((kind, others.join(figures))),
                None => kinds.push((kind, figures)),
            }
        }
        kinds
    });
    for (kind, figures) in figures.unwrap_or_default() {
        page.apply(Event::Look(kind, figures));
    }
    page.apply(Event::Looked);
}

/// The phase of an informer whose first objects are still on their way to the model.
fn arriving(phase: Phase) -> Phase {
    match phase {
        Phase::Live | Phase::Stale => Phase::Connecting,
        Phase::Retrying { until, .. } => Phase::Retrying { until, stale: false },
        Phase::Connecting | Phase::Syncing { .. } => phase,
    }
}

fn figures(status: InformerStatus, address: &str, reach: Reach, at: impl Fn(Instant) -> Millis) -> Figures {
    let (phase, synced, next_try) = match status.phase {
        Phase::Connecting | Phase::Syncing { .. } => (wire::Phase::Connecting, false, None),
        Phase::Live => (wire::Phase::Live, true, None),
        Phase::Stale => (wire::Phase::Connecting, true, None),
        Phase::Retrying { until, stale } => (wire::Phase::Retrying, stale, Some(at(until))),
    };
    let last_error = status.last_error_kind.zip(status.last_error);
    Figures {
        phase,
        synced,
        watching: status.watching,
        resource_version: status.resource_version.to_string(),
        objects: status.objects,
        events: status.counters.events,
        bookmarks: status.counters.bookmarks,
        relists: status.counters.relists,
        bytes: status.bytes,
        errors: status.counters.errors,
        last_error: last_error.map(|(kind, text)| Trouble::of(&kind, &text, address, reach)),
        next_try,
        heard: status.last_activity.map(at),
    }
}

/// After a sleep, a time out of sight or a change of network, asks whether what the informers have is current.
async fn wake(page: Page) {
    let mut wakes = wakes();
    while wakes.next().await.is_some() {
        page.with_feed(|feed| feed.wake());
    }
}
