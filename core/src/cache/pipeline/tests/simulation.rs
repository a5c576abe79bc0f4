//! Reflector and pipeline against a server in a few lines: it keeps a history, forgets its older part, and every
//! answer may go wrong.
//!
//! Every run ends with the store equal to the server; per key no version goes back and additions and deletions
//! alternate; a handler that coalesces ends where one that sees everything ends; and that one is told exactly what a
//! naive consumer of the queue makes of each change that went in.

use std::collections::{BTreeMap, VecDeque};

use super::*;
use crate::cache::event::Change as Told;
use crate::cache::reflector::{Action, Phase, Reflector, ReflectorOptions};
use crate::error::{Error, TransportErrorKind};
use crate::meta::{Key, ListOptions, WatchOptions};
use crate::policy::Random;
use crate::rest::{Bookmark, WatchEvent};
use crate::status::{failure, reason};

/// How many servers are played through: under Miri, which takes some thousand times as long, one for a moment.
const SEEDS: u64 = if cfg!(miri) { 1 } else { 200 };
/// How many steps each takes while things go wrong.
const STEPS: u64 = if cfg!(miri) { 60 } else { 600 };

/// What can go wrong, counted.
#[derive(Debug, Default)]
struct Faults {
    dropped: u64,
    expired: u64,
    busy: u64,
    refused: u64,
    old_bookmark: u64,
    silent: u64,
    slept: u64,
}

/// One change of the server's history.
#[derive(Clone)]
enum Change {
    Added(Arc<ConfigMap>),
    Modified(Arc<ConfigMap>),
    Deleted(Arc<ConfigMap>),
}

#[derive(Default)]
struct Server {
    version: u64,
    objects: BTreeMap<Key, Arc<ConfigMap>>,
    history: Vec<(u64, Change)>,
    /// Versions up to here are forgotten.
    compacted: u64,
}

impl Server {
    fn write(&mut self, random: &mut Random) {
        self.version += 1;
        let name = random.below(12).to_string();
        let key = Key::new("", &name);
        let change = match self.objects.get(&key) {
            None => {
                let new = object(&name, &self.version.to_string(), self.version);
                self.objects.insert(key, new.clone());
                Change::Added(new)
            }
            Some(old) => {
                let new = object(&name, old.meta().uid, self.version);
                if random.below(3) == 0 {
                    self.objects.remove(&key);
                    Change::Deleted(new)
                } else {
                    self.objects.insert(key, new.clone());
                    Change::Modified(new)
                }
            }
        };
        self.history.push((self.version, change));
    }
}

/// The exchange under way.
enum Exchange {
    None,
    List(ListOptions),
    Watch(VecDeque<WatchEvent<Arc<ConfigMap>>>, u64),
}

