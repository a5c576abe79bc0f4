//! A guest: its tasks, run turn by turn.
//!
//! Invariant: nothing runs outside a turn, and a turn ends when every task waits for something only the host can bring.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures::Stream;
use futures::stream::FuturesUnordered;
use portolan::Error;
use portolan::client::Client;
use portolan::config::{Config, WatchOver};
use portolan::portable::{BoxFuture, MaybeSend};
use portolan::time::Runtime;

use crate::transport::HostTransport;
use crate::wire::{Command, Event, read_events, write_commands};
use crate::world::World;

type Main = Box<dyn FnOnce(Host) -> BoxFuture<'static, Result<(), Error>> + Send>;

/// What the main function of a guest is given: its host.
#[derive(Clone, Debug)]
pub struct Host {
    world: World,
    server: String,
    watch_over: WatchOver,
    seed: u64,
    input: Arc<[u8]>,
}

impl Host {
    /// What the host has to say to this guest: settings, arguments.
    pub fn input(&self) -> &[u8] {
        &self.input
    }

    /// Puts a line into the host's log.
    pub fn say(&self, line: impl Into<String>) {
        self.world.say(Command::Say(line.into()));
    }

    /// The transport whose requests the host sends.
    pub fn transport(&self) -> HostTransport {
        HostTransport::new(self.world.clone())
    }

    /// The host's time, the guest's tasks, and a seed of the host's.
    pub fn runtime(&self) -> Runtime {
        #[cfg_attr(
            target_family = "wasm",
            expect(
                clippy::arc_with_non_send_sync,
                reason = "a runtime holds Arcs on every target; here is one thread"
            )
        )]
        let world = Arc::new(self.world.clone());
        Runtime { clock: world.clone(), spawner: world, seed: self.seed }
    }

    /// The config of the server the host chose. It adds the credentials, and limits the rate if it wishes to.
    ///
    /// # Errors
    /// When the host named no proper address.
    pub fn config(&self) -> Result<Config, Error> {
        Ok(Config {
            watch_over: self.watch_over,
            // The server indents JSON for whoever looks like a browser, as a host's fetch does.
            refuse_indentation: true,
            rate_limit: None,
            ..Config::new(&self.server)?
        })
    }

    /// A client of the API server the host chose.
    ///
    /// # Errors
    /// When the host named no proper address.
    pub fn client(&self) -> Result<Client, Error> {
        #[cfg_attr(
            target_family = "wasm",
            expect(
                clippy::arc_with_non_send_sync,
                reason = "a client holds an Arc on every target; here is one thread"
            )
        )]
        let transport = Arc::new(self.transport());
        Ok(Client::new(transport, self.config()?, self.runtime()))
    }
}

/// A guest that has its turns: what [`crate::guest!`] exports, and what an embedder with calls of its own (Extism's
/// `plugin_fn`: bytes in, bytes out) puts behind them.
pub struct Guest {
    main: Option<Main>,
    world: World,
    tasks: FuturesUnordered<BoxFuture<'static, ()>>,
    woken: Arc<Woken>,
}

impl fmt::Debug for Guest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guest").field("tasks", &self.tasks.len()).finish_non_exhaustive()
    }
}

impl Guest {
    /// A guest that runs `main` once its host starts it. When `main` ends the guest has ended, its other tasks with it.
    pub fn new<F, Running>(main: F) -> Self
    where
        F: FnOnce(Host) -> Running + Send + 'static,
        Running: Future<Output = Result<(), Error>> + MaybeSend + 'static,
    {
        Self {
            main: Some(Box::new(|host| Box::pin(main(host)))),
            world: World::default(),
            tasks: FuturesUnordered::new(),
            woken: Arc::default(),
        }
    }

    /// One turn: `message` is what [`crate::wire::write_events`] wrote, the answer is for
    /// [`crate::wire::read_commands`].
    pub fn turn(&mut self, message: &[u8]) -> Vec<u8> {
        match read_events(message) {
            Ok((moment, events)) => {
                let (start, others): (Vec<_>, Vec<_>) =
                    events.into_iter().partition(|event| matches!(event, Event::Start { .. }));
                self.world.begin(moment, others);
                start.into_iter().for_each(|event| self.start(event));
                self.run();
            }
            Err(malformed) => self.world.say(Command::Done(Err(malformed.to_string()))),
        }
        let (mut wake, mut commands) = self.world.end();
        if let Some(done) = commands.iter().position(|command| matches!(command, Command::Done(_))) {
            commands.truncate(done + 1);
            wake = None;
            self.tasks.clear();
        }
        write_commands(wake, &commands)
    }

    fn start(&mut self, event: Event) {
        let (Event::Start { server, watch_over, seed, input }, Some(main)) = (event, self.main.take()) else {
            return; // it was started already
        };
        let host = Host { world: self.world.clone(), server, watch_over, seed, input: input.into() };
        let world = self.world.clone();
        let running = main(host);
        self.tasks.push(Box::pin(async move {
            let outcome = running.await.map_err(|error| error.to_string());
            world.say(Command::Done(outcome));
        }));
    }

    /// Polls whoever was woken, until nobody is.
    fn run(&mut self) {
        let waker = Waker::from(self.woken.clone());
        let mut context = Context::from_waker(&waker);
        loop {
            self.tasks.extend(self.world.take_spawned());
            self.woken.0.store(false, Ordering::Relaxed);
            if let Poll::Ready(Some(())) = Pin::new(&mut self.tasks).poll_next(&mut context) {
                continue;
            }
            if !self.woken.0.load(Ordering::Relaxed) && self.world.has_no_spawned() {
                return;
            }
        }
    }
}

/// Whether a task was woken since.
#[derive(Debug, Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}
