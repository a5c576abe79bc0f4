//! An HTTP/1.1 connection that nobody drives but the future or body using it, and a shared HTTP/2 connection.
//!
//! Invariant: an HTTP/1.1 exchange needs no task: dropping its future or body closes the connection, and bytes reach the
//! reader without crossing threads. So a hot watch costs no hand-off.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Frame;
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1, http2};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use portolan::Error;
use portolan::transport::Body;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::dial::{Dialed, Forwarded, Io};

/// A request's body as hyper takes it.
pub(crate) struct RequestBody(pub(crate) Body);

impl http_body::Body for RequestBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let chunk = futures::Stream::poll_next(Pin::new(&mut self.get_mut().0), context);
        chunk.map(|chunk| chunk.map(|chunk| chunk.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.0, Body::Empty)
    }

    fn size_hint(&self) -> http_body::SizeHint {
        match &self.0 {
            Body::Empty => http_body::SizeHint::with_exact(0),
            Body::Bytes(bytes) => http_body::SizeHint::with_exact(bytes.len() as u64),
            Body::Stream(_) => http_body::SizeHint::default(),
        }
    }
}

/// An HTTP/1.1 connection, moved from the pool to an exchange and back.
pub(crate) struct Http1 {
    sender: http1::SendRequest<RequestBody>,
    connection: http1::Connection<Io, RequestBody>,
    ended: bool,
    /// The runtime its socket belongs to.
    pub(crate) runtime: Handle,
    /// Of what it was secured with.
    pub(crate) epoch: u64,
    /// Leads to a proxy that takes whole addresses.
    pub(crate) forwarded: Option<Forwarded>,
}

impl Http1 {
    pub(crate) async fn open(dialed: Dialed) -> Result<Self, hyper::Error> {
        let Dialed { io, epoch, forwarded, .. } = dialed;
        let (sender, connection) = http1::handshake(io).await?;
        Ok(Self { sender, connection, ended: false, runtime: Handle::current(), epoch, forwarded })
    }

    /// Sends `request` and resolves at the answer's head. The request is given back when it was not sent.
    pub(crate) async fn send(
        &mut self,
        request: Request<RequestBody>,
    ) -> Result<Response<Incoming>, TrySendError<Request<RequestBody>>> {
        let mut answer = pin!(self.sender.try_send_request(request));
        let (connection, ended) = (&mut self.connection, &mut self.ended);
        futures::future::poll_fn(|context| {
            drive(connection, ended, context);
            answer.as_mut().poll(context)
        })
        .await
    }

    /// Whether another request can go over it: polled without waiting, so that a close by the peer is seen.
    pub(crate) fn is_ready(&mut self) -> bool {
        let mut context = Context::from_waker(std::task::Waker::noop());
        self.drive(&mut context);
        matches!(self.sender.poll_ready(&mut context), Poll::Ready(Ok(()))) && !self.ended
    }

    /// Moves bytes between the socket and the exchange.
    pub(crate) fn drive(&mut self, context: &mut Context<'_>) {
        drive(&mut self.connection, &mut self.ended, context);
    }

    /// The socket and the bytes read but not used, once the peer has switched protocols.
    pub(crate) async fn into_upgraded(self) -> Result<(Io, Bytes), hyper::Error> {
        let parts = if self.ended {
            self.connection.into_parts()
        } else {
            self.connection.without_shutdown().await?
        };
        Ok((parts.io, parts.read_buf))
    }
}

fn drive(connection: &mut http1::Connection<Io, RequestBody>, ended: &mut bool, context: &mut Context<'_>) {
    // A failure reaches the exchange by its answer or body; here it only means that the connection is over.
    if !*ended && connection.poll_without_shutdown(context).is_ready() {
        *ended = true;
    }
}

/// What the limit of streams reads as until the peer has told its own.
const UNTOLD: usize = 1 << 20;
/// Never more streams than this on one connection, whatever the peer allows: what one lost connection may cost.
const MOST_STREAMS: usize = 100;
/// One stream's share of unread bytes; the connection has room for all its streams', so that none holds up another.
const STREAM_WINDOW: u32 = 1 << 20;
/// A connection without traffic is probed after this long: client-go's `ReadIdleTimeout`.
const PING_AFTER: Duration = Duration::from_secs(30);
/// and given up after this long without an answer: client-go's `PingTimeout`.
const PING_TIMEOUT: Duration = Duration::from_secs(15);

/// A connection that is idle for so long is closed: client-go's `IdleConnTimeout`.
pub(crate) const IDLE_TIMEOUT: Duration = Duration::from_secs(90);

/// How often to look whether the peer has told its limit, which it does first of all.
const LOOK_AGAIN: Duration = Duration::from_millis(1);
/// and for how long: what says nothing until then allows as many as any. Go waits for none and takes the same number.
const LOOK_FOR: Duration = Duration::from_secs(5);

/// A shared HTTP/2 connection, driven by a task of its own.
pub(crate) struct Http2 {
    sender: http2::SendRequest<RequestBody>,
    streams: Arc<Streams>,
    limit: watch::Receiver<usize>,
}

/// The open streams of a connection.
struct Streams(Mutex<(usize, Instant)>);

