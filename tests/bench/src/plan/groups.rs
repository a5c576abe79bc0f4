//! The groups, with the goals of each: what `cargo xtask bench` runs, in order.

use super::{Against, Contestant, Goal, Group, Program, Scale, Step, Work};
use crate::metric::Metric;

use Against::{Limit, Own, Peer};
use Program::{
    ByHand, Chromium, ClientGo, ClientNode, Intake, KubeRs, KubeRsCounted, Portolan, PortolanCounted,
};

const LAZY: &str = "portolan lazy JSON list";
const LAZY_MANY: &str = "portolan lazy JSON list, twenty times the pods";
const LAZY_WATCH_LIST: &str = "portolan lazy JSON watch-list";
const TRUSTING: &str = "portolan lazy JSON list, trusting";
const TRUSTING_WATCH_LIST: &str = "portolan lazy JSON watch-list, trusting";
const LAZY_PROTOBUF: &str = "portolan lazy protobuf list";
const COMPACT: &str = "portolan compact JSON list";
const TYPED: &str = "portolan typed JSON list";
const METADATA: &str = "portolan metadata protobuf list";
const KUBE: &str = "kube-rs typed JSON list";
const GO: &str = "client-go typed JSON list";
const GO_WATCH_LIST: &str = "client-go typed JSON watch-list";
const GO_PROTOBUF: &str = "client-go typed protobuf list";
const GO_METADATA: &str = "client-go metadata protobuf list";
const OURS: &str = "portolan";
const OURS_COMPACT: &str = "portolan, compact";
const GO_ALONE: &str = "client-go";
const BY_HAND: &str = "JavaScript by hand";
const CLIENT_NODE: &str = "client-node's parsing";

/// Everything, in order. The smaller scales leave out what differs in nothing but its size; the quick one those whom no
/// goal names, too; the smallest the sizes, of which nobody proves anything.
pub(crate) fn groups(scale: Scale) -> Vec<Group> {
    let (full, quick) = (scale == Scale::Full, scale == Scale::Quick);
    let of = |full, quick, smoke| match scale {
        Scale::Full => full,
        Scale::Quick => quick,
        Scale::Smoke => smoke,
    };
    let mut groups = vec![
        pods(of(10_000, 4_000, 200), of(20_000, 4_000, 100)),
        pods_over_tls(of(10_000, 4_000, 200)),
        heap(of(10_000, 4_000, 200)),
        paced(of(1_000, 500, 100), of(5_000, 1_000, 50)),
        store(of(100_000, 50_000, 1_000)),
        workqueue("workqueue, 1 worker", 1, of(10_000, 10_000, 500)),
        workqueue("workqueue, 2 workers", 2, of(10_000, 10_000, 500)),
        workqueue("workqueue, 8 workers", 8, of(10_000, 10_000, 500)),
        intake(of(10_000, 4_000, 200)),
        chromium(of(10_000, 3_000, 200)),
    ];
    if full || quick {
        groups.extend([sizes(), scaling(of(10_000, 2_000, 0))]);
    }
    if full {
        groups.push(many_pods(50_000));
        groups.push(full_tab(100_000));
    }
    if quick {
        groups.iter_mut().for_each(keep_those_with_goals);
    }
    groups
}

fn keep_those_with_goals(group: &mut Group) {
    let Group { contestants, goals, .. } = group;
    contestants.retain(|contestant| {
        goals.iter().any(|goal| {
            let theirs = match goal.theirs {
                Peer(label) | Own(label, _) => label,
                Limit => goal.ours,
            };
            [goal.ours, theirs].contains(&contestant.label.as_str())
        })
    });
}

fn lazy() -> Contestant {
    Contestant::new(LAZY, Portolan, "form=lazy encoding=json sync=list")
}

fn lazy_watch_list() -> Contestant {
    Contestant::new(LAZY_WATCH_LIST, Portolan, "form=lazy encoding=json sync=watch-list")
}

fn kube() -> Contestant {
    Contestant::new(KUBE, KubeRs, "form=typed encoding=json sync=list")
}

fn go() -> Contestant {
    Contestant::new(GO, ClientGo, "form=typed encoding=json sync=list")
}

