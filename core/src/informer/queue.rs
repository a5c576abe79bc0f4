//! [`RateLimitingQueue`]: the workqueue that handlers and workers share.
//!
//! The driver around [`WorkQueue`]: a lock, the workers that wait, and a task that adds what was delayed, which lives only
//! while something is. client-go's `workqueue.TypedRateLimitingInterface`.
//!
//! Invariants: the lock is held for one step of the machine, never at an await point; for every item that is ready a
//! worker that waits was woken; a dropped [`Work`] is done, also by a panic.

use std::collections::BTreeMap;
use std::fmt;
use std::future::{Future, poll_fn};
use std::hash::Hash;
use std::hint::spin_loop;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures::future::join_all;
use futures::task::AtomicWaker;

use super::handler::EventHandler;
use super::signal::Signal;
use crate::cache::Event;
use crate::meta::{Key, Object};
use crate::portable::{MaybeSend, MaybeSync};
use crate::queue::{Priority, QueueMetrics, RateLimiter, Ticket, WorkQueue, controller_rate_limiter};
use crate::time::{Instant, Runtime};

/// What a queue holds: cheap to clone, such as [`Key`].
pub trait QueueItem: Clone + Eq + Hash + MaybeSend + 'static {}
impl<T: Clone + Eq + Hash + MaybeSend + 'static> QueueItem for T {}

/// A workqueue with delays, rate limits and priorities. Clones share it. client-go's
/// `workqueue.NewTypedRateLimitingQueue`.
pub struct RateLimitingQueue<T: QueueItem> {
    shared: Arc<Shared<T>>,
}

/// What a worker wants of the queue after an item went well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Next {
    /// Nothing: it comes again when it is added.
    #[default]
    Forget,
    /// To see it again after so long. controller-runtime's `RequeueAfter`.
    After(Duration),
}

impl From<()> for Next {
    fn from((): ()) -> Self {
        Self::Forget
    }
}

impl<T: QueueItem> RateLimitingQueue<T> {
    /// A queue on the clock and tasks of `runtime` ([`crate::client::Client::runtime`]), with the
    /// [`controller_rate_limiter`] and without times in its metrics.
    pub fn new(runtime: &Runtime) -> Self {
        Self::with_limiter(runtime, controller_rate_limiter())
    }

    /// The same, whose failed items wait as long as `limiter` says.
    pub fn with_limiter(runtime: &Runtime, limiter: impl RateLimiter<T>) -> Self {
        Self::of(runtime, WorkQueue::new(limiter), false)
    }

    /// The same, whose metrics have times too: three looks at the clock per item. client-go's queues with a name.
    pub fn with_metrics(runtime: &Runtime, limiter: impl RateLimiter<T>) -> Self {
        Self::of(runtime, WorkQueue::new(limiter).with_metrics(), true)
    }

