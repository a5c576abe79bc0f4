//! The queue beside a naive model: sets and vectors that are searched from end to end, a million operations.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::*;
use crate::policy::Random;

/// The model: what is known of a queue by its documentation alone.
#[derive(Default)]
struct Model {
    /// In the order they are to come, by priority.
    ready: [VecDeque<u32>; 2],
    processing: BTreeSet<u32>,
    again: BTreeMap<u32, Priority>,
    delayed: BTreeMap<u32, (Instant, u64)>,
    failures: BTreeMap<u32, u32>,
    passed_low: u32,
    serial: u64,
    adds: u64,
    retries: u64,
    shut: bool,
}

impl Model {
    fn add(&mut self, item: u32, priority: Priority) -> bool {
        if self.shut {
            return false;
        }
        if self.processing.contains(&item) {
            let held = self.again.insert(item, priority);
            self.again.insert(item, held.map_or(priority, |held| held.max(priority)));
            self.adds += u64::from(held.is_none());
            return false;
        }
        if let Some(place) = self.ready[0].iter().position(|ready| *ready == item) {
            if priority == Priority::Normal {
                self.ready[0].remove(place);
                self.ready[1].push_back(item);
            }
            return false;
        }
        if self.ready[1].contains(&item) {
            return false;
        }
        self.adds += 1;
        self.ready[priority as usize].push_back(item);
        true
    }

    fn add_after(&mut self, now: Instant, item: u32, delay: Duration) -> bool {
        if self.shut {
            return false;
        }
        self.retries += 1;
        if delay.is_zero() {
            return self.add(item, Priority::Normal);
        }
        let place = (now + delay, self.serial);
        match self.delayed.get(&item) {
            Some((at, _)) if *at <= place.0 => {}
            _ => {
                self.serial += 1;
                self.delayed.insert(item, place);
            }
        }
        false
    }

    fn rate_limited(&mut self, now: Instant, item: u32) -> bool {
        let failures = self.failures.entry(item).or_default();
        let delay = ms(1 << (*failures).min(6)).min(ms(50));
        *failures += 1;
        self.add_after(now, item, delay)
    }

    fn take(&mut self) -> Option<u32> {
        let both = !self.ready[0].is_empty() && !self.ready[1].is_empty();
        let low = self.ready[1].is_empty() || (both && self.passed_low == LOW_EVERY - 1);
        let item = self.ready[usize::from(!low)].pop_front()?;
        if low {
            self.passed_low = 0;
        } else if both {
            self.passed_low += 1;
        }
        self.processing.insert(item);
        Some(item)
    }

    fn done(&mut self, item: u32) -> bool {
        self.processing.remove(&item);
        let Some(priority) = self.again.remove(&item) else { return false };
        self.ready[priority as usize].push_back(item);
        true
    }

    fn timeout(&mut self, now: Instant) -> usize {
        let mut due: Vec<((Instant, u64), u32)> = self
            .delayed
            .iter()
            .filter(|(_, (at, _))| *at <= now)
            .map(|(item, place)| (*place, *item))
            .collect();
        due.sort_unstable();
        for (_, item) in &due {
            self.delayed.remove(item);
        }
        due.into_iter().filter(|(_, item)| self.add(*item, Priority::Normal)).count()
    }
}

fn play(seed: u64, operations: u32) {
    let mut random = Random::new(seed);
    let mut now = at(0);
    let limiter = ExponentialRateLimiter::new(ms(1), ms(50));
    let mut queue = WorkQueue::<u32>::new(limiter).with_metrics();
    let mut model = Model::default();
    let mut taken: Vec<(Ticket, u32)> = Vec::new();
    for step in 0..operations {
        let item = random.below(40) as u32;
        let priority = if random.below(3) == 0 { Priority::Low } else { Priority::Normal };
        let told = match random.below(12) {
            0..4 => (u64::from(queue.add(now, item, priority)), u64::from(model.add(item, priority))),
            4 => {
                let delay = ms(random.below(30));
                let told = queue.add_after(now, item, delay);
                (u64::from(told), u64::from(model.add_after(now, item, delay)))
            }
            5 => (u64::from(queue.add_rate_limited(now, item)), u64::from(model.rate_limited(now, item))),
            6 => {
                queue.forget(&item);
                model.failures.remove(&item);
                let counted = model.failures.get(&item).copied().unwrap_or_default();
                (u64::from(queue.num_requeues(&item)), u64::from(counted))
            }
            7 => {
                now = now + ms(random.below(8));
                (queue.handle_timeout(now) as u64, model.timeout(now) as u64)
            }
            8..10 => {
                let found = queue.poll_item(now);
                let item = found.as_ref().map_or(u64::MAX, |(_, item)| u64::from(*item));
                taken.extend(found);
                (item, model.take().map_or(u64::MAX, u64::from))
            }
            10 if !taken.is_empty() => {
                let (ticket, item) = taken.swap_remove(random.below(taken.len() as u64) as usize);
                if random.below(2) == 0 {
                    model.rate_limited(now, item);
                    queue.retry(now, &ticket);
                }
                (u64::from(queue.done(now, ticket)), u64::from(model.done(item)))
            }
            _ if step + 200 > operations && !model.shut => {
                queue.shut_down();
                model.shut = true;
                model.delayed.clear();
                (0, 0)
            }
            _ => (u64::from(queue.num_requeues(&item)), {
                u64::from(model.failures.get(&item).copied().unwrap_or_default())
            }),
        };
        assert_eq!(told.0, told.1, "seed {seed}, step {step}");
        compare(&queue, &model, now, (seed, step));
    }
}

fn compare(queue: &WorkQueue<u32>, model: &Model, now: Instant, place: (u64, u32)) {
    let metrics = queue.metrics(now);
    let held = (metrics.depth, metrics.depth_low, metrics.processing, metrics.delayed);
    let low = model.ready[0].len();
    let ready = low + model.ready[1].len();
    let known = (ready + model.again.len(), low, model.processing.len(), model.delayed.len());
    assert_eq!(held, known, "(seed, step) {place:?}");
    assert_eq!((metrics.adds, metrics.retries), (model.adds, model.retries), "(seed, step) {place:?}");
    let next = model.delayed.values().map(|(at, _)| *at).min();
    assert_eq!(queue.poll_timeout().map(|(at, _)| at), next, "(seed, step) {place:?}");
    let idle = ready == 0 && known.2 == 0;
    assert_eq!(queue.is_drained(), idle, "(seed, step) {place:?}");
}

#[test]
fn a_million_operations_go_as_in_the_naive_model() {
    const RUNS: u64 = if cfg!(miri) { 1 } else { 100 };
    const OPERATIONS: u32 = if cfg!(miri) { 400 } else { 10_000 };
    println!("seeds 0..{RUNS}, {OPERATIONS} operations each");
    (0..RUNS).for_each(|seed| play(seed, OPERATIONS));
}
