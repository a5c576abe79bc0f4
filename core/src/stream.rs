//! What lasts: the logs of a container, commands and terminals in it (exec, attach), connections to its ports.
//!
//! Invariant: nothing runs beside the caller. A stream moves only while it is polled, so whoever does not read holds
//! the server back, and dropping it ends it. The protocols (`channels`, `spdy`) are pure, the rest drives them.
//!
//! Follows client-go 0.37 `tools/remotecommand` (`websocket.go`, `v5.go`, `v4.go`) and `tools/portforward`
//! (`tunneling_dialer.go`). Differs: exec and attach fall back to v4 over the same WebSocket and never to SPDY; each
//! forwarded connection has a WebSocket of its own, which so holds its own peer back alone; and there is no heartbeat.
//!
//! client-go pings every 5 seconds and ends an exec or attach that has brought no pong for 61, though the peer may live: the
//! API server reads pings behind input that the command does not take yet, and a pong waits behind output that we do not
//! read. So whoever pauses for a minute loses the session. Here a session that is merely held back stays. A dead peer of an
//! idle one is found by the connection's own keep-alive (natively within a minute); one that dies while input is on its way
//! by the operating system, which may take it a quarter of an hour. A caller who wants to be told sooner gives its reads a
//! time limit.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::Sink;

use crate::error::Error;
use crate::transport::Message;

pub(crate) mod archive;
mod channels;
mod lines;
mod logs;
mod merged;
mod port;
mod ports;
mod process;
mod spdy;

pub use archive::Archive;
pub use channels::{Output, Protocol, TerminalSize};
pub use lines::{LogLine, LogLines};
pub use logs::{LogOptions, LogSource, Logs, Since};
pub use merged::{ContainerLine, MergedLogs};
pub use port::PortStream;
pub use process::{AttachOptions, Collected, ExecOptions, RemoteInput, RemoteOutput, RemoteProcess};

/// Hands `message` to the connection, waiting until it takes one. It is on its way as far as the connection takes it now;
/// the rest leaves with the next message or a flush.
fn poll_send(
    sink: &mut (impl Sink<Message, Error = Error> + Unpin),
    context: &mut Context<'_>,
    message: Message,
) -> Poll<Result<(), Error>> {
    let mut sink = Pin::new(sink);
    ready!(sink.as_mut().poll_ready(context))?;
    sink.as_mut().start_send(message)?;
    match sink.poll_flush(context) {
        Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
        Poll::Ready(Ok(())) | Poll::Pending => Poll::Ready(Ok(())),
    }
}
