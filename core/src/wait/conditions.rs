//! States that are often waited for, as functions for [`until`](super::until).
//!
//! Follows kubectl's `wait`, and `rollout status` (kubectl 0.37 `pkg/polymorphichelpers/rollout_status.go`).
//! Invariant: a state is never taken for reached while the status speaks of an older generation.

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, StatefulSet};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;

use crate::error::Error;
use crate::meta::Object;
use crate::object::{Json, Lazy};

/// There is no such object.
///
/// # Errors
/// None.
pub fn deleted<K: Object>(object: Option<&K>) -> Result<bool, Error> {
    Ok(object.is_none())
}

/// The object with this uid is gone, whether another has its name or not. What `kubectl wait --for=delete` waits for.
pub fn gone<K: Object>(uid: &str) -> impl Fn(Option<&K>) -> Result<bool, Error> + use<K> {
    let uid = uid.to_owned();
    move |object| Ok(object.is_none_or(|object| object.meta().uid != uid))
}

/// The API server serves the resource. `kubectl wait --for=condition=Established`.
///
/// # Errors
/// When its names are taken by another.
pub fn established(definition: Option<&Lazy<CustomResourceDefinition>>) -> Result<bool, Error> {
    let Some(definition) = definition else { return Ok(false) };
    if let Some(refused) = Condition::of(definition, "NamesAccepted").filter(|it| it.status == "False") {
        return Err(Error::config(format!("the definition cannot be established: {}", refused.message)));
    }
    Ok(holds(definition, "Established"))
}

/// Every replica is of the newest template, available, and no older one is left. `kubectl rollout status`.
///
/// # Errors
/// When it exceeded its progress deadline.
pub fn rolled_out(deployment: Option<&Lazy<Deployment>>) -> Result<bool, Error> {
    let Some(deployment) = deployment.filter(|deployment| is_observed(*deployment)) else { return Ok(false) };
    if Condition::of(deployment, "Progressing").is_some_and(|it| it.reason == "ProgressDeadlineExceeded") {
        return Err(Error::timeout(format!("{} exceeded its progress deadline", deployment.key())));
    }
    let wanted = number(deployment, "spec.replicas").unwrap_or(1);
    let count = |path| number(deployment, path).unwrap_or_default();
    let updated = count("status.updatedReplicas");
    let none_is_old = count("status.replicas") <= updated;
    Ok(updated >= wanted && none_is_old && count("status.availableReplicas") >= updated)
}

/// Every replica, down to the partition, is of the newest revision and ready. `kubectl rollout status`.
///
/// # Errors
/// When it is updated by deletion only: then it never rolls out.
pub fn rolled_out_stateful_set(set: Option<&Lazy<StatefulSet>>) -> Result<bool, Error> {
    let Some(set) = set else { return Ok(false) };
    refuse_on_delete(set)?;
    let wanted = number(set, "spec.replicas").unwrap_or(1);
    if !is_observed(set) || number(set, "status.readyReplicas").unwrap_or_default() < wanted {
        return Ok(false);
    }
    let partition = number(set, "spec.updateStrategy.rollingUpdate.partition").unwrap_or_default();
    if partition > 0 {
        return Ok(number(set, "status.updatedReplicas").unwrap_or_default() >= wanted - partition);
    }
    Ok(set.text("status.updateRevision") == set.text("status.currentRevision"))
}

/// Every node that should has the newest Pod, available. `kubectl rollout status`.
///
/// # Errors
/// When it is updated by deletion only: then it never rolls out.
pub fn rolled_out_daemon_set(set: Option<&Lazy<DaemonSet>>) -> Result<bool, Error> {
    let Some(set) = set else { return Ok(false) };
    refuse_on_delete(set)?;
    let Some(wanted) = number(set, "status.desiredNumberScheduled") else { return Ok(false) };
    let count = |path| number(set, path).unwrap_or_default();
    let done = count("status.updatedNumberScheduled") >= wanted && count("status.numberAvailable") >= wanted;
    Ok(is_observed(set) && done)
}

/// The Pod takes requests. `kubectl wait --for=condition=Ready`.
///
/// # Errors
/// When it has ended.
pub fn ready(pod: Option<&Lazy<Pod>>) -> Result<bool, Error> {
    let Some(pod) = pod else { return Ok(false) };
    match pod.text("status.phase").as_deref() {
        Some(phase @ ("Succeeded" | "Failed")) => {
            Err(Error::canceled(format!("{} has ended: {phase}", pod.key())))
        }
        _ => Ok(holds(pod, "Ready")),
    }
}

/// The Job has come to its end. `kubectl wait --for=condition=Complete`.
///
/// # Errors
/// When it failed, with its reason.
pub fn complete(job: Option<&Lazy<Job>>) -> Result<bool, Error> {
    let Some(job) = job else { return Ok(false) };
    if let Some(failed) = Condition::of(job, "Failed").filter(|it| it.status == "True") {
        return Err(Error::canceled(format!("{} failed: {}", job.key(), failed.message)));
    }
    Ok(holds(job, "Complete"))
}

/// One entry of `status.conditions`.
struct Condition {
    status: String,
    reason: String,
    message: String,
}

impl Condition {
    fn of<K: 'static>(object: &Lazy<K>, kind: &str) -> Option<Self> {
        let text = |condition: Json<'_>, name| -> String {
            condition.member(name).and_then(Json::text).unwrap_or_default().into_owned()
        };
        let mut conditions = object.values("status.conditions[*]");
        let found = conditions.find(|condition| text(*condition, "type") == kind)?;
        let (status, reason) = (text(found, "status"), text(found, "reason"));
        Some(Self { status, reason, message: text(found, "message") })
    }
}

