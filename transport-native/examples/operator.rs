//! An operator for a resource of its own: for each Website it keeps a ConfigMap with the page, and takes a "DNS name" that
//! must be given back before the Website may go.
//!
//! With `--demo` it makes a Website itself, deletes it again, and ends. It shows a definition that is installed and waited for, a finalizer, an owner reference, a status, events about the
//! object, a look every ten minutes, and leader election, so that any number of these may run.
#![expect(clippy::print_stdout, reason = "an example's output is its purpose")]

mod cluster;
mod stop;

use std::cell::Cell;
use std::future::pending;
use std::process::ExitCode;
use std::time::Duration;

use futures::future::{Either, select, try_join};
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use portolan::client::{Api, Client};
use portolan::controller::{
    Controller, ElectionOptions, EventRecorder, LeaderElector, Note, controller_reference,
    generation_changed, object_reference,
};
use portolan::informer::{FactoryOptions, Lister, Next, SharedInformerFactory};
use portolan::meta::{
    ApiResource, CreateOptions, DeleteOptions, Key, Object, Patch, PatchOptions, UpdateOptions,
};
use portolan::object::{Lazy, Metadata, Unstructured};
use portolan::wait::{conditions, until};
use portolan::{Error, ErrorKind};
use serde_json::json;

const NAME: &str = "websites.example.com";
const FINALIZER: &str = "example.com/dns";

fn main() -> ExitCode {
    cluster::run("[--demo] [IDENTITY]", operator)
}

/// What a reconciliation needs.
struct Operator {
    client: Client,
    resource: ApiResource,
    cached: Lister<Unstructured>,
    events: EventRecorder,
}

async fn operator(client: Client, mut arguments: Vec<String>) -> Result<(), Error> {
    let demo = arguments.first().is_some_and(|first| first == "--demo");
    arguments.drain(..usize::from(demo));
    let identity = arguments.first().cloned().unwrap_or_else(|| format!("operator-{}", std::process::id()));
    let resource = install(&client).await?;
    let mut elector =
        LeaderElector::new(&client, ElectionOptions::new("default", "website-operator", &identity))?
            .on_new_leader(|leader| println!("leader: {leader:?}"));
    let leads = Cell::new(false);
    let run = elector.run(async |_| {
        leads.set(true);
        lead(&client, &resource, &identity, demo).await
    });
    let stop = async {
        stop::asked().await;
        if leads.get() {
            pending::<()>().await; // the controller ends by itself, then the Lease is given up
        }
    };
    match select(Box::pin(run), Box::pin(stop)).await {
        Either::Left((outcome, _)) => outcome?,
        Either::Right(_) => Ok(()),
    }
}

/// Runs the controller while this process leads, until it is asked to stop.
async fn lead(client: &Client, resource: &ApiResource, identity: &str, demo: bool) -> Result<(), Error> {
    let factory = SharedInformerFactory::new(client, FactoryOptions::default());
    let websites = factory.resource::<Unstructured>(resource);
    let pages = factory.informer::<ConfigMap>();
    let operator = Operator {
        client: client.clone(),
        resource: resource.clone(),
        cached: websites.lister(),
        events: EventRecorder::new(client, "example.com/website-operator", identity),
    };
    // A change of the status alone is our own; a ConfigMap leads to the Website that owns it.
    let controller = Controller::filtered(&websites, generation_changed).owns(&pages);
    let queue = controller.queue().clone();
    let run = controller.run(2, async |key| {
        let outcome = operator.reconcile(&key).await;
        if let Err(error) = &outcome {
            println!("{key}: {error}, again later");
        }
        outcome
    });
    let stop = async {
        let outcome = if demo {
            play(client, resource).await
        } else {
            stop::asked().await;
            Ok(())
        };
        queue.shut_down();
        outcome
    };
    println!("reconciling as {identity}");
    // After the stop, what is under way comes to its end.
    let outcome = try_join(run, stop).await.map(drop);
    if let Err(error) = operator.events.flush(Duration::from_secs(10)).await {
        println!("{error}");
    }
    factory.shutdown();
    println!("stopped");
    outcome
}

