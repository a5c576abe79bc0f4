//! [`Election`]: what to ask of the Lease and when, and whether this candidate leads. Pure.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};

use super::record;
use crate::error::Error;
use crate::policy::Random;
use crate::time::Instant;

/// How candidates wait: up to 1.2 times the retry period longer, at random. client-go's `JitterFactor`.
const JITTER: f64 = 1.2;

/// Who competes for what, and how patiently. client-go's `LeaderElectionConfig`.
#[derive(Clone, Debug, PartialEq)]
pub struct ElectionOptions {
    /// The namespace of the Lease.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The name of this candidate: no two processes may have the same, nor one after its restart.
    pub identity: String,
    /// How long others wait for a sign of life before they take over. 15 s by default.
    pub lease_duration: Duration,
    /// How long after its last renewal the leader goes on. 10 s by default.
    pub renew_deadline: Duration,
    /// How often the leader renews, and how long to wait after a failure. 2 s by default.
    pub retry_period: Duration,
    /// Whether the leader gives the Lease up when it ends of its own will, so that the next need not wait. By default it
    /// does. What the Lease guards must have ended by then.
    pub release_on_cancel: bool,
    /// Labels that the Lease gets when it is held.
    pub labels: BTreeMap<String, String>,
    /// Leaves the choice among the candidates to the control plane: this one then renews a Lease that was given to it, and
    /// takes none. By default none. client-go's `Coordinated`, with its `LeaseCandidate`.
    pub coordinated: Option<Coordinated>,
}

/// What the control plane chooses a leader by, where Kubernetes' feature gate `CoordinatedLeaderElection` is on and
/// `coordination.k8s.io/v1beta1` is served. The identity of the candidate is then the name of its `LeaseCandidate`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coordinated {
    /// The version of this program, such as `1.36.0`.
    pub binary_version: String,
    /// The version it behaves as, no later than its own; "" where the strategy asks for none.
    pub emulation_version: String,
    /// How to choose.
    pub strategy: String,
}

impl Coordinated {
    /// A program that behaves as the version it is, where the lowest version is to lead (`OldestEmulationVersion`).
    pub fn new(version: &str) -> Self {
        Self {
            binary_version: version.to_owned(),
            emulation_version: version.to_owned(),
            strategy: "OldestEmulationVersion".to_owned(),
        }
    }
}

impl ElectionOptions {
    /// The defaults for a Lease and a candidate.
    pub fn new(namespace: &str, name: &str, identity: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            identity: identity.to_owned(),
            lease_duration: Duration::from_secs(15),
            renew_deadline: Duration::from_secs(10),
            retry_period: Duration::from_secs(2),
            release_on_cancel: true,
            labels: BTreeMap::new(),
            coordinated: None,
        }
    }

    fn check(&self) -> Result<(), Error> {
        let wrong = if self.identity.is_empty() {
            "the identity is empty: give each process its own"
        } else if self.name.is_empty() || self.namespace.is_empty() {
            "the Lease has no name or namespace"
        } else if self.retry_period.is_zero() {
            "retry_period must be greater than zero"
        } else if self.lease_duration <= self.renew_deadline {
            "lease_duration must be greater than renew_deadline"
        } else if self.renew_deadline <= self.retry_period.mul_f64(JITTER) {
            "renew_deadline must be greater than 1.2 times retry_period"
        } else {
            return Ok(());
        };
        Err(Error::config(format!("leader election for {}: {wrong}", self.name)))
    }
}

/// One moment by two clocks: the wall clock runs on while a machine sleeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// By the monotonic clock.
    pub monotonic: Instant,
    /// By the wall clock, since the Unix epoch.
    pub unix: Duration,
}

impl Moment {
    /// Whether `duration` has passed since `earlier`, by either clock.
    pub fn is_past(self, earlier: Moment, duration: Duration) -> bool {
        self.monotonic.saturating_duration_since(earlier.monotonic) >= duration
            || self.unix.saturating_sub(earlier.unix) >= duration
    }
}

