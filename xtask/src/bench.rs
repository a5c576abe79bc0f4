//! `cargo xtask bench`: builds Portolan's and its peers' contestants and has tests/bench run them in turns.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;

use crate::process::{command, run as perform};
use crate::programs::find;
use crate::{cluster_binary, fixtures, setup, workspace};

/// What to measure.
#[derive(Args)]
pub(crate) struct Options {
    /// Under five minutes: fewer rounds, objects and events. For a first look, not for figures to quote.
    #[arg(long)]
    quick: bool,
    /// Write the goals and what came of them to this file, as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Fail when a goal that the committed baseline met is lost.
    #[arg(long)]
    compare: bool,
    /// Write the baseline, the tables and the charts in docs/.
    #[arg(long, conflicts_with_all = ["quick", "json"])]
    write: bool,
    /// How many times each contestant runs.
    #[arg(long)]
    rounds: Option<usize>,
    /// Only the groups whose name holds this text.
    #[arg(long)]
    only: Option<String>,
    /// Only the contestants whose label holds this text.
    #[arg(long)]
    contestant: Option<String>,
}

/// Where the last full run is kept.
const BASELINE: &str = "docs/bench/baseline.json";

/// Runs the command.
pub(crate) fn run(options: &Options) -> Result<()> {
    let programs = workspace::target()?.join("bench");
    fs::create_dir_all(&programs).context("making a directory for the contestants")?;
    build_ours(&programs)?;
    build_kube_rs(&programs)?;
    build_client_go(&programs)?;
    let mut bench = command(&[&programs.join("portolan-bench").to_string_lossy()]);
    bench.arg("--programs").arg(&programs);
    match setup::install_npm(&peer("node")) {
        Ok(()) => drop(bench.arg("--node").arg(peer("node"))),
        Err(error) => println!("LEFT OUT: the JavaScript contestants: {error:#}"),
    }
    match fixtures::upstream() {
        Ok(directory) => drop(bench.arg("--fixtures").arg(directory)),
        Err(error) => println!("LEFT OUT: pods made of upstream's fixture: {error:#}"),
    }
    if options.quick {
        bench.arg("--quick");
    }
    let rounds = options.rounds.map(|rounds| rounds.to_string());
    for (name, value) in
        [("--rounds", &rounds), ("--only", &options.only), ("--contestant", &options.contestant)]
    {
        bench.args(value.iter().flat_map(|value| [name, value]));
    }
    let baseline = workspace::root().join(BASELINE);
    if options.compare {
        bench.arg("--compare").arg(&baseline);
    }
    if options.write {
        bench.arg("--docs").arg(baseline.parent().context("a folder")?).arg("--json").arg(&baseline);
    } else if let Some(path) = &options.json {
        bench.arg("--json").arg(path);
    }
    perform(&mut bench)
}

fn build_ours(programs: &Path) -> Result<()> {
    perform(&mut command(&["cargo", "build", "--quiet", "--release", "--package=portolan-bench"]))?;
    let built = workspace::target()?.join("release");
    for name in ["portolan-bench", "bench-portolan", "bench-portolan-counted"] {
        install(&built.join(name), &programs.join(name))?;
    }
    Ok(())
}

/// kube-rs is a workspace of its own, so that nothing it needs reaches Portolan's.
fn build_kube_rs(programs: &Path) -> Result<()> {
    let target = workspace::target()?.join("peers");
    let mut cargo = command(&["cargo", "build", "--quiet", "--release", "--locked"]);
    perform(cargo.current_dir(peer("kube-rs")).env("CARGO_TARGET_DIR", &target))?;
    for name in ["bench-kube-rs", "bench-kube-rs-counted"] {
        install(&target.join("release").join(name), &programs.join(name))?;
    }
    Ok(())
}

fn build_client_go(programs: &Path) -> Result<()> {
    if find(&["go"]).is_none() {
        println!("LEFT OUT: client-go, for there is no go on the path");
        return Ok(());
    }
    let mut go = cluster_binary::go(&["build", "-o"]);
    perform(go.arg(programs.join("bench-client-go")).arg(".").current_dir(peer("client-go")))
}

fn peer(name: &str) -> PathBuf {
    workspace::root().join("tests/bench/peers").join(name)
}

/// Copies a program to where the next build does not touch it.
fn install(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).map(drop).with_context(|| format!("copying {} to {}", from.display(), to.display()))
}
