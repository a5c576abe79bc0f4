//! Every object of a workload but its pods, as the controllers would write it.

use std::time::Duration;

use serde_json::{Value, json};

use super::Kind;
use super::model::{App, AppKind, Node};
use super::pods::{hash, template};
use crate::store::timestamp;

pub(crate) const POD: Kind = kind("", "v1", "Pod", "pods");
pub(crate) const NODE: Kind = kind("", "v1", "Node", "nodes");
pub(crate) const EVENT: Kind = kind("", "v1", "Event", "events");
pub(crate) const CONFIG_MAP: Kind = kind("", "v1", "ConfigMap", "configmaps");
pub(crate) const LEASE: Kind = kind("coordination.k8s.io", "v1", "Lease", "leases");
pub(crate) const DEPLOYMENT: Kind = kind("apps", "v1", "Deployment", "deployments");
pub(crate) const REPLICA_SET: Kind = kind("apps", "v1", "ReplicaSet", "replicasets");
pub(crate) const STATEFUL_SET: Kind = kind("apps", "v1", "StatefulSet", "statefulsets");
pub(crate) const DAEMON_SET: Kind = kind("apps", "v1", "DaemonSet", "daemonsets");
pub(crate) const JOB: Kind = kind("batch", "v1", "Job", "jobs");
pub(crate) const ENDPOINT_SLICE: Kind = kind("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices");
pub(crate) const BACKUP: Kind = kind("demo.example.com", "v1", "Backup", "backups");

const fn kind(group: &'static str, version: &'static str, kind: &'static str, plural: &'static str) -> Kind {
    Kind { group, version, kind, plural }
}

/// `metadata` of an object that is as old as `created`.
fn metadata(namespace: &str, name: &str, created: Duration) -> Value {
    let mut metadata = json!({ "name": name, "creationTimestamp": timestamp(created) });
    if !namespace.is_empty() {
        metadata["namespace"] = namespace.into();
    }
    metadata
}

pub(crate) fn namespace(name: &str, created: Duration) -> Value {
    let mut metadata = metadata("", name, created);
    metadata["labels"] = json!({ "team": name });
    json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": metadata })
}

pub(crate) fn node(node: &Node, created: Duration, now: Duration) -> Value {
    let mut metadata = metadata("", &node.name, created);
    metadata["labels"] = json!({
        "kubernetes.io/hostname": node.name,
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/os": "linux",
        "node.kubernetes.io/instance-type": "standard-16",
        "topology.kubernetes.io/zone": node.zone,
        "topology.kubernetes.io/region": "north-1",
    });
    let capacity = json!({ "cpu": "16", "memory": "65536Mi", "pods": "110", "ephemeral-storage": "100Gi" });
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": metadata,
        "spec": { "providerID": format!("memory:///{}/{}", node.zone, node.name), "podCIDR": format!("{}.0/24", node.pod_network) },
        "status": {
            "capacity": capacity,
            "allocatable": { "cpu": "15800m", "memory": "63488Mi", "pods": "110", "ephemeral-storage": "90Gi" },
            "conditions": node_conditions(node, now),
            "addresses": [{ "type": "InternalIP", "address": node.address }, { "type": "Hostname", "address": node.name }],
            "daemonEndpoints": { "kubeletEndpoint": { "Port": 10250 } },
            "nodeInfo": {
                "machineID": format!("{:032x}", hash(&node.name)), "systemUUID": format!("{:032x}", !hash(&node.name)), "bootID": "",
                "kernelVersion": "6.12.0-amd64", "osImage": "Debian GNU/Linux 13", "containerRuntimeVersion": "containerd://2.2.0",
                "kubeletVersion": "v1.36.3", "kubeProxyVersion": "", "operatingSystem": "linux", "architecture": "amd64",
            },
        },
    })
}

