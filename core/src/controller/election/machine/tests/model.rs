//! Candidates with clocks of their own on a server of three lines, while requests and answers are late or lost and
//! processes stand still: a million operations, and never two leaders.

use super::*;

/// More requests than one turn can need.
const MOST_EXCHANGES: u32 = 100;

/// The server: the Lease, if there is one, and a version that counts writes.
#[derive(Default)]
struct Server {
    lease: Option<Lease>,
    version: u64,
}

impl Server {
    fn answer(&mut self, action: Action) -> Result<Lease, Error> {
        let version = |lease: &Lease| lease.metadata.resource_version.clone();
        match (action, &self.lease) {
            (Action::Get, Some(lease)) => return Ok(lease.clone()),
            (Action::Create(_), Some(_)) => return Err(error(409, reason::ALREADY_EXISTS)),
            (Action::Get | Action::Update(_), None) => return Err(error(404, reason::NOT_FOUND)),
            (Action::Update(new), Some(there)) if version(&new) != version(there) => {
                return Err(error(409, reason::CONFLICT));
            }
            (Action::Create(new) | Action::Update(new), _) => self.lease = Some(*new),
        }
        self.version += 1;
        let lease = self.lease.as_mut().unwrap();
        lease.metadata.resource_version = Some(self.version.to_string());
        Ok(lease.clone())
    }
}

/// A process: its candidate, how far its clock is off, and what is on the wire.
struct Process {
    election: Election,
    skew: Duration,
    /// Until when it stands still, by the true time.
    still_until: Duration,
    to_server: Vec<(u64, Action)>,
    to_process: Vec<(u64, Result<Lease, Error>)>,
    /// Which request the candidate waits for.
    serial: u64,
}

impl Process {
    fn new(name: &str, seed: u64, skew: Duration) -> Self {
        let options = ElectionOptions { identity: name.to_owned(), ..options() };
        let election = Election::new(options, seed).unwrap();
        let (to_server, to_process) = (Vec::new(), Vec::new());
        Self { election, skew, still_until: Duration::ZERO, to_server, to_process, serial: 0 }
    }

    fn moment(&self, now: Duration) -> Moment {
        Moment { monotonic: Instant::from_origin(now + self.skew), unix: now + self.skew * 7 }
    }

    /// What its driver does when it is awake.
    fn turn(&mut self, now: Duration) {
        let moment = self.moment(now);
        self.election.handle_timeout(moment);
        if let Some(action) = self.election.poll_action(moment) {
            self.serial += 1;
            self.to_server.push((self.serial, action));
        }
    }
}

