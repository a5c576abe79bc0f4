//! [`SharedIndexInformer`]: what the driver, the handlers and the readers of one informer share.
//!
//! Invariants: the pipeline's lock is held only for a batch that is in memory already, never at an await point; no lock
//! is held while a handler or the closure of one who waits runs, for both may ask the informer; who needs several locks
//! takes them in the order pipeline, status, store.

use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::task::Context;
use std::time::Duration;

use futures::task::AtomicWaker;

use super::driver::Driver;
use super::handler::{self, EventHandler, EventStream, Registration};
use super::lister::Lister;
use super::mutation::MutationCache;
use super::observer::Observer;
use super::published::Published;
use super::signal::Signal;
use super::status::InformerStatus;
use crate::cache::{
    Asked, Event, HandlerId, HandlerOptions, HandlerStatus, IndexFunction, Indexer, Notice, Phase, Pipeline,
    Reflector, ReflectorOptions,
};
use crate::client::Api;
#[cfg(feature = "protobuf")]
use crate::config::ContentType;
use crate::error::Error;
use crate::meta::{ApiResource, FieldSelector, LabelSelector, Object, ResourceVersion};
use crate::portable::{MaybeSend, MaybeSync};
use crate::time::{Histogram, Instant, Runtime};

/// Changes an object before it is stored: to drop what nobody reads. client-go's `cache.TransformFunc`.
pub trait Transform<T>: MaybeSend + MaybeSync + 'static {
    /// The object as it is to be stored. Its name, namespace, uid and version must stay.
    fn transform(&self, object: T) -> T;
}

impl<T, F: Fn(T) -> T + MaybeSend + MaybeSync + 'static> Transform<T> for F {
    fn transform(&self, object: T) -> T {
        self(object)
    }
}

/// How an informer works.
pub struct InformerOptions<T> {
    /// How it lists and watches: selectors, resync period, timeouts. A seed of 0 takes the runtime's.
    pub reflector: ReflectorOptions,
    /// What is done to every object before it is stored.
    pub transform: Option<Arc<dyn Transform<T>>>,
    /// Who is told what it does and meets.
    pub observer: Option<Arc<dyn Observer>>,
    /// What an earlier run held, to begin with.
    pub resume: Option<Resume<T>>,
}

impl<T> Default for InformerOptions<T> {
    fn default() -> Self {
        Self { reflector: ReflectorOptions::default(), transform: None, observer: None, resume: None }
    }
}

/// What an informer held at one moment: the store and its version ([`Indexer::last_store_sync_resource_version`]) of
/// [`Lister::snapshot`]. An informer that is given it is in sync at once, stale, and asks for what has changed since. The
/// version is one of the cluster it came from: keep them by cluster.
#[derive(Debug)]
pub struct Resume<T> {
    /// All objects, after any transform.
    pub objects: Vec<Arc<T>>,
    /// The version they are the state of.
    pub resource_version: ResourceVersion,
}

/// One cache of one resource, kept current by one watch, with any number of handlers and readers. Clones share it.
/// client-go's `cache.SharedIndexInformer`.
pub struct SharedIndexInformer<T: Object> {
    shared: Arc<Shared<T>>,
}