/// A node's conditions; the kubelet of one that is not ready has fallen silent.
pub(crate) fn node_conditions(node: &Node, now: Duration) -> Value {
    let (seen, changed) = (timestamp(now), timestamp(node.since));
    let pressure = |kind: &str, reason: &str, message: &str| {
        let status = if node.ready { "False" } else { "Unknown" };
        json!({ "type": kind, "status": status, "lastHeartbeatTime": seen, "lastTransitionTime": changed, "reason": reason, "message": message })
    };
    let mut ready = pressure("Ready", "KubeletReady", "kubelet is posting ready status");
    ready["status"] = "True".into();
    if !node.ready {
        ready["status"] = "Unknown".into();
        ready["reason"] = "NodeStatusUnknown".into();
        ready["message"] = "Kubelet stopped posting node status.".into();
    }
    json!([
        pressure("MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        pressure("DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        pressure("PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        ready,
    ])
}

pub(crate) fn lease(node: &Node, now: Duration) -> Value {
    json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": { "name": node.name, "namespace": "kube-node-lease" },
        "spec": lease_spec(node, now),
    })
}

pub(crate) fn lease_spec(node: &Node, now: Duration) -> Value {
    json!({ "holderIdentity": node.name, "leaseDurationSeconds": 40, "renewTime": micro_time(now) })
}

/// A time with exactly six digits of fraction, as MicroTime has.
fn micro_time(at: Duration) -> String {
    let text = timestamp(at);
    format!("{}.{:06}Z", text.trim_end_matches('Z'), at.subsec_micros())
}

/// The object that owns the app: a Deployment, StatefulSet, DaemonSet or Job.
pub(crate) fn app(app: &App) -> Value {
    let mut metadata = metadata(&app.namespace, &app.name, app.created);
    metadata["labels"] = app.labels();
    metadata["uid"] = app.uid.as_str().into();
    let template = json!({ "metadata": { "labels": app.labels() }, "spec": template(app, app.revision) });
    let selector = json!({ "matchLabels": app.selector() });
    let mut spec = json!({ "selector": selector, "template": template, "revisionHistoryLimit": 10 });
    match app.kind {
        AppKind::Deployment => {
            metadata["annotations"] =
                json!({ "deployment.kubernetes.io/revision": app.revision.to_string() });
            spec["replicas"] = app.replicas.into();
            spec["progressDeadlineSeconds"] = 600.into();
            spec["strategy"] = json!({ "type": "RollingUpdate", "rollingUpdate": { "maxSurge": "25%", "maxUnavailable": "25%" } });
        }
        AppKind::StatefulSet => {
            spec["replicas"] = app.replicas.into();
            spec["serviceName"] = app.name.as_str().into();
            spec["podManagementPolicy"] = "OrderedReady".into();
            spec["updateStrategy"] = json!({ "type": "RollingUpdate" });
        }
        AppKind::DaemonSet => {
            spec["updateStrategy"] =
                json!({ "type": "RollingUpdate", "rollingUpdate": { "maxUnavailable": 1, "maxSurge": 0 } });
        }
        AppKind::Job => {
            spec = json!({ "selector": selector, "template": template, "completions": 1, "parallelism": 1, "backoffLimit": 6 });
        }
    }
    let kind = app.kind.kind();
    json!({ "apiVersion": kind.api_version(), "kind": kind.kind, "metadata": metadata, "spec": spec, "status": app_status(app) })
}

