//! The lives of pods: from Pending over their troubles to their end, and the controllers that keep their number.
//!
//! Invariant: a pod changes its stage only in [`Model::enter`], which tells whoever counts it.

use std::time::Duration;

use portolan::meta::Key;
use serde_json::{Value, json};

use super::model::{AppKind, Model, Pod, Stage, Tally, Todo};
use super::{Write, objects, pods};

/// At most so many pods are made or ended in one step.
pub(super) const BATCH: usize = 8;

impl Model {
    /// The next stage of a pod's life.
    pub(super) fn advance(&mut self, id: u64, now: Duration) -> Vec<Write> {
        let Some(pod) = self.pods.get_mut(&id) else { return Vec::new() };
        let is_job = self.apps[pod.app].kind == AppKind::Job;
        match pod.stage {
            Stage::Pending => self.bind(id, now),
            Stage::Creating if self.chance.below(25) == 0 => {
                self.plan_in(now, 15..60, Todo::Pod(id));
                let mut writes = self.enter(id, Stage::PullFailing, now);
                writes.extend(self.tell_pod(id, "Failed", "Error: ImagePullBackOff", now));
                writes
            }
            Stage::OutOfMemory => {
                pod.restarts += 1;
                pod.last_out_of_memory = true;
                self.plan_in(now, 5..30, Todo::Pod(id));
                self.enter(id, Stage::Crashing, now)
            }
            Stage::Terminating => self.forget(id, now),
            Stage::Running if is_job => self.enter(id, Stage::Succeeded, now),
            Stage::Running | Stage::Succeeded => Vec::new(),
            stage @ (Stage::Creating | Stage::PullFailing | Stage::Crashing | Stage::Unready) => {
                if is_job {
                    self.plan_in(now, 10..40, Todo::Pod(id));
                }
                let mut writes = self.enter(id, Stage::Running, now);
                if stage != Stage::Unready {
                    writes.extend(self.tell_pod(id, "Started", "Container started", now));
                }
                writes
            }
        }
    }

    /// The scheduler puts a pod on a node that is ready.
    pub(super) fn bind(&mut self, id: u64, now: Duration) -> Vec<Write> {
        let start = self.chance.below(self.nodes.len() as u64) as usize;
        let order = (0..self.nodes.len()).map(|step| (start + step) % self.nodes.len());
        let chosen = order.into_iter().find(|node| self.nodes[*node].ready);
        let Some(pod) = self.pods.get_mut(&id) else { return Vec::new() };
        let Some(node) = pod.node.or(chosen) else {
            self.plan_in(now, 5..15, Todo::Pod(id));
            return self.tell_pod(id, "FailedScheduling", "0 nodes are available", now);
        };
        pod.node = Some(node);
        pod.address = format!("{}.{}", self.nodes[node].pod_network, 2 + id % 250);
        let name = self.nodes[node].name.clone();
        let key = Key::new(&self.apps[pod.app].namespace, &pod.name);
        let text = format!("Successfully assigned {key} to {name}");
        self.plan_in(now, 1..4, Todo::Pod(id));
        let mut writes = vec![Write::Merge(&objects::POD, key, json!({ "spec": { "nodeName": name } }))];
        writes.extend(self.enter(id, Stage::Creating, now));
        writes.extend(self.tell_pod(id, "Scheduled", &text, now));
        writes
    }

    /// A pod begins to end; it is gone a while later.
    pub(super) fn end(&mut self, id: u64, now: Duration) -> Vec<Write> {
        self.plan_in(now, 1..6, Todo::Pod(id));
        let mut writes = self.enter(id, Stage::Terminating, now);
        writes.extend(self.tell_pod(id, "Killing", "Stopping container", now));
        writes
    }