impl Streams {
    /// How many there are, and since when there are as many.
    fn state(&self) -> MutexGuard<'_, (usize, Instant)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that one begins, if there are fewer than `most`.
    fn begin(self: &Arc<Self>, most: usize) -> Option<StreamHold> {
        let mut state = self.state();
        (state.0 < most).then(|| {
            *state = (state.0 + 1, Instant::now());
            StreamHold(Arc::clone(self))
        })
    }

    /// When the connection will have been idle for so long that it closes, should it stay so.
    fn closes_at(&self) -> Instant {
        let (open, since) = *self.state();
        let idle_since = if open == 0 { since } else { Instant::now() };
        idle_since + IDLE_TIMEOUT
    }
}

/// One open stream, for as long as it lives.
pub(crate) struct StreamHold(Arc<Streams>);

impl Drop for StreamHold {
    fn drop(&mut self) {
        let mut state = self.0.state();
        *state = (state.0 - 1, Instant::now());
    }
}

/// The right to one exchange over a shared connection.
pub(crate) struct Http2Turn {
    sender: http2::SendRequest<RequestBody>,
    pub(crate) hold: StreamHold,
}

impl Http2 {
    pub(crate) async fn open(io: Io) -> Result<Self, hyper::Error> {
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .keep_alive_interval(PING_AFTER)
            .keep_alive_timeout(PING_TIMEOUT)
            .keep_alive_while_idle(true)
            .initial_max_send_streams(UNTOLD)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(STREAM_WINDOW * MOST_STREAMS as u32);
        let (sender, mut connection) = builder.handshake(io).await?;
        let (told, limit) = watch::channel(UNTOLD);
        let (mut looks, patient_until) = (tokio::time::interval(LOOK_AGAIN), Instant::now() + LOOK_FOR);
        let streams = Arc::new(Streams(Mutex::new((0, Instant::now()))));
        let (watched, mut idle) = (Arc::clone(&streams), Box::pin(tokio::time::sleep(IDLE_TIMEOUT)));
        tokio::spawn(futures::future::poll_fn(move |context| {
            let over = Pin::new(&mut connection).poll(context);
            let now = match connection.current_max_send_streams() {
                UNTOLD if patient_until <= Instant::now() => MOST_STREAMS,
                limit => limit,
            };
            told.send_if_modified(|limit| std::mem::replace(limit, now) != now);
            // hyper does not wake this task when the peer tells its limit.
            while now == UNTOLD && looks.poll_tick(context).is_ready() {}
            while idle.as_mut().poll(context).is_ready() {
                let closes_at = watched.closes_at();
                if closes_at <= Instant::now() {
                    return Poll::Ready(());
                }
                idle.as_mut().reset(closes_at);
            }
            // A failure reaches every exchange by its answer or body.
            over.map(drop)
        }));
        Ok(Self { sender, streams, limit })
    }

    /// Takes a stream if there is room for one more.
    pub(crate) fn turn(&self) -> Option<Http2Turn> {
        let hold = self.streams.begin(MOST_STREAMS.min(*self.limit.borrow()))?;
        Some(Http2Turn { sender: self.sender.clone(), hold })
    }

    /// The peer's limit, when the peer has not told it yet: to be waited for before another stream is opened.
    pub(crate) fn untold(&self) -> Option<watch::Receiver<usize>> {
        (*self.limit.borrow() == UNTOLD).then(|| self.limit.clone())
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Whether `hold` is of a stream on this connection.
    pub(crate) fn has(&self, hold: &StreamHold) -> bool {
        Arc::ptr_eq(&self.streams, &hold.0)
    }
}

impl Http2Turn {
    /// Sends `request` and resolves at the answer's head. The request is given back when it was not sent.
    pub(crate) async fn send(
        &mut self,
        request: Request<RequestBody>,
    ) -> Result<Response<Incoming>, TrySendError<Request<RequestBody>>> {
        self.sender.try_send_request(request).await
    }
}

#[cfg(test)]
mod tests {
    use hyper::server::conn::http2;
    use hyper::service::service_fn;
    use hyper_util::rt::TokioIo;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_tells_no_limit_is_waited_for_a_while_and_then_asked_as_any_other() {
        let (near, _far) = tokio::io::duplex(1 << 16);
        let connection = Http2::open(TokioIo::new(Box::new(near))).await.unwrap();
        let mut limit = connection.untold().unwrap();
        let began = Instant::now();
        limit.changed().await.unwrap();
        assert!(began.elapsed() >= LOOK_FOR && connection.untold().is_none());
        let turns: Vec<_> = std::iter::from_fn(|| connection.turn()).collect();
        assert_eq!(turns.len(), MOST_STREAMS);
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_shared_connection_closes_and_one_in_use_does_not() {
        let (near, far) = tokio::io::duplex(1 << 16);
        let silent = service_fn(|_| std::future::pending::<Result<Response<RequestBody>, Error>>());
        tokio::spawn(http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(far), silent));
        let connection = Http2::open(TokioIo::new(Box::new(near))).await.unwrap();
        let mut turn = connection.turn().unwrap();
        let request = Request::get("https://localhost/").body(RequestBody(Body::Empty)).unwrap();
        let waiting = turn.send(request);
        assert!(
            tokio::time::timeout(IDLE_TIMEOUT * 3, waiting).await.is_err(),
            "it stays open for its stream"
        );
        assert!(!connection.is_closed());
        drop(turn);
        tokio::time::sleep(IDLE_TIMEOUT - Duration::from_secs(1)).await;
        assert!(!connection.is_closed());
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert!(connection.is_closed());
    }
}
