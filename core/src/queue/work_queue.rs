//! [`WorkQueue`]: which key comes next, which are with workers, which wait.
//!
//! Follows client-go's `util/workqueue` `queue.go`, `delaying_queue.go`, `rate_limiting_queue.go` and `metrics.go` (0.37).
//!
//! Invariants: a key is ready once at most; it is with one worker at most; what is added while it is with a worker
//! comes again once that worker is done. Nothing that was added before the shutdown is lost, delays aside.
//!
//! Differs: two priorities (client-go leaves the order to a `Queue` of the caller's, where they may starve): a key of
//! low priority waits for the others, but of [`LOW_EVERY`] keys taken one is a waiting low one, the oldest. A key that is
//! added again keeps its place unless that raises its priority. A drain (see [`WorkQueue::is_drained`]) waits for what is
//! ready too, as client-go's documentation says and its code does not. Due items of one moment come in the order added.
//! Done is said with the [`Ticket`] of the take: a key nobody took cannot be done.

use std::hash::Hash;
use std::time::Duration;

use super::delays::Delays;
use super::lists::{Entries, List};
use super::metrics::QueueMetrics;
use super::rate_limiter::{RateLimiter, controller_rate_limiter};
use crate::portable::MaybeSend;
use crate::time::Instant;

/// While keys of both priorities wait, one of so many taken is of the low one.
const LOW_EVERY: u32 = 8;

/// What comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// What nothing depends on at once: the initial list, a resync.
    Low,
    /// What just happened.
    #[default]
    Normal,
}

/// Says which take is done. Of the queue that gave it.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Ticket(usize);

enum Stage {
    /// Neither ready nor with a worker: it only waits for its delay to end.
    Away,
    Ready(Priority),
    /// Added again meanwhile, since when.
    Processing {
        again: Option<(Priority, Instant)>,
    },
}

/// Keys for workers: each once, in order, after delays and rate limits. client-go's
/// `workqueue.TypedRateLimitingInterface`.
pub struct WorkQueue<T> {
    entries: Entries<T, Stage>,
    normal: List,
    low: List,
    processing: List,
    /// How many keys of normal priority were taken in a row while low ones waited.
    passed_low: u32,
    delays: Delays,
    limiter: Box<dyn RateLimiter<T>>,
    shutting_down: bool,
    metered: bool,
    /// The counters; what can be computed is filled in when asked.
    counted: QueueMetrics,
}

