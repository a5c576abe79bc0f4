//! Handlers, the task that feeds one of them, and events as a stream.
//!
//! Invariant: a handler is called by one task only, without any lock held, in the order the fan-out says.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::{Stream, stream};

use super::shared::Shared;
use crate::cache::{Event, HandlerId, HandlerStatus, Notice};
use crate::error::Error;
use crate::meta::Object;
use crate::portable::{BoxStream, MaybeSend, MaybeSync};

/// How many events a handler is given before its progress is noted and other tasks get a turn.
const BATCH: usize = 64;

/// Is told what happens to the objects of an informer. Closures `|event: Event<_>| …` are handlers. A handler that
/// panics is removed, the observer and the status say so, and the others go on, where the runtime lets a task end by a
/// panic. client-go's `ResourceEventHandler`.
///
/// A handler is called in a task, and holds up the thread of that task for as long as it takes: with one thread, as in a
/// page or tokio's `current_thread`, one that blocks stops everything else, its informer too. What takes long belongs into
/// a queue's workers, and who waits between events takes
/// [`SharedIndexInformer::events`](super::SharedIndexInformer::events).
pub trait EventHandler<T>: MaybeSend + MaybeSync + 'static {
    /// Called for each event, one at a time. It may read the informer's lister.
    fn on_event(&self, event: Event<T>);
}

impl<T, F: Fn(Event<T>) + MaybeSend + MaybeSync + 'static> EventHandler<T> for F {
    fn on_event(&self, event: Event<T>) {
        self(event);
    }
}

/// A handler's place in its informer. Dropping it changes nothing; see [`Registration::remove`]. client-go's
/// `ResourceEventHandlerRegistration`.
pub struct Registration<T: Object> {
    shared: Arc<Shared<T>>,
    id: HandlerId,
}

impl<T: Object> Registration<T> {
    pub(super) fn new(shared: Arc<Shared<T>>, id: HandlerId) -> Self {
        Self { shared, id }
    }

    /// Whether the handler has processed the whole initial list. client-go's `HasSynced`.
    pub fn has_synced(&self) -> bool {
        self.shared.read().processor().has_synced(self.id)
    }

    /// Resolves once the handler has processed the whole initial list.
    ///
    /// # Errors
    /// `Canceled`, if that will never be: the handler was removed, or the informer ended before it was in sync itself.
    pub async fn wait_for_sync(&self) -> Result<(), Error> {
        let removed = || Error::canceled("the handler was removed before it was in sync");
        let waits = self.shared.changed().until(|| {
            // In this order: it may come into sync and end between the two looks.
            let ending = self.shared.ending();
            match self.status() {
                None => Some(Err(removed())),
                Some(status) if status.has_synced => Some(Ok(())),
                // What the store holds is told after the end too.
                Some(_) if self.shared.read().has_synced() => None,
                Some(_) => ending.map(Err),
            }
        });
        waits.await
    }

    /// Resolves once the handler will hear of nothing any more, since the informer was stopped.
    ///
    /// # Errors
    /// `Canceled`, when nobody stopped the informer: the handler was removed, maybe for a panic, or the informer has ended
    /// by one.
    pub async fn wait_for_end(&self) -> Result<(), Error> {
        let shared = &self.shared;
        let ends = shared.changed().until(|| {
            let ended = shared.has_ended();
            let pipeline = shared.read();
            let processor = pipeline.processor();
            let there = processor.has_handler(self.id);
            (!there || (ended && !processor.has_event(self.id))).then_some(there)
        });
        if ends.await && shared.is_stopped() {
            return Ok(());
        }
        let why = shared.status().last_error.clone().unwrap_or_else(|| "it was removed".to_owned());
        let resource = shared.api().api_resource();
        Err(Error::canceled(format!("a handler hears nothing of {resource} any more: {why}")))
    }

    /// How the handler stands, `None` once it was removed.
    pub fn status(&self) -> Option<HandlerStatus> {
        self.shared.read().processor().status(self.id)
    }

    /// Removes the handler with all that waits for it. client-go's `RemoveEventHandler`.
    pub fn remove(&self) {
        self.shared.remove_handler(self.id);
    }
}

impl<T: Object> fmt::Debug for Registration<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registration").field("status", &self.status()).finish_non_exhaustive()
    }
}

/// The events of an informer as a stream: first everything in the store, then what happens. It ends once the informer
/// has ended and nothing waits any more; dropping it removes it. It may be made before or after the start.
pub struct EventStream<T: Object> {
    registration: Registration<T>,
    next: BoxStream<'static, Event<T>>,
}

impl<T: Object> EventStream<T> {
    pub(super) fn new(registration: Registration<T>) -> Self {
        let state = (registration.shared.clone(), registration.id, Vec::new());
        let next = stream::unfold(state, |(shared, id, mut taken)| async move {
            loop {
                // Asking for the next event says that the ones before are processed.
                shared.next_events(id, 1, &mut taken);
                if let Some(event) = taken.pop() {
                    return Some((event, (shared, id, taken)));
                }
                if !wait_for_event(&shared, id).await {
                    return None;
                }
            }
        });
        Self { registration, next: Box::pin(next) }
    }

    /// How far it is.
    pub fn registration(&self) -> &Registration<T> {
        &self.registration
    }
}

impl<T: Object> Stream for EventStream<T> {
    type Item = Event<T>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event<T>>> {
        self.next.as_mut().poll_next(context)
    }
}

impl<T: Object> Drop for EventStream<T> {
    fn drop(&mut self) {
        self.registration.remove();
    }
}

impl<T: Object> fmt::Debug for EventStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream").field("status", &self.registration.status()).finish_non_exhaustive()
    }
}

/// Resolves to true once an event waits for the handler, to false when none will come any more.
async fn wait_for_event<T: Object>(shared: &Shared<T>, id: HandlerId) -> bool {
    let next = shared.changed().until(|| {
        let ended = shared.has_ended();
        let pipeline = shared.read();
        let processor = pipeline.processor();
        let waits = processor.has_event(id);
        (waits || ended || !processor.has_handler(id)).then_some(waits)
    });
    next.await
}

/// Feeds `handler` until it is removed, or the informer has ended and nothing waits any more.
pub(super) async fn deliver<T: Object>(shared: Arc<Shared<T>>, id: HandlerId, handler: impl EventHandler<T>) {
    let mut batch = Vec::new();
    loop {
        shared.next_events(id, BATCH, &mut batch);
        if batch.is_empty() {
            if !wait_for_event(&shared, id).await {
                return;
            }
            continue;
        }
        let told =
            catch_unwind(AssertUnwindSafe(|| batch.drain(..).for_each(|event| handler.on_event(event))));
        if let Err(panic) = told {
            let text = panic_text(&*panic);
            shared.set_error(text.clone());
            // What waits for it would pause the informer for ever.
            shared.remove_handler(id);
            shared.observe(&Notice::HandlerPanicked { text });
            resume_unwind(panic);
        }
        shared.runtime().spawner.yield_now().await;
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let literal = panic.downcast_ref::<&str>().copied();
    let said = literal.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or_default();
    format!("a handler panicked and was removed: {said}")
}
