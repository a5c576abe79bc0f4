//! Two processes, one Lease, on a real API server: whatever happens to the leader, no two lead at a time.
//!
//! The processes are those of src/bin/lease-holder.rs, each behind a proxy of its own. Again and again the leader is
//! stopped (SIGSTOP) and goes on later, is killed, or loses its network: cut off, or stalled so that what it sent arrives
//! in the end. Judged is what both wrote, by one boot-time clock. There are 20 faults, 200 in `cargo xtask soak lease`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use portolan_tests::{
    Cluster, ClusterOptions, FaultProxy, LEASE_DURATION, Line, RENEW_DEADLINE, RETRY_PERIOD, boot_time,
};

/// So long anything may take that is not promised, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a process wrote, with the moment it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Held(Duration),
    Act(Duration),
    Lost(Duration),
}

/// One process, and what it wrote.
struct Holder {
    identity: String,
    process: Child,
    proxy: FaultProxy,
    /// Each line with its term, in order.
    lines: Arc<Mutex<Vec<(u64, Told)>>>,
}

impl Holder {
    fn start(cluster: &Cluster, identity: String) -> Self {
        let server = &cluster.facts().server;
        let proxy = FaultProxy::start(server.trim_start_matches("https://").parse().unwrap(), 1).unwrap();
        let kubeconfig = cluster.facts().directory.join(format!("{identity}.kubeconfig"));
        let text = std::fs::read_to_string(&cluster.facts().kubeconfig).unwrap();
        assert!(text.contains(server.as_str()));
        std::fs::write(&kubeconfig, text.replace(server.as_str(), &format!("https://{}", proxy.address())))
            .unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_lease-holder"))
            .arg(&kubeconfig)
            .arg(&identity)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (output, written) = (process.stdout.take().unwrap(), lines.clone());
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                written.lock().unwrap().push(parse(&line));
            }
        });
        Self { identity, process, proxy, lines }
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.process.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// When the renewal was sent on which its leadership rests, if it leads as far as it has said.
    fn leads(&self) -> Option<Duration> {
        match self.lines.lock().unwrap().iter().rev().find(|(_, line)| !matches!(line, Told::Act(_)))? {
            (_, Told::Held(renewed)) => Some(*renewed),
            _ => None,
        }
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn parse(line: &str) -> (u64, Told) {
    let words: Vec<&str> = line.split(' ').collect();
    let [word, term, moment] = words[..] else { panic!("{line:?}") };
    let moment = Duration::from_nanos(moment.parse().unwrap());
    let line = match word {
        "HELD" => Told::Held(moment),
        "ACT" => Told::Act(moment),
        "LOST" => Told::Lost(moment),
        _ => panic!("{line:?}"),
    };
    (term.parse().unwrap(), line)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    Stop,
    Kill,
    Cut,
    Stall,
}

/// The test.
struct Trial {
    cluster: Cluster,
    holders: Vec<Holder>,
    /// The killed, for what they wrote.
    gone: Vec<Holder>,
    names: u32,
    /// The moments at which stopped processes went on.
    resumed: Vec<(String, Duration)>,
    /// How late this process was at most: what a busy machine adds to everything.
    late: Duration,
}

impl Trial {
    fn start() -> Self {
        let cluster = Cluster::start(&ClusterOptions::default()).unwrap();
        let mut trial = Self {
            cluster,
            holders: Vec::new(),
            gone: Vec::new(),
            names: 0,
            resumed: Vec::new(),
            late: Duration::ZERO,
        };
        trial.add();
        trial.add();
        trial
    }

    fn add(&mut self) {
        self.names += 1;
        self.holders.push(Holder::start(&self.cluster, format!("holder-{}", self.names)));
    }

    /// Waits until somebody, not `struck`, leads by a renewal sent from now on.
    fn leader(&mut self, struck: &str) -> usize {
        const PAUSE: Duration = Duration::from_millis(20);
        let (asked, mut looked) = (boot_time(), boot_time());
        loop {
            let renewed = |holder: &Holder| holder.leads().is_some_and(|renewed| renewed > asked);
            let leads = |holder: &Holder| holder.identity != struck && renewed(holder);
            if let Some(place) = self.holders.iter().position(leads) {
                return place;
            }
            assert!(looked < asked + PATIENCE, "nobody leads within {PATIENCE:?} after a fault");
            std::thread::sleep(PAUSE);
            let now = boot_time();
            self.late = self.late.max(now - looked - PAUSE);
            looked = now;
        }
    }

    /// Does one thing to the leader, sees that another leads, and undoes it.
    fn strike(&mut self, fault: Fault) {
        let place = self.leader("");
        let struck = self.holders[place].identity.clone();
        match fault {
            Fault::Stop => self.holders[place].signal("-STOP"),
            Fault::Cut => self.holders[place].proxy.set(Line::Closed),
            Fault::Stall => self.holders[place].proxy.set(Line::Stalled),
            Fault::Kill => {
                let mut killed = self.holders.remove(place);
                killed.process.kill().unwrap(); // SIGKILL
                killed.process.wait().unwrap();
                self.gone.push(killed);
                self.add();
            }
        }
        self.leader(&struck);
        match fault {
            Fault::Stop => {
                self.resumed.push((struck, boot_time()));
                self.holders[place].signal("-CONT");
            }
            Fault::Cut | Fault::Stall => self.holders[place].proxy.set(Line::Good),
            Fault::Kill => {}
        }
    }

    fn stories(&self) -> Vec<(String, Vec<(u64, Told)>)> {
        let holders = self.gone.iter().chain(&self.holders);
        holders.map(|holder| (holder.identity.clone(), holder.lines.lock().unwrap().clone())).collect()
    }
}

/// The terms of one process: from the renewal it began with to the last one plus the deadline. Every act lies within.
fn terms(identity: &str, lines: &[(u64, Told)]) -> Vec<(Duration, Duration, String)> {
    let mut terms: BTreeMap<u64, (Duration, Duration)> = BTreeMap::new();
    let mut lost = 0;
    for (term, line) in lines {
        match line {
            Told::Held(renewed) => {
                let until = *renewed + RENEW_DEADLINE;
                terms.entry(*term).and_modify(|held| held.1 = until).or_insert((*renewed, until));
            }
            Told::Act(moment) => {
                assert!(lost < *term, "{identity} acts in term {term} after it said that it is lost");
                let (from, until) = terms[term];
                assert!(from <= *moment && *moment < until, "{identity} acts outside its term {term}");
            }
            Told::Lost(_) => lost = *term,
        }
    }
    terms.into_iter().map(|(term, (from, until))| (from, until, format!("{identity}/{term}"))).collect()
}

#[test]
fn two_processes_never_hold_one_lease_whatever_happens_to_the_leader() {
    let faults = if std::env::var("PORTOLAN_SOAK").is_ok_and(|soak| soak == "long") { 200 } else { 20 };
    let mut trial = Trial::start();
    for fault in [Fault::Stop, Fault::Kill, Fault::Cut, Fault::Stall].into_iter().cycle().take(faults) {
        trial.strike(fault);
    }
    trial.leader("");

    let stories = trial.stories();
    let mut held: Vec<_> = stories.iter().flat_map(|(identity, lines)| terms(identity, lines)).collect();
    held.sort();
    let mut longest = Duration::ZERO;
    for pair in held.windows(2) {
        let [(_, until, first), (from, _, second)] = pair else { unreachable!() };
        assert!(until <= from, "{first} lasts into {second}, from {from:?} to {until:?}");
        longest = longest.max(*from - (*until - RENEW_DEADLINE));
    }
    // The lease as a candidate sees it, which asks once in 2.2 retry periods, and a request that is given up.
    let promise = LEASE_DURATION + RETRY_PERIOD.mul_f64(2.2) + RENEW_DEADLINE / 2;
    let allowed = promise + 10 * trial.late;
    assert!(longest <= allowed, "nobody led for {longest:?}, {allowed:?} is promised");
    assert!(held.len() > faults, "{} terms after {faults} faults", held.len());
    for (identity, moment) in &trial.resumed {
        let (_, lines) = stories.iter().find(|(name, _)| name == identity).unwrap();
        let next = lines.iter().find(|(_, line)| match line {
            Told::Act(at) | Told::Lost(at) => at > moment,
            Told::Held(_) => false,
        });
        let reported = next.is_none_or(|(_, line)| matches!(line, Told::Lost(_)));
        assert!(reported, "{identity} went on at {moment:?} and acted before it told its loss: {next:?}");
    }
    let acts = stories.iter().flat_map(|(_, lines)| lines).filter(|(_, line)| matches!(line, Told::Act(_)));
    println!(
        "{faults} faults, {} terms, {} guarded acts, none overlap; from a last renewal to the next leader {longest:?} \
         at most, of {promise:?} promised (this machine was {:?} late at most)",
        held.len(),
        acts.count(),
        trial.late,
    );
}
