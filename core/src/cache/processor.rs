//! The fan-out: hands every event to every handler, each at its own pace.
//!
//! Follows client-go's `tools/cache/shared_informer.go` (`sharedProcessor`, `processorListener`) and
//! `tools/cache/synctrack` (0.37): initial adds for a handler that joins later, a has-synced of its own per handler,
//! resyncs only to the handlers that asked for one.
//!
//! Invariants: what a handler was told of a key alternates between added and deleted, with updates in between, and ends
//! at the store's state; nothing of one key is told out of order; what waits for a handler is bounded.
//!
//! Differs: client-go's queue per handler grows until memory ends. Here the default, coalescing, keeps only the newest
//! state of each key, so that a slow handler skips states and never an object; a lossless handler sees every event, and
//! when its queue is full [`Processor::paused`] asks the driver to stop feeding. One list, or the initial adds, may
//! pass a lossless handler's capacity, since they are one step. No panic handling and no tasks: that is the driver's.

mod pending;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use slab::Slab;

use self::pending::Pending;
use super::event::Event;
use crate::meta::Object;
use crate::time::Instant;

/// The least period of a resync. client-go's `minimumResyncPeriod`.
const LEAST_RESYNC_PERIOD: Duration = Duration::from_secs(1);

/// How a handler wants to be told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HandlerOptions {
    /// What happens when events come faster than the handler takes them.
    pub delivery: Delivery,
    /// How often every object is announced again, at least a second; `None` is the informer's own period, zero never. An
    /// informer without a period of its own announces nothing to anybody, and one that has started nothing more often
    /// than before: [`HandlerStatus::resync_period`] is what came of it. As with client-go.
    pub resync_period: Option<Duration>,
}

/// What happens when events come faster than a handler takes them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// Only the newest state of each key waits. At most two events wait per key: a deletion, and an addition after it.
    #[default]
    Coalesce,
    /// Every event waits its turn; from `capacity` on the informer pauses.
    Lossless {
        /// How many events may wait; at least one.
        capacity: usize,
    },
}

/// Names one registered handler. client-go's `ResourceEventHandlerRegistration`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HandlerId {
    slot: usize,
    /// Tells handlers apart that had the same slot one after the other.
    serial: u64,
}

/// How one handler stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HandlerStatus {
    /// How many events wait.
    pub waiting: usize,
    /// The most that ever waited.
    pub most_waiting: usize,
    /// How many events it took.
    pub delivered: u64,
    /// How many events were merged into a waiting one, or cancelled out with it.
    pub coalesced: u64,
    /// Since when events wait without any being taken, to the last change: a handler that is stuck shows here.
    pub stuck_since: Option<Instant>,
    /// Whether it pauses the informer.
    pub pauses: bool,
    /// Whether it has processed the whole initial list.
    pub has_synced: bool,
    /// How often every object is announced to it again, zero for never.
    pub resync_period: Duration,
}

/// The fan-out. client-go's `sharedProcessor`.
pub struct Processor<T> {
    handlers: Slab<Handler<T>>,
    next_serial: u64,
    default_resync_period: Duration,
    /// How often the reflector asks for a resync; zero never.
    resync_check_period: Duration,
    started: bool,
    upstream_has_synced: bool,
    /// When it was last told the time.
    now: Instant,
}

struct Handler<T> {
    serial: u64,
    pending: Pending<T>,
    /// Initial adds that were taken and are not yet processed.
    initial_taken: usize,
    has_synced: bool,
    requested_resync_period: Duration,
    resync_period: Duration,
    next_resync: Instant,
    /// Whether resync events go to it. client-go begins with all of them, until the first resync is due.
    syncing: bool,
    delivered: u64,
    most_waiting: usize,
    /// When it last took an event, or the first that waits came.
    moved: Instant,
}

impl<T: Object> Processor<T> {
    /// No handlers yet. `default_resync_period` is for handlers that do not say; zero is never.
    pub fn new(default_resync_period: Duration) -> Self {
        Self {
            handlers: Slab::new(),
            next_serial: 0,
            default_resync_period,
            resync_check_period: default_resync_period,
            started: false,
            upstream_has_synced: false,
            now: Instant::default(),
        }
    }

    /// The informer runs from now on: no handler can make resyncs more frequent any more. Returns how often the
    /// reflector is to ask for a resync, zero for never.
    pub fn start(&mut self) -> Duration {
        self.started = true;
        self.resync_check_period
    }