/// What the controller reports of the app. `generation` is left out: only the server knows it.
pub(crate) fn app_status(app: &App) -> Value {
    let tally = &app.tally;
    let since = timestamp(app.since);
    match app.kind {
        AppKind::Deployment => {
            let available = if tally.ready >= app.replicas { "True" } else { "False" };
            json!({
                "replicas": tally.pods, "updatedReplicas": tally.updated, "readyReplicas": tally.ready,
                "availableReplicas": tally.ready, "unavailableReplicas": tally.pods.saturating_sub(tally.ready),
                "conditions": [
                    { "type": "Available", "status": available, "lastUpdateTime": since, "lastTransitionTime": since, "reason": if available == "True" { "MinimumReplicasAvailable" } else { "MinimumReplicasUnavailable" }, "message": "" },
                    { "type": "Progressing", "status": "True", "lastUpdateTime": since, "lastTransitionTime": since, "reason": if app.rolling { "ReplicaSetUpdated" } else { "NewReplicaSetAvailable" }, "message": "" },
                ],
            })
        }
        AppKind::StatefulSet => json!({
            "replicas": tally.pods, "readyReplicas": tally.ready, "availableReplicas": tally.ready, "currentReplicas": tally.pods,
            "updatedReplicas": tally.updated, "currentRevision": app.owner_name(app.revision), "updateRevision": app.owner_name(app.revision),
        }),
        AppKind::DaemonSet => json!({
            "desiredNumberScheduled": app.replicas, "currentNumberScheduled": tally.pods, "numberReady": tally.ready,
            "numberAvailable": tally.ready, "updatedNumberScheduled": tally.updated, "numberMisscheduled": 0,
        }),
        AppKind::Job if tally.succeeded > 0 => json!({
            "succeeded": tally.succeeded, "startTime": timestamp(app.created), "completionTime": since,
            "conditions": [{ "type": "Complete", "status": "True", "lastProbeTime": since, "lastTransitionTime": since, "reason": "CompletionsReached", "message": "Reached expected number of succeeded pods" }],
        }),
        AppKind::Job => {
            json!({ "active": tally.pods, "ready": tally.ready, "startTime": timestamp(app.created) })
        }
    }
}

/// The ReplicaSet of a deployment's `revision`.
pub(crate) fn replica_set(app: &App, revision: u32, created: Duration) -> Value {
    let mut metadata = metadata(&app.namespace, &app.owner_name(revision), created);
    let mut labels = app.labels();
    labels["pod-template-hash"] = app.hash(revision).into();
    metadata["labels"] = labels.clone();
    metadata["uid"] = app.owner_uid(revision).into();
    metadata["annotations"] = json!({ "deployment.kubernetes.io/revision": revision.to_string() });
    metadata["ownerReferences"] = json!([{
        "apiVersion": "apps/v1", "kind": "Deployment", "name": app.name, "uid": app.uid, "controller": true, "blockOwnerDeletion": true,
    }]);
    let mut selector = app.selector();
    selector["pod-template-hash"] = app.hash(revision).into();
    let template = json!({ "metadata": { "labels": labels }, "spec": template(app, revision) });
    let part = replica_set_part(app, revision);
    json!({
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": metadata,
        "spec": { "replicas": part["spec"]["replicas"], "selector": { "matchLabels": selector }, "template": template },
        "status": part["status"],
    })
}

/// What changes in a ReplicaSet.
pub(crate) fn replica_set_part(app: &App, revision: u32) -> Value {
    let (pods, ready, wanted) = if revision == app.revision {
        let current_ready = app.tally.updated_ready;
        (app.tally.updated, current_ready, app.replicas)
    } else {
        let old = app.tally.pods.saturating_sub(app.tally.updated);
        let ready = app.tally.ready.saturating_sub(app.tally.updated_ready);
        if revision + 1 == app.revision { (old, ready, old) } else { (0, 0, 0) }
    };
    json!({
        "spec": { "replicas": wanted },
        "status": { "replicas": pods, "fullyLabeledReplicas": pods, "readyReplicas": ready, "availableReplicas": ready },
    })
}

pub(crate) fn service(app: &App) -> Value {
    let mut metadata = metadata(&app.namespace, &app.name, app.created);
    metadata["labels"] = app.labels();
    let cluster_ip = if app.kind == AppKind::StatefulSet {
        "None".to_owned()
    } else {
        let number = hash(&app.name) ^ hash(&app.namespace);
        format!("10.96.{}.{}", number >> 8 & 255, 1 + number % 254)
    };
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata,
        "spec": {
            "type": "ClusterIP", "clusterIP": cluster_ip, "clusterIPs": [cluster_ip], "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack",
            "selector": app.selector(), "sessionAffinity": "None", "internalTrafficPolicy": "Cluster",
            "ports": [{ "name": "http", "port": 80, "targetPort": "http", "protocol": "TCP" }],
        },
        "status": { "loadBalancer": {} },
    })
}

