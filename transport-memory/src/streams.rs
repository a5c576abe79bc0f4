//! What takes a kubelet: the logs of containers, and commands in them. There are no containers here, so the logs tell
//! what a web server might, made of nothing but the Pod and the time, and every command repeats what it is told; one on a
//! terminal says so first.
//!
//! Invariant: the same Pod and clock give the same lines, however they are asked for.

mod shell;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::channel::mpsc;
#[cfg(feature = "full")]
use futures::sink;
use futures::{SinkExt, Stream, StreamExt, future, stream};
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, Uri};
use jiff::Timestamp;
use portolan::portable::BoxStream;
use portolan::transport::{Body, Message, Socket};
use portolan::{Error, TransportErrorKind};
use serde_json::{Value, json};

use crate::cluster::Shared;
use crate::failure::Failure;
use crate::request::{Query, Route, Target};
use crate::stored::key;
use crate::value::{list, text};
use shell::{Said, Shell};

/// A container writes a line so often.
const BETWEEN_LINES: Duration = Duration::from_secs(1);
/// So many lines are kept, as a kubelet rotates its logs.
const KEPT: u64 = 1000;
/// So many messages of a client wait for a command.
const WAITING: usize = 8;

const PROTOCOL: &str = "v5.channel.k8s.io";

/// What a request for one of these subresources of a pod is about; `None` when it is for something else.
pub(crate) fn asked(uri: &Uri, subresources: &[&str]) -> Option<(Target, Query)> {
    let Route::Objects(target) = Route::read(uri.path()) else { return None };
    let is_pod = target.group.is_empty() && target.plural == "pods" && !target.name.is_empty();
    let query = Query::read(uri.query().unwrap_or_default());
    (is_pod && subresources.contains(&target.subresource.as_str())).then_some((target, query))
}

/// The answer to a request for logs.
pub(crate) fn logs(shared: &Arc<Shared>, target: &Target, query: &Query) -> Result<Response<Body>, Failure> {
    Log::open(shared, target, query).map(|log| plain(log.into_body(shared)))
}

/// Logs as a test says they are: a text, or JSON.
#[cfg(feature = "full")]
pub(crate) fn said(answer: &Value) -> Response<Body> {
    let text = answer.as_str().map_or_else(|| answer.to_string(), str::to_owned);
    plain(Body::Bytes(text.into()))
}

fn plain(body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}

fn pod(shared: &Arc<Shared>, target: &Target) -> Result<Value, Failure> {
    shared.with(|state| {
        let pods = state.registry.of_store("pods").cloned().ok_or_else(Failure::no_resource)?;
        let found = state.object(&pods.store, &key(&target.namespace, &target.name)).cloned();
        found.ok_or_else(|| Failure::not_found(&pods, &target.name))?.value()
    })
}

/// The container that is meant.
fn container(pod: &Value, target: &Target, query: &Query) -> Result<String, Failure> {
    let kinds = ["spec.initContainers", "spec.containers", "spec.ephemeralContainers"];
    let names = |kind: &str| -> Vec<String> {
        list(pod, kind).map(|container| text(container, "name").to_owned()).collect()
    };
    let (asked, name) = (query.get("container"), &target.name);
    let ordinary = names("spec.containers");
    match (asked, ordinary.as_slice()) {
        ("", [only]) => Ok(only.clone()),
        ("", several) => Err(Failure::bad_request(format!(
            "a container name must be specified for pod {name}, choose one of: [{}]",
            several.join(" ")
        ))),
        _ if kinds.iter().any(|kind| names(kind).iter().any(|name| name == asked)) => Ok(asked.to_owned()),
        _ => Err(Failure::bad_request(format!(
            "container {asked} is not valid for pod {name} out of: {}",
            ordinary.join(", ")
        ))),
    }
}

/// The lines of one container that were asked for.
struct Log {
    pod: String,
    container: String,
    /// When it wrote its first line, in seconds since 1970.
    started: u64,
    /// The next line, and the one after the last there is.
    next: u64,
    end: u64,
    timestamps: bool,
    follow: bool,
    /// How many bytes may still be given.
    left: u64,
}

