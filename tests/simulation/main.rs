//! Informers against an API server in memory over a transport that misbehaves, in virtual time, a thousand seeds.
//!
//! Every run must end with the cache equal to the server, with every handler's story consistent, and with no task and
//! no watch left. A seed that fails is printed and belongs into `SEEDS_THAT_FAILED`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod controllers;
mod scenario;
mod world;

use std::collections::BTreeMap;

use portolan::testing::Fault;
use world::World;

/// Seeds that failed once: they run first.
const SEEDS_THAT_FAILED: [u64; 0] = [];

/// How many further seeds run. `PORTOLAN_SEEDS=a..b` runs others.
const SEEDS: u64 = 1_000;

/// How often each fault must have happened in all.
const LEAST_OF_EACH_FAULT: u64 = 500;

#[test]
fn informers_converge_whatever_goes_wrong() {
    let given = std::env::var("PORTOLAN_SEEDS").ok();
    let range = given.as_deref().map(|text| {
        let (from, to) = text.split_once("..").unwrap();
        from.parse().unwrap()..to.parse().unwrap()
    });
    let seeds: Vec<u64> = SEEDS_THAT_FAILED.into_iter().chain(range.clone().unwrap_or(0..SEEDS)).collect();
    let halves: Vec<_> = seeds.chunks(seeds.len().div_ceil(2)).map(<[u64]>::to_vec).collect();
    let threads: Vec<_> = halves.into_iter().map(|half| std::thread::spawn(move || run_all(&half))).collect();
    let mut faults = BTreeMap::<Fault, u64>::new();
    let mut events = 0;
    for thread in threads {
        let (counted, told) = thread.join().unwrap_or_else(|failure| std::panic::resume_unwind(failure));
        counted.into_iter().for_each(|(fault, count)| *faults.entry(fault).or_default() += count);
        events += told;
    }
    println!("{} seeds, {events} events told, faults: {faults:?}", seeds.len());
    if range.is_none() {
        for fault in Fault::ALL {
            let count = faults.get(&fault).copied().unwrap_or_default();
            assert!(count >= LEAST_OF_EACH_FAULT, "{fault:?} happened only {count} times");
        }
    }
}

fn run_all(seeds: &[u64]) -> (BTreeMap<Fault, u64>, usize) {
    let mut faults = BTreeMap::<Fault, u64>::new();
    let mut events = 0;
    for &seed in seeds {
        let outcome = std::panic::catch_unwind(|| World::new(seed).run());
        let Ok((counted, told)) = outcome else {
            panic!("seed {seed} fails: PORTOLAN_SEEDS={seed}..{}", seed + 1)
        };
        counted.into_iter().for_each(|(fault, count)| *faults.entry(fault).or_default() += count);
        events += told;
    }
    (faults, events)
}
