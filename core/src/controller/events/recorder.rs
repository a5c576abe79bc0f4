//! [`EventRecorder`]: takes events from anywhere and writes them from one task.
//!
//! Follows client-go's `tools/events/event_recorder.go`, `event_broadcaster.go` and `tools/record/event.go` (0.37): up to
//! 1,000 events wait, more are dropped; each is tried up to twelve times, about ten seconds apart, as long as no server
//! answers; what a server refuses is not tried again.
//!
//! Differs: a note longer than the 1,024 bytes the server takes is cut instead of losing the event; the dropped and the
//! refused are counted.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use futures::future::{Either, select};
use futures::task::AtomicWaker;
use k8s_openapi::api::core::v1::{Event as CoreEvent, EventSource, ObjectReference};
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, Time};
use serde::Serialize;
use serde_json::{Value, json};

use super::correlator::{Correlated, CorrelatorOptions, EventCorrelator};
use super::series::{EventSeries, Observed};
use crate::client::Client;
use crate::error::Error;
use crate::informer::Signal;
use crate::meta::{ApiResource, CreateOptions, Object, ObjectMeta, Patch, PatchOptions, Resource};
use crate::policy::Random;
use crate::portable::share;

/// How many events may wait to be written. client-go's `maxQueuedEvents`.
const MOST_WAITING: usize = 1_000;
/// client-go's `maxTriesPerEvent`.
const MOST_TRIES: u32 = 12;
/// client-go's `defaultSleepDuration`.
const BETWEEN_TRIES: Duration = Duration::from_secs(10);
/// What the server takes of a note.
const LONGEST_NOTE: usize = 1_024;

/// The API events are written through. They are the same objects, and `kubectl` shows both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EventApi {
    /// events.k8s.io/v1: events that repeat become a series. client-go's `tools/events`.
    #[default]
    EventsV1,
    /// core/v1: events that repeat are counted, similar ones combined. client-go's `tools/record`.
    CoreV1,
}

/// What happened. client-go's arguments of `Eventf`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Note {
    /// Whether it is trouble: `Warning`, else `Normal`.
    pub warning: bool,
    /// Why, in one word of UpperCamelCase: `FailedMount`. Programs read it.
    pub reason: String,
    /// What was done or tried, in one word of UpperCamelCase: `Mount`.
    pub action: String,
    /// The whole, for people.
    pub text: String,
    /// Another object that has to do with it (events.k8s.io only).
    pub related: Option<ObjectReference>,
    /// Annotations of the event.
    pub annotations: BTreeMap<String, String>,
}

impl Note {
    /// Something in order.
    pub fn normal(reason: &str, action: &str, text: impl Into<String>) -> Self {
        Self { reason: reason.to_owned(), action: action.to_owned(), text: text.into(), ..Self::default() }
    }

    /// Something that is not.
    pub fn warning(reason: &str, action: &str, text: impl Into<String>) -> Self {
        Self { warning: true, ..Self::normal(reason, action, text) }
    }
}

/// A reference to `object`, of `resource`. client-go's `reference.GetReference`.
pub fn object_reference(object: &impl Object, resource: &ApiResource) -> ObjectReference {
    let meta = object.meta();
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    ObjectReference {
        api_version: Some(resource.api_version()),
        kind: Some(resource.kind.clone().into_owned()),
        name: text(meta.name),
        namespace: text(meta.namespace),
        uid: text(meta.uid),
        resource_version: text(meta.resource_version),
        field_path: None,
    }
}

/// What came of the events so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecorderStatus {
    /// Events that wait, or are being written.
    pub waiting: usize,
    /// Creations and patches the server took.
    pub written: u64,
    /// Events left out because their object has too many.
    pub filtered: u64,
    /// Events dropped because too many waited.
    pub dropped: u64,
    /// Writes given up: refused, or no server answered for two minutes.
    pub failed: u64,
    /// Why the last of them was.
    pub last_error: Option<String>,
}

/// Records events about objects. Clones share one queue; its task ends with the last of them, once all is written.
/// client-go's `EventRecorder` with its `EventBroadcaster`.
#[derive(Clone)]
pub struct EventRecorder {
    handle: Arc<Handle>,
}

struct Handle {
    shared: Arc<Shared>,
}

