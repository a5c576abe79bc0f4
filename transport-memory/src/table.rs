//! The server-side Table (`meta.k8s.io/v1`): the columns of `kubectl get`, as kube-apiserver 1.36's printers make them.
//!
//! One line of [`COLUMNS`] per resource: its name with its group, then `Column=source`, `_` for a space and `/1` for a
//! column of `-o wide`. A source is a path to a text, with `|` before what stands for a missing one; `#path` a number;
//! `%path` how many there are; `*path` labels or a selector; `~path` the age of a moment; `?path` whether it is so;
//! `@name` a function of [`cells`]. `Name` and `Age` need none. Resources without a line have `Name` and `Created At`,
//! custom ones what their definition says. Columns bear no descriptions.

use std::time::Duration;

use serde_json::{Value, json};

use crate::resources::Resource;
use crate::value::{at, integer, list, text};

mod age;
mod cells;
mod json_path;
mod pods;

/// How much of each object a row holds, the query's `includeObject`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Include {
    Nothing,
    Metadata,
    Object,
}

impl Include {
    /// `None` for what is no such word.
    pub(crate) fn read(text: &str) -> Option<Self> {
        match text {
            "" | "Metadata" => Some(Self::Metadata),
            "None" => Some(Self::Nothing),
            "Object" => Some(Self::Object),
            _ => None,
        }
    }
}

