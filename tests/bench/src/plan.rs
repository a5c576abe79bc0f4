//! What is measured: the groups of contestants that run interleaved, and the goals their figures are held against.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::answers::{Encoding, Part, Shape};

/// A figure of one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Metric {
    SyncCpu,
    SyncWall,
    Settled,
    Peak,
    PeakToSettled,
    Heap,
    BurstEvent,
    PacedEvent,
    RelistCpu,
    ReadCpu,
    Decode,
    ShallowPath,
    DeepPath,
}

impl Metric {
    /// Every one, in the order of tables.
    pub(crate) const ALL: [Self; 13] = [
        Self::SyncCpu,
        Self::SyncWall,
        Self::Settled,
        Self::Peak,
        Self::PeakToSettled,
        Self::Heap,
        Self::BurstEvent,
        Self::PacedEvent,
        Self::RelistCpu,
        Self::ReadCpu,
        Self::Decode,
        Self::ShallowPath,
        Self::DeepPath,
    ];

    /// `value` as a person reads it.
    pub(crate) fn shown(self, value: f64) -> String {
        match self {
            Self::SyncCpu | Self::SyncWall | Self::RelistCpu | Self::ReadCpu => format!("{value:.4}"),
            Self::Settled | Self::Heap => format!("{value:.0}"),
            Self::Peak => format!("{:.1}", value / 1e6),
            Self::PeakToSettled | Self::BurstEvent | Self::PacedEvent | Self::Decode => format!("{value:.2}"),
            Self::ShallowPath | Self::DeepPath => format!("{value:.3}"),
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SyncCpu => "sync: CPU s",
            Self::SyncWall => "sync: wall s",
            Self::Settled => "settled: RSS growth, B/object",
            Self::Peak => "peak RSS, MB",
            Self::PeakToSettled => "peak ÷ settled RSS",
            Self::Heap => "live heap, B/object",
            Self::BurstEvent => "burst: CPU µs/event",
            Self::PacedEvent => "paced: CPU µs/event",
            Self::RelistCpu => "relist: CPU s",
            Self::ReadCpu => "five columns: CPU s",
            Self::Decode => "decode: CPU µs/object",
            Self::ShallowPath => "path at depth 2: CPU µs/read",
            Self::DeepPath => "path deeper: CPU µs/read",
        })
    }
}

/// What a contestant does once it is in sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// So many events as fast as they come.
    Burst(usize),
    /// So many, one a millisecond.
    Paced(usize),
    /// Lists anew; nothing has changed.
    Relist,
    /// Reads five columns of every row.
    Read,
    /// Decodes every object, and reads each by path instead.
    Paths,
}

impl Step {
    /// How many events it takes.
    pub(crate) fn events(&self) -> usize {
        match self {
            Self::Burst(events) | Self::Paced(events) => *events,
            Self::Relist | Self::Read | Self::Paths => 0,
        }
    }
}

/// Which program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Program {
    Portolan,
    PortolanCounted,
    KubeRs,
    KubeRsCounted,
    ClientGo,
    ClientNode,
    ByHand,
}

impl Program {
    /// How it is started: from the folder of programs, or by node in the folder of the scripts. `None` without that.
    pub(crate) fn command(self, programs: &Path, node: Option<&Path>) -> Option<Vec<PathBuf>> {
        let name = match self {
            Self::Portolan => "bench-portolan",
            Self::PortolanCounted => "bench-portolan-counted",
            Self::KubeRs => "bench-kube-rs",
            Self::KubeRsCounted => "bench-kube-rs-counted",
            Self::ClientGo => "bench-client-go",
            Self::ClientNode | Self::ByHand => {
                let script = if self == Self::ByHand { "by-hand.mjs" } else { "client-node.mjs" };
                let node = node?;
                return Some(vec![
                    node.join("node_modules/.bin/node"),
                    "--expose-gc".into(),
                    node.join(script),
                ]);
            }
        };
        Some(vec![programs.join(name)]).filter(|command| command[0].is_file())
    }

