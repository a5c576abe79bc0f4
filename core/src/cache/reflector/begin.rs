//! How a reflector begins: at the start, with what an earlier run held, and after a wait.

use std::sync::Arc;
use std::time::Duration;

use super::state::{Next, State};
use super::{Reflector, ReflectorOptions};
use crate::cache::event::Change;
use crate::meta::{Object, ResourceVersion};
use crate::time::Instant;

impl<T: Object> Reflector<T> {
    /// A machine that goes on where an earlier run left off: these objects are all there were at `resource_version`. They
    /// are handed on at once, as stale, and the watch begins at that version; when the server does not have it any more,
    /// everything is listed anew. Without a version there is nothing to go on from, and it begins at the start. client-go
    /// always begins with a list.
    pub fn resume(
        options: ReflectorOptions,
        objects: Vec<Arc<T>>,
        resource_version: ResourceVersion,
    ) -> Self {
        let mut reflector = Self::new(options);
        if resource_version.is_unset() || resource_version.as_str() == "0" {
            return reflector;
        }
        reflector.last_version.push_str(resource_version.as_str());
        reflector.synced = true;
        reflector.changes.push_back(Change::Replaced { objects, resource_version });
        reflector
    }

    pub(super) fn begin(&mut self, now: Instant) {
        if self.synced {
            self.arm_resync(now);
            self.start_watch(now);
        } else {
            self.begin_round(now);
        }
    }

    pub(super) fn arm_resync(&mut self, now: Instant) {
        let period = self.options.resync_period;
        self.next_resync = (period > Duration::ZERO).then(|| now + period);
    }

    fn begin_round(&mut self, now: Instant) {
        if self.options.watch_list {
            self.start_watch_list(now);
        } else {
            self.start_list(now);
        }
    }

    /// Ends the backoff.
    pub(super) fn go_on(&mut self, now: Instant) {
        let State::Backoff { next, .. } = std::mem::replace(&mut self.state, State::Start) else { return };
        match next {
            Next::Round => self.begin_round(now),
            Next::WatchList => self.start_watch_list(now),
            Next::Watch => self.start_watch(now),
            Next::Page(listing) => {
                self.state = State::List(listing);
                self.ask_page(now);
            }
        }
    }
}