struct World {
    random: Random,
    server: Server,
    reflector: Reflector<ConfigMap>,
    pipeline: Pipeline<ConfigMap>,
    exchange: Exchange,
    second_page: Option<(Vec<Arc<ConfigMap>>, u64)>,
    now: Instant,
    handlers: [HandlerId; 2],
    told: [BTreeMap<Key, (String, u64)>; 2],
    /// What the lossless handler was told of each key.
    heard: BTreeMap<Key, Vec<String>>,
    naive: Naive,
    paused: bool,
    calm: bool,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut pipeline = Pipeline::new(Duration::ZERO);
        let slow = HandlerOptions { delivery: Delivery::Lossless { capacity: 8 }, resync_period: None };
        let handlers = [HandlerOptions::default(), slow].map(|options| pipeline.add_handler(now(), options));
        let options =
            ReflectorOptions { watch_list: seed.is_multiple_of(2), seed, ..ReflectorOptions::default() };
        Self {
            random: Random::new(seed),
            server: Server { version: 100, compacted: 100, ..Server::default() },
            reflector: Reflector::new(options),
            pipeline,
            exchange: Exchange::None,
            second_page: None,
            now: now(),
            handlers,
            told: [BTreeMap::new(), BTreeMap::new()],
            heard: BTreeMap::new(),
            naive: Naive::default(),
            paused: false,
            calm: false,
        }
    }

    fn chance(&mut self, of: u64) -> bool {
        !self.calm && self.random.below(of) == 0
    }

    fn step(&mut self, faults: &mut Faults) {
        if !self.calm {
            if self.random.below(2) == 0 {
                self.server.write(&mut self.random);
            }
            if self.random.below(60) == 0 {
                self.server.compacted =
                    self.server.version - self.random.below(10).min(self.server.version - 100);
            }
        }
        if self.chance(150) {
            faults.slept += 1;
            self.reflector.handle_wake(self.now);
        }
        self.now = self.now + Duration::from_millis(500);
        match self.reflector.poll_timeout() {
            Some((at, _)) if at <= self.now => self.reflector.handle_timeout(self.now),
            _ => {}
        }
        self.act(faults);
        self.pipeline.run(self.now);
        if std::mem::replace(&mut self.paused, self.pipeline.paused()) != self.paused {
            self.reflector.set_paused(self.now, self.paused);
        }
        if !self.paused {
            self.answer(faults);
        }
        self.act(faults);
        while let Some(change) = self.reflector.poll_change() {
            self.naive.consume(&change);
            self.pipeline.handle_change(self.now, change);
        }
        self.pipeline.run(self.now);
        for which in 0..2 {
            if self.calm || self.random.below(3) == 0 {
                self.hear(which);
            }
        }
    }

    /// Does what the reflector wants; a watch may be refused at once.
    fn act(&mut self, faults: &mut Faults) {
        while let Some(action) = self.reflector.poll_action(self.now) {
            self.exchange = match action {
                Action::Close => Exchange::None,
                Action::List(options) => Exchange::List(options),
                Action::Watch(options) => {
                    self.open(&options, faults);
                    continue;
                }
            };
        }
    }

    fn open(&mut self, options: &WatchOptions, faults: &mut Faults) {
        self.exchange = Exchange::None;
        let error = self.refusal(faults);
        let from: u64 = options.resource_version.as_str().parse().unwrap_or(0);
        let initial = options.send_initial_events == Some(true);
        if let Some(error) = error {
            self.reflector.handle_watch_error(self.now, &error);
        } else if !initial && from < self.server.compacted {
            faults.expired += 1;
            self.reflector.handle_watch_open(self.now);
            self.reflector.handle_watch_error(self.now, &expired());
        } else if initial {
            self.reflector.handle_watch_open(self.now);
            let mut events: VecDeque<_> =
                self.server.objects.values().cloned().map(WatchEvent::Added).collect();
            let resource_version = self.server.version.to_string().into();
            events.push_back(WatchEvent::Bookmark(Bookmark { resource_version, initial_events_end: true }));
            self.exchange = Exchange::Watch(events, self.server.version);
        } else {
            self.reflector.handle_watch_open(self.now);
            self.exchange = Exchange::Watch(VecDeque::new(), from);
        }
    }

    fn refusal(&mut self, faults: &mut Faults) -> Option<Error> {
        if self.chance(12) {
            faults.busy += 1;
            return Some(Error::api(failure(429, reason::TOO_MANY_REQUESTS, "busy")));
        }
        if self.chance(12) {
            faults.refused += 1;
            return Some(Error::transport(TransportErrorKind::Connect, "refused"));
        }
        self.chance(20).then(|| Error::api(failure(503, reason::SERVICE_UNAVAILABLE, "not now")))
    }

    /// The server sends a little of what was asked for.
    fn answer(&mut self, faults: &mut Faults) {
        match std::mem::replace(&mut self.exchange, Exchange::None) {
            Exchange::None => {}
            Exchange::List(options) => self.answer_list(&options, faults),
            Exchange::Watch(waiting, from) => self.answer_watch(waiting, from, faults),
        }
    }

    fn answer_list(&mut self, options: &ListOptions, faults: &mut Faults) {
        if let Some(error) = self.refusal(faults) {
            self.reflector.handle_list_error(self.now, &error);
        } else if !options.continue_token.is_end() && self.chance(3) {
            faults.expired += 1;
            self.reflector.handle_list_error(self.now, &expired());
        } else {
            // Pages of one state: where there is no second page waiting, this may be the first of two.
            let first = options.continue_token.is_end();
            let waiting = self.second_page.take().filter(|_| !first);
            let (mut objects, version) = waiting
                .unwrap_or_else(|| (self.server.objects.values().cloned().collect(), self.server.version));
            let mut token = "";
            if first && options.limit.is_some() && self.chance(2) {
                token = "more";
                self.second_page = Some((objects.split_off(objects.len() / 2), version));
            }
            for object in objects {
                self.reflector.handle_list_item(self.now, object);
            }
            self.reflector.handle_list_page(self.now, version.to_string().into(), token.into());
        }
    }

    fn answer_watch(
        &mut self,
        mut waiting: VecDeque<WatchEvent<Arc<ConfigMap>>>,
        from: u64,
        faults: &mut Faults,
    ) {
        if self.chance(25) {
            faults.dropped += 1;
            if self.random.below(2) == 0 {
                self.reflector.handle_watch_end(self.now);
            } else {
                let error = Error::transport(TransportErrorKind::Interrupted, "reset");
                self.reflector.handle_watch_error(self.now, &error);
            }
            return;
        }
        if self.chance(200) {
            faults.silent += 1;
            self.now = self.now + Duration::from_secs(300);
            self.exchange = Exchange::Watch(waiting, from);
            return;
        }
        let news = self.server.history.iter().filter(|(version, _)| *version > from);
        waiting.extend(news.map(|(_, change)| match change.clone() {
            Change::Added(object) => WatchEvent::Added(object),
            Change::Modified(object) => WatchEvent::Modified(object),
            Change::Deleted(object) => WatchEvent::Deleted(object),
        }));
        let send = if self.calm { waiting.len() } else { self.random.below(4) as usize };
        for _ in 0..send {
            let Some(event) = waiting.pop_front() else { break };
            self.reflector.handle_watch_event(self.now, event);
        }
        if waiting.is_empty() && self.chance(5) {
            faults.old_bookmark += 1;
            let resource_version = (self.server.version - self.random.below(8)).to_string().into();
            let bookmark = WatchEvent::Bookmark(Bookmark { resource_version, initial_events_end: false });
            self.reflector.handle_watch_event(self.now, bookmark);
        }
        self.exchange = Exchange::Watch(waiting, self.server.version);
    }

    /// Lets a handler take one event, or all when it is calm, and checks that they make sense.
    fn hear(&mut self, which: usize) {
        let version = |object: &ConfigMap| object.meta().resource_version.parse::<u64>().unwrap();
        let state = |object: &ConfigMap| (object.meta().uid.to_owned(), version(object));
        let processor = self.pipeline.processor_mut();
        while let Some(event) = processor.poll_event(self.handlers[which]) {
            if which == 1 {
                self.heard.entry(event.key()).or_default().push(format!("{event:?}"));
            }
            let told = &mut self.told[which];
            let (key, now) = (event.key(), state(event.object()));
            match &event {
                Event::Added { .. } => assert!(told.insert(key, now).is_none(), "{event:?}"),
                Event::Updated { old, .. } => {
                    let before = told.insert(key, now.clone());
                    assert_eq!(before, Some(state(old)), "{event:?}");
                    assert!(before.is_some_and(|before| before.1 <= now.1), "{event:?}");
                }
                Event::Deleted { .. } => {
                    let before = told.remove(&key);
                    assert!(before.is_some_and(|before| before.1 <= now.1), "{event:?}");
                }
            }
            if !self.calm {
                break;
            }
        }
        processor.handle_processed(self.handlers[which]);
    }

    fn check(&self) {
        let texts = |objects: &mut dyn Iterator<Item = &Arc<ConfigMap>>| {
            let mut texts: Vec<String> = objects.map(|object| text(object)).collect();
            texts.sort();
            texts
        };
        let wanted = texts(&mut self.server.objects.values());
        assert_eq!(texts(&mut self.pipeline.store().iter()), wanted, "the store is the server's");
        for told in &self.told {
            let mut told: Vec<String> =
                told.iter().map(|(key, (uid, version))| format!("{key}:{uid}@{version}")).collect();
            told.sort();
            assert_eq!(told, wanted, "and so is what each handler was told");
        }
        assert_eq!(
            self.heard, self.naive.log,
            "the lossless handler is told all that went through the queue"
        );
        assert_eq!(self.reflector.phase(), Phase::Live);
        assert_eq!(self.pipeline.outdated(), 0, "the reflector never asked for history again");
    }
}

