//! Situations of client-go's `reflector_test.go` and `reflector_watchlist_test.go`, step by step.

mod list;
mod watch;
mod watch_list;

use std::time::Duration;

use k8s_openapi::api::core::v1::ConfigMap;

use super::*;
use crate::cache::sample::{object, text};
use crate::meta::ResourceVersionMatch;
use crate::policy::Backoff;
use crate::status::{CAUSE_RESOURCE_VERSION_TOO_LARGE, StatusCause, StatusDetails, failure, reason};

/// The machine with a clock, and what it said.
struct Drive {
    reflector: Reflector<ConfigMap>,
    now: Instant,
}

const SECOND: Duration = Duration::from_secs(1);

impl Drive {
    fn new(options: ReflectorOptions) -> Self {
        let backoff = Backoff { jitter: 0.0, ..Backoff::REFLECTOR };
        let reflector = Reflector::new(ReflectorOptions { backoff, ..options });
        Self { reflector, now: Instant::from_origin(SECOND) }
    }

    fn watch_list() -> Self {
        Self::new(ReflectorOptions::default())
    }

    fn list_and_watch() -> Self {
        Self::new(ReflectorOptions { watch_list: false, ..ReflectorOptions::default() })
    }

    /// Synced by an empty list at version 10 and with an open watch.
    fn watching() -> Self {
        let mut drive = Self::list_and_watch();
        assert_eq!(drive.action(), "list rv=0 limit=500");
        drive.page("10", "");
        assert_eq!(drive.changes(), "[replaced@10]");
        assert_eq!(drive.action(), "watch rv=10");
        drive.open();
        drive
    }

    /// The new action in short, "-" for none.
    fn action(&mut self) -> String {
        match self.reflector.poll_action(self.now) {
            None => "-".to_owned(),
            Some(Action::Close) => "close".to_owned(),
            Some(Action::List(options)) => {
                assert!(options.resource_version_match.is_none());
                let mut text = format!("list rv={}", options.resource_version);
                if let Some(limit) = options.limit {
                    text += &format!(" limit={limit}");
                }
                if !options.continue_token.is_end() {
                    text += &format!(" continue={}", options.continue_token.as_str());
                }
                text
            }
            Some(Action::Watch(options)) => {
                assert!(options.allow_bookmarks);
                let timeout = options.timeout.unwrap();
                assert!((300..600).contains(&timeout.as_secs()), "{timeout:?}");
                let initial = options.send_initial_events == Some(true);
                let not_older = options.resource_version_match == Some(ResourceVersionMatch::NotOlderThan);
                assert_eq!(initial, not_older, "the server wants both or neither");
                format!("{} rv={}", if initial { "watch-list" } else { "watch" }, options.resource_version)
            }
        }
    }

    /// Everything that came out for the queue, in short.
    fn changes(&mut self) -> String {
        let changes = std::iter::from_fn(|| self.reflector.poll_change()).map(|change| match change {
            Change::Added(object) => format!("+{}", text(&object)),
            Change::Updated(object) => format!("~{}", text(&object)),
            Change::Deleted(object) => format!("-{}", text(&object)),
            Change::Replaced { objects, resource_version } => {
                let mut texts: Vec<String> = objects.iter().map(|object| text(object)).collect();
                texts.push(format!("replaced@{resource_version}"));
                texts.join(" ")
            }
            Change::Bookmark(version) => format!("bookmark@{version}"),
            Change::Resync => "resync".to_owned(),
        });
        format!("[{}]", changes.collect::<Vec<_>>().join(", "))
    }

    fn open(&mut self) {
        self.reflector.handle_watch_open(self.now);
    }

    fn event(&mut self, event: WatchEvent<Arc<ConfigMap>>) {
        self.reflector.handle_watch_event(self.now, event);
    }

    fn added(&mut self, key: &str, version: u64) {
        self.event(WatchEvent::Added(object(key, "u", version)));
    }

    fn modified(&mut self, key: &str, version: u64) {
        self.event(WatchEvent::Modified(object(key, "u", version)));
    }

    fn deleted(&mut self, key: &str, version: u64) {
        self.event(WatchEvent::Deleted(object(key, "u", version)));
    }

    fn bookmark(&mut self, version: &str, initial_events_end: bool) {
        self.event(WatchEvent::Bookmark(Bookmark { resource_version: version.into(), initial_events_end }));
    }

    fn item(&mut self, key: &str, version: u64) {
        self.reflector.handle_list_item(self.now, object(key, "u", version));
    }

    fn page(&mut self, version: &str, continue_token: &str) {
        self.reflector.handle_list_page(self.now, version.into(), continue_token.into());
    }

    fn list_error(&mut self, error: &Error) {
        self.reflector.handle_list_error(self.now, error);
    }

    fn watch_error(&mut self, error: &Error) {
        self.reflector.handle_watch_error(self.now, error);
    }

