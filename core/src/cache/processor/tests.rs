//! Situations of client-go's `shared_informer_test.go` and `synctrack_test.go`, and a naive model of coalescing.

use std::collections::{BTreeMap, VecDeque};

use k8s_openapi::api::core::v1::ConfigMap;

use super::*;
use crate::cache::sample::{OPERATIONS, object};
use crate::meta::Key;
use crate::policy::Random;

const SECOND: Duration = Duration::from_secs(1);

fn at(seconds: u64) -> Instant {
    Instant::from_origin(SECOND * seconds as u32)
}

fn coalesce() -> HandlerOptions {
    HandlerOptions::default()
}

fn lossless(capacity: usize) -> HandlerOptions {
    HandlerOptions { delivery: Delivery::Lossless { capacity }, ..HandlerOptions::default() }
}

fn resync_every(seconds: u64) -> HandlerOptions {
    HandlerOptions { resync_period: Some(SECOND * seconds as u32), ..HandlerOptions::default() }
}

fn added(key: &str, version: u64) -> Event<ConfigMap> {
    Event::Added { object: object(key, "u", version), is_in_initial_list: false }
}

fn initial(key: &str, version: u64) -> Event<ConfigMap> {
    Event::Added { object: object(key, "u", version), is_in_initial_list: true }
}

fn updated(key: &str, old: u64, new: u64) -> Event<ConfigMap> {
    Event::Updated { old: object(key, "u", old), new: object(key, "u", new) }
}

fn deleted(key: &str, version: u64) -> Event<ConfigMap> {
    Event::Deleted { object: object(key, "u", version), final_state_unknown: false }
}

fn drain(processor: &mut Processor<ConfigMap>, id: HandlerId) -> Vec<String> {
    std::iter::from_fn(|| processor.poll_event(id)).map(|event| format!("{event:?}")).collect()
}

fn one_handler(options: HandlerOptions) -> (Processor<ConfigMap>, HandlerId) {
    let mut processor = Processor::new(Duration::ZERO);
    let id = processor.add_handler(at(0), options, std::iter::empty());
    (processor, id)
}

#[test]
fn waiting_events_of_a_key_become_one_or_cancel_out() {
    let cases: [(&[Event<ConfigMap>], &[&str]); 9] = [
        (&[added("a", 1), updated("a", 1, 2), updated("a", 2, 3)], &["Added(a@3)"]),
        (&[initial("a", 1), updated("a", 1, 2)], &["Added(a@2, initial)"]),
        (&[added("a", 1), deleted("a", 2)], &[]),
        (&[added("a", 1), deleted("a", 2), added("a", 3)], &["Added(a@3)"]),
        (&[updated("a", 1, 2), updated("a", 2, 3)], &["Updated(a@1→3)"]),
        (&[updated("a", 1, 2), deleted("a", 3)], &["Deleted(a@3)"]),
        (&[deleted("a", 2), added("a", 3), updated("a", 3, 4)], &["Deleted(a@2)", "Added(a@4)"]),
        (&[updated("a", 1, 2), deleted("a", 3), added("a", 4), deleted("a", 5)], &["Deleted(a@3)"]),
        (&[updated("a", 1, 2), added("b", 3), updated("a", 2, 4)], &["Updated(a@1→4)", "Added(b@3)"]),
    ];
    for (events, wanted) in cases {
        let (mut processor, id) = one_handler(coalesce());
        for event in events {
            processor.distribute(event, false);
        }
        let status = processor.status(id).unwrap();
        assert_eq!(status.waiting, wanted.len(), "{events:?}");
        assert_eq!(drain(&mut processor, id), wanted, "{events:?}");
        assert_eq!(processor.status(id).unwrap().waiting, 0);
    }
}

#[test]
fn what_was_already_taken_is_not_cancelled() {
    let (mut processor, id) = one_handler(coalesce());
    processor.distribute(&added("a", 1), false);
    assert!(processor.poll_event(id).is_some());
    processor.distribute(&deleted("a", 2), false);
    processor.distribute(&added("a", 3), false);
    assert_eq!(format!("{:?}", processor.poll_event(id)), "Some(Deleted(a@2))");
    processor.distribute(&updated("a", 3, 4), false);
    assert_eq!(drain(&mut processor, id), ["Added(a@4)"]);
    assert_eq!(processor.status(id).unwrap().coalesced, 2);
}

