//! Lists: checked, cut into chunks that continue at one version, and streamed.
//!
//! Invariant: all chunks of a list show one version. When that is forgotten the answer is 410 with a token that
//! continues at the newest version instead, which is for the client to decide.

use std::sync::Arc;
use std::task::Poll;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use futures::stream;
use portolan::transport::Body;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::list_options::ListOptions;
use crate::request::number;
use crate::resources::Resource;
use crate::select::Filter;
use crate::store::State;
use crate::stored::{Stored, View};
use crate::value::text;

/// A list's body is cut into chunks of about this many bytes.
const CHUNK: usize = 32 * 1024;

/// The version of the tokens that continue a list.
const TOKEN: &str = "meta.k8s.io/v1";

/// The parameters of a list, checked.
#[derive(Debug)]
pub(crate) struct ListRequest {
    limit: usize,
    at: At,
    /// The first key to show.
    start: String,
}

/// Which version to list at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Newest,
    NotOlderThan(u64),
    Exactly(u64),
    /// Exactly this one, where an earlier chunk left off.
    Continued(u64),
}

/// What a list shows.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) version: u64,
    pub(crate) objects: Vec<Arc<Stored>>,
    continue_token: String,
    remaining: Option<usize>,
}

impl ListRequest {
    pub(crate) fn read(options: &ListOptions<'_>) -> Result<Self, Failure> {
        let limit = usize::try_from(options.limit).unwrap_or_default();
        let (version, rule) = (options.version, options.version_match);
        if !options.continue_token.is_empty() {
            let (at, start) = read_token(options.continue_token)
                .map_err(|what| Failure::bad_request(format!("invalid continue token: {what}")))?;
            if !matches!(version, "" | "0") {
                let what = "specifying resource version is not allowed when using continue";
                return Err(Failure::bad_request(what));
            }
            return Ok(Self { limit, at: at.map_or(At::Newest, At::Continued), start });
        }
        let version = read_version(version)
            .map_err(|what| Failure::bad_request(format!("invalid resource version: {what}")))?;
        let at = match version {
            None | Some(0) => At::Newest,
            // As the server reads it: a version with a limit and no rule is exact.
            Some(version) if rule == "Exact" || (limit > 0 && rule.is_empty()) => At::Exactly(version),
            Some(version) => At::NotOlderThan(version),
        };
        Ok(Self { limit, at, start: String::new() })
    }

    /// The version the server must have reached.
    pub(crate) fn needs(&self) -> u64 {
        match self.at {
            At::Newest => 0,
            At::NotOlderThan(version) | At::Exactly(version) | At::Continued(version) => version,
        }
    }

    /// Makes the list.
    pub(crate) fn page(&self, state: &State, resource: &Resource, filter: &Filter) -> Result<Page, Failure> {
        let (version, all) = match self.at {
            At::Newest | At::NotOlderThan(_) => {
                if self.needs() > state.version() {
                    return Err(Failure::too_large_version(self.needs(), state.version()));
                }
                let objects = state.objects(&resource.store, &filter.prefix).cloned().collect();
                (state.version(), objects)
            }
            At::Exactly(version) => (version, state.objects_at(&resource.store, &filter.prefix, version)?),
            At::Continued(version) => {
                let objects = state.objects_at(&resource.store, &filter.prefix, version);
                (version, objects.map_err(|refusal| self.with_fresh_token(refusal, filter))?)
            }
        };
        let start = format!("{}{}", filter.prefix, self.start);
        let mut objects: Vec<_> = all
            .into_iter()
            .filter(|object| object.key >= start && filter.matches(resource, object))
            .collect();
        let rest = if self.limit > 0 { objects.len().saturating_sub(self.limit) } else { 0 };
        objects.truncate(objects.len() - rest);
        let continue_token = match objects.last().filter(|_| rest > 0) {
            Some(last) => {
                let next = format!("{}\0", last.key.strip_prefix(&filter.prefix).unwrap_or(&last.key));
                write_token(Some(version), &next)
            }
            None => String::new(),
        };
        let remaining = (rest > 0 && filter.is_everything()).then_some(rest);
        Ok(Page { version, objects, continue_token, remaining })
    }

    fn with_fresh_token(&self, refusal: Failure, filter: &Filter) -> Failure {
        if refusal.code() != 410 {
            return refusal;
        }
        let start = self.start.strip_prefix(&filter.prefix).unwrap_or(&self.start);
        Failure::expired(
            "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.",
        )
        .with_continue(write_token(None, start))
    }
}

