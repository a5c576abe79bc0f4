//! Pods of workloads: what one template gives varies by pod in name, node, addresses and times; templates vary in
//! containers, environment, volumes, probes, labels and annotations.

use portolan::policy::Random;
use serde_json::{Value, json};

use super::{managed_fields, version};

const WORDS: [&str; 24] = [
    "checkout", "ledger", "search", "ingest", "gateway", "billing", "session", "catalog", "render", "notify",
    "metrics", "archive", "stream", "quota", "profile", "router", "worker", "planner", "indexer", "relay",
    "mirror", "audit", "signer", "tiles",
];
const TEAMS: [&str; 8] = ["atlas", "beacon", "compass", "delta", "ember", "fathom", "galley", "harbor"];

/// One Deployment's template, from which its pods are made.
pub(crate) struct Workload {
    name: String,
    namespace: String,
    hash: String,
    owner_uid: String,
    labels: Value,
    annotations: Value,
    spec: Value,
}

impl Workload {
    pub(crate) fn new(number: usize, random: &mut Random) -> Self {
        let word = pick(&WORDS, random);
        let team = pick(&TEAMS, random);
        let name = format!("{word}-{}-{number}", pick(&["api", "web", "cron", "svc", "batch"], random));
        let hash = hexadecimal(random, 10);
        let labels = json!({
            "app.kubernetes.io/name": word,
            "app.kubernetes.io/instance": name,
            "app.kubernetes.io/version": format!("{}.{}.{}", random.below(9), random.below(30), random.below(99)),
            "app.kubernetes.io/managed-by": "Helm",
            "team": team,
            "tier": pick(&["frontend", "backend", "data"], random),
            "pod-template-hash": hash,
        });
        let mut annotations = json!({
            "checksum/config": hexadecimal(random, 64),
            "prometheus.io/scrape": "true",
            "prometheus.io/port": (8000 + random.below(1000)).to_string(),
            "kubectl.kubernetes.io/restartedAt": time(random),
        });
        if random.below(3) == 0 {
            annotations["sidecar.istio.io/status"] = format!(
                "{{\"initContainers\":[\"istio-init\"],\"containers\":[\"istio-proxy\"],\"revision\":\"{}\"}}",
                hexadecimal(random, 8)
            )
            .into();
        }
        let namespace = format!("{team}-{}", pick(&["prod", "stage", "tools"], random));
        Self { spec: spec(&name, random), name, namespace, hash, owner_uid: uid(random), labels, annotations }
    }

    pub(crate) fn pod(&self, index: usize, random: &mut Random) -> Value {
        let (node, created) = (node(random), time(random));
        let mut spec = self.spec.clone();
        spec["nodeName"] = node.into();
        let status = status(&spec, &created, random);
        let mut metadata = json!({
            "name": format!("{}-{}-{}", self.name, self.hash, suffix(index)),
            "generateName": format!("{}-{}-", self.name, self.hash),
            "namespace": self.namespace,
            "uid": uid(random),
            "resourceVersion": version(index),
            "creationTimestamp": created,
            "labels": self.labels,
            "annotations": self.annotations,
            "ownerReferences": [{
                "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": format!("{}-{}", self.name, self.hash),
                "uid": self.owner_uid, "controller": true, "blockOwnerDeletion": true,
            }],
        });
        metadata["managedFields"] = json!([
            managed_fields::entry("kube-controller-manager", &created, None, &self.asked(&metadata)),
            managed_fields::entry("kubelet", &created, Some("status"), &reported(&status)),
        ]);
        json!({ "metadata": metadata, "spec": spec, "status": status })
    }

    /// What the controller owns: the template, without what admission added to it.
    fn asked(&self, metadata: &Value) -> Value {
        let mut spec = self.spec.clone();
        for added in ["tolerations", "priority", "preemptionPolicy", "serviceAccount", "volumes"] {
            if let Some(members) = spec.as_object_mut() {
                members.remove(added);
            }
        }
        for container in spec["containers"].as_array_mut().into_iter().flatten() {
            container["volumeMounts"] = Value::Null;
        }
        json!({ "metadata": {
            "annotations": metadata["annotations"], "generateName": "", "labels": metadata["labels"],
            "ownerReferences": metadata["ownerReferences"],
        }, "spec": spec })
    }
}

