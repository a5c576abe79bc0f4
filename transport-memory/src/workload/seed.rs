//! The workload's first objects, made one at a time: ten thousand at once would hold up a page for seconds.

use std::collections::VecDeque;
use std::time::Duration;

use portolan::meta::Key;
use serde_json::Value;

use super::model::{App, AppKind, Model, Node, Stage};
use super::names::{ROLES, TEAMS, ZONES};
use super::{WorkloadOptions, Write, objects};

const HOUR: u64 = 3600;

/// A model, and the objects it begins with as an iterator. Once that has ended the model is ready to live.
pub(crate) struct Seeds {
    pub(crate) model: Model,
    founded: Duration,
    now: Duration,
    next_app: usize,
    ready: VecDeque<Seed>,
}

/// What is to be created next.
enum Seed {
    Object(Value),
    /// Its object is made when its turn comes.
    Node(usize),
    Pod(u64),
}

impl Seeds {
    pub(crate) fn new(seed: u64, options: &WorkloadOptions, now: Duration) -> Self {
        let founded = now.saturating_sub(Duration::from_secs(90 * 24 * HOUR));
        let model = Model::new(seed, options.events);
        let mut seeds = Self { model, founded, now, next_app: 0, ready: VecDeque::new() };
        plan_nodes(&mut seeds.model, options.pods, founded);
        seeds.ready.extend((0..seeds.model.nodes.len()).map(Seed::Node));
        seeds.create(objects::backup_definition(founded));
        for (namespace, _) in TEAMS {
            seeds.create(objects::namespace(namespace, founded));
            seeds.create(objects::service_account(namespace, founded));
            seeds.create(objects::secret(namespace, founded));
            seeds.create(objects::backup(namespace, founded));
            seeds.model.backups.push(Key::new(namespace, &format!("{namespace}-nightly")));
            seeds.create(objects::cron_job(namespace, "report", "*/30 * * * *", founded, now));
        }
        plan_apps(&mut seeds.model, options.pods, now);
        seeds
    }

    fn create(&mut self, object: Value) {
        self.ready.push_back(Seed::Object(object));
    }

    /// Decides how the pods of one app do, and makes what belongs to it.
    fn plant_app(&mut self, index: usize) {
        let (model, now) = (&mut self.model, self.now);
        let (kind, replicas, born) = {
            let app = &model.apps[index];
            (app.kind, app.replicas, app.created)
        };
        let mut ids = Vec::new();
        for _ in 0..replicas {
            let stage = match model.chance.below(100) {
                _ if kind == AppKind::Job => Stage::Succeeded,
                _ if kind != AppKind::Deployment => Stage::Running,
                0 => Stage::Crashing,
                1 => Stage::PullFailing,
                2 => Stage::Unready,
                _ => Stage::Running,
            };
            let age = model.chance.below((now - born).as_secs().max(1));
            let created = now.saturating_sub(Duration::from_secs(age));
            if let Some(id) = model.new_pod(index, stage, created, created) {
                let node = model.chance.below(model.nodes.len() as u64) as usize;
                let restarts = if stage == Stage::Crashing {
                    3 + model.chance.below(40) as u32
                } else {
                    u32::from(model.chance.below(12) == 0)
                };
                model.settle(id, node, restarts, now);
                ids.push(id);
            }
        }
        model.apps[index].tally = model.tally(index);
        let app = &model.apps[index];
        let ready = &mut self.ready;
        let mut create = |object| ready.push_back(Seed::Object(object));
        create(objects::app(app));
        create(objects::config_map(app));
        if app.kind == AppKind::Deployment {
            for revision in app.revision.saturating_sub(1).max(1)..=app.revision {
                create(objects::replica_set(app, revision, app.created));
            }
        }
        if matches!(app.kind, AppKind::Deployment | AppKind::StatefulSet) {
            create(objects::service(app));
            create(objects::endpoint_slice(app, &model.endpoints(index)));
        }
        self.ready.extend(ids.into_iter().map(Seed::Pod));
    }
}

impl Iterator for Seeds {
    type Item = Write;

    fn next(&mut self) -> Option<Write> {
        let object = loop {
            match self.ready.pop_front() {
                Some(Seed::Object(object)) => break object,
                Some(Seed::Node(index)) => {
                    let node = &self.model.nodes[index];
                    self.ready.push_front(Seed::Object(objects::lease(node, self.now)));
                    break objects::node(node, self.founded, self.now);
                }
                Some(Seed::Pod(id)) => break self.model.pod_object(id, self.now),
                None if self.next_app == self.model.apps.len() => return None,
                None => {
                    self.plant_app(self.next_app);
                    self.next_app += 1;
                }
            }
        };
        Some(Write::Create(object))
    }
}

fn plan_nodes(model: &mut Model, pods: usize, founded: Duration) {
    for index in 0..(pods / 35).clamp(3, 250) {
        let zone = ZONES[index % ZONES.len()];
        let node = Node {
            name: format!("worker-{zone}-{}", model.chance.suffix(5)),
            zone,
            address: format!("10.0.{}.{}", index / 250, 4 + index % 250),
            pod_network: format!("10.{}.{}", 64 + index / 250, index % 250),
            ready: true,
            since: founded,
        };
        model.nodes.push(node);
    }
}

/// Decides which apps there are, so that their pods are as many as asked for.
fn plan_apps(model: &mut Model, pods: usize, now: Duration) {
    let nodes = model.nodes.len();
    add_app(model, AppKind::DaemonSet, "kube-system", "node-agent", nodes, now);
    let mut left = pods.saturating_sub(nodes);
    for (namespace, _) in TEAMS.iter().take(3) {
        let replicas = left.min(3);
        if replicas > 0 {
            add_app(model, AppKind::StatefulSet, namespace, &format!("{namespace}-db"), replicas, now);
            left -= replicas;
        }
    }
    for (namespace, _) in TEAMS.iter().take(left.min(2)) {
        add_app(model, AppKind::Job, namespace, "report-29120340", 1, now);
        left -= 1;
    }
    let count = (left / 7).clamp(1, TEAMS.len() * 8 * ROLES.len()).min(left);
    for index in 0..count {
        let (namespace, subjects) = TEAMS[index % TEAMS.len()];
        let number = index / TEAMS.len();
        let name =
            format!("{}-{}", subjects[number % subjects.len()], ROLES[number / subjects.len() % ROLES.len()]);
        // Apps differ in size; the last one takes what is left.
        let even = left / (count - index);
        let replicas = if index + 1 == count {
            left
        } else {
            (even / 2 + model.chance.below(even as u64 + 1) as usize).clamp(1, left + index + 1 - count)
        };
        left -= replicas;
        add_app(model, AppKind::Deployment, namespace, &name, replicas, now);
    }
}

fn add_app(model: &mut Model, kind: AppKind, namespace: &str, name: &str, replicas: usize, now: Duration) {
    let age = Duration::from_secs(HOUR + model.chance.below(80 * 24 * HOUR));
    let created = now.saturating_sub(age);
    let app = App {
        kind,
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        uid: model.chance.uid(),
        replicas,
        revision: 1 + model.chance.below(3) as u32,
        rolling: false,
        created,
        since: created,
        tally: super::model::Tally::default(),
        pods: Vec::new(),
        gone: false,
    };
    model.apps.push(app);
}
