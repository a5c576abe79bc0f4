//! The queue under workers, in virtual time: who is woken, who gets what, what a shutdown waits for.

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::{join, select};

use super::*;
use crate::error::Error;
use crate::queue::ExponentialRateLimiter;
use crate::time::{Clock, Simulator, Spawn};

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn queue(simulator: &Simulator) -> RateLimitingQueue<u32> {
    RateLimitingQueue::with_metrics(
        &simulator.runtime(1),
        ExponentialRateLimiter::new(ms(5), Duration::from_secs(1)),
    )
}

fn run<T>(simulator: &Simulator, test: impl Future<Output = T>) -> T {
    let outcome = simulator.run(Duration::from_secs(100_000), test).expect("it hangs");
    assert_eq!(simulator.live_tasks(), Vec::<&str>::new());
    outcome
}

/// TestBasic of client-go's queue_test.go: many producers, many workers, nothing twice at a time, nothing lost.
#[test]
fn many_workers_share_what_many_add() {
    // Miri takes a quarter of a minute for each.
    for seed in 0..if cfg!(miri) { 1 } else { 20 } {
        let simulator = Simulator::new(seed);
        let (queue, runtime) = (queue(&simulator), simulator.runtime(2));
        let counts: Arc<Vec<AtomicUsize>> = Arc::new((0..50).map(|_| AtomicUsize::new(0)).collect());
        let busy: Arc<Vec<AtomicUsize>> = Arc::new((0..50).map(|_| AtomicUsize::new(0)).collect());
        let by_worker = Arc::new(Mutex::new(BTreeMap::<usize, usize>::new()));
        for worker in 0..10 {
            let (queue, runtime, counts) = (queue.clone(), runtime.clone(), counts.clone());
            let (busy, by_worker) = (busy.clone(), by_worker.clone());
            let task = async move {
                while let Some(work) = queue.get().await {
                    let item = *work as usize;
                    assert_eq!(busy[item].fetch_add(1, Ordering::SeqCst), 0, "two workers have one item");
                    runtime.sleep(ms(3)).await;
                    busy[item].fetch_sub(1, Ordering::SeqCst);
                    counts[item].fetch_add(1, Ordering::SeqCst);
                    *by_worker.lock().unwrap().entry(worker).or_default() += 1;
                }
            };
            simulator.spawn("worker", Box::pin(task));
        }
        run(&simulator, async {
            for item in 0..500 {
                queue.add(item % 50);
                if item % 7 == 0 {
                    runtime.sleep(ms(1)).await;
                }
            }
            queue.shut_down_with_drain().await;
        });
        assert!(counts.iter().all(|count| count.load(Ordering::SeqCst) > 0));
        let by_worker = by_worker.lock().unwrap();
        let (least, most) = (by_worker.values().min().unwrap(), by_worker.values().max().unwrap());
        assert!(by_worker.len() == 10 && most - least <= most / 2, "unfair: {by_worker:?}");
    }
}

#[test]
fn an_item_that_fails_comes_back_later_and_later() {
    let simulator = Simulator::new(1);
    let queue = queue(&simulator);
    let tries = Mutex::new(Vec::new());
    queue.add(7);
    run(
        &simulator,
        queue.run(2, async |item| {
            let mut tries = tries.lock().unwrap();
            tries.push(simulator.now().since_origin());
            if tries.len() == 4 {
                assert_eq!(queue.num_requeues(&item), 3);
                queue.shut_down();
                return Ok(());
            }
            Err(Error::timeout("not yet"))
        }),
    );
    assert_eq!(*tries.lock().unwrap(), [0, 5, 15, 35].map(ms));
    assert_eq!(queue.num_requeues(&7), 0);
    assert_eq!(queue.last_error().as_deref(), Some("not yet"));
    assert_eq!(queue.metrics().work_duration.count, 4);
}

#[test]
fn an_item_can_ask_to_come_again() {
    let simulator = Simulator::new(1);
    let queue = queue(&simulator);
    let times = Mutex::new(Vec::new());
    queue.add(1);
    run(
        &simulator,
        queue.run(1, async |_| {
            times.lock().unwrap().push(simulator.now().since_origin());
            if times.lock().unwrap().len() == 3 {
                queue.shut_down();
            }
            Ok::<_, Error>(Next::After(Duration::from_secs(60)))
        }),
    );
    assert_eq!(*times.lock().unwrap(), [0, 60, 120].map(Duration::from_secs));
}

