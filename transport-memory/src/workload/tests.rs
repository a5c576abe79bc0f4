//! The workload: what it plants, how it lives, and that it minds what others do.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use k8s_openapi::api::{apps, batch, core, discovery};
use portolan::meta::{GroupVersionResource, Key};
use portolan::time::Simulator;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Kind, Workload, WorkloadOptions, objects};
use crate::cluster::{Cluster, ClusterOptions};
use crate::value::{at, integer, list, text};

struct World {
    simulator: Simulator,
    cluster: Cluster,
    workload: Workload,
}

impl World {
    fn new(seed: u64, pods: usize, changes_per_second: f64) -> Self {
        let simulator = Simulator::new(seed);
        let options = ClusterOptions { history: 100_000, ..ClusterOptions::default() };
        let cluster = Cluster::with_options(simulator.runtime(seed), options);
        let options = WorkloadOptions { pods, changes_per_second, events: 100 };
        let workload = Workload::new(&cluster, seed, &options).unwrap();
        Self { simulator, cluster, workload }
    }

    fn live(&mut self, seconds: u64) {
        let life = self.workload.run_for(Duration::from_secs(seconds));
        self.simulator.run(Duration::from_secs(1_000_000), life).unwrap();
    }

    fn all(&self, kind: &Kind) -> Vec<Value> {
        self.cluster.objects(&kind.gvr())
    }

    /// The pods of an app that are not ending.
    fn pods_of(&self, namespace: &str, app: &str) -> Vec<Value> {
        let mine = |pod: &Value| {
            text(pod, "metadata.namespace") == namespace
                && at(pod, "metadata.labels").is_some_and(|labels| labels["app.kubernetes.io/name"] == app)
        };
        self.all(&objects::POD).into_iter().filter(mine).collect()
    }

    fn some_deployment(&self) -> (String, String) {
        let deployments = self.all(&objects::DEPLOYMENT);
        let first = deployments.first().unwrap();
        (text(first, "metadata.namespace").to_owned(), text(first, "metadata.name").to_owned())
    }
}

fn read<K: DeserializeOwned>(objects: &[Value]) {
    assert!(!objects.is_empty());
    for object in objects {
        let read: Result<K, _> = serde_json::from_value(object.clone());
        assert!(read.is_ok(), "{}: {}", read.err().unwrap(), text(object, "metadata.name"));
    }
}

#[test]
fn what_grows_bit_by_bit_is_what_is_planted_at_once() {
    let planted = World::new(5, 60, 5.0);
    let simulator = Simulator::new(5);
    let options = ClusterOptions { history: 100_000, ..ClusterOptions::default() };
    let cluster = Cluster::with_options(simulator.runtime(5), options);
    let options = WorkloadOptions { pods: 60, changes_per_second: 5.0, events: 100 };
    let grown =
        simulator.run(Duration::from_secs(60), Workload::grow(&cluster, 5, &options)).unwrap().unwrap();
    assert_eq!(grown.pods(), planted.workload.pods());
    for kind in [&objects::POD, &objects::NODE, &objects::DEPLOYMENT] {
        assert_eq!(cluster.objects(&kind.gvr()), planted.all(kind));
    }
}

#[test]
fn there_are_as_many_pods_as_asked_for() {
    for pods in [12, 40, 150, 1_000] {
        let world = World::new(3, pods, 5.0);
        assert_eq!(world.all(&objects::POD).len(), pods);
        assert_eq!(world.workload.pods(), pods);
    }
}

#[test]
fn ten_thousand_pods_are_planted() {
    let world = World::new(1, 10_000, 5.0);
    assert_eq!(world.all(&objects::POD).len(), 10_000);
    assert!(world.all(&objects::DEPLOYMENT).len() > 300);
}

