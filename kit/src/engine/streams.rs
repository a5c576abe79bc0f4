//! Logs and commands of a pod's containers.
//!
//! Invariant: a caller that does not read holds the server back.

use std::time::Duration;

use bytes::Bytes;
use futures::future::{Either, select};
use futures::{AsyncWriteExt, StreamExt};
use js_sys::{Array, Uint8Array};
use portolan::Error;
use portolan::stream::{ExecOptions, LogOptions, Output, RemoteInput, Since, TerminalSize};
use serde::Deserialize;
use std::pin::pin;
use wasm_bindgen::{JsCast, JsValue};

use super::Engine;
use super::outlet::Outlet;
use super::session::{Pushes, read};

/// How many lines one message bears at most.
const LINES: usize = 256;

/// Whose logs, and which.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Logs {
    namespace: String,
    pod: String,
    #[serde(default)]
    container: Option<String>,
    #[serde(default)]
    follow: bool,
    #[serde(default)]
    previous: bool,
    #[serde(default)]
    since_seconds: Option<u32>,
    #[serde(default)]
    timestamps: bool,
    #[serde(default)]
    tail_lines: Option<u32>,
    #[serde(default)]
    limit_bytes: Option<u32>,
}

/// Tells the lines as they come, several in a message.
pub(super) async fn logs(engine: &Engine, asked: Logs, outlet: &Outlet) -> Result<JsValue, Error> {
    let options = LogOptions {
        container: asked.container,
        follow: asked.follow,
        previous: asked.previous,
        since: asked.since_seconds.map(|seconds| Since::Last(Duration::from_secs(seconds.into()))),
        timestamps: asked.timestamps,
        tail_lines: asked.tail_lines.map(u64::from),
        limit_bytes: asked.limit_bytes.map(u64::from),
        ..LogOptions::default()
    };
    let logs = engine.client().core_v1().pods(&asked.namespace).logs(&asked.pod, &options).await?;
    let mut lines = logs.lines().ready_chunks(LINES);
    while let Some(chunk) = lines.next().await {
        outlet.ready().await;
        let mut message = Array::new();
        for line in chunk {
            match line {
                Ok(line) => message.push(&JsValue::from_str(&line.text())),
                Err(error) => {
                    outlet.next(&std::mem::take(&mut message).into());
                    return Err(error);
                }
            };
        }
        outlet.next(&message);
    }
    Ok(JsValue::UNDEFINED)
}

/// Which command, where.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Exec {
    namespace: String,
    pod: String,
    #[serde(default)]
    container: Option<String>,
    command: Vec<String>,
    #[serde(default)]
    stdin: bool,
    #[serde(default)]
    tty: bool,
}

/// A terminal's size, as a caller says it.
#[derive(Deserialize)]
struct Size {
    columns: u16,
    rows: u16,
}

/// Tells `["stdout" | "stderr", bytes]` as they come, and at last the exit code. Takes bytes, a size as JSON, or null for
/// the end of the input.
pub(super) async fn exec(
    engine: &Engine,
    asked: Exec,
    outlet: &Outlet,
    pushed: Pushes,
) -> Result<JsValue, Error> {
    let options = ExecOptions {
        container: asked.container,
        stdin: asked.stdin,
        tty: asked.tty,
        // A terminal has one output.
        stderr: !asked.tty,
        ..ExecOptions::default()
    };
    let process =
        engine.client().core_v1().pods(&asked.namespace).exec(&asked.pod, asked.command, &options).await?;
    let mut output = process.output;
    let feeding = pin!(feed(process.input, pushed));
    let draining = pin!(async {
        while let Some(written) = output.next().await {
            let (name, bytes) = match written? {
                Output::Stdout(bytes) => ("stdout", bytes),
                Output::Stderr(bytes) => ("stderr", bytes),
                Output::Exited(code) => return Ok(JsValue::from(code)),
            };
            outlet.ready().await;
            tell(outlet, name, &bytes);
        }
        Err(Error::canceled("the command's output ended without an exit code"))
    });
    match select(feeding, draining).await {
        Either::Left((Err(error), _)) => Err(error),
        Either::Left((Ok(_input), draining)) => draining.await,
        Either::Right((outcome, _)) => outcome,
    }
}

fn tell(outlet: &Outlet, name: &str, bytes: &Bytes) {
    outlet.next(&Array::of2(&JsValue::from_str(name), &Uint8Array::from(&bytes[..])));
}

/// Feeds what the caller pushes until it ends the input, and gives the input back, which holds the connection open.
async fn feed(mut input: RemoteInput, mut pushed: Pushes) -> Result<RemoteInput, Error> {
    while let Some(next) = pushed.next().await {
        if next.is_null() {
            input.close().await.map_err(|error| Error::unsupported(error.to_string()))?;
            break;
        }
        let sent = match (next.as_string(), next.dyn_into::<Uint8Array>()) {
            (Some(size), _) => {
                let Size { columns, rows } = read(&size)?;
                input.resize(TerminalSize { width: columns, height: rows }).await
            }
            (None, Ok(bytes)) => {
                let bytes = bytes.to_vec();
                let written = input.write_all(&bytes).await;
                let flushed = if written.is_ok() { input.flush().await } else { written };
                flushed.map_err(|error| Error::canceled(error.to_string()))
            }
            (None, Err(_)) => Err(Error::config("the input of a command is bytes")),
        };
        match sent {
            // That the connection has gone is told by the output.
            Err(error) if error.is_transport() || error.is_canceled() => break,
            sent => sent?,
        }
    }
    Ok(input)
}
