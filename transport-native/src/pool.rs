//! Which connection a request goes over.
//!
//! Invariants: a request goes over no connection that was secured with what has been replaced since; it never waits for
//! another to end, for a full HTTP/2 connection makes a further one open; only one connection at a time is being opened to
//! a server whose protocol is not known to be HTTP/1.1, and all who wait for it share its failure; a connection that is
//! idle for long is closed, whether another request comes or not.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use portolan::{Error, ErrorKind, TransportErrorKind};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::connection::{Http1, Http2, Http2Turn, IDLE_TIMEOUT, StreamHold};
use crate::dial::{Dialer, Protocol, Purpose, Server};
use crate::failure;

/// At most this many idle connections are kept for a server.
const MOST_IDLE: usize = 16;

/// The connections to all servers.
pub(crate) struct Pool {
    dialer: Dialer,
    stations: Mutex<HashMap<Server, Arc<Station>>>,
}

/// The connections to one server.
pub(crate) struct Station {
    pub(crate) server: Server,
    connections: Mutex<Connections>,
    dialing: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Connections {
    /// Of what the connections kept here were secured with.
    epoch: u64,
    speaks_http1: bool,
    http2: Vec<Http2>,
    /// Since when, the longest idle first.
    idle: Vec<(Http1, Instant)>,
    /// Closes those that are idle for long, while there are any.
    closer: Option<JoinHandle<()>>,
    /// How many connections could not be opened for all to share, and why the last could not.
    failures: u64,
    failure: Option<(TransportErrorKind, String)>,
}

/// A connection for one exchange.
pub(crate) enum Lease {
    /// Alone on its connection.
    Http1(Box<Http1>),
    /// One stream among others.
    Http2(Http2Turn),
}

impl Lease {
    /// Whether the server can refuse one request and say that it has not looked at it.
    pub(crate) fn may_turn_away(&self) -> bool {
        matches!(self, Self::Http2(_))
    }
}

/// A lease, and whether the connection has been used before: such a one may turn out to be closed.
pub(crate) struct Leased {
    pub(crate) lease: Lease,
    pub(crate) used: bool,
}

impl Pool {
    pub(crate) fn new(dialer: Dialer) -> Self {
        Self { dialer, stations: Mutex::default() }
    }

    pub(crate) fn station(&self, server: Server) -> Arc<Station> {
        let mut stations = lock(&self.stations);
        let station = stations.entry(server.clone()).or_insert_with(|| {
            Arc::new(Station {
                server,
                connections: Mutex::default(),
                dialing: tokio::sync::Mutex::default(),
            })
        });
        Arc::clone(station)
    }

    /// A connection for one exchange, opened if none is free; an HTTP/1.1 one if `alone`.
    pub(crate) async fn lease(&self, station: &Station, alone: bool) -> Result<Leased, Error> {
        let epoch = self.dialer.epoch().await;
        lock(&station.connections).keep_only(epoch);
        if let Some(lease) = station.free(alone) {
            return Ok(Leased { lease, used: true });
        }
        if alone || lock(&station.connections).speaks_http1 {
            return self.open(station, alone).await;
        }
        let failures = lock(&station.connections).failures;
        let turn = station.dialing.lock().await;
        if let Some(error) = lock(&station.connections).failed_since(failures) {
            return Err(error);
        }
        loop {
            let untold = lock(&station.connections).http2.iter().find_map(Http2::untold);
            if let Some(mut limit) = untold {
                // Resolves when the limit is told and fails when the connection is over: either way look again.
                let _ = limit.changed().await;
            }
            if let Some(lease) = station.free(false) {
                return Ok(Leased { lease, used: true });
            }
            let (speaks_http1, untold) = {
                let connections = lock(&station.connections);
                (connections.speaks_http1, connections.http2.iter().any(|other| other.untold().is_some()))
            };
            if speaks_http1 {
                drop(turn);
                return self.open(station, false).await;
            }
            if !untold {
                let opened = self.open(station, false).await;
                return opened.inspect_err(|error| lock(&station.connections).fail(error));
            }
        }
    }

    /// A new HTTP/1.1 connection for a WebSocket, never pooled.
    pub(crate) async fn open_for_socket(&self, server: &Server) -> Result<Http1, Error> {
        let dialed = self.dialer.dial(server, Purpose::Socket).await?;
        Http1::open(dialed).await.map_err(|error| failure::connecting(server, error))
    }

    async fn open(&self, station: &Station, alone: bool) -> Result<Leased, Error> {
        let purpose = if alone { Purpose::Alone } else { Purpose::Exchanges };
        let dialed = self.dialer.dial(&station.server, purpose).await?;
        let failed = |error| failure::connecting(&station.server, error);
        let lease = match dialed.protocol {
            Protocol::Http1 => {
                lock(&station.connections).speaks_http1 |= !alone;
                Lease::Http1(Box::new(Http1::open(dialed).await.map_err(failed)?))
            }
            Protocol::Http2 => {
                let connection = Http2::open(dialed.io).await.map_err(failed)?;
                let turn = connection.turn();
                lock(&station.connections).add(connection, dialed.epoch);
                Lease::Http2(turn.ok_or_else(|| no_streams(&station.server))?)
            }
        };
        Ok(Leased { lease, used: false })
    }
}

impl Connections {
    /// Forgets the connections of before `epoch`: those in use end with their exchanges.
    fn keep_only(&mut self, epoch: u64) {
        if self.epoch < epoch {
            self.epoch = epoch;
            self.http2.clear();
            self.idle.clear();
        }
    }