impl<T: Object> SharedIndexInformer<T> {
    /// An informer on what `api` lists and watches. It does nothing until it is started.
    pub fn new(api: Api<T>, options: InformerOptions<T>) -> Self {
        let InformerOptions { mut reflector, transform, observer, resume } = options;
        let runtime = api.runtime().clone();
        if reflector.seed == 0 {
            reflector.seed = runtime.seed;
        }
        let api = match reflector.content_type {
            Some(content_type) => api.with_content_type(content_type),
            #[cfg(feature = "protobuf")]
            None if api.content_type() == ContentType::Json && !T::keeps_unknown_members() => {
                api.with_content_type(ContentType::Protobuf)
            }
            None => api,
        };
        let store = Published::new();
        let pipeline = Pipeline::with_store(reflector.resync_period, store.clone());
        let shared = Shared {
            api,
            transform: transform.map(OnceLock::from).unwrap_or_default(),
            observer,
            selectors: (reflector.label_selector.clone(), reflector.field_selector.clone()),
            check_consistency: reflector.check_consistency,
            runtime,
            store,
            pipeline: RwLock::new(pipeline),
            status: Mutex::new(InformerStatus::default()),
            control: Mutex::new(Control { reflector: Some(reflector), resume, ended: false, tasks: 0 }),
            changed: Signal::default(),
            driver: AtomicWaker::new(),
            stopped: AtomicBool::new(false),
            woken: AtomicBool::new(false),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Starts it, the first time; an informer that was stopped stays stopped. client-go's `Run`.
    pub fn start(&self) {
        let mut control = self.shared.control();
        let Some(mut options) = control.reflector.take() else { return };
        let resume = control.resume.take();
        drop(control);
        options.resync_period = self.shared.write().processor_mut().start();
        let reflector = match resume {
            Some(Resume { objects, resource_version }) => {
                Reflector::resume(options, objects, resource_version)
            }
            None => Reflector::new(options),
        };
        let driver = Driver::new(self.shared.clone(), reflector);
        self.shared.spawn("informer", driver.run());
    }

    /// Stops it: the connection is closed, handlers are told what was in the store before and then end. The store stays
    /// readable.
    pub fn stop(&self) {
        self.shared.stopped.store(true, Ordering::Release);
        if self.shared.control().reflector.take().is_some() {
            // It never ran: nobody else will say that it has ended.
            self.shared.handle_ended();
        }
        self.shared.driver.wake();
    }

    /// The page or process may have slept, or the network changed: asks the server at once whether all is current.
    pub fn wake(&self) {
        self.shared.woken.store(true, Ordering::Release);
        self.shared.driver.wake();
    }

    /// Sets what is done to every object before it is stored. An error once it was started, or if there is one already.
    /// client-go's `SetTransform`.
    pub fn set_transform(&self, transform: impl Transform<T>) -> Result<(), Error> {
        let control = self.shared.control();
        let set = control.reflector.is_some() && self.shared.transform.set(Arc::new(transform)).is_ok();
        let what = "a transform is set once, before the informer starts: what is stored went through the one there was";
        set.then_some(()).ok_or_else(|| Error::config(what))
    }

    /// Adds a handler, before or after the start. It is first told of everything in the store. client-go's
    /// `AddEventHandlerWithOptions`.
    pub fn add_handler(&self, options: HandlerOptions, handler: impl EventHandler<T>) -> Registration<T> {
        let now = self.shared.runtime.clock.now();
        let id = self.shared.write().add_handler(now, options);
        self.shared.spawn("handler", handler::deliver(self.shared.clone(), id, handler));
        Registration::new(self.shared.clone(), id)
    }

    /// The events as a stream, for a consumer that waits between them. See [`EventStream`].
    pub fn events(&self, options: HandlerOptions) -> EventStream<T> {
        let now = self.shared.runtime.clock.now();
        let id = self.shared.write().add_handler(now, options);
        EventStream::new(Registration::new(self.shared.clone(), id))
    }

    /// Adds an index, also while it runs. An error if there is one of this name. client-go's `AddIndexers`.
    pub fn add_index(&self, name: &str, function: Arc<dyn IndexFunction<T>>) -> Result<(), Error> {
        self.shared.write().add_index(name, function)
    }

    /// Reads its store.
    pub fn lister(&self) -> Lister<T> {
        Lister::new(self.shared.clone(), None)
    }

    /// Reads its whole store, over what this process wrote: hand in what the server returned, and no read goes behind it
    /// for `time_to_live`. client-go's `NewIntegerResourceVersionMutationCache`.
    pub fn mutation_cache(&self, time_to_live: Duration) -> MutationCache<T> {
        MutationCache::new(self.lister(), self.shared.runtime.clock.clone(), time_to_live)
    }

    /// Whether it was started, though it may have ended since.
    pub(super) fn has_started(&self) -> bool {
        self.shared.control().reflector.is_none()
    }

    /// Whether the first list is in the store. client-go's `HasSynced`.
    pub fn has_synced(&self) -> bool {
        self.shared.read().has_synced()
    }

    /// Whether it was stopped, and its handlers are told nothing new any more. client-go's `IsStopped`.
    pub fn is_stopped(&self) -> bool {
        self.shared.has_ended()
    }

    /// Resolves once the first list is in the store, however long the server refuses it: see
    /// [`InformerStatus::last_error`]. client-go's `cache.WaitForCacheSync`.
    ///
    /// # Errors
    /// `Canceled`, if the informer ends before, stopped or by a panic; with the last error it met.
    pub async fn wait_for_cache_sync(&self) -> Result<(), Error> {
        let shared = &self.shared;
        let outcome = shared.changed.until(|| {
            // In this order: it may come into sync and end between the two looks.
            let ending = shared.ending();
            if shared.read().has_synced() { Some(Ok(())) } else { ending.map(Err) }
        });
        outcome.await.map_err(|error| error.doing(format!("wait for {}", shared.api.api_resource())))
    }

    /// Resolves once its task and those of its handlers have ended, which follows a [`stop`](Self::stop): with what waited
    /// for them they are through by then.
    pub async fn wait_for_end(&self) {
        let shared = &self.shared;
        shared.changed.until(|| (shared.has_ended() && shared.control().tasks == 0).then_some(())).await;
    }

    /// Resolves once `look` finds something in the status; it looks whenever the informer came on, and may ask the
    /// informer and its lister.
    pub async fn wait_for_status<R>(&self, mut look: impl FnMut(&InformerStatus) -> Option<R>) -> R {
        self.shared.changed.until(|| look(&self.status())).await
    }

    /// How it stands.
    pub fn status(&self) -> InformerStatus {
        self.shared.status().clone()
    }

    /// The clock, tasks and seed it runs on.
    pub fn runtime(&self) -> &Runtime {
        &self.shared.runtime
    }

    /// How many changes wait for the store: more than none only while a handler pauses it.
    pub fn queued(&self) -> usize {
        self.shared.read().queued()
    }

    /// How long changes waited for the store. client-go measures the time after they were taken out of its queue.
    pub fn queue_latency(&self) -> Histogram {
        *self.shared.read().queue_latency()
    }

    /// How its handlers stand.
    pub fn handlers(&self) -> Vec<HandlerStatus> {
        let pipeline = self.shared.read();
        let processor = pipeline.processor();
        processor.handlers().filter_map(|id| processor.status(id)).collect()
    }

    /// The resource it is about.
    pub fn api_resource(&self) -> &ApiResource {
        self.shared.api.api_resource()
    }

    /// Who is told what it does.
    pub fn observer(&self) -> Option<&Arc<dyn Observer>> {
        self.shared.observer.as_ref()
    }
}

impl<T: Object> Clone for SharedIndexInformer<T> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<T: Object> fmt::Debug for SharedIndexInformer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.status();
        f.debug_struct("SharedIndexInformer")
            .field("resource", &self.api_resource().to_string())
            .field("phase", &status.phase)
            .field("objects", &status.objects)
            .finish_non_exhaustive()
    }
}

