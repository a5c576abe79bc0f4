//! kubectl and Portolan side by side on a real server with its controllers: what one reads the other reads, and what
//! one does to an object leaves it as the other's deed leaves its twin.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use portolan::client::{Api, Client};
use portolan::config::Config;
use portolan::meta::{
    ApplyOptions, CreateOptions, DeleteOptions, GetOptions, GroupVersionResource, ListOptions, Patch,
    PatchOptions, Propagation,
};
use portolan::object::Unstructured;
use portolan_native::{ConfigOptions, client_for, load_config};
use portolan_tests::{Cluster, ClusterOptions};
use serde_json::{Value, json};

/// So long a state may take to come about, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Thirty kinds, each with the apiVersion and the resource that serve it and the rest of an object beside its name.
const KINDS: [(&str, &str, &str); 30] = [
    ("v1 ConfigMap", "configmaps", "data: {k: v}"),
    ("v1 Secret", "secrets", "stringData: {k: v}"),
    ("v1 ServiceAccount", "serviceaccounts", ""),
    ("v1 Service", "services", "spec: {ports: [{port: 80}], selector: {app: x}}"),
    ("v1 Endpoints", "endpoints", "subsets: [{addresses: [{ip: 10.1.1.1}], ports: [{port: 80}]}]"),
    ("v1 Pod", "pods", "spec: {containers: [{name: c, image: 'example.com/c:1'}]}"),
    (
        "v1 PodTemplate",
        "podtemplates",
        "template: {spec: {containers: [{name: c, image: 'example.com/c:1'}]}}",
    ),
    ("v1 LimitRange", "limitranges", "spec: {limits: [{type: Container, max: {cpu: '2'}}]}"),
    ("v1 ResourceQuota", "resourcequotas", "spec: {hard: {configmaps: '100'}}"),
    (
        "v1 PersistentVolumeClaim",
        "persistentvolumeclaims",
        "spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}",
    ),
    (
        "v1 ReplicationController",
        "replicationcontrollers",
        "spec: {replicas: 0, selector: {app: x}, template: {metadata: {labels: {app: x}}, spec: {containers: [{name: c, image: 'example.com/c:1'}]}}}",
    ),
    (
        "v1 Event",
        "events",
        "involvedObject: {kind: Pod, name: twin, namespace: default}\nreason: Tried\nmessage: it was tried",
    ),
    ("v1 Namespace", "namespaces", ""),
    ("v1 Node", "nodes", ""),
    (
        "v1 PersistentVolume",
        "persistentvolumes",
        "spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], hostPath: {path: /tmp}}",
    ),
    (
        "apps/v1 Deployment",
        "deployments",
        "spec: {replicas: 0, selector: {matchLabels: {app: d}}, template: {metadata: {labels: {app: d}}, spec: {containers: [{name: c, image: 'example.com/c:1'}]}}}",
    ),
    (
        "apps/v1 ReplicaSet",
        "replicasets",
        "spec: {replicas: 0, selector: {matchLabels: {app: r}}, template: {metadata: {labels: {app: r}}, spec: {containers: [{name: c, image: 'example.com/c:1'}]}}}",
    ),
    (
        "apps/v1 StatefulSet",
        "statefulsets",
        "spec: {replicas: 0, serviceName: s, selector: {matchLabels: {app: s}}, template: {metadata: {labels: {app: s}}, spec: {containers: [{name: c, image: 'example.com/c:1'}]}}}",
    ),
    (
        "apps/v1 DaemonSet",
        "daemonsets",
        "spec: {selector: {matchLabels: {app: e}}, template: {metadata: {labels: {app: e}}, spec: {containers: [{name: c, image: 'example.com/c:1'}]}}}",
    ),
    ("apps/v1 ControllerRevision", "controllerrevisions", "revision: 1\ndata: {k: v}"),
    (
        "batch/v1 Job",
        "jobs",
        "spec: {suspend: true, template: {spec: {restartPolicy: Never, containers: [{name: c, image: 'example.com/c:1'}]}}}",
    ),
    (
        "batch/v1 CronJob",
        "cronjobs",
        "spec: {schedule: '@daily', jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: 'example.com/c:1'}]}}}}}",
    ),
    (
        "networking.k8s.io/v1 Ingress",
        "ingresses",
        "spec: {defaultBackend: {service: {name: s, port: {number: 80}}}}",
    ),
    ("networking.k8s.io/v1 NetworkPolicy", "networkpolicies", "spec: {podSelector: {}}"),
    (
        "policy/v1 PodDisruptionBudget",
        "poddisruptionbudgets",
        "spec: {minAvailable: 1, selector: {matchLabels: {app: x}}}",
    ),
    (
        "rbac.authorization.k8s.io/v1 Role",
        "roles",
        "rules: [{apiGroups: [''], resources: [pods], verbs: [get]}]",
    ),
    (
        "rbac.authorization.k8s.io/v1 ClusterRole",
        "clusterroles",
        "rules: [{apiGroups: [''], resources: [pods], verbs: [get]}]",
    ),
    ("storage.k8s.io/v1 StorageClass", "storageclasses", "provisioner: example.com/none"),
    ("coordination.k8s.io/v1 Lease", "leases", "spec: {holderIdentity: somebody}"),
    (
        "autoscaling/v2 HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
        "spec: {maxReplicas: 3, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: d}}",
    ),
];

