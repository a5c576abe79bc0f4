//! Controllers, leader election, events and waiting, on the cluster in memory and in virtual time.

use std::cell::RefCell;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use futures::future::{Either, join, join_all, select};
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::{ConfigMap, Event as CoreEvent, ObjectReference, Pod};
use k8s_openapi::api::events::v1::Event;
use portolan::Error;
use portolan::client::Client;
use portolan::controller::{
    Controller, Coordinated, CorrelatorOptions, ElectionOptions, EventApi, EventRecorder, LeaderElector,
    Leadership, Note, controller_reference, generation_changed, object_reference,
};
use portolan::informer::{FactoryOptions, Next, SharedInformerFactory};
use portolan::meta::{GroupVersionResource, Key, ListOptions, Object, ObjectMeta, Resource, WatchOptions};
use portolan::object::Lazy;
use portolan::policy::Random;
use portolan::rest::WatchEvent;
use portolan::status::{StatusDetails, failure, reason};
use portolan::testing::Scripted;
use portolan::time::{Clock, Runtime, Simulator};
use portolan::transport::{Body, Transport};
use portolan::wait::{RetryWatcher, conditions, until, until_event};
use portolan_memory::{Cluster, ClusterOptions};
use serde_json::json;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn run<T>(simulator: &Simulator, test: impl Future<Output = T>) -> T {
    simulator.run(seconds(100_000), test).unwrap_or_else(|| panic!("it hangs"))
}

fn elector(client: &Client, name: &str) -> LeaderElector {
    LeaderElector::new(client, ElectionOptions::new("default", "lock", name)).unwrap()
}

#[test]
fn one_of_three_leads_and_the_next_follows_at_once_when_it_ends() {
    for seed in 0..20 {
        let simulator = Simulator::new(seed);
        let cluster = Cluster::new(simulator.runtime(seed));
        let story = Mutex::new(Vec::new());
        let compete = async |name: &'static str| {
            let client = Client::new(cluster.transport(), Default::default(), simulator.runtime(seed));
            let mut elector = elector(&client, name);
            let work = async |leadership: Leadership| {
                story.lock().unwrap().push((name, simulator.now().since_origin()));
                for _ in 0..60 {
                    simulator.runtime(0).sleep(seconds(1)).await;
                    leadership.check().unwrap();
                }
            };
            elector.run(work).await.unwrap();
            assert!(!elector.leadership().is_held());
        };
        run(&simulator, join_all(["a", "b", "c"].map(compete)));
        let story = story.into_inner().unwrap();
        assert_eq!(story.len(), 3, "{story:?}");
        for pair in story.windows(2) {
            let pause = pair[1].1 - pair[0].1 - seconds(60);
            assert!(pause <= seconds(5), "a Lease that was given up is taken at the next look: {story:?}");
        }
        assert_eq!(simulator.live_tasks(), Vec::<&str>::new());
    }
}

#[test]
fn a_leader_that_is_dropped_gives_the_lease_up_and_one_cut_off_ends_in_time() {
    let simulator = Simulator::new(1);
    let cluster = Cluster::new(simulator.runtime(1));
    let client = cluster.client();
    let leaders = Arc::new(Mutex::new(Vec::new()));
    run(&simulator, async {
        let told = leaders.clone();
        let mut first =
            elector(&client, "first").on_new_leader(move |name| told.lock().unwrap().push(name.to_owned()));
        let guard = first.leadership();
        let forever = first.run(async |_| std::future::pending::<()>().await);
        drop(select(Box::pin(forever), simulator.runtime(0).sleep(seconds(30))).await);
        assert!(!guard.is_held());
        assert_eq!(*leaders.lock().unwrap(), ["first"]);

        let before = simulator.now();
        let recorder = EventRecorder::new(&client, "example.com/test", "second");
        let mut second = elector(&client, "second").with_events(recorder.clone());
        second.run(async |_| assert!(simulator.now() - before < seconds(5))).await.unwrap();
        recorder.flush(seconds(60)).await.unwrap();
        let events = client.api::<Event>("default").list(&ListOptions::default()).await.unwrap().items;
        let mut notes: Vec<_> = events.iter().map(|event| event.note.as_deref().unwrap()).collect();
        notes.sort_unstable();
        assert_eq!(notes, ["second became leader", "second stopped leading"]);

        // Somebody takes the Lease away: the leader ends when it sees that, and says so.
        let mut third = elector(&client, "third");
        let robbed = third.run(async |leadership| {
            let leases = GroupVersionResource {
                group: "coordination.k8s.io".into(),
                version: "v1".into(),
                resource: "leases".into(),
            };
            cluster
                .modify(&leases, &Key::new("default", "lock"), |lease| {
                    lease["spec"]["holderIdentity"] = "robber".into();
                })
                .unwrap();
            while leadership.is_held() {
                simulator.runtime(0).sleep(Duration::from_millis(100)).await;
            }
            std::future::pending::<()>().await;
        });
        let error = robbed.await.unwrap_err();
        assert!(error.is_canceled() && error.to_string().contains("another holds the lease"), "{error}");
        assert_eq!(third.leadership().leader(), "robber");
    });
}