#[test]
fn a_lossless_handler_sees_everything_and_pauses_when_full() {
    let (mut processor, id) = one_handler(lossless(2));
    let slow = processor.add_handler(at(0), coalesce(), std::iter::empty());
    processor.distribute(&added("a", 1), false);
    assert!(!processor.paused());
    processor.distribute(&updated("a", 1, 2), false);
    assert!(processor.paused() && processor.status(id).unwrap().pauses);
    processor.distribute(&deleted("a", 3), false);
    assert!(processor.poll_event(id).is_some() && processor.paused());
    assert!(processor.poll_event(id).is_some() && !processor.paused());
    assert_eq!(drain(&mut processor, id), ["Deleted(a@3)"]);
    assert_eq!(processor.status(id).unwrap().most_waiting, 3);
    assert!(!processor.has_event(slow), "added and deleted meanwhile");
    processor.distribute(&added("a", 4), false);
    processor.distribute(&updated("a", 4, 5), false);
    assert!(processor.paused());
    assert!(processor.remove_handler(id) && !processor.paused(), "a removed handler pauses nobody");
}

#[test]
fn a_handler_that_joins_later_is_told_of_what_is_there() {
    let mut processor = Processor::<ConfigMap>::new(Duration::ZERO);
    processor.handle_upstream_synced();
    let store = [object("a", "u", 1), object("b", "u", 2)];
    let id = processor.add_handler(at(0), coalesce(), store.iter());
    assert!(!processor.has_synced(id));
    processor.distribute(&added("c", 3), false);
    let wanted = ["Added(a@1, initial)", "Added(b@2, initial)", "Added(c@3)"];
    assert_eq!(drain(&mut processor, id), wanted);
    assert!(!processor.has_synced(id), "taken is not yet processed");
    processor.handle_processed(id);
    assert!(processor.has_synced(id));
    let empty = processor.add_handler(at(0), coalesce(), std::iter::empty());
    assert!(processor.has_synced(empty), "nothing to wait for");
}

#[test]
fn a_handler_has_synced_when_upstream_has_and_its_initial_adds_are_processed() {
    for options in [coalesce(), lossless(10)] {
        let (mut processor, id) = one_handler(options);
        processor.distribute(&initial("a", 1), false);
        drain(&mut processor, id);
        processor.handle_processed(id);
        assert!(!processor.has_synced(id), "upstream has not");
        processor.distribute(&initial("b", 2), false);
        processor.handle_upstream_synced();
        assert!(!processor.has_synced(id));
        drain(&mut processor, id);
        processor.handle_processed(id);
        assert!(processor.has_synced(id));
        processor.distribute(&added("c", 3), false);
        assert!(processor.has_synced(id), "and it stays so");
    }
}

#[test]
fn an_initial_add_that_cancels_out_is_not_waited_for() {
    let (mut processor, id) = one_handler(coalesce());
    processor.distribute(&initial("a", 1), false);
    processor.distribute(&deleted("a", 2), false);
    processor.handle_upstream_synced();
    assert!(processor.has_synced(id));
}

#[test]
fn an_initial_add_that_cancels_out_after_upstream_synced_is_not_waited_for() {
    let (mut processor, id) = one_handler(coalesce());
    processor.distribute(&initial("a", 1), false);
    processor.handle_upstream_synced();
    assert!(!processor.has_synced(id));
    processor.distribute(&deleted("a", 2), false);
    assert!(processor.has_synced(id));
}

#[test]
fn a_removed_handler_is_gone_and_its_id_is_nobody_elses() {
    let (mut processor, id) = one_handler(coalesce());
    processor.distribute(&added("a", 1), false);
    assert!(processor.remove_handler(id) && !processor.remove_handler(id));
    let other = processor.add_handler(at(0), coalesce(), std::iter::empty());
    processor.distribute(&added("b", 2), false);
    assert!(
        processor.poll_event(id).is_none() && processor.status(id).is_none() && !processor.has_synced(id)
    );
    assert!(!processor.remove_handler(id));
    assert_eq!(drain(&mut processor, other), ["Added(b@2)"]);
    assert_eq!(processor.handlers().collect::<Vec<_>>(), [other]);
}

#[test]
fn a_handler_that_takes_nothing_shows_since_when() {
    let (mut processor, id) = one_handler(coalesce());
    let stuck_since = |processor: &Processor<ConfigMap>| processor.status(id).unwrap().stuck_since;
    processor.set_now(at(10));
    assert_eq!(stuck_since(&processor), None, "nothing waits");
    processor.distribute(&added("a", 1), false);
    processor.set_now(at(20));
    processor.distribute(&added("b", 2), false);
    assert_eq!(stuck_since(&processor), Some(at(10)));
    assert!(processor.poll_event(id).is_some());
    assert_eq!(stuck_since(&processor), Some(at(20)), "it moves");
    assert!(processor.poll_event(id).is_some());
    assert_eq!(stuck_since(&processor), None);
}

