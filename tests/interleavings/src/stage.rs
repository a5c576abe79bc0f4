//! What the copies run on: threads of loom for tasks, time that stands still, and a server that says what it was told to.

use std::cell::RefCell;
use std::sync::{Arc, Mutex};
use std::task::Waker;
use std::time::Duration;

use loom::future::block_on;
use loom::thread::{self, JoinHandle};
use portolan::client::Client;
use portolan::config::Config;
use portolan::portable::BoxFuture;
use portolan::testing::{Answer, Scripted};
use portolan::time::{Clock, Instant, Runtime, Spawn};

/// Tries `test` under every interleaving with at most so many preemptions: two find what there is in code as small as a
/// queue's, and with one an informer takes seconds, with two minutes.
pub(crate) fn check(preemptions: usize, test: impl Fn() + Send + Sync + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(preemptions);
    model.check(test);
}

/// Time stands still, so nothing is ever delayed; each task is a thread.
#[derive(Debug, Default)]
struct Still;

thread_local! {
    /// The threads of the model that runs: loom's are all on the one that called it.
    static TASKS: RefCell<Vec<JoinHandle<()>>> = const { RefCell::new(Vec::new()) };
}

impl Clock for Still {
    fn now(&self) -> Instant {
        Instant::default()
    }

    fn unix_time(&self) -> Duration {
        Duration::ZERO
    }

    fn sleep_until(&self, _: Instant) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }
}

impl Spawn for Still {
    fn spawn(&self, _: &'static str, task: BoxFuture<'static, ()>) {
        // A request has more on its stack than loom gives by itself.
        let thread = thread::Builder::new().stack_size(1 << 20);
        let task = thread.spawn(move || block_on(task)).unwrap();
        TASKS.with_borrow_mut(|tasks| tasks.push(task));
    }
}

/// Waits for every task that was spawned.
pub(crate) fn join_tasks() {
    while let Some(task) = TASKS.with_borrow_mut(Vec::pop) {
        task.join().unwrap();
    }
}

pub(crate) fn runtime() -> Runtime {
    Runtime { clock: Arc::new(Still), spawner: Arc::new(Still), seed: 1 }
}

/// A client whose server answers so.
pub(crate) fn client(answers: impl IntoIterator<Item = Answer>) -> Client {
    Client::new(Arc::new(Scripted::new(answers)), Config { rate_limit: None, ..Config::default() }, runtime())
}

/// loom's, as the futures crate has it.
#[derive(Debug, Default)]
pub(crate) struct AtomicWaker(loom::future::AtomicWaker);

impl AtomicWaker {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn register(&self, waker: &Waker) {
        self.0.register_by_ref(waker);
    }

    pub(crate) fn wake(&self) {
        self.0.wake();
    }
}

/// What was heard, in order, by whoever.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heard(Arc<Mutex<Vec<String>>>);

impl Heard {
    pub(crate) fn tell(&self, text: String) {
        self.0.lock().unwrap().push(text);
    }

    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}
