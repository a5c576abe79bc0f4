//! Questions that may stay without an answer.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use futures::future::{Either, select};
use portolan::Error;
use portolan::time::Runtime;

/// How long an answer may take before the reader is told that there is none yet.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// How long an answer is waited for at all.
const LONGEST: Duration = Duration::from_secs(30);

/// What `work` comes to within `limit`; `None` when that runs out, and then `work` is dropped.
pub(super) async fn within<T>(
    runtime: &Runtime,
    limit: Duration,
    work: impl Future<Output = T>,
) -> Option<T> {
    match select(pin!(work), runtime.sleep(limit)).await {
        Either::Left((value, _)) => Some(value),
        Either::Right(_) => None,
    }
}

/// What `work` comes to; calls `waiting` once it has taken long, and gives up in the end.
pub(super) async fn patiently<T>(
    runtime: &Runtime,
    work: impl Future<Output = Result<T, Error>>,
    waiting: impl FnOnce(),
) -> Result<T, Error> {
    let mut work = pin!(work);
    if let Some(outcome) = within(runtime, PATIENCE, work.as_mut()).await {
        return outcome;
    }
    waiting();
    within(runtime, LONGEST - PATIENCE, work).await.unwrap_or_else(|| late(LONGEST))
}

/// The same, but gives up at once when it takes long.
pub(super) async fn promptly<T>(
    runtime: &Runtime,
    work: impl Future<Output = Result<T, Error>>,
    waiting: impl FnOnce(),
) -> Result<T, Error> {
    match within(runtime, PATIENCE, work).await {
        Some(outcome) => outcome,
        None => {
            waiting();
            late(PATIENCE)
        }
    }
}

fn late<T>(limit: Duration) -> Result<T, Error> {
    Err(Error::timeout(format!("no answer within {} s", limit.as_secs())))
}
