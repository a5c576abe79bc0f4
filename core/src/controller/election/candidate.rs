//! [`Candidate`]: tells the control plane that this process can lead, and that it is still there when it is asked.
//!
//! Follows client-go's `tools/leaderelection/leasecandidate.go` (0.37). Invariant: the object that is there is renewed,
//! never replaced: what the control plane wrote into it stays.
//!
//! Differs: an object that was deleted is made again at once (client-go: with the next renewal, up to five minutes later).

use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;

use serde_json::json;

use super::machine::{Coordinated, ElectionOptions};
use super::record;
use crate::cache::{Event, HandlerOptions, ReflectorOptions};
use crate::client::{Api, Client};
use crate::error::Error;
use crate::informer::{InformerOptions, Next, RateLimitingQueue, SharedIndexInformer};
use crate::meta::{ApiResource, CreateOptions, Key, UpdateOptions};
use crate::object::Unstructured;

/// How often it says unasked that it is there. client-go's `requeueInterval`; after half an hour it would be forgotten.
const RENEW_EVERY: Duration = Duration::from_secs(300);

/// The `LeaseCandidate` of one process, without its Go type, which differs from one version of Kubernetes to another.
pub(super) struct Candidate {
    api: Api<Unstructured>,
    reflector: ReflectorOptions,
    key: Key,
    lease: String,
    coordinated: Coordinated,
}

impl Candidate {
    /// That of the candidate of `options`, if the control plane is to choose.
    pub(super) fn new(client: &Client, options: &ElectionOptions) -> Result<Option<Self>, Error> {
        let Some(coordinated) = options.coordinated.clone() else { return Ok(None) };
        let resource =
            ApiResource::new("coordination.k8s.io/v1beta1", "LeaseCandidate", "leasecandidates", true)?;
        let field_selector = format!("metadata.name={}", options.identity).parse()?;
        Ok(Some(Self {
            api: client.resource(&resource, &options.namespace),
            reflector: ReflectorOptions { field_selector, ..ReflectorOptions::default() },
            key: Key::new(&options.namespace, &options.identity),
            lease: options.name.clone(),
            coordinated,
        }))
    }

    /// Stands until this is dropped; tells `failed` what went wrong, and goes on.
    pub(super) async fn stand(&self, failed: impl Fn(&str)) -> Infallible {
        let options = InformerOptions { reflector: self.reflector.clone(), ..InformerOptions::default() };
        let own = Stopped(SharedIndexInformer::new(self.api.clone(), options));
        let queue = RateLimitingQueue::new(self.api.runtime());
        own.0.add_handler(HandlerOptions::default(), queue.enqueue(|event| is_wanted(event).then_some(())));
        own.0.start();
        own.synced(&failed).await;
        queue.add(());
        let renew = async |()| match self.renew(&own.0).await {
            Ok(()) => Ok(Next::After(RENEW_EVERY)),
            Err(error) => {
                failed(&error.to_string());
                Err(error)
            }
        };
        queue.run(1, renew).await;
        pending().await
    }

    async fn renew(&self, own: &SharedIndexInformer<Unstructured>) -> Result<(), Error> {
        let now = json!(record::micro_time(self.api.runtime().clock.unix_time()));
        if let Some(there) = own.lister().get(&self.key) {
            let mut renewed = Unstructured::clone(&there);
            renewed.set("spec.renewTime", now)?;
            return self.api.update(&renewed, &UpdateOptions::default()).await.map(drop);
        }
        let Coordinated { binary_version, emulation_version, strategy } = &self.coordinated;
        let mut candidate = Unstructured::new(self.api.api_resource(), self.key.namespace(), self.key.name());
        candidate.set(
            "spec",
            json!({
                "leaseName": self.lease,
                "binaryVersion": binary_version,
                "emulationVersion": emulation_version,
                "strategy": strategy,
                "renewTime": now,
            }),
        )?;
        self.api.create(&candidate, &CreateOptions::default()).await.map(drop)
    }
}

/// Whether the control plane asks if this candidate is still there, or the object is not there any more.
fn is_wanted(event: &Event<Unstructured>) -> bool {
    match event {
        Event::Deleted { .. } => true,
        Event::Added { object, .. } | Event::Updated { new: object, .. } => {
            let moment = |path| object.text(path).and_then(|text| text.parse::<jiff::Timestamp>().ok());
            moment("spec.pingTime").is_some_and(|asked| Some(asked) > moment("spec.renewTime"))
        }
    }
}

/// An informer that ends with its candidate.
struct Stopped(SharedIndexInformer<Unstructured>);

impl Stopped {
    /// Resolves once it is in sync, and tells `failed` what keeps it from that.
    async fn synced(&self, failed: impl Fn(&str)) {
        let mut errors = 0;
        while !self.0.has_synced() {
            let news = self.0.wait_for_status(|status| {
                let error = status.last_error.clone().filter(|_| status.counters.errors > errors);
                errors = status.counters.errors;
                (error.is_some() || self.0.has_synced()).then_some(error)
            });
            if let Some(error) = news.await {
                failed(&error);
            }
        }
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        self.0.stop();
    }
}
