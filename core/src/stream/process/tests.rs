//! A command as its caller sees it, with a scripted server at the other end of the socket.

use std::sync::Mutex;

use futures::channel::mpsc;
use futures::{FutureExt, TryStreamExt};

use super::super::Archive;
use super::*;

/// What `future` comes to; all it waits for is there, or comes by its own doing.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = Box::pin(future);
    (0..100).find_map(|_| future.as_mut().now_or_never()).expect("it waits for something")
}

/// The server's end of a socket.
struct Server {
    to_client: mpsc::UnboundedSender<Result<Message, Error>>,
    from_client: mpsc::Receiver<Message>,
}

impl Server {
    fn send(&self, channel: u8, text: &str) {
        let bytes = [&[channel], text.as_bytes()].concat();
        self.to_client.unbounded_send(Ok(Message::Binary(bytes.into()))).unwrap();
    }

    /// What has come, as `channel` and text.
    fn received(&mut self) -> Vec<(u8, String)> {
        let messages = std::iter::from_fn(|| self.from_client.next().now_or_never().flatten());
        let read = |message: Message| {
            let bytes = message.into_bytes();
            (bytes[0], String::from_utf8_lossy(&bytes[1..]).into_owned())
        };
        messages.map(read).collect()
    }
}

/// A process whose connection takes one message at a time.
fn process(protocol: Protocol, stdin: bool) -> (Server, RemoteProcess) {
    let (to_client, incoming) = mpsc::unbounded();
    let (outgoing, from_client) = mpsc::channel(0);
    let broken = |_| Error::transport(TransportErrorKind::Interrupted, "gone");
    let socket = Socket::new(None, Box::pin(incoming), Box::pin(outgoing.sink_map_err(broken)));
    let (sink, messages) = socket.split();
    let process = RemoteProcess {
        input: RemoteInput { sink, protocol, wanted: stdin },
        output: RemoteOutput { messages: Some(messages), reader: Reader::default() },
    };
    (Server { to_client, from_client }, process)
}

const SUCCESS: &str = r#"{"status":"Success"}"#;

#[test]
fn what_was_collected_is_shown_without_its_bytes() {
    let collected = Collected { stdout: "s3cr3t".into(), stderr: Bytes::new(), exit_code: 3 };
    assert_eq!(format!("{collected:?}"), "Collected { stdout: 6, stderr: 0, exit_code: 3 }");
}

#[test]
fn what_tar_complains_of_is_shown_without_its_bytes() {
    let (server, process) = process(Protocol::V5, false);
    server.send(2, "s3cr3t: no such file");
    server.send(1, "piece");
    let mut archive = Archive::new(process.output);
    block_on(archive.try_next()).unwrap().unwrap();
    let shown = format!("{archive:?}");
    assert!(shown.contains("complaint: 20") && !shown.contains("s3cr3t"), "{shown}");
}