/// A network of which each way takes up to 400 ms.
#[derive(Debug)]
struct Slow<T> {
    inner: T,
    runtime: Runtime,
    random: Mutex<Random>,
}

#[async_trait]
impl<T: Transport> Transport for Slow<T> {
    async fn send(&self, request: http::Request<Body>) -> Result<http::Response<Body>, Error> {
        let way = || Duration::from_millis(self.random.lock().unwrap().below(400));
        let (there, back) = (way(), way());
        self.runtime.sleep(there).await;
        let answer = self.inner.send(request).await;
        self.runtime.sleep(back).await;
        answer
    }
}

#[test]
fn an_elector_that_gets_nowhere_says_why() {
    let simulator = Simulator::new(4);
    let cluster = Cluster::new(simulator.runtime(4));
    cluster.react("get", "leases", |_| Some(Err(Error::api(failure(403, reason::FORBIDDEN, "no rights")))));
    let told = Arc::new(Mutex::new(Vec::new()));
    let heard = told.clone();
    // The cluster serves no LeaseCandidates either.
    let coordinated = Some(Coordinated::new("1.0.0"));
    let options = ElectionOptions { coordinated, ..ElectionOptions::new("default", "lock", "a") };
    let elector = LeaderElector::new(&cluster.client(), options).unwrap();
    let mut elector = elector.on_error(move |error| heard.lock().unwrap().push(error.to_owned()));
    run(&simulator, async {
        let lead = elector.run(async |_| panic!("it leads"));
        assert!(matches!(
            select(Box::pin(lead), simulator.runtime(0).sleep(seconds(60))).await,
            Either::Right(_)
        ));
        simulator.runtime(0).sleep(seconds(1)).await;
    });
    let told = told.lock().unwrap();
    assert!(told.iter().filter(|error| error.contains("no rights")).count() > 5, "{told:?}");
    assert!(told.iter().any(|error| error.contains("leasecandidates")), "{told:?}");
    assert_eq!(simulator.live_tasks(), Vec::<&str>::new());
}

#[test]
fn an_elector_that_runs_again_is_not_undone_by_the_release_of_its_last_run() {
    for seed in 0..200 {
        let simulator = Simulator::new(seed);
        let cluster = Cluster::new(simulator.runtime(seed));
        let (runtime, random) = (simulator.runtime(seed), Mutex::new(Random::new(seed)));
        let slow = Slow { inner: cluster.transport(), runtime: runtime.clone(), random };
        let client = Client::new(Arc::new(slow), Default::default(), runtime);
        let leaders = Mutex::new(0);
        let (leaders, simulated) = (&leaders, &simulator);
        let work = |leadership: Leadership| async move {
            *leaders.lock().unwrap() += 1;
            for _ in 0..100 {
                leadership.check().unwrap_or_else(|error| panic!("seed {seed}: {error}"));
                assert_eq!(*leaders.lock().unwrap(), 1, "seed {seed}: so many lead at once");
                simulated.runtime(0).sleep(Duration::from_millis(100)).await;
            }
            *leaders.lock().unwrap() -= 1;
        };
        run(&simulator, async {
            let mut first = elector(&client, "first");
            let forever = first.run(async |_| std::future::pending::<()>().await);
            drop(select(Box::pin(forever), simulator.runtime(0).sleep(seconds(30))).await);
            let mut second = elector(&client, "second");
            let (first, second) = join(first.run(work), second.run(work)).await;
            first.and(second).unwrap();
        });
        assert_eq!(simulator.live_tasks(), Vec::<&str>::new());
    }
}

