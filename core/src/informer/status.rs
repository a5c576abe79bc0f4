//! How an informer stands, as a value: for a connection badge, a wire panel, a metric.

use crate::cache::{Counters, HandlerStatus, Phase};
use crate::error::ErrorKind;
use crate::meta::{ApiResource, ResourceVersion};
use crate::time::{Histogram, Instant};

/// An informer of a factory at one moment, whatever its objects are: for a wire panel or metrics.
#[derive(Clone, Debug)]
pub struct InformerSnapshot {
    /// The resource.
    pub resource: ApiResource,
    /// The namespace, "" for all.
    pub namespace: String,
    /// The label selector, "" for none.
    pub label_selector: String,
    /// The field selector, "" for none.
    pub field_selector: String,
    /// The name of the type its objects are held as.
    pub form: &'static str,
    /// How it stands.
    pub status: InformerStatus,
    /// How many changes wait for the store: more than none only while a handler pauses it.
    pub queued: usize,
    /// How long changes waited for it: no time, but while a handler paused it.
    pub queue_latency: Histogram,
    /// How its handlers stand.
    pub handlers: Vec<HandlerStatus>,
}

/// How an informer stands at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct InformerStatus {
    /// How the store and the server stand to each other.
    pub phase: Phase,
    /// Everything up to this version is in the store. client-go's `LastStoreSyncResourceVersion`.
    pub resource_version: ResourceVersion,
    /// How many objects the store holds.
    pub objects: usize,
    /// What has happened since the start.
    pub counters: Counters,
    /// How many bytes of lists and watches have arrived, after TLS and HTTP.
    pub bytes: u64,
    /// Whether a lossless handler that fell behind pauses it: nothing is read from the server meanwhile.
    pub paused: bool,
    /// Whether a watch is open.
    pub watching: bool,
    /// Whether the open watch goes over a WebSocket.
    pub over_socket: bool,
    /// The last thing that went wrong, even if all is well again.
    pub last_error: Option<String>,
    /// What kind of error that was: whether the server refused, and how, or nobody answered.
    pub last_error_kind: Option<ErrorKind>,
    /// When bytes last arrived.
    pub last_activity: Option<Instant>,
}

impl Default for InformerStatus {
    fn default() -> Self {
        Self {
            phase: Phase::Connecting,
            resource_version: ResourceVersion::default(),
            objects: 0,
            counters: Counters::default(),
            bytes: 0,
            paused: false,
            watching: false,
            over_socket: false,
            last_error: None,
            last_error_kind: None,
            last_activity: None,
        }
    }
}