#[test]
fn an_earlier_delay_moves_the_alarm_forward() {
    let simulator = Simulator::new(1);
    let queue = queue(&simulator);
    queue.add_after(1, Duration::from_secs(100));
    queue.add_after(2, Duration::from_secs(1));
    queue.add_after(1, Duration::from_secs(3));
    let got = run(&simulator, async {
        let mut got = Vec::new();
        for _ in 0..2 {
            let work = queue.get().await.unwrap();
            got.push((*work, simulator.now().since_origin().as_secs()));
        }
        queue.shut_down();
        got
    });
    assert_eq!(got, [(2, 1), (1, 3)]);
}

#[test]
fn a_queue_that_is_dropped_ends_its_task() {
    let simulator = Simulator::new(1);
    let queue = queue(&simulator);
    queue.add_after(1, Duration::from_secs(100));
    run(&simulator, async {
        simulator.runtime(0).sleep(ms(1)).await;
        drop(queue);
        simulator.runtime(0).sleep(ms(1)).await;
    });
    assert_eq!(simulator.now().since_origin(), ms(2));
}

#[test]
fn a_worker_that_gives_up_passes_its_wake_on() {
    for seed in 0..50 {
        let simulator = Simulator::new(seed);
        let (queue, runtime) = (queue(&simulator), simulator.runtime(2));
        let impatient = {
            let (queue, runtime) = (queue.clone(), runtime.clone());
            async move {
                let get = Box::pin(queue.get());
                // Both may be ready at once; what was taken is put back by whoever took it.
                if let futures::future::Either::Left((Some(work), _)) =
                    select(get, runtime.sleep(ms(5))).await
                {
                    queue.add(*work);
                }
            }
        };
        let adds = async {
            runtime.sleep(ms(5)).await;
            queue.add(1);
        };
        let patient = async {
            runtime.sleep(ms(1)).await;
            let work = queue.get().await.unwrap();
            assert_eq!(*work, 1);
        };
        run(&simulator, join(join(impatient, patient), adds));
    }
}

#[test]
fn a_drain_waits_for_what_is_ready_and_what_is_with_workers() {
    let simulator = Simulator::new(3);
    let (queue, runtime) = (queue(&simulator), simulator.runtime(2));
    (0..3).for_each(|item| queue.add(item));
    let worker = queue.run(1, async |_| {
        runtime.sleep(Duration::from_secs(1)).await;
        Ok::<_, Error>(())
    });
    let drain = async {
        queue.shut_down_with_drain().await;
        queue.add(9);
        simulator.now().since_origin()
    };
    let (drained_at, ()) = run(&simulator, join(drain, worker));
    assert_eq!(drained_at, Duration::from_secs(3));
    assert!(queue.is_empty() && queue.is_shutting_down());
}

#[test]
fn a_panicking_worker_keeps_nothing() {
    let simulator = Simulator::new(1);
    let queue = queue(&simulator);
    queue.add(1);
    let panics = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        run(&simulator, async {
            let _work = queue.get().await;
            panic!("a bug of the worker");
        });
    }));
    assert!(panics.is_err());
    assert_eq!(queue.metrics().processing, 0);
}

#[test]
fn an_item_whose_limiter_panics_is_done_all_the_same() {
    struct Broken;
    impl RateLimiter<u32> for Broken {
        fn when(&mut self, _: Instant, _: &u32) -> Duration {
            panic!("broken")
        }
        fn forget(&mut self, _: &u32) {}
        fn num_requeues(&self, _: &u32) -> u32 {
            0
        }
    }
    let simulator = Simulator::new(1);
    let queue = RateLimitingQueue::with_limiter(&simulator.runtime(1), Broken);
    run(&simulator, async {
        queue.add(1);
        let work = queue.get().await.unwrap();
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work.retry())).is_err());
        queue.shut_down_with_drain().await;
    });
}
