//! [`run`]: a guest's turns, and between them what it asked for.
//!
//! Invariant: nothing a guest says makes the host hold more than the pieces of its open exchanges, of which there are at
//! most as many as allowed.

mod exchange;

use std::fmt;
use std::sync::Arc;

use futures::future::{Either, select};
use http::Uri;
use portolan::config::WatchOver;
use portolan::time::{Instant, Runtime};
use portolan::transport::Transport;
use portolan::{Error, TransportErrorKind};
use portolan_host::wire::{Command, Event, Moment, read_commands, write_events};

use exchange::Exchanges;

/// A guest in some engine. One turn: the host's bytes in, the guest's out. An error ends the guest: it trapped, or used
/// more than it is allowed.
pub trait Module {
    /// Lets the guest have a turn.
    ///
    /// # Errors
    /// When it can have no further one.
    fn turn(&mut self, message: &[u8]) -> Result<Vec<u8>, Error>;
}

impl Module for portolan_host::Guest {
    /// In this process, without an engine: for tests.
    fn turn(&mut self, message: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(portolan_host::Guest::turn(self, message))
    }
}

/// How many commands a guest may give in a turn, the lines it says not counted; one that gives more is broken.
const MOST_COMMANDS: usize = 10_000;

/// How many exchanges a guest may have open unless told otherwise: watches, sockets and requests together.
pub const MAX_EXCHANGES: usize = 64;

type Say = Box<dyn FnMut(&str) + Send>;

/// How a guest is run.
pub struct Options {
    /// Its name, in logs and errors.
    pub name: String,
    /// The API server's address, which its requests are to bear.
    pub server: Uri,
    /// What its watches are to go over. Default: HTTP.
    pub watch_over: WatchOver,
    /// What it is to be told at its start. Default: nothing.
    pub input: Vec<u8>,
    /// How many exchanges it may have open at once; what goes beyond is refused as 429. Default: [`MAX_EXCHANGES`].
    pub max_exchanges: usize,
    /// Where the lines go that it says. Default: a `tracing` event at INFO of the target `portolan::plugin`.
    pub say: Say,
}

impl Options {
    /// The defaults for a guest of this name at this server.
    pub fn new(name: &str, server: Uri) -> Self {
        let plugin = name.to_owned();
        Self {
            name: name.to_owned(),
            server,
            watch_over: WatchOver::default(),
            input: Vec::new(),
            max_exchanges: MAX_EXCHANGES,
            say: Box::new(move |line| tracing::info!(target: "portolan::plugin", plugin, "{line}")),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("name", &self.name)
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

/// Runs a guest to its end. Its requests go over `transport`, which may be [`crate::Restricted`]; time and the seed come
/// from `runtime`. Dropping the future ends the guest and aborts its exchanges. Others have their turn after each of the
/// guest's, but none is interrupted: a guest that computes for long holds up the thread that polls this, as any task would.
///
/// # Errors
/// The guest's own error, and that of a guest that trapped, broke the rules of the border, or waits for nothing.
pub async fn run(
    mut module: impl Module,
    transport: Arc<dyn Transport>,
    runtime: &Runtime,
    mut options: Options,
) -> Result<(), Error> {
    let mut exchanges = Exchanges::new(transport, &options);
    let mut events = vec![Event::Start {
        server: options.server.to_string(),
        watch_over: options.watch_over,
        seed: runtime.seed,
        input: std::mem::take(&mut options.input),
    }];
    loop {
        let answer = module.turn(&write_events(moment(runtime), &events))?;
        let (wake, commands) = read_commands(&answer).map_err(|error| broken(&options.name, &error))?;
        let mut given = 0;
        for command in commands {
            match command.map_err(|error| broken(&options.name, &error))? {
                Command::Say(line) => (options.say)(&line),
                Command::Done(outcome) => return outcome.map_err(|why| failed(&options.name, &why)),
                _ if given == MOST_COMMANDS => {
                    return Err(broken(&options.name, &"it wants too much at once"));
                }
                command => {
                    given += 1;
                    exchanges.carry_out(command).map_err(|why| broken(&options.name, &why))?;
                }
            }
        }
        if wake.is_none() && exchanges.are_none_open() {
            return Err(broken(&options.name, &"it waits, and for nothing the host could bring"));
        }
        // What is answered at once would otherwise leave nobody else a turn, nor a moment to drop this in.
        runtime.spawner.yield_now().await;
        events = until(wake, &mut exchanges, runtime).await;
    }
}

/// What happens next, and what has happened with it; nothing when the guest's moment has come.
async fn until(wake: Option<u64>, exchanges: &mut Exchanges, runtime: &Runtime) -> Vec<Event> {
    let Some(wake) = wake else { return exchanges.events().await };
    let at = Instant::from_origin(std::time::Duration::from_nanos(wake));
    match select(Box::pin(exchanges.events()), runtime.clock.sleep_until(at)).await {
        Either::Left((events, _)) => events,
        Either::Right(_) => Vec::new(),
    }
}

fn moment(runtime: &Runtime) -> Moment {
    let nanoseconds = |time: std::time::Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    Moment {
        monotonic: nanoseconds(runtime.clock.now().since_origin()),
        unix: nanoseconds(runtime.clock.unix_time()),
    }
}

fn failed(plugin: &str, why: &str) -> Error {
    Error::canceled(format!("the plugin {plugin:?} has failed: {why}"))
}

fn broken(plugin: &str, why: &dyn fmt::Display) -> Error {
    Error::transport(TransportErrorKind::Protocol, format!("the plugin {plugin:?} is broken: {why}"))
}