#[test]
fn a_controller_owns_children_looks_again_and_stops() {
    let simulator = Simulator::new(3);
    let cluster = Cluster::new(simulator.runtime(3));
    let client = cluster.client();
    let set = cluster
        .create(json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "web"}}))
        .unwrap();
    let resource = ReplicaSet::api_resource();
    let metadata: ObjectMeta = serde_json::from_value(set["metadata"].clone()).unwrap();
    let owner = controller_reference(&metadata, &resource);
    let factory = SharedInformerFactory::new(&client, FactoryOptions::default());
    let (sets, pods) = (factory.informer::<ReplicaSet>(), factory.informer::<Pod>());
    let seen = RefCell::new(Vec::new());
    let controller = Controller::filtered(&sets, generation_changed).owns(&pods);
    let queue = controller.queue().clone();
    run(&simulator, async {
        let run = controller.run(2, async |key| {
            let there = sets.lister().get(&key).is_some();
            seen.borrow_mut().push((key.to_string(), there, simulator.now().since_origin().as_secs()));
            Ok::<_, Error>(Next::After(seconds(600)))
        });
        let story = async {
            let runtime = simulator.runtime(0);
            runtime.sleep(seconds(10)).await;
            let child = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web-1", "ownerReferences": [owner]}});
            cluster.create(child).unwrap();
            runtime.sleep(seconds(10)).await;
            let other = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "alone"}});
            cluster.create(other).unwrap();
            cluster
                .modify(&resource.gvr(), &Key::new("default", "web"), |set| {
                    set["status"]["replicas"] = 1.into();
                })
                .unwrap();
            runtime.sleep(seconds(600)).await;
            cluster.delete(&resource.gvr(), &Key::new("default", "web")).unwrap();
            runtime.sleep(seconds(10)).await;
            queue.shut_down();
        };
        join(run, story).await.0.unwrap();
        factory.shutdown();
        simulator.runtime(0).sleep(seconds(1)).await;
    });
    let web = |there, second| ("default/web".to_owned(), there, second);
    // The server collects its child in the same moment: one look serves both when no worker was faster.
    let mut looks = seen.into_inner();
    looks.dedup();
    assert_eq!(looks, [web(true, 0), web(true, 10), web(true, 600), web(false, 620)]);
    assert_eq!(simulator.live_tasks(), Vec::<&str>::new(), "its handlers are removed");
}

#[test]
fn a_controller_whose_informer_is_stopped_says_so() {
    let simulator = Simulator::new(3);
    let cluster = Cluster::new(simulator.runtime(3));
    let factory = SharedInformerFactory::new(&cluster.client(), FactoryOptions::default());
    let pods = factory.informer::<Pod>();
    factory.shutdown();
    let outcome = run(&simulator, Controller::new(&pods).run(1, async |_| Ok::<_, Error>(())));
    assert!(outcome.unwrap_err().is_canceled());
}

#[test]
fn a_controller_ends_when_an_informer_of_its_is_stopped() {
    let simulator = Simulator::new(3);
    let cluster = Cluster::new(simulator.runtime(3));
    let runtime = simulator.runtime(0);
    cluster.create(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}})).unwrap();
    let factory = SharedInformerFactory::new(&cluster.client(), FactoryOptions::default());
    let (pods, maps) = (factory.informer::<Pod>(), factory.informer::<ConfigMap>());
    run(&simulator, async {
        let looks = RefCell::new(0);
        let controller = Controller::new(&maps).watches(&pods, |pod| [pod.key()]);
        let reconcile = async |_| {
            *looks.borrow_mut() += 1;
            Ok::<_, Error>(Next::After(seconds(10)))
        };
        let stop = async {
            runtime.sleep(seconds(25)).await;
            factory.stop(&Pod::api_resource());
        };
        let (outcome, ()) = join(controller.run(1, reconcile), stop).await;
        outcome.unwrap();
        assert_eq!(*looks.borrow(), 3);
        assert!(maps.handlers().is_empty() && !maps.is_stopped());

        factory.shutdown();
        factory.wait_for_end().await;
        Controller::new(&maps).run(1, async |_| Ok::<_, Error>(())).await.unwrap();
    });
}