const COLUMNS: &str = "\
pods Name Ready=@pod_ready Status=@pod_status Restarts=@pod_restarts Age IP/1=@pod_address Node/1=spec.nodeName|<none> Nominated_Node/1=status.nominatedNodeName|<none> Readiness_Gates/1=@readiness_gates
podtemplates Name Containers=@template_containers Images=@template_images Pod_Labels=*template.metadata.labels
replicationcontrollers Name Desired=#spec.replicas Current=#status.replicas Ready=#status.readyReplicas Age Containers/1=@containers Images/1=@images Selector/1=*spec.selector
services Name Type=spec.type Cluster-IP=@cluster_address External-IP=@external_address Port(s)=@service_ports Age Selector/1=*spec.selector
endpoints Name Endpoints=@endpoints Age
nodes Name Status=@node_status Roles=@node_roles Age Version=status.nodeInfo.kubeletVersion Internal-IP/1=@internal_address External-IP/1=@node_external_address OS-Image/1=status.nodeInfo.osImage|<unknown> Kernel-Version/1=@node_kernel Container-Runtime/1=status.nodeInfo.containerRuntimeVersion|<unknown>
events Last_Seen=@last_seen Type=type Reason=reason Object=@event_object Subobject/1=involvedObject.fieldPath Source/1=@event_source Message=@event_message First_Seen/1=@first_seen Count/1=@event_count Name/1=metadata.name
namespaces Name Status=status.phase Age
secrets Name Type=type Data=%data Age
serviceaccounts Name Age
configmaps Name Data=@config_data Age
persistentvolumes Name Capacity=spec.capacity.storage|0 Access_Modes=@volume_modes Reclaim_Policy=spec.persistentVolumeReclaimPolicy Status=@phase Claim=@volume_claim StorageClass=spec.storageClassName VolumeAttributesClass=spec.volumeAttributesClassName|<unset> Reason=status.reason Age VolumeMode/1=spec.volumeMode|<unset>
persistentvolumeclaims Name Status=@phase Volume=spec.volumeName Capacity=@claim_capacity Access_Modes=@claim_modes StorageClass=spec.storageClassName VolumeAttributesClass=spec.volumeAttributesClassName|<unset> Age VolumeMode/1=spec.volumeMode|<unset>
resourcequotas Name Request=@quota_requests Limit=@quota_limits Age
deployments.apps Name Ready=@ready Up-to-date=#status.updatedReplicas Available=#status.availableReplicas Age Containers/1=@containers Images/1=@images Selector/1=*spec.selector
replicasets.apps Name Desired=#spec.replicas Current=#status.replicas Ready=#status.readyReplicas Age Containers/1=@containers Images/1=@images Selector/1=*spec.selector
statefulsets.apps Name Ready=@ready Age Containers/1=@containers Images/1=@images
daemonsets.apps Name Desired=#status.desiredNumberScheduled Current=#status.currentNumberScheduled Ready=#status.numberReady Up-to-date=#status.updatedNumberScheduled Available=#status.numberAvailable Node_Selector=*spec.template.spec.nodeSelector Age Containers/1=@containers Images/1=@images Selector/1=*spec.selector
controllerrevisions.apps Name Controller=@controller Revision=#revision Age
jobs.batch Name Status=@job_status Completions=@job_completions Duration=@job_duration Age Containers/1=@containers Images/1=@images Selector/1=*spec.selector
cronjobs.batch Name Schedule=spec.schedule Timezone=spec.timeZone|<none> Suspend=@suspend Active=%status.active Last_Schedule=~status.lastScheduleTime|<none> Age Containers/1=@cron_containers Images/1=@cron_images Selector/1=*spec.jobTemplate.spec.selector
ingresses.networking.k8s.io Name Class=spec.ingressClassName|<none> Hosts=@ingress_hosts Address=@ingress_address Ports=@ingress_ports Age
ingressclasses.networking.k8s.io Name Controller=spec.controller Parameters=@class_parameters Age
networkpolicies.networking.k8s.io Name Pod-Selector=*spec.podSelector Age
poddisruptionbudgets.policy Name Min_Available=spec.minAvailable|N/A Max_Unavailable=spec.maxUnavailable|N/A Allowed_Disruptions=#status.disruptionsAllowed Age
rolebindings.rbac.authorization.k8s.io Name Role=@role Age Users/1=@users Groups/1=@groups ServiceAccounts/1=@accounts
clusterrolebindings.rbac.authorization.k8s.io Name Role=@role Age Users/1=@users Groups/1=@groups ServiceAccounts/1=@accounts
storageclasses.storage.k8s.io Name=@class_name Provisioner=provisioner ReclaimPolicy=reclaimPolicy|Delete VolumeBindingMode=volumeBindingMode|Immediate AllowVolumeExpansion=?allowVolumeExpansion Age
csinodes.storage.k8s.io Name Drivers=%spec.drivers Age
leases.coordination.k8s.io Name Holder=spec.holderIdentity Age
priorityclasses.scheduling.k8s.io Name Value=#value Global-Default=?globalDefault Age PreemptionPolicy/1=preemptionPolicy
runtimeclasses.node.k8s.io Name Handler=handler Age
horizontalpodautoscalers.autoscaling Name Reference=@scale_target Targets=@scale_metrics MinPods=spec.minReplicas|<unset> MaxPods=#spec.maxReplicas Replicas=#status.currentReplicas Age
validatingwebhookconfigurations.admissionregistration.k8s.io Name Webhooks=%webhooks Age
mutatingwebhookconfigurations.admissionregistration.k8s.io Name Webhooks=%webhooks Age
endpointslices.discovery.k8s.io Name AddressType=addressType Ports=@slice_ports Endpoints=@slice_endpoints Age
";

/// One column: its definition and where its cells come from.
struct Column<'a> {
    definition: Value,
    source: Source<'a>,
}

enum Source<'a> {
    /// As [`COLUMNS`] writes it.
    Line(&'a str),
    /// A JSONPath and the type of a custom column.
    Path(&'a str, &'a str),
}

/// The column definitions of a resource.
pub(crate) fn definitions(resource: &Resource) -> Value {
    columns(resource).into_iter().map(|column| column.definition).collect()
}

/// A Table of one row.
pub(crate) fn of(resource: &Resource, version: &str, row: &Value) -> Value {
    json!({
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": { "resourceVersion": version },
        "columnDefinitions": definitions(resource),
        "rows": [row],
    })
}

/// The row of `object`; `now` is the time since the Unix epoch.
pub(crate) fn row(resource: &Resource, object: &Value, include: Include, now: Duration) -> Value {
    let cells: Vec<_> = columns(resource).into_iter().map(|column| column.cell(object, now)).collect();
    let shown = match include {
        Include::Nothing => return json!({ "cells": cells, "object": null }),
        Include::Object => object.clone(),
        Include::Metadata => json!({
            "kind": "PartialObjectMetadata",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": object.get("metadata"),
        }),
    };
    json!({ "cells": cells, "object": shown })
}

