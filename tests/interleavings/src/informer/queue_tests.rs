//! For every item that is ready a worker that waits is woken, and a shutdown ends all.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use loom::future::block_on;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

use super::queue::RateLimitingQueue;
use crate::stage;

fn queue() -> RateLimitingQueue<u32> {
    RateLimitingQueue::new(&stage::runtime())
}

#[test]
fn every_item_reaches_a_worker_and_a_shutdown_ends_them() {
    stage::check(2, || {
        let (queue, taken) = (queue(), Arc::new(AtomicUsize::new(0)));
        let worker = || {
            let (queue, taken) = (queue.clone(), taken.clone());
            move || {
                while let Some(work) = block_on(queue.get()) {
                    taken.fetch_add(*work as usize, Ordering::SeqCst);
                }
            }
        };
        let workers = [thread::spawn(worker()), thread::spawn(worker())];
        queue.add(1);
        queue.add(10);
        queue.shut_down();
        for worker in workers {
            worker.join().unwrap();
        }
        assert_eq!(taken.load(Ordering::SeqCst), 11, "each once");
    });
}

#[test]
fn a_worker_that_gives_up_leaves_its_item_to_another() {
    stage::check(2, || {
        let queue = queue();
        let hasty = {
            let queue = queue.clone();
            thread::spawn(move || {
                let mut context = Context::from_waker(Waker::noop());
                match pin!(queue.get()).poll(&mut context) {
                    Poll::Ready(work) => work.is_some(),
                    Poll::Pending => false,
                }
            })
        };
        let patient = {
            let queue = queue.clone();
            thread::spawn(move || block_on(queue.get()).is_some())
        };
        queue.add(1);
        if hasty.join().unwrap() {
            queue.shut_down();
            patient.join().unwrap();
        } else {
            assert!(patient.join().unwrap(), "the item waits, and nobody was woken for it");
        }
    });
}

#[test]
fn what_is_added_while_it_is_worked_on_comes_again() {
    stage::check(2, || {
        let (queue, seen) = (queue(), Arc::new(AtomicUsize::new(0)));
        let worker = {
            let (queue, seen) = (queue.clone(), seen.clone());
            move || {
                while let Some(work) = block_on(queue.get()) {
                    seen.fetch_max(*work as usize, Ordering::SeqCst);
                }
            }
        };
        queue.add(1);
        let worker = thread::spawn(worker);
        queue.add(1);
        block_on(queue.shut_down_with_drain());
        assert_eq!(seen.load(Ordering::SeqCst), 1, "the drain waits for what is under way");
        worker.join().unwrap();
    });
}
