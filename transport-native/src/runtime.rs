//! Time and tasks of tokio, as the core wants them.

use std::fmt::Display;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use portolan::portable::BoxFuture;
use portolan::time::{Clock, Instant, Runtime, Span, Spawn};
use tracing::Instrument;

/// The clock of the tokio runtime: it follows `tokio::time::pause` in tests.
#[derive(Clone, Copy, Debug)]
pub struct TokioClock {
    origin: tokio::time::Instant,
}

impl TokioClock {
    /// A clock whose origin is now.
    pub fn new() -> Self {
        Self { origin: tokio::time::Instant::now() }
    }
}

impl Default for TokioClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Instant {
        Instant::from_origin(self.origin.elapsed())
    }

    fn unix_time(&self) -> Duration {
        unix_now()
    }

    fn sleep_until(&self, at: Instant) -> BoxFuture<'static, ()> {
        match self.origin.checked_add(at.since_origin()) {
            // Outside tokio's budget: beside work that has used it up, a time limit would never be told.
            Some(at) => Box::pin(tokio::task::unconstrained(tokio::time::sleep_until(at))),
            None => Box::pin(std::future::pending()),
        }
    }
}

/// The time since the Unix epoch, of a clock that may be set.
pub(crate) fn unix_now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Runs tasks on the tokio runtime it was made in, each in a `tracing` span `task` of the target `portolan::task`, whose
/// field `name` says what it does: `informer`, `handler`, `workqueue`, `leader election`, `event recorder`. A reconciliation
/// is such a span too, whose field `about` is the resource and the key.
#[derive(Clone, Debug)]
pub struct TokioSpawner {
    handle: tokio::runtime::Handle,
}

impl TokioSpawner {
    /// A spawner onto this runtime.
    pub fn new(handle: tokio::runtime::Handle) -> Self {
        Self { handle }
    }
}

impl Spawn for TokioSpawner {
    fn spawn(&self, name: &'static str, task: BoxFuture<'static, ()>) {
        self.handle.spawn(task.instrument(tracing::debug_span!(target: "portolan::task", "task", name)));
    }

    fn span(&self, name: &'static str, about: &dyn Display) -> Option<Box<dyn Span>> {
        let span = tracing::debug_span!(target: "portolan::task", "task", name, %about);
        (!span.is_disabled()).then(|| Box::new(TracingSpan(span)) as Box<dyn Span>)
    }
}

struct TracingSpan(tracing::Span);

impl Span for TracingSpan {
    fn within(&self, step: &mut dyn FnMut()) {
        self.0.in_scope(step);
    }
}

/// Clock, tasks and a random seed, on the runtime of the caller.
///
/// # Errors
/// `Config`, outside a tokio runtime.
pub fn runtime() -> Result<Runtime, portolan::Error> {
    let handle = tokio::runtime::Handle::try_current()
        .map_err(|_| portolan::Error::config("there is no tokio runtime here: call this inside one"))?;
    Ok(Runtime {
        clock: Arc::new(TokioClock::new()),
        spawner: Arc::new(TokioSpawner::new(handle)),
        seed: RandomState::new().hash_one(0_u8),
    })
}

#[cfg(test)]
mod tests {
    use futures::future::{Either, select};

    use super::*;

    #[tokio::test]
    async fn a_time_limit_ends_work_that_never_rests() {
        let clock = TokioClock::new();
        let work = async {
            for _ in 0..100_000_000 {
                tokio::task::consume_budget().await;
            }
        };
        let limit = clock.sleep_until(clock.now() + Duration::from_millis(10));
        assert!(matches!(select(Box::pin(work), limit).await, Either::Right(_)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_moment_that_no_clock_reaches_never_comes() {
        let clock = TokioClock::new();
        let never = clock.sleep_until(Instant::from_origin(Duration::MAX));
        let year = Duration::from_secs(365 * 24 * 60 * 60);
        assert!(tokio::time::timeout(year, never).await.is_err());
    }
}
