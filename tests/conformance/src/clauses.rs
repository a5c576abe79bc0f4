//! The clauses. Each gets its situation from the subject, and says what went wrong in a few words.

use std::time::Duration;

use bytes::Bytes;
use futures::future::{Either, select};
use futures::{SinkExt, StreamExt};
use http::{Method, StatusCode};
use portolan::portable::BoxFuture;
use portolan::transport::{Body, Message, Socket};
use portolan::{Error, ErrorKind, TransportErrorKind};

use crate::{Clause, MARKS, Outcome, Seen, Situation, Subject, mark, with_body};

macro_rules! clauses {
    ($($name:literal => $check:ident,)*) => {
        /// Every clause of the contract.
        pub const CLAUSES: &[Clause] = &[$(Clause {
            name: $name,
            check: |subject| -> BoxFuture<'_, Outcome> { Box::pin(async move { outcome($check(subject).await) }) },
        },)*];
    };
}

clauses! {
    "headers come before the body" => headers_before_body,
    "chunks come whole, in order and not empty" => chunks_in_order,
    "who does not read holds the peer back" => back_pressure,
    "dropping a body ends the exchange" => dropped_body,
    "dropping a future ends the exchange" => dropped_future,
    "a status outside 2xx is an answer" => status_is_answer,
    "no redirect is followed" => no_redirect,
    "a refused connection is told" => refused,
    "a body that breaks off is told" => cut,
    "an answer that is not HTTP is told" => garbage,
    "a request's body arrives whole" => upload,
    "a socket's messages come in order" => socket_in_order,
    "a socket's messages go in order" => socket_echo,
    "a socket's subprotocol is told" => socket_protocol,
    "a socket that is closed ends" => socket_close,
    "a socket that breaks fails" => socket_break,
    "a socket that is refused says why" => socket_forbidden,
    "dropping a socket ends the exchange" => dropped_socket,
}

/// Why a clause does not hold, or cannot be tried.
enum Fault {
    Broken(String),
    NotApplicable,
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Broken(error.to_string())
    }
}

type Checked = Result<(), Fault>;

fn outcome(checked: Checked) -> Outcome {
    match checked {
        Ok(()) => Outcome::Holds,
        Err(Fault::Broken(how)) => Outcome::Broken(how),
        Err(Fault::NotApplicable) => Outcome::NotApplicable,
    }
}

fn broken<T>(how: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::Broken(how.into()))
}

fn ensure(holds: bool, how: impl Into<String>) -> Checked {
    if holds { Ok(()) } else { broken(how) }
}

/// A name for an exchange that no earlier run against the same peer had.
fn exchange(subject: &dyn Subject, clause: &str) -> String {
    let runtime = subject.runtime();
    format!(
        "{clause}-{}-{}",
        runtime.clock.unix_time().as_nanos(),
        runtime.clock.now().since_origin().as_nanos()
    )
}

fn request(subject: &dyn Subject, situation: Situation, exchange: &str) -> Result<http::Request<()>, Fault> {
    subject.request(situation, exchange).ok_or(Fault::NotApplicable)
}

async fn send(
    subject: &dyn Subject,
    situation: Situation,
    exchange: &str,
) -> Result<Result<http::Response<Body>, Error>, Fault> {
    let request = with_body(request(subject, situation, exchange)?, Body::Empty);
    Ok(subject.transport().send(request).await)
}

async fn connect(subject: &dyn Subject, situation: Situation, exchange: &str) -> Result<Socket, Fault> {
    let request = request(subject, situation, exchange)?;
    Ok(subject.transport().connect(request, &[]).await?)
}

async fn until(subject: &dyn Subject, exchange: &str, reached: impl Fn(Seen) -> bool) -> Result<Seen, Fault> {
    loop {
        let seen = subject.seen(exchange).await.ok_or(Fault::NotApplicable)?;
        if reached(seen) {
            return Ok(seen);
        }
        subject.runtime().sleep(Duration::from_millis(5)).await;
    }
}

async fn headers_before_body(subject: &dyn Subject) -> Checked {
    let name = exchange(subject, "head");
    let mut body = send(subject, Situation::Stall, &name).await??.into_body();
    let early = {
        let pause = subject.runtime().sleep(Duration::from_millis(30));
        match select(body.next(), pause).await {
            Either::Left((chunk, _)) => Some(chunk),
            Either::Right(_) => None,
        }
    };
    ensure(early.is_none(), "the body began or ended before the peer let it")?;
    subject.release(&name).await;
    match body.chunk().await {
        Some(chunk) => ensure(!chunk?.is_empty(), "an empty chunk"),
        None => broken("the body ended instead of beginning"),
    }
}

async fn chunks_in_order(subject: &dyn Subject) -> Checked {
    let response = send(subject, Situation::Marks, &exchange(subject, "marks")).await??;
    let mut body = response.into_body();
    let mut text = Vec::new();
    while let Some(chunk) = body.chunk().await {
        let chunk = chunk?;
        ensure(!chunk.is_empty(), "an empty chunk")?;
        text.extend_from_slice(&chunk);
    }
    ensure(body.chunk().await.is_none(), "something came after the end")?;
    in_order(&String::from_utf8_lossy(&text))
}

