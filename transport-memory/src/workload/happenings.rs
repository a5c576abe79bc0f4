//! What happens out of the blue: leases, disturbances, scaling, rolling updates, and the Events that tell of them.

use std::time::Duration;

use portolan::meta::Key;
use serde_json::{Value, json};

use super::events::{About, event};
use super::life::BATCH;
use super::model::{App, AppKind, Model, Pod, Stage, Tally, Todo};
use super::{Write, objects, pods};
use crate::chance::Chance;

impl Model {
    /// Something new, by its frequency in a hundred. When a tenth of the pods are in trouble, nothing more befalls them, nor a
    /// node: where much happens, all nodes would be away at once, and with them what can happen to pods that run.
    pub(super) fn happen(&mut self, now: Duration) -> Vec<Write> {
        let calm = self.due.len() * 10 < self.pods.len() + 20;
        match self.chance.below(100) {
            0..28 => self.renew_lease(now),
            28..48 => self.tell_something(now),
            48..88 if !calm => self.measure(),
            48..60 => self.disturb(Stage::Unready, now),
            60..68 => self.disturb(Stage::Crashing, now),
            68..71 => self.disturb(Stage::OutOfMemory, now),
            71..74 => self.disturb(Stage::Terminating, now),
            74..82 => self.scale(now),
            82..88 => self.roll(now),
            88..95 => self.change_settings(),
            95..98 => self.back_up(now),
            _ if calm && self.chance.below(8) == 0 => {
                let node = self.chance.below(self.nodes.len() as u64) as usize;
                self.turn_node(node, false, now)
            }
            _ => {
                let node = self.chance.below(self.nodes.len() as u64) as usize;
                self.beat(node, now)
            }
        }
    }

    pub(super) fn renew_lease(&mut self, now: Duration) -> Vec<Write> {
        let Some(node) = pick(&mut self.chance, &self.nodes) else { return Vec::new() };
        let patch = json!({ "spec": objects::lease_spec(node, now) });
        vec![Write::Merge(&objects::LEASE, Key::new("kube-node-lease", &node.name), patch)]
    }

    pub(super) fn turn_node(&mut self, index: usize, ready: bool, now: Duration) -> Vec<Write> {
        let Some(node) = self.nodes.get_mut(index).filter(|node| node.ready != ready) else {
            return Vec::new();
        };
        (node.ready, node.since) = (ready, now);
        let about = About {
            kind: &objects::NODE,
            namespace: String::new(),
            name: node.name.clone(),
            uid: node.name.clone(),
        };
        let mut writes = self.beat(index, now);
        let (reason, from, to) = if ready {
            ("NodeReady", Stage::Unready, Stage::Running)
        } else {
            self.plan_in(now, 20..60, Todo::NodeBack(index));
            ("NodeNotReady", Stage::Running, Stage::Unready)
        };
        let text = format!("Node {} status is now: {reason}", about.name);
        writes.extend(self.tell(&about, "node-controller", reason, &text, now));
        let here = |pod: &Pod| pod.node == Some(index) && pod.stage == from;
        let ids: Vec<u64> = self.pods.iter().filter(|(_, pod)| here(pod)).map(|(id, _)| *id).collect();
        for id in ids {
            writes.extend(self.enter(id, to, now));
        }
        writes
    }

    /// A node's kubelet reports how it is.
    pub(super) fn beat(&self, index: usize, now: Duration) -> Vec<Write> {
        let node = &self.nodes[index];
        let patch = json!({ "status": { "conditions": objects::node_conditions(node, now) } });
        vec![Write::Merge(&objects::NODE, Key::new("", &node.name), patch)]
    }

    /// An Event that changes nothing.
    pub(super) fn tell_something(&mut self, now: Duration) -> Vec<Write> {
        let Some(id) = self.some_pod(Stage::Running) else { return Vec::new() };
        let pod = &self.pods[&id];
        let image = self.apps[pod.app].image(pod.revision);
        let (reason, text) = match self.chance.below(3) {
            0 => ("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503".to_owned()),
            1 => ("Pulled", format!("Container image {image:?} already present on machine")),
            _ => ("Unhealthy", "Liveness probe failed: context deadline exceeded".to_owned()),
        };
        self.tell_pod(id, reason, &text, now)
    }

