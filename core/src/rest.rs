//! Requests and answers: [`RestClient`], its [`Request`] builder, the [`Response`], and lists and watches as they arrive.
//!
//! Invariant: the one owner of retries, and the one place where a status outside 2xx becomes an error.
//! Follows client-go 0.37 `rest/request.go` and `rest/with_retry.go`.

mod answer;
mod list;
mod negotiate;
mod path;
mod request;
mod retry;
mod watch;

use std::sync::Arc;

use http::Method;

pub use answer::Response;
pub use list::{ListBody, ObjectList};
pub use request::Request;
pub(crate) use watch::read_event;
pub use watch::{Bookmark, Watch, WatchBody, WatchEvent};

use crate::config::Config;
use crate::time::Runtime;
use crate::transport::Transport;
use negotiate::Negotiation;

/// Makes requests of one API server. Cheap to clone. client-go's `rest.RESTClient`.
#[derive(Clone, Debug)]
pub struct RestClient {
    transport: Arc<dyn Transport>,
    config: Arc<Config>,
    runtime: Runtime,
    negotiation: Negotiation,
}

impl RestClient {
    /// A client that sends what `config` says over `transport`.
    pub fn new(transport: Arc<dyn Transport>, config: Config, runtime: Runtime) -> Self {
        Self { transport, config: Arc::new(config), runtime, negotiation: Negotiation::default() }
    }

    /// A request with any verb.
    pub fn verb(&self, method: Method) -> Request {
        Request::new(self.clone(), method)
    }

    /// A GET request.
    pub fn get(&self) -> Request {
        self.verb(Method::GET)
    }

    /// A POST request.
    pub fn post(&self) -> Request {
        self.verb(Method::POST)
    }

    /// A PUT request.
    pub fn put(&self) -> Request {
        self.verb(Method::PUT)
    }

    /// A PATCH request; see [`Request::patch_body`].
    pub fn patch(&self) -> Request {
        self.verb(Method::PATCH)
    }

    /// A DELETE request.
    pub fn delete(&self) -> Request {
        self.verb(Method::DELETE)
    }

    /// Where requests go, and as whom.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The clock, tasks and seed it was given.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// What carries its requests.
    pub fn transport(&self) -> &Arc<dyn Transport> {
        &self.transport
    }
}