fn in_order(text: &str) -> Checked {
    let mut rest = text;
    for number in 0..MARKS {
        let mark = mark(number);
        match rest.find(&mark) {
            Some(at) => rest = &rest[at + mark.len()..],
            None => return broken(format!("{mark} is missing or out of order")),
        }
    }
    ensure(text.matches("mark-").count() == MARKS, "a mark came twice")
}

async fn back_pressure(subject: &dyn Subject) -> Checked {
    /// More than all buffers on the way together.
    const TOO_MUCH: u64 = 64 << 20;
    let name = exchange(subject, "pressure");
    let mut body = send(subject, Situation::Pressure, &name).await??.into_body();
    let Some(first) = body.chunk().await else { return broken("the body without end ended") };
    first?;
    let mut before = until(subject, &name, |seen| seen.sent > 0).await?.sent;
    loop {
        subject.runtime().sleep(Duration::from_millis(100)).await;
        let now = until(subject, &name, |_| true).await?.sent;
        ensure(now < TOO_MUCH, format!("the peer got rid of {now} bytes that nobody read"))?;
        if now == before {
            break;
        }
        before = now;
    }
    let mut read = 0;
    while read <= before {
        match body.chunk().await {
            Some(chunk) => read += chunk?.len() as u64,
            None => return broken("the body without end ended"),
        }
    }
    until(subject, &name, |seen| seen.sent > before).await.map(drop)
}

async fn dropped_body(subject: &dyn Subject) -> Checked {
    let name = exchange(subject, "body");
    let body = send(subject, Situation::Stall, &name).await??.into_body();
    let seen = until(subject, &name, |seen| seen.begun).await?;
    ensure(!seen.ended, "the exchange ended by itself")?;
    drop(body);
    until(subject, &name, |seen| seen.ended).await.map(drop)
}

async fn dropped_future(subject: &dyn Subject) -> Checked {
    let name = exchange(subject, "future");
    {
        let sending = Box::pin(send(subject, Situation::Silence, &name));
        let begun = Box::pin(until(subject, &name, |seen| seen.begun));
        match select(sending, begun).await {
            Either::Left((Err(fault), _)) => return Err(fault),
            Either::Left((Ok(_), _)) => return broken("an answer came out of silence"),
            Either::Right((seen, _)) => ensure(!seen?.ended, "the exchange ended by itself")?,
        }
    }
    until(subject, &name, |seen| seen.ended).await.map(drop)
}

async fn status_is_answer(subject: &dyn Subject) -> Checked {
    let response = send(subject, Situation::Missing, &exchange(subject, "missing")).await??;
    ensure(response.status() == StatusCode::NOT_FOUND, format!("the status is {}", response.status()))?;
    let body = response.into_body().collect(1 << 20).await?;
    let status: serde_json::Value = serde_json::from_slice(&body)
        .map_err(|_| Fault::Broken("the body of the answer is lost".to_owned()))?;
    ensure(status["code"] == 404, "the body of the answer is another")
}

async fn no_redirect(subject: &dyn Subject) -> Checked {
    let name = exchange(subject, "redirect");
    let answer = send(subject, Situation::Redirect, &name).await?;
    // A browser shows such an answer as an error: that is right too.
    if let Ok(response) = answer {
        ensure(response.status().is_redirection(), format!("the status is {}", response.status()))?;
    }
    let landed = subject.seen(&format!("{name}-landed")).await.ok_or(Fault::NotApplicable)?;
    ensure(!landed.begun, "the request was sent again to where the answer pointed")
}

fn ensure_kind(subject: &dyn Subject, situation: Situation, error: &Error) -> Checked {
    let right = subject.right_kinds(situation);
    match error.kind() {
        ErrorKind::Transport(kind) if right.contains(kind) => Ok(()),
        kind => broken(format!("{kind:?} instead of {right:?}: {error}")),
    }
}

async fn refused(subject: &dyn Subject) -> Checked {
    match send(subject, Situation::Refused, &exchange(subject, "refused")).await? {
        Ok(response) => broken(format!("nobody answered {}", response.status())),
        Err(error) => ensure_kind(subject, Situation::Refused, &error),
    }
}

async fn garbage(subject: &dyn Subject) -> Checked {
    match send(subject, Situation::Garbage, &exchange(subject, "garbage")).await? {
        Ok(response) => broken(format!("garbage was read as {}", response.status())),
        Err(error) => ensure_kind(subject, Situation::Garbage, &error),
    }
}

async fn cut(subject: &dyn Subject) -> Checked {
    for situation in [Situation::Cut, Situation::CutQuietly] {
        let mut body = send(subject, situation, &exchange(subject, "cut")).await??.into_body();
        let error = loop {
            match body.chunk().await {
                Some(Ok(_)) => {}
                Some(Err(error)) => break error,
                None => return broken(format!("{situation:?}: the body ended as if it were whole")),
            }
        };
        ensure_kind(subject, situation, &error)?;
    }
    Ok(())
}