fn holds<K: 'static>(object: &Lazy<K>, kind: &str) -> bool {
    Condition::of(object, kind).is_some_and(|condition| condition.status == "True")
}

fn number<K>(object: &Lazy<K>, path: &str) -> Option<i64> {
    object.read(path).ok().flatten()
}

/// Whether the status speaks of the object as it is.
fn is_observed<K>(object: &Lazy<K>) -> bool {
    let observed = number(object, "status.observedGeneration");
    number(object, "metadata.generation").is_none_or(|generation| observed >= Some(generation))
}

fn refuse_on_delete<K: 'static>(set: &Lazy<K>) -> Result<(), Error> {
    match set.text("spec.updateStrategy.type").as_deref() {
        Some("OnDelete") => Err(Error::config(format!("{} is updated by deletion only", set.key()))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn object<K>(mut value: Value) -> Lazy<K> {
        value["apiVersion"] = "v1".into();
        value["kind"] = "Any".into();
        Lazy::from_typed(&value).unwrap()
    }

    /// The cases of kubectl's rollout_status_test.go TestDeploymentStatusViewerStatus.
    #[test]
    fn a_deployment_is_rolled_out_when_nothing_old_is_left() {
        let deployment = |observed: i64, replicas: i32, updated: i32, available: i32, reason: &str| {
            object(json!({
                "metadata": {"name": "foo", "namespace": "bar", "generation": 1},
                "spec": {"replicas": 2},
                "status": {"observedGeneration": observed, "replicas": replicas, "updatedReplicas": updated,
                    "availableReplicas": available, "conditions": [{"type": "Progressing", "reason": reason}]},
            }))
        };
        let done = |observed, replicas, updated, available| {
            rolled_out(Some(&deployment(observed, replicas, updated, available, "fine"))).unwrap()
        };
        assert!(!done(1, 1, 0, 1) && !done(1, 2, 1, 2) && !done(1, 3, 2, 2));
        assert!(!done(1, 2, 2, 1) && !done(0, 2, 2, 2));
        assert!(done(1, 2, 2, 2) && done(2, 2, 2, 2) && !rolled_out(None).unwrap());
        let late = deployment(1, 2, 1, 1, "ProgressDeadlineExceeded");
        assert!(rolled_out(Some(&late)).unwrap_err().is_timeout());
    }

    /// TestStatefulSetStatusViewerStatus and TestDaemonSetStatusViewerStatus.
    #[test]
    fn sets_are_rolled_out_when_their_newest_pods_are_ready() {
        let done = |partition: i32, ready: i32, updated: i32, current: &str| {
            let set = object(json!({
                "metadata": {"name": "foo", "generation": 1},
                "spec": {"replicas": 3, "updateStrategy": {"rollingUpdate": {"partition": partition}}},
                "status": {"observedGeneration": 1, "replicas": 3, "readyReplicas": ready,
                    "updatedReplicas": updated, "updateRevision": "new", "currentRevision": current},
            }));
            rolled_out_stateful_set(Some(&set)).unwrap()
        };
        assert!(!done(0, 2, 3, "new") && !done(0, 3, 2, "old") && done(0, 3, 3, "new"));
        assert!(!done(2, 3, 0, "old") && done(2, 3, 1, "old"));
        let done = |updated: i32, available: i32| {
            let set = object(json!({
                "metadata": {"name": "foo", "generation": 1},
                "status": {"observedGeneration": 1, "desiredNumberScheduled": 2,
                    "updatedNumberScheduled": updated, "numberAvailable": available},
            }));
            rolled_out_daemon_set(Some(&set)).unwrap()
        };
        assert!(!done(1, 2) && !done(2, 1) && done(2, 2));
        let on_delete = json!({"metadata": {}, "spec": {"updateStrategy": {"type": "OnDelete"}}});
        assert!(rolled_out_daemon_set(Some(&object(on_delete.clone()))).is_err());
        assert!(rolled_out_stateful_set(Some(&object(on_delete))).is_err());
    }

    #[test]
    fn definitions_pods_and_jobs_say_when_they_are_done_and_when_they_never_will() {
        let conditions = |conditions: &[(&str, &str)]| -> Value {
            conditions.iter().map(|(kind, status)| json!({"type": kind, "status": status})).collect()
        };
        let definition = |accepted, served| {
            let conditions = conditions(&[("NamesAccepted", accepted), ("Established", served)]);
            established(Some(&object(json!({"metadata": {}, "status": {"conditions": conditions}}))))
        };
        assert!(definition("True", "True").unwrap() && !definition("True", "False").unwrap());
        assert!(definition("False", "False").is_err() && !established(None).unwrap());
        let pod = |phase: &str, status| {
            object::<Pod>(json!({"metadata": {"uid": "u"},
                "status": {"phase": phase, "conditions": conditions(&[("Ready", status)])}}))
        };
        assert!(
            ready(Some(&pod("Running", "True"))).unwrap() && !ready(Some(&pod("Pending", "False"))).unwrap()
        );
        assert!(ready(Some(&pod("Failed", "False"))).is_err() && !ready(None).unwrap());
        let job = |kind| {
            let conditions = conditions(&[(kind, "True")]);
            complete(Some(&object(json!({"metadata": {}, "status": {"conditions": conditions}}))))
        };
        assert!(job("Complete").unwrap() && job("Failed").is_err() && !job("Suspended").unwrap());
        let pod = pod("Running", "True");
        assert!(deleted::<Lazy<Pod>>(None).unwrap() && !deleted(Some(&pod)).unwrap());
        assert!(gone("other")(Some(&pod)).unwrap() && !gone("u")(Some(&pod)).unwrap());
    }
}
