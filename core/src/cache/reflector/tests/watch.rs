//! Watches: their ends, errors and silences.

use super::*;

#[test]
fn every_event_moves_the_last_version_and_a_watch_that_ends_goes_on_from_there() {
    let mut drive = Drive::watching();
    drive.added("a", 11);
    assert_eq!(drive.last(), "11");
    drive.modified("a", 12);
    assert_eq!(drive.last(), "12");
    drive.deleted("a", 13);
    assert_eq!(drive.last(), "13");
    drive.bookmark("20", false);
    assert_eq!(drive.last(), "20");
    drive.end();
    assert_eq!(drive.action(), "watch rv=20");
    assert_eq!(drive.reflector.phase(), Phase::Live, "watches end all the time");
    assert_eq!(drive.changes(), "[+a:u@11, ~a:u@12, -a:u@13, bookmark@20]");
}

#[test]
fn an_older_bookmark_does_not_make_the_next_watch_repeat_history() {
    let mut drive = Drive::watching();
    drive.added("a", 15);
    drive.modified("a", 17);
    drive.bookmark("12", false);
    drive.bookmark("17", false);
    assert_eq!(drive.last(), "17");
    assert_eq!(drive.changes(), "[+a:u@15, ~a:u@17, bookmark@17]");
    drive.end();
    assert_eq!(drive.action(), "watch rv=17");
}

#[test]
fn the_initial_events_of_a_watch_from_no_version_do_not_move_the_last_version() {
    let mut drive = Drive::list_and_watch();
    drive.action();
    drive.page("", "");
    assert_eq!(drive.action(), "watch rv=");
    drive.added("b", 9);
    drive.added("a", 3);
    assert_eq!(drive.last(), "", "these come in no order of versions");
    drive.bookmark("9", false);
    assert_eq!(drive.last(), "9");
    drive.added("c", 11);
    assert_eq!(drive.last(), "11");
}

#[test]
fn a_broken_stream_is_watched_again_from_the_last_version() {
    let mut drive = Drive::watching();
    drive.added("a", 11);
    drive.watch_error(&broken());
    assert_eq!(drive.action(), "watch rv=11");
    assert_eq!(drive.reflector.phase(), Phase::Stale);
    drive.reflector.handle_watch_open(drive.now);
    assert_eq!(drive.reflector.phase(), Phase::Live);
    assert_eq!(drive.reflector.counters().relists, 0);
}

#[test]
fn a_watch_that_was_never_answered_is_asked_again_without_a_list() {
    for error in [broken(), Error::timeout("no head"), unavailable(1)] {
        let mut drive = Drive::list_and_watch();
        drive.action();
        drive.page("10", "");
        drive.action();
        drive.watch_error(&error);
        assert_eq!(drive.action(), "close", "{error}");
        drive.jump();
        assert_eq!(drive.action(), "watch rv=10");
    }
}

#[test]
fn a_very_short_watch_lists_again_after_a_wait() {
    let mut drive = Drive::watching();
    drive.pass(Duration::from_millis(999));
    drive.end();
    assert_eq!(drive.action(), "close");
    assert!(drive.reflector.last_error().unwrap().contains("within a second"));
    assert_eq!(drive.jump(), MILLIS_800);
    assert_eq!(drive.action(), "list rv=10");
    drive.page("10", "");
    drive.action();
    drive.pass(SECOND);
    drive.end();
    assert_eq!(drive.action(), "watch rv=10", "a second is long enough");
    drive.bookmark("11", false);
    drive.end();
    assert_eq!(drive.action(), "watch rv=11", "and so is an event");
}

#[test]
fn watches_cut_short_one_after_the_other_are_asked_for_ever_more_rarely_whatever_they_bring() {
    let mut drive = Drive::watching();
    drive.bookmark("11", false);
    drive.end();
    assert_eq!(drive.action(), "watch rv=11", "once is no habit");
    for delay in [MILLIS_800, MILLIS_1600, (Duration::from_millis(3_200), "reflector backoff")] {
        drive.open();
        drive.bookmark("12", false);
        drive.end();
        assert_eq!(drive.action(), "close");
        assert!(drive.reflector.last_error().unwrap().contains("one after the other"));
        assert_eq!(drive.jump(), delay);
        assert_eq!(drive.action(), "watch rv=12", "nothing was lost: no list");
    }
    drive.pass(SECOND);
    drive.bookmark("13", false);
    drive.end();
    assert_eq!(drive.action(), "watch rv=13", "a longer one ends it");
    drive.end();
    assert_eq!(drive.action(), "close", "no event at all within a second is the error it was");
}

