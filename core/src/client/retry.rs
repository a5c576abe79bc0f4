//! Trying a change again: [`retry_on_conflict`] and [`on_error`].
//!
//! Follows client-go 0.37 `util/retry/util.go` over apimachinery's `wait.ExponentialBackoff`. Differs: it waits by the
//! client's clock, and its jitter comes from the client's seed and the moment.

use std::time::Duration;

use crate::error::Error;
use crate::policy::{Backoff, BackoffManager, Steps};
use crate::time::Runtime;

/// For several clients that change one object: five tries, 10 ms apart. client-go's `retry.DefaultRetry`.
pub const DEFAULT_RETRY: Steps = Steps { tries: 5, backoff: backoff(1.0) };

/// For a change to an object that controllers change all the time: four tries, 10, 50 and 250 ms apart. client-go's
/// `retry.DefaultBackoff`.
pub const DEFAULT_BACKOFF: Steps = Steps { tries: 4, backoff: backoff(5.0) };

const fn backoff(factor: f64) -> Backoff {
    Backoff {
        initial: Duration::from_millis(10),
        max: Duration::MAX,
        factor,
        jitter: 0.1,
        reset_after: Duration::ZERO,
    }
}

/// Runs `change` until it meets no conflict, at most `steps.tries` times; the last error is given as it came. `change`
/// reads the object anew, changes it and writes it back, each time. client-go's `retry.RetryOnConflict`.
///
/// ```
/// # use k8s_openapi::api::apps::v1::Deployment;
/// # use portolan::client::{Api, Client, DEFAULT_RETRY, retry_on_conflict};
/// # async fn mark(client: Client, deployments: Api<Deployment>) -> Result<(), portolan::Error> {
/// retry_on_conflict(client.runtime(), DEFAULT_RETRY, || async {
///     let mut web = deployments.get("web", &Default::default()).await?;
///     web.metadata.annotations.get_or_insert_default().insert("owner".into(), "me".into());
///     deployments.update(&web, &Default::default()).await
/// })
/// .await?;
/// # Ok(())
/// # }
/// ```
pub async fn retry_on_conflict<T, F: Future<Output = Result<T, Error>>>(
    runtime: &Runtime,
    steps: Steps,
    change: impl FnMut() -> F,
) -> Result<T, Error> {
    on_error(runtime, steps, Error::is_conflict, change).await
}

/// Runs `attempt` until it succeeds or fails with an error that is not `retriable`, at most `steps.tries` times; the last
/// error is given as it came. client-go's `retry.OnError`.
pub async fn on_error<T, F: Future<Output = Result<T, Error>>>(
    runtime: &Runtime,
    steps: Steps,
    retriable: impl Fn(&Error) -> bool,
    mut attempt: impl FnMut() -> F,
) -> Result<T, Error> {
    let started = runtime.clock.now();
    let seed = runtime.seed ^ started.since_origin().as_nanos() as u64;
    let mut delays = BackoffManager::new(steps.backoff, seed);
    for _ in 1..steps.tries {
        match attempt().await {
            Err(error) if retriable(&error) => runtime.sleep(delays.step(started)).await,
            outcome => return outcome,
        }
    }
    attempt().await
}