/// What the kubelet owns: of the conditions each by itself, the containers' states as one.
fn reported(status: &Value) -> Value {
    let mut reported = status.clone();
    for whole in ["containerStatuses", "phase", "qosClass"] {
        reported[whole] = Value::Null;
    }
    json!({ "status": reported })
}

/// The name of one of three hundred nodes.
pub(crate) fn node(random: &mut Random) -> String {
    format!("ip-10-0-{}-{}.eu-central-1.compute.internal", random.below(6), random.below(50))
}

/// An identity as the server makes them.
pub(crate) fn uid(random: &mut Random) -> String {
    let text = hexadecimal(random, 32);
    format!("{}-{}-4{}-a{}-{}", &text[..8], &text[8..12], &text[13..16], &text[17..20], &text[20..])
}

fn spec(name: &str, random: &mut Random) -> Value {
    let variables = 2 + random_below(random, 6);
    let mut containers = vec![container(name, "app", random, variables)];
    for sidecar in ["proxy", "log-shipper"].iter().take(random_below(random, 2)) {
        let variables = random_below(random, 5);
        containers.push(container(name, sidecar, random, variables));
    }
    let mut spec = json!({
        "containers": containers,
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": 30 + random.below(4) * 15,
        "dnsPolicy": "ClusterFirst",
        "serviceAccountName": name,
        "serviceAccount": name,
        "securityContext": { "runAsNonRoot": true, "runAsUser": 1000 + random.below(100), "fsGroup": 2000 },
        "schedulerName": "default-scheduler",
        "priority": 0,
        "enableServiceLinks": true,
        "preemptionPolicy": "PreemptLowerPriority",
        "tolerations": [
            { "key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300 },
            { "key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300 },
        ],
        "volumes": volumes(name, random),
    });
    if random.below(2) == 0 {
        spec["affinity"] = json!({ "podAntiAffinity": { "preferredDuringSchedulingIgnoredDuringExecution": [{
            "weight": 100,
            "podAffinityTerm": {
                "labelSelector": { "matchLabels": { "app.kubernetes.io/instance": name } },
                "topologyKey": "topology.kubernetes.io/zone",
            },
        }] } });
    }
    if random.below(3) == 0 {
        spec["initContainers"] = json!([container(name, "migrate", random, 3)]);
    }
    spec
}

fn volumes(name: &str, random: &mut Random) -> Value {
    let mut volumes = vec![
        json!({ "name": "config", "configMap": { "name": format!("{name}-config"), "defaultMode": 420 } }),
        json!({ "name": "tmp", "emptyDir": {} }),
        json!({ "name": "kube-api-access", "projected": { "defaultMode": 420, "sources": [
            { "serviceAccountToken": { "expirationSeconds": 3607, "path": "token" } },
            { "configMap": { "name": "kube-root-ca.crt", "items": [{ "key": "ca.crt", "path": "ca.crt" }] } },
            { "downwardAPI": { "items": [{ "path": "namespace", "fieldRef": { "apiVersion": "v1", "fieldPath": "metadata.namespace" } }] } },
        ] } }),
    ];
    for number in 0..random.below(3) {
        let secret = format!("{name}-secret-{number}");
        volumes.push(json!({ "name": format!("secret-{number}"), "secret": { "secretName": secret, "defaultMode": 420 } }));
    }
    volumes.into()
}

fn container(workload: &str, name: &str, random: &mut Random, variables: usize) -> Value {
    let port = 8000 + random.below(1000);
    let image = format!(
        "registry.example.com/{}/{workload}-{name}:{}",
        pick(&TEAMS, random),
        hexadecimal(random, 12)
    );
    let probe = |path: &str, delay: u64| {
        json!({
            "httpGet": { "path": path, "port": port, "scheme": "HTTP" }, "initialDelaySeconds": delay,
            "timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3,
        })
    };
    let mut container = json!({
        "name": name,
        "image": image,
        "ports": [{ "name": "http", "containerPort": port, "protocol": "TCP" }],
        "env": environment(workload, random, variables),
        "resources": {
            "limits": { "cpu": format!("{}", 1 + random.below(3)), "memory": format!("{}Mi", 256 << random.below(4)) },
            "requests": { "cpu": format!("{}m", 50 * (1 + random.below(8))), "memory": format!("{}Mi", 128 << random.below(3)) },
        },
        "volumeMounts": [
            { "name": "config", "mountPath": "/etc/config", "readOnly": true },
            { "name": "tmp", "mountPath": "/tmp" },
            { "name": "kube-api-access", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "readOnly": true },
        ],
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "imagePullPolicy": "IfNotPresent",
    });
    if name == "app" {
        container["args"] =
            json!(["--listen", format!(":{port}"), "--config=/etc/config/app.yaml", "--log-format=json"]);
        container["livenessProbe"] = probe("/healthz", 15);
        container["readinessProbe"] = probe("/ready", 5);
    }
    container
}

fn environment(workload: &str, random: &mut Random, count: usize) -> Value {
    let variable = |number: usize, random: &mut Random| {
        let name = format!("{}_{}", pick(&WORDS, random).to_uppercase(), number);
        match random.below(5) {
            0 => {
                json!({ "name": name, "valueFrom": { "secretKeyRef": { "name": format!("{workload}-secret"), "key": name.to_lowercase() } } })
            }
            1 => {
                json!({ "name": name, "valueFrom": { "fieldRef": { "apiVersion": "v1", "fieldPath": "status.podIP" } } })
            }
            2 => {
                json!({ "name": name, "value": format!("https://{}.internal:{}/v{}?cache=\"on\"", pick(&WORDS, random), 1000 + random.below(9000), random.below(4)) })
            }
            _ => {
                let length = 8 + random_below(random, 80);
                json!({ "name": name, "value": hexadecimal(random, length) })
            }
        }
    };
    (0..count).map(|number| variable(number, random)).collect()
}

fn status(spec: &Value, created: &str, random: &mut Random) -> Value {
    let condition = |kind: &str| {
        json!({
            "type": kind, "status": "True", "lastTransitionTime": created, "observedGeneration": 1,
        })
    };
    let conditions = ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"]
        .map(condition);
    let statuses: Vec<Value> = spec["containers"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|container| {
            json!({
                "name": container["name"],
                "state": { "running": { "startedAt": created } },
                "lastState": {},
                "ready": true,
                "restartCount": random.below(4),
                "image": container["image"],
                "imageID": format!("registry.example.com/image@sha256:{}", hexadecimal(random, 64)),
                "containerID": format!("containerd://{}", hexadecimal(random, 64)),
                "started": true,
            })
        })
        .collect();
    let (host, pod) = (
        format!("10.0.{}.{}", random.below(6), random.below(250)),
        format!("10.{}.{}.{}", 64 + random.below(60), random.below(250), random.below(250)),
    );
    json!({
        "phase": if random.below(40) == 0 { "Pending" } else { "Running" },
        "conditions": conditions,
        "hostIP": host,
        "hostIPs": [{ "ip": host }],
        "podIP": pod,
        "podIPs": [{ "ip": pod }],
        "startTime": created,
        "containerStatuses": statuses,
        "qosClass": "Burstable",
    })
}

/// Five letters that tell pods of one ReplicaSet apart.
fn suffix(index: usize) -> String {
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let mut left = index;
    (0..5)
        .map(|_| {
            let letter = LETTERS[left % LETTERS.len()];
            left /= LETTERS.len();
            char::from(letter)
        })
        .collect()
}

fn time(random: &mut Random) -> String {
    format!(
        "2026-{:02}-{:02}T{:02}:{:02}:{:02}Z",
        1 + random.below(11),
        1 + random.below(28),
        random.below(24),
        random.below(60),
        random.below(60)
    )
}

fn hexadecimal(random: &mut Random, length: usize) -> String {
    let mut text = String::with_capacity(length + 16);
    while text.len() < length {
        text.push_str(&format!("{:016x}", random.next_u64()));
    }
    text.truncate(length);
    text
}

fn pick<'a>(from: &[&'a str], random: &mut Random) -> &'a str {
    from[random_below(random, from.len())]
}

fn random_below(random: &mut Random, bound: usize) -> usize {
    random.below(bound as u64) as usize
}