#[test]
fn announcements_go_only_to_the_handlers_that_are_due() {
    let mut processor = Processor::<ConfigMap>::new(SECOND * 12);
    let fast = processor.add_handler(at(0), resync_every(2), std::iter::empty());
    let slow = processor.add_handler(at(0), resync_every(3), std::iter::empty());
    let never = processor.add_handler(at(0), resync_every(0), std::iter::empty());
    assert_eq!(processor.start(), SECOND * 2);
    let mut due = |seconds: u64| {
        let any = processor.should_resync(at(seconds));
        processor.distribute(&updated("a", 1, 1), true);
        let got = [fast, slow, never].map(|id| !drain(&mut processor, id).is_empty());
        assert_eq!(any, got.contains(&true));
        got
    };
    assert_eq!(due(1), [false, false, false]);
    assert_eq!(due(2), [true, false, false]);
    assert_eq!(due(4), [true, true, false]);
    assert_eq!(due(6), [true, false, false]);
    assert_eq!(due(8), [true, true, false]);
}

#[test]
fn before_the_first_resync_announcements_go_to_all() {
    let (mut processor, id) = one_handler(coalesce());
    processor.distribute(&updated("a", 1, 1), true);
    assert_eq!(drain(&mut processor, id), ["Updated(a@1→1)"]);
}

#[test]
fn resync_periods_follow_the_rules_of_client_go() {
    let mut processor = Processor::<ConfigMap>::new(SECOND * 12);
    processor.add_handler(at(0), coalesce(), std::iter::empty());
    let tiny = HandlerOptions { resync_period: Some(Duration::from_millis(1)), ..coalesce() };
    processor.add_handler(at(0), tiny, std::iter::empty());
    assert_eq!(processor.start(), SECOND, "the smallest wish before the start, but not below a second");

    let mut processor = Processor::<ConfigMap>::new(SECOND * 12);
    assert_eq!(processor.start(), SECOND * 12);
    let late = processor.add_handler(at(0), resync_every(2), std::iter::empty());
    assert!(!processor.should_resync(at(11)), "after the start nobody makes it more frequent");
    assert!(processor.should_resync(at(12)));
    processor.distribute(&updated("a", 1, 1), true);
    assert_eq!(drain(&mut processor, late).len(), 1);

    let mut processor = Processor::<ConfigMap>::new(Duration::ZERO);
    assert_eq!(processor.start(), Duration::ZERO);
    processor.add_handler(at(0), resync_every(2), std::iter::empty());
    assert!(!processor.should_resync(at(1_000)), "an informer without resyncs has none for anybody");
}

/// Every event that waits.
type Events = VecDeque<Event<ConfigMap>>;

/// What waits for one handler, uncompressed, and what it was told.
#[derive(Default)]
struct Model {
    waiting: Vec<(Key, Vec<Event<ConfigMap>>)>,
    told: BTreeMap<Key, u64>,
}

impl Model {
    fn push(&mut self, event: Event<ConfigMap>) {
        let key = event.key();
        match self.waiting.iter_mut().find(|(waiting, _)| *waiting == key) {
            Some((_, events)) => events.push(event),
            None => self.waiting.push((key, vec![event])),
        }
        self.waiting.retain(|(_, events)| !essence(events).is_empty());
    }

    fn pop(&mut self) -> Option<Event<ConfigMap>> {
        let (_, events) = self.waiting.first_mut()?;
        let mut essence = essence(events);
        let event = essence.remove(0);
        *events = essence;
        self.waiting.retain(|(_, events)| !events.is_empty());
        Some(event)
    }
}

/// The fewest events that tell a handler as much as `events` of one key do.
fn essence(events: &[Event<ConfigMap>]) -> Vec<Event<ConfigMap>> {
    let (first, last) = (&events[0], &events[events.len() - 1]);
    let deletion = events.iter().find(|event| matches!(event, Event::Deleted { .. }));
    let is_in_initial_list = events
        .iter()
        .rev()
        .find_map(|event| match event {
            Event::Added { is_in_initial_list, .. } => Some(*is_in_initial_list),
            Event::Updated { .. } | Event::Deleted { .. } => None,
        })
        .unwrap_or(false);
    let addition = Event::Added { object: last.object().clone(), is_in_initial_list };
    let (new_to_handler, gone) =
        (matches!(first, Event::Added { .. }), matches!(last, Event::Deleted { .. }));
    match (new_to_handler, gone, deletion, first) {
        (true, true, ..) => Vec::new(),
        (true, false, ..) => vec![addition],
        (false, true, Some(deletion), _) => vec![deletion.clone()],
        (false, false, Some(deletion), _) => vec![deletion.clone(), addition],
        (false, false, None, Event::Updated { old, .. }) => {
            vec![Event::Updated { old: old.clone(), new: last.object().clone() }]
        }
        _ => panic!("{events:?}"),
    }
}

