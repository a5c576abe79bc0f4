//! Watch-lists, and what falls back to a list.

use super::*;

#[test]
fn a_watch_list_syncs_at_its_marked_bookmark_and_goes_on_as_the_watch() {
    let mut drive = Drive::watch_list();
    assert_eq!(drive.reflector.phase(), Phase::Connecting);
    assert_eq!(drive.action(), "watch-list rv=");
    drive.added("a", 1);
    drive.added("b", 2);
    assert_eq!(drive.reflector.phase(), Phase::Syncing { objects: 2 });
    drive.bookmark("3", false);
    assert_eq!(drive.changes(), "[]", "only the annotated bookmark ends the initial events");
    assert!(!drive.reflector.has_synced());
    drive.bookmark("5", true);
    assert_eq!(drive.changes(), "[a:u@1 b:u@2 replaced@5]");
    assert_eq!((drive.last().as_str(), drive.reflector.phase()), ("5", Phase::Live));
    assert_eq!(drive.action(), "-", "the same stream goes on");
    drive.modified("a", 6);
    drive.added("c", 7);
    drive.deleted("b", 8);
    drive.bookmark("9", false);
    assert_eq!(drive.changes(), "[~a:u@6, +c:u@7, -b:u@8, bookmark@9]");
    assert_eq!(drive.last(), "9");
    drive.pass(SECOND * 400);
    drive.end();
    assert_eq!(drive.action(), "watch rv=9", "after a sync only the watch is asked again");
    assert_eq!(drive.reflector.phase(), Phase::Live);
    let counters = *drive.reflector.counters();
    assert_eq!((counters.watch_lists, counters.watches, counters.lists, counters.relists), (1, 1, 0, 0));
    assert_eq!((counters.events, counters.bookmarks, counters.errors), (5, 3, 0));
}

#[test]
fn updates_and_deletes_before_the_bookmark_are_part_of_the_initial_state() {
    let mut drive = Drive::watch_list();
    drive.action();
    for (name, version) in [("a", 1), ("b", 2), ("c", 3)] {
        drive.added(name, version);
    }
    drive.modified("a", 4);
    drive.deleted("b", 5);
    drive.bookmark("5", true);
    assert_eq!(drive.changes(), "[a:u@4 c:u@3 replaced@5]");
}

#[test]
fn an_empty_watch_list_is_an_empty_store() {
    let mut drive = Drive::watch_list();
    drive.action();
    drive.bookmark("2", true);
    assert_eq!(drive.changes(), "[replaced@2]");
    assert_eq!(drive.reflector.phase(), Phase::Live);
}

#[test]
fn whatever_refuses_a_watch_list_falls_back_to_list_and_watch_for_this_round() {
    let refusals = [
        api(422, reason::INVALID),
        api(400, reason::BAD_REQUEST),
        api(403, reason::FORBIDDEN),
        api(500, reason::INTERNAL_ERROR),
        api(503, reason::SERVICE_UNAVAILABLE),
        Error::decode("not a watch"),
        Error::unsupported("no"),
    ];
    for error in refusals {
        let mut drive = Drive::watch_list();
        assert_eq!(drive.action(), "watch-list rv=");
        drive.watch_error(&error);
        assert_eq!(drive.action(), "list rv=0 limit=500", "{error}");
        drive.item("a", 1);
        drive.page("4", "");
        assert_eq!(drive.changes(), "[a:u@1 replaced@4]");
        assert_eq!(drive.action(), "watch rv=4");
        drive.watch_error(&expired());
        assert_eq!(drive.action(), "close");
        assert_eq!(drive.jump(), MILLIS_800);
        assert_eq!(drive.action(), "watch-list rv=4", "the next round tries again");
    }
}

#[test]
fn a_refusal_sent_as_an_event_falls_back_as_well() {
    let mut drive = Drive::watch_list();
    drive.action();
    drive.added("a", 1);
    drive.watch_error(&api(500, reason::INTERNAL_ERROR));
    assert_eq!(drive.action(), "list rv=0 limit=500");
    drive.page("4", "");
    assert_eq!(drive.changes(), "[replaced@4]", "nothing is left of the stream that failed");
}

#[test]
fn a_busy_or_absent_server_is_asked_for_the_watch_list_again() {
    for error in [busy(None), refused()] {
        let mut drive = Drive::watch_list();
        assert_eq!(drive.action(), "watch-list rv=");
        drive.watch_error(&error);
        assert_eq!(drive.action(), "close");
        assert!(matches!(drive.reflector.phase(), Phase::Retrying { stale: false, .. }));
        assert_eq!(drive.jump(), MILLIS_800);
        assert_eq!(drive.action(), "watch-list rv=");
        drive.watch_error(&error);
        assert_eq!(drive.action(), "close");
        assert_eq!(drive.jump(), MILLIS_1600);
        assert_eq!(drive.action(), "watch-list rv=");
        drive.bookmark("2", true);
        assert_eq!(drive.changes(), "[replaced@2]");
    }
}

#[test]
fn a_watch_list_stopped_before_its_bookmark_starts_anew() {
    let mut drive = Drive::watch_list();
    drive.action();
    drive.added("a", 1);
    drive.end();
    assert_eq!(drive.action(), "close");
    assert_eq!(drive.jump(), MILLIS_800);
    assert_eq!(drive.action(), "watch-list rv=");
    drive.added("b", 2);
    drive.bookmark("2", true);
    assert_eq!(drive.changes(), "[b:u@2 replaced@2]");
}

#[test]
fn a_very_short_watch_list_falls_back() {
    let mut drive = Drive::watch_list();
    drive.action();
    drive.reflector.handle_watch_open(drive.now);
    drive.end();
    assert_eq!(drive.action(), "list rv=0 limit=500");
}

#[test]
fn a_version_the_server_does_not_have_asks_for_the_newest_state() {
    for error in [expired(), too_large(), api(410, reason::GONE)] {
        let mut drive = Drive::watch_list();
        drive.action();
        drive.bookmark("20", true);
        drive.pass(SECOND * 2);
        drive.watch_error(&expired());
        assert_eq!(drive.action(), "close");
        drive.jump();
        assert_eq!(drive.action(), "watch-list rv=20");
        drive.watch_error(&error);
        assert_eq!(drive.action(), "watch-list rv=", "{error}");
        drive.watch_error(&error);
        assert_eq!(drive.action(), "close", "twice in a row waits");
        drive.jump();
        assert_eq!(drive.action(), "watch-list rv=");
        drive.added("a", 3);
        drive.bookmark("10", true);
        assert_eq!(drive.changes(), "[replaced@20, a:u@3 replaced@10]");
        assert_eq!(drive.last(), "10", "the server's history went back, and so does the last version");
        drive.pass(SECOND * 2);
        drive.end();
        assert_eq!(drive.action(), "watch rv=10");
    }
}

#[test]
fn a_silent_watch_list_falls_back() {
    let mut drive = Drive::watch_list();
    drive.action();
    drive.added("a", 1);
    assert_eq!(drive.jump(), (SECOND * 75, "reflector exchange idle"));
    assert_eq!(drive.action(), "list rv=0 limit=500");
}