impl<T: Hash + Eq + Clone + 'static> WorkQueue<T> {
    /// An empty queue whose failed items wait as long as `limiter` says.
    pub fn new(limiter: impl RateLimiter<T>) -> Self {
        Self {
            entries: Entries::new(),
            normal: List::EMPTY,
            low: List::EMPTY,
            processing: List::EMPTY,
            passed_low: 0,
            delays: Delays::new(),
            limiter: Box::new(limiter),
            shutting_down: false,
            metered: false,
            counted: QueueMetrics::default(),
        }
    }

    /// The same, with the times of its items counted too: the moments handed in must then be real.
    #[must_use]
    pub fn with_metrics(self) -> Self {
        Self { metered: true, ..self }
    }

    /// Adds `item`, unless it is ready already; then it only rises to `priority`, if that is higher. True when one more
    /// is ready: wake a worker. After the shutdown nothing is added. client-go's `Add`.
    pub fn add(&mut self, now: Instant, item: T, priority: Priority) -> bool {
        if self.shutting_down {
            return false;
        }
        let slot = self.slot_of(now, item);
        self.add_slot(now, slot, priority)
    }

    /// Adds `item` once `delay` is over; if it waits already, the earlier of the two moments counts. No delay adds it at
    /// once, and then true means that one more is ready. client-go's `AddAfter`.
    pub fn add_after(&mut self, now: Instant, item: T, delay: Duration) -> bool {
        if self.shutting_down {
            return false;
        }
        let slot = self.slot_of(now, item);
        self.add_slot_after(now, slot, delay)
    }

    /// Adds `item`, which failed, once the rate limiter allows. True as for [`Self::add_after`]. client-go's
    /// `AddRateLimited`.
    pub fn add_rate_limited(&mut self, now: Instant, item: T) -> bool {
        let delay = self.limiter.when(now, &item);
        self.add_after(now, item, delay)
    }

    /// Forgets that `item` failed. client-go's `Forget`.
    pub fn forget(&mut self, item: &T) {
        self.limiter.forget(item);
    }

    /// How often `item` failed since it was last forgotten. client-go's `NumRequeues`.
    pub fn num_requeues(&self, item: &T) -> u32 {
        self.limiter.num_requeues(item)
    }

    /// Takes the next item; until [`Self::done`] nobody else gets it. `None` when none is ready. client-go's `Get`.
    pub fn poll_item(&mut self, now: Instant) -> Option<(Ticket, T)> {
        let priority = self.next_priority()?;
        let list = of(&mut self.normal, &mut self.low, priority);
        let slot = list.first()?;
        self.entries.unlink(list, slot);
        self.entries.append(&mut self.processing, slot);
        let entry = self.entries.get_mut(slot)?;
        if self.metered {
            self.counted.latency.observe(now.saturating_duration_since(entry.since));
        }
        entry.since = now;
        entry.stage = Stage::Processing { again: None };
        Some((Ticket(slot), entry.item.clone()))
    }

    /// What a worker took has failed: [`Self::add_rate_limited`] without looking for it. The worker still has to say that
    /// it is done.
    pub fn retry(&mut self, now: Instant, ticket: &Ticket) {
        let Ticket(slot) = *ticket;
        let Some(entry) = self.entries.get(slot) else { return };
        let delay = self.limiter.when(now, &entry.item);
        if !self.shutting_down {
            self.add_slot_after(now, slot, delay);
        }
    }

    /// A worker is through with what it took. True when the item was added meanwhile and is ready again. client-go's
    /// `Done`.
    #[expect(clippy::needless_pass_by_value, reason = "a ticket is used up")]
    pub fn done(&mut self, now: Instant, ticket: Ticket) -> bool {
        let Ticket(slot) = ticket;
        let Some(entry) = self.entries.get_mut(slot) else { return false };
        let Stage::Processing { again } = entry.stage else { return false };
        if self.metered {
            self.counted.work_duration.observe(now.saturating_duration_since(entry.since));
        }
        entry.stage = Stage::Away;
        let is_due_later = entry.due.is_some();
        self.entries.unlink(&mut self.processing, slot);
        if let Some((priority, since)) = again {
            self.make_ready(since, slot, priority);
        } else if !is_due_later {
            self.entries.remove(slot);
        }
        again.is_some()
    }

    /// Adds the items whose delay is over; answers how many became ready.
    pub fn handle_timeout(&mut self, now: Instant) -> usize {
        let mut ready = 0;
        while let Some(slot) = self.delays.pop_due(now) {
            if let Some(entry) = self.entries.get_mut(slot) {
                entry.due = None;
            }
            ready += usize::from(self.add_slot(now, slot, Priority::Normal));
        }
        ready
    }

    /// When to call [`Self::handle_timeout`] next.
    pub fn poll_timeout(&self) -> Option<(Instant, &'static str)> {
        self.delays.next_due().map(|at| (at, "delayed item"))
    }

    /// Refuses additions from now on and drops what is delayed. What is ready is still handed out, and what was added
    /// while a worker was at it comes again. client-go's `ShutDown`.
    pub fn shut_down(&mut self) {
        self.shutting_down = true;
        for slot in self.delays.take_all() {
            let Some(entry) = self.entries.get_mut(slot) else { continue };
            entry.due = None;
            if matches!(entry.stage, Stage::Away) {
                self.entries.remove(slot);
            }
        }
    }

    /// Whether it was shut down. client-go's `ShuttingDown`.
    pub fn is_shutting_down(&self) -> bool {
        self.shutting_down
    }

    /// Whether no item is ready or with a worker: after the shutdown, the end. client-go's `ShutDownWithDrain` waits
    /// for it.
    pub fn is_drained(&self) -> bool {
        self.is_empty() && self.processing.len() == 0
    }

    /// How many items are ready. client-go's `Len`.
    pub fn len(&self) -> usize {
        self.normal.len() + self.low.len()
    }

    /// Whether none is ready.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How it stands at `now`.
    pub fn metrics(&self, now: Instant) -> QueueMetrics {
        let mut metrics = QueueMetrics {
            depth: self.len(),
            depth_low: self.low.len(),
            delayed: self.delays.len(),
            processing: self.processing.len(),
            ..self.counted.clone()
        };
        for entry in self.entries.iter(&self.processing) {
            // Added again meanwhile, it waits too.
            metrics.depth += usize::from(matches!(entry.stage, Stage::Processing { again: Some(_) }));
            if self.metered {
                let age = now.saturating_duration_since(entry.since);
                metrics.unfinished = metrics.unfinished.saturating_add(age);
                metrics.longest_running = metrics.longest_running.max(age);
            }
        }
        metrics
    }

    /// The slot of an item; if there was none, it is away.
    fn slot_of(&mut self, now: Instant, item: T) -> usize {
        let found = self.entries.find(&item);
        found.unwrap_or_else(|hash| self.entries.insert(hash, item, Stage::Away, now))
    }

    /// Adds what is in a slot. True when one more is ready.
    fn add_slot(&mut self, now: Instant, slot: usize, priority: Priority) -> bool {
        let Some(entry) = self.entries.get_mut(slot) else { return false };
        match &mut entry.stage {
            Stage::Away => {
                self.counted.adds += 1;
                self.make_ready(now, slot, priority);
                return true;
            }
            Stage::Processing { again: Some((held, _)) } => *held = priority.max(*held),
            Stage::Processing { again } => {
                *again = Some((priority, now));
                self.counted.adds += 1;
            }
            Stage::Ready(held) if *held < priority => {
                *held = priority;
                self.entries.unlink(&mut self.low, slot);
                self.entries.append(&mut self.normal, slot);
            }
            Stage::Ready(_) => {}
        }
        false
    }

    /// Adds what is in a slot once `delay` is over. True when one more is ready already.
    fn add_slot_after(&mut self, now: Instant, slot: usize, delay: Duration) -> bool {
        self.counted.retries += 1;
        if delay.is_zero() {
            return self.add_slot(now, slot, Priority::Normal);
        }
        if let Some(entry) = self.entries.get_mut(slot) {
            self.delays.insert(slot, &mut entry.due, now + delay);
        }
        false
    }

    /// Puts what is away into the list of its priority, where it is counted to wait since then.
    fn make_ready(&mut self, since: Instant, slot: usize, priority: Priority) {
        if let Some(entry) = self.entries.get_mut(slot) {
            entry.since = since;
            entry.stage = Stage::Ready(priority);
        }
        self.entries.append(of(&mut self.normal, &mut self.low, priority), slot);
    }

    /// Which list the next item comes from.
    fn next_priority(&mut self) -> Option<Priority> {
        match (self.normal.len(), self.low.len()) {
            (0, 0) => None,
            (_, 0) => Some(Priority::Normal),
            (1.., 1..) if self.passed_low < LOW_EVERY - 1 => {
                self.passed_low += 1;
                Some(Priority::Normal)
            }
            _ => {
                self.passed_low = 0;
                Some(Priority::Low)
            }
        }
    }
}

impl<T: Hash + Eq + Clone + MaybeSend + 'static> Default for WorkQueue<T> {
    /// A queue with the [`controller_rate_limiter`].
    fn default() -> Self {
        Self::new(controller_rate_limiter())
    }
}

impl<T: Hash + Eq + Clone + 'static> std::fmt::Debug for WorkQueue<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WorkQueue")
            .field("ready", &self.len())
            .field("processing", &self.processing.len())
            .field("delayed", &self.delays.len())
            .field("shutting_down", &self.shutting_down)
            .finish()
    }
}

fn of<'l>(normal: &'l mut List, low: &'l mut List, priority: Priority) -> &'l mut List {
    match priority {
        Priority::Normal => normal,
        Priority::Low => low,
    }
}

#[cfg(test)]
mod tests;
