//! What the nodes can give and what the pods on them have asked for, kept up to date pod by pod.
//!
//! Invariant: `asked` is at all times the sum of what the pods that are held ask for, node by node. What a pod asks for
//! is reckoned as the scheduler does (k8s.io/component-helpers `resource.PodRequests`).

use std::collections::HashMap;
use std::ops::{AddAssign, SubAssign};

use portolan::meta::Quantity;
use portolan::object::Json;

use super::cell::Tone;
use super::manifest::{Manifest, text};
use super::order;
use super::pod::has_ended;
use super::reveal::line;
use super::route::Route;

/// An amount of each thing that is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Amount {
    /// Thousandths of a core.
    cpu: i64,
    /// Bytes.
    memory: i64,
    pods: i64,
}

impl AddAssign for Amount {
    fn add_assign(&mut self, other: Self) {
        self.cpu = self.cpu.saturating_add(other.cpu);
        self.memory = self.memory.saturating_add(other.memory);
        self.pods = self.pods.saturating_add(other.pods);
    }
}

impl SubAssign for Amount {
    fn sub_assign(&mut self, other: Self) {
        self.cpu = self.cpu.saturating_sub(other.cpu);
        self.memory = self.memory.saturating_sub(other.memory);
        self.pods = self.pods.saturating_sub(other.pods);
    }
}

impl Amount {
    fn max(self, other: Self) -> Self {
        Self {
            cpu: self.cpu.max(other.cpu),
            memory: self.memory.max(other.memory),
            pods: self.pods.max(other.pods),
        }
    }
}

/// The nodes and the pods on them.
#[derive(Debug, Default)]
pub struct Capacity {
    nodes: HashMap<String, Amount>,
    pods: HashMap<String, (String, Amount)>,
    asked: HashMap<String, Amount>,
}

/// Capacity as shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Board {
    /// All nodes together, then the fullest of them.
    pub lines: Vec<Line>,
    /// How many nodes there are besides.
    pub more: usize,
}

/// A node, or all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Its name.
    pub name: String,
    /// Where it is shown.
    pub link: String,
    /// CPU, memory and pods.
    pub bars: [Bar; 3],
}

/// How much of one thing is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    /// The share in hundredths: 100 is all of it; `None` of nothing.
    pub percent: Option<i64>,
    /// Both amounts in words.
    pub text: String,
    /// Whether it is nearly, or more than, all of it.
    pub tone: Tone,
}

/// How many nodes are shown one by one.
const MOST: usize = 6;

impl Capacity {
    /// Takes an object of `kind`, if it is one that counts here.
    pub fn put(&mut self, kind: &str, object: &Manifest) {
        match kind {
            "nodes" => {
                let given = amount(object.root().at("status.allocatable"), Amount::default());
                self.nodes.insert(object.key(), given);
            }
            "pods" => {
                let key = object.key();
                self.remove(kind, &key);
                let node = object.text("spec.nodeName").into_owned();
                if !node.is_empty() && !has_ended(&object.text("status.phase")) {
                    let amount = requests(object);
                    *self.asked.entry(node.clone()).or_default() += amount;
                    self.pods.insert(key, (node, amount));
                }
            }
            _ => {}
        }
    }

    /// An object of `kind` has gone.
    pub fn remove(&mut self, kind: &str, key: &str) {
        match kind {
            "nodes" => drop(self.nodes.remove(key)),
            "pods" => {
                let Some((node, amount)) = self.pods.remove(key) else { return };
                if let Some(asked) = self.asked.get_mut(&node) {
                    *asked -= amount;
                    if *asked == Amount::default() {
                        self.asked.remove(&node);
                    }
                }
            }
            _ => {}
        }
    }

    /// Objects of `kind` are not looked at any more.
    pub fn forget(&mut self, kind: &str) {
        match kind {
            "nodes" => self.nodes.clear(),
            "pods" => {
                self.pods.clear();
                self.asked.clear();
            }
            _ => {}
        }
    }

