//! Single requests: the caller says the parts, the engine finds the resource, sends, and hands the answer on unread.

use bytes::Bytes;
use futures::future::{Either, select};
use http::{HeaderValue, Method};
use portolan::Error;
use portolan::client::discovery::{DiscoveredResource, Discovery};
use portolan::rest::Request;
use serde::Deserialize;
use serde_json::json;
use std::time::Duration;
use wasm_bindgen::JsValue;

use super::Engine;
use super::place::{Named, find};

/// One request.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Asked {
    method: String,
    /// An absolute path in place of a resource.
    #[serde(default)]
    path: Option<String>,
    #[serde(default)]
    gvr: Option<Named>,
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    subresource: Option<String>,
    #[serde(default)]
    parameters: Vec<(String, String)>,
    #[serde(default)]
    accept: Option<String>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    content_type: Option<String>,
    /// In milliseconds, for all of it: also for the discovery that finds the resource.
    #[serde(default)]
    timeout: Option<u32>,
}

/// Sends it; the answer's body as text.
pub(super) async fn request(engine: &Engine, asked: Asked) -> Result<JsValue, Error> {
    let limit = asked.timeout.filter(|milliseconds| *milliseconds > 0);
    let exchange = Box::pin(async { build(engine, asked).await?.send().await });
    let response = match limit {
        None => exchange.await?,
        Some(milliseconds) => {
            let over = engine.client().runtime().sleep(Duration::from_millis(milliseconds.into()));
            match select(exchange, over).await {
                Either::Left((answered, _)) => answered?,
                Either::Right(_) => {
                    return Err(Error::timeout(format!("no answer within {milliseconds} ms")));
                }
            }
        }
    };
    let text = std::str::from_utf8(response.bytes()).map_err(|error| {
        Error::decode(format!("the answer is no UTF-8 from byte {} on", error.valid_up_to()))
    })?;
    Ok(JsValue::from_str(text))
}

async fn build(engine: &Engine, asked: Asked) -> Result<Request, Error> {
    let method = Method::from_bytes(asked.method.as_bytes())
        .map_err(|_| Error::config(format!("{:?} is no HTTP method", asked.method)))?;
    let mut request = engine.client().rest().verb(method);
    match (&asked.path, &asked.gvr) {
        (Some(path), _) => request = request.request_uri(path),
        (None, Some(named)) => {
            let resource = find(engine, named).await?;
            let everywhere = asked.namespace.is_empty() && asked.name.is_none() && asked.method == "GET";
            request = request.api_resource(&resource);
            request = request.namespace_if_scoped(&asked.namespace, resource.namespaced && !everywhere);
        }
        (None, None) => return Err(Error::config("a request needs a path or a gvr")),
    }
    if let Some(name) = &asked.name {
        request = request.name(name);
    }
    if let Some(subresource) = &asked.subresource {
        request = request.subresource(subresource);
    }
    for (name, value) in asked.parameters {
        request = request.param(&name, value);
    }
    if let Some(accept) = &asked.accept {
        request = request.header("accept", accept);
    }
    // Bounded by `request` already, but the server is to know as well.
    if let Some(milliseconds) = asked.timeout {
        request = request.timeout(Duration::from_millis(milliseconds.into()));
    }
    let Some(body) = asked.body else { return Ok(request) };
    let content_type = asked.content_type.unwrap_or_else(|| "application/json".to_owned());
    let content_type = HeaderValue::try_from(&content_type)
        .map_err(|_| Error::config(format!("{content_type:?} is no content type")))?;
    Ok(request.bytes(Bytes::from(body), content_type))
}

/// What the server serves, as JSON.
pub(super) async fn discovery(engine: &Engine) -> Result<JsValue, Error> {
    let found = engine.client().discovery().server_groups_and_resources().await?;
    let preferred = found.preferred_resources();
    let resources: Vec<_> = found
        .resources()
        .map(|resource| {
            let is_preferred = preferred.iter().any(|one| std::ptr::eq(*one, resource));
            describe(resource, is_preferred)
        })
        .collect();
    let text = json!({"resources": resources, "failures": failures(&found)}).to_string();
    Ok(JsValue::from_str(&text))
}

fn describe(found: &DiscoveredResource, preferred: bool) -> serde_json::Value {
    let resource = &found.resource;
    json!({
        "group": resource.group,
        "version": resource.version,
        "resource": resource.plural,
        "kind": resource.kind,
        "namespaced": resource.namespaced,
        "singular": found.singular,
        "shortNames": found.short_names,
        "categories": found.categories,
        "verbs": found.verbs,
        "subresources": found.subresources.iter().map(|one| &one.name).collect::<Vec<_>>(),
        "preferred": preferred,
    })
}

fn failures(found: &Discovery) -> Vec<serde_json::Value> {
    let failures = found.failures.iter();
    failures
        .map(|failure| json!({"groupVersion": failure.group_version.to_string(), "message": failure.to_string()}))
        .collect()
}
