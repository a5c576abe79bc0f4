//! Runs one contestant once: starts it, tells it what to do, has the server play, and gathers what it says it took.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::plan::{Contestant, Metric, Step};
use crate::server::{Play, Server};

/// The longest any one thing may take.
const PATIENCE: Duration = Duration::from_secs(240);

/// What one run took.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    pub(crate) values: BTreeMap<Metric, f64>,
    /// The sum that proves the work, after each thing done.
    pub(crate) proofs: BTreeMap<String, u64>,
    pub(crate) settings: String,
}

/// Runs `program` as `contestant` through `steps`.
pub(crate) fn run(
    program: &[PathBuf],
    contestant: &Contestant,
    server: &Server,
    steps: &[Step],
) -> Result<Taken> {
    server.forget();
    let mut running = Running::start(program, contestant, server)?;
    let taken = running.through(contestant, server, steps);
    let _ = running.child.kill();
    let _ = running.child.wait();
    let other = server.asked().into_iter().find(|shape| *shape != contestant.shape());
    match other {
        Some(shape) => bail!("{}: it asked for {shape:?}", contestant.label),
        None => taken.with_context(|| contestant.label.clone()),
    }
}

struct Running {
    child: Child,
    input: ChildStdin,
    lines: Receiver<Value>,
}

impl Running {
    fn start(program: &[PathBuf], contestant: &Contestant, server: &Server) -> Result<Self> {
        let (first, rest) = program.split_first().context("no program")?;
        let mut command = Command::new(first);
        command.args(rest);
        command.arg(format!("server=http://{}", server.address));
        command.arg(format!("objects={}", server.answers().count));
        command.args(contestant.arguments.iter().map(|(name, value)| format!("{name}={value}")));
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {}", first.display()))?;
        let input = child.stdin.take().context("a contestant's input")?;
        let output = child.stdout.take().context("a contestant's output")?;
        let (send, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let Ok(line) = serde_json::from_str(&line) else { continue };
                if send.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Self { child, input, lines })
    }

    /// The next line, which must say that it did `what`.
    fn expect(&self, what: &str) -> Result<Value> {
        let line = self.lines.recv_timeout(PATIENCE).with_context(|| format!("waiting for {what:?}"))?;
        if line["did"] != what {
            bail!("it did {} and was to do {what:?}", line["did"]);
        }
        Ok(line)
    }

    fn through(&mut self, contestant: &Contestant, server: &Server, steps: &[Step]) -> Result<Taken> {
        let mut taken = Taken::default();
        let start = self.expect("start")?;
        taken.settings = start["settings"].as_str().unwrap_or_default().to_owned();
        let sync = self.expect("sync")?;
        let settle = self.expect("settle")?;
        let prove = self.expect("prove")?;
        let count = server.answers().count;
        if prove["objects"] != count {
            bail!("it holds {} objects of {count}", prove["objects"]);
        }
        taken.proofs.insert("sync".to_owned(), prove["proof"].as_u64().context("a proof")?);
        let mut put = |metric, value: Option<f64>| {
            if let Some(value) = value {
                taken.values.insert(metric, value);
            }
        };
        let (rss, peak) = (number(&settle, "rss")?, number(&settle, "peak")?);
        put(Metric::SyncCpu, sync["cpu"].as_f64());
        put(Metric::SyncWall, sync["wall"].as_f64());
        put(Metric::Settled, Some((rss - number(&start, "rss")?) / count as f64));
        put(Metric::Peak, Some(peak));
        put(Metric::PeakToSettled, Some(peak / rss));
        put(Metric::Heap, settle["heap"].as_f64().map(|heap| heap / count as f64));
        for step in steps.iter().filter(|step| !contestant.leaves_out(step)) {
            let did = self.step(server, step)?;
            if *step == Step::Paths {
                for (metric, name) in
                    [(Metric::Decode, "decode"), (Metric::ShallowPath, "shallow"), (Metric::DeepPath, "deep")]
                {
                    taken.values.insert(metric, number(&did, name)?);
                }
                continue;
            }
            let (metric, per) = match step {
                Step::Burst(events) => (Metric::BurstEvent, *events as f64 / 1e6),
                Step::Paced(events) => (Metric::PacedEvent, *events as f64 / 1e6),
                Step::Relist => (Metric::RelistCpu, 1.0),
                Step::Read | Step::Paths => (Metric::ReadCpu, 1.0),
            };
            taken.values.insert(metric, number(&did, "cpu")? / per);
            if let (Some(name), Some(proof)) = (did["did"].as_str(), did["proof"].as_u64()) {
                taken.proofs.insert(name.to_owned(), proof);
            }
        }
        Ok(taken)
    }

    fn step(&mut self, server: &Server, step: &Step) -> Result<Value> {
        let (words, play, did) = match step {
            Step::Burst(events) => (format!("watch {events}"), Some(Play::Burst(*events)), "watch"),
            Step::Paced(events) => {
                let play = Play::Paced(*events, Duration::from_millis(1));
                (format!("watch {events}"), Some(play), "watch")
            }
            Step::Relist => ("relist".to_owned(), Some(Play::Expired), "relist"),
            Step::Read => ("read".to_owned(), None, "read"),
            Step::Paths => ("paths".to_owned(), None, "paths"),
        };
        writeln!(self.input, "{words}").context("telling it what to do")?;
        if let Some(play) = play {
            self.expect("ready")?;
            if !server.play(play, PATIENCE) {
                bail!("it opened no watch");
            }
        }
        self.expect(did)
    }
}

fn number(line: &Value, name: &str) -> Result<f64> {
    line[name].as_f64().with_context(|| format!("its line has no {name}: {line}"))
}