/// What to ask of the server; the answer goes to [`Election::handle_answer`].
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Read the Lease.
    Get,
    /// Create it like this.
    Create(Box<Lease>),
    /// Put this in its place; the server refuses if it has changed meanwhile.
    Update(Box<Lease>),
}

/// What has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ElectionEvent {
    /// This candidate leads from now on. client-go's `OnStartedLeading`.
    StartedLeading,
    /// It no longer does, and why. client-go's `OnStoppedLeading`.
    StoppedLeading(&'static str),
    /// Somebody holds the Lease who did not before; "" when nobody does. client-go's `OnNewLeader`.
    NewLeader(String),
    /// The Lease is given up, or as good as: [`Election::handle_release`] is through.
    Released,
    /// A request failed, and not because another candidate was faster. It goes on.
    Failed(String),
}

/// One candidate. client-go's `LeaderElector`.
#[derive(Debug)]
pub struct Election {
    options: ElectionOptions,
    random: Random,
    /// The Lease as last seen or written, and when it was first seen to say what it says.
    observed: Option<(Lease, Instant)>,
    /// How this candidate last asked to hold it, answered or not.
    sent: Option<LeaseSpec>,
    reported: Option<String>,
    /// When the last successful renewal was sent, while this leads.
    leading_since: Option<Moment>,
    /// Since when it gives the Lease up.
    releasing: Option<Instant>,
    finished: bool,
    /// What to ask next, when it does not begin anew.
    next: Option<Action>,
    request: Option<Sent>,
    next_try: Instant,
    events: VecDeque<ElectionEvent>,
}

#[derive(Debug)]
struct Sent {
    at: Moment,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Get,
    Create,
    /// An update of what was last seen; if it fails, look first. client-go's fast path.
    Blind,
    Update,
}

impl Election {
    /// A candidate that begins at once.
    ///
    /// # Errors
    /// `Config`, when the options make no sense; the text says which and why.
    pub fn new(options: ElectionOptions, seed: u64) -> Result<Self, Error> {
        options.check()?;
        Ok(Self {
            options,
            random: Random::new(seed),
            observed: None,
            sent: None,
            reported: None,
            leading_since: None,
            releasing: None,
            finished: false,
            next: None,
            request: None,
            next_try: Instant::default(),
            events: VecDeque::new(),
        })
    }

    /// What to ask now. One request at a time; if [`Self::is_waiting`] turns false, drop the one under way.
    pub fn poll_action(&mut self, now: Moment) -> Option<Action> {
        if self.request.is_some() || self.finished {
            return None;
        }
        // What follows from an answer goes out at once, unless that answer was a failure.
        let (action, blind) = match self.next.take() {
            Some(action) => (action, false),
            None if now.monotonic < self.next_try => return None,
            None => (self.begin(now), true),
        };
        let kind = match &action {
            Action::Get => Kind::Get,
            Action::Create(_) => Kind::Create,
            Action::Update(_) if blind => Kind::Blind,
            Action::Update(_) => Kind::Update,
        };
        if self.releasing.is_none()
            && let Action::Create(lease) | Action::Update(lease) = &action
        {
            self.sent.clone_from(&lease.spec);
        }
        self.request = Some(Sent { at: now, kind });
        Some(action)
    }

    /// The answer to the request under way: the Lease as read or written.
    pub fn handle_answer(&mut self, now: Moment, answer: Result<Lease, Error>) {
        let Some(Sent { at, kind }) = self.request.take() else { return };
        if let Err(error) = &answer {
            self.tell(kind, error);
        }
        match (kind, answer) {
            (Kind::Get, Ok(lease)) => self.handle_read(now, lease),
            (Kind::Get, Err(error)) if error.is_not_found() => self.handle_missing(now),
            (Kind::Get, Err(_)) | (Kind::Create, Err(_)) => self.fail(now),
            (Kind::Blind, Err(_)) => self.next = Some(Action::Get),
            (Kind::Update, Err(error)) if self.releasing.is_some() && error.is_conflict() => {
                self.next = Some(Action::Get);
            }
            (Kind::Update, Err(_)) => self.fail(now),
            (_, Ok(lease)) => self.handle_written(now, at, lease),
        }
        self.handle_timeout(now);
    }

