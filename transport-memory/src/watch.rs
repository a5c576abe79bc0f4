//! One watch: what is there, if asked for, then every change, bookmarks now and then, until its time is over.
//!
//! Invariant: a watch holds no queue of its own. It reads the store's log from where it stands, so it costs nothing to
//! be slow, until the log no longer holds the next change: then the watch ends, and resuming it answers 410.
//! Dropping it unregisters it.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use portolan::portable::BoxFuture;
use portolan::time::Instant;
use serde_json::json;

use crate::cluster::Shared;
use crate::failure::Failure;
use crate::list::read_version;
use crate::list_options::ListOptions;
use crate::resources::Resource;
use crate::select::{Filter, Seen};
use crate::store::{Change, Next, State};
use crate::stored::{Stored, View};

/// A watch without a timeout of its own ends after this long, and at most twice this.
const SHORTEST_TIMEOUT: u64 = 1800;

/// The parameters of a watch, checked.
#[derive(Debug)]
pub(crate) struct WatchRequest {
    version: Option<u64>,
    send_initial_events: Option<bool>,
    bookmarks: bool,
    timeout: Option<Duration>,
}

/// A stream of events, each the text of one event with a newline.
pub(crate) struct Watch {
    shared: Arc<Shared>,
    id: u64,
    resource: Arc<Resource>,
    view: View,
    filter: Filter,
    /// Objects that were there at the beginning and are still to be sent.
    initial: VecDeque<Arc<Stored>>,
    /// To be sent after `initial`.
    initial_end: Option<u64>,
    /// To be sent alone.
    refusal: Option<Failure>,
    version: u64,
    next_bookmark: Option<Instant>,
    end: Instant,
    timer: Option<(Instant, BoxFuture<'static, ()>)>,
    over: bool,
}

impl WatchRequest {
    pub(crate) fn read(options: &ListOptions<'_>) -> Result<Self, Failure> {
        let seconds = options.timeout_seconds;
        Ok(Self {
            version: read_version(options.version).map_err(Failure::unexpected)?,
            send_initial_events: options.send_initial_events,
            bookmarks: options.bookmarks,
            // One below zero is over at once.
            timeout: (seconds != 0).then(|| Duration::from_secs(u64::try_from(seconds).unwrap_or_default())),
        })
    }

    /// The version the server must have reached before the watch begins.
    pub(crate) fn needs(&self) -> u64 {
        if self.send_initial_events == Some(true) { self.version.unwrap_or(0) } else { 0 }
    }

    /// Begins the watch. A version that is forgotten, or not reached, is told in the watch itself.
    pub(crate) fn begin(
        self,
        shared: Arc<Shared>,
        resource: Arc<Resource>,
        view: View,
        filter: Filter,
    ) -> Watch {
        let now = shared.runtime.clock.now();
        let bookmarks = shared.options.bookmark_interval;
        let (id, version, initial, refusal, timeout) = shared.with(|state| {
            let id = state.add_watcher(resource.store.clone());
            let timeout = self.timeout.unwrap_or_else(|| {
                Duration::from_secs(SHORTEST_TIMEOUT + state.chance.below(SHORTEST_TIMEOUT))
            });
            let (version, initial, refusal) = self.start(state, &resource, &filter);
            (id, version, initial, refusal, timeout)
        });
        let marks_end = self.send_initial_events == Some(true) && self.bookmarks;
        Watch {
            shared,
            id,
            resource,
            view,
            filter,
            initial,
            initial_end: marks_end.then_some(version),
            refusal,
            version,
            next_bookmark: self.bookmarks.then(|| now + bookmarks),
            end: now + timeout,
            timer: None,
            over: false,
        }
    }

    /// Where the watch begins, what it sends first, and why it cannot be.
    fn start(
        &self,
        state: &State,
        resource: &Resource,
        filter: &Filter,
    ) -> (u64, VecDeque<Arc<Stored>>, Option<Failure>) {
        let newest = state.version();
        let from = self.version.filter(|version| *version > 0);
        let with_initial = self.send_initial_events.unwrap_or(from.is_none());
        if with_initial {
            let refusal = (self.needs() > newest).then(|| Failure::too_large_version(self.needs(), newest));
            let objects = state.objects(&resource.store, &filter.prefix);
            let initial = objects.filter(|object| filter.matches(resource, object)).cloned().collect();
            return (newest, initial, refusal);
        }
        let version = from.unwrap_or(newest);
        let oldest = state.oldest(&resource.store);
        let refusal = (version < oldest)
            .then(|| Failure::expired(format!("too old resource version: {version} ({oldest})")));
        (version, VecDeque::new(), refusal)
    }
}

impl Watch {
    /// The next event that is ready, or when to look again.
    fn next_event(&mut self, context: &mut Context<'_>) -> Result<Step, Failure> {
        if let Some(refusal) = self.refusal.take() {
            self.over = true;
            return Ok(Step::Event(error_event(&refusal)));
        }
        if let Some(object) = self.initial.pop_front() {
            return self.event("ADDED", &object).map(Step::Event);
        }
        if let Some(version) = self.initial_end.take() {
            return Ok(Step::Event(self.bookmark(version, true)));
        }
        loop {
            let (id, version) = (self.id, self.version);
            match self.shared.with(|state| state.next_change(id, version, context.waker())) {
                Next::Change(change) => {
                    self.version = change.version;
                    if let Some(event) = self.change(&change)? {
                        return Ok(Step::Event(event));
                    }
                }
                Next::Idle(version) => {
                    self.version = self.version.max(version);
                    return Ok(Step::Idle);
                }
                Next::Behind | Next::Unserved => return Ok(Step::End),
            }
        }
    }

