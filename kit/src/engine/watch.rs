//! An informer's events, its standing and its cache, for one caller.
//!
//! Invariant: events of one key come in order and end at its newest state; a caller that falls behind is told the newest of
//! each key and not what lay between, so it can never fall behind without a bound.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures::stream::ReadyChunks;
use futures::{FutureExt, StreamExt};
use js_sys::Array;
use portolan::Error;
use portolan::cache::{Event, HandlerOptions, Phase};
use portolan::informer::{EventStream, InformerStatus};
use portolan::meta::{Key, LabelSelector, Object};
use portolan::object::{Lazy, Unstructured};
use portolan::portable::BoxFuture;
use serde::Deserialize;
use serde_json::{Value, json};
use wasm_bindgen::JsValue;

use super::Engine;
use super::failure::Failure;
use super::informers::{AsOf, Hold, Informer};
use super::outlet::Outlet;
use super::place::{self, Place};

/// How many events one message bears at most.
const BATCH: usize = 64;

/// An informer's events, as a stream of batches.
pub(super) type Events = ReadyChunks<EventStream<Lazy<Unstructured>>>;

/// What a caller wants of an informer.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Asked {
    #[serde(flatten)]
    place: place::Asked,
    /// Whether objects are wanted, or how it stands alone.
    events: bool,
}

/// Tells events and standing until it is cancelled. A message is events, five places each: "add", "update" or "delete", the
/// key, the uid, the version and the JSON; or it is `["status", JSON]` or `["synced"]`.
pub(super) async fn watch(engine: &Engine, asked: Asked, outlet: &Outlet) -> Result<JsValue, Error> {
    let looking = |status: &Value| Ok(pair("status", &status.to_string()).into());
    let hold = engine.0.informers.hold(Place::wait(engine, &asked.place, outlet, looking).await?).await?;
    let mut events = asked.events.then(|| events(&hold.informer));
    let mut standing = Standing::of(&hold);
    let mut told = false;
    loop {
        outlet.ready().await;
        let message = poll_fn(|context| {
            if let Poll::Ready(status) = standing.poll(context) {
                return Poll::Ready(pair("status", &status.to_string()));
            }
            let batch = events.as_mut().map(|events| take(events, context)).unwrap_or_default();
            if !batch.is_empty() {
                return Poll::Ready(write(&batch));
            }
            let synced = match &events {
                Some(events) => events.get_ref().registration().has_synced(),
                None => hold.informer.has_synced(),
            };
            if synced && !std::mem::replace(&mut told, true) {
                return Poll::Ready(Array::of1(&JsValue::from_str("synced")));
            }
            Poll::Pending
        });
        outlet.next(&message.await.into());
        engine.client().runtime().spawner.yield_now().await;
    }
}

/// The events of `informer`, those at hand in one batch.
pub(super) fn events(informer: &Informer) -> Events {
    informer.events(HandlerOptions::default()).ready_chunks(BATCH)
}

/// The batch that is at hand; none when nothing is.
pub(super) fn take(events: &mut Events, context: &mut Context<'_>) -> Vec<Event<Lazy<Unstructured>>> {
    match events.poll_next_unpin(context) {
        Poll::Ready(Some(batch)) => batch,
        Poll::Ready(None) | Poll::Pending => Vec::new(),
    }
}

fn write(batch: &[Event<Lazy<Unstructured>>]) -> Array {
    let message = Array::new();
    for event in batch {
        let kind = match event {
            Event::Added { .. } => "add",
            Event::Updated { .. } => "update",
            Event::Deleted { .. } => "delete",
        };
        let meta = event.object().meta();
        for word in [kind, event.key().as_str(), meta.uid, meta.resource_version] {
            message.push(&JsValue::from_str(word));
        }
        message.push(&text(event.object()));
    }
    message
}

/// An object's JSON. One that cannot be written was taken in unchecked, which the engine never asks for.
fn text(object: &Lazy<Unstructured>) -> JsValue {
    let json = object.json().unwrap_or_default();
    JsValue::from_str(&String::from_utf8_lossy(&json))
}

fn pair(kind: &str, text: &str) -> Array {
    Array::of2(&JsValue::from_str(kind), &JsValue::from_str(text))
}

