//! Informers against an API server in memory over a transport that misbehaves, in virtual time, a thousand seeds.
//!
//! Every run must end with the cache equal to the server, with every handler's story consistent, and with no task and
//! no watch left. A seed that fails is printed and belongs into `SEEDS_THAT_FAILED`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod controllers;
mod pages;
mod scenario;
mod world;

use portolan::testing::Fault;
use world::{Outcome, World};

/// Seeds that failed once: they run first.
const SEEDS_THAT_FAILED: [u64; 1] = [55];

/// How many further seeds run. `PORTOLAN_SEEDS=a..b` runs others.
const SEEDS: u64 = 1_000;

/// How often each fault must have happened in all.
const LEAST_OF_EACH_FAULT: u64 = 500;

/// How many pages after the first must have been asked for in all, and how many of them refused with 410.
const LEAST_PAGES: (u64, u64) = (5_000, 200);

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
    let mut all = Outcome::default();
    for thread in threads {
        all.add(thread.join().unwrap_or_else(|failure| std::panic::resume_unwind(failure)));
    }
    let Outcome { faults, events, pages } = all;
    println!("{} seeds, {events} events told, faults: {faults:?}", seeds.len());
    println!("{} pages after the first, {} of them refused with 410", pages.0, pages.1);
    if range.is_none() {
        assert!(pages.0 >= LEAST_PAGES.0 && pages.1 >= LEAST_PAGES.1, "too few pages: {pages:?}");
        for fault in Fault::ALL {
            let count = faults.get(&fault).copied().unwrap_or_default();
            assert!(count >= LEAST_OF_EACH_FAULT, "{fault:?} happened only {count} times");
        }
    }
}

fn run_all(seeds: &[u64]) -> Outcome {
    let mut all = Outcome::default();
    for &seed in seeds {
        let outcome = std::panic::catch_unwind(|| World::new(seed).run());
        let Ok(outcome) = outcome else { panic!("seed {seed} fails: PORTOLAN_SEEDS={seed}..{}", seed + 1) };
        all.add(outcome);
    }
    all
}
