//! The cells that are more than a value at a path: what `printers/internalversion` of kube-apiserver 1.36 makes of an
//! object.

use std::time::Duration;

use serde_json::Value;

use super::{age, pods};
use crate::value::{at, integer, list, text};

const NONE: &str = "<none>";

/// The cell called `name`.
pub(super) fn cell(name: &str, object: &Value, now: Duration) -> Value {
    match name {
        "config_data" => (super::entries(object, "data") + super::entries(object, "binaryData")).into(),
        "event_count" => event_count(object).into(),
        "suspend" => match at(object, "spec.suspend") {
            Some(Value::Bool(true)) => "True".into(),
            Some(_) => "False".into(),
            None => "<unset>".into(),
        },
        _ => written(name, object, now).into(),
    }
}

fn written(name: &str, object: &Value, now: Duration) -> String {
    match name {
        "pod_ready" => pods::summary(object, now).ready,
        "pod_status" => pods::summary(object, now).status,
        "pod_restarts" => pods::summary(object, now).restarts,
        "pod_address" => {
            or(list(object, "status.podIPs").map(|ip| text(ip, "ip")).next().unwrap_or(""), NONE)
        }
        "readiness_gates" => readiness_gates(object),
        "ready" => format!("{}/{}", number(object, "status.readyReplicas"), number(object, "spec.replicas")),
        "containers" => each(object, "spec.template.spec.containers", "name"),
        "images" => each(object, "spec.template.spec.containers", "image"),
        "template_containers" => each(object, "template.spec.containers", "name"),
        "template_images" => each(object, "template.spec.containers", "image"),
        "cron_containers" => each(object, "spec.jobTemplate.spec.template.spec.containers", "name"),
        "cron_images" => each(object, "spec.jobTemplate.spec.template.spec.containers", "image"),
        "phase" if at(object, "metadata.deletionTimestamp").is_some() => "Terminating".to_owned(),
        "phase" => text(object, "status.phase").to_owned(),
        "controller" => controller(object),
        "class_name" => class_name(object),
        "class_parameters" => class_parameters(object),
        "job_status" | "job_completions" | "job_duration" => job(name, object, now),
        "volume_modes" => modes(object, "spec.accessModes"),
        "volume_claim" => claim(object),
        "claim_modes" if text(object, "spec.volumeName").is_empty() => String::new(),
        "claim_modes" => modes(object, "status.accessModes"),
        "claim_capacity" if text(object, "spec.volumeName").is_empty() => String::new(),
        "claim_capacity" => or(text(object, "status.capacity.storage"), "0"),
        "quota_requests" => quota(object, false),
        "quota_limits" => quota(object, true),
        "role" => format!("{}/{}", text(object, "roleRef.kind"), text(object, "roleRef.name")),
        "users" => subjects(object, "User"),
        "groups" => subjects(object, "Group"),
        "accounts" => subjects(object, "ServiceAccount"),
        "scale_target" => {
            format!(
                "{}/{}",
                text(object, "spec.scaleTargetRef.kind"),
                text(object, "spec.scaleTargetRef.name")
            )
        }
        "scale_metrics" => scale_metrics(object),
        _ if name.contains("node") || name == "internal_address" => node(name, object),
        _ if name.contains("event") || name.ends_with("_seen") => event(name, object, now),
        _ => network(name, object),
    }
}

fn or(text: &str, missing: &str) -> String {
    if text.is_empty() { missing.to_owned() } else { text.to_owned() }
}

fn number(object: &Value, path: &str) -> i64 {
    integer(object, path).unwrap_or(0)
}

fn joined<'a>(texts: impl Iterator<Item = &'a str>, separator: &str) -> String {
    texts.filter(|text| !text.is_empty()).collect::<Vec<_>>().join(separator)
}

/// One member of each item, with commas between.
fn each(object: &Value, path: &str, member: &str) -> String {
    list(object, path).map(|item| text(item, member)).collect::<Vec<_>>().join(",")
}

