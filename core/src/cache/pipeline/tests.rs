//! Situations of client-go's `controller_test.go` and `shared_informer_test.go`, and a small simulation: reflector and
//! pipeline against a server that drops, expires, repeats and refuses.

mod simulation;

use k8s_openapi::api::core::v1::ConfigMap;

use super::*;
use crate::cache::processor::Delivery;
use crate::cache::sample::{object, text};

fn now() -> Instant {
    Instant::default()
}

fn replaced(objects: Vec<Arc<ConfigMap>>, version: &str) -> Change<ConfigMap> {
    Change::Replaced { objects, resource_version: version.into() }
}

fn feed(pipeline: &mut Pipeline<ConfigMap>, changes: impl IntoIterator<Item = Change<ConfigMap>>) {
    for change in changes {
        pipeline.handle_change(now(), change);
    }
    pipeline.run(now());
}

fn hear(pipeline: &mut Pipeline<ConfigMap>, id: HandlerId) -> Vec<String> {
    let processor = pipeline.processor_mut();
    let events = std::iter::from_fn(|| processor.poll_event(id)).map(|event| format!("{event:?}")).collect();
    processor.handle_processed(id);
    events
}

fn held(pipeline: &Pipeline<ConfigMap>) -> Vec<String> {
    pipeline.store().iter().map(|object| text(object)).collect()
}

fn lossless() -> HandlerOptions {
    HandlerOptions { delivery: Delivery::Lossless { capacity: 100 }, resync_period: None }
}

#[test]
fn the_first_list_is_told_as_initial_and_what_follows_is_not() {
    let mut pipeline = Pipeline::new(Duration::ZERO);
    let id = pipeline.add_handler(now(), lossless());
    feed(&mut pipeline, [replaced(vec![object("a", "1", 1), object("b", "2", 2)], "3")]);
    assert!(pipeline.has_synced() && !pipeline.processor().has_synced(id));
    feed(&mut pipeline, [Change::Added(object("c", "3", 4)), Change::Updated(object("a", "1", 5))]);
    feed(&mut pipeline, [Change::Deleted(object("b", "2", 6)), Change::Bookmark("9".into())]);
    let wanted =
        ["Added(a@1, initial)", "Added(b@2, initial)", "Added(c@4)", "Updated(a@1→5)", "Deleted(b@6)"];
    assert_eq!(hear(&mut pipeline, id), wanted);
    assert!(pipeline.processor().has_synced(id));
    assert_eq!(held(&pipeline), ["a:1@5", "c:3@4"]);
    assert_eq!(pipeline.store().last_store_sync_resource_version().as_str(), "9");
}

#[test]
fn a_list_tells_deletions_first_and_what_did_not_change_not_at_all() {
    let mut pipeline = Pipeline::new(Duration::from_secs(60));
    let id = pipeline.add_handler(now(), lossless());
    feed(&mut pipeline, [replaced(vec![object("a", "1", 1), object("b", "2", 2), object("c", "3", 3)], "3")]);
    pipeline.handle_change(now(), Change::Resync);
    assert_eq!(pipeline.queued(), 0, "nobody is due");
    hear(&mut pipeline, id);
    let list = vec![object("d", "4", 8), object("a", "1", 1), object("c", "9", 7)];
    feed(&mut pipeline, [replaced(list, "8")]);
    let wanted = ["Deleted(b@2, final state unknown)", "Added(d@8)", "Updated(c@3→7)"];
    assert_eq!(hear(&mut pipeline, id), wanted);
}

#[test]
fn a_resync_tells_every_object_again() {
    let mut pipeline = Pipeline::new(Duration::from_secs(60));
    let id = pipeline.add_handler(now(), lossless());
    let never = HandlerOptions { resync_period: Some(Duration::ZERO), ..lossless() };
    let other = pipeline.add_handler(now(), never);
    feed(&mut pipeline, [replaced(vec![object("a", "1", 1), object("b", "2", 2)], "3")]);
    hear(&mut pipeline, id);
    hear(&mut pipeline, other);
    let later = now() + Duration::from_secs(60);
    pipeline.handle_change(later, Change::Resync);
    pipeline.run(later);
    assert_eq!(hear(&mut pipeline, id), ["Updated(a@1→1)", "Updated(b@2→2)"]);
    assert_eq!(hear(&mut pipeline, other), [""; 0]);
}

#[test]
fn what_would_not_pair_up_or_go_forward_is_left_out() {
    let mut pipeline = Pipeline::new(Duration::ZERO);
    let id = pipeline.add_handler(now(), lossless());
    feed(&mut pipeline, [replaced(vec![object("a", "1", 5)], "5")]);
    hear(&mut pipeline, id);
    feed(&mut pipeline, [Change::Deleted(object("never seen", "7", 6))]);
    feed(&mut pipeline, [Change::Updated(object("a", "1", 4))]);
    assert_eq!((hear(&mut pipeline, id), pipeline.outdated()), (Vec::new(), 1));
    feed(&mut pipeline, [Change::Added(object("a", "2", 3))]);
    assert_eq!(hear(&mut pipeline, id), ["Updated(a@5→3)"], "another uid is another object");
    feed(&mut pipeline, [replaced(vec![object("a", "2", 2)], "2")]);
    assert_eq!(hear(&mut pipeline, id), ["Updated(a@3→2)"], "a list is always right");
}

#[test]
fn a_full_lossless_handler_stops_the_queue_until_it_takes_something() {
    let mut pipeline = Pipeline::new(Duration::ZERO);
    let slow = HandlerOptions { delivery: Delivery::Lossless { capacity: 2 }, resync_period: None };
    let id = pipeline.add_handler(now(), slow);
    feed(&mut pipeline, (1..=5).map(|version| Change::Added(object(&version.to_string(), "u", version))));
    assert!(pipeline.paused() && pipeline.queued() == 3 && pipeline.store().len() == 2);
    assert!(pipeline.processor_mut().poll_event(id).is_some());
    assert_eq!((pipeline.run(now()), pipeline.queued()), (1, 2));
    pipeline.processor_mut().remove_handler(id);
    let later = now() + Duration::from_secs(3);
    assert_eq!((pipeline.run(later), pipeline.store().len()), (2, 5));
    let latency = pipeline.queue_latency();
    assert_eq!(
        (latency.count, latency.sum),
        (5, Duration::from_secs(6)),
        "two of five waited three seconds each"
    );
}

#[test]
fn a_handler_that_joins_in_between_gets_the_store_and_then_what_follows() {
    let mut pipeline = Pipeline::new(Duration::ZERO);
    feed(&mut pipeline, [replaced(vec![object("a", "1", 1)], "1"), Change::Added(object("b", "2", 2))]);
    pipeline.handle_change(now(), Change::Updated(object("a", "1", 3)));
    let id = pipeline.add_handler(now(), lossless());
    pipeline.run(now());
    assert_eq!(hear(&mut pipeline, id), ["Added(a@1, initial)", "Added(b@2, initial)", "Updated(a@1→3)"]);
    assert!(pipeline.processor().has_synced(id));
}
