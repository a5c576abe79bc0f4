//! A single-threaded executor whose time is virtual: it stands still while anything can run, then jumps to the
//! next timer. Its order of execution is a function of its seed.
//!
//! Invariant: a run with the same seed and the same tasks is the same run, step by step.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use super::{Clock, Instant, Runtime, Spawn};
use crate::portable::BoxFuture;

/// The wall-clock time at a simulator's origin: 2026-01-01T00:00:00Z, in seconds since the Unix epoch.
const EPOCH_SECONDS: u64 = 1_767_225_600;

/// The virtual-time executor. Clones share one world.
#[derive(Clone)]
pub struct Simulator {
    world: Arc<World>,
}

struct World {
    state: Mutex<State>,
    ready: Arc<Ready>,
}

/// The ids of the tasks to poll next. Apart from the tasks, for wakers are Send on every target and tasks are not.
#[derive(Default)]
struct Ready {
    ids: Mutex<Vec<usize>>,
}

struct State {
    now: Instant,
    random: u64,
    next_task: usize,
    tasks: BTreeMap<usize, Task>,
    timers: BTreeMap<(Instant, u64), Waker>,
    next_timer: u64,
    steps: u64,
}

struct Task {
    name: &'static str,
    /// Taken out while it is being polled.
    future: Option<BoxFuture<'static, ()>>,
}

/// Marks task `id` ready. The root future of [`Simulator::run`] has the id [`ROOT`].
struct TaskWaker {
    id: usize,
    ready: Arc<Ready>,
}

const ROOT: usize = 0;

/// So many polls at one moment are taken for a loop that never waits.
const MOST_POLLS_AT_ONE_MOMENT: u64 = if cfg!(miri) { 2_000 } else { 20_000 };

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.ready.add(self.id);
    }
}

impl Ready {
    fn lock(&self) -> MutexGuard<'_, Vec<usize>> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, id: usize) {
        let mut ids = self.lock();
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
}

impl World {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Simulator {
    /// A world at its origin. `seed` decides which of several ready tasks runs first.
    pub fn new(seed: u64) -> Self {
        let state = State {
            now: Instant::default(),
            random: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1,
            next_task: ROOT + 1,
            tasks: BTreeMap::new(),
            timers: BTreeMap::new(),
            next_timer: 0,
            steps: 0,
        };
        Self { world: Arc::new(World { state: Mutex::new(state), ready: Arc::default() }) }
    }

    /// This world as a client's runtime, with `seed` for the client's own choices.
    pub fn runtime(&self, seed: u64) -> Runtime {
        Runtime { clock: Arc::new(self.clone()), spawner: Arc::new(self.clone()), seed }
    }

    /// Runs `root` to its end beside all spawned tasks. `None` when nothing can ever run again (a deadlock), when tasks
    /// run without ever waiting (a livelock), or when virtual time passes `limit` first.
    pub fn run<T>(&self, limit: Duration, root: impl Future<Output = T>) -> Option<T> {
        let mut root = pin!(root);
        let end = self.world.lock().now + limit;
        self.world.ready.add(ROOT);
        loop {
            let steps = self.steps();
            while let Some(id) = self.next_ready() {
                if self.steps() - steps > MOST_POLLS_AT_ONE_MOMENT {
                    return None;
                }
                let waker = Waker::from(Arc::new(TaskWaker { id, ready: self.world.ready.clone() }));
                let mut context = Context::from_waker(&waker);
                if id == ROOT {
                    if let Poll::Ready(value) = root.as_mut().poll(&mut context) {
                        return Some(value);
                    }
                } else {
                    self.poll_task(id, &mut context);
                }
            }
            if !self.advance(end) {
                return None;
            }
        }
    }

    /// The names of the tasks that have not ended, in the order they were spawned.
    pub fn live_tasks(&self) -> Vec<&'static str> {
        self.world.lock().tasks.values().map(|task| task.name).collect()
    }

    /// How many times a task was polled so far.
    pub fn steps(&self) -> u64 {
        self.world.lock().steps
    }

    fn next_ready(&self) -> Option<usize> {
        let mut ready = self.world.ready.lock();
        if ready.is_empty() {
            return None;
        }
        let mut state = self.world.lock();
        state.steps += 1;
        // xorshift64: enough to mix the order, and the same everywhere.
        state.random ^= state.random << 13;
        state.random ^= state.random >> 7;
        state.random ^= state.random << 17;
        let index = (state.random % ready.len() as u64) as usize;
        Some(ready.swap_remove(index))
    }

