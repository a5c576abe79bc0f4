//! One task tells others that something changed; they look for themselves what.
//!
//! Invariant: a change made before `notify` is seen by every `until` that was polled before or after it.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

/// Wakes whoever waits in [`Signal::until`].
#[derive(Debug, Default)]
pub(crate) struct Signal {
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    next: u64,
    wakers: BTreeMap<u64, Waker>,
}

impl Signal {
    /// Makes all waiters look again.
    pub(crate) fn notify(&self) {
        let wakers = std::mem::take(&mut self.lock().wakers);
        // Outside the lock: a waker may run its task right here.
        wakers.into_values().for_each(Waker::wake);
    }

    /// Resolves as soon as `look` finds something. `look` must not call back into this signal.
    pub(crate) fn until<T>(&self, mut look: impl FnMut() -> Option<T>) -> impl Future<Output = T> {
        let place = self.place();
        poll_fn(move |context| {
            // Registered before looking, so that no change falls in between.
            self.lock().wakers.insert(place.id, context.waker().clone());
            look().map_or(Poll::Pending, Poll::Ready)
        })
    }

    fn place(&self) -> Place<'_> {
        let mut waiting = self.lock();
        waiting.next += 1;
        Place { signal: self, id: waiting.next }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A waiter's place, given up when it is dropped.
struct Place<'a> {
    signal: &'a Signal,
    id: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.signal.lock().wakers.remove(&self.id);
    }
}
