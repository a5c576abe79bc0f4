//! The cases of client-go's `util/workqueue` `queue_test.go`, `delaying_queue_test.go`, `rate_limiting_queue_test.go` and
//! `metrics_test.go` (0.37), the departures, and a naive model under random operations.

use super::*;
use crate::queue::{ExponentialRateLimiter, MaxWaitRateLimiter};

mod model;

fn at(millis: u64) -> Instant {
    Instant::from_origin(Duration::from_millis(millis))
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn queue() -> WorkQueue<&'static str> {
    WorkQueue::new(ExponentialRateLimiter::new(ms(1), Duration::from_secs(1)))
}

fn add(queue: &mut WorkQueue<&'static str>, item: &'static str) -> bool {
    queue.add(at(0), item, Priority::Normal)
}

fn take(queue: &mut WorkQueue<&'static str>) -> (Ticket, &'static str) {
    queue.poll_item(at(0)).expect("nothing is ready")
}

/// TestBasic and TestLen.
#[test]
fn items_come_in_order_and_once() {
    let mut queue = queue();
    assert!(["a", "b", "c"].map(|item| add(&mut queue, item)).iter().all(|ready| *ready));
    assert!(!add(&mut queue, "b"), "it is ready already");
    assert_eq!(queue.len(), 3);
    for expected in ["a", "b", "c"] {
        let (ticket, item) = take(&mut queue);
        assert_eq!(item, expected);
        assert!(!queue.done(at(0), ticket));
    }
    assert!(queue.is_empty() && queue.is_drained() && queue.poll_item(at(0)).is_none());
}

/// TestAddWhileProcessing, TestReinsert and TestCollapseWhileProcessing.
#[test]
fn what_is_added_while_it_is_processed_comes_once_more() {
    let mut queue = queue();
    add(&mut queue, "a");
    let (ticket, _) = take(&mut queue);
    for _ in 0..3 {
        assert!(!add(&mut queue, "a"));
    }
    assert_eq!(queue.len(), 0, "nobody else may have it yet");
    assert!(queue.poll_item(at(0)).is_none());
    assert!(queue.done(at(0), ticket));
    let (ticket, item) = take(&mut queue);
    assert_eq!(item, "a");
    assert!(!queue.done(at(0), ticket));
    assert!(queue.is_drained());
}

/// TestCollapse.
#[test]
fn additions_of_a_ready_item_collapse() {
    let mut queue = queue();
    add(&mut queue, "a");
    add(&mut queue, "a");
    let (ticket, _) = take(&mut queue);
    assert!(!queue.done(at(0), ticket));
    assert_eq!(queue.metrics(at(0)).adds, 1);
}

/// TestQueueDrainageUsingShutDownWithDrain, TestNoQueueDrainageUsingShutDown, TestForceQueueShutdownUsingShutDown,
/// TestQueueDrainageUsingShutDownWithDrainWithDirtyItem.
#[test]
fn a_shutdown_hands_out_what_is_there_and_takes_nothing_more() {
    let mut queue = queue();
    assert!(add(&mut queue, "a") && add(&mut queue, "b"));
    queue.add_after(at(0), "late", ms(5));
    let (first, _) = take(&mut queue);
    add(&mut queue, "a");
    queue.shut_down();
    assert!(queue.is_shutting_down() && !add(&mut queue, "c"));
    assert_eq!(queue.poll_timeout(), None, "what is delayed is dropped");
    assert!(!queue.add_after(at(0), "c", ms(1)) && !queue.add_after(at(0), "c", Duration::ZERO));
    let (second, item) = take(&mut queue);
    assert_eq!(item, "b");
    queue.done(at(0), second);
    assert!(!queue.is_drained());
    assert!(queue.done(at(0), first), "it was added before the shutdown, while it was processed");
    let (again, item) = take(&mut queue);
    assert_eq!(item, "a");
    queue.done(at(0), again);
    assert!(queue.is_drained() && queue.poll_item(at(0)).is_none());
}