/// Labels or a selector as text.
pub(super) fn selector(selector: Option<&Value>) -> String {
    let Some(selector) = selector else { return NONE.to_owned() };
    let expressions = list(selector, "matchExpressions").map(|one| {
        let values = list(one, "values").filter_map(Value::as_str).collect::<Vec<_>>().join(",");
        let key = text(one, "key");
        let words = match text(one, "operator") {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "DoesNotExist" => format!("!{key}"),
            _ => key.to_owned(),
        };
        (key.to_owned(), words)
    });
    let labels = at(selector, "matchLabels").unwrap_or(selector).as_object().into_iter().flatten();
    let labels =
        labels.filter_map(|(name, value)| Some((name.clone(), format!("{name}={}", value.as_str()?))));
    let mut parts: Vec<_> = labels.chain(expressions).collect();
    parts.sort();
    or(&parts.into_iter().map(|(_, words)| words).collect::<Vec<_>>().join(","), NONE)
}

fn readiness_gates(pod: &Value) -> String {
    let gates: Vec<_> = list(pod, "spec.readinessGates").map(|gate| text(gate, "conditionType")).collect();
    if gates.is_empty() {
        return NONE.to_owned();
    }
    let is_open = |gate: &&&str| {
        let condition = list(pod, "status.conditions").find(|one| text(one, "type") == **gate);
        condition.is_some_and(|one| text(one, "status") == "True")
    };
    format!("{}/{}", gates.iter().filter(is_open).count(), gates.len())
}

fn controller(object: &Value) -> String {
    let owner = list(object, "metadata.ownerReferences")
        .find(|one| at(one, "controller") == Some(&Value::Bool(true)));
    let Some(owner) = owner else { return NONE.to_owned() };
    let group =
        text(owner, "apiVersion").split_once('/').map_or(String::new(), |(group, _)| format!(".{group}"));
    format!("{}{group}/{}", text(owner, "kind").to_lowercase(), text(owner, "name"))
}

fn class_name(object: &Value) -> String {
    let annotations = at(object, "metadata.annotations");
    let is_default = annotations
        .and_then(|all| all.get("storageclass.kubernetes.io/is-default-class"))
        .is_some_and(|value| value == "true");
    format!("{}{}", text(object, "metadata.name"), if is_default { " (default)" } else { "" })
}

fn class_parameters(object: &Value) -> String {
    let Some(parameters) = at(object, "spec.parameters") else { return NONE.to_owned() };
    let group = text(parameters, "apiGroup");
    let dot = if group.is_empty() { "" } else { "." };
    format!("{}{dot}{group}/{}", text(parameters, "kind"), text(parameters, "name"))
}

fn job(name: &str, job: &Value, now: Duration) -> String {
    let start = text(job, "status.startTime");
    match name {
        "job_completions" => {
            let done = number(job, "status.succeeded");
            match (integer(job, "spec.completions"), number(job, "spec.parallelism")) {
                (Some(wanted), _) => format!("{done}/{wanted}"),
                (None, many @ 2..) => format!("{done}/1 of {many}"),
                (None, _) => format!("{done}/1"),
            }
        }
        "job_duration" if start.is_empty() => String::new(),
        "job_duration" => {
            age::between(start, text(job, "status.completionTime")).unwrap_or_else(|| age::since(start, now))
        }
        _ => {
            let has = |kind: &str| {
                list(job, "status.conditions")
                    .any(|one| text(one, "type") == kind && text(one, "status") == "True")
            };
            let deleted = at(job, "metadata.deletionTimestamp").is_some();
            let states = [
                ("Complete", has("Complete")),
                ("Failed", has("Failed")),
                ("Terminating", deleted),
                ("Suspended", has("Suspended")),
                ("FailureTarget", has("FailureTarget")),
                ("SuccessCriteriaMet", has("SuccessCriteriaMet")),
            ];
            states.into_iter().find(|(_, is)| *is).map_or("Running", |(state, _)| state).to_owned()
        }
    }
}

fn modes(object: &Value, path: &str) -> String {
    let short = |mode: &Value| match mode.as_str() {
        Some("ReadWriteOnce") => "RWO",
        Some("ReadOnlyMany") => "ROX",
        Some("ReadWriteMany") => "RWX",
        Some("ReadWriteOncePod") => "RWOP",
        _ => "",
    };
    joined(list(object, path).map(short), ",")
}

