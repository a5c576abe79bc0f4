//! The cases of client-go's `tools/leaderelection/leaderelection_test.go` (0.37), the departures, and candidates on a
//! naive server under random operations.

use k8s_openapi::api::coordination::v1::LeaseSpec;

use super::*;
use crate::meta::ObjectMeta;
use crate::status::{failure, reason};

mod model;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn at(seconds: u64) -> Moment {
    let passed = Duration::from_secs(seconds);
    Moment { monotonic: Instant::from_origin(passed), unix: Duration::from_secs(1_700_000_000) + passed }
}

fn options() -> ElectionOptions {
    ElectionOptions::new("n", "lock", "baz")
}

fn election() -> Election {
    Election::new(options(), 1).unwrap()
}

fn lease(holder: &str, duration: i32) -> Lease {
    let spec = LeaseSpec {
        holder_identity: Some(holder.to_owned()),
        lease_duration_seconds: Some(duration),
        lease_transitions: Some(3),
        ..LeaseSpec::default()
    };
    let metadata = ObjectMeta {
        name: Some("lock".to_owned()),
        resource_version: Some("7".to_owned()),
        ..ObjectMeta::default()
    };
    Lease { metadata, spec: Some(spec) }
}

fn error(code: u16, reason: &str) -> Error {
    Error::api(failure(code, reason, "no"))
}

fn written(action: Option<Action>) -> Lease {
    match action {
        Some(Action::Create(lease) | Action::Update(lease)) => *lease,
        other => panic!("{other:?} writes nothing"),
    }
}

fn events(election: &mut Election) -> Vec<ElectionEvent> {
    std::iter::from_fn(|| election.poll_event()).collect()
}

fn new_leader(identity: &str) -> ElectionEvent {
    ElectionEvent::NewLeader(identity.to_owned())
}

/// A candidate that has just acquired a free lease at second 0.
fn leader() -> Election {
    let mut election = election();
    election.poll_action(at(0));
    election.handle_answer(at(0), Err(error(404, reason::NOT_FOUND)));
    let lease = written(election.poll_action(at(0)));
    election.handle_answer(at(0), Ok(lease));
    assert_eq!(events(&mut election), [new_leader("baz"), ElectionEvent::StartedLeading]);
    election
}

/// "acquire from no object".
#[test]
fn a_lease_that_is_not_there_is_created() {
    let mut election = election();
    assert_eq!(election.poll_action(at(0)), Some(Action::Get));
    assert_eq!(election.poll_action(at(0)), None, "one request at a time");
    election.handle_answer(at(0), Err(error(404, reason::NOT_FOUND)));
    let lease = written(election.poll_action(at(0)));
    let spec = lease.spec.clone().unwrap();
    assert_eq!((record::holder(&lease), spec.lease_duration_seconds), ("baz", Some(15)));
    assert_eq!((spec.lease_transitions, &spec.acquire_time), (Some(0), &spec.renew_time));
    assert!(!election.is_leading(at(0)), "not before the server said so");
    election.handle_answer(at(1), Ok(lease));
    assert!(election.is_leading(at(9)) && !election.is_leading(at(10)), "it counts from when it was sent");
}

/// "acquire from object without annotations", "acquire from unled object", "acquire from empty led, acked object".
#[test]
fn a_lease_nobody_holds_is_taken_at_once() {
    for unled in [Lease { spec: None, ..lease("", 0) }, lease("", 0), lease("", 15)] {
        let mut election = election();
        election.poll_action(at(0));
        election.handle_answer(at(0), Ok(unled.clone()));
        let lease = written(election.poll_action(at(0)));
        assert_eq!(lease.metadata, unled.metadata, "its version makes a lost race a conflict");
        let before = unled.spec.and_then(|spec| spec.lease_transitions).unwrap_or_default();
        assert_eq!(lease.spec.as_ref().unwrap().lease_transitions, Some(before + 1));
        election.handle_answer(at(0), Ok(lease));
        assert!(election.is_leading(at(0)));
    }
}