/// The endpoints of an app's service: address, pod name, whether ready.
pub(crate) fn endpoint_slice(app: &App, endpoints: &[Value]) -> Value {
    let mut metadata = metadata(&app.namespace, &app.slice_name(), app.created);
    metadata["labels"] = json!({
        "kubernetes.io/service-name": app.name, "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
    });
    json!({
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": metadata,
        "addressType": "IPv4",
        "ports": [{ "name": "http", "port": 8080, "protocol": "TCP" }],
        "endpoints": endpoints,
    })
}

pub(crate) fn config_map(app: &App) -> Value {
    let mut metadata = metadata(&app.namespace, &format!("{}-config", app.name), app.created);
    metadata["labels"] = app.labels();
    json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": settings(app, 1) })
}

pub(crate) fn settings(app: &App, edition: u64) -> Value {
    let yaml = format!(
        "service: {}\nedition: {edition}\nlisten: :8080\nmetrics: :9090\nlog:\n  level: info\n  format: json\nlimits:\n  requestsPerSecond: {}\n  timeout: 5s\n",
        app.name,
        100 + hash(&app.name) % 900
    );
    json!({ "settings.yaml": yaml })
}

pub(crate) fn secret(namespace: &str, created: Duration) -> Value {
    let name = format!("{namespace}-credentials");
    // Base64 of "demo" and "not a secret".
    let data = json!({ "username": "ZGVtbw==", "password": "bm90IGEgc2VjcmV0" });
    json!({ "apiVersion": "v1", "kind": "Secret", "metadata": metadata(namespace, &name, created), "type": "Opaque", "data": data })
}

pub(crate) fn service_account(namespace: &str, created: Duration) -> Value {
    json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata(namespace, "default", created) })
}

pub(crate) fn cron_job(
    namespace: &str,
    name: &str,
    schedule: &str,
    created: Duration,
    now: Duration,
) -> Value {
    json!({
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": metadata(namespace, name, created),
        "spec": {
            "schedule": schedule, "concurrencyPolicy": "Forbid", "suspend": false, "successfulJobsHistoryLimit": 3, "failedJobsHistoryLimit": 1,
            "jobTemplate": { "spec": { "template": { "spec": {
                "restartPolicy": "OnFailure",
                "containers": [{ "name": "task", "image": format!("registry.example.com/{namespace}/{name}:1.4.0") }],
            } } } },
        },
        "status": { "lastScheduleTime": timestamp(now), "lastSuccessfulTime": timestamp(now) },
    })
}

/// The definition of the workload's own kind.
pub(crate) fn backup_definition(created: Duration) -> Value {
    let schema = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": metadata("", "backups.demo.example.com", created),
        "spec": {
            "group": "demo.example.com",
            "scope": "Namespaced",
            "names": { "kind": "Backup", "plural": "backups", "singular": "backup", "shortNames": ["bk"], "categories": ["all"] },
            "versions": [{
                "name": "v1", "served": true, "storage": true, "schema": { "openAPIV3Schema": schema }, "subresources": { "status": {} },
                "additionalPrinterColumns": [
                    { "name": "Phase", "type": "string", "jsonPath": ".status.phase" },
                    { "name": "Size", "type": "string", "jsonPath": ".status.size" },
                ],
            }],
        },
    })
}

pub(crate) fn backup(namespace: &str, created: Duration) -> Value {
    json!({
        "apiVersion": "demo.example.com/v1",
        "kind": "Backup",
        "metadata": metadata(namespace, &format!("{namespace}-nightly"), created),
        "spec": { "source": format!("{namespace}-db"), "schedule": "0 2 * * *", "retention": "720h" },
        "status": { "phase": "Completed", "size": "1.2Gi" },
    })
}
