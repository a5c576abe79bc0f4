//! A pod's object and its status, as a kubelet would report it.

use std::time::Duration;

use serde_json::{Value, json};

use super::model::{App, AppKind, Node, Pod, Stage};
use crate::store::timestamp;

/// The whole pod.
pub(crate) fn pod(app: &App, pod: &Pod, nodes: &[Node], now: Duration) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": pod.name,
            "namespace": app.namespace,
            "uid": pod.uid,
            "creationTimestamp": timestamp(pod.created),
            "generateName": format!("{}-", app.owner_name(pod.revision)),
            "labels": labels(app, pod),
            "annotations": {
                "checksum/config": format!("{:016x}{:016x}", hash(&app.name), u64::from(pod.revision).wrapping_mul(0x9E37_79B9)),
                "prometheus.io/scrape": "true",
                "prometheus.io/port": "9090",
                "prometheus.io/path": "/metrics",
            },
            "ownerReferences": [{
                "apiVersion": app.kind.owner().api_version(),
                "kind": app.kind.owner().kind,
                "name": app.owner_name(pod.revision),
                "uid": app.owner_uid(pod.revision),
                "controller": true,
                "blockOwnerDeletion": true,
            }],
        },
        "spec": spec(app, pod, nodes),
        "status": status(app, pod, nodes, now),
    })
}

fn labels(app: &App, pod: &Pod) -> Value {
    let mut labels = app.labels();
    labels["app.kubernetes.io/version"] = app.version(pod.revision).into();
    match app.kind {
        AppKind::Deployment => labels["pod-template-hash"] = app.hash(pod.revision).into(),
        AppKind::Job => labels["batch.kubernetes.io/job-name"] = app.name.as_str().into(),
        _ => labels["controller-revision-hash"] = app.hash(pod.revision).into(),
    }
    if app.kind == AppKind::StatefulSet {
        labels["statefulset.kubernetes.io/pod-name"] = pod.name.as_str().into();
    }
    labels
}