    /// Time has passed: ends a leadership that was not renewed, gives up requests that take too long.
    pub fn handle_timeout(&mut self, now: Moment) {
        if self.leading_since.is_some() && !self.is_leading(now) {
            self.stop("it was not renewed in time");
        }
        let patience = self.request_patience();
        if self.request.as_ref().is_some_and(|sent| now.is_past(sent.at, patience)) {
            self.request = None;
            self.events.push_back(ElectionEvent::Failed(format!("no answer within {patience:?}")));
            self.fail(now);
        }
        let deadline = self.options.renew_deadline;
        if self.releasing.is_some_and(|since| now.monotonic >= since + deadline) {
            self.finish();
        }
    }

    /// Ends of its own will: it no longer leads, and the Lease is given up if it is held, and as this candidate wrote it:
    /// what another run under the same name wrote is not this one's to give. client-go's `release`.
    pub fn handle_release(&mut self, now: Moment) {
        self.request = None;
        self.stop("it was given up");
        let own = self.observed.as_ref().is_some_and(|(lease, _)| self.is_own(lease));
        if own {
            self.releasing = Some(now.monotonic);
            self.next = Some(Action::Get);
        } else {
            self.finish();
        }
    }

    /// What has happened, in order.
    pub fn poll_event(&mut self) -> Option<ElectionEvent> {
        self.events.pop_front()
    }

    /// When to call [`Self::handle_timeout`] or [`Self::poll_action`] next.
    pub fn poll_timeout(&self) -> Option<(Instant, &'static str)> {
        if self.finished {
            return None;
        }
        let deadline = self.options.renew_deadline;
        let leading = self.leading_since.map(|since| (since.monotonic + deadline, "renew deadline"));
        let asking = match &self.request {
            Some(sent) => Some((sent.at.monotonic + self.request_patience(), "request timeout")),
            None => Some((self.next_try, "retry")),
        };
        let releasing = self.releasing.map(|since| (since + deadline, "release deadline"));
        [leading, asking, releasing].into_iter().flatten().min()
    }

    /// Whether this candidate leads at `now`: true at most until `renew_deadline` after its last renewal was sent.
    pub fn is_leading(&self, now: Moment) -> bool {
        self.leading_since.is_some_and(|since| !now.is_past(since, self.options.renew_deadline))
    }

    /// When the renewal was sent on which the present leadership rests.
    pub fn renewed(&self) -> Option<Moment> {
        self.leading_since
    }

    /// Whether a request is under way whose answer matters.
    pub fn is_waiting(&self) -> bool {
        self.request.is_some()
    }

    /// Who holds the Lease, as far as is known. client-go's `GetLeader`.
    pub fn leader(&self) -> Option<&str> {
        self.observed.as_ref().map(|(lease, _)| record::holder(lease)).filter(|holder| !holder.is_empty())
    }

    /// The options.
    pub fn options(&self) -> &ElectionOptions {
        &self.options
    }

    fn begin(&self, now: Moment) -> Action {
        match &self.observed {
            // Where another decides, his decision is looked at each time.
            Some((lease, _))
                if self.releasing.is_none()
                    && self.options.coordinated.is_none()
                    && self.is_own(lease)
                    && !self.has_lapsed(now.monotonic) =>
            {
                Action::Update(Box::new(record::held(&self.options, Some(lease), now.unix)))
            }
            _ => Action::Get,
        }
    }

