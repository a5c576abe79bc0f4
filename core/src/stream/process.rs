//! A command in a container, started by exec or found by attach: its input, its output, its end.

use std::fmt;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use futures::future::{Either, select};
use futures::stream::{SplitSink, SplitStream};
use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, Sink, SinkExt, Stream, StreamExt, stream};

use super::channels::{self, Output, Protocol, Reader, TerminalSize};
use super::poll_send;
use crate::error::{Error, TransportErrorKind};
use crate::rest::Request;
use crate::transport::{Message, Socket};

/// How much of the input goes in one message, in bytes.
const CHUNK: usize = 32 << 10;

/// How to run a command in a container. By default its output is wanted and it has no input and no terminal. client-go's
/// `corev1.PodExecOptions`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecOptions {
    /// The container; the server takes the only one where there is one, and refuses otherwise.
    pub container: Option<String>,
    /// Whether it has a standard input.
    pub stdin: bool,
    /// Whether its standard output is wanted.
    pub stdout: bool,
    /// Whether its standard error is wanted; with `tty` it comes with the standard output.
    pub stderr: bool,
    /// Whether it has a terminal.
    pub tty: bool,
}

/// How to attach to the command a container runs. client-go's `corev1.PodAttachOptions`, which has the same fields.
pub type AttachOptions = ExecOptions;

impl Default for ExecOptions {
    fn default() -> Self {
        Self { container: None, stdin: false, stdout: true, stderr: true, tty: false }
    }
}

impl ExecOptions {
    /// As query parameters.
    pub fn query(&self) -> Vec<(&'static str, String)> {
        let mut query: Vec<(&'static str, String)> = Vec::new();
        query.extend(self.container.clone().map(|container| ("container", container)));
        let stderr = self.stderr && !self.tty;
        for (name, set) in
            [("stdin", self.stdin), ("stdout", self.stdout), ("stderr", stderr), ("tty", self.tty)]
        {
            query.extend(set.then(|| (name, "true".to_owned())));
        }
        query
    }
}

/// A command in a container. Its two halves can be used on their own, from two tasks; [`RemoteProcess::copy`] and
/// [`RemoteProcess::collect`] drive both. Dropping both halves ends the connection, upon which the server ends a command
/// that was started by exec as soon as it writes or has a terminal. client-go's `remotecommand.Executor`.
#[derive(Debug)]
pub struct RemoteProcess {
    /// What goes to the command.
    pub input: RemoteInput,
    /// What comes from the command.
    pub output: RemoteOutput,
}

/// What a command wrote and how it ended, as a whole; see [`RemoteProcess::collect`].
#[derive(Clone, PartialEq, Eq)]
pub struct Collected {
    /// Its standard output.
    pub stdout: Bytes,
    /// Its standard error.
    pub stderr: Bytes,
    /// Its exit code.
    pub exit_code: i32,
}

/// What was written by its length alone: it may be a secret.
impl fmt::Debug for Collected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collected")
            .field("stdout", &self.stdout.len())
            .field("stderr", &self.stderr.len())
            .field("exit_code", &self.exit_code)
            .finish()
    }
}

impl RemoteProcess {
    pub(crate) async fn open(request: Request, options: &ExecOptions) -> Result<Self, Error> {
        if !options.stdin && !options.stdout && !options.stderr {
            return Err(Error::config("ask for at least one of stdin, stdout and stderr"));
        }
        let socket = request.params(options.query()).connect(&Protocol::OFFERED).await?;
        let protocol = Protocol::chosen(socket.protocol())?;
        let (sink, messages) = socket.split();
        let input = RemoteInput { sink, protocol, wanted: options.stdin };
        Ok(Self { input, output: RemoteOutput { messages: Some(messages), reader: Reader::default() } })
    }

    /// Copies until the command ends, and gives its exit code: `stdin` to it until that ends, its output to `stdout` and
    /// `stderr`, and the sizes of a terminal as they come. What is not there is `futures::io::empty()`,
    /// `futures::io::sink()` and `futures::stream::pending()`. Fails where the server speaks v4 alone and `stdin` ends, for
    /// the command would wait for ever. client-go's `StreamWithContext`.
    pub async fn copy(
        self,
        stdin: impl AsyncRead + Unpin,
        mut stdout: impl AsyncWrite + Unpin,
        mut stderr: impl AsyncWrite + Unpin,
        sizes: impl Stream<Item = TerminalSize> + Unpin,
    ) -> Result<i32, Error> {
        let Self { mut input, mut output } = self;
        let feeding = pin!(feed(&mut input, stdin, sizes));
        let draining = pin!(async {
            loop {
                match output.next().await {
                    Some(Ok(Output::Stdout(bytes))) => write(&mut stdout, &bytes).await?,
                    Some(Ok(Output::Stderr(bytes))) => write(&mut stderr, &bytes).await?,
                    Some(Ok(Output::Exited(code))) => return Ok(code),
                    Some(Err(error)) => return Err(error),
                    None => return Err(channels::ended_early()),
                }
            }
        });
        match select(feeding, draining).await {
            Either::Left((Err(error), _)) => Err(error),
            // What happens to the command is told by its output.
            Either::Left((Ok(()), draining)) => draining.await,
            Either::Right((outcome, _)) => outcome,
        }
    }