/// What came of feeding the pipeline.
pub(super) struct Applied {
    /// Whether the store moved on.
    pub(super) changed: bool,
    /// Whether a handler pauses the informer.
    pub(super) paused: bool,
}

/// What all sides of one informer share.
pub(super) struct Shared<T> {
    api: Api<T>,
    transform: OnceLock<Arc<dyn Transform<T>>>,
    observer: Option<Arc<dyn Observer>>,
    selectors: (LabelSelector, FieldSelector),
    check_consistency: bool,
    runtime: Runtime,
    store: Published<T>,
    pipeline: RwLock<Pipeline<T, Published<T>>>,
    status: Mutex<InformerStatus>,
    control: Mutex<Control<T>>,
    /// Notified when the pipeline or the status changed.
    changed: Signal,
    driver: AtomicWaker,
    stopped: AtomicBool,
    woken: AtomicBool,
}

struct Control<T> {
    /// Until the start.
    reflector: Option<ReflectorOptions>,
    resume: Option<Resume<T>>,
    /// The driver has ended: no event comes any more.
    ended: bool,
    /// How many tasks run: the driver and those of the handlers.
    tasks: usize,
}

/// One of an informer's tasks, until it has ended in whatever way.
struct Task<T: Object>(Arc<Shared<T>>);

