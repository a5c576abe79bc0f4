//! Answers, and how they become HTTP.

use std::hash::{DefaultHasher, Hash, Hasher};

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH, RETRY_AFTER, VARY, WARNING,
};
use http::{Response, StatusCode};
use portolan::status::Status;
use portolan::transport::Body;
use serde_json::{Value, json};

/// An answer.
pub(crate) struct Answer {
    code: StatusCode,
    content_type: &'static str,
    body: Body,
    /// The mark of its content, by which a client asks for changes only.
    etag: Option<HeaderValue>,
    warnings: Vec<HeaderValue>,
    /// In how many seconds to ask again.
    retry_after: Option<i32>,
}

impl Answer {
    pub(crate) fn new(code: StatusCode, content_type: &'static str, body: Body) -> Self {
        Self { code, content_type, body, etag: None, warnings: Vec::new(), retry_after: None }
    }

    pub(crate) fn json(code: StatusCode, value: &Value) -> Self {
        Self::object(code, value.to_string().into())
    }

    /// A document that the client may have already: then only that it has not changed.
    pub(crate) fn document(content_type: &'static str, value: &Value, headers: &HeaderMap) -> Self {
        let text = value.to_string();
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        let etag = HeaderValue::from_str(&format!("\"{:016X}\"", hasher.finish())).ok();
        let known = etag.is_some() && headers.get(IF_NONE_MATCH) == etag.as_ref();
        let (code, body) = match known {
            true => (StatusCode::NOT_MODIFIED, Body::Empty),
            false => (StatusCode::OK, Body::Bytes(text.into())),
        };
        Self { etag, ..Self::new(code, content_type, body) }
    }

    pub(crate) fn object(code: StatusCode, text: Bytes) -> Self {
        Self::new(code, "application/json", Body::Bytes(text))
    }

    pub(crate) fn plain(code: StatusCode, text: &'static str) -> Self {
        Self::new(code, "text/plain; charset=utf-8", Body::Bytes(Bytes::from_static(text.as_bytes())))
    }

    pub(crate) fn not_found() -> Self {
        Self::plain(StatusCode::NOT_FOUND, "404 page not found\n")
    }

    pub(crate) fn refused(status: &Status) -> Self {
        let code = status.code.and_then(|code| u16::try_from(code).ok());
        let code = code.and_then(|code| StatusCode::from_u16(code).ok());
        let retry_after = status.details.as_ref().and_then(|details| details.retry_after_seconds);
        let answer = Self::json(code.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), &json!(status));
        Self { retry_after: retry_after.filter(|seconds| *seconds > 0), ..answer }
    }

    pub(crate) fn success(code: StatusCode, details: Value) -> Self {
        let mut status = json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success" });
        if details.is_null() {
            status["code"] = code.as_u16().into();
        } else {
            status["details"] = details;
        }
        Self::json(code, &status)
    }

    /// With texts for the user, shown beside the answer, after those it has.
    pub(crate) fn with_warnings<T: AsRef<str>>(mut self, texts: impl IntoIterator<Item = T>) -> Self {
        let header = |text: T| HeaderValue::from_str(&format!("299 - {:?}", text.as_ref())).ok();
        self.warnings.extend(texts.into_iter().filter_map(header));
        self
    }

    pub(crate) fn into_response(self) -> Response<Body> {
        let mut response = Response::new(self.body);
        *response.status_mut() = self.code;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        let caching = if self.etag.is_some() { "public" } else { "no-cache, private" };
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(caching));
        if let Some(etag) = self.etag {
            headers.insert(ETAG, etag);
            headers.insert(VARY, HeaderValue::from_static("Accept"));
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        for warning in self.warnings {
            headers.append(WARNING, warning);
        }
        response
    }
}
