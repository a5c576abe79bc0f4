//! The columns of built-in kinds that need no more than paths, close to what `kubectl get` shows.

use std::borrow::Cow;

use super::columns::{Plan, Width};
use super::printed::Type::{Date, Number, Text};
use super::printed::{DEFINITIONS, Type, plan};

/// Title, path and type of each column.
type Paths = &'static [(&'static str, &'static str, Type)];

/// Of both kinds of bindings of admission policies.
const POLICY_BINDINGS: Paths =
    &[("Policy", ".spec.policyName", Text), ("Parameters", ".spec.paramRef.name", Text)];

/// The columns of built-in kinds, beside name, namespace, status and age.
const BUILT_IN: &[(&str, Paths)] = &[
    (
        "jobs.batch",
        &[
            ("Completions", ".spec.completions", Number),
            ("Succeeded", ".status.succeeded", Number),
            ("Failed", ".status.failed", Number),
        ],
    ),
    (
        "cronjobs.batch",
        &[
            ("Schedule", ".spec.schedule", Text),
            ("Suspended", ".spec.suspend", Text),
            ("Last run", ".status.lastScheduleTime", Date),
        ],
    ),
    (
        "ingresses.networking.k8s.io",
        &[
            ("Class", ".spec.ingressClassName", Text),
            ("Hosts", ".spec.rules[*].host", Text),
            ("Address", ".status.loadBalancer.ingress[*].ip", Text),
        ],
    ),
    ("ingressclasses.networking.k8s.io", &[("Controller", ".spec.controller", Text)]),
    (
        "persistentvolumeclaims",
        &[
            ("Volume", ".spec.volumeName", Text),
            ("Capacity", ".status.capacity.storage", Text),
            ("Class", ".spec.storageClassName", Text),
        ],
    ),
    (
        "persistentvolumes",
        &[
            ("Capacity", ".spec.capacity.storage", Text),
            ("Reclaim", ".spec.persistentVolumeReclaimPolicy", Text),
            ("Claim", ".spec.claimRef.name", Text),
            ("Class", ".spec.storageClassName", Text),
        ],
    ),
    (
        "storageclasses.storage.k8s.io",
        &[
            ("Provisioner", ".provisioner", Text),
            ("Reclaim", ".reclaimPolicy", Text),
            ("Binding", ".volumeBindingMode", Text),
        ],
    ),
    (
        "horizontalpodautoscalers.autoscaling",
        &[
            ("Scales", ".spec.scaleTargetRef.name", Text),
            ("Least", ".spec.minReplicas", Number),
            ("Most", ".spec.maxReplicas", Number),
            ("Replicas", ".status.currentReplicas", Number),
        ],
    ),
    (
        "poddisruptionbudgets.policy",
        &[
            ("Min available", ".spec.minAvailable", Text),
            ("Max unavailable", ".spec.maxUnavailable", Text),
            ("Allowed", ".status.disruptionsAllowed", Number),
        ],
    ),
    (
        "replicationcontrollers",
        &[
            ("Desired", ".spec.replicas", Number),
            ("Current", ".status.replicas", Number),
            ("Ready", ".status.readyReplicas", Number),
        ],
    ),
    (
        "endpointslices.discovery.k8s.io",
        &[
            ("Type", ".addressType", Text),
            ("Ports", ".ports[*].port", Text),
            ("Addresses", ".endpoints[*].addresses[*]", Text),
        ],
    ),
    (
        "rolebindings.rbac.authorization.k8s.io",
        &[("Role", ".roleRef.name", Text), ("Subjects", ".subjects[*].name", Text)],
    ),
    (
        "clusterrolebindings.rbac.authorization.k8s.io",
        &[("Role", ".roleRef.name", Text), ("Subjects", ".subjects[*].name", Text)],
    ),
    ("roles.rbac.authorization.k8s.io", &[("Resources", ".rules[*].resources[*]", Text)]),
    ("clusterroles.rbac.authorization.k8s.io", &[("Resources", ".rules[*].resources[*]", Text)]),
    ("serviceaccounts", &[("Secrets", ".secrets[*].name", Text)]),
    (
        "leases.coordination.k8s.io",
        &[("Holder", ".spec.holderIdentity", Text), ("Renewed", ".spec.renewTime", Date)],
    ),
    (
        "priorityclasses.scheduling.k8s.io",
        &[("Value", ".value", Number), ("Default", ".globalDefault", Text)],
    ),
    (
        "endpoints",
        &[("Addresses", ".subsets[*].addresses[*].ip", Text), ("Ports", ".subsets[*].ports[*].port", Text)],
    ),
    ("limitranges", &[("Limits", ".spec.limits[*].type", Text)]),
    (
        "podtemplates",
        &[
            ("Containers", ".template.spec.containers[*].name", Text),
            ("Images", ".template.spec.containers[*].image", Text),
        ],
    ),
    ("resourcequotas", &[("Used", ".status.used", Text), ("Hard", ".status.hard", Text)]),
    (
        "controllerrevisions.apps",
        &[("Controller", ".metadata.ownerReferences[*].name", Text), ("Revision", ".revision", Number)],
    ),
    (
        "apiservices.apiregistration.k8s.io",
        &[
            ("Service", ".spec.service.name", Text),
            ("Available", ".status.conditions[?(@.type==\"Available\")].status", Text),
        ],
    ),
    (
        "mutatingwebhookconfigurations.admissionregistration.k8s.io",
        &[("Webhooks", ".webhooks[*].name", Text)],
    ),
    (
        "validatingwebhookconfigurations.admissionregistration.k8s.io",
        &[("Webhooks", ".webhooks[*].name", Text)],
    ),
    (
        "validatingadmissionpolicies.admissionregistration.k8s.io",
        &[
            ("Validations", ".spec.validations[*].expression", Text),
            ("Parameters", ".spec.paramKind.kind", Text),
        ],
    ),
    ("validatingadmissionpolicybindings.admissionregistration.k8s.io", POLICY_BINDINGS),
    (
        "mutatingadmissionpolicies.admissionregistration.k8s.io",
        &[("Mutations", ".spec.mutations[*].patchType", Text), ("Parameters", ".spec.paramKind.kind", Text)],
    ),
    ("mutatingadmissionpolicybindings.admissionregistration.k8s.io", POLICY_BINDINGS),
    (
        "certificatesigningrequests.certificates.k8s.io",
        &[
            ("Signer", ".spec.signerName", Text),
            ("Requestor", ".spec.username", Text),
            ("Condition", ".status.conditions[*].type", Text),
        ],
    ),
    (
        "flowschemas.flowcontrol.apiserver.k8s.io",
        &[
            ("Priority level", ".spec.priorityLevelConfiguration.name", Text),
            ("Precedence", ".spec.matchingPrecedence", Number),
            ("Told apart by", ".spec.distinguisherMethod.type", Text),
        ],
    ),
    (
        "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io",
        &[
            ("Type", ".spec.type", Text),
            ("Shares", ".spec.limited.nominalConcurrencyShares", Number),
            ("Queues", ".spec.limited.limitResponse.queuing.queues", Number),
        ],
    ),
    (
        "networkpolicies.networking.k8s.io",
        &[("Pods", ".spec.podSelector.matchLabels", Text), ("Directions", ".spec.policyTypes[*]", Text)],
    ),
    (
        "ipaddresses.networking.k8s.io",
        &[("Of kind", ".spec.parentRef.resource", Text), ("Of", ".spec.parentRef.name", Text)],
    ),
    ("servicecidrs.networking.k8s.io", &[("CIDRs", ".spec.cidrs[*]", Text)]),
    ("runtimeclasses.node.k8s.io", &[("Handler", ".handler", Text)]),
    ("deviceclasses.resource.k8s.io", &[("Selectors", ".spec.selectors[*].cel.expression", Text)]),
    (
        "resourceclaims.resource.k8s.io",
        &[
            ("Devices", ".spec.devices.requests[*].name", Text),
            ("Reserved for", ".status.reservedFor[*].name", Text),
        ],
    ),
    ("resourceclaimtemplates.resource.k8s.io", &[("Devices", ".spec.spec.devices.requests[*].name", Text)]),
    (
        "resourceslices.resource.k8s.io",
        &[
            ("Node", ".spec.nodeName", Text),
            ("Driver", ".spec.driver", Text),
            ("Pool", ".spec.pool.name", Text),
        ],
    ),
    (
        "csidrivers.storage.k8s.io",
        &[
            ("Attach", ".spec.attachRequired", Text),
            ("Pod info", ".spec.podInfoOnMount", Text),
            ("Modes", ".spec.volumeLifecycleModes[*]", Text),
        ],
    ),
    ("csinodes.storage.k8s.io", &[("Drivers", ".spec.drivers[*].name", Text)]),
    (
        "csistoragecapacities.storage.k8s.io",
        &[("Class", ".storageClassName", Text), ("Capacity", ".capacity", Text)],
    ),
    (
        "volumeattachments.storage.k8s.io",
        &[
            ("Attacher", ".spec.attacher", Text),
            ("Volume", ".spec.source.persistentVolumeName", Text),
            ("Node", ".spec.nodeName", Text),
            ("Attached", ".status.attached", Text),
        ],
    ),
    ("volumeattributesclasses.storage.k8s.io", &[("Driver", ".driverName", Text)]),
    (
        DEFINITIONS,
        &[
            ("Group", ".spec.group", Text),
            ("Kind", ".spec.names.kind", Text),
            ("Scope", ".spec.scope", Text),
            ("Versions", ".spec.versions[*].name", Text),
        ],
    ),
];

