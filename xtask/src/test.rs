//! `cargo xtask test`: every check and test, step after step. What cannot run for want of a program is counted as
//! skipped, never as passed; a step that ran no test has failed.

mod steps;
mod tally;

use std::io::{BufRead, BufReader};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Args;

use crate::process::{command, shown};
use crate::{cluster_binary, setup, workspace};
use steps::Step;
use tally::Tally;

/// Which tests to run.
#[derive(Args)]
pub(crate) struct Options {
    /// First install what is missing, as `cargo xtask setup` does.
    #[arg(long)]
    setup: bool,
    /// Only what needs nothing but Rust.
    #[arg(long, conflicts_with = "setup")]
    quick: bool,
}

/// Runs the command. In CI (`CI=true`) a skipped test is a failure too.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    if options.setup {
        headline("setup");
        if let Err(error) = setup::run() {
            println!("setup is incomplete, what it lacks will be skipped: {error:#}");
        }
    }
    let steps = steps::all();
    let chosen: Vec<&Step> = steps.iter().filter(|step| step.quick || !options.quick).collect();
    let outcomes = chosen.iter().map(|step| perform(step)).collect::<Result<Vec<_>>>()?;
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

fn perform(step: &Step) -> Result<Outcome> {
    headline(step.title);
    let started = Instant::now();
    let missing: Vec<String> = step.needs.iter().filter_map(|need| need.missing()).collect();
    let (tally, remark) = if missing.is_empty() {
        execute(step)?
    } else {
        let remark = format!("{}; `cargo xtask test --setup` installs it", missing.join(", "));
        (Tally { skipped: 1, ..Tally::default() }, Some(remark))
    };
    if let Some(remark) = &remark {
        println!("{}: {remark}", if tally.skipped > 0 { "SKIPPED" } else { "FAILED" });
    }
    Ok(Outcome { title: step.title, tally, took: started.elapsed(), remark })
}

/// Runs a program, passing its output on and counting the tests in it.
fn execute(step: &Step) -> Result<(Tally, Option<String>)> {
    let line: Vec<&str> = step.line.split_whitespace().collect();
    let mut program = if line[0] == "go" { cluster_binary::go(&line[1..]) } else { command(&line) };
    program
        .current_dir(workspace::root().join(step.directory))
        .env("PORTOLAN_TARGET", workspace::target()?)
        .env("PORTOLAN_CLUSTER", cluster_binary::path()?);
    println!("$ {}", shown(&program));
    let mut tally = Tally::default();
    let success = follow(&mut program, |output| step.count.read(output, &mut tally))?;
    Ok(step.count.settle(tally, success))
}

fn follow(program: &mut Command, mut read: impl FnMut(&str)) -> Result<bool> {
    let mut child =
        program.stdout(Stdio::piped()).spawn().with_context(|| format!("starting {}", shown(program)))?;
    let output = child.stdout.take().context("a program's output")?;
    for line in BufReader::new(output).split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned();
        println!("{line}");
        read(&line);
    }
    Ok(child.wait()?.success())
}

fn headline(title: &str) {
    println!("\n=== {title}");
}

fn summarize(outcomes: &[Outcome]) -> Tally {
    println!("\n=== summary");
    let mut total = Tally::default();
    for Outcome { title, tally, took, remark } in outcomes {
        let word = match tally {
            Tally { failed: 1.., .. } => "FAILED",
            Tally { skipped: 1.., .. } => "SKIPPED",
            _ => "passed",
        };
        println!("{word:8} {title:52} {tally} ({:.1} s)", took.as_secs_f64());
        if let Some(remark) = remark {
            println!("         {remark}");
        }
        total.add(tally);
    }
    println!();
    total
}