impl<T: Object> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.control().tasks -= 1;
        self.0.changed.notify();
    }
}

impl<T: Object> Shared<T> {
    pub(super) fn api(&self) -> &Api<T> {
        &self.api
    }

    pub(super) fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    pub(super) fn changed(&self) -> &Signal {
        &self.changed
    }

    pub(super) fn transform(&self, object: T) -> T {
        match self.transform.get() {
            Some(transform) => transform.transform(object),
            None => object,
        }
    }

    pub(super) fn selectors(&self) -> &(LabelSelector, FieldSelector) {
        &self.selectors
    }

    /// Whether what a sync brought is to be compared with a list.
    pub(super) fn checks(&self, notice: &Notice) -> bool {
        self.check_consistency && matches!(notice, Notice::Synced { request: Asked::WatchList, .. })
    }

    pub(super) fn observe(&self, notice: &Notice) {
        if let Notice::Inconsistent { text, .. } = notice {
            self.set_error(text.clone());
        }
        if let Some(observer) = &self.observer {
            observer.on_notice(self.api.api_resource(), notice);
        }
    }

    /// Something went wrong beside what is asked of the server.
    pub(super) fn set_error(&self, text: String) {
        self.publish(true, |status| {
            status.last_error = Some(text);
            status.last_error_kind = None;
        });
    }

