//! What a reflector is told at its start.

use std::time::Duration;

use crate::config::ContentType;
use crate::meta::{FieldSelector, LabelSelector};
use crate::policy::Backoff;

/// How a reflector lists and watches. client-go's `ReflectorOptions` and the fields of its `Reflector`.
#[derive(Clone, Debug)]
pub struct ReflectorOptions {
    /// Only objects with such labels.
    pub label_selector: LabelSelector,
    /// Only objects with such fields.
    pub field_selector: FieldSelector,
    /// How objects are asked for. Default `None`: as the client is configured, but protobuf in place of JSON for built-in
    /// kinds over HTTP, with the feature `protobuf` and unless the informer holds `Unstructured`: a third less to send and a fraction of the
    /// work. Members that newer servers have are then not seen: who writes objects back whole from the store asks for JSON.
    pub content_type: Option<ContentType>,
    /// Try a watch-list first in every round. Default true. client-go's gate `WatchListClient`.
    pub watch_list: bool,
    /// The objects of one page. Default: 500 where that costs the server's cache nothing, else no pages.
    /// client-go's `WatchListPageSize`.
    pub page_size: Option<u32>,
    /// How often every object is announced again. Default zero: never. client-go's `ResyncPeriod`.
    pub resync_period: Duration,
    /// Each watch ends by itself after a random time between this and twice this. Default, and least, 5 minutes.
    pub min_watch_timeout: Duration,
    /// So long without a byte, and the exchange is taken for dead. Default 75 seconds, since an API server sends each watch
    /// a bookmark every 60 to 62; where it sends none, a quiet watch is asked again so often. `None` trusts the connection.
    pub idle_timeout: Option<Duration>,
    /// How long internal errors (500) of a watch are met with another watch before listing again. Default zero: never.
    /// client-go's `MaxInternalErrorRetryDuration`.
    pub internal_error_retry: Duration,
    /// Compare each watch-list with a list at its version, and say so where they differ. Default false, for it doubles
    /// the load. client-go's `KUBE_WATCHLIST_INCONSISTENCY_DETECTOR`.
    pub check_consistency: bool,
    /// Take objects without checking each as a whole, for a server that one trusts to write them: saves a third of the work
    /// of a sync. Default false, for client-go refuses a malformed list. An object is then known to have balanced
    /// brackets, closed strings and readable metadata. What else is wrong in it is found missing by reads of a `Lazy` and
    /// refused when it is decoded; informers of decoded objects meet it as they always do.
    pub trusting: bool,
    /// How long to wait after a failure. Default [`Backoff::REFLECTOR`].
    pub backoff: Backoff,
    /// The seed of the jitter and the watch timeouts.
    pub seed: u64,
}

impl ReflectorOptions {
    /// The objects of one page, where pages are asked for. client-go's pager's `defaultPageSize`.
    pub(super) const DEFAULT_PAGE_SIZE: u32 = 500;

    /// The least watch timeout that does not burden the server.
    const MIN_WATCH_TIMEOUT: Duration = Duration::from_secs(300);

    pub(super) fn least_watch_timeout(&self) -> Duration {
        self.min_watch_timeout.max(Self::MIN_WATCH_TIMEOUT)
    }
}

impl Default for ReflectorOptions {
    fn default() -> Self {
        Self {
            label_selector: LabelSelector::default(),
            field_selector: FieldSelector::default(),
            content_type: None,
            watch_list: true,
            page_size: None,
            resync_period: Duration::ZERO,
            min_watch_timeout: Self::MIN_WATCH_TIMEOUT,
            idle_timeout: Some(Duration::from_secs(75)),
            internal_error_retry: Duration::ZERO,
            check_consistency: false,
            trusting: false,
            backoff: Backoff::REFLECTOR,
            seed: 0,
        }
    }
}
