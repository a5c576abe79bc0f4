//! What a reflector asks of the server.
//!
//! Invariant: each request is no older than the last version seen, unless the server does not have that one.

use std::time::Duration;

use super::notice::{Asked, Notice};
use super::state::{Listing, State, Watching};
use super::{Action, Reflector, ReflectorOptions};
use crate::cache::indexer::Indexer;
use crate::meta::{Continue, ListOptions, Object, ResourceVersion, ResourceVersionMatch, WatchOptions};
use crate::time::Instant;

impl<T: Object> Reflector<T> {
    pub(super) fn start_watch_list(&mut self, now: Instant) {
        let store = Box::new(Indexer::without_indexes());
        let version = if self.version_unavailable { "" } else { self.last_version.as_str() };
        let options = WatchOptions {
            resource_version_match: Some(ResourceVersionMatch::NotOlderThan),
            send_initial_events: Some(true),
            ..self.watch_options(version.into())
        };
        self.state =
            State::WatchList { store, version: ResourceVersion::default(), watch: Watching::new(now) };
        self.counters.watch_lists += 1;
        self.begin_sync(now);
        self.ask(now, Asked::WatchList, Action::Watch(options));
    }

    pub(super) fn start_list(&mut self, now: Instant) {
        let requested = match (self.version_unavailable, self.last_version.as_str()) {
            (true, _) => ResourceVersion::default(),
            (false, "") => ResourceVersion::any(),
            (false, version) => version.into(),
        };
        // A limit makes the server read from etcd instead of its cache, unless any version will do.
        let newest_or_any = matches!(requested.as_str(), "" | "0");
        let page_size = self
            .options
            .page_size
            .or_else(|| (self.paginated || newest_or_any).then_some(ReflectorOptions::DEFAULT_PAGE_SIZE));
        self.state = State::List(Listing {
            objects: Vec::new(),
            newest: requested.is_unset() && self.version_unavailable,
            requested,
            continue_token: Continue::default(),
            page_size,
            in_one: false,
            paginated: false,
        });
        self.counters.lists += 1;
        self.begin_sync(now);
        self.ask_page(now);
    }

    pub(super) fn ask_page(&mut self, now: Instant) {
        let State::List(listing) = &self.state else { return };
        let first = listing.continue_token.is_end();
        let options = ListOptions {
            label_selector: self.options.label_selector.clone(),
            field_selector: self.options.field_selector.clone(),
            resource_version: if first { listing.requested.clone() } else { ResourceVersion::default() },
            limit: listing.page_size.filter(|_| !listing.in_one),
            continue_token: listing.continue_token.clone(),
            ..ListOptions::default()
        };
        self.counters.pages += 1;
        self.ask(now, Asked::List, Action::List(options));
    }

    pub(super) fn start_watch(&mut self, now: Instant) {
        let options = self.watch_options(self.last_version.as_str().into());
        let mut watch = Watching::new(now);
        // From no version, or any, the watch begins with what is there, in no order of versions.
        watch.besides_added = !matches!(self.last_version.as_str(), "" | "0");
        self.state = State::Watch(watch);
        self.counters.watches += 1;
        self.ask(now, Asked::Watch, Action::Watch(options));
    }

    fn watch_options(&mut self, resource_version: ResourceVersion) -> WatchOptions {
        let least = self.options.least_watch_timeout();
        let timeout = self.random.between(least, least * 2);
        WatchOptions {
            label_selector: self.options.label_selector.clone(),
            field_selector: self.options.field_selector.clone(),
            resource_version,
            allow_bookmarks: true,
            timeout: Some(Duration::from_secs(timeout.as_secs())),
            ..WatchOptions::default()
        }
    }

    /// A list that follows a watch-list which came to nothing goes on with the same sync.
    fn begin_sync(&mut self, now: Instant) {
        if !std::mem::replace(&mut self.syncing, true) {
            self.sync_began = now;
        }
    }

    fn ask(&mut self, now: Instant, request: Asked, action: Action) {
        let resource_version = match &action {
            Action::List(options) => options.resource_version.clone(),
            Action::Watch(options) => options.resource_version.clone(),
            Action::Close => ResourceVersion::default(),
        };
        self.notices.say(Notice::Asked { request, resource_version });
        self.last_activity = now;
        self.woken = None;
        self.action = Some(action);
    }
}