    fn is_ours(self) -> bool {
        matches!(self, Self::Portolan | Self::PortolanCounted)
    }
}

/// A program with its settings.
#[derive(Clone, Debug)]
pub(crate) struct Contestant {
    /// Names it in figures and goals.
    pub(crate) label: String,
    pub(crate) program: Program,
    pub(crate) arguments: Vec<(String, String)>,
}

impl Contestant {
    /// `label`, and the arguments as `name=value` apart by spaces.
    fn new(label: &str, program: Program, arguments: &str) -> Self {
        let pairs = arguments.split_whitespace().filter_map(|pair| pair.split_once('='));
        let arguments = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self { label: label.to_owned(), program, arguments }
    }

    /// Whether the step is not for it: a relist is compared with our own first sync alone, reads by path with our own
    /// decoding.
    pub(crate) fn leaves_out(&self, step: &Step) -> bool {
        let reads_paths = self.program.is_ours() && self.argument("form") == "lazy";
        match step {
            Step::Relist => !self.program.is_ours(),
            Step::Paths => !reads_paths,
            Step::Burst(_) | Step::Paced(_) | Step::Read => false,
        }
    }

    /// In which form it is to ask for pods.
    pub(crate) fn shape(&self) -> Shape {
        let encoding =
            if self.argument("encoding") == "protobuf" { Encoding::Protobuf } else { Encoding::Json };
        let part = if self.argument("form") == "metadata" { Part::Metadata } else { Part::Whole };
        Shape { encoding, part }
    }

    pub(crate) fn argument(&self, name: &str) -> &str {
        self.arguments.iter().find(|(own, _)| own == name).map_or("", |(_, value)| value)
    }
}

/// Contestants that do the same and run in turns.
pub(crate) struct Group {
    pub(crate) name: &'static str,
    pub(crate) objects: usize,
    pub(crate) steps: Vec<Step>,
    pub(crate) contestants: Vec<Contestant>,
    pub(crate) goals: Vec<Goal>,
}

/// Ours ÷ theirs is to be at most this; without theirs the figure itself is.
pub(crate) struct Goal {
    pub(crate) metric: Metric,
    pub(crate) ours: &'static str,
    pub(crate) theirs: Against,
    pub(crate) at_most: f64,
}

