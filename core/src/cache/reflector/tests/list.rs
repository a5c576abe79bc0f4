//! Lists, in pages and in one.

use super::*;

#[test]
fn pages_are_collected_and_replace_the_store_at_once() {
    let mut drive = Drive::list_and_watch();
    assert_eq!(drive.action(), "list rv=0 limit=500");
    drive.item("a", 1);
    drive.page("10", "token 1");
    assert_eq!(drive.action(), "list rv= limit=500 continue=token 1");
    assert_eq!(drive.reflector.phase(), Phase::Syncing { objects: 1 });
    drive.item("b", 2);
    drive.page("10", "token 2");
    assert_eq!(drive.action(), "list rv= limit=500 continue=token 2");
    assert_eq!(drive.changes(), "[]");
    drive.item("c", 3);
    drive.page("10", "");
    assert_eq!(drive.changes(), "[a:u@1 b:u@2 c:u@3 replaced@10]");
    assert_eq!(drive.action(), "watch rv=10");
    assert_eq!((drive.reflector.counters().lists, drive.reflector.counters().pages), (1, 3));
}

#[test]
fn a_list_from_a_version_is_not_paged_so_that_the_servers_cache_can_serve_it() {
    let mut drive = Drive::watching();
    drive.watch_error(&expired());
    drive.jump();
    assert_eq!(drive.action(), "list rv=10");
}

#[test]
fn a_server_without_a_cache_is_asked_in_pages_ever_after() {
    let mut drive = Drive::list_and_watch();
    assert_eq!(drive.action(), "list rv=0 limit=500");
    drive.page("10", "more");
    drive.action();
    drive.page("10", "");
    drive.action();
    drive.watch_error(&expired());
    drive.jump();
    assert_eq!(drive.action(), "list rv=10 limit=500");
}

#[test]
fn a_page_size_that_was_asked_for_is_used_always() {
    let options = ReflectorOptions { watch_list: false, page_size: Some(4), ..ReflectorOptions::default() };
    let mut drive = Drive::new(options);
    assert_eq!(drive.action(), "list rv=0 limit=4");
    drive.page("10", "");
    drive.action();
    drive.watch_error(&expired());
    drive.jump();
    assert_eq!(drive.action(), "list rv=10 limit=4");
}

#[test]
fn a_list_that_expires_between_pages_is_taken_in_one() {
    let mut drive = Drive::list_and_watch();
    drive.action();
    drive.item("a", 1);
    drive.page("10", "token");
    drive.action();
    drive.list_error(&expired());
    assert_eq!(drive.action(), "list rv=0");
    drive.item("a", 1);
    drive.item("b", 2);
    drive.page("12", "");
    assert_eq!(drive.changes(), "[a:u@1 b:u@2 replaced@12]");
}

#[test]
fn a_list_that_expires_in_one_as_well_asks_for_the_newest_state_in_pages() {
    let mut drive = Drive::list_and_watch();
    drive.action();
    drive.page("10", "token");
    drive.action();
    drive.list_error(&expired());
    assert_eq!(drive.action(), "list rv=0");
    drive.list_error(&expired());
    assert_eq!(drive.action(), "list rv= limit=500");
    drive.list_error(&expired());
    assert_eq!(drive.action(), "close");
    assert_eq!(drive.jump(), MILLIS_800);
    assert_eq!(drive.action(), "list rv= limit=500", "still unavailable");
    drive.page("30", "");
    assert_eq!(drive.changes(), "[replaced@30]");
}

#[test]
fn an_expired_or_too_large_version_lists_the_newest_state_at_once() {
    for error in [expired(), too_large()] {
        let mut drive = Drive::watching();
        drive.watch_error(&expired());
        assert_eq!(drive.action(), "close");
        drive.jump();
        assert_eq!(drive.action(), "list rv=10", "first no older than the last version");
        drive.list_error(&error);
        assert_eq!(drive.action(), "list rv=", "then the newest, without waiting");
        drive.item("a", 11);
        drive.page("12", "");
        assert_eq!(drive.changes(), "[a:u@11 replaced@12]");
        assert_eq!(drive.action(), "watch rv=12");
        drive.watch_error(&expired());
        drive.jump();
        assert_eq!(drive.action(), "list rv=12", "a version is available again");
    }
}

#[test]
fn a_list_that_fails_waits_longer_each_time() {
    let mut drive = Drive::list_and_watch();
    drive.action();
    for (delay, error) in [
        (800, api(500, reason::INTERNAL_ERROR)),
        (1_600, refused()),
        (3_200, api(403, reason::FORBIDDEN)),
        (6_400, Error::decode("truncated list")),
        (12_800, broken()),
        (25_600, api(503, reason::SERVICE_UNAVAILABLE)),
        (30_000, api(404, reason::NOT_FOUND)),
        (30_000, refused()),
    ] {
        drive.item("a", 1);
        drive.list_error(&error);
        assert_eq!(drive.action(), "close");
        let until = drive.now + Duration::from_millis(delay);
        assert_eq!(drive.reflector.phase(), Phase::Retrying { until, stale: false });
        assert_eq!(drive.reflector.last_error(), Some(error.to_string().as_str()));
        drive.jump();
        assert_eq!(drive.now, until);
        assert_eq!(drive.action(), "list rv=0 limit=500");
    }
    drive.page("3", "");
    assert_eq!(drive.changes(), "[replaced@3]", "no item of a list that failed is kept");
    assert_eq!(drive.reflector.counters().errors, 8);
}

#[test]
fn a_page_that_the_server_asks_to_wait_for_is_asked_for_again_with_what_came_before_it() {
    for error in [busy(Some(7)), unavailable(7)] {
        let mut drive = Drive::list_and_watch();
        drive.action();
        drive.item("a", 1);
        drive.page("10", "token");
        assert_eq!(drive.action(), "list rv= limit=500 continue=token");
        drive.list_error(&error);
        assert_eq!(drive.action(), "close");
        let until = drive.now + SECOND * 7;
        assert_eq!(drive.reflector.phase(), Phase::Retrying { until, stale: false });
        assert_eq!(drive.jump(), (SECOND * 7, "reflector backoff"));
        assert_eq!(drive.action(), "list rv= limit=500 continue=token");
        drive.item("b", 2);
        drive.page("10", "");
        assert_eq!(drive.changes(), "[a:u@1 b:u@2 replaced@10]");
    }
}

#[test]
fn a_long_wait_that_was_asked_for_is_no_silence() {
    let mut drive = Drive::list_and_watch();
    drive.action();
    drive.list_error(&busy(Some(600)));
    drive.action();
    assert_eq!(drive.jump(), (SECOND * 600, "reflector backoff"));
    assert_eq!(drive.reflector.counters().idle, 0);
}

#[test]
fn a_list_that_falls_silent_fails() {
    let mut drive = Drive::list_and_watch();
    drive.action();
    drive.pass(SECOND * 70);
    drive.item("a", 1);
    drive.pass(SECOND * 70);
    drive.reflector.handle_activity(drive.now);
    assert_eq!(drive.jump(), (SECOND * 75, "reflector exchange idle"));
    assert_eq!(drive.action(), "close");
    assert_eq!(drive.jump(), MILLIS_800);
    assert_eq!(drive.action(), "list rv=0 limit=500");
}
