//! A believable cluster that lives: nodes, namespaces, deployments, stateful and daemon sets, services, jobs, a custom
//! resource and events, made from a seed and animated over the cluster's clock.
//!
//! Invariant: every decision is made by [`model::Model`] from its seed and the time it is told; this file only carries
//! the decisions out and tells the model what others changed. The same seed makes the same cluster and the same life.

mod events;
mod happenings;
mod life;
mod model;
mod names;
mod objects;
mod pods;
mod seed;

use std::time::Duration;

use portolan::Error;
use portolan::meta::{GroupVersionResource, Key};
use portolan::time::{Instant, Runtime};
use serde_json::Value;

use crate::cluster::Cluster;
use crate::patch;
use crate::value::integer;
use model::Model;
use seed::Seeds;

/// What a workload is like.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct WorkloadOptions {
    /// How many pods there are at first, at least about a dozen. 150 by default.
    pub pods: usize,
    /// How many changes of objects happen in a second, on average. 5 by default; 0 is a still life.
    pub changes_per_second: f64,
    /// How many Events are kept; older ones are deleted, as a server's expire. 300 by default.
    pub events: usize,
}

impl Default for WorkloadOptions {
    fn default() -> Self {
        Self { pods: 150, changes_per_second: 5.0, events: 300 }
    }
}

/// Makes a cluster's objects and lets them live.
#[derive(Debug)]
pub struct Workload {
    cluster: Cluster,
    model: Model,
    changes_per_second: f64,
    /// The part of a change that was due and not made yet.
    credit: f64,
}

/// One write to the cluster.
#[derive(Debug, Clone)]
pub(crate) enum Write {
    Create(Value),
    /// Lay this over the object at the key.
    Merge(&'static Kind, Key, Value),
    Delete(&'static Kind, Key),
}

/// A kind the workload deals with.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    pub(crate) group: &'static str,
    pub(crate) version: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) plural: &'static str,
}

impl Kind {
    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    fn gvr(&self) -> GroupVersionResource {
        GroupVersionResource {
            group: self.group.into(),
            version: self.version.into(),
            resource: self.plural.into(),
        }
    }
}

/// How long planting and changing go on before others have a turn: half a frame.
const SLICE: Duration = Duration::from_millis(8);

/// How often the loop looks at the clock when changes are frequent.
const TICK: Duration = Duration::from_millis(50);

impl Workload {
    /// Puts the workload's first objects into `cluster`. Fails when the cluster already has objects of their names.
    pub fn new(cluster: &Cluster, seed: u64, options: &WorkloadOptions) -> Result<Self, Error> {
        let mut seeds = Seeds::new(seed, options, cluster.runtime().clock.unix_time());
        seeds.try_for_each(|write| carry_out(cluster, write))?;
        Ok(Self::grown(cluster, seeds, options))
    }

    /// The same, giving others a turn every few milliseconds: for a page, which ten thousand pods would hold up for
    /// seconds.
    pub async fn grow(cluster: &Cluster, seed: u64, options: &WorkloadOptions) -> Result<Self, Error> {
        let runtime = cluster.runtime();
        let mut seeds = Seeds::new(seed, options, runtime.clock.unix_time());
        let mut began = runtime.clock.now();
        for write in seeds.by_ref() {
            carry_out(cluster, write)?;
            began = breathe(runtime, began).await;
        }
        Ok(Self::grown(cluster, seeds, options))
    }

    fn grown(cluster: &Cluster, seeds: Seeds, options: &WorkloadOptions) -> Self {
        let changes_per_second = options.changes_per_second.max(0.0);
        Self { cluster: cluster.clone(), model: seeds.model, changes_per_second, credit: 0.0 }
    }

    /// How many pods the workload believes there are.
    pub fn pods(&self) -> usize {
        self.model.pod_count()
    }

    /// Makes the next changes: what is due by now, or else something new. A pod's change brings along its Event and the
    /// status of what owns it. Answers how many objects changed.
    pub fn step(&mut self) -> usize {
        let now = self.cluster.runtime().clock.unix_time();
        let before = self.cluster.version();
        for write in self.model.step(now) {
            self.do_write(write);
        }
        (self.cluster.version() - before) as usize
    }

    /// Lives for `duration`.
    pub async fn run_for(&mut self, duration: Duration) {
        let runtime = self.cluster.runtime().clone();
        let end = runtime.clock.now() + duration;
        let mut last = runtime.clock.now();
        while last < end {
            let pause = if self.changes_per_second > 0.0 {
                Duration::from_secs_f64((1.0 / self.changes_per_second).min(1.0)).max(TICK)
            } else {
                duration
            };
            runtime.clock.sleep_until((last + pause).min(end)).await;
            let now = runtime.clock.now();
            // A throttled tab wakes late: what was missed meanwhile does not all happen at once.
            let passed = (now - last).min(Duration::from_secs(2));
            last = now;
            self.credit += passed.as_secs_f64() * self.changes_per_second;
            self.look();
            let mut began = now;
            while self.credit >= 1.0 {
                self.credit -= self.step().max(1) as f64;
                began = breathe(&runtime, began).await;
            }
        }
    }

    /// Lives until it is dropped: to be spawned.
    pub async fn run(mut self) {
        loop {
            self.run_for(Duration::from_secs(3600)).await;
        }
    }

    /// Notices what others did: takes a look at one pod and one app.
    fn look(&mut self) {
        if let Some((id, key)) = self.model.pod_to_look_at()
            && !self.cluster.contains(&objects::POD.gvr(), &key)
        {
            self.model.pod_is_gone(id);
        }
        if let Some((app, kind, key)) = self.model.app_to_look_at() {
            let found = self.cluster.object(&kind.gvr(), &key);
            let replicas = found.as_ref().map(|object| integer(object, "spec.replicas"));
            for write in self.model.app_is(app, replicas) {
                self.do_write(write);
            }
        }
    }

    /// Others may have deleted what it is about; the model learns it when it looks.
    fn do_write(&self, write: Write) {
        drop(carry_out(&self.cluster, write));
    }
}

/// Gives others a turn once the slice that `began` is over; answers when the slice that goes on began.
async fn breathe(runtime: &Runtime, began: Instant) -> Instant {
    if runtime.clock.now() - began < SLICE {
        return began;
    }
    runtime.spawner.yield_now().await;
    runtime.clock.now()
}

fn carry_out(cluster: &Cluster, write: Write) -> Result<(), Error> {
    match write {
        Write::Create(object) => cluster.plant(object),
        Write::Merge(kind, key, patch) => {
            cluster.adjust(&kind.gvr(), &key, |object| patch::merge(object, &patch))
        }
        Write::Delete(kind, key) => cluster.delete(&kind.gvr(), &key),
    }
}

#[cfg(test)]
mod tests;