struct Shared {
    client: Client,
    api: EventApi,
    controller: String,
    instance: String,
    state: Mutex<State>,
    writer: AtomicWaker,
    /// Notified when the last event that waited was written.
    written: Signal,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<(ObjectReference, Note, Duration)>,
    status: RecorderStatus,
    /// The moment of the last event, since the Unix epoch.
    last: Duration,
    /// The counts of series are to be told too, once nothing waits.
    tell: bool,
    closed: bool,
}

impl EventRecorder {
    /// A recorder for the controller `controller` (`example.com/operator`) in the process `instance` (a Pod's or host's
    /// name), through events.k8s.io/v1. client-go's `NewRecorder`.
    pub fn new(client: &Client, controller: &str, instance: &str) -> Self {
        Self::with_options(client, controller, instance, EventApi::default(), CorrelatorOptions::default())
    }

    /// The same, through another API or with other bounds.
    pub fn with_options(
        client: &Client,
        controller: &str,
        instance: &str,
        api: EventApi,
        options: CorrelatorOptions,
    ) -> Self {
        let shared = share(Shared {
            client: client.clone(),
            api,
            controller: controller.to_owned(),
            instance: if instance.is_empty() { controller } else { instance }.to_owned(),
            state: Mutex::default(),
            writer: AtomicWaker::new(),
            written: Signal::default(),
        });
        let task = Writer::new(shared.clone(), options).run();
        client.runtime().spawner.spawn("event recorder", Box::pin(task));
        Self { handle: share(Handle { shared }) }
    }

    /// Records that `note` happened to the object `regarding` (see [`object_reference`]). Never waits, never fails.
    /// client-go's `Eventf`.
    pub fn record(&self, regarding: ObjectReference, note: Note) {
        let shared = &self.handle.shared;
        let unix = shared.client.runtime().clock.unix_time();
        let mut state = shared.lock();
        // The moment is part of the event's name: coarse clocks must not give two events one name.
        let unix = unix.max(state.last + Duration::from_nanos(1));
        state.last = unix;
        if state.waiting.len() >= MOST_WAITING {
            state.status.dropped += 1;
            return;
        }
        state.waiting.push_back((regarding, note, unix));
        state.status.waiting += 1;
        drop(state);
        shared.writer.wake();
    }

    /// Resolves once nothing waits to be written, nor the count of a series to be told, `within` at the latest: before a
    /// short program ends. A server that is away is asked for two minutes per event, which few would wait for.
    ///
    /// # Errors
    /// `Timeout`, saying how many events still wait; they are still being written.
    pub async fn flush(&self, within: Duration) -> Result<(), Error> {
        let shared = &self.handle.shared;
        shared.lock().tell = true;
        shared.writer.wake();
        let written = pin!(shared.written.until(|| shared.lock().is_idle().then_some(())));
        match select(written, shared.client.runtime().sleep(within)).await {
            Either::Left(_) => Ok(()),
            Either::Right(_) => {
                let RecorderStatus { waiting, last_error, .. } = self.status();
                let why = last_error.map(|error| format!("; the last error: {error}")).unwrap_or_default();
                Err(Error::timeout(format!("{waiting} events are not written after {within:?}{why}")))
            }
        }
    }

    /// What came of the events so far.
    pub fn status(&self) -> RecorderStatus {
        self.handle.shared.lock().status.clone()
    }
}

impl fmt::Debug for EventRecorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let controller = &self.handle.shared.controller;
        f.debug_struct("EventRecorder")
            .field("controller", controller)
            .field("status", &self.status())
            .finish()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.writer.wake();
    }
}