impl Log {
    fn open(shared: &Arc<Shared>, target: &Target, query: &Query) -> Result<Self, Failure> {
        let pod = pod(shared, target)?;
        let container = container(&pod, target, query)?;
        if query.flag("previous") {
            let name = &target.name;
            let text = format!("previous terminated container {container:?} in pod {name:?} not found");
            return Err(Failure::bad_request(text));
        }
        let created: Timestamp = text(&pod, "metadata.creationTimestamp").parse().unwrap_or_default();
        let started = u64::try_from(created.as_second()).unwrap_or_default();
        let now = shared.runtime.clock.unix_time().as_secs();
        let end = now.saturating_sub(started) / BETWEEN_LINES.as_secs() + 1;
        let mut next = end.saturating_sub(KEPT);
        if let Some(seconds) = number(query, "sinceSeconds")? {
            next = next.max((now.saturating_sub(seconds)).saturating_sub(started));
        }
        if let Ok(since) = query.get("sinceTime").parse::<Timestamp>() {
            next = next.max(u64::try_from(since.as_second()).unwrap_or_default().saturating_sub(started));
        }
        if let Some(lines) = number(query, "tailLines")? {
            next = next.max(end.saturating_sub(lines));
        }
        Ok(Self {
            pod: target.name.clone(),
            container,
            started,
            next,
            end,
            timestamps: query.flag("timestamps"),
            follow: query.flag("follow"),
            left: number(query, "limitBytes")?.unwrap_or(u64::MAX),
        })
    }

    fn into_body(self, shared: &Arc<Shared>) -> Body {
        let runtime = shared.runtime.clone();
        Body::Stream(Box::pin(stream::unfold(self, move |mut log| {
            let runtime = runtime.clone();
            async move {
                if log.left == 0 || (log.next >= log.end && !log.follow) {
                    return None;
                }
                let due = Duration::from_secs(log.started + log.next);
                let early = due.saturating_sub(runtime.clock.unix_time());
                if log.next >= log.end && !early.is_zero() {
                    runtime.sleep(early).await;
                }
                let mut line = log.line(log.next);
                line.truncate(usize::try_from(log.left).unwrap_or(usize::MAX));
                log.next += 1;
                log.left -= line.len() as u64;
                Some((Ok(Bytes::from(line)), log))
            }
        })))
    }

    fn line(&self, number: u64) -> Vec<u8> {
        let mut hasher = DefaultHasher::new();
        (&self.pod, &self.container, number).hash(&mut hasher);
        let chance = hasher.finish();
        let text = match number {
            0 => format!("{} starts", self.container),
            1 => "listening on port 8080".to_owned(),
            _ => format!("GET /items/{} answered in {} ms", chance % 1000, 1 + chance / 1000 % 40),
        };
        let seconds = i64::try_from(self.started + number).unwrap_or(i64::MAX);
        let time = Timestamp::from_second(seconds).unwrap_or_default();
        let stamp = if self.timestamps {
            time.strftime("%Y-%m-%dT%H:%M:%S.000000000Z ").to_string()
        } else {
            String::new()
        };
        format!("{stamp}{text}\n").into_bytes()
    }
}

fn number(query: &Query, name: &str) -> Result<Option<u64>, Failure> {
    match query.get(name) {
        "" => Ok(None),
        text => text
            .parse()
            .map(Some)
            .map_err(|_| Failure::bad_request(format!("{name} must be a whole number of 0 or more"))),
    }
}

