//! The contract of a transport (`portolan::transport`), clause by clause, for any transport on any target.
//!
//! A [`Subject`] says how to reach the situations the clauses need: by [`peer::AtPeer`], a scripted peer on a socket, or by
//! [`api_server::AtApiServer`]. For every clause there is a [`broken`] transport that breaks it and nothing else, and must be found out.

pub mod api_server;
pub mod broken;
mod clauses;
pub mod peer;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::{Either, select};
use http::Request;
use portolan::TransportErrorKind;
use portolan::portable::{BoxFuture, MaybeSend, MaybeSync};
use portolan::time::Runtime;
use portolan::transport::{Body, Transport};

pub use clauses::CLAUSES;

/// A situation a clause needs a peer to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Situation {
    /// A body with [`MARKS`] in order, cut into pieces anywhere.
    Marks,
    /// A head at once and a body that begins only when [`Subject::release`] is called, and then never ends.
    Stall,
    /// Not even a head, ever.
    Silence,
    /// A body without end, as fast as it is taken.
    Pressure,
    /// A body that breaks off after "begun".
    Cut,
    /// The same, where nothing but the missing end tells: no length is told, and HTTP/2 is reset without an error.
    CutQuietly,
    /// An answer that points to [`Situation::Landed`].
    Redirect,
    /// Where the redirect points: an exchange of its own.
    Landed,
    /// An answer of status 404.
    Missing,
    /// An answer that is not HTTP.
    Garbage,
    /// Nobody listens.
    Refused,
    /// The request's body comes back as the answer's.
    Upload,
    /// A WebSocket whose messages are [`MARKS`], one each, and that then stays open.
    SocketMarks,
    /// A WebSocket that returns every message.
    SocketEcho,
    /// A WebSocket that sends one message and closes cleanly.
    SocketClose,
    /// A WebSocket that sends one message and breaks.
    SocketBreak,
    /// A WebSocket refused with status 403 and a Status.
    SocketForbidden,
}

/// How many marks [`Situation::Marks`] and [`Situation::SocketMarks`] hold.
pub const MARKS: usize = 200;

/// The mark of this number: a text no other mark is part of.
pub fn mark(number: usize) -> String {
    format!("mark-{number:04}-")
}

/// What the peer knows of an exchange.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// It has begun.
    pub begun: bool,
    /// It has ended, by whichever side.
    pub ended: bool,
    /// How many bytes of its body the peer has got rid of.
    pub sent: u64,
}

/// A transport under test, and the way to each situation.
#[cfg_attr(not(target_family = "wasm"), async_trait)]
#[cfg_attr(target_family = "wasm", async_trait(?Send))]
pub trait Subject: fmt::Debug + MaybeSend + MaybeSync {
    /// The transport under test.
    fn transport(&self) -> &dyn Transport;

    /// Time and tasks.
    fn runtime(&self) -> &Runtime;

    /// The request that leads to `situation`; `None` when there can be none with this transport. Exchanges are told
    /// apart by `exchange`, a name without special characters.
    fn request(&self, situation: Situation, exchange: &str) -> Option<Request<()>>;

    /// Lets the body of [`Situation::Stall`] begin.
    async fn release(&self, exchange: &str);

    /// What the peer knows of an exchange, `None` when it cannot be asked.
    async fn seen(&self, exchange: &str) -> Option<Seen>;

    /// The kinds of error that are right in a situation; the default is the contract's. A browser tells less.
    fn right_kinds(&self, situation: Situation) -> &'static [TransportErrorKind] {
        contract_kinds(situation)
    }

    /// Whether a refused WebSocket handshake tells its status.
    fn tells_socket_status(&self) -> bool {
        true
    }

    /// Whether a request's body can be a stream.
    fn streams_requests(&self) -> bool {
        true
    }

    /// How long to wait for what must come before calling it missing.
    fn patience(&self) -> Duration {
        Duration::from_secs(20)
    }
}

/// The kind of error the contract wants in a situation.
pub fn contract_kinds(situation: Situation) -> &'static [TransportErrorKind] {
    match situation {
        Situation::Refused => &[TransportErrorKind::Connect],
        Situation::Garbage => &[TransportErrorKind::Protocol],
        _ => &[TransportErrorKind::Interrupted],
    }
}

/// One clause of the contract.
#[derive(Clone, Copy)]
pub struct Clause {
    /// What must hold.
    pub name: &'static str,
    check: for<'a> fn(&'a dyn Subject) -> BoxFuture<'a, Outcome>,
}

impl fmt::Debug for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clause({})", self.name)
    }
}

impl Clause {
    /// Tries it on `subject`. A clause that waits longer than the subject's patience is broken.
    pub async fn check(&self, subject: &dyn Subject) -> Outcome {
        let patience = subject.runtime().sleep(subject.patience());
        match select((self.check)(subject), patience).await {
            Either::Left((outcome, _)) => outcome,
            Either::Right(_) => Outcome::Broken(format!("nothing came within {:?}", subject.patience())),
        }
    }
}

/// What became of a clause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It holds.
    Holds,
    /// It is broken: how.
    Broken(String),
    /// The transport cannot get into the situation.
    NotApplicable,
}

/// Tries every clause in turn.
pub async fn run(subject: &dyn Subject) -> Vec<(&'static str, Outcome)> {
    let mut outcomes = Vec::new();
    for clause in CLAUSES {
        outcomes.push((clause.name, clause.check(subject).await));
    }
    outcomes
}

/// A request with `body` in the place of none.
pub(crate) fn with_body(request: Request<()>, body: Body) -> Request<Body> {
    request.map(|()| body)
}