fn client(cluster: &Cluster) -> Client {
    let kubeconfig = Some(cluster.facts().kubeconfig.clone());
    let config = load_config(&ConfigOptions { kubeconfig, ..Default::default() }).unwrap();
    client_for(Config { rate_limit: None, ..config }).unwrap()
}

fn resource(api_version: &str, plural: &str) -> GroupVersionResource {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    GroupVersionResource::new(group.to_owned(), version.to_owned(), plural.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_kinds_read_the_same() {
    let options = ClusterOptions { controller_manager: true, ..ClusterOptions::default() };
    let cluster = Cluster::start(&options).unwrap();
    let client = client(&cluster);
    let mut manifest = String::new();
    for (kind, _, rest) in KINDS {
        let (api_version, kind) = kind.split_once(' ').unwrap();
        write!(manifest, "---\napiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: twin}}\n{rest}\n")
            .unwrap();
    }
    cluster.apply(&manifest).unwrap();
    let mut same = 0;
    for (kind, plural, _) in KINDS {
        let (api_version, _) = kind.split_once(' ').unwrap();
        let gvr = resource(api_version, plural);
        let all = client.dynamic().resource(gvr.clone());
        let shown = if gvr.group.is_empty() { plural.to_owned() } else { format!("{plural}.{}", gvr.group) };
        // Controllers may change an object between the two readings.
        let deadline = Instant::now() + PATIENCE;
        loop {
            let read = ["get", &shown, "--all-namespaces", "--output=json", "--show-managed-fields"];
            let theirs: Value = serde_json::from_str(&cluster.kubectl(&read).unwrap()).unwrap();
            let ours = all.list(&ListOptions::default()).await.unwrap().items;
            let ours: Vec<Value> = ours.iter().map(|object| serde_json::to_value(object).unwrap()).collect();
            assert!(!ours.is_empty(), "{kind}");
            if theirs["items"] == Value::from(ours.clone()) {
                same += 1;
                break;
            }
            assert!(
                Instant::now() < deadline,
                "{kind}\nkubectl: {}\nours: {}",
                theirs["items"],
                Value::from(ours)
            );
        }
    }
    println!("{same} of {} kinds read the same by kubectl and by the dynamic client", KINDS.len());
}

fn deployment(name: &str, image: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": name, "labels": { "app": "web" } },
        "spec": {
            "replicas": 1, "selector": { "matchLabels": { "app": "web" } },
            "template": {
                "metadata": { "labels": { "app": "web" } },
                "spec": { "containers": [{ "name": "web", "image": image }] },
            },
        },
    })
}

/// The object without what its twin cannot share.
fn common(object: &Unstructured) -> Value {
    let mut object = serde_json::to_value(object).unwrap();
    let metadata = object["metadata"].as_object_mut().unwrap();
    for own in ["name", "uid", "resourceVersion", "creationTimestamp"] {
        metadata.remove(own);
    }
    for entry in metadata["managedFields"].as_array_mut().unwrap() {
        entry.as_object_mut().unwrap().remove("time");
    }
    object
}