fn spec(app: &App, pod: &Pod, nodes: &[Node]) -> Value {
    let mut spec = template(app, pod.revision);
    spec["volumes"][0]["name"] = token_volume(pod).into();
    let container = &mut spec["containers"][0]["volumeMounts"];
    container[0]["name"] = token_volume(pod).into();
    spec["preemptionPolicy"] = "PreemptLowerPriority".into();
    spec["priority"] = 0.into();
    spec["enableServiceLinks"] = true.into();
    spec["tolerations"] = json!([
        { "key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300 },
        { "key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300 },
    ]);
    if let Some(node) = pod.node.and_then(|node| nodes.get(node)) {
        spec["nodeName"] = node.name.as_str().into();
    }
    spec
}

/// The pod template's spec of an app at `revision`.
pub(crate) fn template(app: &App, revision: u32) -> Value {
    let probe = |path: &str, delay: u32| {
        json!({
            "httpGet": { "path": path, "port": "http", "scheme": "HTTP" },
            "initialDelaySeconds": delay, "periodSeconds": 10, "timeoutSeconds": 2,
            "successThreshold": 1, "failureThreshold": 3,
        })
    };
    let mounts = json!([
        { "name": "kube-api-access", "readOnly": true, "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount" },
        { "name": "config", "readOnly": true, "mountPath": "/etc/app" },
        { "name": "scratch", "mountPath": "/tmp" },
    ]);
    let restart = if app.kind == AppKind::Job { "OnFailure" } else { "Always" };
    json!({
        "volumes": [
            { "name": "kube-api-access", "projected": { "defaultMode": 420, "sources": [
                { "serviceAccountToken": { "expirationSeconds": 3607, "path": "token" } },
                { "configMap": { "name": "kube-root-ca.crt", "items": [{ "key": "ca.crt", "path": "ca.crt" }] } },
                { "downwardAPI": { "items": [{ "path": "namespace", "fieldRef": { "apiVersion": "v1", "fieldPath": "metadata.namespace" } }] } },
            ] } },
            { "name": "config", "configMap": { "name": format!("{}-config", app.name), "defaultMode": 420 } },
            { "name": "scratch", "emptyDir": { "sizeLimit": "512Mi" } },
        ],
        "containers": [{
            "name": app.container(),
            "image": app.image(revision),
            "imagePullPolicy": "IfNotPresent",
            "args": ["--config=/etc/app/settings.yaml", "--listen=:8080", "--metrics=:9090"],
            "ports": [
                { "name": "http", "containerPort": 8080, "protocol": "TCP" },
                { "name": "metrics", "containerPort": 9090, "protocol": "TCP" },
            ],
            "env": [
                { "name": "POD_NAME", "valueFrom": { "fieldRef": { "apiVersion": "v1", "fieldPath": "metadata.name" } } },
                { "name": "POD_NAMESPACE", "valueFrom": { "fieldRef": { "apiVersion": "v1", "fieldPath": "metadata.namespace" } } },
                { "name": "NODE_NAME", "valueFrom": { "fieldRef": { "apiVersion": "v1", "fieldPath": "spec.nodeName" } } },
                { "name": "LOG_LEVEL", "value": "info" },
                { "name": "DATABASE_PASSWORD", "valueFrom": { "secretKeyRef": { "name": format!("{}-credentials", app.namespace), "key": "password" } } },
            ],
            "resources": {
                "requests": { "cpu": app.cpu(), "memory": app.memory() },
                "limits": { "memory": app.memory() },
            },
            "livenessProbe": probe("/healthz", 15),
            "readinessProbe": probe("/readyz", 3),
            "volumeMounts": mounts,
            "terminationMessagePath": "/dev/termination-log",
            "terminationMessagePolicy": "File",
            "securityContext": { "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "runAsNonRoot": true, "capabilities": { "drop": ["ALL"] } },
        }],
        "restartPolicy": restart,
        "terminationGracePeriodSeconds": 30,
        "dnsPolicy": "ClusterFirst",
        "serviceAccountName": "default",
        "serviceAccount": "default",
        "securityContext": { "fsGroup": 2000, "seccompProfile": { "type": "RuntimeDefault" } },
        "schedulerName": "default-scheduler",
    })
}

/// The pod's status at this stage of its life.
pub(crate) fn status(app: &App, pod: &Pod, nodes: &[Node], now: Duration) -> Value {
    let since = timestamp(pod.since);
    let (phase, ready, scheduled) = match pod.stage {
        Stage::Pending => ("Pending", false, false),
        Stage::Creating | Stage::PullFailing => ("Pending", false, true),
        Stage::Running | Stage::Terminating => ("Running", true, true),
        Stage::Unready | Stage::Crashing | Stage::OutOfMemory => ("Running", false, true),
        Stage::Succeeded => ("Succeeded", false, true),
    };
    let condition = |kind: &str, met: bool, reason: Option<(&str, String)>| {
        let mut condition = json!({
            "type": kind, "status": if met { "True" } else { "False" }, "observedGeneration": 1,
            "lastProbeTime": null, "lastTransitionTime": since,
        });
        if let Some((reason, message)) = reason.filter(|_| !met) {
            condition["reason"] = reason.into();
            condition["message"] = message.into();
        }
        condition
    };
    if !scheduled {
        let why = format!("0/{} nodes are available: {} Insufficient cpu.", nodes.len(), nodes.len());
        let unschedulable = condition("PodScheduled", false, Some(("Unschedulable", why)));
        return json!({ "phase": phase, "qosClass": "Burstable", "observedGeneration": 1, "conditions": [unschedulable] });
    }
    let unready = || {
        if pod.stage == Stage::Succeeded {
            return Some(("PodCompleted", String::new()));
        }
        Some(("ContainersNotReady", format!("containers with unready status: [{}]", app.container())))
    };
    let node = pod.node.and_then(|node| nodes.get(node));
    let mut status = json!({
        "phase": phase,
        "qosClass": "Burstable",
        "observedGeneration": 1,
        "startTime": timestamp(pod.created + Duration::from_secs(1).min(now.saturating_sub(pod.created))),
        "hostIP": node.map(|node| node.address.clone()),
        "hostIPs": node.map(|node| json!([{ "ip": node.address }])),
        "conditions": [
            condition("PodReadyToStartContainers", pod.stage != Stage::Creating, None),
            condition("Initialized", true, None),
            condition("Ready", ready, unready()),
            condition("ContainersReady", ready, unready()),
            condition("PodScheduled", true, None),
        ],
        "containerStatuses": [container_status(app, pod, ready)],
    });
    if pod.stage != Stage::Creating {
        status["podIP"] = pod.address.as_str().into();
        status["podIPs"] = json!([{ "ip": pod.address }]);
    }
    status
}

fn container_status(app: &App, pod: &Pod, ready: bool) -> Value {
    let since = timestamp(pod.since);
    let waiting =
        |reason: &str, message: String| json!({ "waiting": { "reason": reason, "message": message } });
    let ended = |code: u32, reason: &str| {
        json!({ "terminated": {
            "exitCode": code, "reason": reason, "startedAt": timestamp(pod.created), "finishedAt": since,
            "containerID": container_id(pod, pod.restarts),
        } })
    };
    let state = match pod.stage {
        Stage::Pending | Stage::Creating => json!({ "waiting": { "reason": "ContainerCreating" } }),
        Stage::PullFailing => {
            waiting("ImagePullBackOff", format!("Back-off pulling image {:?}", app.image(pod.revision)))
        }
        Stage::Crashing => waiting(
            "CrashLoopBackOff",
            format!(
                "back-off {}s restarting failed container={} pod={}_{}({})",
                10 << pod.restarts.min(5),
                app.container(),
                pod.name,
                app.namespace,
                pod.uid
            ),
        ),
        Stage::OutOfMemory => ended(137, "OOMKilled"),
        Stage::Succeeded => ended(0, "Completed"),
        Stage::Running | Stage::Unready | Stage::Terminating => json!({ "running": { "startedAt": since } }),
    };
    let started = matches!(pod.stage, Stage::Running | Stage::Unready | Stage::Terminating);
    let mut status = json!({
        "name": app.container(),
        "image": app.image(pod.revision),
        "imageID": "",
        "ready": ready,
        "started": started,
        "restartCount": pod.restarts,
        "state": state,
        "lastState": {},
    });
    if !matches!(pod.stage, Stage::Pending | Stage::Creating | Stage::PullFailing) {
        status["imageID"] =
            format!("{}@sha256:{:064x}", app.repository(), hash(&app.image(pod.revision))).into();
        status["containerID"] = container_id(pod, pod.restarts).into();
    }
    if pod.restarts > 0 {
        let (code, reason) = if pod.last_out_of_memory { (137, "OOMKilled") } else { (1, "Error") };
        status["lastState"] = ended(code, reason);
    }
    status
}

fn container_id(pod: &Pod, restarts: u32) -> String {
    let number = hash(&pod.uid).wrapping_add(u64::from(restarts).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    format!(
        "containerd://{number:016x}{:016x}{:016x}{:016x}",
        number.rotate_left(17),
        number.rotate_left(31),
        !number
    )
}

fn token_volume(pod: &Pod) -> String {
    let suffix: String = pod.uid.chars().take(5).collect();
    format!("kube-api-access-{suffix}")
}

/// FNV-1a, for texts that look like digests.
pub(crate) fn hash(text: &str) -> u64 {
    text.bytes()
        .fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
}