    /// As shown; links lead on from `route`.
    pub fn board(&self, route: &Route) -> Board {
        let mut all = (Amount::default(), Amount::default());
        let mut nodes: Vec<(i64, &String, Amount, Amount)> = Vec::new();
        for (name, given) in &self.nodes {
            let asked = self.asked.get(name).copied().unwrap_or_default();
            all.0 += asked;
            all.1 += *given;
            nodes.push((fullest(asked, *given), name, asked, *given));
        }
        if nodes.is_empty() {
            return Board::default();
        }
        order::sort(&mut nodes, |left, right| right.0.cmp(&left.0).then_with(|| left.1.cmp(right.1)));
        let total = match nodes.len() {
            1 => "1 node".to_owned(),
            count => format!("{count} nodes"),
        };
        let more = nodes.len().saturating_sub(MOST);
        let node = |(_, name, asked, given): (i64, &String, Amount, Amount)| {
            let place = Route { open: Some(name.clone()), ..route.to(Some("nodes")) };
            Line { name: line(name).into_owned(), link: place.hash(), bars: bars(asked, given) }
        };
        let shown = nodes.into_iter().take(MOST).map(node);
        let total = Line { name: total, link: route.to(Some("nodes")).hash(), bars: bars(all.0, all.1) };
        Board { lines: std::iter::once(total).chain(shown).collect(), more }
    }
}

fn bars(asked: Amount, given: Amount) -> [Bar; 3] {
    [
        bar(asked.cpu, given.cpu, 1e3, ""),
        bar(asked.memory, given.memory, f64::from(1 << 30), " Gi"),
        bar(asked.pods, given.pods, 1.0, ""),
    ]
}

/// The share in hundredths.
fn percent(asked: i64, given: i64) -> Option<i64> {
    asked.saturating_mul(100).checked_div(given)
}

/// The share of that which is asked for most.
fn fullest(asked: Amount, given: Amount) -> i64 {
    let [cpu, memory] = [percent(asked.cpu, given.cpu), percent(asked.memory, given.memory)];
    cpu.max(memory).max(percent(asked.pods, given.pods)).unwrap_or_default()
}

/// `one` is how much of it makes one `unit`.
fn bar(asked: i64, given: i64, one: f64, unit: &str) -> Bar {
    let percent = percent(asked, given);
    let tone = match percent {
        Some(101..) => Tone::Bad,
        Some(90..) => Tone::Warn,
        _ => Tone::Plain,
    };
    let written = |amount: i64| match amount as f64 / one {
        units if units >= 100.0 || units.fract() == 0.0 => format!("{units:.0}"),
        units => format!("{units:.1}"),
    };
    Bar { percent, text: format!("{} of {}{unit}", written(asked), written(given)), tone }
}

/// What `resources`, a list of quantities by name, come to; what is not in it is as in `others`.
fn amount(resources: Option<Json<'_>>, others: Amount) -> Amount {
    let quantity = |name| resources?.at(name)?.text()?.parse::<Quantity>().ok();
    Amount {
        cpu: quantity("cpu").map_or(others.cpu, |quantity| quantity.milli_value()),
        memory: quantity("memory").map_or(others.memory, |quantity| quantity.value()),
        pods: quantity("pods").map_or(others.pods, |quantity| quantity.value()),
    }
}

