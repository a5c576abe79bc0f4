//! `cargo xtask test`: every check and test, step after step. What cannot run for want of a program is counted as
//! skipped, never as passed; a step that ran no test has failed.

mod follow;
mod steps;
mod tally;

use std::fmt;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Args;

use crate::process::{command, shown};
use crate::{cluster_binary, setup, workspace};
use follow::{Ended, follow};
use steps::Step;
use tally::Tally;

/// So long a step may take, which is several times what the longest takes on two busy cores. Then it hangs.
const LIMIT: Duration = Duration::from_secs(20 * 60);

/// Which tests to run.
#[derive(Args)]
pub(crate) struct Options {
    /// First install what is missing, as `cargo xtask setup` does.
    #[arg(long)]
    setup: bool,
    /// Only what needs nothing but Rust.
    #[arg(long, conflicts_with = "setup")]
    quick: bool,
    /// Only the tests on a real cluster, with the API server of an older minor version (tests/skew), built when it is not there.
    #[arg(long, conflicts_with_all = ["setup", "quick"])]
    skew: bool,
}

/// Runs the command. In CI (`CI=true`) a skipped test is a failure too.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    if options.setup {
        headline("setup");
        if let Err(error) = setup::run() {
            println!("setup is incomplete, what it lacks will be skipped: {error:#}");
        }
    }
    let older = options.skew.then(cluster_binary::build_older).transpose()?;
    let steps = if options.skew { vec![steps::on_an_older_cluster()] } else { steps::all() };
    let chosen: Vec<&Step> = steps.iter().filter(|step| step.quick || !options.quick).collect();
    let perform = |step: &&Step| perform(step, older.as_deref());
    let outcomes = chosen.iter().map(perform).collect::<Result<Vec<_>>>()?;
    if options.quick {
        let left_out: Vec<&str> = steps.iter().filter(|step| !step.quick).map(|step| step.title).collect();
        println!("\nleft out by --quick: {}", left_out.join("; "));
    }
    let total = summarize(&outcomes);
    let strict = std::env::var("CI").is_ok_and(|value| value == "true");
    if total.skipped > 0 && strict {
        println!("in CI a skipped test is a failure");
    }
    println!("{total}");
    let bad = total.failed > 0 || (strict && total.skipped > 0);
    Ok(if bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Runs `cargo xtask tidy`.
pub(crate) fn tidy() -> Result<()> {
    crate::process::run(&mut command(&[
        "cargo",
        "test",
        "--quiet",
        "--package=portolan-tests",
        "--test=tidy",
    ]))
}

/// What came of a step.
struct Outcome {
    title: &'static str,
    tally: Tally,
    took: Duration,
    /// Why it was skipped, or failed without a failing test.
    remark: Option<String>,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { title, tally, took, remark } = self;
        let word = match tally {
            Tally { failed: 1.., .. } => "FAILED",
            Tally { skipped: 1.., .. } => "SKIPPED",
            _ => "passed",
        };
        write!(f, "{word:8} {title:52} {tally} ({:.1} s)", took.as_secs_f64())?;
        remark.iter().try_for_each(|remark| write!(f, "\n         {remark}"))
    }
}

/// `older` holds the programs of another cluster than tests/cluster.
fn perform(step: &Step, older: Option<&Path>) -> Result<Outcome> {
    headline(step.title);
    let started = Instant::now();
    let missing: Vec<String> = step.needs.iter().filter_map(|need| need.missing()).collect();
    let (tally, remark) = if missing.is_empty() {
        execute(step, older)?
    } else {
        let remark = format!("{}; `cargo xtask test --setup` installs it", missing.join(", "));
        (Tally { skipped: 1, ..Tally::default() }, Some(remark))
    };
    let outcome = Outcome { title: step.title, tally, took: started.elapsed(), remark };
    println!("{outcome}");
    Ok(outcome)
}

/// Runs a program, passing its output on and counting the tests in it.
fn execute(step: &Step, older: Option<&Path>) -> Result<(Tally, Option<String>)> {
    let line: Vec<&str> = step.line.split_whitespace().collect();
    let mut program = if line[0] == "go" { cluster_binary::go(&line[1..]) } else { command(&line) };
    program
        .current_dir(workspace::root().join(step.directory))
        .env("PORTOLAN_TARGET", workspace::target()?)
        .env("PORTOLAN_CLUSTER", cluster_binary::path()?)
        .envs(older.map(|folder| ("KUBEBUILDER_ASSETS", folder)));
    println!("$ {}", shown(&program));
    let mut tally = Tally::default();
    let ended = follow(&mut program, LIMIT, |output| step.count.read(output, &mut tally))?;
    Ok(match ended {
        Ended::Itself { success } => step.count.settle(tally, success),
        Ended::Killed => {
            tally.failed += 1;
            let minutes = LIMIT.as_secs() / 60;
            (tally, Some(format!("it had not ended after {minutes} minutes and was killed: something hangs")))
        }
    })
}

fn headline(title: &str) {
    println!("\n=== {title}");
}

fn summarize(outcomes: &[Outcome]) -> Tally {
    println!("\n=== summary");
    let mut total = Tally::default();
    for outcome in outcomes {
        println!("{outcome}");
        total.add(&outcome.tally);
    }
    println!();
    total
}