    fn of(runtime: &Runtime, machine: WorkQueue<T>, metered: bool) -> Self {
        let state =
            State { machine, workers: BTreeMap::new(), next_worker: 0, alarm: None, last_error: None };
        let shared = Shared {
            runtime: runtime.clone(),
            metered,
            state: Mutex::new(state),
            settled: Signal::default(),
            delayed: Arc::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Adds an item. client-go's `Add`.
    pub fn add(&self, item: T) {
        self.add_with(item, Priority::Normal);
    }

    /// Adds an item that comes before or after others.
    pub fn add_with(&self, item: T, priority: Priority) {
        let now = self.shared.moment();
        self.shared.step(|machine| machine.add(now, item, priority).into());
    }

    /// Adds an item after `delay`; if it waits already, the earlier moment counts. client-go's `AddAfter`.
    pub fn add_after(&self, item: T, delay: Duration) {
        self.shared.step_in_time(|machine, now| machine.add_after(now, item, delay));
    }

    /// Adds an item that failed, once the rate limiter allows. client-go's `AddRateLimited`.
    pub fn add_rate_limited(&self, item: T) {
        self.shared.step_in_time(|machine, now| machine.add_rate_limited(now, item));
    }

    /// Forgets that an item failed. client-go's `Forget`.
    pub fn forget(&self, item: &T) {
        self.shared.lock().machine.forget(item);
    }

    /// How often an item failed since it was last forgotten. client-go's `NumRequeues`.
    pub fn num_requeues(&self, item: &T) -> u32 {
        self.shared.lock().machine.num_requeues(item)
    }

    /// Waits for the next item, which nobody else gets until the [`Work`] is dropped. `None` once the queue was shut down
    /// and is empty: the worker is through. Dropping the future loses nothing. client-go's `Get`.
    pub async fn get(&self) -> Option<Work<T>> {
        let (ticket, item) = Place { shared: &self.shared, id: None }.wait().await?;
        Some(Work { shared: self.shared.clone(), ticket: Some(ticket), item })
    }

    /// Works with `workers` at a time, in the task that awaits it, until the queue was shut down and is empty: each item
    /// goes through `work`; `Ok` forgets its failures, an error brings it back, rate limited. For workers on several threads, spawn
    /// several of these. client-go's `processNextWorkItem` loop.
    pub async fn run<W, N, E>(&self, workers: usize, work: impl Fn(T) -> W)
    where
        W: Future<Output = Result<N, E>>,
        N: Into<Next>,
        E: fmt::Display,
    {
        let worker = || async {
            while let Some(taken) = self.get().await {
                match work(taken.item.clone()).await {
                    Ok(next) => taken.succeed(next.into()),
                    Err(error) => {
                        self.shared.lock().last_error = Some(error.to_string());
                        taken.retry();
                    }
                }
            }
        };
        join_all((0..workers.max(1)).map(|_| worker())).await;
    }

    /// Refuses additions from now on; workers are handed what is left and then end. client-go's `ShutDown`.
    pub fn shut_down(&self) {
        let workers = {
            let mut state = self.shared.lock();
            state.machine.shut_down();
            std::mem::take(&mut state.workers)
        };
        workers.into_values().for_each(Waker::wake);
        self.shared.delayed.wake();
        self.shared.settled.notify();
    }

    /// The same, and resolves once workers are done with everything. client-go's `ShutDownWithDrain`.
    pub async fn shut_down_with_drain(&self) {
        self.shut_down();
        self.drained().await;
    }

    /// Resolves once it was shut down.
    pub async fn shut_down_asked(&self) {
        self.shared.settled.until(|| self.is_shutting_down().then_some(())).await;
    }

    /// Whether it was shut down. client-go's `ShuttingDown`.
    pub fn is_shutting_down(&self) -> bool {
        self.shared.lock().machine.is_shutting_down()
    }

    /// How many items are ready. client-go's `Len`.
    pub fn len(&self) -> usize {
        self.shared.lock().machine.len()
    }

    /// Whether none is ready.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How it stands.
    pub fn metrics(&self) -> QueueMetrics {
        let now = self.shared.moment();
        self.shared.lock().machine.metrics(now)
    }

    /// What the last item that failed in [`Self::run`] failed of.
    pub fn last_error(&self) -> Option<String> {
        self.shared.lock().last_error.clone()
    }

    /// Resolves once nothing is ready, nothing with a worker and nothing added.
    async fn drained(&self) {
        self.shared.settled.until(|| self.shared.lock().machine.is_drained().then_some(())).await;
    }
}

impl<T: QueueItem> RateLimitingQueue<T> {
    /// A handler that adds what `items` makes of each event, such as the key of an object's owner. What is in the initial
    /// list, or announced again by a resync, comes after what has just happened.
    pub fn enqueue<O, I>(
        &self,
        items: impl Fn(&Event<O>) -> I + MaybeSend + MaybeSync + 'static,
    ) -> impl EventHandler<O>
    where
        O: Object,
        I: IntoIterator<Item = T>,
    {
        let queue = self.clone();
        move |event: Event<O>| {
            let priority = priority_of(&event);
            items(&event).into_iter().for_each(|item| queue.add_with(item, priority));
        }
    }
}

impl RateLimitingQueue<Key> {
    /// A handler that adds the key of every object it is told of. client-go's idiom of `MetaNamespaceKeyFunc` and
    /// `DeletionHandlingMetaNamespaceKeyFunc` in three handler functions.
    pub fn enqueue_keys<O: Object>(&self) -> impl EventHandler<O> + use<O> {
        let queue = self.clone();
        move |event: Event<O>| queue.add_with(event.key(), priority_of(&event))
    }
}

/// What was there before and what is only announced again can wait.
fn priority_of<O: Object>(event: &Event<O>) -> Priority {
    let resync = match event {
        Event::Updated { old, new } => {
            !new.meta().resource_version.is_empty()
                && old.meta().resource_version == new.meta().resource_version
        }
        Event::Added { .. } | Event::Deleted { .. } => false,
    };
    if resync || event.is_initial() { Priority::Low } else { Priority::Normal }
}

impl<T: QueueItem> Clone for RateLimitingQueue<T> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<T: QueueItem> fmt::Debug for RateLimitingQueue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.lock().machine.fmt(f)
    }
}