    fn change(&self, change: &Change) -> Result<Option<Bytes>, Failure> {
        let Some(seen) = self.filter.sees(&self.resource, change) else { return Ok(None) };
        let event = match (seen, &change.before) {
            (Seen::Left, Some(before)) => {
                let left = before.at_version(&self.resource, change.version)?;
                self.event("DELETED", &left)?
            }
            (Seen::Added, _) => self.event("ADDED", &change.object)?,
            (Seen::Modified, _) => self.event("MODIFIED", &change.object)?,
            (Seen::Deleted | Seen::Left, _) => self.event("DELETED", &change.object)?,
        };
        Ok(Some(event))
    }

    fn event(&self, kind: &str, object: &Stored) -> Result<Bytes, Failure> {
        let mut text = format!(r#"{{"type":"{kind}","object":"#).into_bytes();
        object.write(&self.resource, self.view, true, &mut text)?;
        text.extend_from_slice(b"}\n");
        Ok(text.into())
    }

    fn bookmark(&self, version: u64, initial_events_end: bool) -> Bytes {
        let (kind, api_version) = match self.view {
            View::Metadata => ("PartialObjectMetadata", "meta.k8s.io/v1".to_owned()),
            _ => (self.resource.kind.as_str(), self.resource.api_version()),
        };
        let mut metadata = json!({ "resourceVersion": version.to_string(), "creationTimestamp": null });
        if initial_events_end {
            metadata["annotations"] = json!({ "k8s.io/initial-events-end": "true" });
        }
        let object = json!({ "kind": kind, "apiVersion": api_version, "metadata": metadata });
        #[cfg(feature = "full")]
        let object = match self.view {
            View::Table(..) => {
                let row = json!({ "cells": [], "object": object });
                crate::table::of(&self.resource, &version.to_string(), &row)
            }
            View::Whole | View::Metadata => object,
        };
        format!("{{\"type\":\"BOOKMARK\",\"object\":{object}}}\n").into()
    }

    /// What is due while nothing changes: the end, a bookmark, or nothing yet.
    fn due(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        loop {
            let now = self.shared.runtime.clock.now();
            if now >= self.end {
                return Poll::Ready(None);
            }
            let mut wake = self.end;
            if let Some(at) = self.next_bookmark {
                if now >= at {
                    self.next_bookmark = Some(now + self.shared.options.bookmark_interval);
                    return Poll::Ready(Some(self.bookmark(self.version, false)));
                }
                wake = wake.min(at);
            }
            let timer = match &mut self.timer {
                Some((at, timer)) if *at == wake => timer,
                other => {
                    let timer = self.shared.runtime.clock.sleep_until(wake);
                    &mut other.insert((wake, timer)).1
                }
            };
            if timer.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            self.timer = None;
        }
    }
}

enum Step {
    Event(Bytes),
    Idle,
    End,
}

impl Stream for Watch {
    type Item = Bytes;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let watch = self.get_mut();
        if watch.over || watch.shared.runtime.clock.now() >= watch.end {
            watch.over = true;
            return Poll::Ready(None);
        }
        let polled = match watch.next_event(context) {
            Ok(Step::Event(event)) => Poll::Ready(Some(event)),
            Ok(Step::Idle) => watch.due(context),
            Ok(Step::End) => Poll::Ready(None),
            Err(refusal) => {
                watch.over = true;
                return Poll::Ready(Some(error_event(&refusal)));
            }
        };
        if matches!(polled, Poll::Ready(None)) {
            watch.over = true;
        }
        polled
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.shared.with(|state| state.remove_watcher(self.id));
    }
}

fn error_event(refusal: &Failure) -> Bytes {
    format!("{{\"type\":\"ERROR\",\"object\":{}}}\n", json!(refusal.status())).into()
}
