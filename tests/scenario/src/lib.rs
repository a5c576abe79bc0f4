//! One informer scenario that every transport must tell alike.
//!
//! Objects of the namespace `default` with the scenario's label come, change, leave the selection, come back, are
//! replaced under the same name, and go. The trace is what a lossless handler was told, uids and versions mapped to
//! the order in which they were first seen: so traces of different servers compare.

mod story;
mod trace;

use std::time::Duration;

use futures::StreamExt;
use futures::future::{Either, select};
use k8s_openapi::api::core::v1::ConfigMap;
use portolan::Error;
use portolan::cache::{Delivery, Event, HandlerOptions, ReflectorOptions};
use portolan::client::{Api, Client};
use portolan::informer::{EventStream, FactoryOptions, SharedInformerFactory};
use portolan::meta::{CreateOptions, DeleteOptions, ListOptions, Patch, PatchOptions};
use portolan::object::Lazy;
use serde_json::{Value, json};

pub use story::{Contents, Story};
use trace::Trace;

/// The label that selects the scenario's objects.
const LABEL: &str = "portolan-scenario";

/// So long an event may take to come.
const PATIENCE: Duration = Duration::from_secs(60);

/// What every transport must tell.
pub const EXPECTED: [&str; 11] = [
    "added a uid=1 version=1 initial",
    "added b uid=2 version=2 initial",
    "added c uid=3 version=3",
    "updated a uid=1 version=1→4",
    "updated a uid=1 version=4→5",
    "deleted b uid=2",
    "added b uid=2 version=6",
    "deleted c uid=3",
    "added c uid=4 version=7",
    "deleted a uid=1",
    "deleted b uid=2",
];

/// Plays the scenario through `client` and tells what an informer's handler was told. Needs the right to everything
/// with config maps in the namespace `default`; leaves none behind.
pub async fn play(client: &Client) -> Result<Vec<String>, Error> {
    let api: Api<ConfigMap> = client.api("default");
    clear(&api).await?;
    for name in ["a", "b"] {
        create(&api, name).await?;
    }
    let selector = format!("{LABEL}=yes").parse()?;
    let reflector = ReflectorOptions { label_selector: selector, ..Default::default() };
    let options = FactoryOptions { namespace: "default".to_owned(), reflector, ..Default::default() };
    let factory = SharedInformerFactory::new(client, options);
    let informer = factory.informer::<ConfigMap>();
    let lossless = HandlerOptions { delivery: Delivery::Lossless { capacity: 4 }, ..Default::default() };
    let mut listener =
        Listener { events: informer.events(lossless), trace: Trace::default(), client: client.clone() };
    factory.start();
    listener.hear_initial(2).await?;

    create(&api, "c").await?;
    listener.hear().await?;
    patch(&api, "a", json!({ "data": { "step": "1" } })).await?;
    listener.hear().await?;
    patch(&api, "a", json!({ "data": { "step": "2 \u{1F980} \"quoted\" \\" } })).await?;
    listener.hear().await?;
    patch(&api, "b", json!({ "metadata": { "labels": { LABEL: "no" } } })).await?;
    listener.hear().await?;
    patch(&api, "b", json!({ "metadata": { "labels": { LABEL: "yes" } } })).await?;
    listener.hear().await?;
    api.delete("c", &DeleteOptions::default()).await?;
    listener.hear().await?;
    create(&api, "c").await?;
    listener.hear().await?;
    for name in ["a", "b"] {
        api.delete(name, &DeleteOptions::default()).await?;
        listener.hear().await?;
    }
    factory.shutdown();
    clear(&api).await?;
    Ok(listener.trace.lines)
}

struct Listener {
    events: EventStream<Lazy<ConfigMap>>,
    trace: Trace,
    client: Client,
}

impl Listener {
    /// Waits for the next event and notes it.
    async fn hear(&mut self) -> Result<(), Error> {
        let event = self.next().await?;
        self.trace.note(&event);
        Ok(())
    }

    /// The initial events come in no order: they are noted by name.
    async fn hear_initial(&mut self, count: usize) -> Result<(), Error> {
        let mut events = Vec::new();
        for _ in 0..count {
            events.push(self.next().await?);
        }
        events.sort_by_key(Event::key);
        events.iter().for_each(|event| self.trace.note(event));
        Ok(())
    }

    async fn next(&mut self) -> Result<Event<Lazy<ConfigMap>>, Error> {
        let heard = &self.trace.lines;
        let patience = self.client.runtime().sleep(PATIENCE);
        match select(self.events.next(), patience).await {
            Either::Left((Some(event), _)) => Ok(event),
            Either::Left((None, _)) => Err(Error::canceled("the informer has ended")),
            Either::Right(_) => Err(Error::timeout(format!("no event in {PATIENCE:?} after {heard:?}"))),
        }
    }
}

async fn create(api: &Api<ConfigMap>, name: &str) -> Result<(), Error> {
    let object = json!({ "metadata": { "name": name, "labels": { LABEL: "yes" } }, "data": { "step": "0" } });
    let object: ConfigMap = serde_json::from_value(object)
        .map_err(|error| Error::decode("the scenario's object").with_source(error))?;
    api.create(&object, &CreateOptions::default()).await.map(drop)
}

async fn patch(api: &Api<ConfigMap>, name: &str, change: Value) -> Result<(), Error> {
    api.patch(name, &Patch::Merge(change), &PatchOptions::default()).await.map(drop)
}

async fn clear(api: &Api<ConfigMap>) -> Result<(), Error> {
    let selection = ListOptions { label_selector: LABEL.parse()?, ..Default::default() };
    api.delete_collection(&DeleteOptions::default(), &selection).await
}
