//! Runs the contestants of a group in turns, on servers that they share.

use std::collections::btree_map::{BTreeMap, Entry};

use anyhow::Result;

use crate::child;
use crate::figures::{self, Figures};
use crate::metric::Metric;
use crate::plan::{Contestant, Group, Work};
use crate::server::{Server, Way};
use crate::{Options, serve};

/// Runs every contestant of the group, one after the other, and that again and again.
pub(crate) fn run_group(group: &Group, options: &Options, rounds: usize) -> Result<Figures> {
    println!("\n## {} ({} objects or items)", group.name, group.objects);
    if group.work == Work::HandedIn {
        return Ok(handed_in(group, options));
    }
    let mut servers: BTreeMap<usize, Server> = BTreeMap::new();
    for contestant in &group.contestants {
        let count = if contestant.asks_for_pods() { contestant.objects(group) } else { 0 };
        let server = match servers.entry(count) {
            Entry::Occupied(server) => server.into_mut(),
            Entry::Vacant(place) => place.insert(serve(options, count, group.events())?),
        };
        if contestant.asks_for_pods() {
            prepare(server, contestant, group.events())?;
        }
    }
    let sizes: Vec<String> = servers.values().map(|server| server.answers().sizes()).collect();
    println!("{}", sizes.join("; "));
    let mut figures = Figures::of(group, rounds, sizes.join("; "));
    let places = options.places();
    for round in 1..=rounds {
        for contestant in &group.contestants {
            let Some(program) = contestant.program.command(&places) else {
                let why = "its program is not there".to_owned();
                figures.left_out.insert(contestant.label.clone(), why);
                continue;
            };
            let objects = contestant.objects(group);
            let count = if contestant.asks_for_pods() { objects } else { 0 };
            let taken = child::run(&program, contestant, &servers[&count], &group.work)?;
            println!("round {round}: {}: {}", contestant.label, figures::one_line(&taken));
            figures.take(contestant, objects, taken)?;
        }
    }
    for (label, why) in &figures.left_out {
        println!("LEFT OUT: {label}: {why}");
    }
    Ok(figures)
}

fn prepare(server: &Server, contestant: &Contestant, events: usize) -> Result<()> {
    let watch_list = contestant.way() == Way::WatchList;
    server.answers().prepare(contestant.shape(), !watch_list, watch_list, events > 0)
}

/// The sizes, each once.
fn handed_in(group: &Group, options: &Options) -> Figures {
    let mut figures = Figures::of(group, 1, String::new());
    for (module, bytes) in &options.size {
        figures.put(module, Metric::Brotli, bytes / 1e3);
    }
    figures
}
