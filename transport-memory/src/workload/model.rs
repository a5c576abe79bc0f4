//! What the workload believes and decides: nodes, apps and pods, what is due when, and what happens next.
//!
//! Invariant: pure. The same seed, times and news give the same changes; nothing here reads or writes the cluster.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use portolan::meta::Key;
use serde_json::{Value, json};

use super::events::About;
use super::{Kind, Write, objects, pods};
use crate::chance::Chance;

/// A node.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) zone: &'static str,
    pub(crate) address: String,
    /// The first three numbers of its pods' addresses.
    pub(crate) pod_network: String,
    pub(crate) ready: bool,
    /// Since when it is ready or not.
    pub(crate) since: Duration,
}

/// Which controller an app has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AppKind {
    Deployment,
    StatefulSet,
    DaemonSet,
    Job,
}

/// How an app's pods do.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) pods: usize,
    pub(crate) ready: usize,
    /// Of the newest revision.
    pub(crate) updated: usize,
    pub(crate) updated_ready: usize,
    pub(crate) succeeded: usize,
}

/// A Deployment, StatefulSet, DaemonSet or Job with its pods.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) kind: AppKind,
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) uid: String,
    pub(crate) replicas: usize,
    pub(crate) revision: u32,
    pub(crate) rolling: bool,
    pub(crate) created: Duration,
    pub(crate) since: Duration,
    pub(crate) tally: Tally,
    pub(crate) pods: Vec<u64>,
    /// Somebody deleted it.
    pub(crate) gone: bool,
}

/// Where a pod is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Pending,
    Creating,
    PullFailing,
    Running,
    Unready,
    Crashing,
    OutOfMemory,
    Succeeded,
    Terminating,
}

/// A pod.
#[derive(Debug)]
pub(crate) struct Pod {
    pub(crate) app: usize,
    pub(crate) name: String,
    pub(crate) uid: String,
    pub(crate) node: Option<usize>,
    pub(crate) address: String,
    pub(crate) stage: Stage,
    pub(crate) created: Duration,
    /// Since when it is at this stage.
    pub(crate) since: Duration,
    pub(crate) restarts: u32,
    pub(crate) last_out_of_memory: bool,
    pub(crate) revision: u32,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Todo {
    /// The next stage of a pod's life.
    Pod(u64),
    /// The next batch of a rolling deployment.
    Roll(usize),
    /// Bring an app's pods to the number it wants.
    Reconcile(usize),
    NodeBack(usize),
    BackupDone(usize),
}

/// The workload's world.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) chance: Chance,
    pub(crate) nodes: Vec<Node>,
    pub(crate) apps: Vec<App>,
    pub(crate) backups: Vec<Key>,
    pub(super) pods: BTreeMap<u64, Pod>,
    pub(super) serial: u64,
    pub(super) due: BTreeMap<(Duration, u64), Todo>,
    pub(super) events: VecDeque<Key>,
    pub(super) event_limit: usize,
    looked_at_pod: u64,
    looked_at_app: usize,
}

impl AppKind {
    pub(crate) fn kind(self) -> &'static Kind {
        match self {
            Self::Deployment => &objects::DEPLOYMENT,
            Self::StatefulSet => &objects::STATEFUL_SET,
            Self::DaemonSet => &objects::DAEMON_SET,
            Self::Job => &objects::JOB,
        }
    }

    /// The kind that owns the pods.
    pub(crate) fn owner(self) -> &'static Kind {
        if self == Self::Deployment { &objects::REPLICA_SET } else { self.kind() }
    }
}

impl App {
    pub(crate) fn key(&self) -> Key {
        Key::new(&self.namespace, &self.name)
    }

    /// What the pods of `revision` are of: `10` letters that stand for the template.
    pub(crate) fn hash(&self, revision: u32) -> String {
        Chance::new(pods::hash(&self.name) ^ u64::from(revision) << 32).suffix(10)
    }

    pub(crate) fn owner_name(&self, revision: u32) -> String {
        if self.kind == AppKind::Deployment {
            format!("{}-{}", self.name, self.hash(revision))
        } else {
            self.name.clone()
        }
    }

    pub(crate) fn owner_uid(&self, revision: u32) -> String {
        if self.kind == AppKind::Deployment {
            Chance::new(pods::hash(&self.uid) ^ u64::from(revision)).uid()
        } else {
            self.uid.clone()
        }
    }

    pub(crate) fn slice_name(&self) -> String {
        format!("{}-{}", self.name, Chance::new(pods::hash(&self.name)).suffix(5))
    }

    pub(crate) fn labels(&self) -> Value {
        json!({ "app.kubernetes.io/name": self.name, "app.kubernetes.io/part-of": self.namespace, "app.kubernetes.io/managed-by": "demo" })
    }

    pub(crate) fn selector(&self) -> Value {
        json!({ "app.kubernetes.io/name": self.name })
    }

    pub(crate) fn container(&self) -> &str {
        self.name.rsplit('-').next().unwrap_or(&self.name)
    }

    pub(crate) fn repository(&self) -> String {
        format!("registry.example.com/{}/{}", self.namespace, self.name)
    }

