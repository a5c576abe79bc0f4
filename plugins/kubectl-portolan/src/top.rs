//! `top`: what nodes have and Pods ask for, kept current by informers, and what is used, where there is metrics-server.
//!
//! kubectl's `top` fails without metrics; here they are columns that are empty then.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use k8s_openapi::api::core::v1::{Node, Pod};
use portolan::Error;
use portolan::cache::Phase;
use portolan::client::{Api, Client};
use portolan::informer::{FactoryOptions, SharedIndexInformer, SharedInformerFactory};
use portolan::meta::{ApiResource, ListOptions, Object, Quantity};
use portolan::object::{Lazy, Unstructured};
use serde_json::Value;

use crate::sheet::{Row, Sheet, plain};

/// How often the sheet is made anew, and metrics are asked for: metrics-server measures every 15 seconds.
const PERIOD: Duration = Duration::from_secs(5);

/// A sheet now, and every few seconds.
pub(crate) fn sheets(
    client: &Client,
    of_nodes: bool,
    namespace: &str,
) -> BoxStream<'static, Result<Sheet, Error>> {
    let options = FactoryOptions { namespace: namespace.to_owned(), ..FactoryOptions::default() };
    let factory = SharedInformerFactory::new(client, options);
    let top = Top {
        client: client.clone(),
        namespace: namespace.to_owned(),
        pods: factory.informer::<Pod>(),
        nodes: of_nodes.then(|| factory.informer::<Node>()),
        factory,
        is_first: true,
    };
    stream::try_unfold(top, |mut top| async move { Ok(Some((top.next().await?, top))) }).boxed()
}

struct Top {
    client: Client,
    namespace: String,
    factory: SharedInformerFactory,
    pods: SharedIndexInformer<Lazy<Pod>>,
    nodes: Option<SharedIndexInformer<Lazy<Node>>>,
    is_first: bool,
}

/// Millicores and bytes.
#[derive(Clone, Copy, Default)]
struct Amount {
    cpu: i64,
    memory: i64,
}

impl Amount {
    /// What stands under the names of the two; nothing where there is none.
    fn read(of: impl Fn(&str) -> Option<Quantity>) -> Self {
        Self {
            cpu: of("cpu").map_or(0, |quantity| quantity.milli_value()),
            memory: of("memory").map_or(0, |quantity| quantity.value()),
        }
    }

    /// No sum is wrong in sign, whatever the server says.
    fn add(&mut self, other: Self) {
        self.cpu = self.cpu.saturating_add(other.cpu);
        self.memory = self.memory.saturating_add(other.memory);
    }
}

impl Top {
    async fn next(&mut self) -> Result<Sheet, Error> {
        if std::mem::take(&mut self.is_first) {
            self.check().await?;
            self.factory.start();
            self.factory.wait_for_cache_sync().await?;
        } else {
            self.client.runtime().sleep(PERIOD).await;
        }
        let pods = self.pods.lister().list().iter().map(|pod| pod.decode()).collect::<Result<Vec<_>, _>>()?;
        let sheet = match &self.nodes {
            Some(nodes) => {
                let nodes = nodes.lister().list();
                let nodes = nodes.iter().map(|node| node.decode()).collect::<Result<Vec<_>, _>>()?;
                of_nodes(&nodes, &pods, &self.used("NodeMetrics", "nodes").await)
            }
            None => of_pods(&pods, &self.namespace, &self.used("PodMetrics", "pods").await),
        };
        Ok(Sheet { stale: self.stale(), ..sheet })
    }

    /// Why the informers may be behind.
    fn stale(&self) -> Option<String> {
        let is_behind = |phase: &Phase| matches!(phase, Phase::Stale | Phase::Retrying { .. });
        let status = self.factory.status().into_iter().map(|(_, status)| status);
        let behind = status.into_iter().find(|status| is_behind(&status.phase))?;
        Some(behind.last_error.unwrap_or_else(|| "the server is asked anew".to_owned()))
    }

    /// Whoever may not list is told so at once: an informer would go on trying.
    async fn check(&self) -> Result<(), Error> {
        let one = ListOptions { limit: Some(1), ..ListOptions::default() };
        self.client.api::<Pod>(&self.namespace).list(&one).await?;
        if self.nodes.is_some() {
            self.client.all::<Node>().list(&one).await?;
        }
        Ok(())
    }