    fn fail(&mut self, error: &Error) {
        if let ErrorKind::Transport(kind) = error.kind() {
            self.failures += 1;
            self.failure = Some((*kind, error.to_string()));
        }
    }

    /// Why a connection could not be opened since there were so many `failures`.
    fn failed_since(&self, failures: u64) -> Option<Error> {
        let (kind, text) = self.failure.as_ref().filter(|_| self.failures > failures)?;
        Some(Error::transport(*kind, text.clone()))
    }

    /// Keeps `connection` for others, unless what it was secured with has been replaced while it was opened.
    fn add(&mut self, connection: Http2, epoch: u64) {
        self.keep_only(epoch);
        if self.epoch == epoch {
            self.http2.push(connection);
        }
    }
}

impl Station {
    /// Takes `connection` back after an exchange, if it can carry another.
    pub(crate) fn give_back(self: &Arc<Self>, mut connection: Http1) {
        if !connection.is_ready() {
            return;
        }
        let mut connections = lock(&self.connections);
        if connection.epoch != connections.epoch || connections.idle.len() >= MOST_IDLE {
            return;
        }
        // One that has ended without a word went with its runtime.
        if connections.closer.as_ref().is_none_or(JoinHandle::is_finished) {
            connections.closer = Some(connection.runtime.spawn(close_idle(Arc::downgrade(self))));
        }
        connections.idle.push((connection, Instant::now()));
    }

    /// Closes the connections that have been idle for long; when the next will have been, if there is one.
    fn close_idle(&self) -> Option<Instant> {
        let mut connections = lock(&self.connections);
        let now = Instant::now();
        connections.idle.retain(|(_, since)| now.duration_since(*since) < IDLE_TIMEOUT);
        let next = connections.idle.first().map(|(_, since)| *since + IDLE_TIMEOUT);
        if next.is_none() {
            connections.closer = None;
        }
        next
    }

    /// Forgets a connection that took no further request.
    pub(crate) fn retire(&self, hold: &StreamHold) {
        lock(&self.connections).http2.retain(|connection| !connection.has(hold));
    }

    fn free(&self, alone: bool) -> Option<Lease> {
        let mut connections = lock(&self.connections);
        connections.http2.retain(|connection| !connection.is_closed());
        if !alone {
            let mut settled = connections.http2.iter().filter(|connection| connection.untold().is_none());
            if let Some(turn) = settled.find_map(Http2::turn) {
                return Some(Lease::Http2(turn));
            }
            if !connections.speaks_http1 {
                return None;
            }
        }
        // Also where the runtime stood still, and the task that closes them with it.
        let now = Instant::now();
        while let Some((mut connection, since)) = connections.idle.pop() {
            if now.duration_since(since) < IDLE_TIMEOUT && connection.is_ready() {
                return Some(Lease::Http1(Box::new(connection)));
            }
        }
        None
    }
}

/// Closes a station's connections as they have been idle for long, until none is left.
async fn close_idle(station: Weak<Station>) {
    while let Some(next) = station.upgrade().and_then(|station| station.close_idle()) {
        tokio::time::sleep_until(next).await;
    }
}

fn no_streams(server: &Server) -> Error {
    let text = format!("{server} allows no streams on its connections");
    Error::transport(TransportErrorKind::Protocol, text)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hyper_util::rt::TokioIo;
    use tokio::io::AsyncReadExt;

    use super::*;
    use crate::dial::Dialed;

    #[tokio::test(start_paused = true)]
    async fn an_idle_connection_closes_by_itself() {
        let server = Server { secure: false, host: "localhost".to_owned(), port: 80 };
        let (connections, dialing) = (Mutex::default(), tokio::sync::Mutex::default());
        let station = Arc::new(Station { server, connections, dialing });
        let mut peers = Vec::new();
        for _ in 0..2 {
            let (near, far) = tokio::io::duplex(1 << 16);
            let io = TokioIo::new(Box::new(near) as Box<_>);
            let dialed = Dialed { io, protocol: Protocol::Http1, epoch: 0, forwarded: None };
            station.give_back(Http1::open(dialed).await.unwrap());
            peers.push(far);
            tokio::time::sleep(IDLE_TIMEOUT / 3).await;
        }
        let second = Duration::from_secs(1);
        for far in &mut peers {
            let mut closed = Box::pin(far.read_u8());
            assert!(tokio::time::timeout(IDLE_TIMEOUT / 3 - second, &mut closed).await.is_err(), "too early");
            assert!(tokio::time::timeout(second * 2, closed).await.is_ok(), "it is still open");
        }
        assert!(lock(&station.connections).closer.is_none(), "the task lasts while something is idle");
    }

    #[tokio::test]
    async fn a_connection_of_before_a_change_serves_nobody_else() {
        let mut connections = Connections::default();
        for (epoch, kept) in [(0, 1), (1, 1), (0, 1), (1, 2), (2, 1)] {
            let (near, _far) = tokio::io::duplex(1 << 16);
            let connection = Http2::open(TokioIo::new(Box::new(near))).await.unwrap();
            connections.add(connection, epoch);
            assert_eq!(connections.http2.len(), kept, "after one of epoch {epoch}");
        }
    }
}
