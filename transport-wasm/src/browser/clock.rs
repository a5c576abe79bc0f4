//! Time and tasks of the page.
//!
//! Invariant: a sleep never ends before its moment, though the browser's timers may be early, late or throttled.

use std::sync::Arc;
use std::time::Duration;

use gloo_timers::future::TimeoutFuture;
use portolan::portable::BoxFuture;
use portolan::time::{Clock, Instant, Runtime, Spawn};

use super::{breath, scope};

/// The longest the browser's own timer can wait, in milliseconds; a longer sleep is several of them.
const LONGEST_TIMER: u128 = i32::MAX as u128;

/// `performance.now()` and `setTimeout`. Its origin is the moment the page or worker began. It may stand still while the
/// machine sleeps; [`super::wakes`] tells of that.
#[derive(Clone, Copy, Debug, Default)]
pub struct BrowserClock;

impl Clock for BrowserClock {
    fn now(&self) -> Instant {
        Instant::from_origin(duration(scope::milliseconds()))
    }

    fn unix_time(&self) -> Duration {
        duration(js_sys::Date::now())
    }

    fn sleep_until(&self, at: Instant) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            loop {
                let left = at - BrowserClock.now();
                if left.is_zero() {
                    return;
                }
                // Rounded up: the timer counts whole milliseconds.
                let milliseconds = left.as_micros().div_ceil(1000).min(LONGEST_TIMER);
                TimeoutFuture::new(u32::try_from(milliseconds).unwrap_or(u32::MAX >> 1)).await;
            }
        })
    }
}

/// Runs tasks on the page's microtask queue. A task that yields goes on at once while a slice of a few milliseconds, which
/// all tasks share, is not over.
#[derive(Clone, Copy, Debug, Default)]
pub struct BrowserSpawner;

impl Spawn for BrowserSpawner {
    fn spawn(&self, _name: &'static str, task: BoxFuture<'static, ()>) {
        wasm_bindgen_futures::spawn_local(task);
    }

    fn yield_now(&self) -> BoxFuture<'static, ()> {
        Box::pin(breath::breathe())
    }
}

/// Clock, tasks and a random seed from the browser.
pub fn runtime() -> Runtime {
    Runtime { clock: Arc::new(BrowserClock), spawner: Arc::new(BrowserSpawner), seed: scope::seed() }
}

fn duration(milliseconds: f64) -> Duration {
    Duration::try_from_secs_f64(milliseconds / 1000.0).unwrap_or_default()
}
