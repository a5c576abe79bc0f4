//! [`EventSeries`]: events that differ in nothing but time and note become one event with a count.
//!
//! Follows client-go's `tools/events/event_broadcaster.go` (0.37): the first is created, the second makes it a series,
//! further ones count silently and are told every half hour and at the end, six minutes after the last.
//!
//! Differs: a count is told once more when the recorder is flushed or ends, where client-go loses what it has not told;
//! at the end of a series only if it was not told. The number of events remembered is bounded; the spam filter of
//! `tools/record` (25 at once, then one in five minutes, for an object and source) keeps creations in bounds too, where
//! client-go's events.k8s.io recorder has none.

use std::time::Duration;

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::{Event, EventSeries as Series};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;

use super::correlator::CorrelatorOptions;
use super::lru::Lru;
use super::spam::SpamFilter;
use crate::time::Instant;

/// So long after its last event a series is over. client-go's `finishTime`, how often it looks too.
const FINISH: Duration = Duration::from_secs(6 * 60);

/// How often a series that goes on is told. client-go's `refreshTime`.
const REFRESH: Duration = Duration::from_secs(30 * 60);

/// The events written so far that may happen again.
#[derive(Debug)]
pub struct EventSeries {
    events: Lru<Known>,
    spam: SpamFilter,
    next_finish: Option<Instant>,
    next_refresh: Option<Instant>,
}

/// What becomes of an event.
#[derive(Clone, Debug, PartialEq)]
pub enum Observed {
    /// It is to be written: created when it is without a series, else its series is to be patched in.
    Write(Box<Event>),
    /// It raised the count of its series, which is told later.
    Counted,
    /// Its object has had too many events.
    TooMany,
}

#[derive(Debug)]
struct Known {
    event: Event,
    last: Instant,
    /// Which count of its series was last handed out to be written.
    told: i32,
}

impl Known {
    /// The event, to be written, if its series has grown since it last was.
    fn untold(&mut self) -> Option<Event> {
        let count = self.event.series.as_ref()?.count;
        (std::mem::replace(&mut self.told, count) < count).then(|| self.event.clone())
    }
}

impl EventSeries {
    /// Nothing happened yet.
    pub fn new(options: &CorrelatorOptions) -> Self {
        let CorrelatorOptions { capacity, burst, per_second, .. } = *options;
        Self {
            events: Lru::new(capacity),
            spam: SpamFilter::new(capacity, burst, per_second),
            next_finish: None,
            next_refresh: None,
        }
    }

    /// Something happened at `now`: what becomes of it.
    pub fn handle_event(&mut self, now: Instant, event: Event) -> Observed {
        self.next_finish.get_or_insert(now + FINISH);
        self.next_refresh.get_or_insert(now + REFRESH);
        let key = key(&event);
        if let Some(known) = self.events.peek_mut(&key) {
            known.last = now;
            let observed = event.event_time.clone().unwrap_or_else(|| MicroTime(Default::default()));
            let first = known.event.series.is_none();
            let count = known.event.series.as_ref().map_or(1, |series| series.count).saturating_add(1);
            known.event.series = Some(Series { count, last_observed_time: observed });
            let known = self.events.entry(&key, || Known { event, last: now, told: 0 });
            let told = if first { known.untold() } else { None };
            return told.map_or(Observed::Counted, |event| Observed::Write(Box::new(event)));
        }
        if !self.spam.admits(now, &object_key(&event)) {
            return Observed::TooMany;
        }
        self.events.entry(&key, || Known { event: event.clone(), last: now, told: 0 });
        Observed::Write(Box::new(event))
    }

    /// Tells the series that go on or are over: what is to be patched, and forgets those that are over.
    pub fn handle_timeout(&mut self, now: Instant) -> Vec<Event> {
        let mut due = Vec::new();
        if self.next_finish.is_some_and(|at| at <= now) {
            self.events.retain(|known| {
                let over = now.saturating_duration_since(known.last) > FINISH;
                if over {
                    due.extend(known.untold());
                }
                !over
            });
            self.next_finish = (self.events.len() > 0).then(|| now + FINISH);
        }
        if self.next_refresh.is_some_and(|at| at <= now) {
            self.events.retain(|known| {
                known.told = 0;
                due.extend(known.untold());
                true
            });
            self.next_refresh = (self.events.len() > 0).then(|| now + REFRESH);
        }
        due
    }

    /// Tells the series that have grown since they were told: for whoever will not wait until they are over.
    pub fn untold(&mut self) -> Vec<Event> {
        let mut due = Vec::new();
        self.events.retain(|known| {
            due.extend(known.untold());
            true
        });
        due
    }