/// How an informer stands, told whenever that changes.
pub(super) struct Standing {
    informer: Informer,
    as_of: AsOf,
    last: Value,
    next: BoxFuture<'static, Value>,
}

impl Standing {
    pub(super) fn of(hold: &Hold) -> Self {
        let (informer, as_of) = (hold.informer.clone(), hold.as_of.clone());
        let next = Self::after(&informer, &as_of, Value::Null);
        Self { informer, as_of, last: Value::Null, next }
    }

    /// Ready with the standing once it is another than the last.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Value> {
        self.last = ready!(self.next.poll_unpin(context));
        self.next = Self::after(&self.informer, &self.as_of, self.last.clone());
        Poll::Ready(self.last.clone())
    }

    fn after(informer: &Informer, as_of: &AsOf, last: Value) -> BoxFuture<'static, Value> {
        let (informer, as_of) = (informer.clone(), as_of.clone());
        Box::pin(async move {
            let look = |status: &InformerStatus| Some(describe(status, &as_of)).filter(|now| *now != last);
            informer.wait_for_status(look).await
        })
    }
}

/// The package's `InformerStatus`.
fn describe(status: &InformerStatus, as_of: &AsOf) -> Value {
    let (phase, synced) = match status.phase {
        Phase::Connecting => ("connecting", false),
        Phase::Syncing { .. } => ("syncing", false),
        Phase::Live => ("live", true),
        Phase::Stale => ("stale", true),
        Phase::Retrying { stale, .. } => ("retrying", stale),
    };
    if phase == "live" {
        as_of.set(None);
    }
    let error = || {
        let kind = status.last_error_kind.clone()?;
        Some(Failure::new(&Error::new(kind, status.last_error.clone()?)))
    };
    // Once all is well again the error is history.
    let error = (phase != "live").then(error).flatten();
    json!({
        "phase": phase,
        "synced": synced,
        "error": error,
        "errors": status.counters.errors,
        "relists": status.counters.relists,
        "watching": status.watching.then_some(if status.over_socket { "socket" } else { "http" }),
        "asOf": as_of.get(),
    })
}

/// The same of an informer whose resource is not found yet for `error`, the last of so many.
pub(super) fn looking(phase: &str, error: &Error, errors: u32) -> Value {
    json!({
        "phase": phase,
        "synced": false,
        "error": Failure::new(error),
        "errors": errors,
        "relists": 0,
        "watching": null,
        "asOf": null,
    })
}

/// A read of an informer's cache.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Read {
    #[serde(flatten)]
    place: place::Asked,
    #[serde(default)]
    key: Option<String>,
    #[serde(default)]
    index: Option<(String, String)>,
    #[serde(default)]
    labels: Option<String>,
}

/// The objects that a read selects, once the informer is in sync: an array of their JSON.
pub(super) async fn cached(engine: &Engine, read: Read) -> Result<JsValue, Error> {
    let labels: LabelSelector = read.labels.as_deref().unwrap_or_default().parse()?;
    let hold = engine.0.informers.hold(Place::find(engine, read.place).await?).await?;
    let informer = &hold.informer;
    pin!(informer.wait_for_cache_sync()).await?;
    let objects = match (&read.key, &read.index) {
        (Some(key), _) => informer.lister().get(&key.parse::<Key>()?).into_iter().collect(),
        (None, Some((path, value))) => by_index(informer, path, value)?,
        (None, None) => informer.lister().select(&labels),
    };
    Ok(objects.iter().map(|object| text(object)).collect::<Array>().into())
}

/// The objects with `value` at `path`, by an index that is made the first time.
fn by_index(informer: &Informer, path: &str, value: &str) -> Result<Vec<Arc<Lazy<Unstructured>>>, Error> {
    portolan::object::Path::parse(path)?;
    let function = {
        let path = path.to_owned();
        move |object: &Lazy<Unstructured>, emit: &mut dyn FnMut(&str)| {
            object.values(&path).filter_map(|found| found.text()).for_each(|found| emit(&found));
        }
    };
    // It fails where there is this index already.
    let _there = informer.add_index(path, Arc::new(function));
    Ok(informer.lister().by_index(path, value))
}
