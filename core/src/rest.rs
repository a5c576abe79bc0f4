//! Requests and answers: [`RestClient`], its [`Request`] builder, the [`Response`], and lists and watches as they arrive.
//!
//! Invariant: the one owner of retries, and the one place where a status outside 2xx becomes an error.
//! Follows client-go 0.37 `rest/request.go` and `rest/with_retry.go`.

mod answer;
mod list;
mod negotiate;
mod overload;
mod path;
mod request;
mod retry;
mod throttle;
mod warning;
mod watch;

use std::sync::Arc;

use http::Method;
use overload::Overload;

pub use answer::{Response, refusal};
pub use list::{ListBody, ObjectList};
pub use request::Request;
pub use throttle::RateLimiter;
pub use warning::{NoWarnings, Warning, WarningHandler, WarningWriter, WarningWriterOptions};
pub(crate) use watch::read_event;
pub use watch::{Bookmark, Watch, WatchBody, WatchEvent};

use crate::config::{Config, ContentType, RateLimit};
use crate::meta::GroupVersion;
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
    group_version: Option<GroupVersion>,
    limiter: Option<Arc<RateLimiter>>,
    overload: Option<Arc<Overload>>,
    warnings: Arc<dyn WarningHandler>,
    max_retries: u32,
}

impl RestClient {
    /// A client that sends what `config` says over `transport`, of no group and version. client-go's
    /// `rest.UnversionedRESTClientFor`.
    pub fn new(transport: Arc<dyn Transport>, config: Config, runtime: Runtime) -> Self {
        let limiter = config.rate_limit.map(|limit| Arc::new(RateLimiter::new(limit)));
        let overload = config.backoff.map(|backoff| Arc::new(Overload::new(backoff, runtime.seed)));
        let warnings: Arc<dyn WarningHandler> = Arc::new(NoWarnings);
        let config = Arc::new(config);
        Self {
            transport,
            config,
            runtime,
            group_version: None,
            limiter,
            overload,
            warnings,
            max_retries: retry::MAX_RETRIES,
            negotiation: Negotiation::default(),
        }
    }

    /// The same client with another rate limit in place of the configuration's, and a bucket of its own; `None` for no
    /// limit.
    #[must_use]
    pub fn with_rate_limit(&self, limit: Option<RateLimit>) -> Self {
        let limiter = limit.map(|limit| Arc::new(RateLimiter::new(limit)));
        Self { limiter, ..self.configured(|config| config.rate_limit = limit) }
    }

    /// The same client with another content type in place of the configuration's.
    #[must_use]
    pub fn with_content_type(&self, content_type: ContentType) -> Self {
        self.configured(|config| config.content_type = content_type)
    }

    /// The same client with another configuration; what it shares with its clones stays.
    pub(crate) fn configured(&self, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::clone(&self.config);
        change(&mut config);
        Self { config: Arc::new(config), ..self.clone() }
    }

    /// The same client, its warnings told to `handler`. client-go's `rest.Config.WarningHandler`.
    #[must_use]
    pub fn with_warning_handler(&self, handler: Arc<dyn WarningHandler>) -> Self {
        Self { warnings: handler, ..self.clone() }
    }

    /// The same client, whose requests are sent again at most so often unless they say otherwise themselves; see
    /// [`Request::max_retries`]. With 0 a refusal is told at once, also one that asks to wait.
    #[must_use]
    pub fn with_max_retries(&self, max_retries: u32) -> Self {
        Self { max_retries, ..self.clone() }
    }

    /// What holds requests back; `None` where nothing does. client-go's `GetRateLimiter`.
    pub fn rate_limiter(&self) -> Option<&Arc<RateLimiter>> {
        self.limiter.as_ref()
    }

    /// The same client for one group and version, where its requests begin. client-go's `rest.RESTClientFor`.
    #[must_use]
    pub fn versioned(&self, group_version: GroupVersion) -> Self {
        Self { group_version: Some(group_version), ..self.clone() }
    }

    /// The group and version it is for; `None` for the unversioned form. client-go's `APIVersion`.
    pub fn api_version(&self) -> Option<&GroupVersion> {
        self.group_version.as_ref()
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

    fn overload(&self) -> Option<&Overload> {
        self.overload.as_deref()
    }
}