    /// What is used, by namespace and name; nothing where nobody measures.
    async fn used(&self, kind: &str, plural: &str) -> BTreeMap<String, Amount> {
        let Ok(resource) = ApiResource::new("metrics.k8s.io/v1beta1", kind, plural, plural == "pods") else {
            return BTreeMap::new();
        };
        let api: Api<Unstructured> = self.client.resource(&resource, &self.namespace);
        let Ok(list) = api.list(&ListOptions::default()).await else { return BTreeMap::new() };
        list.items
            .into_iter()
            .map(|object| (object.meta().key().to_string(), measured(&object.into())))
            .collect()
    }
}

fn of_nodes(nodes: &[Node], pods: &[Pod], used: &BTreeMap<String, Amount>) -> Sheet {
    let mut asked: BTreeMap<&str, (usize, Amount)> = BTreeMap::new();
    for pod in pods.iter().filter(|pod| !has_ended(pod)) {
        let Some(node) = pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref()) else { continue };
        let (count, sum) = asked.entry(node).or_default();
        let amount = requests(pod, "requests");
        *count += 1;
        sum.add(amount);
    }
    let row = |node: &Node| {
        let name = node.metadata.name.clone().unwrap_or_default();
        let (count, asked) = asked.get(name.as_str()).copied().unwrap_or_default();
        let has = |resource: &str| {
            let allocatable = node.status.as_ref()?.allocatable.as_ref()?;
            allocatable.get(resource)?.0.parse::<Quantity>().ok()
        };
        let Amount { cpu, memory } = Amount::read(has);
        let most = has("pods").map_or("-".to_owned(), |quantity| quantity.value().to_string());
        let used = used.get(&name);
        let cells = vec![
            plain(&name),
            format!("{count}/{most}"),
            share(asked.cpu, cpu, millicores),
            used.map_or("-".to_owned(), |used| share(used.cpu, cpu, millicores)),
            share(asked.memory, memory, mebibytes),
            used.map_or("-".to_owned(), |used| share(used.memory, memory, mebibytes)),
        ];
        Row { key: name, cells }
    };
    let mut rows: Vec<Row> = nodes.iter().map(row).collect();
    rows.sort_by(|left, right| left.key.cmp(&right.key));
    let columns = ["NAME", "PODS", "CPU REQUESTED", "CPU USED", "MEMORY REQUESTED", "MEMORY USED"];
    Sheet { title: "nodes".to_owned(), columns: columns.map(str::to_owned).to_vec(), rows, stale: None }
}

fn of_pods(pods: &[Pod], namespace: &str, used: &BTreeMap<String, Amount>) -> Sheet {
    let row = |pod: &Pod| {
        let name = pod.metadata.name.clone().unwrap_or_default();
        let key = format!("{}/{name}", pod.metadata.namespace.as_deref().unwrap_or_default());
        let (asked, most) = (requests(pod, "requests"), requests(pod, "limits"));
        let used = used.get(&key);
        let bound =
            |amount: i64, unit: fn(i64) -> String| if amount == 0 { "-".to_owned() } else { unit(amount) };
        let cells = vec![
            plain(if namespace.is_empty() { &key } else { &name }),
            bound(asked.cpu, millicores),
            bound(most.cpu, millicores),
            used.map_or("-".to_owned(), |used| millicores(used.cpu)),
            bound(asked.memory, mebibytes),
            bound(most.memory, mebibytes),
            used.map_or("-".to_owned(), |used| mebibytes(used.memory)),
        ];
        Row { key, cells }
    };
    let mut rows: Vec<Row> = pods.iter().filter(|pod| !has_ended(pod)).map(row).collect();
    rows.sort_by(|left, right| left.key.cmp(&right.key));
    let columns =
        ["NAME", "CPU REQUESTED", "CPU LIMIT", "CPU USED", "MEMORY REQUESTED", "MEMORY LIMIT", "MEMORY USED"];
    let title = if namespace.is_empty() {
        "pods in all namespaces".to_owned()
    } else {
        format!("pods in {namespace}")
    };
    Sheet { title, columns: columns.map(str::to_owned).to_vec(), rows, stale: None }
}