/// TestSimpleQueue.
#[test]
fn a_delayed_item_comes_when_its_delay_is_over() {
    let mut queue = queue();
    assert!(!queue.add_after(at(0), "a", ms(50)));
    assert_eq!((queue.len(), queue.poll_timeout()), (0, Some((at(50), "delayed item"))));
    assert_eq!(queue.handle_timeout(at(49)), 0);
    assert_eq!(queue.handle_timeout(at(60)), 1);
    let (ticket, _) = take(&mut queue);
    queue.done(at(60), ticket);
    assert_eq!(queue.handle_timeout(at(10_060)), 0);
    assert!(queue.add_after(at(0), "b", Duration::ZERO), "no delay is no wait");
}

/// TestDeduping.
#[test]
fn of_two_delays_the_earlier_counts() {
    let mut queue = queue();
    for (first, second, due) in [(50, 70, 50), (50, 30, 30)] {
        queue.add_after(at(0), "a", ms(first));
        queue.add_after(at(0), "a", ms(second));
        assert_eq!(queue.metrics(at(0)).delayed, 1);
        assert_eq!(queue.handle_timeout(at(due - 1)), 0);
        assert_eq!(queue.handle_timeout(at(due)), 1);
        let (ticket, _) = take(&mut queue);
        queue.done(at(due), ticket);
        assert_eq!(queue.handle_timeout(at(1_000)), 0);
    }
}

/// TestAddTwoFireEarly and TestCopyShifting.
#[test]
fn delayed_items_come_in_the_order_of_their_moments() {
    let mut queue = queue();
    for (item, delay) in [("first", 1_000), ("second", 500), ("third", 250)] {
        queue.add_after(at(0), item, ms(delay));
    }
    assert_eq!(queue.handle_timeout(at(2_000)), 3);
    for expected in ["third", "second", "first"] {
        assert_eq!(take(&mut queue).1, expected);
    }
    for item in ["x", "y", "z"] {
        queue.add_after(at(0), item, ms(7));
    }
    queue.handle_timeout(at(7));
    assert_eq!(
        [(); 3].map(|()| take(&mut queue).1),
        ["x", "y", "z"],
        "those of one moment in the order added"
    );
}

/// TestRateLimitingQueue.
#[test]
fn a_failing_item_waits_longer_each_time_until_it_is_forgotten() {
    let mut queue = queue();
    for (item, due) in [("one", 1), ("one", 2), ("two", 1), ("two", 2)] {
        assert!(!queue.add_rate_limited(at(0), item));
        assert_eq!(queue.poll_timeout().unwrap().0, at(due));
        queue.handle_timeout(at(1_000));
        let (ticket, _) = take(&mut queue);
        queue.done(at(1_000), ticket);
    }
    assert_eq!((queue.num_requeues(&"one"), queue.num_requeues(&"two")), (2, 2));
    queue.forget(&"one");
    assert_eq!(queue.num_requeues(&"one"), 0);
    queue.add_rate_limited(at(0), "one");
    assert_eq!(queue.poll_timeout().unwrap().0, at(1));
    assert_eq!(queue.metrics(at(0)).retries, 5);
}

#[test]
fn what_fails_with_a_worker_comes_again_in_time_and_not_once_the_queue_was_shut_down() {
    let mut queue = queue();
    for (now, due) in [(0, 1), (10, 12)] {
        queue.add(at(now), "a", Priority::Normal);
        let (ticket, _) = take(&mut queue);
        queue.retry(at(now), &ticket);
        assert!(!queue.done(at(now), ticket));
        assert!(queue.is_drained(), "what waits for its delay is with nobody");
        assert_eq!(queue.poll_timeout().unwrap().0, at(due));
        assert_eq!(queue.handle_timeout(at(due)), 1);
        let (ticket, _) = take(&mut queue);
        queue.done(at(due), ticket);
    }
    queue.add(at(20), "a", Priority::Normal);
    let (ticket, _) = take(&mut queue);
    queue.add(at(20), "a", Priority::Normal);
    queue.shut_down();
    queue.retry(at(20), &ticket);
    assert!(queue.done(at(20), ticket), "it was added before the shutdown");
    assert_eq!((queue.poll_timeout(), queue.num_requeues(&"a")), (None, 3));
}