#[test]
fn an_expired_watch_lists_again_after_a_wait() {
    let mut drive = Drive::watching();
    drive.added("a", 11);
    drive.watch_error(&expired());
    assert_eq!(drive.action(), "close");
    assert!(matches!(drive.reflector.phase(), Phase::Retrying { stale: true, .. }));
    assert_eq!(drive.jump(), MILLIS_800);
    assert_eq!(drive.action(), "list rv=11");
    assert_eq!(drive.reflector.phase(), Phase::Stale);
    drive.page("15", "");
    assert_eq!(drive.changes(), "[+a:u@11, replaced@15]");
    assert_eq!(drive.reflector.counters().relists, 1);
    assert_eq!(drive.reflector.phase(), Phase::Live);
}

#[test]
fn after_an_outage_the_first_expired_version_starts_the_backoff_over() {
    let mut drive = Drive::watching();
    for _ in 0..6 {
        drive.watch_error(&refused());
        drive.jump();
        drive.action();
    }
    drive.watch_error(&expired());
    assert_eq!(drive.jump(), MILLIS_800);
    assert_eq!(drive.action(), "list rv=10");
    drive.page("20", "");
    drive.action();
    drive.watch_error(&expired());
    assert_eq!(drive.jump(), MILLIS_1600, "a server that answers 410 each time is asked ever more rarely");
    drive.page("20", "");
    drive.action();
    drive.added("a", 21);
    drive.watch_error(&expired());
    assert_eq!(drive.jump(), MILLIS_800, "an event is progress");
}

#[test]
fn a_wake_starts_the_backoff_over() {
    let mut drive = Drive::watching();
    for _ in 0..6 {
        drive.watch_error(&refused());
        drive.jump();
        drive.action();
    }
    drive.reflector.handle_wake(drive.now);
    drive.action();
    drive.watch_error(&refused());
    assert_eq!(drive.jump(), MILLIS_800);
}

#[test]
fn what_it_does_and_meets_is_said_in_order() {
    let mut drive = Drive::watch_list();
    drive.action();
    drive.open();
    drive.pass(SECOND);
    drive.added("a", 9);
    drive.bookmark("10", true);
    drive.pass(SECOND);
    drive.end();
    drive.watch_error(&refused());
    let said: Vec<Notice> = std::iter::from_fn(|| drive.reflector.poll_notice()).collect();
    let asked = |request, version: &str| Notice::Asked { request, resource_version: version.into() };
    let text = refused().to_string();
    let kind = refused().kind().clone();
    let wanted = [
        asked(Asked::WatchList, ""),
        Notice::Opened,
        Notice::Synced { request: Asked::WatchList, objects: 1, resource_version: "10".into(), took: SECOND },
        Notice::Ended,
        asked(Asked::Watch, "10"),
        Notice::Failed { kind, text, retry_in: Some(Duration::from_millis(800)) },
    ];
    assert_eq!(said, wanted);
}

#[test]
fn notices_nobody_asks_for_do_not_pile_up() {
    let mut drive = Drive::watching();
    for _ in 0..1_000 {
        drive.pass(SECOND);
        drive.bookmark("11", false);
        drive.end();
    }
    assert_eq!(std::iter::from_fn(|| drive.reflector.poll_notice()).count(), 64);
}

#[test]
fn a_busy_or_absent_server_is_asked_for_the_watch_again_without_a_list() {
    let mut drive = Drive::watching();
    drive.watch_error(&busy(None));
    assert_eq!(drive.action(), "close");
    assert_eq!(drive.jump(), MILLIS_800);
    assert_eq!(drive.action(), "watch rv=10");
    drive.watch_error(&refused());
    assert_eq!(drive.action(), "close");
    assert_eq!(drive.jump(), MILLIS_1600);
    assert_eq!(drive.action(), "watch rv=10");
    drive.watch_error(&busy(Some(9)));
    assert_eq!(drive.action(), "close");
    assert_eq!(drive.jump().0, SECOND * 9, "the server says when");
    assert_eq!(drive.action(), "watch rv=10");
    drive.watch_error(&busy(Some(1)));
    assert_eq!(drive.jump().0, Duration::from_millis(6_400), "the backoff is longer");
    assert_eq!(drive.reflector.counters().lists, 1);
}

