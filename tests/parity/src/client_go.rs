//! client-go: one Go program plays every scenario, told over its stdin.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::player::{Act, InformerOptions};
use crate::trace::Trace;

/// The running program. It ends with its stdin.
pub(crate) struct ClientGo {
    stdin: Arc<Mutex<ChildStdin>>,
    traces: Traces,
    program: Mutex<Child>,
}

type Traces = Arc<Mutex<HashMap<String, Trace>>>;

/// One scenario's informer in it.
pub(crate) struct ClientGoPlayer {
    scenario: String,
    stdin: Arc<Mutex<ChildStdin>>,
}

#[derive(Deserialize)]
struct Line {
    scenario: String,
    text: String,
}

impl ClientGo {
    pub(crate) fn start(program: &str) -> Result<Self> {
        let mut child = Command::new(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {program}: `cargo xtask parity` builds it"))?;
        let stdin = child.stdin.take().context("the program's stdin")?;
        let stdout = child.stdout.take().context("the program's stdout")?;
        let traces = Traces::default();
        let known = traces.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let Ok(Line { scenario, text }) = serde_json::from_str(&line) else { continue };
                let trace = known.lock().unwrap_or_else(PoisonError::into_inner).get(&scenario).cloned();
                if let Some(trace) = trace {
                    trace.tell(text);
                }
            }
        });
        Ok(Self { stdin: Arc::new(Mutex::new(stdin)), traces, program: Mutex::new(child) })
    }

    pub(crate) fn player(&self, scenario: &str, trace: Trace) -> ClientGoPlayer {
        self.traces.lock().unwrap_or_else(PoisonError::into_inner).insert(scenario.to_owned(), trace);
        ClientGoPlayer { scenario: scenario.to_owned(), stdin: self.stdin.clone() }
    }
}

impl Drop for ClientGo {
    fn drop(&mut self) {
        let program = self.program.get_mut().unwrap_or_else(PoisonError::into_inner);
        // It may have ended by itself.
        let _ = program.kill();
        let _ = program.wait();
    }
}

impl ClientGoPlayer {
    pub(crate) fn make(&self, options: &InformerOptions) -> Result<()> {
        let form = if options.form == "lazy" { "typed" } else { &options.form };
        let options = InformerOptions { form: form.to_owned(), ..options.clone() };
        self.tell(&json!({ "scenario": self.scenario, "do": "make", "options": options }))
    }

    pub(crate) fn act(&self, act: Act<'_>, number: usize) -> Result<()> {
        let (what, name, resync) = match act {
            Act::Run => ("run", "", None),
            Act::Stop => ("stop", "", None),
            Act::AddHandler { name, resync_ms } => ("handler", name, resync_ms),
            Act::RemoveHandler(name) => ("remove", name, None),
            Act::WaitForSync(name) => ("synced", name, None),
            Act::Check(name) => ("check", name, None),
        };
        let resync = resync.and_then(|resync| i64::try_from(resync).ok()).unwrap_or(-1);
        self.tell(&json!({ "scenario": self.scenario, "do": what, "number": number, "name": name, "resync_ms": resync }))
    }

    fn tell(&self, command: &Value) -> Result<()> {
        let mut stdin = self.stdin.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(stdin, "{command}").context("client-go's program has ended: see its message above")
    }
}