    pub(super) fn forget(&mut self, id: u64, now: Duration) -> Vec<Write> {
        let Some(pod) = self.pods.remove(&id) else { return Vec::new() };
        let app = &mut self.apps[pod.app];
        app.pods.retain(|other| *other != id);
        let mut writes = vec![Write::Delete(&objects::POD, Key::new(&app.namespace, &pod.name))];
        writes.extend(self.report(pod.app, now));
        self.plan(now, Todo::Reconcile(pod.app));
        writes
    }

    /// Takes a pod to `stage`, and tells what owns it.
    pub(super) fn enter(&mut self, id: u64, stage: Stage, now: Duration) -> Vec<Write> {
        let Some(pod) = self.pods.get_mut(&id) else { return Vec::new() };
        (pod.stage, pod.since) = (stage, now);
        let app = &self.apps[pod.app];
        let mut patch = json!({ "status": pods::status(app, pod, &self.nodes, now) });
        if stage == Stage::Terminating {
            patch["metadata"] = json!({ "annotations": { "demo.example.com/stopping": "true" } });
        }
        let key = Key::new(&app.namespace, &pod.name);
        let app = pod.app;
        let mut writes = vec![Write::Merge(&objects::POD, key, patch)];
        writes.extend(self.report(app, now));
        writes
    }

    /// The controllers write down how an app's pods do, if that has changed.
    pub(super) fn report(&mut self, index: usize, now: Duration) -> Vec<Write> {
        let tally = self.tally(index);
        let app = &mut self.apps[index];
        if app.gone || app.tally == tally {
            return Vec::new();
        }
        (app.tally, app.since) = (tally, now);
        let app = &self.apps[index];
        let status = json!({ "status": objects::app_status(app) });
        let mut writes = vec![Write::Merge(app.kind.kind(), app.key(), status)];
        if app.kind == AppKind::Deployment {
            for revision in app.revision.saturating_sub(1).max(1)..=app.revision {
                let key = Key::new(&app.namespace, &app.owner_name(revision));
                writes.push(Write::Merge(
                    &objects::REPLICA_SET,
                    key,
                    objects::replica_set_part(app, revision),
                ));
            }
        }
        if app.kind != AppKind::Job && app.kind != AppKind::DaemonSet {
            let key = Key::new(&app.namespace, &app.slice_name());
            let patch = json!({ "endpoints": self.endpoints(index) });
            writes.push(Write::Merge(&objects::ENDPOINT_SLICE, key, patch));
        }
        writes
    }

    pub(crate) fn tally(&self, index: usize) -> Tally {
        let app = &self.apps[index];
        let mut tally = Tally::default();
        for pod in app.pods.iter().filter_map(|id| self.pods.get(id)) {
            let ready = usize::from(pod.stage == Stage::Running);
            let updated = usize::from(pod.revision == app.revision);
            match pod.stage {
                Stage::Succeeded => tally.succeeded += 1,
                Stage::Terminating => {}
                _ => {
                    tally.pods += 1;
                    tally.ready += ready;
                    tally.updated += updated;
                    tally.updated_ready += ready * updated;
                }
            }
        }
        tally
    }

    /// The first hundred endpoints of an app, as one EndpointSlice holds them.
    pub(crate) fn endpoints(&self, index: usize) -> Vec<Value> {
        let app = &self.apps[index];
        let pods = app.pods.iter().filter_map(|id| self.pods.get(id)).filter(|pod| !pod.address.is_empty());
        pods.take(100)
            .map(|pod| {
                let ready = pod.stage == Stage::Running;
                json!({
                    "addresses": [pod.address],
                    "conditions": { "ready": ready, "serving": ready, "terminating": pod.stage == Stage::Terminating },
                    "nodeName": pod.node.and_then(|node| self.nodes.get(node)).map(|node| node.name.clone()),
                    "targetRef": { "kind": "Pod", "namespace": app.namespace, "name": pod.name, "uid": pod.uid },
                })
            })
            .collect()
    }