fn go_watch_list() -> Contestant {
    Contestant::new(GO_WATCH_LIST, ClientGo, "form=typed encoding=json sync=watch-list")
}

fn pods(objects: usize, events: usize) -> Group {
    Group {
        name: "pods",
        objects,
        work: Work::Sync(vec![Step::Read, Step::Relist, Step::Burst(events), Step::Paths]),
        contestants: vec![
            lazy(),
            kube(),
            go(),
            lazy_watch_list(),
            go_watch_list(),
            lazy().labelled(TRUSTING).with("check", "none"),
            lazy_watch_list().labelled(TRUSTING_WATCH_LIST).with("check", "none"),
            Contestant::new(LAZY_PROTOBUF, Portolan, "form=lazy encoding=protobuf sync=list"),
            Contestant::new(GO_PROTOBUF, ClientGo, "form=typed encoding=protobuf sync=list"),
            Contestant::new(
                "portolan lazy protobuf watch-list",
                Portolan,
                "form=lazy encoding=protobuf sync=watch-list",
            ),
            // What client-go does by itself.
            Contestant::new(
                "client-go typed protobuf watch-list",
                ClientGo,
                "form=typed encoding=protobuf sync=watch-list",
            ),
            Contestant::new(TYPED, Portolan, "form=typed encoding=json sync=list"),
            Contestant::new(METADATA, Portolan, "form=metadata encoding=protobuf sync=list"),
            Contestant::new(GO_METADATA, ClientGo, "form=metadata encoding=protobuf sync=list"),
            Contestant::new(COMPACT, Portolan, "form=compact encoding=json sync=list"),
            Contestant::new("portolan dynamic JSON list", Portolan, "form=dynamic encoding=json sync=list"),
            Contestant::new("kube-rs dynamic JSON list", KubeRs, "form=dynamic encoding=json sync=list"),
            Contestant::new("kube-rs metadata JSON list", KubeRs, "form=metadata encoding=json sync=list"),
            Contestant::new("client-go dynamic JSON list", ClientGo, "form=dynamic encoding=json sync=list"),
            Contestant::new("client-node JSON list", ClientNode, ""),
            Contestant::new(BY_HAND, ByHand, ""),
        ],
        goals: goals_of_pods(),
    }
}

fn goals_of_pods() -> Vec<Goal> {
    vec![
        goal(Metric::SyncCpu, LAZY, Peer(KUBE), 0.16),
        goal(Metric::SyncCpu, LAZY, Peer(GO), 0.09),
        goal(Metric::SyncCpu, LAZY_WATCH_LIST, Peer(GO_WATCH_LIST), 0.035),
        goal(Metric::SyncCpu, TRUSTING, Peer(KUBE), 0.12),
        goal(Metric::SyncCpu, TRUSTING, Peer(GO), 0.07),
        goal(Metric::SyncCpu, TRUSTING_WATCH_LIST, Peer(GO_WATCH_LIST), 0.03),
        goal(Metric::SyncCpu, LAZY_PROTOBUF, Peer(GO_PROTOBUF), 0.10),
        goal(Metric::SyncCpu, TYPED, Peer(KUBE), 0.6),
        goal(Metric::SyncCpu, METADATA, Peer(GO_METADATA), 0.4),
        // What a user does next: nobody set a goal of its own, so it is that of the sync.
        goal(Metric::UseCpu, LAZY, Peer(KUBE), 0.16),
        goal(Metric::UseCpu, LAZY, Peer(GO), 0.09),
        goal(Metric::RelistCpu, LAZY, Own(LAZY, Metric::SyncCpu), 0.55),
        goal(Metric::PeakToSettled, LAZY, Limit, 1.05),
        goal(Metric::BurstEvent, LAZY, Peer(KUBE), 0.12),
        goal(Metric::BurstEvent, LAZY, Peer(GO), 0.03),
        goal(Metric::BurstEvent, LAZY_PROTOBUF, Peer(GO_PROTOBUF), 0.08),
        goal(Metric::ShallowPath, LAZY, Own(LAZY, Metric::Decode), 0.005),
        goal(Metric::DeepPath, LAZY, Own(LAZY, Metric::Decode), 0.06),
        goal(Metric::ShallowPath, LAZY_PROTOBUF, Own(LAZY_PROTOBUF, Metric::Decode), 0.005),
        goal(Metric::DeepPath, LAZY_PROTOBUF, Own(LAZY_PROTOBUF, Metric::Decode), 0.06),
    ]
}