/// What a pod asks for: its containers together with the sidecars, or what an init container needs at its start if that
/// is more; what it asks for as a whole goes before; and what running it costs.
fn requests(pod: &Manifest) -> Amount {
    let (mut sidecars, mut start) = (Amount::default(), Amount::default());
    let asked = |container: Json<'_>| amount(container.at("resources.requests"), Amount::default());
    for init in pod.elements("spec.initContainers") {
        let mut needed = sidecars;
        needed += asked(init);
        if text(init, "restartPolicy") == "Always" {
            sidecars = needed;
        }
        start = start.max(needed);
    }
    let mut running = sidecars;
    for container in pod.elements("spec.containers") {
        running += asked(container);
    }
    let mut whole = amount(pod.root().at("spec.resources.requests"), running.max(start));
    whole += amount(pod.root().at("spec.overhead"), Amount::default());
    Amount { pods: 1, ..whole }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::testing::manifest;
    use serde_json::{Value, json};

    fn pod(name: &str, node: &str, phase: &str, mut spec: Value) -> Manifest {
        spec["nodeName"] = node.into();
        let mut object = json!({"metadata": {"name": name, "namespace": "n"}, "status": {"phase": phase}});
        object["spec"] = spec;
        manifest(object)
    }

    fn asks(cpu: &str, memory: &str) -> Value {
        json!({"resources": {"requests": {"cpu": cpu, "memory": memory}}})
    }

    fn node(name: &str, cpu: &str) -> Manifest {
        manifest(
            json!({"metadata": {"name": name}, "status": {"allocatable": {"cpu": cpu, "memory": "4Gi", "pods": "10"}}}),
        )
    }

    #[test]
    fn pods_are_summed_by_node_and_follow_every_change() {
        let mut capacity = Capacity::default();
        assert_eq!(capacity.board(&Route::default()), Board::default());
        capacity.put("nodes", &node("a", "2"));
        capacity.put("nodes", &node("b", "1900m"));
        let containers = |cpu: &str| json!({"containers": [asks(cpu, "1Gi"), asks("100m", "512Mi")]});
        capacity.put("pods", &pod("x", "a", "Running", containers("1")));
        capacity.put("pods", &pod("y", "b", "Running", containers("1800m")));
        capacity.put("pods", &pod("done", "a", "Succeeded", containers("1")));
        capacity.put("pods", &pod("waits", "", "Pending", containers("1")));
        let board = capacity.board(&Route::default());
        let lines: Vec<_> =
            board.lines.iter().map(|line| (line.name.as_str(), line.bars[0].percent)).collect();
        assert_eq!(lines, [("2 nodes", Some(76)), ("b", Some(100)), ("a", Some(55))], "the fullest first");
        assert_eq!(board.lines[0].bars.clone().map(|bar| bar.text), ["3 of 3.9", "3 of 8 Gi", "2 of 20"]);
        assert_eq!(board.lines[1].bars[0].tone, Tone::Warn);
        assert_eq!(Route::parse(&board.lines[1].link).open.as_deref(), Some("b"));
        capacity.put("pods", &pod("y", "a", "Running", containers("1800m")));
        capacity.remove("pods", "n/x");
        let board = capacity.board(&Route::default());
        assert_eq!(
            (board.lines[1].name.as_str(), board.lines[1].bars[0].percent),
            ("a", Some(95)),
            "a pod that is replaced moves"
        );
        capacity.put("pods", &pod("z", "gone", "Running", containers("1")));
        capacity.remove("pods", "n/z");
        assert!(capacity.asked.keys().eq(["a"]), "a node that is gone is not kept for pods that are");
        capacity.forget("pods");
        assert_eq!(capacity.board(&Route::default()).lines[0].bars[2].text, "0 of 20");
    }

    #[test]
    fn a_pod_asks_for_what_the_scheduler_reckons() {
        let cpu = |spec: Value| requests(&pod("x", "a", "Running", spec)).cpu;
        let sidecar = json!({"restartPolicy": "Always", "resources": {"requests": {"cpu": "200m"}}});
        assert_eq!(
            cpu(json!({"containers": [asks("100m", "0")], "initContainers": [asks("2", "0")]})),
            2_000
        );
        assert_eq!(
            cpu(json!({"containers": [asks("1", "0")], "initContainers": [sidecar, asks("500m", "0")]})),
            1_200
        );
        let whole = json!({"containers": [asks("1", "0")], "resources": {"requests": {"cpu": "3"}}, "overhead": {"cpu": "50m"}});
        assert_eq!(cpu(whole), 3_050);
        assert_eq!(cpu(json!({"containers": "hostile"})), 0);
    }

    #[test]
    fn a_share_of_nothing_is_not_known() {
        let mut capacity = Capacity::default();
        capacity.put("nodes", &manifest(json!({"metadata": {"name": "new"}})));
        capacity.put("pods", &pod("x", "new", "Running", json!({"containers": [asks("300m", "0")]})));
        let bar = &capacity.board(&Route::default()).lines[0].bars[0];
        assert_eq!((bar.percent, bar.text.as_str()), (None, "0.3 of 0"));
    }

    #[test]
    fn of_many_nodes_some_are_shown_and_the_rest_is_counted() {
        let mut capacity = Capacity::default();
        for place in 0..20 {
            capacity.put("nodes", &node(&format!("node-{place:02}"), "1"));
        }
        let board = capacity.board(&Route::default());
        assert_eq!(
            (board.lines.len(), board.more, board.lines[0].name.as_str()),
            (MOST + 1, 20 - MOST, "20 nodes")
        );
    }
}