    fn poll_task(&self, id: usize, context: &mut Context<'_>) {
        let Some(mut future) = self.world.lock().tasks.get_mut(&id).and_then(|task| task.future.take())
        else {
            return;
        };
        let ended = future.as_mut().poll(context).is_ready();
        let mut state = self.world.lock();
        if ended {
            state.tasks.remove(&id);
        } else if let Some(task) = state.tasks.get_mut(&id) {
            task.future = Some(future);
            return;
        }
        // The ended future is dropped without the lock: its destructors may wake or spawn.
        drop(state);
        drop(future);
    }

    /// Jumps to the next timer; false when there is none before `end`.
    fn advance(&self, end: Instant) -> bool {
        let mut state = self.world.lock();
        let Some((&(at, _), _)) = state.timers.first_key_value() else { return false };
        if at > end {
            return false;
        }
        state.now = state.now.max(at);
        let mut due = Vec::new();
        while let Some(entry) = state.timers.first_entry() {
            if entry.key().0 > at {
                break;
            }
            due.push(entry.remove());
        }
        drop(state);
        due.into_iter().for_each(Waker::wake);
        true
    }
}

impl std::fmt::Debug for Simulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Simulator").field("now", &self.now()).finish_non_exhaustive()
    }
}

impl Clock for Simulator {
    fn now(&self) -> Instant {
        self.world.lock().now
    }

    fn unix_time(&self) -> Duration {
        Duration::from_secs(EPOCH_SECONDS) + self.now().since_origin()
    }

    fn sleep_until(&self, at: Instant) -> BoxFuture<'static, ()> {
        Box::pin(Sleep { at, timer: None, world: self.world.clone() })
    }
}

impl Spawn for Simulator {
    fn spawn(&self, name: &'static str, task: BoxFuture<'static, ()>) {
        let mut state = self.world.lock();
        let id = state.next_task;
        state.next_task += 1;
        state.tasks.insert(id, Task { name, future: Some(task) });
        drop(state);
        self.world.ready.add(id);
    }
}

struct Sleep {
    at: Instant,
    timer: Option<u64>,
    world: Arc<World>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let world = self.world.clone();
        let mut state = world.lock();
        if state.now >= self.at {
            return Poll::Ready(());
        }
        let timer = match self.timer {
            Some(timer) => timer,
            None => {
                state.next_timer += 1;
                self.timer = Some(state.next_timer);
                state.next_timer
            }
        };
        state.timers.insert((self.at, timer), context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(timer) = self.timer {
            self.world.lock().timers.remove(&(self.at, timer));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(seed: u64) -> Vec<u32> {
        let simulator = Simulator::new(seed);
        let log = Arc::new(Mutex::new(Vec::new()));
        for number in 0..8 {
            let (log, runtime) = (log.clone(), simulator.runtime(0));
            let task = async move {
                runtime.sleep(Duration::from_secs(3600)).await;
                log.lock().unwrap().push(number);
            };
            simulator.spawn("sleeper", Box::pin(task));
        }
        let runtime = simulator.runtime(0);
        let ended = simulator.run(Duration::from_secs(7200), runtime.sleep(Duration::from_secs(3601)));
        assert_eq!(ended, Some(()));
        assert!(simulator.live_tasks().is_empty());
        Arc::into_inner(log).unwrap().into_inner().unwrap()
    }

    #[test]
    fn a_seed_decides_the_order_of_tasks() {
        assert_eq!(order(7), order(7));
        assert!((0..20).any(|seed| order(seed) != order(7)));
    }

    #[test]
    fn a_deadlock_and_a_late_timer_end_the_run() {
        let simulator = Simulator::new(1);
        assert_eq!(simulator.run(Duration::from_secs(1), std::future::pending::<()>()), None);
        let late = simulator.runtime(0).sleep(Duration::from_secs(5));
        assert_eq!(simulator.run(Duration::from_secs(1), late), None);
    }

    #[test]
    fn a_loop_that_never_waits_ends_the_run() {
        let simulator = Simulator::new(1);
        let runtime = simulator.runtime(0);
        let ended = simulator.run(Duration::from_secs(1), async {
            loop {
                runtime.spawner.yield_now().await;
            }
        });
        assert_eq!(ended, None::<()>);
    }

    #[test]
    fn a_dropped_sleep_leaves_no_timer() {
        let simulator = Simulator::new(1);
        let runtime = simulator.runtime(0);
        let ended = simulator.run(Duration::from_secs(10), async {
            let long = runtime.sleep(Duration::from_secs(9));
            let short = runtime.sleep(Duration::from_secs(1));
            futures::future::select(long, short).await;
        });
        assert_eq!(ended, Some(()));
        assert!(simulator.world.lock().timers.is_empty());
        assert_eq!(simulator.now(), Instant::from_origin(Duration::from_secs(1)));
    }
}
