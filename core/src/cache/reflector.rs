//! Keeps up with one resource of the server: list, then watch, and again when that breaks.
//!
//! Follows client-go's `tools/cache/reflector.go`, `retry_with_deadline.go` and `tools/pager/pager.go` (0.37): a
//! watch-list first, falling back to a paged list and a watch for as long as one round lasts; refused connections and
//! 429 ask the watch again, everything else lists again from the last version, after a backoff of 800 ms to 30 s. Whoever
//! drives it sends each request once: what client-go's request layer asks again (`rest/with_retry.go`) is asked again here.
//!
//! Invariants: at most one exchange at a time; each [`Action`] ends the one before. Objects of one key never go back to
//! an older version: the order of one watch is the server's and is kept; a new watch begins at the last version seen,
//! which within a watch only moves forward; a list is asked to be no older than that version, and when the server does
//! not have it any more, for its newest state; late input of an exchange that has ended is ignored.
//!
//! Differs (none loses, repeats or reorders an event):
//! - client-go takes every version a watch sends as the last one, also an older bookmark's; then a new watch would
//!   repeat history. Here an older version is not taken.
//! - client-go opens a watch-list that ended before its bookmark, or that was expired twice in a row, again at once; here after the backoff.
//! - client-go waits for the server's timeout when a watch falls silent. Here a watch without event or bookmark for
//!   `idle_timeout` is asked again from the last version, and a silent watch-list falls back to a list.
//! - client-go leaves Retry-After to its request layer, ten times; here the backoff is at least that long, and seen.
//! - client-go lists the same page once more when its connection broke before an answer; here a new round begins.
//! - client-go goes on with the backoff an outage has grown when the server, back again, answers 410; here the server's
//!   first 410 after some progress starts it over, as does a wake, which ends it where no Retry-After stands against that.
//! - client-go opens the next watch at once, however short they are, as long as each brings an event or a bookmark; here
//!   of two in a row that last less than a second the second is followed by the backoff.
//! - an object that its type cannot hold, since it nests too deep, is left out and told; client-go gives up the whole list.
//! - an object of a relist that has uid and version of the one held is not read anew: client-go takes the new copy.
//! - client-go's typed informers compare Go types, its dynamic ones nothing unless told; here apiVersion and kind count.
//! - [`Reflector::resume`] begins with what an earlier run held; client-go holds nothing between runs.
//! - client-go's warning that the initial events' end is late is [`Phase::Syncing`] here.

mod begin;
mod failure;
mod notice;
mod options;
mod phase;
mod requests;
mod state;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

pub use notice::{Asked, Notice};
pub use options::ReflectorOptions;
pub use phase::{Counters, Phase};

use self::failure::{asks_the_same_again, asks_to_wait, is_break};
use self::notice::Notices;
use self::state::{Next, State, Watching};
use super::event::Change;
use super::indexer::Indexer;
use crate::codec::EventKind;
use crate::error::{Error, ErrorKind, TransportErrorKind};
use crate::meta::{Continue, ListOptions, Object, ResourceVersion, WatchOptions};
use crate::policy::{BackoffManager, Random};
use crate::rest::{Bookmark, WatchEvent};
use crate::time::Instant;

/// So long a list may be silent about a wake before it is asked for again.
const WAKE_PATIENCE: Duration = Duration::from_secs(5);

/// What is said of a watch that was opened for nothing.
const VERY_SHORT_WATCH: &str = "the watch ended within a second and without an event: look for a proxy that does not let streams through";

/// What is said when one watch after the other is cut.
const SHORT_WATCHES: &str = "the watches end within a second, one after the other: look for a proxy that does not let streams through";

/// What the driver is to do. It first drops the exchange under way, if there is one.
#[derive(Clone, Debug)]
pub enum Action {
    /// Ask for one page; hand in its items, then its head, or the error.
    List(ListOptions),
    /// Open a watch; hand in that it is open, its events, and how it ended.
    Watch(WatchOptions),
    /// Nothing but drop the exchange under way.
    Close,
}