    /// Makes missing pods and ends surplus ones, a batch at a time. A rolling deployment does so itself.
    pub(super) fn reconcile(&mut self, index: usize, now: Duration) -> Vec<Write> {
        let app = &self.apps[index];
        if app.gone || app.rolling || app.kind == AppKind::Job {
            return Vec::new();
        }
        let mut writes = Vec::new();
        let live = self.live(index);
        let (missing, surplus) =
            (app.replicas.saturating_sub(live.len()), live.len().saturating_sub(app.replicas));
        for _ in 0..missing.min(BATCH) {
            writes.extend(self.start(index, now));
        }
        for id in live.into_iter().rev().take(surplus.min(BATCH)) {
            writes.extend(self.end(id, now));
        }
        writes.extend(self.report(index, now));
        if missing.max(surplus) > BATCH {
            self.plan_in(now, 1..2, Todo::Reconcile(index));
        }
        writes
    }

    pub(super) fn live(&self, index: usize) -> Vec<u64> {
        let live = |id: &&u64| {
            self.pods.get(id).is_some_and(|pod| !matches!(pod.stage, Stage::Terminating | Stage::Succeeded))
        };
        self.apps[index].pods.iter().filter(live).copied().collect()
    }

    /// A new pod, on its way.
    pub(super) fn start(&mut self, index: usize, now: Duration) -> Vec<Write> {
        let Some(id) = self.new_pod(index, Stage::Pending, now, now) else {
            // The name is still taken by the one that ends.
            self.plan_in(now, 1..3, Todo::Reconcile(index));
            return Vec::new();
        };
        self.plan_in(now, 0..1, Todo::Pod(id));
        vec![Write::Create(self.pod_object(id, now))]
    }

    /// Adds a pod to the model; `None` when every name a stateful or daemon set may use is taken.
    pub(crate) fn new_pod(
        &mut self,
        index: usize,
        stage: Stage,
        created: Duration,
        since: Duration,
    ) -> Option<u64> {
        let app = &self.apps[index];
        let mine: Vec<&Pod> = app.pods.iter().filter_map(|id| self.pods.get(id)).collect();
        let mut node = None;
        let name = match app.kind {
            AppKind::StatefulSet => {
                let mut names = (0..app.replicas).map(|ordinal| format!("{}-{ordinal}", app.name));
                names.find(|name| mine.iter().all(|pod| pod.name != *name))?
            }
            AppKind::DaemonSet => {
                node =
                    Some((0..self.nodes.len()).find(|node| mine.iter().all(|pod| pod.node != Some(*node)))?);
                format!("{}-{}", app.name, self.chance.suffix(5))
            }
            _ => format!("{}-{}", app.owner_name(app.revision), self.chance.suffix(5)),
        };
        self.serial += 1;
        let id = self.serial;
        let pod = Pod {
            app: index,
            name,
            uid: self.chance.uid(),
            node,
            address: String::new(),
            stage,
            created,
            since,
            restarts: 0,
            last_out_of_memory: false,
            revision: app.revision,
        };
        self.pods.insert(id, pod);
        self.apps[index].pods.push(id);
        Some(id)
    }

    /// Gives a seeded pod its node and its next stage.
    pub(crate) fn settle(&mut self, id: u64, node: usize, restarts: u32, now: Duration) {
        let Some(pod) = self.pods.get_mut(&id) else { return };
        let node = pod.node.unwrap_or(node);
        pod.restarts = restarts;
        if pod.stage != Stage::Pending {
            pod.node = Some(node);
            pod.address = format!("{}.{}", self.nodes[node].pod_network, 2 + id % 250);
        }
        if !matches!(pod.stage, Stage::Running | Stage::Succeeded) {
            self.plan_in(now, 10..120, Todo::Pod(id));
        }
    }

    pub(crate) fn pod_object(&self, id: u64, now: Duration) -> Value {
        let pod = &self.pods[&id];
        pods::pod(&self.apps[pod.app], pod, &self.nodes, now)
    }
}