/// A command that writes its words and then what it reads, until that ends. `false` fails.
pub(crate) fn echo(
    shared: &Arc<Shared>,
    target: &Target,
    query: &Query,
    protocols: &[&str],
) -> Result<Socket, Failure> {
    container(&pod(shared, target)?, target, query)?;
    if !protocols.contains(&PROTOCOL) {
        return Err(Failure::bad_request(format!("unable to upgrade: the subprotocol is {PROTOCOL}")));
    }
    let words: Vec<&str> = query.all("command").collect();
    let (sender, received) = mpsc::channel::<Message>(WAITING);
    if query.flag("tty") && query.flag("stdin") {
        return Ok(socket(sender, Box::pin(on_terminal(received).map(Ok))));
    }
    let said = if words.is_empty() { String::new() } else { format!("{}\n", words.join(" ")) };
    let repeated = received
        .map(Message::into_bytes)
        .take_while(|message| future::ready(message[..] != [255, 0]))
        .filter_map(|message| future::ready(message.strip_prefix(&[0]).map(|bytes| channel(1, bytes))));
    let repeated = if query.flag("stdin") { repeated.left_stream() } else { stream::empty().right_stream() };
    let said = stream::iter([channel(1, said.as_bytes())]);
    let end = stream::iter([status(u8::from(words == ["false"]).into())]);
    Ok(socket(sender, Box::pin(said.chain(repeated).chain(end).map(Ok))))
}

fn socket(sender: mpsc::Sender<Message>, incoming: BoxStream<'static, Result<Message, Error>>) -> Socket {
    let gone = |_| Error::transport(TransportErrorKind::Interrupted, "the command has ended");
    Socket::new(Some(PROTOCOL.to_owned()), incoming, Box::pin(sender.sink_map_err(gone)))
}

/// What a terminal shows and how it ends, of what it is told.
fn on_terminal(received: mpsc::Receiver<Message>) -> impl Stream<Item = Message> {
    let greeting = stream::iter([channel(1, shell::GREETING.as_bytes())]);
    let answers = stream::unfold(Some((received, Shell::default())), |open| async move {
        let (mut received, mut shell) = open?;
        let message = received.next().await?.into_bytes();
        let mut said = Said::default();
        match message.split_first() {
            Some((0, typed)) => said = shell.take(&String::from_utf8_lossy(typed)),
            Some((4, size)) => {
                let size: Value = serde_json::from_slice(size).unwrap_or_default();
                let number = |name: &str| size[name].as_u64().unwrap_or_default();
                shell.resize(number("Height"), number("Width"));
            }
            _ => {}
        }
        let text = (!said.text.is_empty()).then(|| channel(1, said.text.as_bytes()));
        let messages = text.into_iter().chain(said.ended.map(status));
        let open = said.ended.is_none().then_some((received, shell));
        Some((stream::iter(messages.collect::<Vec<_>>()), open))
    });
    greeting.chain(answers.flatten())
}

/// A command as a test says it ends: a text is what it writes; an object holds `stdout`, `stderr` and `exitCode`, all of
/// which may be left out. What it is told is not read.
#[cfg(feature = "full")]
pub(crate) fn ended(answer: &Value) -> Socket {
    let member = |name| answer.get(name).and_then(Value::as_str).unwrap_or_default();
    let stdout = answer.as_str().unwrap_or_else(|| member("stdout"));
    let code = answer.get("exitCode").and_then(Value::as_i64).unwrap_or_default();
    let said = [(1, stdout), (2, member("stderr"))].into_iter().filter(|(_, text)| !text.is_empty());
    let mut messages: Vec<_> = said.map(|(number, text)| Ok(channel(number, text.as_bytes()))).collect();
    messages.push(Ok(status(code)));
    let unread = sink::drain().sink_map_err(|never| match never {});
    Socket::new(Some(PROTOCOL.to_owned()), Box::pin(stream::iter(messages)), Box::pin(unread))
}

/// The last message of a command.
fn status(code: i64) -> Message {
    let status = match code {
        0 => json!({"metadata": {}, "status": "Success"}),
        _ => json!({
            "metadata": {}, "status": "Failure", "reason": "NonZeroExitCode",
            "message": format!("command terminated with non-zero exit code: {code}"),
            "details": {"causes": [{"reason": "ExitCode", "message": code.to_string()}]},
        }),
    };
    channel(3, status.to_string().as_bytes())
}

fn channel(number: u8, bytes: &[u8]) -> Message {
    Message::Binary([&[number], bytes].concat().into())
}

#[cfg(test)]
mod tests;
