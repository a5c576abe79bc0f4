//! One place that hands out informers, so that the same question is asked of the server once.
//!
//! Invariant: two who ask for the same resource, namespace, selectors and form get the same informer.

use std::any::{Any, TypeId};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::{join_all, try_join_all};

use super::observer::Observer;
use super::shared::{InformerOptions, SharedIndexInformer};
use super::status::{InformerSnapshot, InformerStatus};
use crate::cache::{HandlerStatus, ReflectorOptions};
use crate::client::Client;
use crate::error::Error;
use crate::meta::{ApiResource, Object, Resource};
use crate::object::{Lazy, PartialObjectMetadata, Unstructured};
use crate::portable::{BoxFuture, MaybeSend, MaybeSync};
use crate::time::Histogram;

/// What the informers asked of a factory have in common.
#[derive(Clone, Default)]
pub struct FactoryOptions {
    /// The namespace, "" for all. client-go's `WithNamespace`.
    pub namespace: String,
    /// How its informers list and watch: selectors, resync period, timeouts. client-go's `WithTweakListOptions` and
    /// default resync.
    pub reflector: ReflectorOptions,
    /// Who is told what they do and meet.
    pub observer: Option<Arc<dyn Observer>>,
}

/// Hands out shared informers, one per resource, namespace, selectors and form of object, however often asked. Clones
/// share them. Dropping it stops nothing, as informers of client-go run until their context ends: see
/// [`shutdown`](Self::shutdown). client-go's `informers.SharedInformerFactory`, `dynamicinformer` and
/// `metadatainformer` in one.
#[derive(Clone)]
pub struct SharedInformerFactory {
    client: Client,
    options: FactoryOptions,
    informers: Arc<Mutex<Informers>>,
    /// The resources whose informers come and go with what the server serves; `None` after a shutdown, when none starts.
    following: Arc<Mutex<Option<BTreeSet<ApiResource>>>>,
}

type Informers = BTreeMap<Place, Arc<dyn AnyInformer>>;

/// What makes two questions the same.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    resource: ApiResource,
    namespace: String,
    label_selector: String,
    field_selector: String,
    form: TypeId,
}

impl SharedInformerFactory {
    /// A factory of informers over `client`.
    pub fn new(client: &Client, options: FactoryOptions) -> Self {
        let client = client.clone();
        let following = Arc::new(Mutex::new(Some(BTreeSet::new())));
        Self { client, options, informers: Arc::default(), following }
    }

    /// The same factory, with other options for the informers asked through what is returned: another namespace, other
    /// selectors, another resync period. The options of an informer are those of the first who asked. client-go's
    /// `NewFilteredPodInformer` and `WithCustomResyncConfig`.
    ///
    /// ```
    /// # use portolan::informer::SharedInformerFactory;
    /// # fn example(factory: &SharedInformerFactory) -> Result<(), portolan::Error> {
    /// # use k8s_openapi::api::core::v1::Pod;
    /// let selector = "app=web".parse()?;
    /// let web = factory.with(|options| {
    ///     options.namespace = "shop".to_owned();
    ///     options.reflector.label_selector = selector;
    /// });
    /// let pods = web.informer::<Pod>();
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with(&self, change: impl FnOnce(&mut FactoryOptions)) -> Self {
        let mut factory = self.clone();
        change(&mut factory.options);
        factory
    }

    /// The client its informers ask with.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The informer on `K`, which holds each object's own bytes and decodes on demand.
    pub fn informer<K: Resource>(&self) -> SharedIndexInformer<Lazy<K>> {
        self.resource(&K::api_resource())
    }

    /// The informer on `K` that holds decoded objects: for those who read most fields of most objects.
    pub fn typed<K: Resource>(&self) -> SharedIndexInformer<K> {
        self.resource(&K::api_resource())
    }

    /// The informer on a resource known only at run time. client-go's `dynamicinformer.ForResource`.
    pub fn dynamic(&self, resource: &ApiResource) -> SharedIndexInformer<Lazy<Unstructured>> {
        self.resource(resource)
    }

    /// The informer on the metadata of a resource's objects. client-go's `metadatainformer.ForResource`.
    pub fn metadata(&self, resource: &ApiResource) -> SharedIndexInformer<PartialObjectMetadata> {
        self.resource(resource)
    }

    /// The informer on `resource` that holds its objects as `T`.
    pub fn resource<T: Object>(&self, resource: &ApiResource) -> SharedIndexInformer<T> {
        let FactoryOptions { namespace, reflector, observer } = &self.options;
        let mut informers = self.lock();
        let place = Place {
            resource: resource.clone(),
            namespace: if resource.namespaced { namespace.clone() } else { String::new() },
            label_selector: reflector.label_selector.to_string(),
            field_selector: reflector.field_selector.to_string(),
            form: TypeId::of::<T>(),
        };
        if let Some(informer) = informers.get(&place).and_then(|informer| informer.as_any().downcast_ref()) {
            return SharedIndexInformer::clone(informer);
        }
        let api = self.client.resource::<T>(resource, namespace);
        let options = InformerOptions {
            reflector: reflector.clone(),
            observer: observer.clone(),
            ..InformerOptions::default()
        };
        let informer = SharedIndexInformer::new(api, options);
        informers.insert(place, Arc::new(informer.clone()));
        informer
    }