    pub(super) fn read(&self) -> RwLockReadGuard<'_, Pipeline<T, Published<T>>> {
        self.pipeline.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn write(&self) -> RwLockWriteGuard<'_, Pipeline<T, Published<T>>> {
        self.pipeline.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// One state of the store.
    pub(super) fn store(&self) -> RwLockReadGuard<'_, Indexer<T>> {
        self.store.lock()
    }

    pub(super) fn status(&self) -> MutexGuard<'_, InformerStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    pub(super) fn has_ended(&self) -> bool {
        self.control().ended
    }

    /// Once the driver has ended: what to tell one who waits for something that will not come any more.
    pub(super) fn ending(&self) -> Option<Error> {
        let how = if self.is_stopped() { "was stopped" } else { "has ended" };
        self.has_ended().then(|| {
            let why = self.status().last_error.as_ref().map(|error| format!(": {error}"));
            Error::canceled(format!("the informer {how} before it was in sync{}", why.unwrap_or_default()))
        })
    }

    fn spawn(self: &Arc<Self>, name: &'static str, work: impl Future<Output = ()> + MaybeSend + 'static) {
        self.control().tasks += 1;
        let task = Task(self.clone());
        let work = async move {
            let _task = task;
            work.await;
        };
        self.runtime.spawner.spawn(name, Box::pin(work));
    }

    /// Says that a handler is through with the events it took, and takes up to `most` more. Wakes nobody but those this
    /// concerns: who waits for the handler's sync, and a driver that it paused. With many handlers at work, a wake for all
    /// after each batch would cost more than the events.
    pub(super) fn next_events(&self, id: HandlerId, most: usize, events: &mut Vec<Event<T>>) {
        let mut pipeline = self.write();
        let paused = pipeline.paused();
        let processor = pipeline.processor_mut();
        let synced = processor.handle_processed(id);
        events.extend(std::iter::from_fn(|| processor.poll_event(id)).take(most));
        let resumes = paused && !pipeline.paused();
        drop(pipeline);
        if synced {
            self.changed.notify();
        }
        if resumes {
            self.driver.wake();
        }
    }

    pub(super) fn remove_handler(&self, id: HandlerId) {
        self.write().processor_mut().remove_handler(id);
        self.changed.notify();
        self.driver.wake();
    }

    pub(super) fn take_wake(&self) -> bool {
        self.woken.swap(false, Ordering::AcqRel)
    }

    /// Whether the driver has something to do beside its exchange; else it will be woken.
    pub(super) fn poll_command(&self, context: &Context<'_>, paused: bool) -> bool {
        self.driver.register(context.waker());
        self.is_stopped() || self.woken.load(Ordering::Acquire) || (paused && !self.read().paused())
    }

    /// Feeds what the reflector knows through the pipeline. Whoever waits is told by the [`Self::publish`] that follows.
    pub(super) fn apply(&self, now: Instant, reflector: &mut Reflector<T>) -> Applied {
        let mut pipeline = self.write();
        while let Some(change) = reflector.poll_change() {
            pipeline.handle_change(now, change);
        }
        let changed = pipeline.run(now) > 0;
        let paused = pipeline.paused();
        if changed {
            let mut status = self.status();
            let store = self.store.lock();
            status.objects = store.len();
            status.resource_version = store.last_store_sync_resource_version();
        }
        Applied { changed, paused }
    }

    /// Updates the status. Tells whoever waits, if the store `changed`, or anything of the status but its bytes and times.
    pub(super) fn publish(&self, changed: bool, update: impl FnOnce(&mut InformerStatus)) {
        let mut status = self.status();
        let before = (status.phase, status.counters, status.paused, status.watching);
        update(&mut status);
        let changed = changed || before != (status.phase, status.counters, status.paused, status.watching);
        drop(status);
        if changed {
            self.changed.notify();
        }
    }

    /// The driver has ended, or will never run.
    pub(super) fn handle_ended(&self) {
        let has_synced = self.read().has_synced();
        let asked = self.is_stopped();
        self.publish(false, |status| {
            status.watching = false;
            status.phase = if has_synced { Phase::Stale } else { Phase::Connecting };
            if !asked {
                status.last_error =
                    Some("the informer's task ended by a panic: it keeps what it had".to_owned());
                status.last_error_kind = None;
            }
        });
        // Last, for who sees it looks why.
        self.control().ended = true;
        self.changed.notify();
    }

    fn control(&self) -> MutexGuard<'_, Control<T>> {
        self.control.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Client;
    use crate::config::Config;
    use crate::object::Unstructured;
    use crate::testing::Scripted;
    use crate::time::Simulator;

    #[test]
    fn no_lock_is_held_while_one_who_waits_looks() {
        let simulator = Simulator::new(1);
        let client = Client::new(Arc::new(Scripted::new([])), Config::default(), simulator.runtime(1));
        let pods = ApiResource::new("v1", "Pod", "pods", true).unwrap();
        let api = client.resource::<Unstructured>(&pods, "");
        let informer = SharedIndexInformer::new(api, InformerOptions::default());
        let shared = &informer.shared;
        let free = informer.wait_for_status(|_| {
            let locks = [
                shared.pipeline.try_write().is_ok(),
                shared.status.try_lock().is_ok(),
                shared.control.try_lock().is_ok(),
            ];
            Some(locks)
        });
        // The driver takes the pipeline and then the status: a look that held the status and asked whether the informer
        // has synced would wait for the driver, and the driver for it.
        assert_eq!(simulator.run(Duration::ZERO, free), Some([true; 3]));
    }
}