fn claim(volume: &Value) -> String {
    match at(volume, "spec.claimRef") {
        Some(claim) => format!("{}/{}", text(claim, "namespace"), text(claim, "name")),
        None => String::new(),
    }
}

fn quota(quota: &Value, limits: bool) -> String {
    let hard = at(quota, "status.hard").and_then(Value::as_object).into_iter().flatten();
    let words = hard.filter(|(name, _)| name.starts_with("limits.") == limits).map(|(name, hard)| {
        let used = at(quota, "status.used").and_then(|used| used.get(name)).and_then(Value::as_str);
        format!("{name}: {}/{}", used.unwrap_or("0"), hard.as_str().unwrap_or_default())
    });
    words.collect::<Vec<_>>().join(", ")
}

fn subjects(binding: &Value, kind: &str) -> String {
    let named = list(binding, "subjects").filter(|one| text(one, "kind") == kind);
    let names = named.map(|one| match text(one, "namespace") {
        "" => text(one, "name").to_owned(),
        namespace => format!("{namespace}/{}", text(one, "name")),
    });
    names.collect::<Vec<_>>().join(", ")
}

/// Resource metrics only; others are counted.
fn scale_metrics(scaler: &Value) -> String {
    let metrics: Vec<_> = list(scaler, "spec.metrics").collect();
    let shown = metrics.iter().filter(|metric| text(metric, "type") == "Resource").map(|metric| {
        let name = text(metric, "resource.name");
        let target = match integer(metric, "resource.target.averageUtilization") {
            Some(percent) => format!("{percent}%"),
            None => text(metric, "resource.target.averageValue").to_owned(),
        };
        let current = list(scaler, "status.currentMetrics").find(|one| text(one, "resource.name") == name);
        let current = current.and_then(|one| integer(one, "resource.current.averageUtilization"));
        format!(
            "{name}: {}/{target}",
            current.map_or("<unknown>".to_owned(), |percent| format!("{percent}%"))
        )
    });
    let shown: Vec<_> = shown.take(2).collect();
    match metrics.len() - shown.len() {
        _ if metrics.is_empty() => NONE.to_owned(),
        0 => shown.join(", "),
        more => format!("{} + {more} more...", shown.join(", ")),
    }
}

fn event_count(event: &Value) -> i64 {
    integer(event, "series.count").or(integer(event, "count")).filter(|count| *count > 0).unwrap_or(1)
}

fn event(name: &str, event: &Value, now: Duration) -> String {
    let first_of = |paths: [&str; 3]| {
        paths.into_iter().map(|path| text(event, path)).find(|text| !text.is_empty()).unwrap_or_default()
    };
    match name {
        "first_seen" => age::since(first_of(["firstTimestamp", "eventTime", ""]), now),
        "last_seen" => {
            let last = first_of(["series.lastObservedTime", "lastTimestamp", "firstTimestamp"]);
            age::since(if last.is_empty() { text(event, "eventTime") } else { last }, now)
        }
        "event_object" => {
            let parts =
                [&text(event, "involvedObject.kind").to_lowercase(), text(event, "involvedObject.name")];
            joined(parts.into_iter(), "/")
        }
        "event_source" => {
            let component = first_of(["source.component", "reportingComponent", "reportingController"]);
            joined([component, first_of(["source.host", "reportingInstance", ""])].into_iter(), ", ")
        }
        _ => text(event, "message").trim().to_owned(),
    }
}

fn node(name: &str, node: &Value) -> String {
    let address = |kind: &str| {
        let found = list(node, "status.addresses").find(|one| text(one, "type") == kind);
        found.map_or(NONE.to_owned(), |one| text(one, "address").to_owned())
    };
    match name {
        "internal_address" => address("InternalIP"),
        "node_external_address" => address("ExternalIP"),
        "node_kernel" => {
            let kernel = or(text(node, "status.nodeInfo.kernelVersion"), "<unknown>");
            match text(node, "status.nodeInfo.architecture") {
                "" => kernel,
                architecture => format!("{kernel} ({architecture})"),
            }
        }
        "node_roles" => {
            let labels = at(node, "metadata.labels").and_then(Value::as_object).into_iter().flatten();
            let roles =
                labels.filter_map(|(name, value)| match name.strip_prefix("node-role.kubernetes.io/") {
                    Some(role) => Some(role),
                    None if name == "kubernetes.io/role" => value.as_str(),
                    None => None,
                });
            or(&joined(roles, ","), NONE)
        }
        _ => {
            let ready = list(node, "status.conditions").find(|one| text(one, "type") == "Ready");
            let state = match ready.map(|one| text(one, "status")) {
                Some("True") => "Ready",
                Some(_) => "NotReady",
                None => "Unknown",
            };
            let cordoned = at(node, "spec.unschedulable") == Some(&Value::Bool(true));
            format!("{state}{}", if cordoned { ",SchedulingDisabled" } else { "" })
        }
    }
}