#[test]
fn objects_are_what_kubernetes_says_they_are() {
    let mut world = World::new(2, 80, 30.0);
    for _ in 0..2 {
        read::<core::v1::Pod>(&world.all(&objects::POD));
        read::<core::v1::Node>(&world.all(&objects::NODE));
        read::<apps::v1::Deployment>(&world.all(&objects::DEPLOYMENT));
        read::<apps::v1::ReplicaSet>(&world.all(&objects::REPLICA_SET));
        read::<apps::v1::StatefulSet>(&world.all(&objects::STATEFUL_SET));
        read::<apps::v1::DaemonSet>(&world.all(&objects::DAEMON_SET));
        read::<batch::v1::Job>(&world.all(&objects::JOB));
        read::<discovery::v1::EndpointSlice>(&world.all(&objects::ENDPOINT_SLICE));
        read::<k8s_openapi::api::coordination::v1::Lease>(&world.all(&objects::LEASE));
        world.live(60);
        read::<core::v1::Event>(&world.all(&objects::EVENT));
    }
    for resource in ["services", "secrets", "configmaps", "serviceaccounts"] {
        let gvr = GroupVersionResource { group: "".into(), version: "v1".into(), resource: resource.into() };
        assert!(world.cluster.objects(&gvr).len() >= 6, "{resource}");
    }
    for pod in world.all(&objects::POD) {
        let bytes = pod.to_string().len();
        assert!((3_000..8_000).contains(&bytes), "{bytes}");
    }
}

#[test]
fn pods_belong_to_somebody() {
    let mut world = World::new(4, 80, 40.0);
    world.live(120);
    let mut owners = BTreeSet::new();
    for kind in [&objects::REPLICA_SET, &objects::STATEFUL_SET, &objects::DAEMON_SET, &objects::JOB] {
        for owner in world.all(kind) {
            owners.insert(format!(
                "{} {} {}",
                kind.kind,
                text(&owner, "metadata.name"),
                text(&owner, "metadata.uid")
            ));
        }
    }
    for pod in world.all(&objects::POD) {
        let owner = list(&pod, "metadata.ownerReferences").next().unwrap();
        let wanted = format!("{} {} {}", text(owner, "kind"), text(owner, "name"), text(owner, "uid"));
        assert!(owners.contains(&wanted), "{wanted}");
    }
}

#[test]
fn the_same_seed_lives_the_same_life() {
    let life = |seed: u64| {
        let mut world = World::new(seed, 60, 20.0);
        world.live(60);
        (world.cluster.version(), world.all(&objects::POD), world.all(&objects::EVENT))
    };
    assert_eq!(life(5), life(5));
    assert_ne!(life(5).1, life(6).1);
}

#[test]
fn life_is_full_of_troubles_that_pass() {
    let mut world = World::new(7, 50, 12.0);
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..150 {
        world.live(6);
        for pod in world.all(&objects::POD) {
            *seen.entry(text(&pod, "status.phase").to_owned()).or_default() += 1;
            for status in list(&pod, "status.containerStatuses") {
                for path in ["state.waiting.reason", "state.terminated.reason", "lastState.terminated.reason"]
                {
                    *seen.entry(text(status, path).to_owned()).or_default() += 1;
                }
            }
        }
        for event in world.all(&objects::EVENT) {
            *seen.entry(text(&event, "reason").to_owned()).or_default() += 1;
        }
        assert!(world.all(&objects::EVENT).len() <= 100);
    }
    let wanted = [
        "Pending",
        "Running",
        "Succeeded",
        "ContainerCreating",
        "CrashLoopBackOff",
        "ImagePullBackOff",
        "OOMKilled",
        "Scheduled",
        "Started",
        "Killing",
        "BackOff",
        "Unhealthy",
        "ScalingReplicaSet",
        "NodeNotReady",
        "NodeReady",
    ];
    for wanted in wanted {
        assert!(seen.contains_key(wanted), "{wanted} was never seen among {seen:?}");
    }
    let running =
        world.all(&objects::POD).iter().filter(|pod| text(pod, "status.phase") == "Running").count();
    assert!(running > 25, "{running} of about 50");
    let revisions = world.all(&objects::DEPLOYMENT);
    let rolled = revisions.iter().filter(|deployment| {
        let annotations = at(deployment, "metadata.annotations").unwrap();
        annotations["deployment.kubernetes.io/revision"].as_str().unwrap().parse::<u32>().unwrap() > 3
    });
    assert!(rolled.count() > 1);
}