#[test]
fn events_that_repeat_become_a_series() {
    let simulator = Simulator::new(1);
    let cluster = Cluster::new(simulator.runtime(1));
    let client = cluster.client();
    let pod =
        cluster.create(json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}})).unwrap();
    let pod: Pod = serde_json::from_value(pod).unwrap();
    let recorder = EventRecorder::new(&client, "example.com/test", "here");
    let fail = || {
        let note = Note::warning("Failed", "Try", "it failed");
        recorder.record(object_reference(&pod, &Pod::api_resource()), note);
    };
    let list = async || client.api::<Event>("default").list(&ListOptions::default()).await.unwrap().items;
    let events = run(&simulator, async {
        (0..5).for_each(|_| fail());
        recorder.record(
            object_reference(&pod, &Pod::api_resource()),
            Note::normal("Went", "Try", "x".repeat(5_000)),
        );
        recorder.flush(seconds(60)).await.unwrap();
        list().await
    });
    let mut told: Vec<_> = events
        .iter()
        .map(|event| {
            let count = event.series.as_ref().map_or(1, |series| series.count);
            (event.reason.as_deref().unwrap(), event.type_.as_deref().unwrap(), count)
        })
        .collect();
    told.sort_unstable();
    assert_eq!(told, [("Failed", "Warning", 5), ("Went", "Normal", 1)]);
    assert!(events.iter().all(|event| event.note.as_ref().unwrap().len() <= 1_024));
    let status = recorder.status();
    assert_eq!((status.waiting, status.written, status.filtered, status.failed), (0, 4, 0, 0));
    (0..2).for_each(|_| fail());
    drop(recorder);
    let events = run(&simulator, async {
        simulator.runtime(0).sleep(seconds(1)).await;
        list().await
    });
    let count = events.iter().filter_map(|event| Some(event.series.as_ref()?.count)).max();
    assert_eq!(count, Some(7), "what was not told yet is told at the end");
    assert_eq!(simulator.live_tasks(), Vec::<&str>::new());
}

