//! Warm start: what an informer held is kept between runs, and the next run begins with it and goes on from its version.
//!
//! Invariants: what is kept is a hint; whatever of it is not wholly as it was written is not used. It is kept by cluster,
//! user and place, so that nobody is shown what another cluster or another user had. Secrets are not kept unless asked for.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join;
use js_sys::{Array, Uint8Array};
use portolan::cache::Phase;
use portolan::client::Client;
use portolan::informer::{InformerStatus, Resume};
use portolan::meta::{ApiResource, Encoded, Format, Object};
use portolan::object::{Lazy, Unstructured};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};

use super::informers::Informer;
use super::place::Place;

/// Grows when what is written changes its form.
const FORM: u32 = 1;

/// More than this of one informer is not kept, in bytes.
const LARGEST: usize = 64 << 20;

#[wasm_bindgen]
extern "C" {
    /// The package's own storage (`npm/src/keeper.ts`).
    pub type Keeper;

    /// `[bytes, milliseconds since the Unix epoch]`, or undefined.
    #[wasm_bindgen(method, catch)]
    async fn load(this: &Keeper, name: &str) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    async fn store(this: &Keeper, name: &str, bytes: Uint8Array) -> Result<JsValue, JsValue>;
}

/// What a caller says of warm start.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Settings {
    /// Whether Secrets are kept too.
    secrets: bool,
    /// How long after it was kept a cache is kept again, if it has changed, in milliseconds.
    every: u32,
}

/// Keeps the caches of one engine. Clones share what they know.
#[derive(Clone)]
pub(super) struct Warm {
    client: Client,
    storage: Rc<Keeper>,
    settings: Settings,
}

/// What stands before the objects.
#[derive(Serialize, Deserialize)]
struct Head {
    form: u32,
    resource_version: String,
    /// The length of each object, in bytes.
    objects: Vec<u32>,
}

/// A cache as it was kept.
pub(super) struct Kept {
    pub(super) resume: Resume<Lazy<Unstructured>>,
    /// When, in milliseconds since the Unix epoch.
    pub(super) written: f64,
}

impl Warm {
    pub(super) fn new(client: Client, keeper: Keeper, settings: Settings) -> Self {
        Self { client, storage: Rc::new(keeper), settings }
    }

    /// Under which name the cache of `place` is kept; `None` when it is not to be, or nobody says who is asked and who asks.
    /// Both are asked each time: behind a proxy at one address may be another cluster, or user, than a while ago.
    pub(super) async fn name(&self, place: &Place) -> Option<String> {
        let is_secret = place.resource.group.is_empty() && place.resource.plural == "secrets";
        if is_secret && !self.settings.secrets {
            return None;
        }
        let (cluster, user) = join(cluster(&self.client), user(&self.client)).await;
        Some(json!([cluster?, user?, place.name()]).to_string())
    }

    /// What was kept under `name`, if it is whole.
    pub(super) async fn load(&self, name: &str, resource: &ApiResource) -> Option<Kept> {
        let found = self.storage.load(name).await.ok()?.dyn_into::<Array>().ok()?;
        let bytes = found.get(0).dyn_into::<Uint8Array>().ok()?.to_vec();
        let (resource_version, objects) = read(&bytes, resource)?;
        Some(Kept {
            resume: Resume { objects, resource_version: resource_version.into() },
            written: found.get(1).as_f64()?,
        })
    }

    /// Keeps the cache of `informer` under `name` whenever it has changed, as long as it is polled.
    pub(super) async fn keep(&self, informer: &Informer, name: &str) {
        let mut last = String::new();
        loop {
            let moved = |status: &InformerStatus| {
                let version = status.resource_version.as_str();
                (matches!(status.phase, Phase::Live) && version != last).then(|| version.to_owned())
            };
            last = informer.wait_for_status(moved).await;
            if let Some(bytes) = write(informer) {
                // What could not be kept is a slower start; the next change tries again.
                let _kept = self.storage.store(name, Uint8Array::from(&bytes[..])).await;
            }
            self.client.runtime().sleep(Duration::from_millis(self.settings.every.into())).await;
        }
    }
}

/// The whole cache as bytes: the length of the head, the head, the objects. `None` when it is too large.
fn write(informer: &Informer) -> Option<Vec<u8>> {
    let state = informer.lister().snapshot();
    let (mut objects, mut lengths) = (Vec::new(), Vec::new());
    for object in state.iter() {
        let json = object.json().ok()?;
        if objects.len() + json.len() > LARGEST {
            return None;
        }
        lengths.push(u32::try_from(json.len()).ok()?);
        objects.extend_from_slice(&json);
    }
    let resource_version = state.last_store_sync_resource_version().to_string();
    let head = serde_json::to_vec(&Head { form: FORM, resource_version, objects: lengths }).ok()?;
    let mut bytes = u32::try_from(head.len()).ok()?.to_le_bytes().to_vec();
    bytes.extend_from_slice(&head);
    bytes.append(&mut objects);
    Some(bytes)
}

/// What [`write`] wrote, each object checked; `None` when anything of it is not as it was.
fn read(bytes: &[u8], resource: &ApiResource) -> Option<(String, Vec<Arc<Lazy<Unstructured>>>)> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (head, mut rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    let head: Head = serde_json::from_slice(head).ok()?;
    let mut objects = Vec::with_capacity(head.objects.len());
    for length in &head.objects {
        let object;
        (object, rest) = rest.split_at_checked(*length as usize)?;
        objects.push(Arc::new(<Lazy as Object>::read(Encoded::new(Format::Json, object, resource)).ok()?));
    }
    (head.form == FORM && rest.is_empty()).then_some((head.resource_version, objects))
}

/// What tells one cluster from another: the uid of a namespace that every cluster has.
async fn cluster(client: &Client) -> Option<String> {
    let request = client.rest().get().abs_path("/api/v1/namespaces/kube-system");
    let namespace: Value = request.into().await.ok()?;
    Some(namespace.pointer("/metadata/uid")?.as_str()?.to_owned())
}

/// Whom the server takes us for.
async fn user(client: &Client) -> Option<String> {
    let review = json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview" });
    let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    let answer: Value = client.rest().post().abs_path(path).json(&review).into().await.ok()?;
    Some(answer.pointer("/status/userInfo/username")?.as_str()?.to_owned())
}