    /// When to call [`Self::handle_timeout`] next.
    pub fn poll_timeout(&self) -> Option<(Instant, &'static str)> {
        let finish = self.next_finish.map(|at| (at, "end of event series"));
        let refresh = self.next_refresh.map(|at| (at, "refresh of event series"));
        finish.into_iter().chain(refresh).min()
    }
}

/// What makes two events the same, note and time apart. client-go's `getKey`.
fn key(event: &Event) -> String {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let parts = [
        text(&event.type_),
        text(&event.action),
        text(&event.reason),
        text(&event.reporting_controller),
        text(&event.reporting_instance),
        event.regarding.as_ref().map(reference_key).unwrap_or_default(),
        event.related.as_ref().map(reference_key).unwrap_or_default(),
    ];
    parts.join("\0")
}

fn object_key(event: &Event) -> String {
    let regarding = event.regarding.as_ref();
    let object = ObjectReference {
        resource_version: None,
        field_path: None,
        ..regarding.cloned().unwrap_or_default()
    };
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let parts = [text(&event.reporting_controller), text(&event.reporting_instance), text(&event.type_)];
    format!("{}\0{}", parts.join("\0"), reference_key(&object))
}

/// All that a reference says.
pub(super) fn reference_key(reference: &ObjectReference) -> String {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    [
        text(&reference.api_version),
        text(&reference.kind),
        text(&reference.namespace),
        text(&reference.name),
        text(&reference.uid),
        text(&reference.resource_version),
        text(&reference.field_path),
    ]
    .join("\0")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::from_origin(Duration::from_secs(seconds))
    }

    fn event(reason: &str, note: &str) -> Event {
        Event {
            reason: Some(reason.to_owned()),
            note: Some(note.to_owned()),
            event_time: Some(MicroTime(Default::default())),
            regarding: Some(ObjectReference { name: Some("p".to_owned()), ..ObjectReference::default() }),
            ..Event::default()
        }
    }

    fn series() -> EventSeries {
        EventSeries::new(&CorrelatorOptions::default())
    }

    fn write(series: &mut EventSeries, second: u64, event: Event) -> Event {
        match series.handle_event(at(second), event) {
            Observed::Write(event) => *event,
            other => panic!("{other:?}"),
        }
    }

    fn count(event: &Event) -> i32 {
        event.series.as_ref().map_or(1, |series| series.count)
    }

    /// TestEventSeriesf and TestFinishSeries.
    #[test]
    fn the_second_makes_a_series_and_the_end_tells_its_count() {
        let mut series = series();
        let first = write(&mut series, 0, event("Killing", "one"));
        assert!(first.series.is_none());
        let second = write(&mut series, 1, event("Killing", "two"));
        assert_eq!((count(&second), second.note.as_deref()), (2, Some("one")), "the note of the first stays");
        for second in 2..10 {
            assert_eq!(series.handle_event(at(second), event("Killing", "more")), Observed::Counted);
        }
        assert!(write(&mut series, 9, event("Pulling", "")).series.is_none());
        assert_eq!(series.poll_timeout(), Some((at(360), "end of event series")));
        assert!(series.handle_timeout(at(360)).is_empty());
        let told = series.handle_timeout(at(720));
        assert_eq!(told.iter().map(count).collect::<Vec<_>>(), [10]);
        let anew = write(&mut series, 721, event("Killing", ""));
        assert!(anew.series.is_none(), "the series is over, a new event begins");
    }

    #[test]
    fn a_count_that_was_told_before_the_end_is_not_told_again() {
        let mut series = series();
        for second in 0..3 {
            drop(series.handle_event(at(second), event("Killing", "")));
        }
        assert_eq!(series.untold().iter().map(count).collect::<Vec<_>>(), [3]);
        assert!(series.untold().is_empty());
        assert!(series.handle_timeout(at(720)).is_empty());
    }

    /// TestRefreshExistingEventSeries.
    #[test]
    fn a_series_that_goes_on_is_told_every_half_hour() {
        let mut series = series();
        let mut told = Vec::new();
        for second in (0..3_700).step_by(10) {
            told.extend(series.handle_timeout(at(second)).iter().map(count));
            drop(series.handle_event(at(second), event("Killing", "")));
        }
        assert_eq!(told, [180, 360]);
    }

    #[test]
    fn an_object_with_too_many_events_gets_no_more() {
        let mut series = series();
        let mut admits = |second, number: u32| {
            let event = event(&format!("Reason{number}"), "");
            series.handle_event(at(second), event) != Observed::TooMany
        };
        assert_eq!((0..40).filter(|number| admits(0, *number)).count(), 25);
        assert!(!admits(290, 100) && admits(301, 101));
    }
}
