//! Events are taken from any thread, each is written, and whoever waits for that is told.

use std::time::Duration;

use loom::future::block_on;
use loom::thread;
use portolan::testing::Answer;

use super::recorder::{EventRecorder, Note};
use crate::stage;

#[test]
fn every_event_is_written_and_everybody_who_waits_is_told() {
    stage::check(1, || {
        let written = r#"{"apiVersion":"events.k8s.io/v1","kind":"Event","metadata":{"name":"e"}}"#;
        let client = stage::client([Answer::json(201, written), Answer::json(201, written)]);
        let recorder = EventRecorder::new(&client, "example.com/test", "here");
        let other = recorder.clone();
        let recording = thread::spawn(move || {
            other.record(Default::default(), Note::normal("One", "Do", "one"));
            block_on(other.flush(Duration::from_secs(1))).unwrap();
            assert!(other.status().written >= 1);
        });
        recorder.record(Default::default(), Note::normal("Two", "Do", "two"));
        block_on(recorder.flush(Duration::from_secs(1))).unwrap();
        recording.join().unwrap();
        assert_eq!((recorder.status().waiting, recorder.status().written), (0, 2));
        drop(recorder);
        stage::join_tasks();
    });
}
