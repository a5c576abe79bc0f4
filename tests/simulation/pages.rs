//! Counts the pages that are asked for, and those of them that the server has forgotten.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use http::{Request, Response, StatusCode};
use portolan::Error;
use portolan::transport::{Body, Socket, Transport};

/// Passes everything on. Clones share the counts.
#[derive(Clone, Debug)]
pub(crate) struct Pages {
    inner: Arc<dyn Transport>,
    asked: Arc<AtomicU64>,
    forgotten: Arc<AtomicU64>,
}

impl Pages {
    pub(crate) fn new(inner: impl Transport) -> Self {
        Self { inner: Arc::new(inner), asked: Arc::default(), forgotten: Arc::default() }
    }

    /// How many pages after the first were asked for, and how many of those were refused with 410.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.asked.load(Ordering::Relaxed), self.forgotten.load(Ordering::Relaxed))
    }
}

#[async_trait]
impl Transport for Pages {
    async fn send(&self, request: Request<Body>) -> Result<Response<Body>, Error> {
        let goes_on = request.uri().query().is_some_and(|query| query.contains("continue="));
        let outcome = self.inner.send(request).await;
        if goes_on {
            self.asked.fetch_add(1, Ordering::Relaxed);
            let gone = outcome.as_ref().is_ok_and(|answer| answer.status() == StatusCode::GONE);
            self.forgotten.fetch_add(u64::from(gone), Ordering::Relaxed);
        }
        outcome
    }

    async fn connect(&self, request: Request<()>, protocols: &[&str]) -> Result<Socket, Error> {
        self.inner.connect(request, protocols).await
    }
}
