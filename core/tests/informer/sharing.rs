//! What many ask of one informer: factories, handlers, readers, their starts and ends.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::StreamExt;
use k8s_openapi::api::core::v1::Pod;
use portolan::cache::{Event, HandlerOptions, Phase, index_by_value};
use portolan::informer::{Registration, SharedInformerFactory};
use portolan::meta::{ApiResource, Key, Object, Resource};
use portolan::object::Lazy;
use portolan::testing::Scripted;

use super::{Log, end_of_initial, event, logger, pod, read, run, stream};

#[test]
fn a_stopped_informer_lets_its_waiters_go() {
    let scripted = Scripted::new([]);
    run(&scripted, async |factory| {
        let pods = factory.informer::<Pod>();
        let registration = pods.add_handler(HandlerOptions::default(), |_: Event<_>| {});
        factory.start();
        let phase = pods
            .wait_for_status(|status| matches!(status.phase, Phase::Retrying { .. }).then_some(status.phase));
        assert!(matches!(phase.await, Phase::Retrying { stale: false, .. }));
        factory.shutdown();
        assert!(factory.wait_for_cache_sync().await.unwrap_err().is_canceled());
        assert!(registration.wait_for_sync().await.unwrap_err().is_canceled());
    });
    assert!(!scripted.asked().is_empty());
}

#[test]
fn a_factory_waits_for_those_it_started_and_starts_none_after_its_end() {
    let answer = || stream().chunk(&event("ADDED", &pod("a", 5, "x"))).chunk(&end_of_initial(9)).hangs();
    let log = Log::default();
    run(&Scripted::new([answer(), answer()]), async |factory| {
        let pods = factory.informer::<Pod>();
        pods.add_handler(HandlerOptions::default(), logger(&log));
        factory.start();
        let late = factory.typed::<Pod>();
        factory.wait_for_cache_sync().await.unwrap();
        factory.shutdown();
        factory.wait_for_end().await;
        assert_eq!(log.lock().unwrap().len(), 1, "its handlers are through too");
        factory.start();
        let newer = factory.dynamic(&Pod::api_resource());
        factory.start();
        assert!(
            factory.follow(&[ApiResource::new("a/v1", "A", "as", true).unwrap()], &[]).appeared.is_empty()
        );
        factory.client().runtime().sleep(Duration::from_secs(1)).await;
        assert_eq!(newer.status().counters.watch_lists + late.status().counters.watch_lists, 0);
    });
}

#[test]
fn a_handler_that_joins_after_the_end_is_told_what_is_there() {
    let answer = stream().chunk(&event("ADDED", &pod("a", 5, "x"))).chunk(&end_of_initial(9)).hangs();
    let log = Log::default();
    run(&Scripted::new([answer]), async |factory| {
        let pods = factory.informer::<Pod>();
        factory.start();
        factory.wait_for_cache_sync().await.unwrap();
        factory.shutdown();
        factory.wait_for_end().await;
        let late = pods.add_handler(HandlerOptions::default(), logger(&log));
        late.wait_for_sync().await.unwrap();
        late.wait_for_end().await.unwrap();
        late.remove();
        assert!(late.wait_for_end().await.is_err());
    });
    assert_eq!(*log.lock().unwrap(), ["Added(n/a@5, initial)"]);
}

#[test]
fn a_handler_may_do_anything_with_its_informer() {
    let answer = stream()
        .chunk(&event("ADDED", &pod("a", 5, "x")))
        .chunk(&event("ADDED", &pod("b", 6, "x")))
        .chunk(&end_of_initial(9))
        .hangs();
    let log = Log::default();
    run(&Scripted::new([answer]), async |factory| {
        let (pods, whole, inner) = (factory.informer::<Pod>(), factory.clone(), log.clone());
        let own = Arc::new(OnceLock::<Registration<Lazy<Pod>>>::new());
        let (informer, registration) = (pods.clone(), own.clone());
        let first = pods.add_handler(HandlerOptions::default(), move |event: Event<Lazy<Pod>>| {
            if event.key().name() == "a" {
                informer
                    .add_index("node", index_by_value(|pod: &Lazy<Pod>| pod.text("spec.nodeName")))
                    .unwrap();
                assert!(!informer.lister().by_index("node", "x").is_empty());
                informer.add_handler(HandlerOptions::default(), logger(&inner));
                assert!(whole.snapshot().len() == 1 && informer.status().objects > 0);
                informer.start();
                informer.wake();
            } else {
                registration.get().unwrap().remove();
                whole.stop(informer.api_resource());
                whole.shutdown();
            }
        });
        own.set(first).unwrap();
        factory.start();
        pods.wait_for_end().await;
        assert!(own.get().unwrap().status().is_none() && factory.status().is_empty());
    });
    let mut told = log.lock().unwrap().clone();
    told.sort();
    assert_eq!(told, ["Added(n/a@5, initial)", "Added(n/b@6, initial)"]);
}