    fn handle_read(&mut self, now: Moment, lease: Lease) {
        let own = self.is_own(&lease);
        let known = self.observed.as_ref().and_then(|(before, _)| before.spec.as_ref());
        let unchanged = [known, self.sent.as_ref()].contains(&lease.spec.as_ref());
        self.observe(now.monotonic, lease);
        let Some((lease, _)) = &self.observed else { return };
        let lapsed = self.has_lapsed(now.monotonic);
        let may_hold = match self.options.coordinated {
            None => record::holder(lease).is_empty() || own || lapsed,
            Some(_) => own && !lapsed && !record::ends_term(lease),
        };
        if self.releasing.is_some() {
            if own && unchanged {
                self.next = Some(Action::Update(Box::new(record::released(lease, now.unix))));
            } else {
                self.finish();
            }
        } else if may_hold {
            self.next = Some(Action::Update(Box::new(record::held(&self.options, Some(lease), now.unix))));
        } else {
            self.stop(if own { "its term has ended" } else { "another holds the lease" });
            self.fail(now);
        }
    }

    fn handle_missing(&mut self, now: Moment) {
        if self.releasing.is_some() {
            self.finish();
        } else if self.options.coordinated.is_some() {
            self.stop("nobody holds the lease");
            self.fail(now);
        } else {
            self.next = Some(Action::Create(Box::new(record::held(&self.options, None, now.unix))));
        }
    }

    fn handle_written(&mut self, now: Moment, sent: Moment, lease: Lease) {
        self.observe(now.monotonic, lease);
        if self.releasing.is_some() {
            self.finish();
            return;
        }
        self.next_try = now.monotonic + self.options.retry_period;
        if now.is_past(sent, self.options.renew_deadline) {
            // The answer comes too late to lead by it: renew at once.
            self.next_try = now.monotonic;
        } else if self.leading_since.replace(sent).is_none() {
            self.events.push_back(ElectionEvent::StartedLeading);
        }
    }

    /// Remembers what the Lease says, and since when: only a change of what it says is a sign of life.
    fn observe(&mut self, now: Instant, lease: Lease) {
        let since = match &self.observed {
            Some((before, since)) if before.spec == lease.spec => *since,
            _ => now,
        };
        let holder = record::holder(&lease).to_owned();
        self.observed = Some((lease, since));
        if self.reported.as_deref() != Some(&holder) {
            self.reported = Some(holder.clone());
            self.events.push_back(ElectionEvent::NewLeader(holder));
        }
    }

    /// Says that a request failed, unless by what is part of the game.
    fn tell(&mut self, kind: Kind, error: &Error) {
        let is_missing = kind == Kind::Get && error.is_not_found();
        if !is_missing && !error.is_conflict() && !error.is_already_exists() {
            self.events.push_back(ElectionEvent::Failed(error.to_string()));
        }
    }

    /// Nothing came of it: tries again after a while, or when the lease of another ends.
    fn fail(&mut self, now: Moment) {
        self.next = None;
        let retry = self.options.retry_period;
        let jitter = if self.leading_since.is_some() { 0.0 } else { JITTER * self.random.fraction() };
        let later = now.monotonic + retry + retry.mul_f64(jitter);
        let lapse = self.lapse().filter(|lapse| *lapse > now.monotonic);
        self.next_try = lapse.map_or(later, |lapse| lapse.min(later));
    }

    fn stop(&mut self, why: &'static str) {
        if self.leading_since.take().is_some() {
            self.events.push_back(ElectionEvent::StoppedLeading(why));
        }
    }

    fn finish(&mut self) {
        self.finished = true;
        self.request = None;
        self.next = None;
        self.events.push_back(ElectionEvent::Released);
    }

    fn is_own(&self, lease: &Lease) -> bool {
        record::holder(lease) == self.options.identity
    }

    /// When the observed lease ends, if its holder gives no further sign of life.
    fn lapse(&self) -> Option<Instant> {
        let (lease, since) = self.observed.as_ref()?;
        (!record::holder(lease).is_empty()).then(|| *since + record::duration(lease))
    }

    fn has_lapsed(&self, now: Instant) -> bool {
        self.lapse().is_none_or(|lapse| lapse <= now)
    }

    fn request_patience(&self) -> Duration {
        self.options.renew_deadline / 2
    }
}

#[cfg(test)]
mod tests;
