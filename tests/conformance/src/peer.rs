//! The situations made by the scripted peer (`portolan-peer`), reached through the transport under test; the peer is
//! asked what it has seen through a transport known to be good.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::Request;
use portolan::TransportErrorKind;
use portolan::time::Runtime;
use portolan::transport::{Body, Transport};

use crate::{Seen, Situation, Subject, contract_kinds};

/// A transport under test with the scripted peer at the other end.
#[derive(Debug)]
pub struct AtPeer {
    /// The transport under test.
    pub transport: Arc<dyn Transport>,
    /// The transport that asks the peer.
    pub asking: Arc<dyn Transport>,
    /// Time and tasks.
    pub runtime: Runtime,
    /// The peer's address, as `http://127.0.0.1:1234`.
    pub address: String,
    /// An address where nobody listens.
    pub nobody: String,
    /// How long to wait.
    pub patience: Duration,
    /// What this transport cannot tell or do.
    pub limits: Limits,
}

/// What a transport cannot tell or do by the nature of its surroundings.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// A failed fetch or handshake does not tell why: any kind of failure is right.
    pub tells_no_kinds: bool,
    /// A request's body cannot be a stream.
    pub no_request_streams: bool,
    /// Its exchanges are streams of HTTP/2: no answer can be anything but HTTP, and there are no sockets.
    pub only_http2: bool,
}

fn over_http2(situation: Situation) -> bool {
    !matches!(
        situation,
        Situation::Garbage
            | Situation::SocketMarks
            | Situation::SocketEcho
            | Situation::SocketClose
            | Situation::SocketBreak
            | Situation::SocketForbidden
    )
}

impl AtPeer {
    async fn ask(&self, path: &str) -> Option<serde_json::Value> {
        let request = Request::get(format!("{}{path}", self.address)).body(Body::Empty).ok()?;
        let body = self.asking.send(request).await.ok()?.into_body();
        serde_json::from_slice(&body.collect(1 << 20).await.ok()?).ok()
    }
}

#[cfg_attr(not(target_family = "wasm"), async_trait)]
#[cfg_attr(target_family = "wasm", async_trait(?Send))]
impl Subject for AtPeer {
    fn transport(&self) -> &dyn Transport {
        &*self.transport
    }

    fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    fn request(&self, situation: Situation, exchange: &str) -> Option<Request<()>> {
        if self.limits.only_http2 && !over_http2(situation) {
            return None;
        }
        let path = match situation {
            Situation::Marks => "/marks",
            Situation::Stall => "/stall",
            Situation::Silence => "/silence",
            Situation::Pressure => "/pressure",
            Situation::Cut => "/cut",
            Situation::CutQuietly => "/cut/quietly",
            Situation::Redirect => "/redirect",
            Situation::Landed => "/landed",
            Situation::Missing => "/status/404",
            Situation::Garbage => "/garbage",
            Situation::Refused => return Request::get(format!("{}/", self.nobody)).body(()).ok(),
            Situation::Upload => "/upload",
            Situation::SocketMarks => "/socket/marks",
            Situation::SocketEcho => "/socket/echo",
            Situation::SocketClose => "/socket/close",
            Situation::SocketBreak => "/socket/break",
            Situation::SocketForbidden => "/socket/forbidden",
        };
        Request::get(format!("{}{path}?id={exchange}", self.address)).body(()).ok()
    }

    async fn release(&self, exchange: &str) {
        self.ask(&format!("/release?id={exchange}")).await;
    }

    async fn seen(&self, exchange: &str) -> Option<Seen> {
        let answer = self.ask(&format!("/seen?id={exchange}")).await?;
        Some(Seen {
            begun: answer["begun"].as_bool()?,
            ended: answer["ended"].as_bool()?,
            sent: answer["sent"].as_u64()?,
        })
    }

    fn right_kinds(&self, situation: Situation) -> &'static [TransportErrorKind] {
        if self.limits.tells_no_kinds {
            return &[
                TransportErrorKind::Connect,
                TransportErrorKind::Interrupted,
                TransportErrorKind::Protocol,
            ];
        }
        contract_kinds(situation)
    }

    fn tells_socket_status(&self) -> bool {
        !self.limits.tells_no_kinds
    }

    fn streams_requests(&self) -> bool {
        !self.limits.no_request_streams
    }

    fn patience(&self) -> Duration {
        self.patience
    }
}