fn columns(resource: &Resource) -> Vec<Column<'_>> {
    if resource.custom {
        return custom_columns(resource);
    }
    let name = resource.qualified();
    let line = COLUMNS.lines().find_map(|line| line.strip_prefix(&name)?.strip_prefix(' '));
    let words = line.unwrap_or("Name Created_At=metadata.creationTimestamp").split(' ');
    words
        .map(|word| {
            let (head, source) = word.split_once('=').unwrap_or((word, word));
            let (name, priority) = head.split_once('/').map_or((head, 0), |(name, _)| (name, 1));
            let kind = match source.chars().next() {
                Some('#' | '%') => "integer",
                Some('?') => "boolean",
                _ => "string",
            };
            let format = if name == "Name" { "name" } else { "" };
            Column {
                definition: definition(&name.replace('_', " "), kind, format, priority),
                source: Source::Line(source),
            }
        })
        .collect()
}

fn custom_columns(resource: &Resource) -> Vec<Column<'_>> {
    let mut columns =
        vec![Column { definition: definition("Name", "string", "name", 0), source: Source::Line("Name") }];
    columns.extend(resource.columns.iter().map(|column| {
        let kind = text(column, "type");
        let priority = integer(column, "priority").unwrap_or(0);
        Column {
            definition: definition(text(column, "name"), kind, text(column, "format"), priority),
            source: Source::Path(text(column, "jsonPath"), kind),
        }
    }));
    if resource.columns.is_empty() {
        columns.push(Column { definition: definition("Age", "date", "", 0), source: Source::Line("Age") });
    }
    columns
}

fn definition(name: &str, kind: &str, format: &str, priority: i64) -> Value {
    json!({ "name": name, "type": kind, "format": format, "description": "", "priority": priority })
}

impl Column<'_> {
    fn cell(&self, object: &Value, now: Duration) -> Value {
        let source = match self.source {
            Source::Path(path, kind) => return custom_cell(object, path, kind, now),
            Source::Line(source) => source,
        };
        let (mark, path) = match source.split_at_checked(1) {
            Some((mark @ ("#" | "%" | "*" | "~" | "?" | "@"), path)) => (mark, path),
            _ => ("", source),
        };
        let (path, missing) = path.split_once('|').unwrap_or((path, ""));
        match mark {
            "#" => integer(object, path).unwrap_or(0).into(),
            "%" => entries(object, path).into(),
            "*" => cells::selector(at(object, path)).into(),
            "?" => at(object, path).and_then(Value::as_bool).unwrap_or_default().into(),
            "@" => cells::cell(path, object, now),
            "~" if at(object, path).is_none() => missing.into(),
            "~" => age::since(text(object, path), now).into(),
            _ if path == "Name" => text(object, "metadata.name").into(),
            _ if path == "Age" => age::since(text(object, "metadata.creationTimestamp"), now).into(),
            _ => match at(object, path) {
                Some(Value::String(text)) if !text.is_empty() => text.as_str().into(),
                Some(value @ (Value::Number(_) | Value::Bool(_))) => value.to_string().into(),
                _ => missing.into(),
            },
        }
    }
}

fn entries(object: &Value, path: &str) -> usize {
    match at(object, path) {
        Some(Value::Object(members)) => members.len(),
        _ => list(object, path).count(),
    }
}

fn custom_cell(object: &Value, path: &str, kind: &str, now: Duration) -> Value {
    let Some(value) = json_path::first(object, path) else { return Value::Null };
    match (kind, value) {
        ("date", Value::String(text)) => age::since(text, now).into(),
        ("string", Value::String(text)) => text.as_str().into(),
        ("string", Value::Null) => Value::Null,
        ("string", other) => other.to_string().into(),
        ("integer", Value::Number(number)) => number.as_i64().map_or(Value::Null, Value::from),
        ("number", Value::Number(_)) | ("boolean", Value::Bool(_)) => value.clone(),
        _ => Value::Null,
    }
}
