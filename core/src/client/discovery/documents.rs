//! Fetches discovery documents, and again only when they have changed: by ETag, or not at all while they are fresh.
//!
//! Invariant: what is kept has been read successfully once, and is used only where asking anew would give the same bytes or
//! `304 Not Modified`; a kept answer that cannot be read is as good as none.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH};

use super::answer::KeptAnswer;
use crate::error::Error;
use crate::rest::RestClient;
use crate::storage::Storage;

/// Which document, and in which formats.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    /// The path, with its query behind a `?` if it has one.
    pub(super) path: &'a str,
    /// The `Accept` header.
    pub(super) accept: &'a str,
}

/// A document as it arrived.
pub(super) struct Document {
    /// The whole `Content-Type`, "" when there was none.
    pub(super) content_type: String,
    pub(super) bytes: Bytes,
}

/// Fetches documents and keeps their answers.
#[derive(Clone, Debug)]
pub(super) struct Documents {
    pub(super) rest: RestClient,
    storage: Arc<dyn Storage>,
}

impl Documents {
    pub(super) fn new(rest: RestClient, storage: Arc<dyn Storage>) -> Self {
        Self { rest, storage }
    }

    /// The document, read by `read`.
    pub(super) async fn get<T>(
        &self,
        wanted: Wanted<'_>,
        read: impl Fn(&Document) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let Wanted { path, accept } = wanted;
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let mut request = self.rest.get().abs_path(path).header("accept", accept);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            request = request.param(&name, value);
        }
        // With the limit in it, as client-go says it: so a kept answer has the same address for both.
        let address = request.uri()?.to_string();

        let kept = self.kept(&address, accept).await;
        let kept = kept.and_then(|answer| Some((read(&answer.document()).ok()?, answer)));
        let now = self.rest.runtime().clock.unix_time();
        let kept = match kept {
            Some((value, answer)) if answer.is_fresh(now) => return Ok(value),
            Some((value, answer)) => answer.header(ETAG).map(str::to_owned).map(|etag| (value, etag)),
            None => None,
        };
        if let Some((_, etag)) = &kept {
            request = request.header(IF_NONE_MATCH.as_str(), etag);
        }
        let answer = match (request.send().await, kept) {
            (Err(error), Some((value, _))) if error.code() == Some(304) => return Ok(value),
            (answer, _) => answer?,
        };
        answer.expected_bytes().map_err(|error| error.doing(format!("get {path}")))?;
        let content_type = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let content_type = content_type.unwrap_or_default().to_owned();
        let document = Document { content_type, bytes: answer.bytes().clone() };
        let value = read(&document).map_err(|error| error.doing(format!("get {path}")))?;
        if let Some(bytes) = KeptAnswer::write(answer.headers(), accept, &document.bytes) {
            // What cannot be kept is asked for again next time.
            drop(self.storage.store(&address, bytes).await);
        }
        Ok(value)
    }

    /// The kept answer of `address`, if it answered this `accept`.
    async fn kept(&self, address: &str, accept: &str) -> Option<KeptAnswer> {
        let stored = self.storage.load(address).await?;
        KeptAnswer::read(&stored.bytes).filter(|answer| answer.answers(accept))
    }
}
