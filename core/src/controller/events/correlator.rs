//! [`EventCorrelator`]: what becomes of an event of core/v1: counted, combined with similar ones, or left out.
//!
//! Follows client-go's `tools/record/events_cache.go` (0.37): the same event again raises its count; ten that differ only
//! by message within ten minutes of each other become one; an object and source have 25 at once and then one in five
//! minutes.
//!
//! Differs: an event that is left out leaves no trace in the counts, where client-go counts it and then patches an event
//! that was never written; what the server answered is remembered for combined events too.

use std::collections::BTreeSet;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Event, ObjectReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::lru::Lru;
use super::series::reference_key;
use super::spam::SpamFilter;
use crate::time::Instant;

/// How much is written and remembered. client-go's `record.CorrelatorOptions`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CorrelatorOptions {
    /// How many events, groups and objects are remembered. 4,096 by default.
    pub capacity: usize,
    /// How many events an object may have at once. 25 by default.
    pub burst: u32,
    /// How many more each second. One in five minutes by default.
    pub per_second: f64,
    /// From how many that differ only by their message on events are combined (core/v1). 10 by default.
    pub most_similar: usize,
    /// So long without a similar event, and they are no longer combined (core/v1). Ten minutes by default.
    pub similar_within: Duration,
}

impl Default for CorrelatorOptions {
    fn default() -> Self {
        Self {
            capacity: 4_096,
            burst: 25,
            per_second: 1.0 / 300.0,
            most_similar: 10,
            similar_within: Duration::from_secs(600),
        }
    }
}

/// An event that is to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct Correlated {
    /// The event: to be created when its count is 1, else its count, message and last time are to be patched in.
    pub event: Event,
    /// Which of those remembered it is, for [`EventCorrelator::handle_written`].
    pub key: String,
}

/// Counts, combines and filters. client-go's `record.EventCorrelator`.
#[derive(Debug)]
pub struct EventCorrelator {
    options: CorrelatorOptions,
    similar: Lru<Similar>,
    written: Lru<Written>,
    spam: SpamFilter,
}

#[derive(Debug, Default)]
struct Similar {
    messages: BTreeSet<String>,
    last: Option<Instant>,
}

#[derive(Debug, Default)]
struct Written {
    count: i32,
    first: Option<Time>,
    name: Option<String>,
}

impl EventCorrelator {
    /// Nothing happened yet.
    pub fn new(options: CorrelatorOptions) -> Self {
        let CorrelatorOptions { capacity, burst, per_second, .. } = options;
        Self {
            options,
            similar: Lru::new(capacity),
            written: Lru::new(capacity),
            spam: SpamFilter::new(capacity, burst, per_second),
        }
    }

    /// Something happened at `now`. What is to be written, or `None` when the object has had too many events.
    pub fn handle_event(&mut self, now: Instant, event: Event) -> Option<Correlated> {
        let source = source_key(&event);
        let (mut event, key) = self.combine(now, event, &source);
        if !self.spam.admits(now, &source) {
            return None;
        }
        let written = self.written.entry(&key, Written::default);
        if written.count > 0 {
            event.metadata.name.clone_from(&written.name);
            event.first_timestamp.clone_from(&written.first);
        } else {
            written.name.clone_from(&event.metadata.name);
            written.first.clone_from(&event.first_timestamp);
        }
        written.count = written.count.saturating_add(1);
        event.count = Some(written.count);
        Some(Correlated { event, key })
    }

    /// The server keeps the event under `name`, after it was created.
    pub fn handle_written(&mut self, key: &str, name: &str) {
        if let Some(written) = self.written.peek_mut(key) {
            written.name = Some(name.to_owned());
        }
    }

    /// The event itself, or one that stands for all that differ from it by their message only.
    fn combine(&mut self, now: Instant, mut event: Event, source: &str) -> (Event, String) {
        let message = event.message.clone().unwrap_or_default();
        let group = format!("{source}\0{}", event.reason.as_deref().unwrap_or_default());
        let similar = self.similar.entry(&group, Similar::default);
        let long_ago = |last: Instant| now.saturating_duration_since(last) > self.options.similar_within;
        if similar.last.is_none_or(long_ago) {
            similar.messages.clear();
        }
        similar.last = Some(now);
        similar.messages.insert(message.clone());
        if similar.messages.len() < self.options.most_similar {
            let path = event.involved_object.field_path.as_deref().unwrap_or_default();
            let key = format!("{group}\0{path}\0{message}");
            return (event, key);
        }
        // The set need not grow beyond what says that there are many.
        similar.messages.pop_first();
        event.message = Some(format!("(combined from similar events): {message}"));
        (event, group)
    }
}

