//! [`LeaderElector`]: carries the election's requests and waits for it.
//!
//! Invariants: the machine is told the time before the guarded work is polled, so work in this task does not go on after
//! the leadership has ended; work elsewhere asks its [`Leadership`], which looks at the clocks itself. Of one elector one
//! driver at a time asks and publishes: the next run begins when the release after the last one is through.

use std::convert::Infallible;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::{Either, select};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::ObjectReference;

use super::candidate::Candidate;
use super::machine::{Action, Election, ElectionEvent, ElectionOptions, Moment};
use crate::client::{Api, Client};
use crate::controller::events::{EventRecorder, Note};
use crate::error::Error;
use crate::meta::{CreateOptions, GetOptions, UpdateOptions};
use crate::portable::{BoxFuture, MaybeSend, MaybeSync, share};
use crate::time::{Instant, Runtime};

/// Competes for a Lease and runs what only its holder may run. client-go's `LeaderElector`.
///
/// ```
/// # use portolan::controller::{ElectionOptions, LeaderElector};
/// # async fn example(client: &portolan::client::Client, unique: &str) -> Result<(), portolan::Error> {
/// let mut elector = LeaderElector::new(client, ElectionOptions::new("kube-system", "my-controller", unique))?;
/// loop {
///     let outcome = elector
///         .run(async |leadership| {
///             // Dropped when the leadership ends. Before an act that must not happen twice, ask again:
///             leadership.check()?;
///             Ok::<_, portolan::Error>(())
///         })
///         .await;
///     match outcome {
///         Ok(done) => return done, // the work came to its end, the Lease is given up
///         Err(lost) => println!("{lost}"), // another may lead now: compete again, or end the process
///     }
/// }
/// # }
/// ```
pub struct LeaderElector {
    api: Api<Lease>,
    options: ElectionOptions,
    shared: Arc<Shared>,
    /// Where the control plane chooses.
    candidate: Option<Candidate>,
    on_new_leader: Option<Box<dyn Listener>>,
    on_error: Option<Box<dyn Listener>>,
    events: Option<EventRecorder>,
}

/// A callback that is told a name, or what went wrong.
trait Listener: MaybeSend + MaybeSync {
    fn call(&self, text: &str);
}

impl<F: Fn(&str) + MaybeSend + MaybeSync> Listener for F {
    fn call(&self, text: &str) {
        self(text);
    }
}

/// Tells whether this process leads. Cheap to clone. For acts outside the task of [`LeaderElector::run`], and for those
/// that must not be done once too often.
#[derive(Clone)]
pub struct Leadership {
    shared: Arc<Shared>,
}

struct Shared {
    runtime: Runtime,
    identity: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// When the renewal was sent on which the leadership rests.
    renewed: Option<Moment>,
    renew_deadline: Duration,
    leader: String,
    /// Resolves when the task that gives the Lease up after a run has ended, however it did.
    release: Option<oneshot::Receiver<Infallible>>,
}

impl LeaderElector {
    /// A candidate for the Lease that `options` name. It does nothing until it is run.
    ///
    /// # Errors
    /// `Config`, when the options make no sense.
    pub fn new(client: &Client, options: ElectionOptions) -> Result<Self, Error> {
        let runtime = client.runtime().clone();
        Election::new(options.clone(), runtime.seed)?;
        let state = State { renew_deadline: options.renew_deadline, ..State::default() };
        let shared = Shared { runtime, identity: options.identity.clone(), state: Mutex::new(state) };
        let api = client.api::<Lease>(&options.namespace);
        let candidate = Candidate::new(client, &options)?;
        let shared = share(shared);
        Ok(Self { api, options, shared, candidate, on_new_leader: None, on_error: None, events: None })
    }

    /// Also calls `callback` whenever somebody else leads, with his identity; "" when nobody does. client-go's
    /// `OnNewLeader`.
    #[must_use]
    pub fn on_new_leader(self, callback: impl Fn(&str) + MaybeSend + MaybeSync + 'static) -> Self {
        Self { on_new_leader: Some(Box::new(callback)), ..self }
    }

    /// Also calls `callback` with what went wrong, each time a request failed: it is tried again, for as long as this runs.
    /// A candidate that may not read its Lease is heard of in no other way. client-go logs it.
    #[must_use]
    pub fn on_error(self, callback: impl Fn(&str) + MaybeSend + MaybeSync + 'static) -> Self {
        Self { on_error: Some(Box::new(callback)), ..self }
    }