impl Operator {
    async fn reconcile(&self, key: &Key) -> Result<Next, Error> {
        let Some(website) = self.cached.get(key) else {
            println!("{key} is gone");
            return Ok(Next::Forget);
        };
        let metadata = website.object_meta()?;
        let websites = self.client.resource::<Unstructured>(&self.resource, key.namespace());
        let held = metadata.finalizers.iter().flatten().any(|finalizer| finalizer == FINALIZER);
        if metadata.deletion_timestamp.is_some() {
            if held {
                println!("{key}: gave its name back");
                self.tell(&website, Note::normal("NameReleased", "Release", "the DNS name was given back"));
                let left = metadata.finalizers.iter().flatten().filter(|finalizer| *finalizer != FINALIZER);
                set_finalizers(&websites, &website, left.cloned().collect()).await?;
            }
            return Ok(Next::Forget);
        }
        if !held {
            // Before the name is taken, so that it is always given back. The update of the object brings us here again.
            let all = metadata.finalizers.iter().flatten().cloned().chain([FINALIZER.to_owned()]).collect();
            set_finalizers(&websites, &website, all).await?;
            println!("{key}: took its name");
        }
        if self.publish(key, &website).await? {
            println!("{key}: published");
            self.tell(&website, Note::normal("Published", "Publish", "the page was written"));
        }
        let status = json!({"status": {"url": format!("https://{}.example.com", key.name()),
            "observedGeneration": metadata.generation}});
        websites.patch_status(key.name(), &Patch::Merge(status), &PatchOptions::default()).await?;
        Ok(Next::After(Duration::from_secs(600)))
    }

    /// Sees that the ConfigMap holds the page; true when it did not.
    async fn publish(&self, key: &Key, website: &Unstructured) -> Result<bool, Error> {
        let page = website.text("spec.title").unwrap_or("Untitled").to_owned();
        let wanted = ConfigMap {
            metadata: portolan::meta::ObjectMeta {
                name: Some(key.name().to_owned()),
                namespace: Some(key.namespace().to_owned()),
                owner_references: Some(vec![controller_reference(&website.metadata()?, &self.resource)]),
                ..Default::default()
            },
            data: Some([("index.html".to_owned(), format!("<h1>{page}</h1>"))].into()),
            ..Default::default()
        };
        let pages = self.client.api::<ConfigMap>(key.namespace());
        match pages.get(key.name(), &Default::default()).await {
            Err(error) if error.is_not_found() => {
                pages.create(&wanted, &CreateOptions::default()).await.map(|_| true)
            }
            Err(error) => Err(error),
            Ok(there) if there.data == wanted.data => Ok(false),
            Ok(there) => {
                let changed = ConfigMap { data: wanted.data, ..there };
                pages.update(&changed, &UpdateOptions::default()).await.map(|_| true)
            }
        }
    }

    fn tell(&self, website: &Unstructured, note: Note) {
        self.events.record(object_reference(website, &self.resource), note);
    }
}

/// The life of a Website, as its user sees it.
async fn play(client: &Client, resource: &ApiResource) -> Result<(), Error> {
    const PATIENCE: Duration = Duration::from_secs(60);
    let websites = client.resource::<Unstructured>(resource, "default");
    let mut hello = Unstructured::new(resource, "default", "hello");
    hello.set("spec.title", "Hello")?;
    websites.create(&hello, &CreateOptions::default()).await?;
    let has_url =
        |website: Option<&Unstructured>| Ok(website.is_some_and(|w| w.text("status.url").is_some()));
    let website = until(&websites, "hello", PATIENCE, has_url).await?;
    println!("demo: {}", website.as_ref().and_then(|website| website.text("status.url")).unwrap_or_default());
    websites.delete("hello", &DeleteOptions::default()).await?;
    until(&websites, "hello", PATIENCE, conditions::deleted).await?;
    println!("demo: deleted");
    Ok(())
}

/// Writes the finalizers, unless the object has changed since it was read.
async fn set_finalizers(
    websites: &Api<Unstructured>,
    website: &Unstructured,
    finalizers: Vec<String>,
) -> Result<(), Error> {
    let meta = website.meta();
    let patch = json!({"metadata": {"resourceVersion": meta.resource_version, "finalizers": finalizers}});
    websites.patch(meta.name, &Patch::Merge(patch), &PatchOptions::default()).await.map(drop)
}

/// Installs the definition and waits until it is served.
async fn install(client: &Client) -> Result<ApiResource, Error> {
    let definition: CustomResourceDefinition = serde_json::from_value(json!({
        "metadata": {"name": NAME},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": "websites", "singular": "website", "kind": "Website"},
            "versions": [{
                "name": "v1", "served": true, "storage": true, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                    "spec": {"type": "object", "properties": {"title": {"type": "string"}}},
                    "status": {"type": "object", "properties": {
                        "url": {"type": "string"}, "observedGeneration": {"type": "integer"}}},
                }}},
            }],
        },
    }))
    .map_err(|error| Error::new(ErrorKind::Decode, "the definition").with_source(error))?;
    match client.all::<CustomResourceDefinition>().create(&definition, &CreateOptions::default()).await {
        Err(error) if !error.is_already_exists() => return Err(error),
        _ => {}
    }
    let definitions = client.all::<Lazy<CustomResourceDefinition>>();
    until(&definitions, NAME, Duration::from_secs(60), conditions::established).await?;
    ApiResource::new("example.com/v1", "Website", "websites", true)
}
