//! Time and tasks of a component: WASI's clocks, and the reactor of wstd, in whose `block_on` all of it must be called.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use portolan::portable::BoxFuture;
use portolan::time::{Clock, Instant, Runtime, Spawn};

/// WASI's monotonic and wall clock. Its origin is the moment it was made.
#[derive(Clone, Copy, Debug)]
pub struct WasiClock {
    origin: std::time::Instant,
}

impl Default for WasiClock {
    fn default() -> Self {
        Self { origin: std::time::Instant::now() }
    }
}

impl Clock for WasiClock {
    fn now(&self) -> Instant {
        Instant::from_origin(self.origin.elapsed())
    }

    fn unix_time(&self) -> Duration {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }

    fn sleep_until(&self, at: Instant) -> BoxFuture<'static, ()> {
        let clock = *self;
        Box::pin(async move {
            loop {
                let left = at - clock.now();
                if left.is_zero() {
                    return;
                }
                wstd::task::sleep(left.into()).await;
            }
        })
    }
}

/// Runs tasks on the reactor of `wstd::runtime::block_on`. That goes on until every task has ended, beyond the end of its future: shut
/// informers down, or end the process by `std::process::exit`.
#[derive(Clone, Copy, Debug, Default)]
pub struct WasiSpawner;

impl Spawn for WasiSpawner {
    fn spawn(&self, _name: &'static str, task: BoxFuture<'static, ()>) {
        wstd::runtime::spawn(task).detach();
    }
}

/// Clock, tasks and a random seed from the component's host.
pub fn runtime() -> Runtime {
    let mut seed = [0; 8];
    wstd::rand::get_insecure_random_bytes(&mut seed);
    Runtime {
        clock: Arc::new(WasiClock::default()),
        spawner: Arc::new(WasiSpawner),
        seed: u64::from_le_bytes(seed),
    }
}
