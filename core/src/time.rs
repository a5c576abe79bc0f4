//! Time and tasks as values handed in: [`Instant`], [`Clock`], [`Spawn`] and the [`Runtime`] that carries both.
//!
//! Invariant: nothing in this crate reads the operating system's clock or starts a task by itself.

use std::fmt::{Debug, Display};
use std::future::{Future, poll_fn};
use std::ops::{Add, Sub};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use crate::portable::{BoxFuture, MaybeSend, MaybeSync};

mod histogram;
mod human;
#[cfg(feature = "testing")]
mod simulator;
mod slice;
pub use histogram::Histogram;
pub use human::human_duration;
#[cfg(feature = "testing")]
pub use simulator::Simulator;
pub(crate) use slice::Slice;

/// A moment on a [`Clock`]: the time since that clock's origin. Moments of different clocks do not compare.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(Duration);

impl Instant {
    /// The moment `since_origin` after the clock's origin.
    pub const fn from_origin(since_origin: Duration) -> Self {
        Self(since_origin)
    }

    /// The time from the clock's origin to this moment.
    pub const fn since_origin(self) -> Duration {
        self.0
    }

    /// The time from `earlier` to this moment, zero when `earlier` is later.
    pub const fn saturating_duration_since(self, earlier: Instant) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;
    fn add(self, duration: Duration) -> Instant {
        Instant(self.0.saturating_add(duration))
    }
}

impl Sub<Instant> for Instant {
    type Output = Duration;
    fn sub(self, earlier: Instant) -> Duration {
        self.saturating_duration_since(earlier)
    }
}

/// Tells the time and waits. client-go's `clock.WithTicker`.
pub trait Clock: Debug + MaybeSend + MaybeSync + 'static {
    /// The monotonic time.
    fn now(&self) -> Instant;

    /// The wall-clock time since the Unix epoch, for timestamps that leave the process.
    fn unix_time(&self) -> Duration;

    /// Resolves once `now()` is at or after `at`.
    fn sleep_until(&self, at: Instant) -> BoxFuture<'static, ()>;
}

/// Runs tasks in the background.
pub trait Spawn: Debug + MaybeSend + MaybeSync + 'static {
    /// Runs `task` to its end. `name` says what it is, for whoever looks at the tasks.
    fn spawn(&self, name: &'static str, task: BoxFuture<'static, ()>);

    /// Asked for by whoever could go on for long. Resolves after others had a turn: other tasks natively; in a browser
    /// painting and input too, where the page's own implementation lets the task go on while a frame has room for it.
    fn yield_now(&self) -> BoxFuture<'static, ()> {
        let mut yielded = false;
        Box::pin(poll_fn(move |context| {
            if std::mem::replace(&mut yielded, true) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        }))
    }

    /// A span for a stretch of work inside a task, where somebody keeps a log of spans. Default: none. `name` says what is
    /// done, `about` to what.
    fn span(&self, name: &'static str, about: &dyn Display) -> Option<Box<dyn Span>> {
        let _ = (name, about);
        None
    }
}

/// What is logged inside it is known to belong to one stretch of work.
pub trait Span: MaybeSend + 'static {
    /// Does one step of the work.
    fn within(&self, step: &mut dyn FnMut());
}

/// What a client needs of the world beside bytes: a clock, a way to run tasks, and a seed for jitter.
#[derive(Clone, Debug)]
pub struct Runtime {
    /// Tells the time and waits.
    pub clock: Arc<dyn Clock>,
    /// Runs tasks.
    pub spawner: Arc<dyn Spawn>,
    /// The seed of every random choice (jitter, watch timeouts). The same seed makes the same choices.
    pub seed: u64,
}

impl Runtime {
    /// Resolves after `duration`.
    pub fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.clock.sleep_until(self.clock.now() + duration)
    }

    /// Does `work` in a span (see [`Spawn::span`]).
    pub(crate) fn in_span<W: Future>(
        &self,
        name: &'static str,
        about: &dyn Display,
        work: W,
    ) -> impl Future<Output = W::Output> + use<W> {
        let span = self.spawner.span(name, about);
        async move {
            let Some(span) = span else { return work.await };
            let mut work = pin!(work);
            poll_fn(move |context| {
                let mut polled = Poll::Pending;
                span.within(&mut || polled = work.as_mut().poll(context));
                polled
            })
            .await
        }
    }
}
