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

use crate::failure::{Cause, Failure};
use crate::request::Query;
use crate::resources::Resource;
use crate::select::Filter;
use crate::store::State;
use crate::stored::{Stored, View};

/// A list's body is cut into chunks of about this many bytes.
const CHUNK: usize = 32 * 1024;

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
    pub(crate) fn read(query: &Query) -> Result<Self, Failure> {
        check(query)?;
        let limit = match query.get("limit") {
            "" => 0,
            text => text
                .parse()
                .map_err(|_| Failure::bad_request(format!("limit {text:?} is not a positive number")))?,
        };
        let version = query.get("resourceVersion");
        let token = query.get("continue");
        if !token.is_empty() {
            if !matches!(version, "" | "0") {
                let text = "specifying resource version is not allowed when using continue";
                return Err(Failure::bad_request(text));
            }
            let (version, start) = read_token(token)?;
            return Ok(Self { limit, at: version.map_or(At::Newest, At::Continued), start });
        }
        let exact = query.get("resourceVersionMatch") == "Exact";
        let at = match read_version(version)? {
            None | Some(0) => At::Newest,
            // As the server reads it: a version with a limit and no rule is exact.
            Some(version) if exact || (limit > 0 && query.get("resourceVersionMatch").is_empty()) => {
                At::Exactly(version)
            }
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

/// apimachinery's `ValidateListOptions` for lists.
fn check(query: &Query) -> Result<(), Failure> {
    let rule = query.get("resourceVersionMatch");
    let mut causes = Vec::new();
    let mut forbid = |field: &str, detail: &str| causes.push(Cause::forbidden(field, detail));
    if !rule.is_empty() {
        if query.get("resourceVersion").is_empty() {
            forbid(
                "resourceVersionMatch",
                "resourceVersionMatch is forbidden unless resourceVersion is provided",
            );
        }
        if !query.get("continue").is_empty() {
            forbid("resourceVersionMatch", "resourceVersionMatch is forbidden when continue is provided");
        }
        if rule == "Exact" && query.get("resourceVersion") == "0" {
            forbid(
                "resourceVersionMatch",
                "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"",
            );
        }
    }
    if query.given("sendInitialEvents").is_some() {
        forbid("sendInitialEvents", "sendInitialEvents is forbidden for list");
    }
    if !matches!(rule, "" | "Exact" | "NotOlderThan") {
        let supported = ["Exact", "NotOlderThan", ""];
        causes.push(Cause::not_supported("resourceVersionMatch", rule, &supported));
    }
    if causes.is_empty() { Ok(()) } else { Err(Failure::invalid_list_options(causes)) }
}

/// A version out of a query, `None` when it is not given.
pub(crate) fn read_version(text: &str) -> Result<Option<u64>, Failure> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| {
        let cause = Cause::invalid(
            "resourceVersion",
            format_args!("{text:?}"),
            "strconv.ParseUint: parsing: invalid syntax",
        );
        Failure::invalid_list_options(vec![cause])
    })
}

/// The server's form: base64url of a small JSON object. Version -1 is the newest.
fn write_token(version: Option<u64>, start: &str) -> String {
    let version = version.map_or(Value::from(-1), Value::from);
    let text = json!({ "v": "meta.k8s.io/v1", "rv": version, "start": start }).to_string();
    URL_SAFE_NO_PAD.encode(text)
}

fn read_token(token: &str) -> Result<(Option<u64>, String), Failure> {
    let refuse = || Failure::bad_request("continue key is not valid");
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| refuse())?;
    let value: Value = serde_json::from_slice(&bytes).map_err(|_| refuse())?;
    let start = value["start"].as_str().filter(|start| !start.is_empty()).ok_or_else(refuse)?;
    if value["v"] != "meta.k8s.io/v1" {
        return Err(refuse());
    }
    match &value["rv"] {
        newest if newest.as_i64() == Some(-1) => Ok((None, start.to_owned())),
        version => {
            Ok((Some(version.as_u64().filter(|version| *version > 0).ok_or_else(refuse)?), start.to_owned()))
        }
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