/// An item a worker has. Dropping it says that the worker is done. client-go's `Get` with its `defer Done`.
pub struct Work<T: QueueItem> {
    shared: Arc<Shared<T>>,
    ticket: Option<Ticket>,
    item: T,
}

impl<T: QueueItem> Work<T> {
    /// The item went well: its failures are forgotten.
    pub fn succeed(mut self, next: Next) {
        // The ticket is taken last, here as below: a limiter may panic, and then the drop says done.
        match next {
            Next::Forget => {
                let now = self.shared.moment();
                self.shared.step(|machine| {
                    machine.forget(&self.item);
                    done(machine, now, &mut self.ticket).into()
                });
            }
            Next::After(delay) => self.shared.step_in_time(|machine, now| {
                machine.forget(&self.item);
                machine.add_after(now, self.item.clone(), delay);
                done(machine, now, &mut self.ticket)
            }),
        }
    }

    /// The item failed: it comes again, rate limited.
    pub fn retry(mut self) {
        self.shared.step_in_time(|machine, now| {
            if let Some(ticket) = &self.ticket {
                machine.retry(now, ticket);
            }
            done(machine, now, &mut self.ticket)
        });
    }
}

/// Uses up the ticket. Whether its item is ready again.
fn done<T: QueueItem>(machine: &mut WorkQueue<T>, now: Instant, ticket: &mut Option<Ticket>) -> bool {
    ticket.take().is_some_and(|ticket| machine.done(now, ticket))
}

impl<T: QueueItem> Deref for Work<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.item
    }
}

impl<T: QueueItem> Drop for Work<T> {
    fn drop(&mut self) {
        if self.ticket.is_some() {
            let now = self.shared.moment();
            self.shared.step(|machine| done(machine, now, &mut self.ticket).into());
        }
    }
}

impl<T: QueueItem + fmt::Debug> fmt::Debug for Work<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Work").field(&self.item).finish()
    }
}

struct Shared<T: QueueItem> {
    runtime: Runtime,
    /// Whether the machine wants to know the time of everything.
    metered: bool,
    state: Mutex<State<T>>,
    /// Notified at the shutdown, and when the machine is drained afterwards.
    settled: Signal,
    /// Wakes the task that adds delayed items.
    delayed: Arc<AtomicWaker>,
}

struct State<T> {
    machine: WorkQueue<T>,
    /// The workers that wait, in the order they came.
    workers: BTreeMap<u64, Waker>,
    next_worker: u64,
    /// While the task that adds delayed items runs: until when it sleeps, if nobody wakes it.
    alarm: Option<Instant>,
    last_error: Option<String>,
}

impl<T: QueueItem> Shared<T> {
    /// Runs one step of the machine, which says how many items became ready, and wakes whom this concerns.
    fn step(&self, step: impl FnOnce(&mut WorkQueue<T>) -> usize) {
        let mut state = self.lock();
        let ready = step(&mut state.machine);
        self.wake(state, ready);
    }

    /// The same of a step that may delay an item, and says whether one became ready: sees that a task adds the delayed
    /// items when they are due. It is disturbed only for one that is due before all others.
    fn step_in_time(self: &Arc<Self>, step: impl FnOnce(&mut WorkQueue<T>, Instant) -> bool) {
        let now = self.runtime.clock.now();
        let mut state = self.lock();
        let ready = step(&mut state.machine, now);
        let next = state.machine.poll_timeout().map(|(at, _)| at);
        let alarm = state.alarm;
        let is_earlier = next.is_some_and(|next| alarm.is_none_or(|alarm| next < alarm));
        if is_earlier {
            state.alarm = next;
        }
        self.wake(state, ready.into());
        match alarm {
            _ if !is_earlier => {}
            Some(_) => self.delayed.wake(),
            None => {
                let task = keep_time(Arc::downgrade(self), self.delayed.clone());
                self.runtime.spawner.spawn("workqueue", Box::pin(task));
            }
        }
    }

