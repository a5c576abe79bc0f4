//! [`Controller`]: informers, a queue and workers put together.
//!
//! Follows the shape of client-go's sample controllers: handlers add keys, workers start once the caches are in sync,
//! and end when the queue is shut down. Invariant: no worker runs before every cache is in sync.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use futures::future::{Either, select, select_all, try_join_all};

use crate::cache::{Event, HandlerOptions};
use crate::error::Error;
use crate::informer::{Next, Observer, RateLimitingQueue, Reconciled, Registration, SharedIndexInformer};
use crate::meta::{ApiResource, Key, Object};
use crate::object::Metadata;
use crate::portable::{BoxFuture, MaybeSend, MaybeSync};
use crate::queue::controller_rate_limiter;
use crate::time::Runtime;

/// Brings the objects of one informer to what they should be, one key at a time, whatever brought the key.
///
/// ```
/// # use portolan::controller::Controller;
/// # use portolan::informer::{FactoryOptions, Next, SharedInformerFactory};
/// # use k8s_openapi::api::{apps::v1::ReplicaSet, core::v1::Pod};
/// # async fn example(client: &portolan::client::Client) -> Result<(), portolan::Error> {
/// let factory = SharedInformerFactory::new(client, FactoryOptions::default());
/// let (sets, pods) = (factory.informer::<ReplicaSet>(), factory.informer::<Pod>());
/// let controller = Controller::new(&sets).owns(&pods);
/// let stop = controller.queue().clone(); // `stop.shut_down()` ends the run
/// # stop.shut_down();
/// controller
///     .run(2, async |key| {
///         let Some(set) = sets.lister().get(&key) else { return Ok(Next::Forget) };
///         println!("{key} wants {} pods", set.text("spec.replicas").unwrap_or_default());
///         Ok::<_, portolan::Error>(Next::Forget)
///     })
///     .await
/// # }
/// ```
pub struct Controller {
    queue: RateLimitingQueue<Key>,
    resource: ApiResource,
    runtime: Runtime,
    observer: Option<Arc<dyn Observer>>,
    sources: Vec<Box<dyn Source>>,
}

impl Controller {
    /// A controller of what `informer` holds; every event about an object adds its key. The informer's observer hears how
    /// each reconciliation went.
    pub fn new<T: Object>(informer: &SharedIndexInformer<T>) -> Self {
        Self::filtered(informer, |_| true)
    }

    /// The same, where only the events that `predicate` lets through add keys.
    pub fn filtered<T: Object>(
        informer: &SharedIndexInformer<T>,
        predicate: impl Fn(&Event<T>) -> bool + MaybeSend + MaybeSync + 'static,
    ) -> Self {
        let runtime = informer.runtime().clone();
        let controller = Self {
            queue: RateLimitingQueue::with_metrics(&runtime, controller_rate_limiter()),
            resource: informer.api_resource().clone(),
            runtime,
            observer: informer.observer().cloned(),
            sources: Vec::new(),
        };
        controller.watches(informer, move |event| predicate(event).then(|| event.key()))
    }

    /// Also: an event about an object of `informer` adds the key of the object that manages it.
    #[must_use]
    pub fn owns<C: Metadata>(self, informer: &SharedIndexInformer<C>) -> Self {
        let resource = self.resource.clone();
        self.watches(informer, move |event| super::owner_keys(event, &resource))
    }

    /// Also: an event about an object of `informer` adds the keys that `keys` makes of it.
    #[must_use]
    pub fn watches<O: Object, I: IntoIterator<Item = Key>>(
        mut self,
        informer: &SharedIndexInformer<O>,
        keys: impl Fn(&Event<O>) -> I + MaybeSend + MaybeSync + 'static,
    ) -> Self {
        let registration = informer.add_handler(HandlerOptions::default(), self.queue.enqueue(keys));
        self.sources.push(Box::new((informer.clone(), registration)));
        self
    }

    /// Its queue: to add keys by hand, to look at its metrics, and to end the run by
    /// [`shut_down`](RateLimitingQueue::shut_down).
    pub fn queue(&self) -> &RateLimitingQueue<Key> {
        &self.queue
    }

    /// Starts the informers that do not run, waits until they are in sync, and lets `workers` at a time reconcile, in the
    /// task that awaits this, until the queue is shut down and empty; one of its informers that is stopped shuts it down
    /// too. `Ok` forgets earlier failures of the key, an error brings the key back, rate limited. The informers go on; its
    /// handlers are removed.
    ///
    /// # Errors
    /// When an informer ends before it is in sync; and when the queue is empty after one of the controller's handlers was
    /// lost, by a panic of its predicate, its `keys` or of the informer: no event would bring a key any more.
    pub async fn run<W, N, E>(self, workers: usize, reconcile: impl Fn(Key) -> W) -> Result<(), Error>
    where
        W: Future<Output = Result<N, E>>,
        N: Into<Next>,
        E: fmt::Display,
    {
        self.sources.iter().for_each(|source| source.start());
        let synced = try_join_all(self.sources.iter().map(|source| source.synced()));
        match select(synced, Box::pin(self.queue.shut_down_asked())).await {
            Either::Left((outcome, _)) => drop(outcome?),
            Either::Right(_) => return Ok(()),
        }
        let run = Box::pin(self.queue.run(workers, |key| self.observed(key.clone(), reconcile(key))));
        let ended = select_all(self.sources.iter().map(|source| source.ended()));
        match select(run, ended).await {
            Either::Left(_) => Ok(()),
            Either::Right(((outcome, ..), run)) => {
                self.queue.shut_down();
                run.await;
                outcome
            }
        }
    }

    /// One reconciliation, in a span of its own, of which the observer hears.
    async fn observed<N, E: fmt::Display>(
        &self,
        key: Key,
        reconciliation: impl Future<Output = Result<N, E>>,
    ) -> Result<N, E> {
        let began = self.runtime.clock.now();
        // Apart, so that what the span is about is not held while the work goes on.
        let work =
            self.runtime.in_span("reconcile", &format_args!("{} {key}", self.resource), reconciliation);
        let outcome = work.await;
        if let Some(observer) = &self.observer {
            let error = outcome.as_ref().err().map(ToString::to_string);
            let reconciled = Reconciled {
                key: &key,
                took: self.runtime.clock.now() - began,
                error: error.as_deref(),
                queue: &self.queue.metrics(),
            };
            observer.on_reconciled(&self.resource, &reconciled);
        }
        outcome
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        self.queue.shut_down();
        self.sources.iter().for_each(|source| source.remove());
    }
}

impl fmt::Debug for Controller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Controller")
            .field("resource", &self.resource.to_string())
            .field("queue", &self.queue)
            .finish_non_exhaustive()
    }
}

/// An informer with the controller's handler on it.
trait Source: MaybeSend + MaybeSync {
    fn start(&self);
    fn synced(&self) -> BoxFuture<'_, Result<(), Error>>;
    fn ended(&self) -> BoxFuture<'_, Result<(), Error>>;
    fn remove(&self);
}

impl<T: Object> Source for (SharedIndexInformer<T>, Registration<T>) {
    fn start(&self) {
        self.0.start();
    }

    fn synced(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(self.0.wait_for_cache_sync())
    }

    fn ended(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(self.1.wait_for_end())
    }

    fn remove(&self) {
        self.1.remove();
    }
}
