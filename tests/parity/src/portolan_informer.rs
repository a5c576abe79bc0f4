//! Portolan: the same commands to an informer over the native transport.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use k8s_openapi::api::core::v1::ConfigMap;
use portolan::cache::{Delivery, Event, HandlerOptions, IndexFunction, ReflectorOptions};
use portolan::config::Config;
use portolan::informer::{FactoryOptions, Registration, SharedIndexInformer, SharedInformerFactory};
use portolan::meta::{Object, Resource};
use portolan::object::{Lazy, PartialObjectMetadata, Unstructured};
use portolan_native::{ConfigOptions, client_for, load_config};

use crate::player::{Act, InformerOptions};
use crate::trace::Trace;

/// One scenario's informer.
pub(crate) struct Portolan {
    trace: Trace,
    informer: Option<Box<dyn Informer>>,
}

impl Portolan {
    pub(crate) fn new(trace: Trace) -> Self {
        Self { trace, informer: None }
    }

    pub(crate) fn make(&mut self, options: &InformerOptions) -> Result<()> {
        let mut config = Config::new(&options.server)?;
        if !options.kubeconfig.is_empty() {
            let kubeconfig = Some(options.kubeconfig.clone().into());
            let server = config.server;
            config = load_config(&ConfigOptions { kubeconfig, ..Default::default() })?;
            config.server = server;
        }
        // As client-go's side: what is asked when is the scenario's to say.
        config.rate_limit = None;
        let client = client_for(config)?;
        let reflector = ReflectorOptions {
            label_selector: options.label_selector.parse()?,
            field_selector: options.field_selector.parse()?,
            watch_list: options.watch_list,
            resync_period: Duration::from_millis(options.resync_ms),
            ..ReflectorOptions::default()
        };
        let namespace = options.namespace.clone();
        let factory = SharedInformerFactory::new(
            &client,
            FactoryOptions { namespace, reflector, ..FactoryOptions::default() },
        );
        let (resource, trace) = (ConfigMap::api_resource(), self.trace.clone());
        self.informer = Some(match options.form.as_str() {
            "typed" => {
                let informer = factory.typed::<ConfigMap>();
                if options.transform {
                    informer.set_transform(count_transforms)?;
                }
                Playing::boxed(informer, trace, transformed)?
            }
            "lazy" => Playing::boxed(factory.informer::<ConfigMap>(), trace, |_: &Lazy<ConfigMap>| None)?,
            "dynamic" => Playing::boxed(factory.dynamic(&resource), trace, |_: &Lazy<Unstructured>| None)?,
            "metadata" => {
                Playing::boxed(factory.metadata(&resource), trace, |_: &PartialObjectMetadata| None)?
            }
            form => bail!("no form {form:?}"),
        });
        Ok(())
    }

    pub(crate) fn act(&mut self, act: Act<'_>, number: usize) -> Result<()> {
        self.informer.as_mut().context("an informer is made first")?.act(act)?;
        self.trace.tell(format!("did {number}"));
        Ok(())
    }
}

/// An informer, whatever its objects are.
trait Informer: Send {
    fn act(&mut self, act: Act<'_>) -> Result<()>;
}

struct Playing<T: Object> {
    informer: SharedIndexInformer<T>,
    registrations: BTreeMap<String, Arc<Registration<T>>>,
    trace: Trace,
    /// How often an object was transformed.
    transformed: fn(&T) -> Option<String>,
}

impl<T: Object> Playing<T> {
    fn boxed(
        informer: SharedIndexInformer<T>,
        trace: Trace,
        transformed: fn(&T) -> Option<String>,
    ) -> Result<Box<dyn Informer>> {
        let by_labels: Arc<dyn IndexFunction<T>> = Arc::new(|object: &T, emit: &mut dyn FnMut(&str)| {
            object.labels().values().for_each(|value| emit(value));
        });
        informer.add_index("label", by_labels)?;
        Ok(Box::new(Self { informer, registrations: BTreeMap::new(), trace, transformed }))
    }

