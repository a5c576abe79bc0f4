//! Portolan's workqueue beside client-go's, in virtual time: `scenarios/queues.scenario`.
//!
//! ```text
//! == a name
//! from file_of_client_go_test.go TestSomething
//! departs why (only where the traces differ on purpose)
//! add ITEM / after ITEM MS / limited ITEM    Add, AddAfter, AddRateLimited (5 ms, doubling to 1 s)
//! get                        take what is ready
//! done ITEM / forget ITEM / requeues ITEM
//! tick MS                    time passes
//! shut / drain               ShutDown, ShutDownWithDrain
//! check                      how many are ready, and the metrics
//! ```

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use portolan::queue::{ExponentialRateLimiter, Priority, Ticket, WorkQueue};
use portolan::time::{Histogram, Instant};
use serde_json::{Value, json};

use crate::Verdict;
use crate::script::{self, Scenario};

/// Plays those with `name` in their name to both.
pub(crate) fn judge(program: &str, name: &str) -> Result<Vec<Verdict>> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/queues.scenario");
    let mut scenarios = script::read(&[file])?;
    scenarios.retain(|scenario| scenario.name.contains(name));
    let theirs = client_go(program, &scenarios)?;
    let verdict = |scenario: Scenario| {
        let verdict = compare(&scenario, theirs.get(&scenario.name).map_or(&[], Vec::as_slice));
        (scenario, verdict)
    };
    Ok(scenarios.into_iter().map(verdict).collect())
}

fn compare(scenario: &Scenario, theirs: &[String]) -> Result<usize> {
    let ours = Stage::new().play(scenario)?;
    let shown = || format!("client-go: {theirs:#?}\nPortolan: {ours:#?}");
    match (scenario.departs.is_some(), theirs == ours) {
        (false, false) => bail!("the traces differ\n{}", shown()),
        (true, true) => bail!("it says that it departs, and does not\n{}", shown()),
        (true, false) if theirs.last() != ours.last() => {
            bail!("a departure must end in the same state\n{}", shown())
        }
        _ => Ok(0),
    }
}

/// What client-go tells of each scenario.
fn client_go(program: &str, scenarios: &[Scenario]) -> Result<BTreeMap<String, Vec<String>>> {
    let mut child = Command::new(program)
        .arg("queues")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("starting {program}: `cargo xtask parity` builds it"))?;
    let mut input = child.stdin.take().context("the program's stdin")?;
    for scenario in scenarios {
        let steps: Vec<&str> = scenario.steps.iter().map(|step| step.text.as_str()).collect();
        writeln!(input, "{}", json!({ "scenario": scenario.name, "steps": steps }))?;
    }
    drop(input);
    let output = child.wait_with_output()?;
    let text = String::from_utf8(output.stdout)?;
    if !output.status.success() {
        bail!("client-go's queues: {}\n{text}", output.status);
    }
    let mut traces = BTreeMap::<String, Vec<String>>::new();
    for line in text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        let word = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
        traces.entry(word("scenario")).or_default().push(word("text"));
    }
    Ok(traces)
}

/// Portolan's queue, and what is told of it.
struct Stage {
    queue: WorkQueue<String>,
    now: Instant,
    taken: BTreeMap<String, Ticket>,
    drains: bool,
    told: Vec<String>,
}

impl Stage {
    fn new() -> Self {
        let limiter = ExponentialRateLimiter::new(Duration::from_millis(5), Duration::from_secs(1));
        let queue = WorkQueue::new(limiter).with_metrics();
        Self { queue, now: Instant::default(), taken: BTreeMap::new(), drains: false, told: Vec::new() }
    }

    fn play(mut self, scenario: &Scenario) -> Result<Vec<String>> {
        for step in &scenario.steps {
            self.step(&step.text).with_context(|| step.text.clone())?;
            if self.drains && self.queue.is_drained() {
                self.drains = false;
                self.told.push("drained".to_owned());
            }
        }
        Ok(self.told)
    }

    fn step(&mut self, text: &str) -> Result<()> {
        let words: Vec<&str> = text.split(' ').collect();
        let (now, queue) = (self.now, &mut self.queue);
        match words[..] {
            ["add", item] => drop(queue.add(now, item.to_owned(), Priority::Normal)),
            ["after", item, delay] => {
                queue.add_after(now, item.to_owned(), Duration::from_millis(delay.parse()?));
            }
            ["limited", item] => drop(queue.add_rate_limited(now, item.to_owned())),
            ["forget", item] => queue.forget(&item.to_owned()),
            ["requeues", item] => {
                let failed = queue.num_requeues(&item.to_owned());
                self.told.push(format!("{item} failed {failed}"));
            }
            ["get"] => self.get(),
            ["done", item] => {
                let ticket = self.taken.remove(item).context("nobody took it")?;
                queue.done(now, ticket);
            }
            ["tick", time] => self.tick(now + Duration::from_millis(time.parse()?)),
            ["shut"] => queue.shut_down(),
            ["drain"] => {
                queue.shut_down();
                self.drains = true;
            }
            ["check"] => self.check(),
            _ => bail!("no step of a queue"),
        }
        Ok(())
    }

    fn tick(&mut self, until: Instant) {
        while let Some((due, _)) = self.queue.poll_timeout().filter(|(due, _)| *due <= until) {
            self.queue.handle_timeout(due);
        }
        self.now = until;
    }

    fn get(&mut self) {
        let told = match self.queue.poll_item(self.now) {
            Some((ticket, item)) => {
                let told = format!("got {item}");
                self.taken.insert(item, ticket);
                told
            }
            None if self.queue.is_shutting_down() => "got the end".to_owned(),
            None => "got nothing".to_owned(),
        };
        self.told.push(told);
    }

    fn check(&mut self) {
        let (ready, shut) = (self.queue.len(), self.queue.is_shutting_down());
        let metrics = self.queue.metrics(self.now);
        let durations = |all: &Histogram| format!("{} for {} ms", all.count, all.sum.as_millis());
        self.told.push(format!(
            "check ready {ready}, shut {shut}, depth {}, adds {}, retries {}, unfinished {} ms, longest {} ms, \
             waited {}, worked {}",
            metrics.depth,
            metrics.adds,
            metrics.retries,
            metrics.unfinished.as_millis(),
            metrics.longest_running.as_millis(),
            durations(&metrics.latency),
            durations(&metrics.work_duration),
        ));
    }
}