async fn upload(subject: &dyn Subject) -> Checked {
    let text: String = (0..MARKS).map(mark).collect();
    let mut bodies = vec![Body::Bytes(Bytes::from(text.clone()))];
    if subject.streams_requests() {
        let chunks: Vec<_> =
            text.as_bytes().chunks(7).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        bodies.push(Body::Stream(Box::pin(futures::stream::iter(chunks))));
    }
    for body in bodies {
        let mut request = request(subject, Situation::Upload, &exchange(subject, "upload"))?;
        *request.method_mut() = Method::POST;
        let response = subject.transport().send(with_body(request, body)).await?;
        let answer = response.into_body().collect(1 << 20).await?;
        ensure(answer == text.as_bytes(), "the body arrived changed")?;
    }
    Ok(())
}

async fn next(socket: &mut Socket) -> Result<Bytes, Fault> {
    match socket.next().await {
        Some(Ok(Message::Text(bytes) | Message::Binary(bytes))) => Ok(bytes),
        Some(Err(error)) => Err(error.into()),
        None => broken("the socket ended"),
    }
}

async fn socket_in_order(subject: &dyn Subject) -> Checked {
    let mut socket = connect(subject, Situation::SocketMarks, &exchange(subject, "messages")).await?;
    for number in 0..MARKS {
        let text = next(&mut socket).await?;
        let mark = mark(number);
        ensure(String::from_utf8_lossy(&text).contains(&mark), format!("{mark} is missing or out of order"))?;
    }
    Ok(())
}

async fn socket_echo(subject: &dyn Subject) -> Checked {
    let mut socket = connect(subject, Situation::SocketEcho, &exchange(subject, "echo")).await?;
    let messages = [
        Message::Text("one".into()),
        Message::Binary(vec![0, 255].into()),
        Message::Text("".into()),
        Message::Text("é".into()),
    ];
    for message in &messages {
        socket.feed(message.clone()).await?;
    }
    socket.flush().await?;
    for message in messages {
        match socket.next().await {
            Some(Ok(back)) if back == message => {}
            other => return broken(format!("{other:?} came back for {message:?}")),
        }
    }
    Ok(())
}

async fn socket_protocol(subject: &dyn Subject) -> Checked {
    let name = exchange(subject, "protocol");
    let ask = || request(subject, Situation::SocketMarks, &name);
    let without = subject.transport().connect(ask()?, &[]).await?;
    ensure(without.protocol().is_none(), "a subprotocol was chosen that nobody offered")?;
    let with = subject.transport().connect(ask()?, &["v5.channel.k8s.io"]).await?;
    ensure(with.protocol() == Some("v5.channel.k8s.io"), format!("the subprotocol is {:?}", with.protocol()))
}

async fn socket_close(subject: &dyn Subject) -> Checked {
    let mut socket = connect(subject, Situation::SocketClose, &exchange(subject, "close")).await?;
    next(&mut socket).await?;
    match socket.next().await {
        None => Ok(()),
        Some(Ok(message)) => broken(format!("{message:?} came after the end")),
        Some(Err(error)) => broken(format!("a clean close failed: {error}")),
    }
}

async fn socket_break(subject: &dyn Subject) -> Checked {
    let mut socket = connect(subject, Situation::SocketBreak, &exchange(subject, "break")).await?;
    next(&mut socket).await?;
    match socket.next().await {
        Some(Err(error)) => ensure_kind(subject, Situation::SocketBreak, &error),
        Some(Ok(message)) => broken(format!("{message:?} came after the end")),
        None => broken("the socket ended as if it were closed"),
    }
}

async fn socket_forbidden(subject: &dyn Subject) -> Checked {
    let request = request(subject, Situation::SocketForbidden, &exchange(subject, "forbidden"))?;
    match subject.transport().connect(request, &[]).await {
        Ok(_) => broken("the socket opened"),
        Err(error) if !subject.tells_socket_status() => {
            ensure(error.is_transport(), format!("{:?} is no failure of the transport", error.kind()))
        }
        Err(error) => ensure(
            error.is_forbidden() && error.to_string().contains("because"),
            format!("the refusal is told as {error:?}"),
        ),
    }
}

async fn dropped_socket(subject: &dyn Subject) -> Checked {
    let name = exchange(subject, "socket");
    let mut socket = connect(subject, Situation::SocketMarks, &name).await?;
    next(&mut socket).await?;
    let seen = until(subject, &name, |seen| seen.begun).await?;
    ensure(!seen.ended, "the exchange ended by itself")?;
    drop(socket);
    until(subject, &name, |seen| seen.ended).await.map(drop)
}

/// The kind a broken transport gives in the place of `kind`.
pub(crate) fn another(kind: TransportErrorKind) -> TransportErrorKind {
    match kind {
        TransportErrorKind::Connect => TransportErrorKind::Interrupted,
        _ => TransportErrorKind::Connect,
    }
}
