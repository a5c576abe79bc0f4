//! Keeps the stream open that the model wants, and no other: logs and shells in, events out, what is typed to the shell.
//!
//! Invariant: lines are read no faster than they are drawn, and a stream that is not wanted any more is dropped.

use std::pin::pin;

use futures::channel::mpsc;
use futures::future::{AbortHandle, Either, abortable, select};
use futures::{AsyncWriteExt, StreamExt};
use portolan::Error;
use portolan::client::Client;
use portolan::stream::{ExecOptions, LogOptions, Output, RemoteInput, Since, TerminalSize};
use wasm_bindgen_futures::spawn_local;

use super::super::{Page, browser};
use crate::model::inspect::{Event, Stream};
use crate::model::logs::Asked;
use crate::model::place::Place;
use crate::model::terminal::{Input, SHELL, Size};

/// How many lines are taken into the model at once.
const AT_ONCE: usize = 500;
/// The longest line that is shown as one, in bytes.
const LONGEST: usize = 2_000;

/// The stream that is open.
pub(super) struct Open {
    /// Whether it is a shell, and its number among those.
    name: (bool, u64),
    abort: AbortHandle,
    typed: mpsc::UnboundedSender<Input>,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.abort.abort();
    }
}

/// Opens the stream the model wants, ends another, and hands over what has been typed.
pub(super) fn follow(page: Page, client: &Client, open: &mut Option<Open>) {
    let wanted = page.model().stream();
    let name = |(id, stream): &(u64, Stream)| (matches!(stream, Stream::Shell(..)), *id);
    if open.as_ref().map(|open| open.name) != wanted.as_ref().map(name) {
        *open = wanted.map(|wanted| start(page, client.clone(), name(&wanted), wanted.1));
    }
    if let Some(open) = open {
        while let Some(input) = page.model().typed() {
            // Of a shell that has ended nothing is taken any more.
            let _ = open.typed.unbounded_send(input);
        }
    }
}

fn start(page: Page, client: Client, name: (bool, u64), stream: Stream) -> Open {
    let id = name.1;
    let (typed, input) = mpsc::unbounded();
    let (work, abort) = abortable(async move {
        let ended = match stream {
            Stream::Logs(asked) => Event::LogsEnded(id, logs(page, &client, id, asked).await.err()),
            Stream::Shell(place, size) => {
                Event::Exited(id, shell(page, &client, id, &place, size, input).await)
            }
        };
        page.inspect(ended);
    });
    spawn_local(async move {
        // Whoever aborts it wants to hear nothing more.
        let _ = work.await;
    });
    Open { name, abort, typed }
}

async fn logs(page: Page, client: &Client, id: u64, asked: Asked) -> Result<(), Error> {
    let Asked { place, previous, follow, tail, since } = asked;
    let options = LogOptions {
        container: Some(place.container),
        follow,
        previous,
        // The times are what lets a stream go on where another ended.
        timestamps: true,
        tail_lines: since.is_none().then_some(tail.into()),
        since: since.map(|since| Since::Time(since.into())),
        ..LogOptions::default()
    };
    let logs = client.core_v1().pods(&place.namespace).logs(&place.pod, &options).await?;
    page.inspect(Event::Opened(id));
    let mut lines = logs.lines().with_limit(LONGEST).ready_chunks(AT_ONCE);
    while let Some(chunk) = lines.next().await {
        let mut taken = Vec::with_capacity(chunk.len());
        let mut failed = None;
        for line in chunk {
            match line {
                Ok(line) => taken.push(line),
                Err(error) => failed = Some(error),
            }
        }
        page.inspect(Event::Lines(id, taken));
        if let Some(error) = failed {
            return Err(error);
        }
        browser::next_frame().await;
    }
    Ok(())
}

/// Runs a shell until it ends, and gives its exit code.
async fn shell(
    page: Page,
    client: &Client,
    id: u64,
    place: &Place,
    size: Size,
    typed: mpsc::UnboundedReceiver<Input>,
) -> Result<i32, Error> {
    let container = Some(place.container.clone());
    let options = ExecOptions { container, stdin: true, tty: true, ..ExecOptions::default() };
    let pods = client.core_v1().pods(&place.namespace);
    let mut process = pods.exec(&place.pod, SHELL, &options).await?;
    process.input.resize(of(size)).await?;
    page.inspect(Event::Started(id, size));
    let mut output = process.output;
    let feeding = pin!(feed(process.input, typed));
    let draining = pin!(async {
        while let Some(written) = output.next().await {
            match written? {
                Output::Stdout(bytes) | Output::Stderr(bytes) => {
                    page.inspect(Event::Output(id, bytes.to_vec()));
                }
                Output::Exited(code) => return Ok(code),
            }
        }
        Err(Error::canceled("the shell's output ended without an exit code"))
    });
    match select(feeding, draining).await {
        Either::Left((sent, draining)) => {
            // That the connection has gone is told by the output.
            let _input = sent.ok();
            draining.await
        }
        Either::Right((outcome, _)) => outcome,
    }
}

/// Sends what is typed, and gives the input back, which holds the connection open.
async fn feed(
    mut input: RemoteInput,
    mut typed: mpsc::UnboundedReceiver<Input>,
) -> Result<RemoteInput, Error> {
    let gone = |error: std::io::Error| Error::canceled(error.to_string());
    while let Some(next) = typed.next().await {
        match next {
            Input::Size(size) => input.resize(of(size)).await?,
            Input::Bytes(bytes) => {
                input.write_all(&bytes).await.map_err(gone)?;
                input.flush().await.map_err(gone)?;
            }
        }
    }
    Ok(input)
}

fn of(size: Size) -> TerminalSize {
    TerminalSize { width: size.columns, height: size.rows }
}
