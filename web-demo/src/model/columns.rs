//! Which columns each kind has and how they are read from an object, close to what `kubectl get` shows.
//!
//! Invariant: a plan is data; the tables, the URL's sort column and the grid's layout all come from it.

use std::borrow::Cow;
use std::rc::Rc;

use super::built_in::built_in;
use super::cell::{Cell, Tone};
use super::fields::{
    amount, created, entries, external, images, last_seen, name, namespace, node_address, owner, pairs,
    ports, roles,
};
use super::health::{generic_status, node_status, replicas, rollout};
use super::manifest::Manifest;
use super::pod;
use super::printed::{self, Printed};
use super::reveal::line;
use super::server_table::Printout;

/// How a column is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Names: monospace.
    Name,
    /// Words.
    Text,
    /// A shape and a word.
    Status,
    /// Right-aligned, tabular.
    Number,
}

impl Style {
    /// The name used in class names.
    pub fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Text => "text",
            Self::Status => "status",
            Self::Number => "number",
        }
    }
}

/// How much room a table has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Width {
    /// A phone.
    Narrow,
    /// Half a screen.
    Medium,
    /// A whole screen.
    Wide,
}

impl Width {
    /// The name used in class names.
    pub fn name(self) -> &'static str {
        match self {
            Self::Narrow => "narrow",
            Self::Medium => "medium",
            Self::Wide => "wide",
        }
    }
}

/// One column.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// The heading.
    pub title: Cow<'static, str>,
    /// How it is set.
    pub style: Style,
    /// Its track in the grid.
    pub width: &'static str,
    /// How wide the table must be for it.
    pub from: Width,
}

/// The columns of a kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// In order.
    pub columns: Cow<'static, [Column]>,
    /// Where their cells come from.
    pub(super) cells: Cells,
    /// The column a table is sorted by when nobody chose: the index, and whether descending.
    pub order: (usize, bool),
}

/// Where the cells of an object come from.
#[derive(Clone, Debug)]
pub(super) enum Cells {
    /// What the page knows of the kind.
    Own(fn(&Manifest) -> Vec<Cell>),
    /// Paths, between name, namespace and status, and age.
    Printed {
        /// One per column of its own.
        paths: Rc<Vec<Printed>>,
        /// There is a namespace.
        namespaced: bool,
    },
    /// What the server printed.
    Server(Rc<Printout>),
}

impl PartialEq for Cells {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Own(left), Self::Own(right)) => std::ptr::fn_addr_eq(*left, *right),
            (Self::Printed { paths: left, .. }, Self::Printed { paths: right, .. }) => left == right,
            (Self::Server(left), Self::Server(right)) => left == right,
            _ => false,
        }
    }
}

impl Plan {
    /// The cells of `object`, one per column.
    pub fn cells(&self, object: &Manifest) -> Vec<Cell> {
        match &self.cells {
            Cells::Own(cells) => cells(object),
            Cells::Printed { paths, namespaced } => {
                let own = paths.iter().map(|printed| printed.cell(object));
                printed::cells(object, generic_status(object), own, *namespaced)
            }
            Cells::Server(printout) => printout.cells(object),
        }
    }

    const fn own(columns: &'static [Column], cells: fn(&Manifest) -> Vec<Cell>) -> Self {
        Self { columns: Cow::Borrowed(columns), cells: Cells::Own(cells), order: (0, false) }
    }
}

const fn column(title: &'static str, style: Style, width: &'static str, from: Width) -> Column {
    Column { title: Cow::Borrowed(title), style, width, from }
}

use Width::{Medium, Narrow, Wide};

pub(super) const NAME: Column = column("Name", Style::Name, "minmax(112px, 3fr)", Narrow);
pub(super) const NAMESPACE: Column = column(NAMESPACE_TITLE, Style::Name, "minmax(88px, 1fr)", Medium);
pub(super) const STATUS: Column = column("Status", Style::Status, "var(--status)", Narrow);
pub(super) const AGE: Column = column("Age", Style::Number, "64px", Narrow);

/// The heading of the column that one chosen namespace makes needless.
pub const NAMESPACE_TITLE: &str = "Namespace";

const fn number(title: &'static str, width: &'static str) -> Column {
    column(title, Style::Number, width, Medium)
}

const fn text(title: &'static str, width: &'static str) -> Column {
    column(title, Style::Text, width, Wide)
}

const fn code(title: &'static str, width: &'static str) -> Column {
    column(title, Style::Name, width, Wide)
}

/// The plan of `kind` (`pods`, `deployments.apps`), when the page knows it.
pub fn known(kind: &str, namespaced: bool) -> Option<Plan> {
    let own = PLANS.iter().find(|(name, _)| *name == kind).map(|(_, plan)| plan.clone());
    own.or_else(|| built_in(kind, namespaced))
}

/// The plan of a kind of which nothing more is known.
pub fn generic(namespaced: bool) -> Plan {
    printed::plan(std::iter::empty(), namespaced)
}