#[test]
fn reports_agree_with_the_pods() {
    let mut world = World::new(8, 80, 40.0);
    world.live(120);
    for deployment in world.all(&objects::DEPLOYMENT) {
        let (namespace, name) = (text(&deployment, "metadata.namespace"), text(&deployment, "metadata.name"));
        let pods = world.pods_of(namespace, name);
        let stopping = |pod: &&Value| {
            at(pod, "metadata.annotations")
                .is_some_and(|notes| notes.get("demo.example.com/stopping").is_some())
        };
        let ready = pods.iter().filter(|pod| !stopping(pod)).filter(|pod| {
            list(pod, "status.conditions")
                .any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
        });
        assert_eq!(
            integer(&deployment, "status.readyReplicas"),
            Some(ready.count() as i64),
            "{namespace}/{name}"
        );
    }
}

#[test]
fn changes_come_at_the_rate_asked_for() {
    for rate in [2.0, 50.0, 400.0] {
        let mut world = World::new(9, 100, rate);
        let before = world.cluster.version();
        world.live(20);
        let made = (world.cluster.version() - before) as f64;
        assert!((rate * 12.0..rate * 26.0).contains(&made), "{made} writes in 20 s at {rate} a second");
    }
    let mut still = World::new(9, 50, 0.0);
    let before = still.cluster.version();
    still.live(100);
    assert_eq!(still.cluster.version(), before);
}

#[test]
fn however_much_happens_most_nodes_are_ready_and_more_happens() {
    let mut world = World::new(12, 100, 400.0);
    for _ in 0..4 {
        let before = world.cluster.version();
        world.live(20);
        let made = world.cluster.version() - before;
        assert!(made > 20 * 400 * 8 / 10, "{made} writes in 20 s");
        let nodes = world.all(&objects::NODE);
        let ready = |node: &&Value| {
            list(node, "status.conditions").any(|one| one["type"] == "Ready" && one["status"] == "True")
        };
        let ready = nodes.iter().filter(ready).count();
        assert!(ready * 4 >= nodes.len() * 3, "{ready} of {} nodes are ready", nodes.len());
    }
}

#[test]
fn what_others_do_is_minded() {
    let mut world = World::new(10, 60, 40.0);
    let (namespace, name) = world.some_deployment();
    let key = Key::new(&namespace, &name);
    let set = |replicas: i64| {
        world
            .cluster
            .modify(&objects::DEPLOYMENT.gvr(), &key, |object| object["spec"]["replicas"] = json!(replicas))
    };
    set(0).unwrap();
    world.live(120);
    let deployment = world.cluster.object(&objects::DEPLOYMENT.gvr(), &key).unwrap();
    let wanted = integer(&deployment, "spec.replicas").unwrap();
    assert!(wanted < 8, "the workload took over from 0: {wanted}");

    let nobody = Key::new(
        "kube-system",
        text(world.pods_of("kube-system", "node-agent").first().unwrap(), "metadata.name"),
    );
    world.cluster.delete(&objects::POD.gvr(), &nobody).unwrap();
    let before = world.pods_of("kube-system", "node-agent").len();
    world.live(60);
    assert_eq!(world.pods_of("kube-system", "node-agent").len(), before + 1, "a deleted pod is replaced");

    world.cluster.delete(&objects::DEPLOYMENT.gvr(), &key).unwrap();
    world.live(60);
    assert!(world.pods_of(&namespace, &name).is_empty(), "pods go with their deployment");
    assert!(world.cluster.object(&objects::DEPLOYMENT.gvr(), &key).is_none());
}

#[test]
fn run_lives_until_it_is_dropped() {
    let world = World::new(11, 30, 10.0);
    let before = world.cluster.version();
    let runtime = world.cluster.runtime().clone();
    let life = Box::pin(world.workload.run());
    let ended = world.simulator.run(Duration::from_secs(10_000), async {
        futures::future::select(life, runtime.sleep(Duration::from_secs(500))).await;
    });
    assert_eq!(ended, Some(()));
    assert!(world.cluster.version() > before + 4_000);
}
