//! An informer of a page.

use portolan::cache::{Event, HandlerOptions};
use portolan::config::WatchOver;
use portolan::informer::{FactoryOptions, SharedIndexInformer, SharedInformerFactory};
use portolan::meta::ApiResource;
use portolan::object::Lazy;
#[cfg(feature = "more")]
use portolan::object::{Compact, Packer};
use portolan_wasm::browser::{self, FetchTransport};
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::{Held, proof, thrown};

/// An informer on a resource of the core group, of the server this page came from.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Informer(Running<Lazy>);

#[wasm_bindgen]
impl Informer {
    /// On `kind`, whose plural is `plural`.
    #[wasm_bindgen(constructor)]
    pub fn new(kind: &str, plural: &str) -> Result<Self, JsError> {
        Running::new(kind, plural).map(Self)
    }

    /// Starts it, and resolves once it is in sync: with how many objects it holds.
    pub async fn sync(&self) -> Result<usize, JsError> {
        self.0.sync().await
    }

    /// The sum that proves the work.
    pub fn proof(&self) -> f64 {
        self.0.proof()
    }
}

/// The same, whose objects are packed as they come.
#[cfg(feature = "more")]
#[wasm_bindgen]
#[derive(Debug)]
pub struct CompactInformer(Running<Compact>);

#[cfg(feature = "more")]
#[wasm_bindgen]
impl CompactInformer {
    /// On `kind`, whose plural is `plural`.
    #[wasm_bindgen(constructor)]
    pub fn new(kind: &str, plural: &str) -> Result<Self, JsError> {
        let (running, packer) = (Running::new(kind, plural)?, Packer::default());
        running.informer.set_transform(move |object| packer.pack(object)).map_err(thrown)?;
        Ok(Self(running))
    }

    /// Starts it, and resolves once it is in sync: with how many objects it holds.
    pub async fn sync(&self) -> Result<usize, JsError> {
        self.0.sync().await
    }

    /// The sum that proves the work.
    pub fn proof(&self) -> f64 {
        self.0.proof()
    }
}

#[derive(Debug)]
struct Running<T: Held> {
    factory: SharedInformerFactory,
    informer: SharedIndexInformer<T>,
}

impl<T: Held> Running<T> {
    /// Watches go over fetch: the benchmark's server has no WebSockets.
    fn new(kind: &str, plural: &str) -> Result<Self, JsError> {
        let mut config = browser::config().map_err(thrown)?;
        config.watch_over = WatchOver::Http;
        let client = browser::client_with(FetchTransport::default(), config).map_err(thrown)?;
        let mut options = FactoryOptions::default();
        // As everybody else here: the list, then the watch.
        options.reflector.watch_list = false;
        let factory = SharedInformerFactory::new(&client, options);
        let resource = ApiResource::new("v1", kind, plural, true).map_err(thrown)?;
        let informer = factory.resource(&resource);
        informer.add_handler(HandlerOptions::default(), |event: Event<T>| drop(event));
        Ok(Self { factory, informer })
    }

    async fn sync(&self) -> Result<usize, JsError> {
        self.factory.start();
        self.factory.wait_for_cache_sync().await.map_err(thrown)?;
        Ok(self.informer.lister().len())
    }

    fn proof(&self) -> f64 {
        proof(self.informer.lister().list().iter())
    }
}
