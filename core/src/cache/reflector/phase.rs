//! How a reflector stands, for a connection badge and a wire panel.

use crate::time::Instant;

/// How things stand between the store and the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Nothing has come yet.
    Connecting,
    /// The first objects are coming.
    Syncing {
        /// How many have come so far.
        objects: usize,
    },
    /// The store is complete and a watch keeps it current.
    Live,
    /// The store is complete as of some time ago; the server is being asked.
    Stale,
    /// Waiting after a failure; the reflector's last error says which.
    Retrying {
        /// Until then.
        until: Instant,
        /// Whether there is a complete, by now stale, store.
        stale: bool,
    },
}

/// What has happened since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Lists begun.
    pub lists: u64,
    /// Pages asked for.
    pub pages: u64,
    /// Watch-lists begun.
    pub watch_lists: u64,
    /// Complete lists or watch-lists after the first.
    pub relists: u64,
    /// Watches begun, those a watch-list turned into apart.
    pub watches: u64,
    /// Events that carried an object.
    pub events: u64,
    /// Bookmarks.
    pub bookmarks: u64,
    /// Events left out for their unexpected type.
    pub skipped: u64,
    /// Errors of any kind.
    pub errors: u64,
    /// Exchanges taken for dead because nothing came.
    pub idle: u64,
    /// Resyncs.
    pub resyncs: u64,
}