    /// Also records events about the Lease when this process becomes leader and when it stops leading. client-go's
    /// `ResourceLockConfig.EventRecorder`.
    #[must_use]
    pub fn with_events(self, recorder: EventRecorder) -> Self {
        Self { events: Some(recorder), ..self }
    }

    /// Whether this process leads now, to ask at any time. client-go's `IsLeader`.
    pub fn leadership(&self) -> Leadership {
        Leadership { shared: self.shared.clone() }
    }

    /// Waits for the Lease, then runs `lead` while it is held. When `lead` ends, the Lease is given up (see
    /// [`ElectionOptions::release_on_cancel`]). When the leadership is lost, `lead` is dropped first and then this fails.
    /// Dropping this future ends the candidacy; a Lease that is held is given up in a task of its own, at the end of which
    /// the next run begins. client-go's `Run`.
    ///
    /// # Errors
    /// `Canceled`, when the leadership was lost before `lead` came to its end.
    pub async fn run<W: Future>(&mut self, lead: impl FnOnce(Leadership) -> W) -> Result<W::Output, Error> {
        let Some(candidate) = &self.candidate else { return self.compete(lead).await };
        let outcome = pin!(self.compete(lead));
        let candidacy = pin!(candidate.stand(|error| self.report_error(error)));
        match select(outcome, candidacy).await {
            Either::Left((outcome, _)) => outcome,
            Either::Right((never, _)) => match never {},
        }
    }

    async fn compete<W: Future>(&self, lead: impl FnOnce(Leadership) -> W) -> Result<W::Output, Error> {
        self.shared.released().await;
        let election = Election::new(self.options.clone(), self.shared.runtime.seed)?;
        let driver = Driver::new(self.api.clone(), self.shared.clone(), election);
        let mut running = Running { driver: Some(driver) };
        loop {
            match running.next().await {
                ElectionEvent::StartedLeading => break,
                ElectionEvent::NewLeader(identity) => self.report(&identity),
                ElectionEvent::Failed(error) => self.report_error(&error),
                ElectionEvent::StoppedLeading(_) | ElectionEvent::Released => {}
            }
        }
        self.record("BecomeLeader", "became leader");
        let outcome = {
            // Declared after the driver: it is gone before the Lease is given up, however this ends.
            let mut work = pin!(lead(self.leadership()));
            loop {
                // The election comes first: when it ends the leadership, the work is not polled again.
                let next = pin!(running.next());
                match select(next, work.as_mut()).await {
                    Either::Left((ElectionEvent::NewLeader(identity), _)) => self.report(&identity),
                    Either::Left((ElectionEvent::StoppedLeading(why), _)) => break Err(why),
                    Either::Left((ElectionEvent::Failed(error), _)) => self.report_error(&error),
                    Either::Left(_) => {}
                    Either::Right((value, _)) => break Ok(value),
                }
            }
        };
        self.record("StopLeading", "stopped leading");
        drop(running);
        self.shared.released().await;
        outcome.map_err(|why| {
            let lease = format!("{}/{}", self.options.namespace, self.options.name);
            Error::canceled(format!("the leadership by Lease {lease} is lost: {why}"))
        })
    }

    fn record(&self, action: &str, what: &str) {
        let Some(events) = &self.events else { return };
        let resource = self.api.api_resource();
        let lease = ObjectReference {
            api_version: Some(resource.api_version()),
            kind: Some(resource.kind.clone().into_owned()),
            namespace: Some(self.options.namespace.clone()),
            name: Some(self.options.name.clone()),
            ..ObjectReference::default()
        };
        let text = format!("{} {what}", self.options.identity);
        events.record(lease, Note::normal("LeaderElection", action, text));
    }

    fn report(&self, identity: &str) {
        if let Some(callback) = &self.on_new_leader {
            callback.call(identity);
        }
    }

    fn report_error(&self, error: &str) {
        if let Some(callback) = &self.on_error {
            callback.call(error);
        }
    }
}

impl fmt::Debug for LeaderElector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeaderElector")
            .field("options", &self.options)
            .field("leader", &self.leadership().leader())
            .finish_non_exhaustive()
    }
}

impl Leadership {
    /// Whether this process leads at this moment, by the clocks: false also while nobody has noticed yet.
    pub fn is_held(&self) -> bool {
        let now = self.shared.now();
        let state = self.shared.lock();
        state.renewed.is_some_and(|renewed| !now.is_past(renewed, state.renew_deadline))
    }

    /// An error unless this process leads at this moment: to ask right before an act.
    ///
    /// # Errors
    /// `Canceled`, when it does not.
    pub fn check(&self) -> Result<(), Error> {
        if self.is_held() {
            return Ok(());
        }
        Err(Error::canceled(format!("{} does not lead (any more): another may", self.shared.identity)))
    }