/// A consumer of the queue in a few lines: what must be told of each key, event by event.
#[derive(Default)]
struct Naive {
    store: BTreeMap<Key, Arc<ConfigMap>>,
    synced: bool,
    log: BTreeMap<Key, Vec<String>>,
}

impl Naive {
    fn consume(&mut self, change: &Told<ConfigMap>) {
        match change {
            Told::Added(object) | Told::Updated(object) => self.put(object, false),
            Told::Deleted(object) => self.take(&object.key(), Some(object)),
            Told::Replaced { objects, .. } => {
                let listed: Vec<Key> = objects.iter().map(|object| object.key()).collect();
                let gone: Vec<Key> = self.store.keys().filter(|key| !listed.contains(key)).cloned().collect();
                gone.iter().for_each(|key| self.take(key, None));
                let initial = !std::mem::replace(&mut self.synced, true);
                objects.iter().for_each(|object| self.put(object, initial));
            }
            Told::Bookmark(_) | Told::Resync => {}
        }
    }

    fn put(&mut self, new: &Arc<ConfigMap>, is_in_initial_list: bool) {
        let event = match self.store.insert(new.key(), new.clone()) {
            None => Event::Added { object: new.clone(), is_in_initial_list },
            Some(old) => Event::Updated { old, new: new.clone() },
        };
        self.note(&event);
    }

