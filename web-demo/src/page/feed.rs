//! Informers in, events out: starts the informers the model wants, stops the others, and looks at how they stand.
//!
//! Invariant: an informer that has been stopped tells the model nothing more.

mod source;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use portolan::ErrorKind;
use portolan::cache::{self, HandlerOptions, Phase};
use portolan::informer::{FactoryOptions, InformerStatus, SharedInformerFactory};
use portolan::meta::{ApiResource, Object};
use portolan::object::{Lazy, Unstructured};
use portolan_wasm::browser::wakes;
use wasm_bindgen_futures::spawn_local;

use super::{Page, browser};
use crate::model::Event;
use crate::model::age::Millis;
use crate::model::trouble::{Reach, Trouble};
use crate::model::wire::{self, Figures};
use source::Source;

/// How often the informers are looked at, in milliseconds.
const LOOK: i32 = 250;
/// How long what was found out of a server that does not answer is believed.
const REPROBE: Duration = Duration::from_secs(4);
/// How long a wait follows a failed discovery, and how long one that did not fail.
const REDISCOVER: (Duration, Duration) = (Duration::from_secs(3), Duration::from_secs(30));

/// What feeds the page.
pub(crate) struct Feed {
    source: Source,
    factory: SharedInformerFactory,
    running: BTreeMap<String, Running>,
    reach: Rc<Cell<Reach>>,
    probing: Rc<Cell<bool>>,
}

struct Running {
    resource: ApiResource,
    alive: Rc<Cell<bool>>,
}

/// Chooses where the data comes from and begins.
pub(crate) fn open(page: Page) {
    if browser::query("informers").as_deref() == Some("all") {
        page.apply(Event::WatchAll);
    }
    spawn_local(async move {
        let source = match source::choose().await {
            Ok(source) => source,
            Err(error) => {
                let trouble = Trouble::of(error.kind(), &error.to_string(), "this page", Reach::Unknown);
                page.apply(Event::Outside(Some(trouble)));
                return;
            }
        };
        page.apply(Event::Source(source.title.clone()));
        let factory = SharedInformerFactory::new(&source.client, FactoryOptions::default());
        let reach = Rc::new(Cell::new(Reach::Unknown));
        spawn_local(discover(page, source.clone(), reach.clone()));
        spawn_local(wake(factory.clone()));
        page.set_feed(Feed { source, factory, running: BTreeMap::new(), reach, probing: Rc::default() });
        browser::every(LOOK, move || look(page));
    });
}

/// Starts and stops informers so that those the model wants run.
pub(crate) fn follow(page: Page) {
    page.with_feed(|feed| {
        let wanted: Vec<(String, ApiResource)> = page
            .model()
            .wanted()
            .into_iter()
            .filter(|kind| !feed.running.contains_key(&kind.id))
            .map(|kind| (kind.id.clone(), kind.resource.clone()))
            .collect();
        let unwanted: Vec<String> = {
            let model = page.model();
            let wanted = model.wanted();
            let unwanted = |kind: &&String| !wanted.iter().any(|wanted| wanted.id == **kind);
            feed.running.keys().filter(unwanted).cloned().collect()
        };
        for kind in unwanted {
            if let Some(running) = feed.running.remove(&kind) {
                running.alive.set(false);
                feed.factory.stop(&running.resource);
                page.model().forget(&kind);
            }
        }
        for (kind, resource) in wanted {
            feed.start(page, kind, resource);
        }
    });
}

impl Feed {
    fn start(&mut self, page: Page, kind: String, resource: ApiResource) {
        let alive = Rc::new(Cell::new(true));
        let informer = self.factory.dynamic(&resource);
        let (told, name) = (alive.clone(), kind.clone());
        let handler = move |event: cache::Event<Lazy<Unstructured>>| {
            if told.get() {
                page.apply(translate(&name, event));
            }
        };
        // The handler lives as long as its informer.
        let _ = informer.add_handler(HandlerOptions::default(), handler);
        informer.start();
        self.running.insert(kind, Running { resource, alive });
    }
}

impl Feed {
    /// While an informer gets no answer, finds out who else does not answer.
    fn probe(&self, statuses: &[(ApiResource, InformerStatus)]) {
        let unanswered = |status: &InformerStatus| {
            matches!(status.phase, Phase::Retrying { .. })
                && matches!(status.last_error_kind, Some(ErrorKind::Transport(_)))
        };
        if !statuses.iter().any(|(_, status)| unanswered(status)) || self.probing.replace(true) {
            return;
        }
        let (source, reach, probing) = (self.source.clone(), self.reach.clone(), self.probing.clone());
        spawn_local(async move {
            reach.set(source::reach(&source).await);
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
        let at = |moment: portolan::time::Instant| {
            wall + moment.saturating_duration_since(now).as_millis() as Millis
        };
        let statuses = feed.factory.status();
        feed.probe(&statuses);
        let read = |(resource, status): (ApiResource, InformerStatus)| {
            let id = resource.to_string();
            feed.running
                .contains_key(&id)
                .then(|| (id, figures(status, &feed.source.address, feed.reach.get(), at)))
        };
        statuses.into_iter().filter_map(read).collect::<Vec<_>>()
    });
    for (kind, figures) in figures.unwrap_or_default() {
        page.apply(Event::Look(kind, figures));
    }
    page.apply(Event::Looked);
}

fn figures(
    status: InformerStatus,
    address: &str,
    reach: Reach,
    at: impl Fn(portolan::time::Instant) -> Millis,
) -> Figures {
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
    }
}

/// Asks again and again which kinds there are; the first success is what the page needs, later ones find new kinds.
async fn discover(page: Page, source: Source, reach: Rc<Cell<Reach>>) {
    let mut known = false;
    loop {
        let wait = match source.client.discovery().discover().await {
            Ok(discovery) => {
                let watchable = discovery.preferred_resources().into_iter();
                let watchable = watchable.filter(|found| found.can("list") && found.can("watch"));
                page.apply(Event::Discovered(watchable.map(|found| found.resource.clone()).collect()));
                page.apply(Event::Outside(None));
                known = true;
                REDISCOVER.1
            }
            Err(error) => {
                reach.set(source::reach(&source).await);
                if !known {
                    let trouble =
                        Trouble::of_server(error.kind(), &error.to_string(), &source.address, reach.get());
                    page.apply(Event::Outside(Some(trouble)));
                }
                REDISCOVER.0
            }
        };
        source.client.runtime().sleep(wait).await;
    }
}

/// After a sleep, a time out of sight or a change of network, asks whether what the informers have is current.
async fn wake(factory: SharedInformerFactory) {
    let mut wakes = wakes();
    while wakes.next().await.is_some() {
        factory.wake();
    }
}