    fn end(&mut self) {
        self.reflector.handle_watch_end(self.now);
    }

    fn pass(&mut self, duration: Duration) {
        self.now = self.now + duration;
    }

    /// Jumps to the next timer, lets it fire, and says its name and how long that took.
    fn jump(&mut self) -> (Duration, &'static str) {
        let (at, name) = self.reflector.poll_timeout().unwrap();
        let waited = at - self.now;
        self.now = at;
        self.reflector.handle_timeout(at);
        (waited, name)
    }

    fn last(&self) -> String {
        self.reflector.last_sync_resource_version().to_string()
    }
}

fn api(code: u16, why: &str) -> Error {
    Error::api(failure(code, why, "as the test wants it"))
}

fn expired() -> Error {
    api(410, reason::EXPIRED)
}

fn busy(retry_after: Option<i32>) -> Error {
    let mut status = failure(429, reason::TOO_MANY_REQUESTS, "busy");
    status.details = Some(StatusDetails { retry_after_seconds: retry_after, ..StatusDetails::default() });
    Error::api(status)
}

fn unavailable(retry_after: i32) -> Error {
    let mut status = failure(503, reason::SERVICE_UNAVAILABLE, "starting");
    status.details =
        Some(StatusDetails { retry_after_seconds: Some(retry_after), ..StatusDetails::default() });
    Error::api(status)
}

fn too_large() -> Error {
    let mut status = failure(504, reason::TIMEOUT, "Too large resource version: 20, current: 10");
    let cause =
        StatusCause { reason: Some(CAUSE_RESOURCE_VERSION_TOO_LARGE.to_owned()), ..StatusCause::default() };
    status.details = Some(StatusDetails { causes: Some(vec![cause]), ..StatusDetails::default() });
    Error::api(status)
}

fn refused() -> Error {
    Error::transport(TransportErrorKind::Connect, "connection refused")
}

fn broken() -> Error {
    Error::transport(TransportErrorKind::Interrupted, "connection reset")
}

const MILLIS_800: (Duration, &str) = (Duration::from_millis(800), "reflector backoff");
const MILLIS_1600: (Duration, &str) = (Duration::from_millis(1_600), "reflector backoff");

#[test]
fn a_resync_is_due_each_period_after_a_sync() {
    let options =
        ReflectorOptions { watch_list: false, resync_period: SECOND * 30, ..ReflectorOptions::default() };
    let mut drive = Drive::new(options);
    drive.action();
    drive.page("10", "");
    assert_eq!(drive.changes(), "[replaced@10]");
    drive.action();
    drive.open();
    assert_eq!(drive.jump(), (SECOND * 30, "reflector resync"));
    assert_eq!(drive.jump(), (SECOND * 30, "reflector resync"));
    assert_eq!(drive.changes(), "[resync, resync]");
    assert_eq!(drive.action(), "-", "a resync asks nothing of the server");
    drive.watch_error(&refused());
    assert_eq!(drive.jump(), MILLIS_800, "a watch asked again keeps the period");
    assert_eq!(drive.jump(), (SECOND * 30 - Duration::from_millis(800), "reflector resync"));
    drive.watch_error(&expired());
    drive.jump();
    assert_eq!(drive.reflector.poll_timeout().unwrap().1, "reflector exchange idle", "a list starts it over");
    drive.page("11", "");
    assert_eq!(drive.jump(), (SECOND * 30, "reflector resync"));
}

#[test]
fn watch_timeouts_are_at_least_five_minutes_and_at_most_twice_the_least() {
    let least = |minutes: u64| {
        let min_watch_timeout = Duration::from_secs(minutes * 60);
        let options = ReflectorOptions { min_watch_timeout, seed: minutes, ..ReflectorOptions::default() };
        let mut reflector = Reflector::<ConfigMap>::new(options);
        match reflector.poll_action(Instant::default()) {
            Some(Action::Watch(options)) => options.timeout.unwrap().as_secs() / 60,
            other => panic!("{other:?}"),
        }
    };
    assert!((5..10).contains(&least(1)));
    assert!((30..60).contains(&least(30)));
}

#[test]
fn selectors_go_into_every_request() {
    let options = || ReflectorOptions {
        label_selector: "app=web".parse().unwrap(),
        field_selector: "spec.nodeName=n".parse().unwrap(),
        ..ReflectorOptions::default()
    };
    for watch_list in [false, true] {
        let mut reflector = Reflector::<ConfigMap>::new(ReflectorOptions { watch_list, ..options() });
        let query = match reflector.poll_action(Instant::default()) {
            Some(Action::Watch(options)) => options.query(),
            Some(Action::List(options)) => options.query(),
            other => panic!("{other:?}"),
        };
        assert!(query.contains(&("labelSelector", "app=web".to_owned())), "{query:?}");
        assert!(query.contains(&("fieldSelector", "spec.nodeName=n".to_owned())), "{query:?}");
    }
}
