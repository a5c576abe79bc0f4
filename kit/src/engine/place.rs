//! What a caller means by a resource, and where its objects are: found by discovery, as kubectl finds its arguments.
//!
//! Invariant: a call that lasts is told within [`PATIENCE`] why its resource is not found yet, whether the server refuses, is
//! not there, or keeps silent.

use std::fmt;
use std::pin::pin;
use std::time::Duration;

use futures::future::{Either, select};
use portolan::client::discovery::{Discovery, FailureCause, RestMapper};
use portolan::meta::{ApiResource, FieldSelector, GroupVersionResource, LabelSelector};
use portolan::policy::{Backoff, BackoffManager};
use portolan::{Error, ErrorKind};
use serde::Deserialize;
use serde_json::{Value, json};
use wasm_bindgen::JsValue;

use super::Engine;
use super::outlet::Outlet;
use super::watch::looking;

/// How long the server may keep silent before a call that lasts is told so.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often, for a call with one answer, the server is asked again what it serves, and how long after a connection broke: as core
/// sends any request again.
const TRIES: u32 = 10;
const AFTER_INTERRUPTION: Duration = Duration::from_secs(1);

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

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argument(argument) => write!(f, "{argument:?}"),
            Self::Exact { group, version, resource } => {
                let gvr = GroupVersionResource::new(group.clone(), version.clone(), resource.clone());
                write!(f, "{gvr}")
            }
        }
    }
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
    /// For a call with one answer.
    pub(super) async fn find(engine: &Engine, asked: Asked) -> Result<Self, Error> {
        asked.check()?;
        let resource = find(engine, &asked.gvr).await?;
        Self::of(engine, asked, resource)
    }

    fn of(engine: &Engine, asked: Asked, resource: ApiResource) -> Result<Self, Error> {
        let (labels, fields) = asked.check()?;
        let namespace = if resource.namespaced { asked.namespace } else { String::new() };
        // An informer would try again for ever with one that no path can hold.
        engine.client().rest().get().namespace_if_scoped(&namespace, !namespace.is_empty()).uri()?;
        let (label_selector, field_selector) = (labels.to_string(), fields.to_string());
        Ok(Self { resource, namespace, label_selector, field_selector })
    }

    /// The same, for a call that lasts: a failure that may pass is told by a `message` of the standing, and tried again at the
    /// reflector's pace, for who asks before a server is up is to see it come up. So is a silence, which goes on to be waited out.
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
        let mut tell = async |phase, error: &Error| {
            failures += 1;
            outlet.ready().await;
            outlet.next(&message(&looking(phase, error, failures))?);
            Ok::<_, Error>(())
        };
        asked.check()?;
        loop {
            let finding = pin!(find_now(engine, &asked.gvr));
            let found = match select(finding, runtime.sleep(PATIENCE)).await {
                Either::Left((found, _)) => found,
                Either::Right(((), finding)) => {
                    tell("connecting", &silent()).await?;
                    finding.await
                }
            };
            let error = match found {
                Err(error) if may_pass(&error) => error,
                found => return Self::of(engine, asked.clone(), found?),
            };
            tell("retrying", &error).await?;
            let wait = delays.step(runtime.clock.now());
            runtime.sleep(wait.max(error.retry_after().unwrap_or_default())).await;
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

impl Asked {
    /// Its selectors, read before anything is asked of the server.
    fn check(&self) -> Result<(LabelSelector, FieldSelector), Error> {
        Ok((self.label_selector.parse()?, self.field_selector.parse()?))
    }
}

fn silent() -> Error {
    let seconds = PATIENCE.as_secs();
    Error::timeout(format!(
        "the server has not said within {seconds} s what it serves; its answer is still waited for"
    ))
}

/// Whether asking again may end otherwise: what was asked is not itself at fault.
fn may_pass(error: &Error) -> bool {
    !matches!(error.kind(), ErrorKind::Config | ErrorKind::Ambiguous | ErrorKind::NoMatch)
}

/// The resource that is meant, for a call with one answer: asked again where the server asks to wait or the connection broke.
pub(super) async fn find(engine: &Engine, named: &Named) -> Result<ApiResource, Error> {
    for _ in 0..TRIES {
        let outcome = find_now(engine, named).await;
        let broken = |error: &Error| error.is_interrupted().then_some(AFTER_INTERRUPTION);
        let again = outcome.as_ref().err().and_then(|error| error.retry_after().or_else(|| broken(error)));
        let Some(wait) = again else { return outcome };
        engine.client().runtime().sleep(wait).await;
    }
    find_now(engine, named).await
}

/// The resource that is meant, as far as it is known now. One that is not known is asked for anew: its definition may be young.
/// `DeferredRestMapper::find` does so only for what another run had kept, and an engine lives for days.
async fn find_now(engine: &Engine, named: &Named) -> Result<ApiResource, Error> {
    let mapper = &engine.0.mapper;
    match look(&*mapper.mapper().await?, named) {
        Err(error) if error.is_no_match() => {
            mapper.reset().await;
            let known = mapper.mapper().await?;
            look(&known, named).map_err(|error| untold(known.discovery(), named).unwrap_or(error))
        }
        found => found,
    }
}

/// Why the group version in which the resource may be has not told what it serves; one that is not there any more serves nothing.
fn untold(discovery: &Discovery, named: &Named) -> Option<Error> {
    let mut failures = discovery.failures.iter().filter(|failure| match named {
        Named::Argument(_) => true,
        Named::Exact { group, version, .. } => {
            failure.group_version.group == *group && failure.group_version.version == *version
        }
    });
    failures.find_map(|failure| match &failure.cause {
        FailureCause::Failed(error) if may_pass(error) && !error.is_not_found() => {
            let why = format!("whether the server serves {named} is not known: {failure}");
            Some(Error::new(error.kind().clone(), why))
        }
        _ => None,
    })
}

fn look(mapper: &RestMapper, named: &Named) -> Result<ApiResource, Error> {
    match named {
        Named::Argument(argument) => mapper.mapping_for(argument),
        Named::Exact { group, version, resource } => {
            let gvr = GroupVersionResource::new(group.clone(), version.clone(), resource.clone());
            let found = mapper.discovery().resource(&gvr).map(|found| found.resource.clone());
            found.ok_or_else(|| {
                Error::new(ErrorKind::NoMatch, format!("the server serves no resource {named}"))
            })
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