/// "acquire from led object with the lease duration seconds", "acquire from led, unacked object", "don't acquire from
/// led, acked object".
#[test]
fn a_lease_of_another_is_taken_once_it_shows_no_sign_of_life() {
    let mut election = election();
    election.poll_action(at(0));
    election.handle_answer(at(0), Ok(lease("bing", 5)));
    assert_eq!(events(&mut election), [new_leader("bing")]);
    assert_eq!(election.poll_action(at(1)), None);
    assert!(election.poll_timeout().unwrap().0 <= at(5).monotonic, "at the latest when it ends");
    // It says something new: the five seconds begin anew.
    let mut renewed = lease("bing", 5);
    renewed.spec.as_mut().unwrap().lease_transitions = Some(4);
    assert_eq!(election.poll_action(at(4)), Some(Action::Get));
    election.handle_answer(at(4), Ok(renewed.clone()));
    assert_eq!(election.poll_action(at(8)), Some(Action::Get));
    let mut relabelled = renewed.clone();
    relabelled.metadata.resource_version = Some("8".to_owned());
    election.handle_answer(at(8), Ok(relabelled.clone()));
    assert_eq!(election.poll_timeout().unwrap().0, at(9).monotonic, "a label is no sign of life");
    assert_eq!(election.poll_action(at(9)), Some(Action::Get));
    election.handle_answer(at(9), Ok(relabelled));
    let taken = written(election.poll_action(at(9)));
    assert_eq!(record::holder(&taken), "baz");
    election.handle_answer(at(9), Ok(taken));
    assert_eq!(events(&mut election), [new_leader("baz"), ElectionEvent::StartedLeading]);
}

/// "renew already acquired object" and "Exercise fast path after lock acquired".
#[test]
fn a_leader_renews_without_looking() {
    let mut election = leader();
    assert_eq!(election.poll_action(at(1)), None);
    let renewal = written(election.poll_action(at(2)));
    let spec = renewal.spec.clone().unwrap();
    assert_ne!(spec.acquire_time, spec.renew_time);
    assert_eq!(spec.lease_transitions, Some(0));
    election.handle_answer(at(3), Ok(renewal));
    assert!(election.is_leading(at(11)) && !election.is_leading(at(12)));
    assert_eq!(events(&mut election), []);
}

/// "Fallback to slow path after fast path fails".
#[test]
fn a_renewal_that_is_refused_looks_and_tries_again() {
    let mut election = leader();
    let renewal = written(election.poll_action(at(2)));
    election.handle_answer(at(2), Err(error(409, reason::CONFLICT)));
    assert_eq!(election.poll_action(at(2)), Some(Action::Get));
    election.handle_answer(at(3), Ok(renewal));
    let again = written(election.poll_action(at(3)));
    assert_eq!(again.spec.as_ref().unwrap().lease_transitions, Some(0), "it is still its own");
    election.handle_answer(at(3), Ok(again));
    assert!(election.is_leading(at(12)) && !election.is_leading(at(13)));
}

#[test]
fn a_leader_that_cannot_renew_ends_at_its_deadline() {
    let mut election = leader();
    for second in 1..10 {
        election.handle_timeout(at(second));
        if election.poll_action(at(second)).is_some() {
            election.handle_answer(at(second), Err(error(500, reason::INTERNAL_ERROR)));
        }
        assert!(election.is_leading(at(second)));
    }
    assert_eq!(election.poll_timeout().unwrap().0, at(10).monotonic);
    election.handle_timeout(at(10));
    let told = events(&mut election);
    assert_eq!(told.last(), Some(&ElectionEvent::StoppedLeading("it was not renewed in time")));
    assert!(matches!(&told[0], ElectionEvent::Failed(_)));
}

/// client-go leads on until its deadline.
#[test]
fn a_leader_that_sees_another_ends_at_once() {
    let mut election = leader();
    election.poll_action(at(2));
    election.handle_answer(at(2), Err(error(409, reason::CONFLICT)));
    election.poll_action(at(2));
    election.handle_answer(at(2), Ok(lease("bing", 15)));
    let told = events(&mut election);
    assert_eq!(told, [new_leader("bing"), ElectionEvent::StoppedLeading("another holds the lease")]);
    assert!(!election.is_leading(at(2)));
}

#[test]
fn a_request_without_an_answer_is_given_up_in_time() {
    let mut election = leader();
    assert!(election.poll_action(at(2)).is_some() && election.is_waiting());
    assert_eq!(election.poll_timeout(), Some((at(7).monotonic, "request timeout")));
    election.handle_timeout(at(7));
    assert!(!election.is_waiting());
    election.handle_answer(at(7), Ok(lease("bing", 15)));
    assert!(election.is_leading(at(7)), "an answer nobody waits for says nothing");
    assert!(election.poll_action(at(9)).is_some(), "and it tries again before the deadline");
}