/// The plan of `kind`, the generic one when it has none of its own.
#[cfg(test)]
pub fn plan(kind: &str, namespaced: bool) -> Plan {
    known(kind, namespaced).unwrap_or_else(|| generic(namespaced))
}

const PLANS: &[(&str, Plan)] = &[
    ("pods", PODS),
    ("deployments.apps", DEPLOYMENTS),
    ("replicasets.apps", REPLICA_SETS),
    ("statefulsets.apps", STATEFUL_SETS),
    ("daemonsets.apps", DAEMON_SETS),
    ("services", SERVICES),
    ("nodes", NODES),
    ("events", EVENTS),
    ("configmaps", CONFIG_MAPS),
    ("secrets", SECRETS),
    ("namespaces", NAMESPACES),
];

const PODS: Plan = Plan::own(
    const {
        &[
            NAME,
            NAMESPACE,
            STATUS,
            number("Ready", "64px"),
            number("Restarts", "80px"),
            code("Node", "minmax(160px, 1fr)"),
            code("IP", "120px"),
            AGE,
        ]
    },
    |object| {
        let pod = pod::summary(object);
        vec![
            name(object),
            namespace(object),
            Cell::status(pod.word, pod.tone),
            Cell::ratio(pod.ready, pod.total),
            Cell::number(pod.restarts),
            Cell::text(object.text("spec.nodeName")),
            Cell::text(object.text("status.podIP")),
            created(object),
        ]
    },
);

const DEPLOYMENTS: Plan = Plan::own(
    const {
        &[
            NAME,
            NAMESPACE,
            STATUS,
            number("Ready", "72px"),
            number("Up to date", "88px"),
            number("Available", "80px"),
            code("Images", "minmax(120px, 2fr)"),
            AGE,
        ]
    },
    |object| {
        let desired = object.read("spec.replicas").unwrap_or(1);
        let [ready, updated, available] =
            ["status.readyReplicas", "status.updatedReplicas", "status.availableReplicas"]
                .map(|path| object.number(path));
        vec![
            name(object),
            namespace(object),
            rollout(object, desired, ready.min(updated.max(0))),
            Cell::ratio(ready, desired),
            Cell::number(updated),
            Cell::number(available),
            images(object),
            created(object),
        ]
    },
);

const REPLICA_SETS: Plan = Plan::own(
    const {
        &[
            NAME,
            NAMESPACE,
            STATUS,
            number("Desired", "72px"),
            number("Current", "72px"),
            number("Ready", "64px"),
            code("Owner", "minmax(120px, 2fr)"),
            AGE,
        ]
    },
    |object| {
        let desired = object.read("spec.replicas").unwrap_or(1);
        let ready = object.number("status.readyReplicas");
        vec![
            name(object),
            namespace(object),
            replicas(desired, ready),
            Cell::number(desired),
            Cell::number(object.number("status.replicas")),
            Cell::number(ready),
            owner(object),
            created(object),
        ]
    },
);

const STATEFUL_SET_COLUMNS: &[Column] =
    &[NAME, NAMESPACE, STATUS, number("Ready", "72px"), code("Images", "minmax(120px, 2fr)"), AGE];

const STATEFUL_SETS: Plan = Plan::own(STATEFUL_SET_COLUMNS, |object| {
    let desired = object.read("spec.replicas").unwrap_or(1);
    let ready = object.number("status.readyReplicas");
    vec![
        name(object),
        namespace(object),
        replicas(desired, ready),
        Cell::ratio(ready, desired),
        images(object),
        created(object),
    ]
});

const DAEMON_SETS: Plan = Plan::own(STATEFUL_SET_COLUMNS, |object| {
    let desired = object.number("status.desiredNumberScheduled");
    let ready = object.number("status.numberReady");
    vec![
        name(object),
        namespace(object),
        replicas(desired, ready),
        Cell::ratio(ready, desired),
        images(object),
        created(object),
    ]
});

const SERVICES: Plan = Plan::own(
    const {
        &[
            NAME,
            NAMESPACE,
            column("Type", Style::Text, "112px", Narrow),
            code("Cluster IP", "120px"),
            code("External", "minmax(96px, 1fr)"),
            code("Ports", "minmax(120px, 2fr)"),
            code("Selector", "minmax(120px, 2fr)"),
            AGE,
        ]
    },
    |object| {
        vec![
            name(object),
            namespace(object),
            Cell::text(object.text("spec.type")),
            Cell::text(object.text("spec.clusterIP")),
            external(object),
            ports(object),
            Cell::text(pairs(object, "spec.selector")),
            created(object),
        ]
    },
);

const NODES: Plan = Plan::own(
    const {
        &[
            NAME,
            STATUS,
            text("Roles", "minmax(96px, 1fr)"),
            code("Version", "96px"),
            code("Internal IP", "120px"),
            number("CPU", "56px"),
            number("Memory", "96px"),
            number("Pods", "56px"),
            text("Image", "minmax(120px, 2fr)"),
            AGE,
        ]
    },
    |object| {
        vec![
            name(object),
            node_status(object),
            Cell::text(roles(object)),
            Cell::text(object.text("status.nodeInfo.kubeletVersion")),
            Cell::text(node_address(object)),
            amount(object, "status.capacity.cpu"),
            amount(object, "status.capacity.memory"),
            amount(object, "status.capacity.pods"),
            Cell::text(object.text("status.nodeInfo.osImage")),
            created(object),
        ]
    },
);

