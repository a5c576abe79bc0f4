//! What a guest knows of the world: what its host told it, and what it is going to say.
//!
//! Invariant: no waker is woken and no future polled while the state is locked, so natively no turn can deadlock.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use portolan::portable::BoxFuture;
use portolan::time::{Clock, Instant, Spawn};

use crate::wire::{Command, Event, ExchangeId, Moment};

/// Time, tasks and exchanges of one guest. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct World(Arc<Mutex<State>>);

#[derive(Default)]
pub(crate) struct State {
    moment: Moment,
    pub(crate) commands: Vec<Command>,
    pub(crate) exchanges: BTreeMap<ExchangeId, Inbox>,
    spawned: Vec<BoxFuture<'static, ()>>,
    /// By the moment, and then by the order in which they went to sleep.
    sleepers: BTreeMap<(Instant, u64), Waker>,
    /// Those who let others go first: they go on in the next turn.
    yielded: Vec<Waker>,
    last_sleeper: u64,
    last_exchange: ExchangeId,
}

/// What has come of one exchange and was not yet fetched.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    /// Head, piece, end or failure, in order: two at most, for pieces come when asked for.
    pub(crate) arrived: VecDeque<Event>,
    /// A piece was asked for and has not come.
    pub(crate) asked: bool,
    /// A piece was given and not yet taken.
    pub(crate) owed: bool,
    pub(crate) reader: Option<Waker>,
    pub(crate) writer: Option<Waker>,
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("World")
    }
}

impl World {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a turn: time goes on, events reach whoever awaits them, and sleepers wake.
    pub(crate) fn begin(&self, moment: Moment, events: impl IntoIterator<Item = Event>) {
        let mut state = self.state();
        state.moment = Moment { monotonic: moment.monotonic.max(state.moment.monotonic), ..moment };
        let mut woken = std::mem::take(&mut state.yielded);
        woken.extend(events.into_iter().filter_map(|event| state.deliver(event)));
        let now = state.now();
        while let Some(entry) = state.sleepers.first_entry().filter(|entry| entry.key().0 <= now) {
            woken.push(entry.remove());
        }
        drop(state);
        woken.into_iter().for_each(Waker::wake);
    }

    /// Ends a turn: when the next is wanted, and what is to be done meanwhile.
    pub(crate) fn end(&self) -> (Option<u64>, Vec<Command>) {
        let mut state = self.state();
        let wake = match state.yielded.is_empty() {
            false => Some(state.moment.monotonic),
            true => state.sleepers.first_key_value().map(|((at, _), _)| nanoseconds(at.since_origin())),
        };
        (wake, std::mem::take(&mut state.commands))
    }

    /// The tasks started since this was last asked.
    pub(crate) fn take_spawned(&self) -> Vec<BoxFuture<'static, ()>> {
        std::mem::take(&mut self.state().spawned)
    }

    pub(crate) fn has_no_spawned(&self) -> bool {
        self.state().spawned.is_empty()
    }

    pub(crate) fn say(&self, command: Command) {
        self.state().commands.push(command);
    }

    /// The number of a new exchange.
    pub(crate) fn open(&self) -> ExchangeId {
        let mut state = self.state();
        // Ever greater, as the host demands; more than 2³² exchanges no guest lives to see.
        state.last_exchange += 1;
        let id = state.last_exchange;
        state.exchanges.insert(id, Inbox::default());
        id
    }
}

impl State {
    fn now(&self) -> Instant {
        Instant::from_origin(Duration::from_nanos(self.moment.monotonic))
    }

    /// Puts an event into its exchange's inbox; of an exchange that was dropped nothing is wanted any more.
    fn deliver(&mut self, event: Event) -> Option<Waker> {
        let id = match &event {
            Event::Start { .. } => return None,
            Event::Head { id, .. } | Event::Opened { id, .. } => *id,
            Event::Piece(id, _) | Event::End(id) | Event::Failed(id, _) | Event::Taken(id) => *id,
        };
        let inbox = self.exchanges.get_mut(&id)?;
        if matches!(event, Event::Taken(_)) {
            inbox.owed = false;
            return inbox.writer.take();
        }
        inbox.asked = false;
        inbox.arrived.push_back(event);
        inbox.reader.take()
    }
}

impl Clock for World {
    fn now(&self) -> Instant {
        self.state().now()
    }

    fn unix_time(&self) -> Duration {
        Duration::from_nanos(self.state().moment.unix)
    }

    fn sleep_until(&self, at: Instant) -> BoxFuture<'static, ()> {
        let mut state = self.state();
        state.last_sleeper += 1;
        Box::pin(Sleep { world: self.clone(), key: (at, state.last_sleeper) })
    }
}

impl Spawn for World {
    fn spawn(&self, _name: &'static str, task: BoxFuture<'static, ()>) {
        self.state().spawned.push(task);
    }

    /// Resolves in the next turn, which is asked for at once: a host may draw, or serve another guest, in between.
    fn yield_now(&self) -> BoxFuture<'static, ()> {
        let world = self.clone();
        let mut yielded = false;
        Box::pin(std::future::poll_fn(move |context| {
            if std::mem::replace(&mut yielded, true) {
                return Poll::Ready(());
            }
            world.state().yielded.push(context.waker().clone());
            Poll::Pending
        }))
    }
}

struct Sleep {
    world: World,
    key: (Instant, u64),
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.world.state();
        if state.now() >= self.key.0 {
            return Poll::Ready(());
        }
        state.sleepers.insert(self.key, context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        let waker = self.world.state().sleepers.remove(&self.key);
        drop(waker); // unlocked
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX - 1)
}
