//! Core's files and, beside them, what they must keep.

mod queue_tests;
mod signal_tests;

mod handler {
    pub(super) use portolan::informer::EventHandler;
}
#[expect(dead_code, unreachable_pub, reason = "core's own, of which the tests need a part")]
mod queue {
    include!(concat!(env!("OUT_DIR"), "/queue.rs"));
}
mod signal {
    include!(concat!(env!("OUT_DIR"), "/signal.rs"));
}

/// More than so many preemptions find nothing new in code as small as this, and take minutes.
fn check(test: impl Fn() + Send + Sync + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(2);
    model.check(test);
}
