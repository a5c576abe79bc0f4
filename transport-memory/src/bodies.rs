//! Bodies of requests, read: objects, patches and delete options, as JSON or, with the feature `full`, as protobuf.

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use portolan::TransportErrorKind;
use portolan::transport::Body;
use serde_json::Value;

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
        let text = format!("couldn't get version/kind; json parse error: {error}");
        Failure::bad_request(format!("the object provided is unrecognized: {text}"))
    })
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
    let patch = serde_json::from_slice(&collect(body).await?).map_err(|error| {
        let why = if error.is_eof() { "unexpected end of JSON input".to_owned() } else { error.to_string() };
        Failure::bad_request(format!("error decoding patch: {why}"))
    });
    let change = make(patch?);
    #[cfg(feature = "full")]
    if change.is_apply() && query.get("fieldManager").is_empty() {
        return Err(Failure::no_field_manager());
    }
    Ok(change)
}

/// How to delete: options come as a body; some clients send parameters.
pub(crate) async fn deletion(headers: &HeaderMap, body: Body, query: &Query) -> Result<Deletion, Failure> {
    let bytes = collect(body).await?;
    let options = if bytes.is_empty() { Value::Null } else { decode(media_type(headers), &bytes)? };
    deletion_options(&options, query)
}

/// The same, of options that were read.
pub(crate) fn deletion_options(options: &Value, query: &Query) -> Result<Deletion, Failure> {
    let owned = |path: &str| Some(text(options, path).to_owned()).filter(|text| !text.is_empty());
    let given = owned("propagationPolicy").unwrap_or_else(|| query.get("propagationPolicy").to_owned());
    let asked: Vec<&str> = list(options, "dryRun").filter_map(Value::as_str).collect();
    let dry_runs = if asked.is_empty() { query.all("dryRun").collect() } else { asked };
    let propagation = match given.as_str() {
        "Foreground" => Ok(Propagation::Foreground),
        "Orphan" => Ok(Propagation::Orphan),
        "Background" => Ok(Propagation::Background),
        "" if options.get("orphanDependents") == Some(&Value::Bool(true)) => Ok(Propagation::Orphan),
        "" => Ok(Propagation::Unsaid),
        other => {
            let supported = ["Foreground", "Background", "Orphan", "nil"];
            Err(Cause::not_supported("propagationPolicy", other, &supported))
        }
    };
    let propagation = match (propagation, Cause::of_dry_run(dry_runs.iter().copied())) {
        (Ok(propagation), None) => propagation,
        (propagation, wrong) => {
            let causes = propagation.err().into_iter().chain(wrong).collect();
            return Err(Failure::invalid_options_of("DeleteOptions", causes));
        }
    };
    Ok(Deletion {
        uid: owned("preconditions.uid"),
        version: owned("preconditions.resourceVersion"),
        propagation,
        dry_run: !dry_runs.is_empty(),
    })
}