/// What a process finds that was stopped for a minute: an answer that says it leads.
#[test]
fn an_answer_that_comes_too_late_makes_no_leader() {
    let mut election = leader();
    let renewal = written(election.poll_action(at(2)));
    election.handle_answer(at(62), Ok(renewal));
    assert_eq!(events(&mut election), [ElectionEvent::StoppedLeading("it was not renewed in time")]);

    let mut election = self::election();
    election.poll_action(at(0));
    election.handle_answer(at(0), Err(error(404, reason::NOT_FOUND)));
    let lease = written(election.poll_action(at(0)));
    election.handle_answer(at(60), Ok(lease));
    assert_eq!(events(&mut election), [new_leader("baz")]);
    assert!(!election.is_leading(at(60)));
    let again = written(election.poll_action(at(60)));
    election.handle_answer(at(60), Ok(again));
    assert_eq!(events(&mut election), [ElectionEvent::StartedLeading]);
}

/// While a machine sleeps its monotonic clock stands still, and the wall clock goes on.
#[test]
fn a_machine_that_slept_leads_no_more() {
    let mut election = leader();
    let woken = Moment { monotonic: at(1).monotonic, unix: at(60).unix };
    assert!(!election.is_leading(woken));
    election.handle_timeout(woken);
    assert_eq!(events(&mut election).len(), 1);
    let set_back = Moment { monotonic: at(3).monotonic, unix: Duration::ZERO };
    assert!(leader().is_leading(set_back), "a wall clock set back changes nothing");
}

/// The cases of testReleaseLease, TestReleaseMethodCallsGet and TestReleaseRetriesOnConflict.
#[test]
fn a_lease_is_given_up_only_if_it_is_held() {
    let mut election = leader();
    election.handle_release(at(1));
    assert!(!election.is_leading(at(1)));
    assert_eq!(events(&mut election), [ElectionEvent::StoppedLeading("it was given up")]);
    let held = election.observed.clone().unwrap().0;
    for _ in 0..2 {
        assert_eq!(election.poll_action(at(1)), Some(Action::Get), "it looks first");
        election.handle_answer(at(1), Ok(held.clone()));
        let released = written(election.poll_action(at(1)));
        assert_eq!((record::holder(&released), record::duration(&released)), ("", seconds(1)));
        assert_eq!(released.spec.unwrap().lease_transitions, Some(0));
        election.handle_answer(at(1), Err(error(409, reason::CONFLICT)));
    }
    election.poll_action(at(1));
    election.handle_answer(at(1), Ok(lease("bing", 15)));
    assert_eq!(events(&mut election), [new_leader("bing"), ElectionEvent::Released]);
    assert_eq!((election.poll_action(at(9)), election.poll_timeout()), (None, None));

    // A renewal that was under way may have reached the server.
    let mut renewing = leader();
    let renewed = written(renewing.poll_action(at(3)));
    renewing.handle_release(at(3));
    renewing.poll_action(at(3));
    renewing.handle_answer(at(3), Ok(renewed));
    assert_eq!(record::holder(&written(renewing.poll_action(at(3)))), "");

    // The same name, but another run of it has the Lease by now.
    let mut overtaken = leader();
    let again = record::held(&options(), Some(&held), at(2).unix);
    overtaken.handle_release(at(1));
    overtaken.poll_action(at(1));
    overtaken.handle_answer(at(1), Ok(held));
    overtaken.poll_action(at(1));
    overtaken.handle_answer(at(1), Err(error(409, reason::CONFLICT)));
    overtaken.poll_action(at(1));
    overtaken.handle_answer(at(1), Ok(again));
    assert_eq!(events(&mut overtaken).last(), Some(&ElectionEvent::Released));
    assert_eq!(overtaken.poll_action(at(1)), None);

    let mut gone = leader();
    gone.handle_release(at(1));
    gone.poll_action(at(1));
    gone.handle_answer(at(1), Err(error(404, reason::NOT_FOUND)));
    assert_eq!(events(&mut gone).last(), Some(&ElectionEvent::Released));

    let mut candidate = self::election();
    candidate.handle_release(at(0));
    assert_eq!(events(&mut candidate), [ElectionEvent::Released]);

    let mut cut_off = leader();
    cut_off.handle_release(at(1));
    while cut_off.poll_timeout().is_some() {
        let now = Moment { monotonic: cut_off.poll_timeout().unwrap().0, unix: Duration::ZERO };
        cut_off.handle_timeout(now);
        cut_off.poll_action(now);
    }
    assert_eq!(events(&mut cut_off).last(), Some(&ElectionEvent::Released), "it ends without an answer too");
}

