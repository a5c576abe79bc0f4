//! How an informer stands, as a value: for a connection badge, a wire panel, a metric.

use crate::cache::{Counters, Phase};
use crate::error::ErrorKind;
use crate::meta::ResourceVersion;
use crate::time::Instant;

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