    pub(crate) fn version(&self, revision: u32) -> String {
        let number = pods::hash(&self.name);
        format!("{}.{}.{}", 1 + number % 4, (number >> 8) % 20, revision)
    }

    pub(crate) fn image(&self, revision: u32) -> String {
        format!("{}:{}", self.repository(), self.version(revision))
    }

    pub(crate) fn cpu(&self) -> String {
        format!("{}m", 50 * (1 + pods::hash(&self.name) % 10))
    }

    pub(crate) fn memory(&self) -> String {
        format!("{}Mi", 64 << (pods::hash(&self.name) % 5))
    }

    pub(super) fn about(&self) -> About {
        About {
            kind: self.kind.kind(),
            namespace: self.namespace.clone(),
            name: self.name.clone(),
            uid: self.uid.clone(),
        }
    }
}

impl Model {
    pub(crate) fn new(seed: u64, event_limit: usize) -> Self {
        Self {
            chance: Chance::new(seed),
            nodes: Vec::new(),
            apps: Vec::new(),
            backups: Vec::new(),
            pods: BTreeMap::new(),
            serial: 0,
            due: BTreeMap::new(),
            events: VecDeque::new(),
            event_limit,
            looked_at_pod: 0,
            looked_at_app: 0,
        }
    }

    pub(crate) fn pod_count(&self) -> usize {
        self.pods.len()
    }

    /// Makes the next change: what is due, or else something new.
    pub(crate) fn step(&mut self, now: Duration) -> Vec<Write> {
        match self.due.first_key_value() {
            Some((&(at, serial), &todo)) if at <= now => {
                self.due.remove(&(at, serial));
                self.carry_on(todo, now)
            }
            _ => self.happen(now),
        }
    }

    /// The next pod in turn, to see whether it is still there.
    pub(crate) fn pod_to_look_at(&mut self) -> Option<(u64, Key)> {
        let next = self.pods.range(self.looked_at_pod + 1..).next().or_else(|| self.pods.first_key_value());
        let (&id, pod) = next?;
        self.looked_at_pod = id;
        Some((id, Key::new(&self.apps[pod.app].namespace, &pod.name)))
    }

    /// The next app in turn, to see how many replicas it is to have.
    pub(crate) fn app_to_look_at(&mut self) -> Option<(usize, &'static Kind, Key)> {
        self.looked_at_app = (self.looked_at_app + 1) % self.apps.len().max(1);
        let app = self.apps.get(self.looked_at_app).filter(|app| !app.gone)?;
        Some((self.looked_at_app, app.kind.kind(), app.key()))
    }

    /// Somebody deleted this pod.
    pub(crate) fn pod_is_gone(&mut self, id: u64) {
        if let Some(pod) = self.pods.remove(&id) {
            self.apps[pod.app].pods.retain(|other| *other != id);
            self.plan(pod.since, Todo::Reconcile(pod.app));
        }
    }

    /// The app wants so many replicas now, or was deleted (`None`).
    pub(crate) fn app_is(&mut self, app: usize, replicas: Option<Option<i64>>) -> Vec<Write> {
        let Some(replicas) = replicas else { return self.collect_garbage(app) };
        let wanted = replicas.and_then(|replicas| usize::try_from(replicas).ok());
        if let Some(wanted) = wanted.filter(|wanted| *wanted != self.apps[app].replicas) {
            self.apps[app].replicas = wanted;
            self.plan(Duration::ZERO, Todo::Reconcile(app));
        }
        Vec::new()
    }

    /// What owned objects a deleted app leaves behind goes too.
    fn collect_garbage(&mut self, index: usize) -> Vec<Write> {
        let app = &mut self.apps[index];
        app.gone = true;
        let mut writes = Vec::new();
        for id in std::mem::take(&mut app.pods) {
            if let Some(pod) = self.pods.remove(&id) {
                writes.push(Write::Delete(&objects::POD, Key::new(&app.namespace, &pod.name)));
            }
        }
        if app.kind == AppKind::Deployment {
            for revision in app.revision.saturating_sub(2)..=app.revision {
                let key = Key::new(&app.namespace, &app.owner_name(revision));
                writes.push(Write::Delete(&objects::REPLICA_SET, key));
            }
        }
        writes
    }

    pub(super) fn plan(&mut self, at: Duration, todo: Todo) {
        self.serial += 1;
        self.due.insert((at, self.serial), todo);
    }

    pub(super) fn plan_in(&mut self, now: Duration, seconds: std::ops::Range<u64>, todo: Todo) {
        let wait = 1000 * seconds.start + self.chance.below(1000 * (seconds.end - seconds.start));
        self.plan(now + Duration::from_millis(wait), todo);
    }

    fn carry_on(&mut self, todo: Todo, now: Duration) -> Vec<Write> {
        match todo {
            Todo::Pod(id) => self.advance(id, now),
            Todo::Roll(app) => self.roll_on(app, now),
            Todo::Reconcile(app) => self.reconcile(app, now),
            Todo::NodeBack(node) => self.turn_node(node, true, now),
            Todo::BackupDone(backup) => {
                let size = format!("{}.{}Gi", 1 + self.chance.below(9), self.chance.below(10));
                self.backup_status(backup, &json!({ "phase": "Completed", "size": size }))
            }
        }
    }
}