    /// Somebody notes a pod's traffic.
    fn measure(&mut self) -> Vec<Write> {
        let Some(id) = self.some_pod(Stage::Running) else { return Vec::new() };
        let traffic = format!("{} requests/s", self.chance.below(10_000));
        let pod = &self.pods[&id];
        let key = Key::new(&self.apps[pod.app].namespace, &pod.name);
        let patch = json!({ "metadata": { "annotations": { "demo.example.com/traffic": traffic } } });
        vec![Write::Merge(&objects::POD, key, patch)]
    }

    /// Something befalls a running pod.
    pub(super) fn disturb(&mut self, stage: Stage, now: Duration) -> Vec<Write> {
        let Some(id) = self.some_pod(Stage::Running) else { return Vec::new() };
        if stage == Stage::Terminating {
            return self.end(id, now);
        }
        let (reason, text) = match stage {
            Stage::OutOfMemory => ("OOMKilling", "Memory cgroup out of memory: killed process"),
            Stage::Crashing => ("BackOff", "Back-off restarting failed container"),
            _ => ("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503"),
        };
        if let Some(pod) = self.pods.get_mut(&id).filter(|_| stage == Stage::Crashing) {
            pod.restarts += 1;
            pod.last_out_of_memory = false;
        }
        let mut writes = self.enter(id, stage, now);
        writes.extend(self.tell_pod(id, reason, text, now));
        self.plan_in(now, if stage == Stage::OutOfMemory { 1..3 } else { 4..40 }, Todo::Pod(id));
        writes
    }

    pub(super) fn scale(&mut self, now: Duration) -> Vec<Write> {
        let Some(index) = self.some_app(AppKind::Deployment) else { return Vec::new() };
        let step = 1 + self.chance.below(2) as usize;
        let down = self.chance.below(2) == 0 && self.apps[index].replicas > step;
        let app = &mut self.apps[index];
        let from = app.replicas;
        // Scaling drifts back: what is small grows, what is large shrinks.
        app.replicas = if down { from - step } else { from + step };
        let app = &self.apps[index];
        let text =
            format!("Scaled replica set {} from {from} to {}", app.owner_name(app.revision), app.replicas);
        let about = app.about();
        let patch = json!({ "spec": { "replicas": app.replicas } });
        let mut writes = vec![Write::Merge(&objects::DEPLOYMENT, app.key(), patch)];
        writes.extend(self.tell(&about, "deployment-controller", "ScalingReplicaSet", &text, now));
        writes.extend(self.reconcile(index, now));
        writes
    }

    /// Begins a rolling update of some deployment.
    pub(super) fn roll(&mut self, now: Duration) -> Vec<Write> {
        let Some(index) = self.some_app(AppKind::Deployment) else { return Vec::new() };
        let app = &mut self.apps[index];
        app.revision += 1;
        app.rolling = true;
        app.since = now;
        let tally = self.tally(index);
        self.apps[index].tally = tally;
        let app = &self.apps[index];
        let patch = json!({
            "metadata": { "annotations": { "deployment.kubernetes.io/revision": app.revision.to_string() } },
            "spec": { "template": { "spec": pods::template(app, app.revision) } },
            "status": objects::app_status(app),
        });
        let mut writes = vec![
            Write::Merge(&objects::DEPLOYMENT, app.key(), patch),
            Write::Create(objects::replica_set(app, app.revision, now)),
        ];
        if app.revision > 3 {
            let key = Key::new(&app.namespace, &app.owner_name(app.revision - 3));
            writes.push(Write::Delete(&objects::REPLICA_SET, key));
        }
        let text = format!("Scaled up replica set {} from 0 to 1", app.owner_name(app.revision));
        let about = app.about();
        writes.extend(self.tell(&about, "deployment-controller", "ScalingReplicaSet", &text, now));
        self.plan_in(now, 0..1, Todo::Roll(index));
        writes
    }