    fn add_handler(&mut self, name: &str, resync_ms: Option<u64>) {
        let (trace, transformed) = (self.trace.clone(), self.transformed);
        let (told, handler) = (name.to_owned(), name.to_owned());
        // client-go's handlers see every event.
        let options = HandlerOptions {
            delivery: Delivery::Lossless { capacity: 10_000 },
            resync_period: resync_ms.map(Duration::from_millis),
        };
        let own = Arc::<OnceLock<Arc<Registration<T>>>>::default();
        let asked = own.clone();
        let registration = self.informer.add_handler(options, move |event: Event<T>| {
            // client-go's says so only once it has been told of the last initial object.
            let synced = asked.get().is_some_and(|own| own.has_synced());
            let early = if synced && event.is_initial() { ", synced too early" } else { "" };
            trace.tell(format!("{told} {}{early}", call(&event, transformed)));
        });
        let registration = Arc::new(registration);
        // Nobody else sets it.
        let _ = own.set(registration.clone());
        self.registrations.insert(handler, registration);
    }

    fn state(&self) -> String {
        let lister = self.informer.lister();
        let mut objects: Vec<String> =
            lister.list().iter().map(|object| describe(&**object, self.transformed)).collect();
        objects.sort();
        let mut found: Vec<String> =
            lister.index_keys("label", "x").iter().map(ToString::to_string).collect();
        found.sort();
        format!(
            "holds [{}] at {}, x is [{}]",
            objects.join(" "),
            self.informer.status().resource_version,
            found.join(" ")
        )
    }
}

impl<T: Object> Informer for Playing<T> {
    fn act(&mut self, act: Act<'_>) -> Result<()> {
        match act {
            Act::Run => self.informer.start(),
            Act::Stop => {
                self.informer.stop();
                self.trace.tell("stopped".to_owned());
            }
            Act::AddHandler { name, resync_ms } => self.add_handler(name, resync_ms),
            Act::RemoveHandler(name) => {
                self.registrations.get(name).context("no such handler")?.remove();
            }
            Act::WaitForSync(name) => {
                let registration = self.registrations.get(name).context("no such handler")?.clone();
                let (trace, name) = (self.trace.clone(), name.to_owned());
                tokio::spawn(async move {
                    if registration.wait_for_sync().await.is_ok() {
                        trace.tell(format!("synced {name}"));
                    }
                });
            }
            Act::Check(name) => self.trace.tell(format!("check {name} {}", self.state())),
        }
        Ok(())
    }
}

fn call<T: Object>(event: &Event<T>, transformed: fn(&T) -> Option<String>) -> String {
    match event {
        Event::Added { object, is_in_initial_list } => {
            let initial = if *is_in_initial_list { " initial" } else { "" };
            format!("add {}{initial}", describe(&**object, transformed))
        }
        Event::Updated { old, new } => {
            format!("update {} from {}", describe(&**new, transformed), old.meta().resource_version)
        }
        Event::Deleted { object, final_state_unknown } => {
            let unknown = if *final_state_unknown { " final state unknown" } else { "" };
            format!("delete {}{unknown}", describe(&**object, transformed))
        }
    }
}

fn describe<T: Object>(object: &T, transformed: fn(&T) -> Option<String>) -> String {
    let mut text = format!("{}@{}", object.key(), object.meta().resource_version);
    if let Some(count) = transformed(object) {
        let _ = write!(text, " transformed {count}");
    }
    text
}

fn transformed(object: &ConfigMap) -> Option<String> {
    object.metadata.annotations.as_ref()?.get("transformed").cloned()
}

/// Notes in an annotation how often it saw the object.
fn count_transforms(mut object: ConfigMap) -> ConfigMap {
    let annotations = object.metadata.annotations.get_or_insert_default();
    let count = annotations.get("transformed").and_then(|count| count.parse::<u32>().ok()).unwrap_or(0);
    annotations.insert("transformed".to_owned(), (count + 1).to_string());
    object
}