    /// Waits for the end and gives all that was written, refusing more than `limit` bytes. Of a command with an input, end
    /// that first ([`RemoteInput`]).
    pub async fn collect(mut self, limit: usize) -> Result<Collected, Error> {
        let (mut stdout, mut stderr) = (BytesMut::new(), BytesMut::new());
        while let Some(output) = self.output.next().await {
            match output? {
                Output::Stdout(bytes) => stdout.extend_from_slice(&bytes),
                Output::Stderr(bytes) => stderr.extend_from_slice(&bytes),
                Output::Exited(exit_code) => {
                    return Ok(Collected { stdout: stdout.freeze(), stderr: stderr.freeze(), exit_code });
                }
            }
            if stdout.len() + stderr.len() > limit {
                let text = format!("the command wrote more than the {limit} bytes allowed");
                return Err(Error::transport(TransportErrorKind::TooLarge, text));
            }
        }
        Err(channels::ended_early())
    }
}

/// What goes to a command: its standard input, as an [`AsyncWrite`], and the size of its terminal. Closing it ends the
/// standard input, and fails as unsupported where the server speaks v4 alone. A write waits while the server takes no more;
/// to be sure that the last of it has left, flush.
pub struct RemoteInput {
    sink: SplitSink<Socket, Message>,
    protocol: Protocol,
    wanted: bool,
}

impl RemoteInput {
    /// What the two ends agreed to speak.
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Tells the terminal's size. Without a terminal it means nothing.
    pub async fn resize(&mut self, size: TerminalSize) -> Result<(), Error> {
        self.sink.send(channels::resize(size)).await
    }
}

impl AsyncWrite for RemoteInput {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if !self.wanted {
            let text = "the command has no input: set ExecOptions::stdin";
            return Poll::Ready(Err(io::Error::other(Error::config(text))));
        }
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let taken = &bytes[..bytes.len().min(CHUNK)];
        ready!(poll_send(&mut self.sink, context, channels::stdin(taken))).map_err(io::Error::other)?;
        Poll::Ready(Ok(taken.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.sink).poll_flush(context).map_err(io::Error::other)
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.wanted {
            return self.poll_flush(context);
        }
        if self.protocol == Protocol::V4 {
            return Poll::Ready(Err(io::Error::other(Error::unsupported(
                "the end of the input cannot be told to this server, which speaks v4.channel.k8s.io alone: run a \
                 command that ends by itself, or drop the connection",
            ))));
        }
        ready!(poll_send(&mut self.sink, context, channels::close_stdin())).map_err(io::Error::other)?;
        self.wanted = false;
        self.poll_flush(context)
    }
}

impl fmt::Debug for RemoteInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteInput").field("protocol", &self.protocol).finish_non_exhaustive()
    }
}

/// What comes from a command: a stream of [`Output`], the last of which is [`Output::Exited`] or an error. Whoever does
/// not read holds the command back.
pub struct RemoteOutput {
    messages: Option<SplitStream<Socket>>,
    reader: Reader,
}

impl Stream for RemoteOutput {
    type Item = Result<Output, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let Some(messages) = &mut self.messages else { return Poll::Ready(None) };
            let outcome = match ready!(messages.poll_next_unpin(context)) {
                Some(Ok(message)) => self.reader.handle_message(message),
                Some(Err(error)) => Err(error),
                None => Err(channels::ended_early()),
            };
            match outcome {
                Ok(None) => {}
                Ok(Some(output)) => {
                    if matches!(output, Output::Exited(_)) {
                        self.messages = None;
                    }
                    return Poll::Ready(Some(Ok(output)));
                }
                Err(error) => {
                    self.messages = None;
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
    }
}

impl fmt::Debug for RemoteOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteOutput").field("ended", &self.messages.is_none()).finish_non_exhaustive()
    }
}

/// What a caller has for the command.
enum Fed {
    Bytes(Bytes),
    End,
    Size(TerminalSize),
}

/// Sends what comes until both sources end. That the connection is gone is no error here.
async fn feed(
    input: &mut RemoteInput,
    stdin: impl AsyncRead + Unpin,
    sizes: impl Stream<Item = TerminalSize> + Unpin,
) -> Result<(), Error> {
    let bytes = stream::unfold(Some(stdin), |stdin| async move {
        let mut stdin = stdin?;
        let mut buffer = vec![0; CHUNK];
        match stdin.read(&mut buffer).await {
            Ok(0) => Some((Ok(Fed::End), None)),
            Ok(length) => {
                buffer.truncate(length);
                Some((Ok(Fed::Bytes(buffer.into())), Some(stdin)))
            }
            Err(error) => Some((Err(error), None)),
        }
    });
    let mut fed = pin!(stream::select(bytes, sizes.map(|size| Ok(Fed::Size(size)))));
    while let Some(next) = fed.next().await {
        let next = next.map_err(|error| local("the command's input cannot be read here", error))?;
        let sent = match next {
            Fed::Bytes(_) | Fed::End if !input.wanted => Ok(()),
            Fed::Bytes(bytes) => write_through(input, &bytes).await.map_err(from_io),
            Fed::End => input.close().await.map_err(from_io),
            Fed::Size(size) => input.resize(size).await,
        };
        match sent {
            Err(error) if error.is_transport() => return Ok(()),
            sent => sent?,
        }
    }
    Ok(())
}

async fn write(to: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> Result<(), Error> {
    let written = write_through(to, bytes).await;
    written.map_err(|error| local("the command's output cannot be written here", error))
}

/// Writes and flushes: nobody knows when more will come.
async fn write_through(to: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> io::Result<()> {
    to.write_all(bytes).await?;
    to.flush().await
}

fn local(what: &'static str, error: io::Error) -> Error {
    Error::canceled(format!("{what}: {error}")).with_source(error)
}

/// Our own error out of the one it went through [`AsyncWrite`] in.
pub(super) fn from_io(error: io::Error) -> Error {
    match error.downcast::<Error>() {
        Ok(ours) => ours,
        Err(other) => Error::transport(TransportErrorKind::Interrupted, other.to_string()),
    }
}

#[cfg(test)]
mod tests;