#[test]
fn events_of_core_v1_are_counted_combined_and_filtered() {
    let simulator = Simulator::new(1);
    let cluster = Cluster::new(simulator.runtime(1));
    let client = cluster.client();
    let node =
        cluster.create(json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-1"}})).unwrap();
    let node: k8s_openapi::api::core::v1::Node = serde_json::from_value(node).unwrap();
    let recorder =
        EventRecorder::with_options(&client, "test", "here", EventApi::CoreV1, CorrelatorOptions::default());
    let events = run(&simulator, async {
        let reference = object_reference(&node, &k8s_openapi::api::core::v1::Node::api_resource());
        for _ in 0..3 {
            recorder.record(reference.clone(), Note::normal("Same", "", "the same"));
        }
        for number in 0..40 {
            recorder.record(reference.clone(), Note::normal("Many", "", format!("number {number}")));
        }
        recorder.flush(seconds(60)).await.unwrap();
        client.api::<CoreEvent>("default").list(&ListOptions::default()).await.unwrap().items
    });
    let count = |reason: &str| events.iter().filter(|event| event.reason.as_deref() == Some(reason)).count();
    assert_eq!((count("Same"), count("Many")), (1, 10));
    let same = events.iter().find(|event| event.reason.as_deref() == Some("Same")).unwrap();
    assert_eq!(same.count, Some(3));
    let combined =
        events.iter().find(|event| event.message.as_deref().unwrap().starts_with("(combined")).unwrap();
    assert_eq!(
        (combined.count, combined.message.as_deref()),
        (Some(13), Some("(combined from similar events): number 21"))
    );
    assert_eq!((recorder.status().written, recorder.status().filtered), (25, 18));
}

#[test]
fn events_that_cannot_be_written_are_counted() {
    let simulator = Simulator::new(1);
    let cluster = Cluster::new(simulator.runtime(1));
    let recorder = EventRecorder::new(&cluster.client(), "example.com/test", "here");
    let nowhere = ObjectReference {
        kind: Some("Pod".to_owned()),
        name: Some("web".to_owned()),
        namespace: Some("nowhere".to_owned()),
        ..ObjectReference::default()
    };
    for _ in 0..1_100 {
        recorder.record(nowhere.clone(), Note::normal("Went", "Go", "it went"));
    }
    assert_eq!((recorder.status().waiting, recorder.status().dropped), (1_000, 100));
    run(&simulator, recorder.flush(seconds(60))).unwrap();
    // The event, the series it would have become, and its count; a namespace that is not there is no reason to try again.
    let status = recorder.status();
    assert_eq!((status.waiting, status.written, status.failed), (0, 0, 3));
    assert!(status.last_error.unwrap().contains("nowhere"));
}

#[test]
fn who_waits_for_events_to_be_written_waits_as_long_as_they_say() {
    let simulator = Simulator::new(1);
    let nobody = Arc::new(Scripted::new([]));
    let client = Client::new(nobody, Default::default(), simulator.runtime(1));
    let recorder = EventRecorder::new(&client, "example.com/test", "here");
    recorder.record(ObjectReference::default(), Note::normal("Went", "Go", "it went"));
    let late = run(&simulator, recorder.flush(seconds(5))).unwrap_err();
    assert!(late.is_timeout() && late.to_string().contains("1 events are not written after 5s"), "{late}");
    // It is given up after twelve tries, and both hear of it.
    let both = join(recorder.flush(seconds(1_000)), recorder.flush(seconds(1_000)));
    assert!(matches!(run(&simulator, both), (Ok(()), Ok(()))));
    assert_eq!((recorder.status().waiting, recorder.status().failed), (0, 1));
}

#[test]
fn what_is_waited_for_is_seen_through_a_compaction() {
    let simulator = Simulator::new(5);
    let cluster = Cluster::new(simulator.runtime(5));
    let client = cluster.client();
    let deployments = client.api::<Lazy<Deployment>>("default");
    let resource = Deployment::api_resource().gvr();
    let key = Key::new("default", "web");
    run(&simulator, async {
        let story = async {
            let runtime = simulator.runtime(0);
            runtime.sleep(seconds(5)).await;
            cluster.create(json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "generation": 1},
                "spec": {"replicas": 1}})).unwrap();
            cluster.compact();
            runtime.sleep(seconds(5)).await;
            cluster
                .modify(&resource, &key, |deployment| {
                    deployment["status"] = json!({"observedGeneration": deployment["metadata"]["generation"],
                    "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1});
                })
                .unwrap();
            cluster.compact();
        };
        let wait = until(&deployments, "web", seconds(600), conditions::rolled_out);
        let (seen, ()) = join(wait, story).await;
        assert_eq!(seen.unwrap().unwrap().key(), key);
        let (gone, ()) = join(until(&deployments, "web", seconds(600), conditions::deleted), async {
            simulator.runtime(0).sleep(seconds(5)).await;
            cluster.delete(&resource, &key).unwrap();
        })
        .await;
        assert!(gone.unwrap().is_none());
        let late = until(&deployments, "web", seconds(7), conditions::rolled_out).await.unwrap_err();
        assert!(late.is_timeout() && late.to_string().contains("wait for deployments.apps web"), "{late}");
        simulator.runtime(0).sleep(seconds(1)).await;
    });
    assert_eq!(simulator.live_tasks(), Vec::<&str>::new());
}

