//! One task tells others that something changed; they look for themselves what.
//!
//! Invariant: a change made before `notify` is seen by every `until` that was polled before or after it.

use std::future::{Future, poll_fn};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use slab::Slab;

/// Wakes whoever waits in [`Signal::until`].
#[derive(Debug, Default)]
pub(crate) struct Signal {
    /// One place for each that waits, empty while it has not asked since it was last woken.
    places: Mutex<Slab<Option<Waker>>>,
}

impl Signal {
    /// Makes all waiters look again.
    pub(crate) fn notify(&self) {
        let wakers: Vec<Waker> = self.lock().iter_mut().filter_map(|(_, waker)| waker.take()).collect();
        // Outside the lock: a waker may run its task right here.
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Resolves as soon as `look` finds something. `look` must not call back into this signal.
    pub(crate) fn until<T>(&self, mut look: impl FnMut() -> Option<T>) -> impl Future<Output = T> {
        let place = self.place();
        poll_fn(move |context| {
            // Registered before looking, so that no change falls in between.
            place.asks(context.waker());
            look().map_or(Poll::Pending, Poll::Ready)
        })
    }

    fn place(&self) -> Place<'_> {
        Place { signal: self, id: self.lock().insert(None) }
    }

    fn lock(&self) -> MutexGuard<'_, Slab<Option<Waker>>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A waiter's place, given up when it is dropped.
struct Place<'a> {
    signal: &'a Signal,
    id: usize,
}

impl Place<'_> {
    /// Is woken by the next change.
    fn asks(&self, waker: &Waker) {
        self.signal.lock()[self.id] = Some(waker.clone());
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.signal.lock().remove(self.id);
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn who_waits_no_longer_leaves_nothing_behind() {
        let signal = Signal::default();
        let mut waiting = Box::pin(signal.until(|| None::<()>));
        assert_eq!(waiting.as_mut().now_or_never(), None);
        assert_eq!(signal.lock().len(), 1);
        drop(waiting);
        assert_eq!(signal.lock().len(), 0);
    }
}