    /// Who leads, as far as this candidate knows; "" for nobody. client-go's `GetLeader`.
    pub fn leader(&self) -> String {
        self.shared.lock().leader.clone()
    }

    /// When the renewal was sent on which the leadership rests; it ends `renew_deadline` later.
    pub fn renewed(&self) -> Option<Moment> {
        self.shared.lock().renewed
    }
}

impl fmt::Debug for Leadership {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leadership").field("held", &self.is_held()).finish_non_exhaustive()
    }
}

impl Shared {
    fn now(&self) -> Moment {
        Moment { monotonic: self.runtime.clock.now(), unix: self.runtime.clock.unix_time() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Resolves once nothing gives the Lease up any more.
    async fn released(&self) {
        poll_fn(|context| match &mut self.lock().release {
            Some(release) => release.poll_unpin(context).map(drop),
            None => Poll::Ready(()),
        })
        .await;
        self.lock().release = None;
    }
}

/// A driver that gives the Lease up, if the options say so, when it is dropped while it leads.
struct Running {
    driver: Option<Driver>,
}

impl Running {
    async fn next(&mut self) -> ElectionEvent {
        match &mut self.driver {
            Some(driver) => driver.next().await,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Some(driver) = self.driver.take().filter(|driver| driver.election.renewed().is_some()) else {
            return;
        };
        let shared = driver.shared.clone();
        shared.lock().renewed = None;
        if driver.election.options().release_on_cancel {
            let (ended, release) = oneshot::channel();
            shared.lock().release = Some(release);
            let give_up = async move {
                driver.release().await;
                drop(ended);
            };
            shared.runtime.spawner.spawn("leader election", Box::pin(give_up));
        }
    }
}

struct Driver {
    api: Api<Lease>,
    shared: Arc<Shared>,
    election: Election,
    request: Option<BoxFuture<'static, Result<Lease, Error>>>,
    /// Armed for a moment at or before the election's next timeout.
    timer: Option<(Instant, BoxFuture<'static, ()>)>,
}

impl Driver {
    fn new(api: Api<Lease>, shared: Arc<Shared>, election: Election) -> Self {
        Self { api, shared, election, request: None, timer: None }
    }

    /// Drives the election to its next event. Dropping the future loses nothing.
    async fn next(&mut self) -> ElectionEvent {
        poll_fn(|context| {
            loop {
                self.election.handle_timeout(self.shared.now());
                if !self.election.is_waiting() {
                    self.request = None;
                }
                if let Some(event) = self.election.poll_event() {
                    self.publish();
                    return Poll::Ready(event);
                }
                if let Some(action) = self.election.poll_action(self.shared.now()) {
                    let name = &self.election.options().name;
                    self.request = Some(request(&self.api, name, action));
                }
                self.publish();
                if let Some(request) = &mut self.request
                    && let Poll::Ready(answer) = request.as_mut().poll(context)
                {
                    self.request = None;
                    self.election.handle_answer(self.shared.now(), answer);
                    continue;
                }
                self.arm();
                match &mut self.timer {
                    Some((_, sleep)) => std::task::ready!(sleep.as_mut().poll(context)),
                    None => return Poll::Pending,
                }
                self.timer = None;
            }
        })
        .await
    }

    /// Ends of its own will, and gives the Lease up.
    async fn release(mut self) {
        self.request = None;
        self.election.handle_release(self.shared.now());
        self.publish();
        while self.next().await != ElectionEvent::Released {}
    }

    fn publish(&self) {
        let mut state = self.shared.lock();
        state.renewed = self.election.renewed();
        let leader = self.election.leader().unwrap_or_default();
        if state.leader != leader {
            leader.clone_into(&mut state.leader);
        }
    }

    fn arm(&mut self) {
        let next = self.election.poll_timeout().map(|(at, _)| at);
        let armed = self.timer.as_ref().map(|(at, _)| *at);
        if next != armed {
            self.timer = next.map(|at| (at, self.shared.runtime.clock.sleep_until(at)));
        }
    }
}

fn request(api: &Api<Lease>, name: &str, action: Action) -> BoxFuture<'static, Result<Lease, Error>> {
    let (api, name) = (api.clone(), name.to_owned());
    Box::pin(async move {
        match action {
            Action::Get => api.get(&name, &GetOptions::default()).await,
            Action::Create(lease) => api.create(&lease, &CreateOptions::default()).await,
            Action::Update(lease) => api.update(&lease, &UpdateOptions::default()).await,
        }
    })
}