    fn take(&mut self, key: &Key, last: Option<&Arc<ConfigMap>>) {
        let Some(held) = self.store.remove(key) else { return };
        let object = last.unwrap_or(&held).clone();
        self.note(&Event::Deleted { object, final_state_unknown: last.is_none() });
    }

    fn note(&mut self, event: &Event<ConfigMap>) {
        self.log.entry(event.key()).or_default().push(format!("{event:?}"));
    }
}

fn expired() -> Error {
    Error::api(failure(410, reason::EXPIRED, "too old"))
}

#[test]
fn whatever_goes_wrong_the_store_ends_as_the_server() {
    let mut faults = Faults::default();
    let (mut relists, mut idle) = (0, 0);
    for seed in 0..SEEDS {
        println!("seed {seed}");
        let mut world = World::new(seed);
        for _ in 0..STEPS {
            world.step(&mut faults);
        }
        world.calm = true;
        for _ in 0..200 {
            world.step(&mut faults);
        }
        world.check();
        relists += world.reflector.counters().relists;
        idle += world.reflector.counters().idle;
    }
    println!("{faults:?}, {relists} relists, {idle} found idle");
    let Faults { dropped, expired, busy, refused, old_bookmark, silent, slept } = faults;
    let least =
        [dropped, expired, busy, refused, old_bookmark, silent, slept, relists, idle].into_iter().min();
    assert!(
        cfg!(miri) || least >= Some(100),
        "every fault happens often: {faults:?}, {relists} relists, {idle} found idle"
    );
}