    /// Starts the informers that do not run yet; none after a [`shutdown`](Self::shutdown). client-go's `Start`.
    pub fn start(&self) {
        let following = self.following();
        if following.is_some() {
            self.each(|informer| informer.start());
        }
    }

    /// Resolves once the first list of every informer that was started is in its store. A server that refuses (no rights,
    /// no such resource) is asked again for as long as it does; the [`observer`](FactoryOptions::observer) hears of it.
    /// client-go's `WaitForCacheSync`.
    ///
    /// # Errors
    /// `Canceled`, as soon as one of them ends before.
    pub async fn wait_for_cache_sync(&self) -> Result<(), Error> {
        let informers = self.started();
        try_join_all(informers.iter().map(|informer| informer.synced())).await.map(drop)
    }

    /// Stops every informer on `resource` and forgets it; asked again, there is a new one.
    pub fn stop(&self, resource: &ApiResource) {
        let mut informers = self.lock();
        let stopped: Vec<_> = informers.extract_if(.., |place, _| place.resource == *resource).collect();
        drop(informers);
        stopped.iter().for_each(|(_, informer)| informer.stop());
    }

    /// Stops all informers, and starts none any more. Their stores stay readable. client-go's `Shutdown`, which also waits:
    /// see [`wait_for_end`](Self::wait_for_end).
    pub fn shutdown(&self) {
        // Held until all are stopped: nobody who looked before starts one after.
        let mut following = self.following();
        *following = None;
        self.each(|informer| informer.stop());
    }

    /// Resolves once the tasks of every informer and of its handlers have ended, which follows a
    /// [`shutdown`](Self::shutdown). Those that [`stop`](Self::stop) or [`follow`](Self::follow) took out are not among
    /// them.
    pub async fn wait_for_end(&self) {
        let informers = self.started();
        join_all(informers.iter().map(|informer| informer.ended())).await;
    }

    /// Makes all informers ask at once whether they are current: after a sleep, or a change of network.
    pub fn wake(&self) {
        self.each(|informer| informer.wake());
    }

    /// How every informer stands.
    pub fn status(&self) -> Vec<(ApiResource, InformerStatus)> {
        self.lock().iter().map(|(place, informer)| (place.resource.clone(), informer.status())).collect()
    }

    /// Every informer with its status and its handlers', in the order of their resources.
    pub fn snapshot(&self) -> Vec<InformerSnapshot> {
        let informers: Vec<_> =
            self.lock().iter().map(|(place, informer)| (place.clone(), informer.clone())).collect();
        let snapshot = |(place, informer): (Place, Arc<dyn AnyInformer>)| InformerSnapshot {
            resource: place.resource,
            namespace: place.namespace,
            label_selector: place.label_selector,
            field_selector: place.field_selector,
            form: informer.form(),
            status: informer.status(),
            queued: informer.queued(),
            queue_latency: informer.queue_latency(),
            handlers: informer.handlers(),
        };
        informers.into_iter().map(snapshot).collect()
    }

    pub(super) fn following(&self) -> MutexGuard<'_, Option<BTreeSet<ApiResource>>> {
        self.following.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn started(&self) -> Vec<Arc<dyn AnyInformer>> {
        self.lock().values().filter(|informer| informer.has_started()).cloned().collect()
    }

    fn each(&self, act: impl Fn(&dyn AnyInformer)) {
        let informers: Vec<_> = self.lock().values().cloned().collect();
        informers.iter().for_each(|informer| act(&**informer));
    }

    fn lock(&self) -> MutexGuard<'_, Informers> {
        self.informers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for FactoryOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FactoryOptions")
            .field("namespace", &self.namespace)
            .field("reflector", &self.reflector)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for SharedInformerFactory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedInformerFactory").field("informers", &self.lock().len()).finish_non_exhaustive()
    }
}

/// An informer whatever its objects are.
trait AnyInformer: MaybeSend + MaybeSync {
    fn as_any(&self) -> &dyn Any;
    fn start(&self);
    fn has_started(&self) -> bool;
    fn stop(&self);
    fn wake(&self);
    fn status(&self) -> InformerStatus;
    fn handlers(&self) -> Vec<HandlerStatus>;
    fn queued(&self) -> usize;
    fn queue_latency(&self) -> Histogram;
    fn form(&self) -> &'static str;
    fn synced(&self) -> BoxFuture<'_, Result<(), Error>>;
    fn ended(&self) -> BoxFuture<'_, ()>;
}

impl<T: Object> AnyInformer for SharedIndexInformer<T> {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn start(&self) {
        self.start();
    }

    fn has_started(&self) -> bool {
        self.has_started()
    }

    fn stop(&self) {
        self.stop();
    }

    fn wake(&self) {
        self.wake();
    }

    fn status(&self) -> InformerStatus {
        self.status()
    }

    fn handlers(&self) -> Vec<HandlerStatus> {
        self.handlers()
    }

    fn queued(&self) -> usize {
        self.queued()
    }

    fn queue_latency(&self) -> Histogram {
        self.queue_latency()
    }

    fn form(&self) -> &'static str {
        std::any::type_name::<T>()
    }

    fn synced(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(self.wait_for_cache_sync())
    }

    fn ended(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.wait_for_end())
    }
}