fn network(name: &str, object: &Value) -> String {
    match name {
        "cluster_address" => or(
            list(object, "spec.clusterIPs").find_map(Value::as_str).unwrap_or(text(object, "spec.clusterIP")),
            NONE,
        ),
        "external_address" => external_address(object),
        "service_ports" => {
            let ports = list(object, "spec.ports").map(|port| {
                let node = integer(port, "nodePort").filter(|node| *node > 0);
                let node = node.map_or(String::new(), |node| format!(":{node}"));
                format!("{}{node}/{}", number(port, "port"), or(text(port, "protocol"), "TCP"))
            });
            or(&ports.collect::<Vec<_>>().join(","), NONE)
        }
        "endpoints" => endpoints(object),
        "ingress_hosts" => {
            let hosts: Vec<_> = list(object, "spec.rules").map(|rule| text(rule, "host")).collect();
            let shown = joined(hosts.iter().copied().take(3), ",");
            match hosts.len() {
                _ if shown.is_empty() => "*".to_owned(),
                many @ 4.. => format!("{shown} + {} more...", many - 3),
                _ => shown,
            }
        }
        "ingress_address" => balancers(object),
        "ingress_ports" if list(object, "spec.tls").next().is_some() => "80, 443".to_owned(),
        "ingress_ports" => "80".to_owned(),
        "slice_ports" => {
            let ports =
                list(object, "ports").map(|port| number(port, "port").to_string()).collect::<Vec<_>>();
            if ports.is_empty() { "<unset>".to_owned() } else { some(&ports, ports.len()) }
        }
        "slice_endpoints" => {
            let all =
                list(object, "endpoints").flat_map(|one| list(one, "addresses")).filter_map(Value::as_str);
            let all: Vec<_> = all.map(str::to_owned).collect();
            if all.is_empty() { "<unset>".to_owned() } else { some(&all, all.len()) }
        }
        // A name that no line of the table has.
        _ => String::new(),
    }
}

/// The first three, and how many more there are.
fn some(all: &[String], count: usize) -> String {
    let shown = all.iter().take(3).cloned().collect::<Vec<_>>().join(",");
    if count > 3 { format!("{shown} + {} more...", count - 3) } else { shown }
}

fn balancers(object: &Value) -> String {
    let each = list(object, "status.loadBalancer.ingress");
    joined(
        each.map(|one| if text(one, "ip").is_empty() { text(one, "hostname") } else { text(one, "ip") }),
        ",",
    )
}

fn external_address(service: &Value) -> String {
    let given = joined(list(service, "spec.externalIPs").filter_map(Value::as_str), ",");
    match text(service, "spec.type") {
        "ExternalName" => text(service, "spec.externalName").to_owned(),
        "LoadBalancer" => or(&joined([balancers(service).as_str(), &given].into_iter(), ","), "<pending>"),
        _ => or(&given, NONE),
    }
}

fn endpoints(endpoints: &Value) -> String {
    let mut all = Vec::new();
    for subset in list(endpoints, "subsets") {
        let addresses = || list(subset, "addresses").map(|one| text(one, "ip"));
        if list(subset, "ports").next().is_none() {
            all.extend(addresses().map(str::to_owned));
        }
        for port in list(subset, "ports") {
            all.extend(addresses().map(|address| format!("{address}:{}", number(port, "port"))));
        }
    }
    if all.is_empty() { NONE.to_owned() } else { some(&all, all.len()) }
}
