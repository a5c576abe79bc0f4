//! Handlers come and go, readers look and waiters wait while the driver works: none hangs, misses or hears a thing twice.

use std::time::Duration;

use loom::future::block_on;
use loom::thread;
use portolan::cache::{Delivery, Event, HandlerOptions, ReflectorOptions};
use portolan::meta::{ApiResource, Object};
use portolan::object::Unstructured;

use super::driver::{Said, script};
use super::shared::{InformerOptions, SharedIndexInformer};
use crate::stage::{self, Heard, check, join_tasks};

type Informer = SharedIndexInformer<Unstructured>;

/// An informer whose server says this once it is started.
fn informer(said: &[Said]) -> Informer {
    script(said);
    let things = ApiResource::new("example.com/v1", "Thing", "things", false).unwrap();
    let reflector = ReflectorOptions { watch_list: false, ..ReflectorOptions::default() };
    let api = stage::client([]).resource(&things, "");
    SharedIndexInformer::new(api, InformerOptions { reflector, ..InformerOptions::default() })
}

/// A handler that notes what it is told.
fn handler(heard: &Heard) -> impl Fn(Event<Unstructured>) + Send + Sync + 'static {
    let heard = heard.clone();
    move |event| {
        let sign = match event {
            Event::Added { .. } => '+',
            Event::Updated { .. } => '~',
            Event::Deleted { .. } => '-',
        };
        let meta = event.object().meta();
        heard.tell(format!("{sign}{}@{}", meta.name, meta.resource_version));
    }
}

#[test]
fn a_handler_that_joins_at_any_moment_hears_of_everything_once() {
    check(1, || {
        let informer = informer(&[Said::List(&["a@1"]), Said::Modified("a@2")]);
        informer.start();
        let heard = Heard::default();
        let registration = informer.add_handler(HandlerOptions::default(), handler(&heard));
        block_on(informer.wait_for_status(|_| {
            let held = informer.lister().list();
            held.iter().any(|object| object.meta().resource_version == "2").then_some(())
        }));
        block_on(registration.wait_for_sync()).unwrap();
        informer.stop();
        join_tasks();
        let heard = heard.all();
        let whole: [&[&str]; 2] = [&["+a@1", "~a@2"], &["+a@2"]];
        assert!(whole.iter().any(|whole| heard == *whole), "{heard:?}");
    });
}

#[test]
fn a_handler_is_removed_while_it_is_told() {
    check(1, || {
        let informer = informer(&[Said::List(&["a@1"]), Said::Deleted("a@2")]);
        let heard = Heard::default();
        let options = HandlerOptions { delivery: Delivery::Lossless { capacity: 1 }, resync_period: None };
        let registration = informer.add_handler(options, handler(&heard));
        informer.start();
        registration.remove();
        // What it does not take pauses nobody once it is gone.
        block_on(informer.wait_for_status(|status| {
            let empty = informer.has_synced() && informer.lister().is_empty();
            (empty && !status.paused).then_some(())
        }));
        assert_eq!(registration.status(), None);
        informer.stop();
        join_tasks();
        let heard = heard.all();
        assert!(
            ["+a@1", "-a@2"].starts_with(&heard.iter().map(String::as_str).collect::<Vec<_>>()),
            "{heard:?}"
        );
    });
}

#[test]
fn readers_and_waiters_take_no_lock_in_the_way_of_the_driver() {
    check(1, || {
        let informer = informer(&[Said::List(&["a@1"]), Said::Added("b@2")]);
        let waiting = {
            let informer = informer.clone();
            thread::spawn(move || {
                // It asks for everything there is while it looks, as a page would.
                block_on(informer.wait_for_status(|status| {
                    let (held, handlers) = (informer.lister().list().len(), informer.handlers().len());
                    let (synced, queued) = (informer.has_synced(), informer.queued());
                    assert!(status.objects <= held, "the status is behind the store, never before it");
                    (synced && queued == 0 && handlers == 0 && held == 2).then_some(())
                }));
            })
        };
        informer.start();
        block_on(informer.wait_for_cache_sync()).unwrap();
        assert!(!informer.lister().is_empty());
        waiting.join().unwrap();
        informer.stop();
        join_tasks();
    });
}

#[test]
fn a_stop_at_any_moment_ends_who_waits_and_says_no_less_than_is_there() {
    check(1, || {
        let informer = informer(&[Said::List(&["a@1"])]);
        informer.start();
        let stopping = {
            let informer = informer.clone();
            thread::spawn(move || informer.stop())
        };
        let synced = block_on(informer.wait_for_cache_sync());
        stopping.join().unwrap();
        join_tasks();
        assert_eq!(synced.is_err(), informer.lister().is_empty(), "{synced:?}");
    });
}

#[test]
fn nobody_reads_behind_what_was_written() {
    check(1, || {
        let informer = informer(&[Said::List(&["a@1"]), Said::Modified("a@3")]);
        let cache = informer.mutation_cache(Duration::from_secs(60));
        informer.start();
        let written = r#"{"metadata":{"name":"a","uid":"a","resourceVersion":"2"}}"#;
        cache.mutation(serde_json::from_str(written).unwrap());
        for _ in 0..2 {
            let read = cache.get(&"a".parse().unwrap()).unwrap();
            assert!(read.meta().resource_version >= "2", "{read:?}");
            assert_eq!(cache.list().len(), 1);
        }
        informer.stop();
        join_tasks();
    });
}