/// The plan of a built-in kind that is shown by paths.
pub(super) fn built_in(kind: &str, namespaced: bool) -> Option<Plan> {
    let (_, paths) = BUILT_IN.iter().find(|(name, _)| *name == kind)?;
    let columns = paths
        .iter()
        .map(|(title, path, of)| (Cow::Borrowed(*title), Cow::Borrowed(*path), *of, Width::Medium));
    Some(plan(columns, namespaced))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::testing::manifest;
    use serde_json::json;

    #[test]
    fn built_in_kinds_are_shown_by_paths_that_are_read() {
        for (kind, paths) in BUILT_IN {
            let plan = built_in(kind, false).unwrap();
            assert_eq!(plan.columns.len(), paths.len() + 3, "{kind}");
            assert_eq!(plan.cells(&manifest(json!({}))).len(), plan.columns.len());
        }
        let plan = built_in("ingresses.networking.k8s.io", true).unwrap();
        let object = manifest(json!({"spec": {"rules": [{"host": "a.example"}, {"host": "b.example"}]}}));
        let hosts = plan.columns.iter().position(|column| column.title == "Hosts").unwrap();
        assert_eq!(plan.cells(&object)[hosts].show(0), "a.example, b.example");
        assert!(built_in("widgets.example.com", true).is_none());
    }
}