/// What a figure of ours is held against.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Against {
    /// The same figure of this contestant.
    Peer(&'static str),
    /// Another figure of our own.
    Own(&'static str, Metric),
    /// Nothing: the figure itself is limited.
    Limit,
}

const LAZY: &str = "portolan lazy JSON list";
const LAZY_WATCH_LIST: &str = "portolan lazy JSON watch-list";
const TRUSTING: &str = "portolan lazy JSON list, trusting";
const TRUSTING_WATCH_LIST: &str = "portolan lazy JSON watch-list, trusting";
const LAZY_PROTOBUF: &str = "portolan lazy protobuf list";
const TYPED: &str = "portolan typed JSON list";
const METADATA: &str = "portolan metadata protobuf list";
const KUBE: &str = "kube-rs typed JSON list";
const GO: &str = "client-go typed JSON list";
const GO_DEFAULT: &str = "client-go typed JSON watch-list";
const GO_PROTOBUF: &str = "client-go typed protobuf list";
const GO_METADATA: &str = "client-go metadata protobuf list";

/// Everything, in order. The quick form has fewer objects and events where that loses nothing but precision.
pub(crate) fn groups(quick: bool) -> Vec<Group> {
    let events = if quick { 5_000 } else { 20_000 };
    vec![
        main_group(events),
        heap_group(),
        large_group(if quick { 20_000 } else { 50_000 }),
        paced_group(if quick { 2_000 } else { 5_000 }),
    ]
}

fn main_group(events: usize) -> Group {
    use Against::{Limit, Own, Peer};
    use Program::{ByHand, ClientGo, ClientNode, KubeRs, Portolan};
    Group {
        name: "10,000 pods",
        objects: 10_000,
        steps: vec![Step::Relist, Step::Burst(events), Step::Read, Step::Paths],
        contestants: vec![
            Contestant::new(LAZY, Portolan, "form=lazy encoding=json sync=list"),
            Contestant::new(KUBE, KubeRs, "form=typed encoding=json sync=list"),
            Contestant::new(GO, ClientGo, "form=typed encoding=json sync=list"),
            Contestant::new(LAZY_WATCH_LIST, Portolan, "form=lazy encoding=json sync=watch-list"),
            Contestant::new(GO_DEFAULT, ClientGo, "form=typed encoding=json sync=watch-list"),
            Contestant::new(TRUSTING, Portolan, "form=lazy encoding=json sync=list check=none"),
            Contestant::new(
                TRUSTING_WATCH_LIST,
                Portolan,
                "form=lazy encoding=json sync=watch-list check=none",
            ),
            Contestant::new(LAZY_PROTOBUF, Portolan, "form=lazy encoding=protobuf sync=list"),
            Contestant::new(GO_PROTOBUF, ClientGo, "form=typed encoding=protobuf sync=list"),
            Contestant::new(TYPED, Portolan, "form=typed encoding=json sync=list"),
            Contestant::new(METADATA, Portolan, "form=metadata encoding=protobuf sync=list"),
            Contestant::new(GO_METADATA, ClientGo, "form=metadata encoding=protobuf sync=list"),
            Contestant::new("portolan dynamic JSON list", Portolan, "form=dynamic encoding=json sync=list"),
            Contestant::new("kube-rs dynamic JSON list", KubeRs, "form=dynamic encoding=json sync=list"),
            Contestant::new("kube-rs metadata JSON list", KubeRs, "form=metadata encoding=json sync=list"),
            Contestant::new("client-go dynamic JSON list", ClientGo, "form=dynamic encoding=json sync=list"),
            Contestant::new("client-node JSON list", ClientNode, ""),
            Contestant::new("JavaScript by hand", ByHand, ""),
        ],
        goals: vec![
            goal(Metric::SyncCpu, LAZY, Peer(KUBE), 0.16),
            goal(Metric::SyncCpu, LAZY, Peer(GO), 0.09),
            goal(Metric::SyncCpu, LAZY_WATCH_LIST, Peer(GO_DEFAULT), 0.035),
            goal(Metric::SyncCpu, TRUSTING, Peer(KUBE), 0.12),
            goal(Metric::SyncCpu, TRUSTING, Peer(GO), 0.07),
            goal(Metric::SyncCpu, TRUSTING_WATCH_LIST, Peer(GO_DEFAULT), 0.03),
            goal(Metric::SyncCpu, LAZY_PROTOBUF, Peer(GO_PROTOBUF), 0.10),
            goal(Metric::SyncCpu, TYPED, Peer(KUBE), 0.6),
            goal(Metric::SyncCpu, METADATA, Peer(GO_METADATA), 0.4),
            goal(Metric::RelistCpu, LAZY, Own(LAZY, Metric::SyncCpu), 0.55),
            goal(Metric::PeakToSettled, LAZY, Limit, 1.05),
            goal(Metric::BurstEvent, LAZY, Peer(KUBE), 0.12),
            goal(Metric::BurstEvent, LAZY, Peer(GO), 0.03),
            goal(Metric::BurstEvent, LAZY_PROTOBUF, Peer(GO_PROTOBUF), 0.08),
            goal(Metric::ShallowPath, LAZY, Own(LAZY, Metric::Decode), 0.005),
            goal(Metric::DeepPath, LAZY, Own(LAZY, Metric::Decode), 0.06),
            goal(Metric::ShallowPath, LAZY_PROTOBUF, Own(LAZY_PROTOBUF, Metric::Decode), 0.005),
            goal(Metric::DeepPath, LAZY_PROTOBUF, Own(LAZY_PROTOBUF, Metric::Decode), 0.06),
        ],
    }
}

fn heap_group() -> Group {
    use Against::Peer;
    use Program::{ClientGo, KubeRsCounted, PortolanCounted};
    Group {
        name: "heap of 10,000 pods",
        objects: 10_000,
        steps: vec![],
        contestants: vec![
            Contestant::new(LAZY, PortolanCounted, "form=lazy encoding=json sync=list"),
            Contestant::new(KUBE, KubeRsCounted, "form=typed encoding=json sync=list"),
            Contestant::new(GO, ClientGo, "form=typed encoding=json sync=list"),
            Contestant::new(TYPED, PortolanCounted, "form=typed encoding=json sync=list"),
            Contestant::new(LAZY_PROTOBUF, PortolanCounted, "form=lazy encoding=protobuf sync=list"),
            Contestant::new(METADATA, PortolanCounted, "form=metadata encoding=protobuf sync=list"),
            Contestant::new(GO_METADATA, ClientGo, "form=metadata encoding=protobuf sync=list"),
            Contestant::new(
                "kube-rs typed JSON list, managedFields stripped",
                KubeRsCounted,
                "form=typed encoding=json sync=list transform=drop-managed-fields",
            ),
            Contestant::new(
                "client-go typed JSON list, managedFields stripped",
                ClientGo,
                "form=typed encoding=json sync=list transform=drop-managed-fields",
            ),
        ],
        goals: vec![
            goal(Metric::Heap, LAZY, Peer(GO), 0.40),
            goal(Metric::Heap, LAZY, Peer(KUBE), 0.12),
            goal(Metric::Heap, TYPED, Peer(KUBE), 0.65),
            goal(Metric::Heap, METADATA, Peer(GO_METADATA), 0.35),
        ],
    }
}

fn large_group(objects: usize) -> Group {
    use Against::Peer;
    use Program::{ClientGo, KubeRs, Portolan};
    Group {
        name: if objects == 50_000 { "50,000 pods" } else { "20,000 pods" },
        objects,
        steps: vec![],
        contestants: vec![
            Contestant::new(LAZY, Portolan, "form=lazy encoding=json sync=list"),
            Contestant::new(KUBE, KubeRs, "form=typed encoding=json sync=list"),
            Contestant::new(GO, ClientGo, "form=typed encoding=json sync=list"),
            Contestant::new(LAZY_WATCH_LIST, Portolan, "form=lazy encoding=json sync=watch-list"),
            Contestant::new(GO_DEFAULT, ClientGo, "form=typed encoding=json sync=watch-list"),
        ],
        goals: vec![
            goal(Metric::SyncCpu, LAZY, Peer(KUBE), 0.16),
            goal(Metric::SyncCpu, LAZY, Peer(GO), 0.09),
            goal(Metric::SyncCpu, LAZY_WATCH_LIST, Peer(GO_DEFAULT), 0.035),
        ],
    }
}

fn paced_group(events: usize) -> Group {
    use Against::Peer;
    use Program::{ClientGo, KubeRs, Portolan};
    Group {
        name: "1,000 pods, one event a millisecond, 5 handlers",
        objects: 1_000,
        steps: vec![Step::Paced(events)],
        contestants: vec![
            Contestant::new(LAZY, Portolan, "form=lazy encoding=json sync=list handlers=5"),
            Contestant::new(KUBE, KubeRs, "form=typed encoding=json sync=list handlers=5"),
            Contestant::new(GO, ClientGo, "form=typed encoding=json sync=list handlers=5"),
        ],
        goals: vec![goal(Metric::PacedEvent, LAZY, Peer(KUBE), 0.5)],
    }
}

fn goal(metric: Metric, ours: &'static str, theirs: Against, at_most: f64) -> Goal {
    Goal { metric, ours, theirs, at_most }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goals_name_contestants_of_their_group() {
        for group in groups(false) {
            let has = |label: &str| group.contestants.iter().any(|contestant| contestant.label == label);
            for goal in &group.goals {
                assert!(has(goal.ours), "{}: {}", group.name, goal.ours);
                match goal.theirs {
                    Against::Peer(label) | Against::Own(label, _) => {
                        assert!(has(label), "{}: {label}", group.name);
                    }
                    Against::Limit => {}
                }
            }
        }
    }
}