/// HTTP/1.1 under TLS 1.3, which is all the server offers: so nobody's choice of HTTP/2 is measured.
fn pods_over_tls(objects: usize) -> Group {
    let over = |contestant: Contestant| contestant.with("tls", "yes");
    Group {
        name: "pods over TLS",
        objects,
        work: Work::Sync(vec![]),
        contestants: [lazy(), kube(), go(), lazy_watch_list(), go_watch_list()].map(over).into(),
        goals: vec![
            goal(Metric::SyncCpu, LAZY, Peer(KUBE), 0.19),
            goal(Metric::SyncCpu, LAZY, Peer(GO), 0.11),
            goal(Metric::SyncCpu, LAZY_WATCH_LIST, Peer(GO_WATCH_LIST), 0.045),
        ],
    }
}

fn heap(objects: usize) -> Group {
    let without = |contestant: Contestant| {
        let label = format!("{}, managedFields stripped", contestant.label);
        contestant.labelled(&label).with("transform", "drop-managed-fields")
    };
    let kube = Contestant { program: KubeRsCounted, ..kube() };
    Group {
        name: "heap",
        objects,
        work: Work::Sync(vec![]),
        contestants: vec![
            Contestant { program: PortolanCounted, ..lazy() },
            kube.clone(),
            go(),
            Contestant::new(TYPED, PortolanCounted, "form=typed encoding=json sync=list"),
            Contestant::new(COMPACT, PortolanCounted, "form=compact encoding=json sync=list"),
            Contestant::new(LAZY_PROTOBUF, PortolanCounted, "form=lazy encoding=protobuf sync=list"),
            Contestant::new(METADATA, PortolanCounted, "form=metadata encoding=protobuf sync=list"),
            Contestant::new(GO_METADATA, ClientGo, "form=metadata encoding=protobuf sync=list"),
            without(kube),
            without(go()),
        ],
        goals: vec![
            // 200, and 90 for the table of members that is kept.
            goal(Metric::HeapAboveBytes, LAZY, Limit, 290.0),
            goal(Metric::Heap, LAZY, Peer(GO), 0.40),
            goal(Metric::Heap, LAZY, Peer(KUBE), 0.12),
            goal(Metric::Heap, TYPED, Peer(KUBE), 0.65),
            goal(Metric::Heap, COMPACT, Limit, 1_500.0),
            goal(Metric::Heap, METADATA, Peer(GO_METADATA), 0.35),
        ],
    }
}

fn many_pods(objects: usize) -> Group {
    Group {
        name: "many pods",
        objects,
        work: Work::Sync(vec![]),
        contestants: vec![lazy(), kube(), go(), lazy_watch_list(), go_watch_list()],
        goals: vec![
            goal(Metric::SyncCpu, LAZY, Peer(KUBE), 0.16),
            goal(Metric::SyncCpu, LAZY, Peer(GO), 0.09),
            goal(Metric::SyncCpu, LAZY_WATCH_LIST, Peer(GO_WATCH_LIST), 0.035),
        ],
    }
}

/// What one object costs among few and among many. Both figures begin once the process is there, so that an empty one is
/// subtracted.
fn scaling(objects: usize) -> Group {
    Group {
        name: "scaling",
        objects,
        work: Work::Sync(vec![]),
        contestants: vec![lazy(), lazy().labelled(LAZY_MANY).with("objects", objects * 20)],
        goals: vec![
            goal(Metric::SyncCpuEach, LAZY_MANY, Peer(LAZY), 1.25),
            goal(Metric::Settled, LAZY_MANY, Peer(LAZY), 1.25),
        ],
    }
}

fn paced(objects: usize, events: usize) -> Group {
    let with = |contestant: Contestant| contestant.with("handlers", 5);
    Group {
        name: "one event a millisecond, 5 handlers",
        objects,
        work: Work::Sync(vec![Step::Paced(events)]),
        contestants: [lazy(), kube(), go()].map(with).into(),
        goals: vec![goal(Metric::PacedEvent, LAZY, Peer(KUBE), 0.5)],
    }
}