#[test]
fn a_watch_refused_for_any_other_reason_lists_again() {
    for error in [api(500, reason::INTERNAL_ERROR), api(503, reason::SERVICE_UNAVAILABLE), api(401, "")] {
        let mut drive = Drive::list_and_watch();
        drive.action();
        drive.page("10", "");
        drive.action();
        drive.watch_error(&error);
        assert_eq!(drive.action(), "close");
        assert_eq!(drive.jump(), MILLIS_800);
        assert_eq!(drive.action(), "list rv=10", "{error}");
    }
}

#[test]
fn internal_errors_of_a_watch_are_retried_as_long_as_the_options_say() {
    let internal = || api(500, reason::INTERNAL_ERROR);
    let mut drive = Drive::watching();
    drive.watch_error(&internal());
    assert_eq!(drive.action(), "close", "by default not at all");

    let retry = Duration::from_secs(10);
    let options =
        ReflectorOptions { watch_list: false, internal_error_retry: retry, ..ReflectorOptions::default() };
    let mut drive = Drive::new(options);
    drive.action();
    drive.page("10", "");
    drive.action();
    for _ in 0..3 {
        drive.open();
        drive.watch_error(&internal());
        assert_eq!(drive.action(), "watch rv=10");
        drive.pass(SECOND * 3);
    }
    drive.pass(SECOND * 3);
    drive.open();
    drive.watch_error(&internal());
    assert_eq!(drive.action(), "close");
}

#[test]
fn an_event_of_another_type_is_left_out_and_counted() {
    let mut drive = Drive::watching();
    drive.reflector.handle_unexpected_event(drive.now, &Error::decode("expected a ConfigMap, got a Secret"));
    assert_eq!(drive.changes(), "[]");
    assert_eq!((drive.last().as_str(), drive.reflector.counters().skipped), ("10", 1));
    assert_eq!(drive.reflector.last_error(), Some("expected a ConfigMap, got a Secret"));
    assert_eq!(drive.action(), "-");
    drive.added("a", 12);
    assert_eq!(drive.changes(), "[+a:u@12]");
}

#[test]
fn a_silent_watch_is_taken_for_dead_and_resumed() {
    let mut drive = Drive::watching();
    drive.added("a", 11);
    drive.pass(SECOND * 74);
    drive.reflector.handle_timeout(drive.now);
    assert_eq!(drive.action(), "-");
    drive.bookmark("12", false);
    assert_eq!(drive.jump(), (SECOND * 75, "reflector exchange idle"));
    assert_eq!(drive.action(), "watch rv=12");
    assert_eq!(drive.reflector.phase(), Phase::Stale);
    assert_eq!(drive.jump().0, SECOND * 75, "an opening that hangs is noticed too");
    assert_eq!(drive.action(), "watch rv=12");
    drive.reflector.handle_watch_open(drive.now);
    assert_eq!((drive.reflector.phase(), drive.reflector.counters().idle), (Phase::Live, 2));
}

#[test]
fn nothing_is_idle_while_paused() {
    let mut drive = Drive::watching();
    drive.reflector.set_paused(drive.now, true);
    assert_eq!(drive.reflector.poll_timeout(), None);
    drive.pass(SECOND * 1_000);
    drive.reflector.handle_timeout(drive.now);
    assert_eq!(drive.action(), "-");
    drive.reflector.set_paused(drive.now, false);
    assert_eq!(drive.jump(), (SECOND * 75, "reflector exchange idle"));
}

#[test]
fn waking_asks_at_once_whatever_was_going_on() {
    let mut drive = Drive::watching();
    drive.added("a", 11);
    drive.reflector.handle_wake(drive.now);
    assert_eq!(drive.reflector.phase(), Phase::Stale);
    assert_eq!(drive.action(), "watch rv=11");
    drive.watch_error(&refused());
    assert_eq!(drive.action(), "close");
    drive.reflector.handle_wake(drive.now);
    assert_eq!(drive.action(), "watch rv=11", "no waiting");

    let mut drive = Drive::list_and_watch();
    drive.reflector.handle_wake(drive.now);
    assert_eq!(drive.action(), "list rv=0 limit=500");
    drive.item("a", 1);
    drive.page("3", "more");
    drive.action();
    drive.pass(6 * SECOND);
    drive.reflector.handle_wake(drive.now);
    assert_eq!(drive.action(), "list rv=0 limit=500");
    drive.page("4", "");
    assert_eq!(drive.changes(), "[replaced@4]");
}