/// The machine. client-go's `Reflector`.
#[derive(Debug)]
pub struct Reflector<T> {
    options: ReflectorOptions,
    state: State<T>,
    action: Option<Action>,
    changes: VecDeque<Change<T>>,
    notices: Notices,
    backoff: BackoffManager,
    /// The last watch lasted less than a second.
    short_watch: bool,
    /// An expired version has started the backoff over, and nothing has come of it yet.
    restarted: bool,
    random: Random,
    /// The version up to which the server was read, "" before the first list. A buffer: it changes with every event.
    last_version: String,
    /// The server said that it has no `last_version` (any more, or yet).
    version_unavailable: bool,
    /// The first list, which any version would have satisfied, came in pages: the server has no watch cache.
    paginated: bool,
    synced: bool,
    /// Nothing speaks against what is held being current.
    fresh: bool,
    paused: bool,
    last_activity: Instant,
    /// A wake has called into question whether the list or watch-list under way still comes.
    woken: Option<Instant>,
    /// When the list or watch-list under way was first asked for.
    sync_began: Instant,
    syncing: bool,
    next_resync: Option<Instant>,
    internal_errors: Option<(Instant, Instant)>,
    last_error: Option<(ErrorKind, String)>,
    counters: Counters,
}

impl<T: Object> Reflector<T> {
    /// A machine that has not asked anything yet; [`poll_action`](Self::poll_action) starts it.
    pub fn new(options: ReflectorOptions) -> Self {
        let mut random = Random::new(options.seed);
        Self {
            state: State::Start,
            action: None,
            changes: VecDeque::new(),
            notices: Notices::default(),
            backoff: BackoffManager::new(options.backoff, random.next_u64()),
            short_watch: false,
            restarted: false,
            random,
            last_version: String::new(),
            version_unavailable: false,
            paginated: false,
            synced: false,
            fresh: false,
            paused: false,
            last_activity: Instant::default(),
            woken: None,
            sync_began: Instant::default(),
            syncing: false,
            next_resync: None,
            internal_errors: None,
            last_error: None,
            counters: Counters::default(),
            options,
        }
    }

    /// What to do now, if there is something new to do. Ask after every input.
    pub fn poll_action(&mut self, now: Instant) -> Option<Action> {
        if matches!(self.state, State::Start) {
            self.begin(now);
        }
        self.action.take()
    }

    /// The next change for the queue.
    pub fn poll_change(&mut self) -> Option<Change<T>> {
        self.changes.pop_front()
    }