/// A Pod that has run to its end asks for nothing any more.
fn has_ended(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    matches!(phase, Some("Succeeded" | "Failed"))
}

/// The sum over a Pod's containers, without its init containers.
fn requests(pod: &Pod, which: &str) -> Amount {
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    let mut sum = Amount::default();
    for resources in containers.filter_map(|container| container.resources.as_ref()) {
        let amounts = if which == "limits" { &resources.limits } else { &resources.requests };
        let of = |name: &str| amounts.as_ref()?.get(name)?.0.parse::<Quantity>().ok();
        sum.add(Amount::read(of));
    }
    sum
}

/// What a NodeMetrics says, or a PodMetrics of its containers together.
fn measured(object: &Value) -> Amount {
    let mut sum = Amount::default();
    let containers = object["containers"].as_array().into_iter().flatten();
    for usage in std::iter::once(&object["usage"]).chain(containers.map(|container| &container["usage"])) {
        let of = |name: &str| usage[name].as_str()?.parse::<Quantity>().ok();
        sum.add(Amount::read(of));
    }
    sum
}

fn share(part: i64, whole: i64, unit: fn(i64) -> String) -> String {
    match whole {
        0 => unit(part),
        whole => format!("{} ({}%)", unit(part), part.saturating_mul(100) / whole),
    }
}

fn millicores(amount: i64) -> String {
    format!("{amount}m")
}

fn mebibytes(amount: i64) -> String {
    format!("{}Mi", amount >> 20)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod(name: &str, phase: &str) -> Pod {
        let resources = json!({ "requests": { "cpu": "250m", "memory": "64Mi" }, "limits": { "cpu": "1" } });
        serde_json::from_value(json!({
            "metadata": { "name": name, "namespace": "shop" },
            "spec": { "nodeName": "one", "containers": [
                { "name": "a", "resources": resources },
                { "name": "b", "resources": resources },
            ] },
            "status": { "phase": phase },
        }))
        .unwrap()
    }

    #[test]
    fn what_pods_ask_for_is_counted_at_their_nodes() {
        let node: Node = serde_json::from_value(json!({
            "metadata": { "name": "one" },
            "status": { "allocatable": { "cpu": "2", "memory": "1Gi", "pods": "110" } },
        }))
        .unwrap();
        let named_alone: Node = serde_json::from_value(json!({ "metadata": { "name": "two" } })).unwrap();
        let pods = [pod("web", "Running"), pod("done", "Succeeded")];
        let sheet = of_nodes(&[node, named_alone], &pods, &BTreeMap::new());
        assert_eq!(sheet.rows[0].cells, ["one", "1/110", "500m (25%)", "-", "128Mi (12%)", "-"]);
        assert_eq!(sheet.rows[1].cells, ["two", "0/-", "0m", "-", "0Mi", "-"]);
        let used = BTreeMap::from([("shop/web".to_owned(), Amount { cpu: 7, memory: 3 << 20 })]);
        let sheet = of_pods(&pods, "", &used);
        assert_eq!(sheet.rows.len(), 1);
        assert_eq!(sheet.rows[0].cells, ["shop/web", "500m", "2000m", "7m", "128Mi", "-", "3Mi"]);
    }

    #[test]
    fn metrics_of_nodes_and_of_containers_are_read() {
        let node = measured(&json!({ "usage": { "cpu": "137402n", "memory": "2048Ki" } }));
        assert_eq!((node.cpu, node.memory), (1, 2 << 20));
        let pod = measured(&json!({ "containers": [
            { "usage": { "cpu": "3m", "memory": "1Mi" } },
            { "usage": { "cpu": "4m", "memory": "1Mi" } },
        ] }));
        assert_eq!((pod.cpu, pod.memory), (7, 2 << 20));
        let most = json!({ "usage": { "cpu": "9e18", "memory": "9223372036854775807" } });
        let beyond = measured(&json!({ "containers": [most, most] }));
        assert_eq!((beyond.cpu, beyond.memory), (i64::MAX, i64::MAX));
    }
}
