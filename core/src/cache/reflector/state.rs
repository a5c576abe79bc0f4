//! What a reflector is in the middle of.

use std::sync::Arc;
use std::time::Duration;

use crate::cache::indexer::Indexer;
use crate::meta::{Continue, ResourceVersion};
use crate::time::Instant;

/// A watch that ends within this time without an event is an error, and with one the second time in a row. client-go's `VeryShortWatchError`.
const VERY_SHORT: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) enum State<T> {
    /// Nothing asked yet.
    Start,
    /// A watch-list sends what there is.
    WatchList { store: Box<Indexer<T>>, version: ResourceVersion, watch: Watching },
    /// Pages arrive.
    List(Listing<T>),
    /// The store is complete and changes arrive.
    Watch(Watching),
    /// Waiting before `next`. The server `asked` to be left alone that long.
    Backoff { until: Instant, asked: Instant, next: Next<T> },
}

#[derive(Debug)]
pub(super) struct Watching {
    pub(super) started: Instant,
    pub(super) opened: bool,
    pub(super) events: u64,
    /// Past the initial events, which are in no order of versions.
    pub(super) besides_added: bool,
}

#[derive(Debug)]
pub(super) struct Listing<T> {
    pub(super) objects: Vec<Arc<T>>,
    /// What was asked for at first.
    pub(super) requested: ResourceVersion,
    pub(super) continue_token: Continue,
    pub(super) page_size: Option<u32>,
    /// No pages this time.
    pub(super) in_one: bool,
    pub(super) paginated: bool,
    /// Already asking for the newest state, since the requested version was not to be had.
    pub(super) newest: bool,
}

/// What comes after a backoff.
#[derive(Debug)]
pub(super) enum Next<T> {
    /// Everything from the start: client-go's next `ListAndWatch`.
    Round,
    /// The watch-list, in the same round.
    WatchList,
    /// The watch, in the same round.
    Watch,
    /// The same page of the list, in the same round.
    Page(Listing<T>),
}

impl Watching {
    pub(super) fn new(now: Instant) -> Self {
        Self { started: now, opened: false, events: 0, besides_added: false }
    }

    pub(super) fn was_very_short(&self, now: Instant) -> bool {
        self.events == 0 && self.was_short(now)
    }

    /// Whether it lasted less than a second, whatever it brought.
    pub(super) fn was_short(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.started) < VERY_SHORT
    }
}