    /// Adds a handler and queues an initial add for each of `objects`, the contents of the store. client-go's
    /// `AddEventHandlerWithOptions`.
    pub fn add_handler<'a>(
        &mut self,
        now: Instant,
        options: HandlerOptions,
        objects: impl Iterator<Item = &'a Arc<T>>,
    ) -> HandlerId {
        let requested = self.clamp_resync(options.resync_period.unwrap_or(self.default_resync_period));
        let resync_period = effective_resync(requested, self.resync_check_period);
        let mut handler = Handler {
            serial: self.next_serial,
            pending: Pending::new(options.delivery),
            initial_taken: 0,
            has_synced: false,
            requested_resync_period: requested,
            resync_period,
            next_resync: now + resync_period,
            syncing: true,
            delivered: 0,
            most_waiting: 0,
            moved: now,
        };
        self.next_serial += 1;
        for object in objects {
            handler.push(now, &Event::Added { object: object.clone(), is_in_initial_list: true });
        }
        handler.check_synced(self.upstream_has_synced);
        let serial = handler.serial;
        HandlerId { slot: self.handlers.insert(handler), serial }
    }

    /// Removes a handler with all that waits for it. False if it was removed before. client-go's `RemoveEventHandler`.
    pub fn remove_handler(&mut self, id: HandlerId) -> bool {
        let present = self.handler(id).is_some();
        if present {
            self.handlers.remove(id.slot);
        }
        present
    }

    /// What is distributed from now on is distributed at this time.
    pub fn set_now(&mut self, now: Instant) {
        self.now = now;
    }

    /// Queues an event for every handler; if it `is_sync`, an announcement of a state already told, only for those that
    /// are due for a resync. client-go's `distribute`.
    pub fn distribute(&mut self, event: &Event<T>, is_sync: bool) {
        for (_, handler) in &mut self.handlers {
            if !is_sync || handler.syncing {
                handler.push(self.now, event);
                // An initial add may have cancelled out with its deletion.
                handler.check_synced(self.upstream_has_synced);
            }
        }
    }

    /// Chooses the handlers that are due for a resync; true if there are any, and then the store is to be announced.
    /// client-go's `shouldResync`.
    pub fn should_resync(&mut self, now: Instant) -> bool {
        let mut any = false;
        for (_, handler) in &mut self.handlers {
            handler.syncing = !handler.resync_period.is_zero() && handler.next_resync <= now;
            if handler.syncing {
                handler.next_resync = now + handler.resync_period;
                any = true;
            }
        }
        any
    }

    /// The whole initial list has been distributed.
    pub fn handle_upstream_synced(&mut self) {
        self.upstream_has_synced = true;
        for (_, handler) in &mut self.handlers {
            handler.check_synced(true);
        }
    }

    /// The next event for a handler. Say [`handle_processed`](Self::handle_processed) when the handler is through.
    pub fn poll_event(&mut self, id: HandlerId) -> Option<Event<T>> {
        let now = self.now;
        let handler = self.handler_mut(id)?;
        let event = handler.pending.pop()?;
        handler.moved = now;
        handler.delivered += 1;
        handler.initial_taken += usize::from(event.is_initial());
        Some(event)
    }

    /// The handler has processed every event taken so far. True when that makes it in sync.
    pub fn handle_processed(&mut self, id: HandlerId) -> bool {
        let upstream = self.upstream_has_synced;
        let Some(handler) = self.handler_mut(id) else { return false };
        let before = handler.has_synced;
        handler.initial_taken = 0;
        handler.check_synced(upstream);
        handler.has_synced != before
    }

    /// Whether a lossless handler's queue is full: stop feeding until it is not.
    pub fn paused(&self) -> bool {
        self.handlers.iter().any(|(_, handler)| handler.pending.is_full())
    }

    /// The handlers, in the order of their slots.
    pub fn handlers(&self) -> impl Iterator<Item = HandlerId> {
        self.handlers.iter().map(|(slot, handler)| HandlerId { slot, serial: handler.serial })
    }

    /// Whether there is this handler: not once it was removed.
    pub fn has_handler(&self, id: HandlerId) -> bool {
        self.handler(id).is_some()
    }

    /// Whether an event waits for the handler.
    pub fn has_event(&self, id: HandlerId) -> bool {
        self.handler(id).is_some_and(|handler| handler.pending.len() > 0)
    }

    /// Whether the handler has processed the whole initial list; false when it was removed. client-go's
    /// `ResourceEventHandlerRegistration.HasSynced`.
    pub fn has_synced(&self, id: HandlerId) -> bool {
        self.handler(id).is_some_and(|handler| handler.has_synced)
    }

    /// How the handler stands, unless it was removed.
    pub fn status(&self, id: HandlerId) -> Option<HandlerStatus> {
        self.handler(id).map(|handler| HandlerStatus {
            waiting: handler.pending.len(),
            most_waiting: handler.most_waiting,
            delivered: handler.delivered,
            coalesced: handler.pending.coalesced(),
            stuck_since: (handler.pending.len() > 0).then_some(handler.moved),
            pauses: handler.pending.is_full(),
            has_synced: handler.has_synced,
            resync_period: handler.resync_period,
        })
    }

    /// The period a handler gets of what it asks; before the start it may make resyncs more frequent for all.
    fn clamp_resync(&mut self, desired: Duration) -> Duration {
        if desired.is_zero() {
            return desired;
        }
        let desired = desired.max(LEAST_RESYNC_PERIOD);
        if desired >= self.resync_check_period {
            return desired;
        }
        if self.started {
            return self.resync_check_period;
        }
        self.resync_check_period = desired;
        for (_, handler) in &mut self.handlers {
            handler.resync_period = effective_resync(handler.requested_resync_period, desired);
        }
        desired
    }

    fn handler(&self, id: HandlerId) -> Option<&Handler<T>> {
        self.handlers.get(id.slot).filter(|handler| handler.serial == id.serial)
    }

    fn handler_mut(&mut self, id: HandlerId) -> Option<&mut Handler<T>> {
        self.handlers.get_mut(id.slot).filter(|handler| handler.serial == id.serial)
    }
}

impl<T: Object> Handler<T> {
    fn push(&mut self, now: Instant, event: &Event<T>) {
        if self.pending.len() == 0 {
            self.moved = now;
        }
        self.pending.push(event.clone());
        self.most_waiting = self.most_waiting.max(self.pending.len());
    }

    fn check_synced(&mut self, upstream: bool) {
        self.has_synced |= upstream && self.initial_taken == 0 && self.pending.initial() == 0;
    }
}

/// The period a handler really gets. client-go's `determineResyncPeriod`.
fn effective_resync(desired: Duration, check: Duration) -> Duration {
    if desired.is_zero() || check.is_zero() { Duration::ZERO } else { desired.max(check) }
}

/// How many handlers there are, never what waits for them.
impl<T> fmt::Debug for Processor<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Processor").field("handlers", &self.handlers.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