#[test]
fn a_handler_can_see_how_often_it_is_resynced() {
    let answer = || stream().chunk(&end_of_initial(9)).hangs();
    run(&Scripted::new([answer(), answer()]), async |factory| {
        let period = |seconds| {
            let resync_period = Some(Duration::from_secs(seconds));
            HandlerOptions { resync_period, ..HandlerOptions::default() }
        };
        let add = |factory: &SharedInformerFactory, seconds| {
            factory.informer::<Pod>().add_handler(period(seconds), |_: Event<_>| {})
        };
        let resynced = factory.with(|options| {
            options.namespace = "n".to_owned();
            options.reflector.resync_period = Duration::from_secs(60);
        });
        let (never, early) = (add(&factory, 30), add(&resynced, 30));
        factory.start();
        let late = add(&resynced, 10);
        let seconds = |handler: &Registration<Lazy<Pod>>| handler.status().unwrap().resync_period.as_secs();
        assert_eq!([&never, &early, &late].map(seconds), [0, 30, 30]);
    });
}

#[test]
fn a_listers_index_values_are_those_of_its_namespace() {
    let other = pod("b", 6, "node-2").replace(r#""namespace":"n""#, r#""namespace":"m""#);
    let answer = stream()
        .chunk(&event("ADDED", &pod("a", 5, "node-1")))
        .chunk(&event("ADDED", &other))
        .chunk(&end_of_initial(9))
        .hangs();
    run(&Scripted::new([answer]), async |factory| {
        let pods = factory.informer::<Pod>();
        pods.add_index("node", index_by_value(|pod: &Lazy<Pod>| pod.text("spec.nodeName"))).unwrap();
        factory.start();
        factory.wait_for_cache_sync().await.unwrap();
        assert_eq!(pods.lister().namespace("n").index_values("node"), ["node-1"]);
        assert_eq!(pods.lister().index_values("node").len(), 2);
    });
}

#[test]
fn events_come_as_a_stream_too() {
    let answer = stream().chunk(&event("ADDED", &pod("a", 5, "x"))).chunk(&end_of_initial(9)).hangs();
    run(&Scripted::new([answer]), async |factory| {
        let pods = factory.informer::<Pod>();
        let mut events = pods.events(HandlerOptions::default());
        factory.start();
        let first = events.next().await.unwrap();
        assert_eq!(format!("{first:?}"), "Added(n/a@5, initial)");
        assert!(
            !events.registration().has_synced(),
            "the event is not processed until the next is asked for"
        );
        let late: Vec<_> = pods.events(HandlerOptions::default()).take(1).collect().await;
        assert_eq!(late.len(), 1);
        factory.shutdown();
        assert!(events.next().await.is_none());
        assert!(events.registration().has_synced());
    });
}

#[test]
fn what_this_process_wrote_is_read_before_the_watch_brings_it() {
    let answer = stream()
        .chunk(&event("ADDED", &pod("a", 5, "old")))
        .chunk(&event("ADDED", &pod("b", 6, "old")))
        .chunk(&end_of_initial(9))
        .hangs();
    run(&Scripted::new([answer]), async |factory| {
        let pods = factory.informer::<Pod>();
        pods.add_index("node", index_by_value(|pod: &Lazy<Pod>| pod.text("spec.nodeName"))).unwrap();
        factory.start();
        factory.wait_for_cache_sync().await.unwrap();
        let cache = pods.mutation_cache(Duration::from_secs(60));
        let version =
            |name: &str| cache.get(&Key::new("n", name)).map(|pod| pod.meta().resource_version.to_owned());
        cache.mutation(read(&pod("a", 12, "new")));
        cache.mutation(read(&pod("a", 11, "late")));
        cache.mutation(read(&pod("b", 4, "older")));
        cache.mutation(read(&pod("c", 13, "new")));
        assert_eq!(
            ["a", "b", "c", "d"].map(version),
            [Some("12".into()), Some("6".into()), Some("13".into()), None]
        );
        assert_eq!((cache.list().len(), pods.lister().len()), (3, 2));
        assert_eq!([cache.by_index("node", "new").len(), cache.by_index("node", "old").len()], [2, 1]);
        factory.client().runtime().sleep(Duration::from_secs(61)).await;
        assert_eq!(
            ["a", "c"].map(version),
            [Some("5".into()), None],
            "what the watch never brings is forgotten"
        );
    });
}

#[test]
fn what_this_process_wrote_and_somebody_deleted_stays_deleted() {
    let answer = stream()
        .chunk(&event("ADDED", &pod("a", 5, "old")))
        .chunk(&event("ADDED", &pod("b", 6, "old")))
        .chunk(&end_of_initial(9))
        .chunk(&event("DELETED", &pod("a", 12, "old")))
        .chunk(&event("MODIFIED", &pod("b", 14, "old")))
        .hangs();
    run(&Scripted::new([answer]), async |factory| {
        let pods = factory.informer::<Pod>();
        pods.add_index("node", index_by_value(|pod: &Lazy<Pod>| pod.text("spec.nodeName"))).unwrap();
        factory.start();
        pods.wait_for_status(|status| (status.resource_version.as_str() == "14").then_some(())).await;
        let cache = pods.mutation_cache(Duration::from_secs(60));
        let write = || {
            cache.mutation(read(&pod("a", 11, "new")));
            cache.mutation(read(&pod("c", 13, "new")));
            cache.mutation(read(&pod("d", 15, "new")));
        };
        write();
        let is_there = |name: &str| cache.get(&Key::new("n", name)).is_some();
        assert_eq!(["a", "b", "c", "d"].map(is_there), [false, true, false, true]);
        write();
        assert_eq!((cache.list().len(), cache.by_index("node", "new").len()), (2, 1));
        for name in 0..2_000 {
            cache.mutation(read(&pod(&format!("p{name}"), 20, "new")));
        }
        assert_eq!(cache.by_index("node", "new").len(), 1_000, "they are bounded");
        assert!(!is_there("d") && is_there("p1999"), "the oldest went");
    });
}

#[test]
fn a_factory_gives_one_informer_for_one_question() {
    run(&Scripted::new([]), async |factory| {
        let of = |factory: &SharedInformerFactory| factory.informer::<Pod>().lister();
        let same = |one: &SharedInformerFactory, other: &SharedInformerFactory| {
            one.informer::<Pod>().add_index("mark", index_by_value(|_: &Lazy<Pod>| None)).unwrap();
            let found =
                other.informer::<Pod>().add_index("mark", index_by_value(|_: &Lazy<Pod>| None)).is_err();
            one.stop(&Pod::api_resource());
            found
        };
        let narrowed = factory.with(|options| options.namespace = "n".to_owned());
        let selected = factory.with(|options| options.reflector.label_selector = "a=b".parse().unwrap());
        assert!(
            same(&factory, &factory.clone())
                && same(&narrowed, &factory.with(|o| o.namespace = "n".to_owned()))
        );
        assert!(!same(&factory, &narrowed) && !same(&factory, &selected) && !same(&narrowed, &selected));
        assert!(of(&factory).is_empty() && factory.status().len() == 1);
    });
}

#[test]
fn informers_follow_resources_that_appear_and_vanish() {
    let resource =
        |group: &str, plural: &str| ApiResource::new(&format!("{group}/v1"), "Kind", plural, true).unwrap();
    let (widgets, gadgets, pods) =
        (resource("a.example", "widgets"), resource("b.example", "gadgets"), Pod::api_resource());
    run(&Scripted::new([]), async |factory| {
        let mine = factory.informer::<Pod>();
        mine.start();
        let first = factory.follow(&[widgets.clone(), gadgets.clone()], &[]);
        assert_eq!((first.appeared.len(), first.vanished.len()), (2, 0));
        let same = factory.follow(&[widgets.clone(), gadgets.clone()], &[]);
        assert_eq!((same.appeared.len(), same.vanished.len()), (0, 0));

        let unsure = factory.follow(std::slice::from_ref(&gadgets), &[widgets.group_version()]);
        assert!(unsure.vanished.is_empty(), "its group's server does not answer: it may well be there");
        let gone = factory.follow(&[gadgets], &[]);
        assert_eq!(gone.vanished, std::slice::from_ref(&widgets));
        let stopped = first.appeared.iter().find(|informer| *informer.api_resource() == widgets).unwrap();
        assert!(stopped.wait_for_cache_sync().await.unwrap_err().is_canceled());

        assert_eq!(factory.follow(&[widgets], &[]).appeared.len(), 1, "back again: a new informer");
        assert!(
            factory.status().iter().any(|(resource, _)| *resource == pods),
            "what others asked for stays"
        );
    });
}