/// TestLeaderElectionConfigValidation, and what it leaves out.
#[test]
fn options_that_make_no_sense_are_refused() {
    let wrong: [fn(&mut ElectionOptions); 6] = [
        |options| options.identity.clear(),
        |options| options.name.clear(),
        |options| options.retry_period = Duration::ZERO,
        |options| options.lease_duration = options.renew_deadline,
        |options| options.renew_deadline = options.retry_period.mul_f64(1.2),
        |options| options.lease_duration = Duration::ZERO,
    ];
    for spoil in wrong {
        let mut options = options();
        spoil(&mut options);
        let error = Election::new(options, 1).unwrap_err();
        assert!(matches!(error.kind(), crate::ErrorKind::Config), "{error}");
    }
}

/// client-go writes 1 s for 1.5 s, and others take over before the leader ends.
#[test]
fn a_part_of_a_second_is_rounded_up() {
    let options = ElectionOptions {
        lease_duration: Duration::from_millis(1_500),
        renew_deadline: Duration::from_millis(1_200),
        retry_period: Duration::from_millis(100),
        ..options()
    };
    let held = record::held(&options, None, Duration::ZERO);
    assert_eq!(record::duration(&held), seconds(2));
}

/// TestTryCoordinatedRenew, and a term that ends.
#[test]
fn a_coordinated_candidate_renews_what_it_was_given_and_takes_nothing() {
    let options = ElectionOptions { coordinated: Some(Coordinated::new("1.2.0")), ..options() };
    let mut election = Election::new(options, 1).unwrap();
    let missing = Err(error(404, reason::NOT_FOUND));
    let held = || Ok(lease("bing", 5));
    // That of another lapses between the second look and the third.
    for (second, answer) in [(0, missing), (10, held()), (20, held()), (30, Ok(lease("", 5)))] {
        assert_eq!(election.poll_action(at(second)), Some(Action::Get));
        election.handle_answer(at(second), answer);
        assert_eq!(election.poll_action(at(second)), None, "it takes nothing at {second} s");
    }
    election.poll_action(at(40));
    election.handle_answer(at(40), Ok(lease("baz", 5)));
    let renewed = written(election.poll_action(at(40)));
    election.handle_answer(at(40), Ok(renewed.clone()));
    let told = [new_leader("bing"), new_leader(""), new_leader("baz"), ElectionEvent::StartedLeading];
    assert_eq!(events(&mut election), told);

    assert_eq!(election.poll_action(at(42)), Some(Action::Get), "it looks before each renewal");
    let mut ended = renewed;
    ended.spec.as_mut().unwrap().preferred_holder = Some("bing".to_owned());
    election.handle_answer(at(42), Ok(ended));
    assert_eq!(events(&mut election), [ElectionEvent::StoppedLeading("its term has ended")]);
    assert_eq!(election.poll_action(at(42)), None, "it lets the lease lapse");
}

#[test]
fn what_fails_is_told_unless_another_was_faster() {
    let mut election = election();
    let told = |election: &mut Election, second, answer| {
        assert!(election.poll_action(at(second)).is_some());
        election.handle_answer(at(second), Err(answer));
        events(election)
    };
    assert!(matches!(&*told(&mut election, 0, error(403, reason::FORBIDDEN)), [ElectionEvent::Failed(_)]));
    assert_eq!(told(&mut election, 10, error(404, reason::NOT_FOUND)), [], "it is created");
    assert_eq!(told(&mut election, 10, error(409, reason::ALREADY_EXISTS)), []);
    election.poll_action(at(20));
    election.handle_timeout(at(30));
    assert!(matches!(&*events(&mut election), [ElectionEvent::Failed(text)] if text.contains("no answer")));
}