/// Checks that what a handler is told makes sense: additions and deletions alternate, versions go forward.
fn hear(told: &mut BTreeMap<Key, u64>, event: &Event<ConfigMap>) {
    let version = |object: &ConfigMap| object.meta().resource_version.parse::<u64>().unwrap();
    let (key, now) = (event.key(), version(event.object()));
    match event {
        Event::Added { .. } => assert!(told.insert(key, now).is_none(), "{event:?}"),
        Event::Updated { old, .. } => {
            let before = told.insert(key, now);
            assert_eq!(before, Some(version(old)), "{event:?}");
            assert!(before <= Some(now), "{event:?}");
        }
        Event::Deleted { .. } => assert!(told.remove(&key) <= Some(now), "{event:?}"),
    }
}

/// A random event that fits what the source holds.
fn happen(random: &mut Random, source: &mut BTreeMap<Key, Arc<ConfigMap>>, version: u64) -> Event<ConfigMap> {
    let new = object(&random.below(10).to_string(), "u", version);
    let key = new.key();
    match source.get(&key).cloned() {
        None => {
            source.insert(key, new.clone());
            Event::Added { object: new, is_in_initial_list: random.below(4) == 0 }
        }
        Some(_) if random.below(3) == 0 => {
            source.remove(&key);
            Event::Deleted { object: new, final_state_unknown: random.below(2) == 0 }
        }
        Some(old) => {
            source.insert(key, new.clone());
            Event::Updated { old, new }
        }
    }
}

#[test]
fn random_events_agree_with_a_list_of_what_waits() {
    for seed in 1..=4 {
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut processor = Processor::<ConfigMap>::new(Duration::ZERO);
        let mut source = BTreeMap::new();
        // Of each: whether it is lossless, what waits if it coalesces, and what waits if it does not.
        let mut handlers: Vec<(HandlerId, bool, Model, Events)> = Vec::new();
        for version in 1..=OPERATIONS / 4 {
            match random.below(12) {
                0 if handlers.len() < 4 => {
                    let is_lossless = random.below(2) == 0;
                    let options = if is_lossless { lossless(8) } else { coalesce() };
                    let id = processor.add_handler(at(0), options, source.values());
                    let (mut model, mut all) = (Model::default(), Events::new());
                    for object in source.values() {
                        let event = Event::Added { object: object.clone(), is_in_initial_list: true };
                        model.push(event.clone());
                        all.push_back(event);
                    }
                    handlers.push((id, is_lossless, model, all));
                }
                1 if handlers.len() == 4 => {
                    let (id, ..) = handlers.remove(random.below(4) as usize);
                    assert!(processor.remove_handler(id));
                }
                2..7 => {
                    let event = happen(&mut random, &mut source, version);
                    processor.distribute(&event, false);
                    for (_, _, model, all) in &mut handlers {
                        model.push(event.clone());
                        all.push_back(event.clone());
                    }
                }
                _ if !handlers.is_empty() => {
                    let which = random.below(handlers.len() as u64) as usize;
                    let (id, is_lossless, model, all) = &mut handlers[which];
                    let wanted = if *is_lossless { all.pop_front() } else { model.pop() };
                    let event = processor.poll_event(*id);
                    assert_eq!(format!("{event:?}"), format!("{wanted:?}"));
                    if let Some(event) = event {
                        hear(&mut model.told, &event);
                    }
                }
                _ => {}
            }
            for (id, is_lossless, model, all) in &handlers {
                let waiting = processor.status(*id).unwrap().waiting;
                let wanted = model.waiting.iter().map(|(_, events)| essence(events).len()).sum::<usize>();
                assert_eq!(waiting, if *is_lossless { all.len() } else { wanted });
                assert!(*is_lossless || waiting <= 20, "two for each of ten keys");
            }
        }
        processor.handle_upstream_synced();
        for (id, _, model, _) in &mut handlers {
            ends_at(&mut processor, *id, model, &source);
        }
    }
}

/// Lets the handler hear all that waits, after which it has to be where the source is.
fn ends_at(
    processor: &mut Processor<ConfigMap>,
    id: HandlerId,
    model: &mut Model,
    source: &BTreeMap<Key, Arc<ConfigMap>>,
) {
    while let Some(event) = processor.poll_event(id) {
        hear(&mut model.told, &event);
    }
    processor.handle_processed(id);
    assert!(processor.has_synced(id));
    let told: Vec<(Key, String)> =
        model.told.iter().map(|(key, version)| (key.clone(), version.to_string())).collect();
    let held: Vec<(Key, String)> =
        source.iter().map(|(key, object)| (key.clone(), object.meta().resource_version.to_owned())).collect();
    assert_eq!(told, held, "each handler ends at the source's state");
}
