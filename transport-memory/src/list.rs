//! Lists: checked, cut into chunks that continue at one version, and streamed.
//!
//! Invariant: all chunks of a list show one version. When that is forgotten the answer is 410 with a token that
//! continues at the newest version instead, which is for the client to decide.

use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use futures::stream;
use portolan::status::quoted;
use portolan::transport::Body;
use serde_json::json;

use crate::continuation::{read_token, write_token};
use crate::failure::Failure;
use crate::list_options::ListOptions;
use crate::request::number;
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
        Some(_) => Err(format!("strconv.ParseUint: parsing {}: invalid syntax", quoted(text))),
        None => number("ParseUint", text).map(Some),
    };
    version.map_err(|what| format!("resourceVersion: Invalid value: {}: {what}", quoted(text)))
}