    /// The next batch: a quarter more pods than wanted at most, a quarter fewer ready ones.
    pub(super) fn roll_on(&mut self, index: usize, now: Duration) -> Vec<Write> {
        let app = &self.apps[index];
        if app.gone {
            return Vec::new();
        }
        let (revision, replicas) = (app.revision, app.replicas);
        let live = self.live(index);
        let (new, old): (Vec<u64>, Vec<u64>) =
            live.iter().partition(|id| self.pods.get(id).is_some_and(|pod| pod.revision == revision));
        let tally = self.tally(index);
        let quarter = replicas.div_ceil(4);
        let mut writes = Vec::new();
        if old.is_empty() && new.len() >= replicas {
            self.apps[index].rolling = false;
            self.apps[index].tally = Tally::default();
            writes.extend(self.report(index, now));
            self.plan(now, Todo::Reconcile(index));
            return writes;
        }
        let room = (replicas + quarter).saturating_sub(live.len());
        for _ in 0..replicas.saturating_sub(new.len()).min(room).min(BATCH) {
            writes.extend(self.start(index, now));
        }
        let spare = (tally.ready + replicas / 4).saturating_sub(replicas);
        for id in old.into_iter().take(spare.min(BATCH)) {
            writes.extend(self.end(id, now));
        }
        writes.extend(self.report(index, now));
        self.plan_in(now, 1..3, Todo::Roll(index));
        writes
    }

    pub(super) fn change_settings(&mut self) -> Vec<Write> {
        let edition = self.chance.below(1000);
        let Some(app) = pick(&mut self.chance, &self.apps).filter(|app| !app.gone) else { return Vec::new() };
        let key = Key::new(&app.namespace, &format!("{}-config", app.name));
        vec![Write::Merge(&objects::CONFIG_MAP, key, json!({ "data": objects::settings(app, edition) }))]
    }

    pub(super) fn back_up(&mut self, now: Duration) -> Vec<Write> {
        if self.backups.is_empty() {
            return Vec::new();
        }
        let backup = self.chance.below(self.backups.len() as u64) as usize;
        self.plan_in(now, 5..20, Todo::BackupDone(backup));
        self.backup_status(backup, &json!({ "phase": "Running" }))
    }

    pub(super) fn backup_status(&self, backup: usize, status: &Value) -> Vec<Write> {
        vec![Write::Merge(&objects::BACKUP, self.backups[backup].clone(), json!({ "status": status }))]
    }

    pub(super) fn tell_pod(&mut self, id: u64, reason: &str, text: &str, now: Duration) -> Vec<Write> {
        let Some(pod) = self.pods.get(&id) else { return Vec::new() };
        let about = About {
            kind: &objects::POD,
            namespace: self.apps[pod.app].namespace.clone(),
            name: pod.name.clone(),
            uid: pod.uid.clone(),
        };
        let component = if reason.contains("chedul") { "default-scheduler" } else { "kubelet" };
        self.tell(&about, component, reason, text, now)
    }

    /// An Event; the oldest goes when there are too many.
    pub(super) fn tell(
        &mut self,
        about: &About,
        component: &str,
        reason: &str,
        text: &str,
        now: Duration,
    ) -> Vec<Write> {
        if self.event_limit == 0 {
            return Vec::new();
        }
        self.serial += 1;
        let number = pods::hash(&about.uid) ^ self.serial << 32;
        let (key, object) = event(about, component, reason, text, number, now);
        let mut writes = vec![Write::Create(object)];
        self.events.push_back(key);
        while self.events.len() > self.event_limit {
            writes.extend(self.events.pop_front().map(|oldest| Write::Delete(&objects::EVENT, oldest)));
        }
        writes
    }

    pub(super) fn some_app(&mut self, kind: AppKind) -> Option<usize> {
        let fits = |app: &App| app.kind == kind && !app.gone && !app.rolling;
        let start = self.chance.below(self.apps.len() as u64) as usize;
        (0..self.apps.len())
            .map(|step| (start + step) % self.apps.len())
            .find(|index| fits(&self.apps[*index]))
    }

    pub(super) fn some_pod(&mut self, stage: Stage) -> Option<u64> {
        let first = *self.pods.first_key_value()?.0;
        let start = first + self.chance.below(self.serial + 1 - first);
        let fits = |(_, pod): &(&u64, &Pod)| pod.stage == stage && self.apps[pod.app].kind != AppKind::Job;
        self.pods.range(start..).chain(self.pods.range(..start)).find(fits).map(|(id, _)| *id)
    }
}

fn pick<'a, T>(chance: &mut Chance, all: &'a [T]) -> Option<&'a T> {
    all.get(chance.below(all.len() as u64) as usize)
}