/// TestMetrics.
#[test]
fn metrics_follow_an_item_through() {
    let mut queue = queue().with_metrics();
    queue.add(at(0), "foo", Priority::Normal);
    queue.add(at(0), "foo", Priority::Normal);
    let metrics = queue.metrics(at(0));
    assert_eq!((metrics.adds, metrics.depth), (1, 1));
    let (ticket, _) = queue.poll_item(at(50)).unwrap();
    let metrics = queue.metrics(at(75));
    assert_eq!((metrics.latency.count, metrics.latency.sum, metrics.depth), (1, ms(50), 0));
    assert_eq!((metrics.processing, metrics.unfinished, metrics.longest_running), (1, ms(25), ms(25)));
    queue.add(at(80), "foo", Priority::Normal);
    queue.add(at(80), "bar", Priority::Normal);
    let (other, _) = queue.poll_item(at(90)).unwrap();
    let metrics = queue.metrics(at(100));
    assert_eq!((metrics.unfinished, metrics.longest_running, metrics.adds), (ms(60), ms(50), 3));
    assert_eq!(metrics.depth, 1, "what is added again while it is processed waits already");
    assert!(queue.done(at(100), ticket));
    queue.done(at(100), other);
    let metrics = queue.metrics(at(100));
    assert_eq!((metrics.work_duration.count, metrics.work_duration.sum), (2, ms(60)));
    assert_eq!((metrics.unfinished, metrics.depth), (Duration::ZERO, 1));
    queue.add_after(at(100), "foo", ms(5));
    assert_eq!((queue.metrics(at(100)).retries, queue.metrics(at(100)).delayed), (1, 1));
    queue.poll_item(at(120)).unwrap();
    let latency = queue.metrics(at(120)).latency;
    assert_eq!((latency.count, latency.sum), (3, ms(50 + 10 + 40)), "since it was added");
}

#[test]
fn live_changes_come_before_the_initial_list_and_never_starve_it() {
    let mut queue = WorkQueue::new(MaxWaitRateLimiter::new(ExponentialRateLimiter::new(ms(1), ms(1)), ms(1)));
    for item in 0..10 {
        queue.add(at(0), item, Priority::Low);
    }
    let mut taken = Vec::new();
    for live in 100.. {
        queue.add(at(0), live, Priority::Normal);
        let (ticket, item) = queue.poll_item(at(0)).unwrap();
        queue.done(at(0), ticket);
        taken.push(item);
        if item == 9 {
            break;
        }
    }
    let low: Vec<(usize, i32)> = taken.iter().copied().enumerate().filter(|(_, item)| *item < 100).collect();
    let expected: Vec<(usize, i32)> = (0..10).map(|n| (n as usize * 8 + 7, n)).collect();
    assert_eq!(low, expected, "every eighth is the oldest low one");
}

#[test]
fn a_waiting_item_rises_and_never_sinks() {
    let mut queue = queue();
    queue.add(at(0), "a", Priority::Low);
    queue.add(at(0), "b", Priority::Low);
    queue.add(at(0), "c", Priority::Normal);
    assert!(!queue.add(at(0), "b", Priority::Normal), "no further one is ready");
    queue.add(at(0), "c", Priority::Low);
    assert_eq!((queue.len(), queue.metrics(at(0)).depth_low), (3, 1));
    let (ticket, item) = take(&mut queue);
    assert_eq!(item, "c");
    queue.add(at(0), "c", Priority::Low);
    assert_eq!(take(&mut queue).1, "b");
    queue.add(at(0), "c", Priority::Normal);
    queue.done(at(0), ticket);
    assert_eq!(take(&mut queue).1, "c", "the higher of what was added meanwhile");
    assert_eq!(take(&mut queue).1, "a");
}
