//! What a benchmark is made of: groups of contestants that do the same in turns, and the goals their figures are held
//! against.

mod groups;

use std::fmt;
use std::path::PathBuf;

use crate::answers::{Encoding, Part, Shape};
use crate::metric::Metric;
use crate::server::Way;

pub(crate) use groups::groups;

/// How much is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    /// What figures are quoted from.
    Full,
    /// Fewer objects, events and contestants: for a first look.
    Quick,
    /// Hardly anything: that every contestant runs and proves the same work.
    Smoke,
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
    /// Reads name, namespace, version, node and image of every row, node by node.
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

/// What a group is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// An informer gets in sync, then takes these steps.
    Sync(Vec<Step>),
    /// The contestants know what to do, measure themselves and tell their figures.
    Itself,
    /// Nothing runs: the figures are handed in.
    HandedIn,
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
    /// A list's bytes to a store, in Node: as wasm or as JavaScript.
    Intake,
    /// A page in Chromium.
    Chromium,
    /// No program: its figures are handed in.
    None,
}

/// Where programs are.
#[derive(Debug)]
pub(crate) struct Places {
    /// The folder of those compiled natively.
    pub(crate) programs: PathBuf,
    /// The folder of the scripts, with their packages installed.
    pub(crate) node: Option<PathBuf>,
    /// The folder of the page, with its wasm.
    pub(crate) page: Option<PathBuf>,
    /// Whether there is a browser.
    pub(crate) browser: bool,
}

impl Program {
    /// How it is started; `None` when something is not there.
    pub(crate) fn command(self, places: &Places) -> Option<Vec<PathBuf>> {
        let (name, has_what_it_needs) = match self {
            Self::Portolan => return places.native("bench-portolan"),
            Self::PortolanCounted => return places.native("bench-portolan-counted"),
            Self::KubeRs => return places.native("bench-kube-rs"),
            Self::KubeRsCounted => return places.native("bench-kube-rs-counted"),
            Self::ClientGo => return places.native("bench-client-go"),
            Self::ClientNode => ("client-node.mjs", true),
            Self::ByHand => ("by-hand.mjs", true),
            Self::Intake => ("intake.mjs", places.page.is_some()),
            Self::Chromium => ("chromium.mjs", places.page.is_some() && places.browser),
            Self::None => return None,
        };
        let node = places.node.as_ref().filter(|_| has_what_it_needs)?;
        let page = places.page.iter().map(|page| format!("page={}", page.display()).into());
        let command = [node.join("node_modules/.bin/node"), "--expose-gc".into(), node.join(name)];
        Some(command.into_iter().chain(page).collect())
    }

    fn is_ours(self) -> bool {
        matches!(self, Self::Portolan | Self::PortolanCounted)
    }
}

impl Places {
    fn native(&self, name: &str) -> Option<Vec<PathBuf>> {
        Some(vec![self.programs.join(name)]).filter(|command| command[0].is_file())
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

    /// The same with one more argument.
    fn with(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.arguments.push((name.to_owned(), format!("{value}")));
        self
    }

    /// The same by another label.
    fn labelled(mut self, label: &str) -> Self {
        label.clone_into(&mut self.label);
        self
    }

    /// Whether the step is not for it: a relist is compared with our own first sync alone, reads by path with our own
    /// decoding.
    pub(crate) fn leaves_out(&self, step: &Step) -> bool {
        let reads_paths = self.program.is_ours() && self.argument("form") == "lazy";
        match step {
            Step::Relist => !self.program.is_ours(),
            Step::Paths => !reads_paths,
            // There is nothing but metadata to read.
            Step::Read => self.argument("form") == "metadata",
            Step::Burst(_) | Step::Paced(_) => false,
        }
    }

    /// In which form it is to ask for pods.
    pub(crate) fn shape(&self) -> Shape {
        let encoding =
            if self.argument("encoding") == "protobuf" { Encoding::Protobuf } else { Encoding::Json };
        let part = if self.argument("form") == "metadata" { Part::Metadata } else { Part::Whole };
        Shape { encoding, part }
    }

    /// How it is to ask for the initial state.
    pub(crate) fn way(&self) -> Way {
        if self.argument("sync") == "watch-list" { Way::WatchList } else { Way::List }
    }

    /// Whether it needs a server with pods.
    pub(crate) fn asks_for_pods(&self) -> bool {
        !matches!(self.argument("form"), "store" | "queue")
    }

    /// How many pods it is served: its own number, else its group's.
    pub(crate) fn objects(&self, group: &Group) -> usize {
        self.argument("objects").parse().unwrap_or(group.objects)
    }

    pub(crate) fn argument(&self, name: &str) -> &str {
        self.arguments.iter().find(|(own, _)| own == name).map_or("", |(_, value)| value)
    }
}

/// Contestants that do the same and run in turns.
#[derive(Debug)]
pub(crate) struct Group {
    /// Names it whatever the scale.
    pub(crate) name: &'static str,
    /// How many objects, or items.
    pub(crate) objects: usize,
    pub(crate) work: Work,
    pub(crate) contestants: Vec<Contestant>,
    pub(crate) goals: Vec<Goal>,
}

impl Group {
    /// How many events its steps take.
    pub(crate) fn events(&self) -> usize {
        match &self.work {
            Work::Sync(steps) => steps.iter().map(Step::events).max().unwrap_or(0),
            Work::Itself | Work::HandedIn => 0,
        }
    }
}

/// Ours ÷ theirs is to be at most this; without theirs the figure itself is.
#[derive(Debug)]
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