impl State {
    fn is_idle(&self) -> bool {
        self.status.waiting == 0 && !self.tell
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The task that writes.
struct Writer {
    shared: Arc<Shared>,
    series: EventSeries,
    correlator: EventCorrelator,
    random: Random,
}

enum Input {
    Happened(Box<(ObjectReference, Note, Duration)>),
    Timeout,
    Tell,
    Closed,
}

impl Writer {
    fn new(shared: Arc<Shared>, options: CorrelatorOptions) -> Self {
        let random = Random::new(shared.client.runtime().seed);
        let (series, correlator) = (EventSeries::new(&options), EventCorrelator::new(options));
        Self { shared, series, correlator, random }
    }

    async fn run(mut self) {
        loop {
            match self.wait().await {
                Input::Happened(happened) => {
                    let (regarding, note, unix) = *happened;
                    self.handle(regarding, note, unix).await;
                    let waiting = {
                        let status = &mut self.shared.lock().status;
                        status.waiting -= 1;
                        status.waiting
                    };
                    if waiting == 0 {
                        self.shared.written.notify();
                    }
                }
                Input::Timeout => {
                    let now = self.shared.client.runtime().clock.now();
                    let due = self.series.handle_timeout(now);
                    self.shared.lock().status.waiting += due.len();
                    self.write_waiting(due).await;
                }
                Input::Tell => self.tell().await,
                Input::Closed => return self.tell().await,
            }
        }
    }

    /// Tells the counts of series that were not told yet.
    async fn tell(&mut self) {
        let due = self.series.untold();
        {
            let mut state = self.shared.lock();
            state.tell = false;
            state.status.waiting += due.len();
        }
        self.write_waiting(due).await;
    }

    /// Writes events that are counted as waiting.
    async fn write_waiting(&mut self, due: Vec<Event>) {
        for event in due {
            self.write(&event).await;
            self.shared.lock().status.waiting -= 1;
        }
        self.shared.written.notify();
    }

    async fn wait(&self) -> Input {
        let clock = &self.shared.client.runtime().clock;
        let mut sleep = self.series.poll_timeout().map(|(at, _)| clock.sleep_until(at));
        std::future::poll_fn(|context| {
            self.shared.writer.register(context.waker());
            let mut state = self.shared.lock();
            if let Some(happened) = state.waiting.pop_front() {
                return Poll::Ready(Input::Happened(Box::new(happened)));
            }
            if state.tell {
                return Poll::Ready(Input::Tell);
            }
            if state.closed {
                return Poll::Ready(Input::Closed);
            }
            drop(state);
            match &mut sleep {
                Some(sleep) => sleep.as_mut().poll(context).map(|()| Input::Timeout),
                None => Poll::Pending,
            }
        })
        .await
    }

    async fn handle(&mut self, regarding: ObjectReference, note: Note, unix: Duration) {
        let now = self.shared.client.runtime().clock.now();
        let filtered = match self.shared.api {
            EventApi::EventsV1 => match self.series.handle_event(now, self.event(regarding, note, unix)) {
                Observed::Write(event) => {
                    self.write(&event).await;
                    false
                }
                Observed::Counted => false,
                Observed::TooMany => true,
            },
            EventApi::CoreV1 => {
                match self.correlator.handle_event(now, self.core_event(regarding, note, unix)) {
                    Some(correlated) => {
                        self.write_core(&correlated).await;
                        false
                    }
                    None => true,
                }
            }
        };
        self.shared.lock().status.filtered += u64::from(filtered);
    }

    fn event(&self, regarding: ObjectReference, note: Note, unix: Duration) -> Event {
        let Note { warning, reason, action, text, related, annotations } = note;
        Event {
            metadata: metadata(&regarding, annotations, unix),
            event_time: Some(MicroTime(moment(unix))),
            reporting_controller: Some(self.shared.controller.clone()),
            reporting_instance: Some(self.shared.instance.clone()),
            action: Some(action),
            reason: Some(reason),
            regarding: Some(regarding),
            related,
            note: Some(cut(text)),
            type_: Some(if warning { "Warning" } else { "Normal" }.to_owned()),
            ..Event::default()
        }
    }

    fn core_event(&self, regarding: ObjectReference, note: Note, unix: Duration) -> CoreEvent {
        let Note { warning, reason, text, annotations, .. } = note;
        CoreEvent {
            metadata: metadata(&regarding, annotations, unix),
            involved_object: regarding,
            reason: Some(reason),
            message: Some(cut(text)),
            source: Some(EventSource {
                component: Some(self.shared.controller.clone()),
                host: Some(self.shared.instance.clone()),
            }),
            first_timestamp: Some(Time(moment(unix))),
            last_timestamp: Some(Time(moment(unix))),
            count: Some(1),
            type_: Some(if warning { "Warning" } else { "Normal" }.to_owned()),
            ..CoreEvent::default()
        }
    }

    async fn write(&mut self, event: &Event) {
        self.attempt(Write::Event(event)).await;
    }

    async fn write_core(&mut self, correlated: &Correlated) {
        if let Some(name) = self.attempt(Write::Core(&correlated.event)).await {
            self.correlator.handle_written(&correlated.key, &name);
        }
    }

    /// Tries until the server answered, or it was tried often enough; the name the server keeps it under.
    async fn attempt(&mut self, write: Write<'_>) -> Option<String> {
        let repeats = matches!(write, Write::Event(event) if event.series.is_some());
        for attempt in 1.. {
            let error = match write.once(&self.shared.client).await {
                Ok(name) => {
                    self.shared.lock().status.written += 1;
                    return name;
                }
                Err(error) => error,
            };
            // Created by another writer between patch and creation: the patch finds it now.
            let again = error.status().is_none() || (repeats && error.is_already_exists());
            let closed = self.shared.lock().closed;
            if !again || attempt >= MOST_TRIES || closed {
                let mut state = self.shared.lock();
                state.status.failed += 1;
                state.status.last_error = Some(error.to_string());
                return None;
            }
            let pause = BETWEEN_TRIES + BETWEEN_TRIES.mul_f64(0.25 * self.random.fraction());
            self.shared.client.runtime().sleep(pause).await;
        }
        None
    }
}

/// An event on its way to the server.
#[derive(Clone, Copy)]
enum Write<'a> {
    Event(&'a Event),
    Core(&'a CoreEvent),
}

impl Write<'_> {
    /// Patches what makes the event a repeated one into it, or creates it, also when it has expired meanwhile.
    async fn once(self, client: &Client) -> Result<Option<String>, Error> {
        match self {
            Self::Event(event) => {
                let patch = event.series.as_ref().map(|series| json!({ "series": series }));
                create_or_patch(client, event, patch).await
            }
            Self::Core(event) => {
                let (count, message, last) = (&event.count, &event.message, &event.last_timestamp);
                let patch = json!({ "count": count, "message": message, "lastTimestamp": last });
                create_or_patch(client, event, (*count > Some(1)).then_some(patch)).await
            }
        }
    }
}

async fn create_or_patch<E>(client: &Client, event: &E, patch: Option<Value>) -> Result<Option<String>, Error>
where
    E: Resource + Serialize,
{
    let meta = event.meta();
    let events = client.api::<E>(meta.namespace);
    let name = |written: E| Some(written.meta().name.to_owned());
    if let Some(patch) = patch {
        match events.patch(meta.name, &Patch::Merge(patch), &PatchOptions::default()).await {
            Err(error) if error.is_not_found() => {}
            outcome => return outcome.map(name),
        }
    }
    events.create(event, &CreateOptions::default()).await.map(name)
}

/// client-go's `makeEvent`: in the namespace of the object, `default` for those without.
fn metadata(
    regarding: &ObjectReference,
    annotations: BTreeMap<String, String>,
    unix: Duration,
) -> ObjectMeta {
    let namespace = regarding.namespace.clone().filter(|namespace| !namespace.is_empty());
    ObjectMeta {
        name: Some(name(regarding.name.as_deref().unwrap_or_default(), unix)),
        namespace: Some(namespace.unwrap_or_else(|| "default".to_owned())),
        annotations: (!annotations.is_empty()).then_some(annotations),
        ..ObjectMeta::default()
    }
}

/// client-go's `GenerateEventName`: `<object>.<hex nanoseconds>`; of an object whose name an event cannot have, without it.
fn name(object: &str, unix: Duration) -> String {
    let good = |part: &str| {
        let edge = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
        let inner = part.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        inner && edge(part.bytes().next()) && edge(part.bytes().last())
    };
    let nanos = unix.as_nanos();
    if object.len() < 230 && object.split('.').all(good) {
        format!("{object}.{nanos:x}")
    } else {
        format!("event.{nanos:x}")
    }
}

fn moment(unix: Duration) -> jiff::Timestamp {
    let micros = i64::try_from(unix.as_micros()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_microsecond(micros).unwrap_or_default()
}

fn cut(mut text: String) -> String {
    if text.len() > LONGEST_NOTE {
        let end = (0..=LONGEST_NOTE - 3).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_such_as_events_can_have() {
        let unix = Duration::from_nanos(255);
        assert_eq!(name("web-0.example", unix), "web-0.example.ff");
        for odd in ["", "Web", "system:node", "-a", "a..b", &"a".repeat(240)] {
            assert_eq!(name(odd, unix), "event.ff");
        }
    }

    #[test]
    fn long_notes_are_cut_between_characters() {
        assert_eq!(cut("é".repeat(512)).len(), 1_024);
        let long = cut("é".repeat(513));
        assert!(long.len() <= LONGEST_NOTE && long.ends_with("é…"));
    }
}
