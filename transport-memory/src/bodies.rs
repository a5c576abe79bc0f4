//! Bodies of requests, read: objects, patches and delete options, as JSON or, with the feature `full`, as protobuf.

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use portolan::TransportErrorKind;
use portolan::transport::Body;
use serde_json::{Value, json};

use crate::deletion::{Deletion, Propagation};
use crate::failure::{Cause, Failure};
use crate::patch::Patch;
use crate::request::Query;
use crate::resources::Resource;
use crate::value::{list, text};

/// The largest body the server takes: 3 MiB.
const LIMIT: usize = 3 * 1024 * 1024;

fn media_type(headers: &HeaderMap) -> &str {
    let header = headers.get(CONTENT_TYPE).and_then(|header| header.to_str().ok()).unwrap_or_default();
    header.split(';').next().unwrap_or_default().trim()
}

async fn collect(body: Body) -> Result<Bytes, Failure> {
    body.collect(LIMIT).await.map_err(|error| match error.kind() {
        portolan::ErrorKind::Transport(TransportErrorKind::TooLarge) => Failure::too_large_body(LIMIT),
        _ => Failure::bad_request(format!("the body could not be read: {error}")),
    })
}

/// An object.
pub(crate) async fn object(headers: &HeaderMap, body: Body) -> Result<Value, Failure> {
    decode(media_type(headers), &collect(body).await?)
}

fn decode(media_type: &str, bytes: &[u8]) -> Result<Value, Failure> {
    match media_type {
        "" | "application/json" => parse(bytes),
        #[cfg(feature = "full")]
        portolan::codec::protobuf::MEDIA_TYPE => {
            let json = portolan::codec::protobuf::to_json(bytes);
            let json = json.map_err(|error| Failure::bad_request(error.to_string()))?;
            parse(&json)
        }
        _ => Err(Failure::unsupported_media_type("application/json")),
    }
}

fn parse(bytes: &[u8]) -> Result<Value, Failure> {
    serde_json::from_slice(bytes).map_err(|error| {
        let text = format!("couldn't get version/kind; json parse error: {}", malformed(bytes, &error));
        Failure::bad_request(format!("the object provided is unrecognized: {text}"))
    })
}

/// What is wrong with bytes that are no JSON; with the feature `full` in Go's words.
pub(crate) fn malformed(bytes: &[u8], error: &serde_json::Error) -> String {
    #[cfg(feature = "full")]
    if let Err(what) = crate::syntax::check(bytes) {
        return what;
    }
    let _ = bytes;
    error.to_string()
}

/// A partial change of an object of `resource`.
pub(crate) async fn patch(
    headers: &HeaderMap,
    body: Body,
    query: &Query,
    resource: &Resource,
) -> Result<Patch, Failure> {
    let make: fn(Value) -> Patch = match media_type(headers) {
        "application/json-patch+json" => Patch::Json,
        "application/merge-patch+json" => Patch::Merge,
        #[cfg(feature = "full")]
        "application/strategic-merge-patch+json" if !resource.custom => Patch::Strategic,
        #[cfg(feature = "full")]
        "application/apply-patch+yaml" if query.flag("force") => {
            |wanted| Patch::Apply { wanted, force: true }
        }
        #[cfg(feature = "full")]
        "application/apply-patch+yaml" => |wanted| Patch::Apply { wanted, force: false },
        _ => {
            let full = cfg!(feature = "full");
            let strategic =
                if full && !resource.custom { ", application/strategic-merge-patch+json" } else { "" };
            let apply = if full { ", application/apply-patch+yaml" } else { "" };
            let accepted =
                format!("application/json-patch+json, application/merge-patch+json{strategic}{apply}");
            return Err(Failure::unsupported_media_type(&accepted));
        }
    };
    let bytes = collect(body).await?;
    let patch = serde_json::from_slice(&bytes).map_err(|error| {
        Failure::bad_request(format!("error decoding patch: {}", malformed(&bytes, &error)))
    });
    let change = make(patch?);
    #[cfg(feature = "full")]
    if change.is_apply() && query.get("fieldManager").is_empty() {
        return Err(Failure::no_field_manager());
    }
    Ok(change)
}

/// How to delete: options come as a body; some clients send parameters, which count where there is none.
pub(crate) async fn deletion(headers: &HeaderMap, body: Body, query: &Query) -> Result<Deletion, Failure> {
    let bytes = collect(body).await?;
    let options = if bytes.is_empty() { options_in(query)? } else { decode(media_type(headers), &bytes)? };
    deletion_options(&options)
}

/// The options that parameters say.
fn options_in(query: &Query) -> Result<Value, Failure> {
    query.integer("gracePeriodSeconds")?; // Nothing lasts beyond its deletion here.
    Ok(json!({
        "orphanDependents": query.given("orphanDependents"),
        "propagationPolicy": query.all("propagationPolicy").next(),
        "dryRun": query.all("dryRun").collect::<Vec<_>>(),
    }))
}

/// How to delete, by options that were read.
pub(crate) fn deletion_options(options: &Value) -> Result<Deletion, Failure> {
    let owned = |path: &str| Some(text(options, path).to_owned()).filter(|text| !text.is_empty());
    let orphans = options.get("orphanDependents").and_then(Value::as_bool);
    let policy = options.get("propagationPolicy").and_then(Value::as_str);
    let mut causes = Vec::new();
    if let (Some(_), Some(policy)) = (orphans, policy) {
        let detail = "orphanDependents and deletionPropagation cannot be both set";
        causes.push(Cause::invalid("propagationPolicy", Value::from(policy), detail));
    }
    let propagation = match policy {
        Some("Foreground") => Propagation::Foreground,
        Some("Background") => Propagation::Background,
        Some("Orphan") => Propagation::Orphan,
        None if orphans == Some(true) => Propagation::Orphan,
        None => Propagation::Unsaid,
        Some(other) => {
            let supported = ["Foreground", "Background", "Orphan", "nil"];
            causes.push(Cause::not_supported("propagationPolicy", other, &supported));
            Propagation::Unsaid
        }
    };
    let dry_runs: Vec<&str> = list(options, "dryRun").filter_map(Value::as_str).collect();
    causes.extend(Cause::of_dry_run(dry_runs.iter().copied()));
    if !causes.is_empty() {
        return Err(Failure::invalid_options_of("DeleteOptions", causes));
    }
    Ok(Deletion {
        uid: owned("preconditions.uid"),
        version: owned("preconditions.resourceVersion"),
        propagation,
        dry_run: !dry_runs.is_empty(),
    })
}