const EVENTS: Plan = Plan::own(
    const {
        &[
            column("Seen", Style::Number, "64px", Narrow),
            column("Type", Style::Status, "96px", Medium),
            column("Reason", Style::Text, "minmax(96px, 1fr)", Narrow),
            code("Object", "minmax(160px, 2fr)"),
            NAMESPACE,
            column("Message", Style::Text, "minmax(120px, 4fr)", Narrow),
            number("Count", "56px"),
        ]
    },
    |object| {
        let kind = object.text("type");
        let tone = if kind == "Warning" { Tone::Warn } else { Tone::Idle };
        vec![
            last_seen(object),
            Cell::status(kind, tone),
            Cell::text(object.text("reason")),
            Cell::text(line(&format!(
                "{}/{}",
                object.text("involvedObject.kind"),
                object.text("involvedObject.name")
            ))),
            namespace(object),
            Cell::text(object.text("message")),
            Cell::number(object.number("count").max(1)),
        ]
    },
);

const CONFIG_MAPS: Plan =
    Plan::own(const { &[NAME, NAMESPACE, column("Data", Style::Number, "64px", Narrow), AGE] }, |object| {
        vec![name(object), namespace(object), entries(object, &["data", "binaryData"]), created(object)]
    });

const SECRETS: Plan = Plan::own(
    const { &[NAME, NAMESPACE, code("Type", "minmax(160px, 2fr)"), number("Data", "64px"), AGE] },
    |object| {
        vec![
            name(object),
            namespace(object),
            Cell::text(object.text("type")),
            entries(object, &["data"]),
            created(object),
        ]
    },
);

const NAMESPACES: Plan =
    Plan::own(const { &[NAME, STATUS, text("Labels", "minmax(160px, 2fr)"), AGE] }, |object| {
        vec![
            name(object),
            generic_status(object),
            Cell::text(pairs(object, "metadata.labels")),
            created(object),
        ]
    });

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::testing::manifest;
    use serde_json::json;

    fn shown(kind: &str, object: serde_json::Value) -> Vec<String> {
        let plan = plan(kind, true);
        let cells = plan.cells(&manifest(object));
        assert_eq!(cells.len(), plan.columns.len(), "{kind}: one cell per column");
        cells.iter().map(|cell| cell.show(1_000)).collect()
    }

    #[test]
    fn every_plan_makes_a_cell_per_column_of_an_empty_object() {
        for (kind, _) in PLANS {
            shown(kind, json!({}));
        }
        shown("widgets.example.com", json!({}));
    }

    #[test]
    fn a_deployment_reads_as_kubectl_shows_it() {
        let object = json!({
            "metadata": {"name": "web", "namespace": "shop", "creationTimestamp": "1970-01-01T00:00:00Z"},
            "spec": {"replicas": 3, "template": {"spec": {"containers": [{"image": "nginx:1"}, {"image": "log:2"}]}}},
            "status": {"readyReplicas": 2, "updatedReplicas": 3, "availableReplicas": 2},
        });
        let expected = ["web", "shop", "Rolling out", "2/3", "3", "2", "nginx:1, log:2", "1s"];
        assert_eq!(shown("deployments.apps", object), expected);
    }

    #[test]
    fn a_service_shows_its_ports_and_a_node_its_pressure() {
        let service = json!({"metadata": {"name": "web"}, "spec": {"type": "NodePort", "clusterIP": "10.0.0.7",
            "ports": [{"port": 80, "nodePort": 30080, "protocol": "TCP"}], "selector": {"app": "web"}}});
        assert_eq!(shown("services", service)[2..7], ["NodePort", "10.0.0.7", "", "80:30080/TCP", "app=web"]);
        let node = |ready, pressure| {
            json!({"status": {"conditions": [{"type": "Ready", "status": ready}, {"type": "DiskPressure", "status": pressure}],
                "capacity": {"cpu": "8", "memory": "16777216Ki"}}})
        };
        assert_eq!(shown("nodes", node("True", "True"))[1], "DiskPressure");
        assert_eq!(shown("nodes", node("Unknown", "False"))[1], "NotReady");
        assert_eq!(shown("nodes", node("True", "False"))[6], "16.0 Gi");
    }

    #[test]
    fn a_kind_nobody_planned_shows_its_phase_or_condition() {
        let ready = json!({"metadata": {"name": "w"}, "status": {"conditions": [{"type": "Ready", "status": "False"}]}});
        assert_eq!(shown("widgets.example.com", ready)[2], "Not ready");
        assert_eq!(shown("widgets.example.com", json!({"status": {"phase": "Bound"}}))[2], "Bound");
        assert_eq!(shown("widgets.example.com", json!({"status": "hostile"}))[2], "");
    }
}