fn store(objects: usize) -> Group {
    let of = |label, program| Contestant::new(label, program, "form=store").with("objects", objects);
    Group {
        name: "store",
        objects,
        work: Work::Itself,
        contestants: vec![of(OURS, Portolan), of(GO_ALONE, ClientGo)],
        goals: [Metric::StoreByIndex, Metric::StoreList, Metric::StoreReplace]
            .map(|metric| goal(metric, OURS, Peer(GO_ALONE), 0.33))
            .into(),
    }
}

fn workqueue(name: &'static str, workers: usize, items: usize) -> Group {
    let of = |label, program| {
        Contestant::new(label, program, "form=queue").with("objects", items).with("workers", workers)
    };
    Group {
        name,
        objects: items,
        work: Work::Itself,
        contestants: vec![of(OURS, Portolan), of(GO_ALONE, ClientGo)],
        goals: [Metric::QueueItem, Metric::QueueLimitedItem]
            .map(|metric| goal(metric, OURS, Peer(GO_ALONE), 0.33))
            .into(),
    }
}

/// The bytes of a list, in memory already, to a store.
fn intake(objects: usize) -> Group {
    let of = |label, own| Contestant::new(label, Intake, "").with("contestant", own);
    Group {
        name: "wasm under Node: list bytes to store",
        objects,
        work: Work::Itself,
        contestants: vec![of(OURS, "wasm"), of(BY_HAND, "by-hand"), of(OURS_COMPACT, "wasm-compact")],
        goals: vec![
            goal(Metric::SyncCpu, OURS, Peer(BY_HAND), 0.2),
            goal(Metric::Settled, OURS_COMPACT, Limit, 3_000.0),
        ],
    }
}

fn chromium(objects: usize) -> Group {
    let of = |label, own| Contestant::new(label, Chromium, "").with("contestant", own);
    Group {
        name: "a tab of Chromium",
        objects,
        work: Work::Itself,
        contestants: vec![
            of(OURS, "portolan"),
            of(OURS_COMPACT, "portolan-compact"),
            of(BY_HAND, "by-hand"),
            of(CLIENT_NODE, "client-node"),
            // What it takes whoever reads: the floor of the others.
            of("reading alone", "reading"),
        ],
        goals: vec![
            goal(Metric::SyncWall, OURS, Peer(BY_HAND), 0.45),
            goal(Metric::Pss, OURS, Peer(BY_HAND), 0.6),
            goal(Metric::TaskUsual, OURS, Limit, 16.0),
            goal(Metric::TaskLongest, OURS, Limit, 50.0),
        ],
    }
}

/// Nobody else holds so many in one tab.
fn full_tab(objects: usize) -> Group {
    Group {
        name: "a full tab of Chromium",
        objects,
        work: Work::Itself,
        contestants: vec![
            Contestant::new(OURS, Chromium, "contestant=portolan"),
            Contestant::new(OURS_COMPACT, Chromium, "contestant=portolan-compact"),
        ],
        goals: vec![goal(Metric::Pss, OURS, Limit, 700.0), goal(Metric::Pss, OURS_COMPACT, Limit, 450.0)],
    }
}

fn sizes() -> Group {
    let none = |label: &str| Contestant::new(label, Program::None, "");
    Group {
        name: "wasm sizes",
        objects: 1,
        work: Work::HandedIn,
        contestants: vec![none("informer"), none("dashboard")],
        goals: vec![
            goal(Metric::Brotli, "informer", Limit, 120.0),
            goal(Metric::Brotli, "dashboard", Limit, 450.0),
        ],
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
        for group in [Scale::Full, Scale::Quick, Scale::Smoke].into_iter().flat_map(groups) {
            let has = |label: &str| group.contestants.iter().any(|contestant| contestant.label == label);
            for goal in &group.goals {
                assert!(has(goal.ours), "{}: {}", group.name, goal.ours);
                match goal.theirs {
                    Peer(label) | Own(label, _) => assert!(has(label), "{}: {label}", group.name),
                    Limit => {}
                }
            }
        }
    }
}