    /// The next thing it did or met. Ask after every input: of those nobody asks for only the newest are kept.
    pub fn poll_notice(&mut self) -> Option<Notice> {
        self.notices.next()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout), and what for.
    pub fn poll_timeout(&self) -> Option<(Instant, &'static str)> {
        let state = match self.state {
            State::Start => None,
            State::Backoff { until, .. } => Some((until, "reflector backoff")),
            State::WatchList { .. } | State::List(_) | State::Watch(_) => {
                self.idle_at().map(|at| (at, "reflector exchange idle"))
            }
        };
        let resync = self.next_resync.map(|at| (at, "reflector resync"));
        [state, resync].into_iter().flatten().min_by_key(|&(at, _)| at)
    }

    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.next_resync.is_some_and(|at| at <= now) {
            self.changes.push_back(Change::Resync);
            self.notices.say(Notice::Resync);
            self.counters.resyncs += 1;
            self.next_resync = Some(now + self.options.resync_period);
        }
        match self.state {
            State::Backoff { until, .. } if until <= now => self.go_on(now),
            _ if self.idle_at().is_some_and(|at| at <= now) => self.handle_idle(now),
            _ => {}
        }
    }

    /// The page or process may have slept, or the network changed: asks again at once, without waiting for a timeout,
    /// whether what is held is current. Connections may be dead without knowing, and clocks may have stood still. A list
    /// that came on a moment ago is left to show within another moment that it still does.
    pub fn handle_wake(&mut self, now: Instant) {
        self.fresh = false;
        // What failed before says little about now: should it fail again, the waits begin small.
        self.backoff.reset();
        let came_on = now.saturating_duration_since(self.last_activity) < WAKE_PATIENCE;
        match &mut self.state {
            State::Start => {}
            State::Watch(_) => self.start_watch(now),
            State::WatchList { .. } | State::List(_) if came_on => self.woken = Some(now),
            State::WatchList { .. } => self.start_watch_list(now),
            State::List(_) => self.start_list(now),
            State::Backoff { until, asked, .. } if *asked > now => *until = *asked,
            State::Backoff { .. } => self.go_on(now),
        }
    }

    /// The exchange under way is not read for a while, or it is read again: while paused it cannot be idle.
    pub fn set_paused(&mut self, now: Instant, paused: bool) {
        self.paused = paused;
        self.last_activity = now;
    }

    /// Bytes came, though no whole item or event yet.
    pub fn handle_activity(&mut self, now: Instant) {
        self.last_activity = now;
    }

    /// One item of the page asked for.
    pub fn handle_list_item(&mut self, now: Instant, object: Arc<T>) {
        if let State::List(listing) = &mut self.state {
            listing.objects.push(object);
            self.last_activity = now;
        }
    }

    /// The page asked for is complete: the version of the list, and where it goes on.
    pub fn handle_list_page(&mut self, now: Instant, version: ResourceVersion, continue_token: Continue) {
        self.last_activity = now;
        let State::List(listing) = &mut self.state else { return };
        if continue_token.is_end() {
            let objects = std::mem::take(&mut listing.objects);
            self.paginated |= listing.paginated && listing.requested.as_str() == "0";
            self.finish_sync(now, Asked::List, objects, version);
            self.start_watch(now);
            return;
        }
        listing.paginated = true;
        listing.continue_token = continue_token;
        self.ask_page(now);
    }

    /// The page asked for could not be had.
    pub fn handle_list_error(&mut self, now: Instant, error: &Error) {
        let State::List(listing) = &mut self.state else { return };
        let expired = error.is_expired();
        if expired && !listing.continue_token.is_end() {
            // Between two pages the server forgot the version of the first: take it all in one.
            listing.continue_token = Continue::default();
            listing.in_one = true;
            listing.objects.clear();
            self.note_error(error);
            self.ask_page(now);
        } else if (expired || error.is_too_large_resource_version()) && !listing.newest {
            listing.newest = true;
            listing.requested = ResourceVersion::default();
            listing.continue_token = Continue::default();
            listing.in_one = false;
            listing.objects.clear();
            self.version_unavailable = true;
            self.note_error(error);
            self.ask_page(now);
        } else if asks_to_wait(error) {
            let State::List(listing) = std::mem::replace(&mut self.state, State::Start) else { return };
            self.fail(now, error, Next::Page(listing));
        } else {
            self.fail(now, error, Next::Round);
        }
    }

    /// The watch asked for is open: its head has arrived.
    pub fn handle_watch_open(&mut self, now: Instant) {
        self.last_activity = now;
        let was_open = match &mut self.state {
            State::Watch(watch) => {
                self.fresh = true;
                std::mem::replace(&mut watch.opened, true)
            }
            State::WatchList { watch, .. } => std::mem::replace(&mut watch.opened, true),
            State::Start | State::List(_) | State::Backoff { .. } => true,
        };
        if !was_open {
            self.notices.say(Notice::Opened);
        }
    }

    /// One event of the watch.
    pub fn handle_watch_event(&mut self, now: Instant, event: WatchEvent<Arc<T>>) {
        self.handle_watch_open(now);
        match &self.state {
            State::WatchList { .. } => self.handle_initial_event(now, event),
            State::Watch(_) => self.handle_live_event(event),
            State::Start | State::List(_) | State::Backoff { .. } => {}
        }
    }

    /// An event of the watch was left out, since its object is not of the apiVersion and kind expected. client-go skips
    /// such events as well, and reports them.
    pub fn handle_unexpected_event(&mut self, now: Instant, error: &Error) {
        self.handle_watch_open(now);
        self.counters.skipped += 1;
        self.note_error(error);
    }

    /// An item of the page cannot be held and is left out; what is held of it already stays in the list. client-go fails the
    /// whole list.
    pub fn handle_unreadable_item(&mut self, now: Instant, held: Option<Arc<T>>, error: &Error) {
        self.counters.skipped += 1;
        self.note_error(error);
        if let Some(held) = held {
            self.handle_list_item(now, held);
        }
    }

    /// An event whose object cannot be held is left out; what is held of it already stays until the object is deleted.
    /// client-go ends the watch.
    pub fn handle_unreadable_event(
        &mut self,
        now: Instant,
        kind: EventKind,
        held: Option<Arc<T>>,
        error: &Error,
    ) {
        self.handle_unexpected_event(now, error);
        match (kind, held) {
            (EventKind::Deleted, Some(held)) => self.handle_watch_event(now, WatchEvent::Deleted(held)),
            (_, Some(held)) if self.repeats() => self.handle_watch_event(now, WatchEvent::Added(held)),
            _ => {}
        }
    }

    /// The watch ended without an error: the server's timeout, or a closed connection.
    pub fn handle_watch_end(&mut self, now: Instant) {
        self.end_watch(now, None);
    }

    /// The watch could not be opened, or it ended with an error.
    pub fn handle_watch_error(&mut self, now: Instant, error: &Error) {
        let opened =
            matches!(&self.state, State::WatchList { watch, .. } | State::Watch(watch) if watch.opened);
        let again = asks_the_same_again(error) || !opened && (asks_to_wait(error) || is_break(error));
        let retries = !again && self.retries_internal_error(now, error);
        match &self.state {
            State::WatchList { .. } | State::Watch(_) if opened && is_break(error) => {
                self.end_watch(now, Some(error));
            }
            State::WatchList { .. } if again => self.fail(now, error, Next::WatchList),
            State::WatchList { .. } if error.is_expired() || error.is_too_large_resource_version() => {
                if std::mem::replace(&mut self.version_unavailable, true) {
                    self.fail(now, error, Next::WatchList);
                } else {
                    self.note_error(error);
                    self.start_watch_list(now);
                }
            }
            State::WatchList { .. } => {
                self.note_error(error);
                self.start_list(now);
            }
            State::Watch(_) if again => self.fail(now, error, Next::Watch),
            State::Watch(_) if retries => {
                self.note_error(error);
                self.start_watch(now);
            }
            State::Watch(_) => {
                if error.is_expired() && !std::mem::replace(&mut self.restarted, true) {
                    self.backoff.reset();
                }
                self.fail(now, error, Next::Round);
            }
            State::Start | State::List(_) | State::Backoff { .. } => {}
        }
    }

    /// Whether arriving objects are to be taken unchecked: see [`ReflectorOptions::trusting`].
    pub fn is_trusting(&self) -> bool {
        self.options.trusting
    }

    /// Whether what arrives now may be what the store holds already: a list, or the initial events of a watch-list, after
    /// the first. Then hand in the object that is held, and spare reading it.
    pub fn repeats(&self) -> bool {
        self.synced && matches!(self.state, State::List(_) | State::WatchList { .. })
    }

    /// How things stand, for people to see.
    pub fn phase(&self) -> Phase {
        match &self.state {
            State::Backoff { until, .. } => Phase::Retrying { until: *until, stale: self.synced },
            State::Watch(_) if self.fresh => Phase::Live,
            _ if self.synced => Phase::Stale,
            State::List(listing) if !listing.objects.is_empty() || listing.paginated => {
                Phase::Syncing { objects: listing.objects.len() }
            }
            State::WatchList { store, watch, .. } if watch.events > 0 => {
                Phase::Syncing { objects: store.len() }
            }
            _ => Phase::Connecting,
        }
    }

    /// Whether the first list is complete. The store may still be behind: see
    /// [`Fifo::has_synced`](super::Fifo::has_synced).
    pub fn has_synced(&self) -> bool {
        self.synced
    }

    /// The version up to which the server was read. client-go's `LastSyncResourceVersion`.
    pub fn last_sync_resource_version(&self) -> ResourceVersion {
        self.last_version.as_str().into()
    }

    /// What has happened so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The text of the last error; it stays when things go well again.
    pub fn last_error(&self) -> Option<&str> {
        self.last_error.as_ref().map(|(_, text)| text.as_str())
    }

    /// What kind of error that was.
    pub fn last_error_kind(&self) -> Option<&ErrorKind> {
        self.last_error.as_ref().map(|(kind, _)| kind)
    }

    fn handle_initial_event(&mut self, now: Instant, event: WatchEvent<Arc<T>>) {
        let State::WatchList { store, version, watch } = &mut self.state else { return };
        watch.events += 1;
        self.counters.events += 1;
        match event {
            WatchEvent::Added(object) => {
                store.insert(object);
            }
            WatchEvent::Modified(object) => {
                *version = object.meta().resource_version.into();
                store.insert(object);
            }
            WatchEvent::Deleted(object) => {
                *version = object.meta().resource_version.into();
                store.remove_object(&object);
            }
            WatchEvent::Bookmark(Bookmark { resource_version, initial_events_end }) => {
                self.counters.events -= 1;
                self.counters.bookmarks += 1;
                *version = resource_version;
                if initial_events_end {
                    let version = std::mem::take(version);
                    let store = std::mem::replace(&mut **store, Indexer::without_indexes());
                    self.finish_sync(now, Asked::WatchList, store.into_objects(), version);
                    // The same stream goes on as the watch, past its initial events.
                    let watch = Watching { opened: true, besides_added: true, ..Watching::new(now) };
                    self.state = State::Watch(watch);
                }
            }
        }
    }

    fn handle_live_event(&mut self, event: WatchEvent<Arc<T>>) {
        let State::Watch(watch) = &mut self.state else { return };
        self.restarted = false;
        watch.events += 1;
        watch.besides_added |= !matches!(event, WatchEvent::Added(_));
        let in_order = watch.besides_added;
        self.counters.events += 1;
        let change = match event {
            WatchEvent::Added(object) => Change::Added(object),
            WatchEvent::Modified(object) => Change::Updated(object),
            WatchEvent::Deleted(object) => Change::Deleted(object),
            WatchEvent::Bookmark(Bookmark { resource_version, .. }) => {
                self.counters.events -= 1;
                self.counters.bookmarks += 1;
                Change::Bookmark(resource_version)
            }
        };
        let taken = match &change {
            Change::Added(object) | Change::Updated(object) | Change::Deleted(object) => {
                !in_order || advance(&mut self.last_version, object.meta().resource_version)
            }
            Change::Bookmark(version) => advance(&mut self.last_version, version.as_str()),
            Change::Replaced { .. } | Change::Resync => true,
        };
        // An older bookmark says nothing; an older object is for the store to judge.
        if taken || !matches!(change, Change::Bookmark(_)) {
            self.changes.push_back(change);
        }
    }

    /// The watch is over, `broken` if it broke off. client-go's watches end alike in both cases.
    fn end_watch(&mut self, now: Instant, broken: Option<&Error>) {
        let interrupted = |text| Error::transport(TransportErrorKind::Interrupted, text);
        match &self.state {
            State::WatchList { watch, .. } if watch.was_very_short(now) => {
                self.note_error(broken.unwrap_or(&interrupted(VERY_SHORT_WATCH)));
                self.start_list(now);
            }
            State::WatchList { .. } => {
                let error = interrupted("the watch-list ended before it had sent all objects");
                self.fail(now, broken.unwrap_or(&error), Next::WatchList);
            }
            State::Watch(watch) if watch.was_very_short(now) => {
                self.fail(now, broken.unwrap_or(&interrupted(VERY_SHORT_WATCH)), Next::Round);
            }
            State::Watch(watch) => {
                let short = watch.was_short(now);
                if std::mem::replace(&mut self.short_watch, short) && short {
                    return self.fail(now, broken.unwrap_or(&interrupted(SHORT_WATCHES)), Next::Watch);
                }
                match broken {
                    Some(error) => {
                        self.note_error(error);
                        self.fresh = false;
                    }
                    None => self.notices.say(Notice::Ended),
                }
                self.start_watch(now);
            }
            State::Start | State::List(_) | State::Backoff { .. } => {}
        }
    }

    fn finish_sync(&mut self, now: Instant, request: Asked, objects: Vec<Arc<T>>, version: ResourceVersion) {
        self.last_version.clear();
        self.last_version.push_str(version.as_str());
        self.version_unavailable = false;
        self.counters.relists += u64::from(self.synced);
        self.synced = true;
        self.syncing = false;
        self.fresh = true;
        self.internal_errors = None;
        self.arm_resync(now);
        self.notices.say(Notice::Synced {
            request,
            objects: objects.len(),
            resource_version: version.clone(),
            took: now.saturating_duration_since(self.sync_began),
        });
        self.changes.push_back(Change::Replaced { objects, resource_version: version });
    }

    fn handle_idle(&mut self, now: Instant) {
        self.counters.idle += 1;
        self.fresh = false;
        let error = Error::timeout("nothing came from the server for too long: asking again");
        match self.state {
            State::Watch(_) => {
                self.note_error(&error);
                self.start_watch(now);
            }
            State::WatchList { .. } => {
                self.note_error(&error);
                self.start_list(now);
            }
            State::List(_) => self.fail(now, &error, Next::Round),
            State::Start | State::Backoff { .. } => {}
        }
    }

    fn idle_at(&self) -> Option<Instant> {
        let in_exchange = !matches!(self.state, State::Start | State::Backoff { .. });
        if !in_exchange || self.paused {
            return None;
        }
        let woken =
            self.woken.filter(|woken| self.last_activity <= *woken).map(|woken| woken + WAKE_PATIENCE);
        let idle = self.options.idle_timeout.map(|timeout| self.last_activity + timeout);
        woken.into_iter().chain(idle).min()
    }
}

/// Takes `version` as the last one unless it is an older one; tells whether it was taken.
fn advance(last: &mut String, version: &str) -> bool {
    if ResourceVersion::compare_text(version, last) == Some(std::cmp::Ordering::Less) {
        return false;
    }
    last.clear();
    last.push_str(version);
    true
}

#[cfg(test)]
mod tests;