/// Who tells something of which object: what has a budget of its own. client-go's `getSpamKey`.
fn source_key(event: &Event) -> String {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let object =
        ObjectReference { resource_version: None, field_path: None, ..event.involved_object.clone() };
    let source = event.source.as_ref();
    [
        source.map(|source| text(&source.component)).unwrap_or_default(),
        source.map(|source| text(&source.host)).unwrap_or_default(),
        reference_key(&object),
        text(&event.type_),
    ]
    .join("\0")
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

    fn at(seconds: u64) -> Instant {
        Instant::from_origin(Duration::from_secs(seconds))
    }

    fn event(object: &str, reason: &str, message: &str) -> Event {
        Event {
            metadata: ObjectMeta { name: Some(format!("{object}.1")), ..ObjectMeta::default() },
            involved_object: ObjectReference { name: Some(object.to_owned()), ..ObjectReference::default() },
            reason: Some(reason.to_owned()),
            message: Some(message.to_owned()),
            ..Event::default()
        }
    }

    fn correlator() -> EventCorrelator {
        EventCorrelator::new(CorrelatorOptions::default())
    }

    fn counts(correlator: &mut EventCorrelator, second: u64, event: &Event, times: usize) -> Vec<i32> {
        let handled = (0..times).filter_map(|_| correlator.handle_event(at(second), event.clone()));
        handled.filter_map(|correlated| correlated.event.count).collect()
    }

    /// TestEventCorrelator: "create-a-single-event", "the-same-event-should-just-count",
    /// "the-same-event-should-count-even-if-more-than-aggregate", "the-same-event-is-spam-if-happens-too-frequently".
    #[test]
    fn the_same_event_counts_until_it_is_too_many() {
        let mut correlator = correlator();
        let counted = counts(&mut correlator, 0, &event("pod", "Started", "x"), 40);
        assert_eq!(counted, (1..=25).collect::<Vec<_>>());
        assert_eq!(counts(&mut correlator, 301, &event("pod", "Started", "x"), 2), [26]);
        assert_eq!(counts(&mut correlator, 301, &event("other", "Started", "x"), 1), [1]);
    }

    /// "create-many-unique-events", "similar-events-should-aggregate-event",
    /// "similar-events-many-times-should-count-the-aggregate".
    #[test]
    fn events_that_differ_by_message_are_combined() {
        let mut correlator = correlator();
        let messages: Vec<_> = (0..12)
            .map(|number| {
                let event = event("pod", "Started", &number.to_string());
                let Correlated { event, .. } = correlator.handle_event(at(0), event).unwrap();
                (event.message.unwrap(), event.count.unwrap())
            })
            .collect();
        let expected = |number: usize| match number {
            0..9 => (number.to_string(), 1),
            _ => (format!("(combined from similar events): {number}"), number as i32 - 8),
        };
        assert_eq!(messages, (0..12).map(expected).collect::<Vec<_>>());
        let other = correlator.handle_event(at(0), event("pod", "Stopped", "12")).unwrap();
        assert_eq!(other.event.message.as_deref(), Some("12"), "another reason");
    }

    /// "events-from-different-containers-do-not-aggregate", "events-with-different-interval-do-not-aggregate".
    #[test]
    fn events_long_after_each_other_are_not_combined() {
        let mut correlator = correlator();
        for number in 0..20 {
            let event = event("pod", "Started", &number.to_string());
            let correlated = correlator.handle_event(at(number * 601), event).unwrap();
            assert_eq!(correlated.event.message, Some(number.to_string()));
        }
        let mut inner = event("pod", "Started", "same");
        let outer = correlator.handle_event(at(20 * 601), inner.clone()).unwrap();
        inner.involved_object.field_path = Some("spec.containers{a}".to_owned());
        let inner = correlator.handle_event(at(20 * 601), inner).unwrap();
        assert_eq!((outer.event.count, inner.event.count), (Some(1), Some(1)));
    }

    #[test]
    fn the_name_the_server_keeps_is_patched() {
        let mut correlator = correlator();
        let first = correlator.handle_event(at(0), event("pod", "Started", "x")).unwrap();
        correlator.handle_written(&first.key, "kept");
        let mut again = event("pod", "Started", "x");
        again.metadata.name = Some("pod.2".to_owned());
        let again = correlator.handle_event(at(1), again).unwrap();
        assert_eq!((again.event.metadata.name.as_deref(), again.event.count), (Some("kept"), Some(2)));
    }
}