async fn assert_twins(api: &Api<Unstructured>, deed: &str) {
    let get = async |name| api.get(name, &GetOptions::default()).await.unwrap();
    assert_eq!(common(&get("theirs").await), common(&get("ours").await), "after {deed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_comes_to_the_same() {
    let cluster = Cluster::start(&ClusterOptions::default()).unwrap();
    let client = client(&cluster);
    let gvr = resource("apps/v1", "deployments");
    let api = client.dynamic().resource(gvr.clone()).in_namespace("default");
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = format!("--filename={}", file.path().display());
    let mut deeds = 0;
    for image in ["example.com/web:1", "example.com/web:2"] {
        std::fs::write(file.path(), deployment("theirs", image).to_string()).unwrap();
        cluster.kubectl(&["apply", "--server-side", "--field-manager=twin", &path]).unwrap();
        let options = ApplyOptions { field_manager: "twin".into(), ..Default::default() };
        api.apply("ours", &deployment("ours", image), &options).await.unwrap();
        assert_twins(&api, "apply").await;
        deeds += 1;
    }

    cluster.kubectl(&["scale", "deployment/theirs", "--replicas=3"]).unwrap();
    let scaled = Patch::Merge(json!({ "spec": { "replicas": 3 } }));
    let by_kubectl = PatchOptions { field_manager: Some("kubectl".into()), ..Default::default() };
    client.scale().scales("default").patch(&gvr, "ours", &scaled, &by_kubectl).await.unwrap();
    assert_twins(&api, "scale").await;
    deeds += 1;

    let options = PatchOptions { field_manager: Some("kubectl-patch".into()), ..Default::default() };
    let sidecar = json!({ "spec": { "template": { "spec": { "containers": [{ "name": "side", "image": "example.com/side:1" }] } } } });
    let note = json!({ "metadata": { "annotations": { "note": "it's" } } });
    let minimum = json!([{ "op": "add", "path": "/spec/minReadySeconds", "value": 5 }]);
    for (kind, patch) in [
        ("strategic", Patch::Strategic(sidecar)),
        ("merge", Patch::Merge(note)),
        ("json", Patch::Json(minimum)),
    ] {
        let text = match &patch {
            Patch::Strategic(value) | Patch::Merge(value) | Patch::Json(value) => value.to_string(),
            other => panic!("{other:?}"),
        };
        let (kind_flag, patch_flag) = (format!("--type={kind}"), format!("--patch={text}"));
        cluster.kubectl(&["patch", "deployment", "theirs", &kind_flag, &patch_flag]).unwrap();
        api.patch("ours", &patch, &options).await.unwrap();
        assert_twins(&api, kind).await;
        deeds += 1;
    }
    // The fourth type of patch is the apply above; here over fields that others own by now.
    std::fs::write(file.path(), deployment("theirs", "example.com/web:3").to_string()).unwrap();
    let refused = cluster.kubectl(&["apply", "--server-side", "--field-manager=twin", &path]).unwrap_err();
    let options = ApplyOptions { field_manager: "twin".into(), ..Default::default() };
    let error = api.apply("ours", &deployment("ours", "example.com/web:3"), &options).await.unwrap_err();
    assert!(
        error.is_conflict() && refused.to_string().contains("conflict with \"kubectl\""),
        "{error}\n{refused}"
    );
    cluster.kubectl(&["apply", "--server-side", "--force-conflicts", "--field-manager=twin", &path]).unwrap();
    let forced = ApplyOptions { force: true, ..options };
    api.apply("ours", &deployment("ours", "example.com/web:3"), &forced).await.unwrap();
    assert_twins(&api, "forced apply").await;
    deeds += 1;
    println!("{deeds} of {deeds} deeds come to the same");
}

/// The kinds and finalizers of what is left of a workload, its names apart.
async fn left(client: &Client, app: &str) -> Vec<String> {
    let options = ListOptions { label_selector: format!("app={app}").parse().unwrap(), ..Default::default() };
    let mut left = Vec::new();
    for (api_version, plural) in [("apps/v1", "deployments"), ("apps/v1", "replicasets"), ("v1", "pods")] {
        let api = client.dynamic().resource(resource(api_version, plural)).in_namespace("default");
        for object in api.list(&options).await.unwrap().items {
            let owned = object.get("metadata.ownerReferences").is_some();
            left.push(format!(
                "{plural} owned={owned} deleted={}",
                object.get("metadata.deletionTimestamp").is_some()
            ));
        }
    }
    left
}

#[tokio::test(flavor = "multi_thread")]
async fn deletions_leave_the_same() {
    let options = ClusterOptions { controller_manager: true, ..ClusterOptions::default() };
    let cluster = Cluster::start(&options).unwrap();
    let client = client(&cluster);
    let api = client.dynamic().resource(resource("apps/v1", "deployments")).in_namespace("default");
    let until = async |app: &str, wanted: &[&str]| {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let now = left(&client, app).await;
            if now == wanted {
                return;
            }
            assert!(Instant::now() < deadline, "{app}: {now:?} instead of {wanted:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let owned = "replicasets owned=true deleted=false";
    let (orphan, pod) = ("replicasets owned=false deleted=false", "pods owned=true deleted=false");
    for (cascade, propagation, end) in [
        ("foreground", Propagation::Foreground, &[][..]),
        ("background", Propagation::Background, &[][..]),
        ("orphan", Propagation::Orphan, &[orphan, pod][..]),
    ] {
        for name in ["theirs", "ours"] {
            let app = format!("{name}-{cascade}");
            let text = deployment(name, "example.com/web:1")
                .to_string()
                .replace(r#""app":"web""#, &format!(r#""app":"{app}""#));
            let object: Unstructured = serde_json::from_str::<Value>(&text).unwrap().try_into().unwrap();
            api.create(&object, &CreateOptions::default()).await.unwrap();
            until(&app, &["deployments owned=false deleted=false", owned, pod]).await;
        }
        cluster.kubectl(&["delete", "deployment", "theirs", &format!("--cascade={cascade}")]).unwrap();
        let options = DeleteOptions { propagation_policy: Some(propagation), ..Default::default() };
        api.delete("ours", &options).await.unwrap();
        for name in ["theirs", "ours"] {
            until(&format!("{name}-{cascade}"), end).await;
        }
    }
    println!("3 of 3 ways to delete leave the same");
}