struct World {
    random: Random,
    now: Duration,
    server: Server,
    processes: Vec<Process>,
    names: u64,
    lost: bool,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mut world = Self {
            now: seconds(1),
            server: Server::default(),
            processes: Vec::new(),
            names: 0,
            lost: random.below(4) > 0,
            random,
        };
        for _ in 0..world.random.below(3) + 2 {
            let process = world.process();
            world.processes.push(process);
        }
        world
    }

    fn process(&mut self) -> Process {
        self.names += 1;
        let skew = Duration::from_millis(self.random.below(1_000_000_000));
        Process::new(&format!("process-{}", self.names), self.random.next_u64(), skew)
    }

    fn step(&mut self) {
        let chosen = self.random.below(self.processes.len() as u64) as usize;
        let now = self.now;
        match self.random.below(40) {
            0..12 => self.now += Duration::from_millis(self.random.below(400)),
            12..20 if self.processes[chosen].still_until <= now => self.turn(chosen),
            20..28 => self.deliver(chosen),
            28..36 if self.processes[chosen].still_until <= now => self.receive(chosen),
            36 if self.lost && !self.processes[chosen].to_server.is_empty() => {
                let place = self.random.below(self.processes[chosen].to_server.len() as u64) as usize;
                self.processes[chosen].to_server.remove(place);
            }
            37 if self.lost => self.processes[chosen].to_process.clear(),
            38 if self.random.below(4) == 0 => {
                self.processes[chosen].still_until = now + Duration::from_millis(self.random.below(40_000));
            }
            39 if self.random.below(40) == 0 => self.processes[chosen] = self.process(),
            39 if self.random.below(40) == 0 => {
                let moment = self.processes[chosen].moment(now);
                self.processes[chosen].election.handle_release(moment);
                self.turn(chosen);
            }
            _ => {}
        }
    }

    /// The process is awake; one that has given up is followed by a new one, as a restart would.
    fn turn(&mut self, place: usize) {
        self.processes[place].turn(self.now);
        if self.processes[place].election.poll_timeout().is_none() {
            self.processes[place] = self.process();
        }
    }

    /// One of the requests on the wire reaches the server, in whatever order.
    fn deliver(&mut self, chosen: usize) {
        let process = &mut self.processes[chosen];
        if process.to_server.is_empty() {
            return;
        }
        let place = self.random.below(process.to_server.len() as u64) as usize;
        let (serial, action) = process.to_server.remove(place);
        let answer = self.server.answer(action);
        process.to_process.push((serial, answer));
    }

    /// One of the answers on the wire arrives; those to requests that were given up say nothing to anybody.
    fn receive(&mut self, chosen: usize) {
        let now = self.now;
        let process = &mut self.processes[chosen];
        let Some((serial, answer)) = process.to_process.pop() else { return };
        let moment = process.moment(now);
        process.election.handle_timeout(moment);
        if serial == process.serial && process.election.is_waiting() {
            process.election.handle_answer(moment, answer);
        }
    }

    fn leaders(&self) -> Vec<usize> {
        let leads = |process: &Process| process.election.is_leading(process.moment(self.now));
        (0..self.processes.len()).filter(|place| leads(&self.processes[*place])).collect()
    }

    /// Nothing is late, lost or still any more: how long until somebody leads.
    fn settle(&mut self) -> Duration {
        let (start, limit) = (self.now, seconds(60));
        for process in &mut self.processes {
            process.still_until = Duration::ZERO;
            process.to_server.clear();
        }
        while self.leaders().is_empty() && self.now < start + limit {
            self.now += Duration::from_millis(100);
            for place in 0..self.processes.len() {
                self.turn(place);
                // With nothing in the way a turn is a get and an update, or two of each when another was first.
                for _ in 0..MOST_EXCHANGES {
                    if self.processes[place].to_server.is_empty() {
                        break;
                    }
                    self.deliver(place);
                    self.receive(place);
                    self.turn(place);
                }
                assert!(self.processes[place].to_server.is_empty(), "a candidate asks without end");
            }
        }
        self.now - start
    }
}

fn play(seed: u64, operations: u32) -> u64 {
    let mut world = World::new(seed);
    let (mut last, mut changes) = (None, 0);
    for step in 0..operations {
        world.step();
        let leaders = world.leaders();
        assert!(leaders.len() <= 1, "seed {seed}, step {step}: {leaders:?} lead at once");
        if let Some(leader) = leaders.first()
            && last.replace(*leader) != Some(*leader)
        {
            changes += 1;
        }
    }
    // The lease as a candidate may just have seen it, a request under way that is given up, and a retry.
    let most = seconds(15 + 5 + 5);
    let settled = world.settle();
    assert!(settled <= most, "seed {seed}: nobody led for {settled:?} with nothing in the way");
    changes
}

#[test]
fn a_million_operations_never_see_two_leaders() {
    const RUNS: u64 = 100;
    println!("seeds 0..{RUNS}, 10,000 operations each");
    let changes: u64 = (0..RUNS).map(|seed| play(seed, 10_000)).sum();
    println!("{changes} changes of leader");
    assert!(changes > 400, "only {changes} changes: the operations try nothing");
}
