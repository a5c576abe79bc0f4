//! The workqueue by itself: workers that take items, and add each anew while they have it, until it has come so often.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use futures::future::join_all;
use portolan::Error;
use portolan::informer::{Next, RateLimitingQueue};
use portolan::meta::Key;
use portolan::queue::ExponentialRateLimiter;
use serde_json::json;

use super::{Since, fnv, runtime, say};

/// How often each item comes when it is added at once.
const COMES: u32 = 20;
/// How often it fails, before it goes well.
const FAILS: u32 = 4;

/// Measures, and tells.
pub(super) fn run(items: u64, workers: usize) -> Result<(), Error> {
    // As many threads as there are cores, and no more than there is work for.
    let threads = workers.min(std::thread::available_parallelism().map_or(1, usize::from));
    runtime(threads)?.block_on(async {
        let (plain, first) = turns(items, workers, COMES, Way::Add).await?;
        let (limited, second) = turns(items, workers, FAILS + 1, Way::RateLimited).await?;
        say(&json!({
            "did": "all", "proof": first + second,
            "values": { "queue_item": plain, "queue_limited_item": limited },
            "settings": format!(
                "{workers} tasks on {threads} thread(s) of tokio; items are namespace and name; no metrics; each comes \
                 {COMES} times, or fails {FAILS} times with delays of 1 ms, doubling, to 8 ms"
            ),
        }));
        Ok(())
    })
}

/// How an item comes again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Add,
    RateLimited,
}

/// Has every item come `times` times; returns nanoseconds of CPU for each time, and a proof.
async fn turns(items: u64, workers: usize, times: u32, way: Way) -> Result<(f64, u64), Error> {
    let limiter = ExponentialRateLimiter::new(Duration::from_millis(1), Duration::from_millis(8));
    let queue = RateLimitingQueue::with_limiter(&portolan_native::runtime()?, limiter);
    let key = |index: u64| Key::new(&format!("namespace-{}", index % 50), &index.to_string());
    let keys: Vec<Key> = (0..items).map(key).collect();
    let came: Arc<[AtomicU32]> = (0..items).map(|_| AtomicU32::new(0)).collect();
    let left = Arc::new(AtomicU64::new(items));
    let since = Since::now();
    keys.into_iter().for_each(|key| queue.add(key));
    let worker = || {
        let (queue, came, left) = (queue.clone(), came.clone(), left.clone());
        tokio::spawn(async move {
            // Its own, so that no worker waits for a count of another's.
            let mut proof = 0;
            while let Some(work) = queue.get().await {
                let index: usize = work.name().parse().unwrap_or_default();
                let again = came[index].fetch_add(1, Ordering::Relaxed) + 1 < times;
                proof += fnv([work.namespace(), work.name(), ""]);
                match (again, way) {
                    (true, Way::Add) => queue.add(work.clone()),
                    (true, Way::RateLimited) => work.retry(),
                    (false, _) => {
                        work.succeed(Next::Forget);
                        if left.fetch_sub(1, Ordering::Relaxed) == 1 {
                            queue.shut_down();
                        }
                    }
                }
            }
            proof
        })
    };
    let workers: Vec<_> = (0..workers).map(|_| worker()).collect();
    let proofs = join_all(workers).await;
    let cpu = since.read().0;
    let each = cpu * 1e9 / (items as f64 * f64::from(times));
    Ok((each, proofs.into_iter().filter_map(Result::ok).sum()))
}