impl Page {
    /// The list as a body that is written while it is read.
    pub(crate) fn body(self, resource: Arc<Resource>, view: View) -> Body {
        let head = self.head(&resource, view);
        let mut objects = self.objects.into_iter();
        let mut chunk = head.into_bytes();
        let mut first = true;
        let mut over = false;
        Body::Stream(Box::pin(stream::poll_fn(move |_| {
            while !over && chunk.len() < CHUNK {
                let Some(object) = objects.next() else {
                    chunk.extend_from_slice(b"]}\n");
                    over = true;
                    break;
                };
                if !std::mem::take(&mut first) {
                    chunk.push(b',');
                }
                if let Err(refusal) = object.write(&resource, view, false, &mut chunk) {
                    over = true;
                    return Poll::Ready(Some(Err(refusal.into())));
                }
            }
            let ready = std::mem::take(&mut chunk);
            Poll::Ready((!ready.is_empty()).then(|| Ok(Bytes::from(ready))))
        })))
    }

    fn head(&self, resource: &Resource, view: View) -> String {
        let (kind, api_version) = match view {
            View::Whole => (format!("{}List", resource.kind), resource.api_version()),
            View::Metadata => ("PartialObjectMetadataList".to_owned(), "meta.k8s.io/v1".to_owned()),
            #[cfg(feature = "full")]
            View::Table(..) => ("Table".to_owned(), "meta.k8s.io/v1".to_owned()),
        };
        let mut metadata = json!({ "resourceVersion": self.version.to_string() });
        if !self.continue_token.is_empty() {
            metadata["continue"] = self.continue_token.as_str().into();
        }
        if let Some(remaining) = self.remaining {
            metadata["remainingItemCount"] = remaining.into();
        }
        #[cfg(feature = "full")]
        if matches!(view, View::Table(..)) {
            let columns = crate::table::definitions(resource);
            return format!(
                r#"{{"kind":"{kind}","apiVersion":"{api_version}","metadata":{metadata},"columnDefinitions":{columns},"rows":["#
            );
        }
        format!(r#"{{"kind":"{kind}","apiVersion":"{api_version}","metadata":{metadata},"items":["#)
    }
}

/// A version out of a query, `None` when it is not given; the error is what the server says of one that is none.
pub(crate) fn read_version(text: &str) -> Result<Option<u64>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let version = match text.strip_prefix('+') {
        Some(_) => Err(format!("strconv.ParseUint: parsing {text:?}: invalid syntax")),
        None => number("ParseUint", text).map(Some),
    };
    version.map_err(|what| format!("resourceVersion: Invalid value: {text:?}: {what}"))
}

/// The server's form: base64url of a small JSON object. Version -1 is the newest.
fn write_token(version: Option<u64>, start: &str) -> String {
    let version = version.map_or(Value::from(-1), Value::from);
    let text = json!({ "v": TOKEN, "rv": version, "start": start }).to_string();
    URL_SAFE_NO_PAD.encode(text)
}

/// A version, `None` for the newest, and a first key; the error is what the server says of a token that is none.
fn read_token(token: &str) -> Result<(Option<u64>, String), String> {
    let refuse = |what: String| format!("continue key is not valid: {what}");
    let bytes = URL_SAFE_NO_PAD
        .decode(token)
        .map_err(|_| refuse(format!("illegal base64 data at input byte {}", first_wrong_byte(token))))?;
    let value: Value = serde_json::from_slice(&bytes).map_err(|error| refuse(json_fault(&bytes, &error)))?;
    let version = text(&value, "v");
    if version != TOKEN {
        return Err(refuse(format!("server does not recognize this encoded version {version}")));
    }
    let start = text(&value, "start");
    let at = match &value["rv"] {
        newest if newest.as_i64().is_some_and(|version| version < 0) => None,
        version => match version.as_u64() {
            None | Some(0) => {
                return Err(refuse(format!("incorrect encoded start resourceVersion (version {TOKEN})")));
            }
            given => given,
        },
    };
    if start.is_empty() {
        return Err(refuse(format!("encoded start key empty (version {TOKEN})")));
    }
    let path = start.strip_prefix('/').unwrap_or(start);
    if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(refuse(start.to_owned()));
    }
    Ok((at, start.to_owned()))
}

/// Where Go's decoder of base64 gives up.
fn first_wrong_byte(token: &str) -> usize {
    let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    token.bytes().position(|byte| !is_digit(byte)).unwrap_or(token.len().saturating_sub(1))
}

/// What Go says of bytes that are no JSON, as far as their end or their beginning is at fault.
fn json_fault(bytes: &[u8], error: &serde_json::Error) -> String {
    match bytes.first() {
        _ if error.is_eof() => "unexpected end of JSON input".to_owned(),
        Some(first) if error.column() == 1 => {
            format!("invalid character '{}' looking for beginning of value", char::from(*first))
        }
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_read_as_written() {
        for start in ["a\0", "ab\0", "abc\0", "namespace/näme\0"] {
            let token = write_token(Some(42), start);
            assert!(!token.contains(['+', '/', '=']), "{token}");
            assert_eq!(read_token(&token).unwrap(), (Some(42), start.to_owned()));
        }
        assert_eq!(read_token(&write_token(None, "x")).unwrap(), (None, "x".to_owned()));
        for bad in ["", "!", "A", "AAAA", &write_token(Some(0), "x"), &write_token(Some(1), "")] {
            assert!(read_token(bad).is_err(), "{bad}");
        }
    }
}
