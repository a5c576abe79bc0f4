//! Runs one contestant once: starts it, tells it what to do, has the server play, and gathers what it says it took.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::answers::Shape;
use crate::metric::Metric;
use crate::plan::{Contestant, Program, Step, Work};
use crate::server::{Play, Server, Way};

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

/// Runs `program` as `contestant` through `work`.
pub(crate) fn run(
    program: &[PathBuf],
    contestant: &Contestant,
    server: &Server,
    work: &Work,
) -> Result<Taken> {
    server.forget();
    let mut running = Running::start(program, contestant, server)?;
    let taken = match work {
        Work::Sync(steps) => running.through(contestant, server, steps),
        Work::Itself | Work::HandedIn => running.by_itself(),
    };
    // A browser's driver closes it at the end of its input; the others need not be waited for.
    drop(running.input);
    if contestant.program != Program::Chromium {
        let _ = running.child.kill();
    }
    let _ = running.child.wait();
    let expected = |(way, shape): &(Way, Shape)| {
        *shape == contestant.shape() && [contestant.way(), Way::Watch].contains(way)
    };
    match server.asked().into_iter().find(|asked| !expected(asked)) {
        Some((way, shape)) => bail!("{}: it asked for a {way:?} of {shape:?}", contestant.label),
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
        command.args(rest).arg(format!("objects={}", server.answers().count));
        if contestant.argument("tls") == "yes" {
            command.arg(format!("server={}", server.https));
            command.arg(format!("authority={}", server.authority().display()));
        } else {
            command.arg(format!("server={}", server.http));
        }
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
    fn expect(&mut self, what: &str) -> Result<Value> {
        let line = match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => bail!("no {what:?} within {PATIENCE:?}"),
            // It has closed its output.
            Err(RecvTimeoutError::Disconnected) => {
                bail!("it ended with {} before {what:?}", self.child.wait()?)
            }
        };
        if line["did"] != what {
            bail!("it did {} and was to do {what:?}", line["did"]);
        }
        Ok(line)
    }

    /// What it tells that measures itself: figures by their names.
    fn by_itself(&mut self) -> Result<Taken> {
        let line = self.expect("all")?;
        let values = serde_json::from_value(line["values"].clone()).context("its figures")?;
        let proof = line["proof"].as_u64().context("a proof")?;
        let settings = line["settings"].as_str().unwrap_or_default().to_owned();
        Ok(Taken { values, proofs: [("all".to_owned(), proof)].into(), settings })
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
        let (cpu, rss, peak) = (number(&sync, "cpu")?, number(&settle, "rss")?, number(&settle, "peak")?);
        let (each, heap) = (|all: f64| all / count.max(1) as f64, settle["heap"].as_f64());
        let stored = prove["stored"].as_f64();
        let values = [
            (Metric::SyncCpu, Some(cpu)),
            (Metric::SyncCpuEach, Some(each(cpu * 1e6))),
            (Metric::SyncWall, sync["wall"].as_f64()),
            (Metric::Settled, Some(each(rss - number(&start, "rss")?))),
            (Metric::Peak, Some(peak / 1e6)),
            (Metric::PeakToSettled, Some(peak / rss)),
            (Metric::Heap, heap.map(each)),
            (Metric::HeapAboveBytes, heap.zip(stored).map(|(heap, stored)| each(heap - stored))),
        ];
        taken.values.extend(values.into_iter().filter_map(|(metric, value)| Some((metric, value?))));
        for step in steps.iter().filter(|step| !contestant.leaves_out(step)) {
            let did = self.step(server, step)?;
            taken.values.extend(values_of(step, &did, cpu)?);
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
        // Whoever does not listen has ended, and is met so next.
        let _ = writeln!(self.input, "{words}");
        if let Some(play) = play {
            self.expect("ready")?;
            if !server.play(play, PATIENCE) {
                bail!("it opened no watch");
            }
        }
        self.expect(did)
    }
}

/// The figures of a step, of which the contestant said what it did; its sync took `sync` seconds of CPU.
fn values_of(step: &Step, did: &Value, sync: f64) -> Result<Vec<(Metric, f64)>> {
    let cpu = || number(did, "cpu");
    Ok(match step {
        Step::Burst(events) => vec![(Metric::BurstEvent, cpu()? * 1e6 / *events as f64)],
        Step::Paced(events) => vec![(Metric::PacedEvent, cpu()? * 1e6 / *events as f64)],
        Step::Relist => vec![(Metric::RelistCpu, cpu()?)],
        Step::Read => vec![(Metric::ReadCpu, cpu()?), (Metric::UseCpu, sync + cpu()?)],
        Step::Paths => vec![
            (Metric::Decode, number(did, "decode")?),
            (Metric::ShallowPath, number(did, "shallow")?),
            (Metric::DeepPath, number(did, "deep")?),
        ],
    })
}

fn number(line: &Value, name: &str) -> Result<f64> {
    line[name].as_f64().with_context(|| format!("its line has no {name}: {line}"))
}
