//! What a caller means by a resource, and where its objects are: found by discovery, as kubectl finds its arguments.

use portolan::meta::{ApiResource, FieldSelector, GroupVersionResource, LabelSelector};
use portolan::policy::{Backoff, BackoffManager};
use portolan::{Error, ErrorKind};
use serde::Deserialize;
use serde_json::{Value, json};
use wasm_bindgen::JsValue;

use super::Engine;
use super::outlet::Outlet;
use super::watch::looking;

/// A resource as a caller names it.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Named {
    /// As kubectl takes it: `pods`, `deploy`, `deployments.v1.apps`.
    Argument(String),
    /// Exactly this one.
    Exact {
        #[serde(default)]
        group: String,
        version: String,
        resource: String,
    },
}

/// Which objects of which resource.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Asked {
    gvr: Named,
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    label_selector: String,
    #[serde(default)]
    field_selector: String,
}

/// The same, found: what makes two informers the same.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) resource: ApiResource,
    pub(super) namespace: String,
    label_selector: String,
    field_selector: String,
}

impl Place {
    pub(super) async fn find(engine: &Engine, asked: Asked) -> Result<Self, Error> {
        // Read before anything is asked of the server.
        let labels: LabelSelector = asked.label_selector.parse()?;
        let fields: FieldSelector = asked.field_selector.parse()?;
        let resource = find(engine, &asked.gvr).await?;
        let namespace = if resource.namespaced { asked.namespace } else { String::new() };
        // An informer would try again for ever with one that no path can hold.
        engine.client().rest().get().namespace_if_scoped(&namespace, !namespace.is_empty()).uri()?;
        let (label_selector, field_selector) = (labels.to_string(), fields.to_string());
        Ok(Self { resource, namespace, label_selector, field_selector })
    }

    /// The same, for a call that lasts: a failure that may pass is told by a `message` of the standing, and tried again at the
    /// reflector's pace, for who asks before a server is up is to see it come up.
    pub(super) async fn wait(
        engine: &Engine,
        asked: &Asked,
        outlet: &Outlet,
        message: impl Fn(&Value) -> Result<JsValue, Error>,
    ) -> Result<Self, Error> {
        let runtime = engine.client().runtime();
        let seed = runtime.seed ^ runtime.clock.now().since_origin().as_nanos() as u64;
        let mut delays = BackoffManager::new(Backoff::REFLECTOR, seed);
        let mut failures = 0;
        loop {
            let error = match Self::find(engine, asked.clone()).await {
                Err(error) if may_pass(&error) => error,
                outcome => return outcome,
            };
            failures += 1;
            outlet.ready().await;
            outlet.next(&message(&looking(&error, failures))?);
            runtime.sleep(delays.step(runtime.clock.now())).await;
        }
    }

    /// In words that no other place has.
    pub(super) fn name(&self) -> String {
        let selectors = format!("{}&{}", self.label_selector, self.field_selector);
        format!("{} in {:?} of {selectors}", self.resource.gvr(), self.namespace)
    }

    /// The selectors, which were read from text before.
    pub(super) fn selectors(&self) -> Result<(LabelSelector, FieldSelector), Error> {
        Ok((self.label_selector.parse()?, self.field_selector.parse()?))
    }
}

/// Whether asking again may end otherwise: what was asked is not itself at fault.
fn may_pass(error: &Error) -> bool {
    !matches!(error.kind(), ErrorKind::Config | ErrorKind::Ambiguous | ErrorKind::NoMatch)
}

/// The resource that is meant. One that is not known is asked for anew: its definition may be young. `DeferredRestMapper::find`
/// does so only for what another run had kept, and an engine lives for days.
pub(super) async fn find(engine: &Engine, named: &Named) -> Result<ApiResource, Error> {
    let mapper = &engine.0.mapper;
    match look(&*mapper.mapper().await?, named) {
        Err(error) if error.is_no_match() => {
            mapper.reset().await;
            look(&*mapper.mapper().await?, named)
        }
        found => found,
    }
}

fn look(mapper: &portolan::client::discovery::RestMapper, named: &Named) -> Result<ApiResource, Error> {
    match named {
        Named::Argument(argument) => mapper.mapping_for(argument),
        Named::Exact { group, version, resource } => {
            let gvr = GroupVersionResource::new(group.clone(), version.clone(), resource.clone());
            let found = mapper.discovery().resource(&gvr).map(|found| found.resource.clone());
            found
                .ok_or_else(|| Error::new(ErrorKind::NoMatch, format!("the server serves no resource {gvr}")))
        }
    }
}

/// Where a resource is, as JSON.
pub(super) async fn resource(engine: &Engine, named: Named) -> Result<JsValue, Error> {
    let ApiResource { group, version, kind, plural, namespaced } = find(engine, &named).await?;
    let found = json!({
        "group": group, "version": version, "resource": plural, "kind": kind, "namespaced": namespaced,
    });
    Ok(JsValue::from_str(&found.to_string()))
}