/// Of client-go's retrywatcher_test.go "recovers from 429 and waits for as long as it says", longer than any request is
/// tried.
#[test]
fn a_retry_watcher_asks_a_busy_server_again_as_seldom_as_it_says() {
    const REFUSALS: usize = 15;
    let simulator = Simulator::new(3);
    let cluster = Cluster::new(simulator.runtime(3));
    let api = cluster.client().api::<Lazy<ConfigMap>>("default");
    run(&simulator, async {
        let version = api.list(&ListOptions::default()).await.unwrap().head.resource_version;
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (runtime, times) = (simulator.runtime(0), asked.clone());
        cluster.react("watch", "configmaps", move |_| {
            let mut busy = failure(429, reason::TOO_MANY_REQUESTS, "busy");
            busy.details = Some(StatusDetails { retry_after_seconds: Some(7), ..StatusDetails::default() });
            let mut times = times.lock().unwrap();
            times.push(runtime.clock.now());
            (times.len() <= REFUSALS).then(|| Err(Error::api(busy)))
        });
        let options = WatchOptions { resource_version: version, ..WatchOptions::default() };
        let mut watcher = RetryWatcher::new(&api, options).unwrap();
        cluster.create(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}})).unwrap();
        assert!(matches!(watcher.next().await, Some(Ok(WatchEvent::Added(_)))));
        let times = asked.lock().unwrap();
        assert_eq!(times.len(), REFUSALS + 1);
        assert!(times.windows(2).all(|pair| pair[1] - pair[0] == seconds(7)), "{times:?}");
    });
}

/// The situations of client-go's retrywatcher_test.go: watches end, an error in between, the version expires.
#[test]
fn a_retry_watcher_misses_nothing_and_ends_when_it_would() {
    let simulator = Simulator::new(2);
    let options = ClusterOptions { bookmark_interval: seconds(20), ..ClusterOptions::default() };
    let cluster = Cluster::with_options(simulator.runtime(2), options);
    let client = cluster.client();
    let configmaps = client.api::<Lazy<ConfigMap>>("default");
    let gvr = ConfigMap::api_resource().gvr();
    run(&simulator, async {
        let version = configmaps.list(&ListOptions::default()).await.unwrap().head.resource_version;
        for wrong in ["", "0"] {
            let options = WatchOptions { resource_version: wrong.into(), ..WatchOptions::default() };
            assert!(RetryWatcher::new(&configmaps, options).is_err());
        }
        // The server ends each watch after three seconds.
        let options =
            WatchOptions { resource_version: version, timeout: Some(seconds(3)), ..WatchOptions::default() };
        let mut watcher = RetryWatcher::new(&configmaps, options.clone()).unwrap();
        let writes = async {
            for number in 0..20 {
                simulator.runtime(0).sleep(seconds(1)).await;
                let name = format!("c{number}");
                cluster
                    .create(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}))
                    .unwrap();
            }
            cluster.delete(&gvr, &Key::new("default", "c7")).unwrap();
        };
        let reads = async {
            let mut names = Vec::new();
            let last = until_event(&mut watcher, |event| {
                if let WatchEvent::Added(object) = event {
                    names.push(object.meta().name.to_owned());
                }
                Ok(matches!(event, WatchEvent::Deleted(_)))
            });
            assert!(
                matches!(last.await.unwrap(), Some(WatchEvent::Deleted(object)) if object.meta().name == "c7")
            );
            names
        };
        let (names, ()) = join(reads, writes).await;
        assert_eq!(names, (0..20).map(|number| format!("c{number}")).collect::<Vec<_>>());

        cluster.compact();
        cluster
            .create(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "later"}}))
            .unwrap();
        let mut late = RetryWatcher::new(&configmaps, options).unwrap();
        assert!(late.next().await.unwrap().unwrap_err().is_expired());
        assert!(late.next().await.is_none());
        match select(watcher.next(), simulator.runtime(0).sleep(seconds(60))).await {
            Either::Left((Some(Ok(WatchEvent::Added(object))), _)) => assert_eq!(object.meta().name, "later"),
            Either::Left((Some(Err(error)), _)) => assert!(error.is_expired(), "{error}"),
            other => panic!(
                "neither the event nor the news that it is lost: {}",
                matches!(other, Either::Right(_))
            ),
        }
    });
}
