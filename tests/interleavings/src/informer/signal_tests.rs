//! A change made before a notice is seen by all who wait, before or after it.

use std::sync::Arc;

use loom::future::block_on;
use loom::sync::atomic::{AtomicU32, Ordering};
use loom::thread;

use super::signal::Signal;
use crate::stage;

#[test]
fn no_waiter_misses_what_was_changed_before_a_notice() {
    stage::check(2, || {
        let (signal, changes) = (Arc::new(Signal::default()), Arc::new(AtomicU32::new(0)));
        let wait_for = |wanted: u32| {
            let (signal, changes) = (signal.clone(), changes.clone());
            move || block_on(signal.until(|| (changes.load(Ordering::SeqCst) >= wanted).then_some(())))
        };
        let waiter = thread::spawn(wait_for(2));
        let wait = wait_for(1);
        let (signal, changes) = (signal.clone(), changes.clone());
        let notifier = thread::spawn(move || {
            for _ in 0..2 {
                changes.fetch_add(1, Ordering::SeqCst);
                signal.notify();
            }
        });
        wait();
        waiter.join().unwrap();
        notifier.join().unwrap();
    });
}
