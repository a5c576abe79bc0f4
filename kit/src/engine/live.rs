//! Live queries: a view fed by an informer, and told to one caller.
//!
//! Invariant: updates come in order and no faster than [`PACE`] and the caller's reading; a query that is changed goes on
//! showing the old rows until the new view has seen every object, and for good when what it was changed to is wrong.

use std::future::poll_fn;
use std::ops::Range;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::{FutureExt, StreamExt};
use portolan::Error;
use portolan::cache::Event;
use portolan::portable::BoxFuture;
use portolan::time::{Instant, Runtime};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use wasm_bindgen::JsValue;

use super::Engine;
use super::failure::Failure;
use super::informers::Informer;
use super::outlet::Outlet;
use super::place::{self, Place};
use super::session::{Pushes, read};
use super::watch::{Events, Standing, events, take};
use crate::view::{Query, Update, View};

/// The least time from one update to the next.
const PACE: Duration = Duration::from_millis(50);

/// What a caller wants to see.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Asked {
    #[serde(flatten)]
    place: place::Asked,
    query: Query,
    window: [usize; 2],
    /// The caller's number for this query.
    serial: u32,
}

/// What a caller changes.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Change {
    /// As JSON, read apart: one that is wrong leaves what is shown as it is.
    #[serde(default)]
    query: Option<String>,
    #[serde(default)]
    window: Option<[usize; 2]>,
    #[serde(default)]
    serial: u32,
}

/// What a caller is told.
#[derive(Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    update: Update,
    /// How many objects the informer holds, whatever the filter lets through.
    total: usize,
    /// Whether every object has been seen.
    synced: bool,
    status: &'a Value,
    /// The number of the query whose rows these are.
    serial: u32,
    /// The numbers of queries that were asked since the last update and are wrong, and why.
    refused: Vec<(u32, Failure)>,
}

impl Told<'_> {
    fn write(&self) -> Result<JsValue, Error> {
        let text = serde_json::to_string(self)
            .map_err(|error| Error::decode("an update that JSON cannot hold").with_source(error))?;
        Ok(JsValue::from_str(&text))
    }
}

/// A view and what feeds it.
struct Fed {
    serial: u32,
    view: View,
    events: Events,
}

impl Fed {
    fn new(informer: &Informer, serial: u32, query: Query, window: Range<usize>) -> Result<Self, Error> {
        query.check()?;
        Ok(Self { serial, view: View::new(query, window), events: events(informer) })
    }

    /// Takes in what is at hand; whether there was anything.
    fn poll(&mut self, context: &mut Context<'_>) -> bool {
        let batch = take(&mut self.events, context);
        for event in &batch {
            match event {
                Event::Added { object, .. } | Event::Updated { new: object, .. } => self.view.put(object),
                Event::Deleted { .. } => self.view.remove(&event.key()),
            }
        }
        !batch.is_empty()
    }

    fn has_synced(&self) -> bool {
        self.events.get_ref().registration().has_synced()
    }
}

/// Why the loop goes round.
enum Turn {
    /// Events were taken in, and more may be at hand.
    Fed,
    Changed(JsValue),
    Due,
}

/// Tells what the query gives until it is cancelled.
pub(super) async fn live(
    engine: &Engine,
    asked: Asked,
    outlet: &Outlet,
    mut pushed: Pushes,
) -> Result<JsValue, Error> {
    let looking = |status: &Value| {
        let (update, serial) = (Update::default(), asked.serial);
        Told { update, total: 0, synced: false, status, serial, refused: Vec::new() }.write()
    };
    let hold = engine.0.informers.hold(Place::wait(engine, &asked.place, outlet, looking).await?).await?;
    let shown = Fed::new(&hold.informer, asked.serial, asked.query, window(asked.window))?;
    let runtime = engine.client().runtime().clone();
    let mut live = Live {
        standing: Standing::of(&hold),
        informer: hold.informer.clone(),
        shown,
        next: None,
        refused: Vec::new(),
        status: Value::Null,
        synced: false,
        due: Some(runtime.clock.now()),
        timer: None,
        last: Instant::default(),
        runtime,
    };
    loop {
        match poll_fn(|context| live.poll(context, &mut pushed, outlet)).await {
            Turn::Fed => live.runtime.spawner.yield_now().await,
            Turn::Changed(change) => live.change(read(&change.as_string().unwrap_or_default())?),
            Turn::Due => outlet.next(&live.tell()?),
        }
    }
}

/// A query as it runs.
struct Live {
    informer: Informer,
    runtime: Runtime,
    shown: Fed,
    /// What is shown once it has seen every object.
    next: Option<Fed>,
    /// What was asked and is wrong, until the caller is told.
    refused: Vec<(u32, Failure)>,
    standing: Standing,
    status: Value,
    synced: bool,
    /// When the caller is to be told what has changed; `None` while nothing has.
    due: Option<Instant>,
    timer: Option<BoxFuture<'static, ()>>,
    last: Instant,
}

impl Live {
    fn poll(&mut self, context: &mut Context<'_>, pushed: &mut Pushes, outlet: &Outlet) -> Poll<Turn> {
        if let Poll::Ready(Some(change)) = pushed.poll_next_unpin(context) {
            return Poll::Ready(Turn::Changed(change));
        }
        // While the caller does not read nothing is taken in: what happens meanwhile waits at the informer, which holds no
        // more than two events of a key.
        ready!(outlet.poll_ready(context));
        let mut dirty = self.shown.poll(context);
        let fed = dirty | self.next.as_mut().is_some_and(|next| next.poll(context));
        if let Some(ready) = self.next.take_if(|next| next.has_synced()) {
            self.shown = ready;
            dirty = true;
        }
        if let Poll::Ready(status) = self.standing.poll(context) {
            self.status = status;
            dirty = true;
        }
        dirty |= std::mem::replace(&mut self.synced, self.shown.has_synced()) != self.synced;
        if dirty && self.due.is_none() {
            self.due = Some((self.last + PACE).max(self.runtime.clock.now()));
        }
        if fed {
            return Poll::Ready(Turn::Fed);
        }
        let Some(at) = self.due else { return Poll::Pending };
        // The timer last: it is not to be polled again after it has ended.
        let timer = self.timer.get_or_insert_with(|| self.runtime.clock.sleep_until(at));
        timer.poll_unpin(context).map(|()| Turn::Due)
    }

    fn change(&mut self, change: Change) {
        if let Some(wanted) = change.window.map(window) {
            for fed in [Some(&mut self.shown), self.next.as_mut()].into_iter().flatten() {
                fed.view.set_window(wanted.clone());
            }
        }
        if let Some(query) = change.query {
            let window = self.shown.view.window();
            let made = read(&query).and_then(|query| Fed::new(&self.informer, change.serial, query, window));
            match made {
                Ok(next) => self.next = Some(next),
                Err(error) => self.refused.push((change.serial, Failure::new(&error))),
            }
        }
        // Whoever scrolls waits for it.
        (self.due, self.timer) = (Some(self.runtime.clock.now()), None);
    }

    /// What there is to see now.
    fn tell(&mut self) -> Result<JsValue, Error> {
        (self.due, self.timer, self.last) = (None, None, self.runtime.clock.now());
        Told {
            update: self.shown.view.update(),
            total: self.informer.lister().len(),
            synced: self.synced,
            status: &self.status,
            serial: self.shown.serial,
            refused: std::mem::take(&mut self.refused),
        }
        .write()
    }
}

fn window([start, end]: [usize; 2]) -> Range<usize> {
    start..end.max(start)
}