    /// Wakes a worker for each item that became ready, and who waits for the end, if this is it.
    fn wake(&self, mut state: MutexGuard<'_, State<T>>, ready: usize) {
        let drained = state.machine.is_shutting_down() && state.machine.is_drained();
        // While there is much to do, none waits.
        let woken: Vec<_> = if state.workers.is_empty() {
            Vec::new()
        } else {
            (0..ready).map_while(|_| state.workers.pop_first()).collect()
        };
        // Outside the lock: a waker may run its task right here.
        drop(state);
        woken.into_iter().for_each(|(_, worker)| worker.wake());
        if drained {
            self.settled.notify();
        }
    }

    /// The time, if the machine wants to know it.
    fn moment(&self) -> Instant {
        if self.metered { self.runtime.clock.now() } else { Instant::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.try_lock().unwrap_or_else(|| self.lock_held())
    }

    fn try_lock(&self) -> Option<MutexGuard<'_, State<T>>> {
        match self.state.try_lock() {
            Ok(state) => Some(state),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// The lock, which another thread has. A step is over before a sleeper could be woken, and while nobody looks whether
    /// it is, all it works on stays in the cache of one processor, for the next steps too: so this looks seldom, and
    /// sleeps if that thread still has it after some microseconds.
    #[cold]
    fn lock_held(&self) -> MutexGuard<'_, State<T>> {
        for pauses in [64, 128, 256] {
            (0..pauses).for_each(|_| spin_loop());
            if let Some(state) = self.try_lock() {
                return state;
            }
        }
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: QueueItem> Drop for Shared<T> {
    fn drop(&mut self) {
        // The task that adds delayed items looks, and finds nothing to add to.
        self.delayed.wake();
    }
}

/// Adds delayed items until none is left, or the queue is gone.
async fn keep_time<T: QueueItem>(queue: Weak<Shared<T>>, rearm: Arc<AtomicWaker>) {
    loop {
        let (next, mut sleep) = {
            let Some(shared) = queue.upgrade() else { return };
            let now = shared.runtime.clock.now();
            shared.step(|machine| machine.handle_timeout(now));
            let mut state = shared.lock();
            state.alarm = state.machine.poll_timeout().map(|(at, _)| at);
            let Some(next) = state.alarm else { return };
            drop(state);
            (next, shared.runtime.clock.sleep_until(next))
        };
        poll_fn(|context| {
            rearm.register(context.waker());
            let earlier = queue
                .upgrade()
                .is_none_or(|shared| shared.lock().machine.poll_timeout().is_none_or(|(at, _)| at < next));
            if earlier { Poll::Ready(()) } else { sleep.as_mut().poll(context) }
        })
        .await;
    }
}

/// A worker that waits. Its place in the order stays until it gets something.
struct Place<'a, T: QueueItem> {
    shared: &'a Shared<T>,
    id: Option<u64>,
}

impl<T: QueueItem> Place<'_, T> {
    async fn wait(mut self) -> Option<(Ticket, T)> {
        poll_fn(|context| self.poll(context)).await
    }

    fn poll(&mut self, context: &Context<'_>) -> Poll<Option<(Ticket, T)>> {
        let now = self.shared.moment();
        let mut state = self.shared.lock();
        if let Some(taken) = state.machine.poll_item(now) {
            return Poll::Ready(Some(taken));
        }
        if state.machine.is_shutting_down() {
            return Poll::Ready(None);
        }
        let id = *self.id.get_or_insert_with(|| {
            state.next_worker += 1;
            state.next_worker
        });
        state.workers.insert(id, context.waker().clone());
        Poll::Pending
    }
}

impl<T: QueueItem> Drop for Place<'_, T> {
    fn drop(&mut self) {
        let Some(id) = self.id else { return };
        let mut state = self.shared.lock();
        // Woken and given up, or served: whoever is next looks whether something is left.
        if state.workers.remove(&id).is_none()
            && !state.machine.is_empty()
            && let Some((_, next)) = state.workers.pop_first()
        {
            drop(state);
            next.wake();
        }
    }
}

#[cfg(test)]
mod tests;
