//! The figures of a run: what they are called, in which unit, and how they are shown.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A figure of one run. Its name in snake case is what a contestant calls it that measures itself, and what files hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Metric {
    SyncCpu,
    SyncCpuEach,
    SyncWall,
    Settled,
    Peak,
    PeakToSettled,
    Heap,
    HeapAboveBytes,
    BurstEvent,
    PacedEvent,
    RelistCpu,
    ReadCpu,
    UseCpu,
    Decode,
    ShallowPath,
    DeepPath,
    StoreList,
    StoreByIndex,
    StoreReplace,
    QueueItem,
    QueueLimitedItem,
    Pss,
    TaskLongest,
    TaskUsual,
    Brotli,
}

impl Metric {
    /// Every one, in the order of tables.
    pub(crate) const ALL: [Self; 25] = [
        Self::SyncCpu,
        Self::SyncCpuEach,
        Self::SyncWall,
        Self::Settled,
        Self::Peak,
        Self::PeakToSettled,
        Self::Heap,
        Self::HeapAboveBytes,
        Self::BurstEvent,
        Self::PacedEvent,
        Self::RelistCpu,
        Self::ReadCpu,
        Self::UseCpu,
        Self::Decode,
        Self::ShallowPath,
        Self::DeepPath,
        Self::StoreList,
        Self::StoreByIndex,
        Self::StoreReplace,
        Self::QueueItem,
        Self::QueueLimitedItem,
        Self::Pss,
        Self::TaskLongest,
        Self::TaskUsual,
        Self::Brotli,
    ];

    /// What it is called, and how many digits after the point are worth showing.
    const fn title(self) -> (&'static str, usize) {
        match self {
            Self::SyncCpu => ("sync: CPU s", 4),
            Self::SyncCpuEach => ("sync: CPU µs/object", 2),
            Self::SyncWall => ("sync: wall s", 4),
            Self::Settled => ("settled: memory growth, B/object", 0),
            Self::Peak => ("peak memory, MB", 1),
            Self::PeakToSettled => ("peak ÷ settled memory", 2),
            Self::Heap => ("live heap, B/object", 0),
            Self::HeapAboveBytes => ("live heap above the bytes kept, B/object", 0),
            Self::BurstEvent => ("burst: CPU µs/event", 2),
            Self::PacedEvent => ("paced: CPU µs/event", 2),
            Self::RelistCpu => ("relist: CPU s", 4),
            Self::ReadCpu => ("name, namespace, version, node, image of every row: CPU s", 4),
            Self::UseCpu => ("sync, index, name, namespace, version, node, image of every row: CPU s", 4),
            Self::Decode => ("decode: CPU µs/object", 2),
            Self::ShallowPath => ("path at depth 2: CPU µs/read", 3),
            Self::DeepPath => ("path deeper: CPU µs/read", 3),
            Self::StoreList => ("list of all, name and version of each read: CPU µs", 0),
            Self::StoreByIndex => ("by_index, every value once: CPU µs", 0),
            Self::StoreReplace => ("replace of all: CPU µs", 0),
            Self::QueueItem => ("add, get, done: CPU ns/item", 0),
            Self::QueueLimitedItem => ("rate-limited add, get, done: CPU ns/item", 0),
            Self::Pss => ("settled memory of the renderer, PSS, MB", 0),
            Self::TaskLongest => ("longest task of the main thread, ms", 1),
            Self::TaskUsual => ("99.9 % of tasks that run script within, ms", 1),
            Self::Brotli => ("brotli, KB", 1),
        }
    }

    /// `value` as a person reads it.
    pub(crate) fn shown(self, value: f64) -> String {
        format!("{value:.*}", self.title().1)
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.title().0)
    }
}
