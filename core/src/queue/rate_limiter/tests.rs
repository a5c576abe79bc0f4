//! The cases of client-go's `util/workqueue/default_rate_limiters_test.go` (0.37), and senseless settings.

use super::*;

const NOW: Instant = Instant::from_origin(Duration::ZERO);

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn delays<L: RateLimiter<&'static str>>(limiter: &mut L, item: &'static str, times: usize) -> Vec<Duration> {
    (0..times).map(|_| limiter.when(NOW, &item)).collect()
}

/// TestItemExponentialFailureRateLimiter.
#[test]
fn each_item_doubles_its_own_delay() {
    let mut limiter = ExponentialRateLimiter::new(ms(1), ms(1_000));
    assert_eq!(delays(&mut limiter, "one", 5), [1, 2, 4, 8, 16].map(ms));
    assert_eq!(limiter.num_requeues(&"one"), 5);
    assert_eq!(delays(&mut limiter, "two", 2), [1, 2].map(ms));
    assert_eq!(limiter.num_requeues(&"two"), 2);
    limiter.forget(&"one");
    assert_eq!(limiter.num_requeues(&"one"), 0);
    assert_eq!(limiter.when(NOW, &"one"), ms(1));
}

/// TestItemExponentialFailureRateLimiterOverFlow.
#[test]
fn a_delay_never_overflows() {
    let mut limiter = ExponentialRateLimiter::new(ms(1), Duration::from_secs(1_000));
    assert_eq!(delays(&mut limiter, "one", 6)[5], ms(32));
    assert_eq!(delays(&mut limiter, "much", 1_001)[1_000], Duration::from_secs(1_000));
    let mut limiter =
        ExponentialRateLimiter::new(Duration::from_secs(60), Duration::from_secs(1_000 * 3_600));
    assert_eq!(delays(&mut limiter, "two", 3)[2], Duration::from_secs(240));
    assert_eq!(delays(&mut limiter, "more", 1_001)[1_000], Duration::from_secs(1_000 * 3_600));
}

/// TestItemFastSlowRateLimiter.
#[test]
fn quick_tries_come_before_slow_ones() {
    let mut limiter = FastSlowRateLimiter::new(ms(5), Duration::from_secs(10), 3);
    let slow = Duration::from_secs(10);
    assert_eq!(delays(&mut limiter, "one", 5), [ms(5), ms(5), ms(5), slow, slow]);
    assert_eq!(limiter.num_requeues(&"one"), 5);
    assert_eq!(delays(&mut limiter, "two", 2), [ms(5); 2]);
    assert_eq!(limiter.num_requeues(&"two"), 2);
    limiter.forget(&"one");
    assert_eq!(limiter.num_requeues(&"one"), 0);
    assert_eq!(limiter.when(NOW, &"one"), ms(5));
}

/// TestMaxOfRateLimiter.
#[test]
fn the_longest_of_several_counts() {
    let mut limiter = MaxOfRateLimiter::new(vec![
        Box::new(FastSlowRateLimiter::new(ms(5), Duration::from_secs(3), 3)),
        Box::new(ExponentialRateLimiter::new(ms(1), Duration::from_secs(1))),
    ]);
    let slow = Duration::from_secs(3);
    assert_eq!(delays(&mut limiter, "one", 5), [ms(5), ms(5), ms(5), slow, slow]);
    assert_eq!(limiter.num_requeues(&"one"), 5);
    assert_eq!(delays(&mut limiter, "two", 2), [ms(5); 2]);
    assert_eq!(limiter.num_requeues(&"two"), 2);
    limiter.forget(&"one");
    assert_eq!(limiter.num_requeues(&"one"), 0);
    assert_eq!(limiter.when(NOW, &"one"), ms(5));
}

/// TestWithMaxWaitRateLimiter.
#[test]
fn a_bound_cuts_what_is_longer() {
    let inner = FastSlowRateLimiter::new(ms(5), Duration::from_secs(10_000), 3);
    let mut limiter = MaxWaitRateLimiter::new(inner, ms(20));
    assert_eq!(delays(&mut limiter, "one", 5), [ms(5), ms(5), ms(5), ms(20), ms(20)]);
    assert_eq!(limiter.num_requeues(&"one"), 5);
    limiter.forget(&"one");
    assert_eq!(limiter.when(NOW, &"one"), ms(5));
}

#[test]
fn controllers_share_a_bucket_and_double_each_items_delay() {
    let mut limiter = controller_rate_limiter::<u32>();
    let first: Vec<Duration> = (0..100).map(|item| limiter.when(NOW, &item)).collect();
    assert!(first.iter().all(|delay| *delay == ms(5)), "the burst is the bucket's, 5 ms the item's");
    assert_eq!(limiter.when(NOW, &100), ms(100), "then ten a second");
    let later = Instant::from_origin(Duration::from_secs(3_600));
    let again: Vec<Duration> = (0..20).map(|_| limiter.when(later, &7)).collect();
    assert_eq!(again[..3], [10, 20, 40].map(ms));
    assert_eq!(again[19], Duration::from_secs(1_000));
}

#[test]
fn senseless_settings_do_no_harm() {
    let mut none = MaxOfRateLimiter::<&str>::new(Vec::new());
    assert_eq!((none.when(NOW, &"a"), none.num_requeues(&"a")), (Duration::ZERO, 0));
    let mut zero = ExponentialRateLimiter::new(Duration::ZERO, Duration::ZERO);
    assert_eq!(delays(&mut zero, "a", 3), [Duration::ZERO; 3]);
    let mut backwards = ExponentialRateLimiter::new(Duration::MAX, ms(1));
    assert_eq!(delays(&mut backwards, "a", 2), [ms(1); 2]);
    let mut never = BucketRateLimiter(TokenBucket::new(0.0, 1));
    assert_eq!((never.when(NOW, &"a"), never.when(NOW, &"a")), (Duration::ZERO, Duration::MAX));
}