#[test]
fn a_wake_leaves_alone_a_list_that_comes_on_and_asks_again_when_it_does_not() {
    for (mut drive, again) in
        [(Drive::list_and_watch(), "close"), (Drive::watch_list(), "list rv=0 limit=500")]
    {
        drive.action();
        drive.open();
        drive.pass(3 * SECOND);
        drive.added("a", 1);
        drive.item("a", 1);
        drive.reflector.handle_wake(drive.now);
        assert!(drive.reflector.poll_action(drive.now).is_none(), "what came already is not thrown away");
        drive.pass(2 * SECOND);
        drive.reflector.handle_activity(drive.now);
        let idle = drive.reflector.poll_timeout().unwrap().0 - drive.now;
        assert_eq!(idle, 75 * SECOND, "it still comes");

        drive.reflector.handle_wake(drive.now);
        assert_eq!(drive.jump().0, 5 * SECOND, "a connection may have died in a sleep");
        assert_eq!(drive.action(), again);
    }
}

#[test]
fn a_wake_waits_as_long_as_the_server_asked_to_be_left_alone() {
    let mut drive = Drive::watching();
    drive.watch_error(&busy(Some(20)));
    assert_eq!(drive.action(), "close");
    drive.pass(5 * SECOND);
    drive.reflector.handle_wake(drive.now);
    assert_eq!(drive.jump().0, 15 * SECOND);
    assert_eq!(drive.action(), "watch rv=10");
}

#[test]
fn waking_starts_the_backoff_over() {
    let mut drive = Drive::watching();
    for _ in 0..8 {
        drive.watch_error(&refused());
        drive.jump();
    }
    drive.watch_error(&refused());
    drive.reflector.handle_wake(drive.now);
    assert_eq!(drive.action(), "watch rv=10", "no waiting");
    drive.watch_error(&expired());
    assert_eq!(
        drive.jump(),
        MILLIS_800,
        "the server is back and has forgotten the version: soon it is listed anew"
    );
}

#[test]
fn what_arrives_after_the_end_is_ignored() {
    let mut drive = Drive::watching();
    drive.watch_error(&expired());
    assert_eq!(drive.action(), "close");
    let until = drive.reflector.poll_timeout();
    drive.added("a", 11);
    drive.item("b", 12);
    drive.page("13", "");
    drive.end();
    drive.list_error(&refused());
    drive.watch_error(&refused());
    assert_eq!((drive.changes().as_str(), drive.last().as_str()), ("[]", "10"));
    assert_eq!((drive.action().as_str(), drive.reflector.poll_timeout()), ("-", until));
}

#[test]
fn the_backoff_starts_over_after_two_quiet_minutes() {
    let mut drive = Drive::watching();
    drive.watch_error(&refused());
    assert_eq!(drive.jump(), MILLIS_800);
    drive.watch_error(&refused());
    assert_eq!(drive.jump(), MILLIS_1600);
    drive.reflector.handle_watch_open(drive.now);
    drive.pass(SECOND * 121);
    drive.watch_error(&refused());
    assert_eq!(drive.jump(), MILLIS_800);
}

#[test]
fn what_an_earlier_run_held_is_handed_on_at_once_and_watched_from_its_version() {
    let resumed = || {
        let backoff = Backoff { jitter: 0.0, ..Backoff::REFLECTOR };
        let options = ReflectorOptions { backoff, ..ReflectorOptions::default() };
        let reflector = Reflector::resume(options, vec![object("a", "u", 7)], "9".into());
        Drive { reflector, ..Drive::watch_list() }
    };
    let mut drive = resumed();
    assert_eq!(drive.changes(), "[a:u@7 replaced@9]");
    assert_eq!((drive.reflector.phase(), drive.reflector.has_synced()), (Phase::Stale, true));
    assert_eq!(drive.action(), "watch rv=9");
    drive.open();
    assert_eq!(drive.reflector.phase(), Phase::Live);
    drive.deleted("a", 11);
    assert_eq!((drive.changes().as_str(), drive.last().as_str()), ("[-a:u@11]", "11"));

    let mut drive = resumed();
    drive.changes();
    drive.action();
    drive.watch_error(&expired());
    assert_eq!(drive.action(), "close");
    assert_eq!(drive.jump(), MILLIS_800);
    assert_eq!(drive.action(), "watch-list rv=9", "the server forgot that version: everything anew");
}

#[test]
fn without_a_version_nothing_is_resumed() {
    for version in ["", "0"] {
        let objects = vec![object("a", "u", 7)];
        let reflector = Reflector::resume(ReflectorOptions::default(), objects, version.into());
        let mut drive = Drive { reflector, ..Drive::watch_list() };
        assert_eq!((drive.changes().as_str(), drive.reflector.has_synced()), ("[]", false));
    }
}