#[test]
fn output_comes_in_order_and_ends_with_the_exit_code() {
    let (server, process) = process(Protocol::V5, false);
    server.send(1, "");
    server.send(1, "one");
    server.send(2, "two");
    server.send(3, r#"{"status":"Failure","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"3"}]}}"#);
    let collected = block_on(process.collect(6)).unwrap();
    assert_eq!((&collected.stdout[..], &collected.stderr[..]), (&b"one"[..], &b"two"[..]));
    assert_eq!(collected.exit_code, 3);
}

#[test]
fn an_end_without_a_status_and_too_much_output_are_errors() {
    let (server, early) = process(Protocol::V5, false);
    server.send(1, "one");
    drop(server);
    let error = block_on(early.collect(6)).unwrap_err();
    assert!(error.to_string().contains("may still run"), "{error}");
    let (server, much) = process(Protocol::V5, false);
    server.send(1, "too long");
    let error = block_on(much.collect(7)).unwrap_err();
    assert!(error.to_string().contains("more than the 7 bytes"), "{error}");
}

#[test]
fn a_copy_feeds_the_command_and_tells_the_terminal_s_size() {
    let (mut server, process) = process(Protocol::V5, true);
    let (stdout, stderr) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    let (mut out, mut err) = (stdout.lock().unwrap(), stderr.lock().unwrap());
    let sizes = stream::iter([TerminalSize { width: 1, height: 2 }]);
    let mut copying = Box::pin(process.copy(&b"input"[..], &mut *out, &mut *err, sizes));
    let mut received = Vec::new();
    while received.len() < 3 {
        assert!(copying.as_mut().now_or_never().is_none());
        received.extend(server.received());
    }
    received.sort();
    let expected = [(0, "input"), (4, r#"{"Height":2,"Width":1}"#), (255, "\0")];
    assert_eq!(received, expected.map(|(channel, text)| (channel, text.to_owned())));
    server.send(1, "out");
    server.send(2, "err");
    server.send(3, SUCCESS);
    assert_eq!(block_on(copying).unwrap(), 0);
    assert_eq!((&out[..], &err[..]), (&b"out"[..], &b"err"[..]));
}

#[test]
fn over_v4_the_end_of_the_input_is_refused_and_not_waited_for() {
    let (_server, process) = process(Protocol::V4, true);
    let copying =
        process.copy(futures::io::empty(), futures::io::sink(), futures::io::sink(), stream::pending());
    let error = block_on(copying).unwrap_err();
    assert!(error.is_unsupported() && error.to_string().contains("v4.channel.k8s.io"), "{error}");
}

#[test]
fn a_write_waits_while_the_server_takes_nothing() {
    let (mut server, mut process) = process(Protocol::V5, true);
    let input = &mut process.input;
    let mut taken = 0;
    while input.write(b"x").now_or_never().is_some() {
        taken += 1;
        assert!(taken < 10, "nothing holds the writer back");
    }
    assert!(!server.received().is_empty());
    assert!(input.write(b"x").now_or_never().is_some());
    let (_server, mut none) = self::process(Protocol::V5, false);
    let error = from_io(block_on(none.input.write_all(b"x")).unwrap_err());
    assert!(error.to_string().contains("ExecOptions::stdin"), "{error}");
}

/// A connection that holds what it is given until a flush it has let wait.
struct Congested {
    held: Vec<Message>,
    waited: bool,
    to_server: mpsc::UnboundedSender<Message>,
}

impl Sink<Message> for Congested {
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        self.held.push(message);
        self.waited = false;
        Ok(())
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if !std::mem::replace(&mut self.waited, true) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        while let Some(message) = self.held.pop() {
            self.to_server.unbounded_send(message).unwrap();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_flush(context)
    }
}

#[test]
fn the_last_that_is_fed_leaves_though_the_connection_takes_it_late() {
    let (to_server, mut received) = mpsc::unbounded();
    let congested = Congested { held: Vec::new(), waited: false, to_server };
    let socket = Socket::new(None, Box::pin(stream::pending()), Box::pin(congested));
    let mut input = RemoteInput { sink: socket.split().0, protocol: Protocol::V5, wanted: true };
    // A person who has typed a line and waits for what it does.
    let typed = stream::once(async { Ok("x") }).chain(stream::pending::<io::Result<_>>());
    let typed = Box::pin(typed).into_async_read();
    let feeding = pin!(feed(&mut input, typed, stream::pending()));
    let came = block_on(select(feeding, received.next()));
    let Either::Right((message, _)) = came else { panic!("the input has not ended") };
    assert_eq!(message, Some(channels::stdin(b"x")));
}

#[test]
fn a_copy_outlives_a_failing_write_for_the_end_tells_more() {
    let (server, process) = process(Protocol::V5, true);
    server.send(3, r#"{"status":"Failure","message":"container not found","code":500}"#);
    drop(server.from_client);
    let copying = process.copy(&b"x"[..], futures::io::sink(), futures::io::sink(), stream::pending());
    let error = block_on(copying).unwrap_err();
    assert!(error.to_string().contains("container not found"), "{error}");
}

#[test]
fn options_are_spelled_as_the_server_reads_them() {
    let spell = |options: &ExecOptions| {
        let query = options.query();
        query.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
    };
    assert_eq!(spell(&ExecOptions::default()), "stdout=true&stderr=true");
    let terminal =
        ExecOptions { container: Some("main".into()), stdin: true, tty: true, ..ExecOptions::default() };
    assert_eq!(spell(&terminal), "container=main&stdin=true&stdout=true&tty=true");
}
