//! `cargo xtask bench`: builds Portolan's and its peers' contestants and has tests/bench run them in turns.

use std::fs;
use std::io::ErrorKind;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use clap::Args;

use crate::process::{command, run as perform};
use crate::programs::Need;
use crate::{bindgen, cluster_binary, fixtures, setup, sizes, workspace};

/// What to measure.
#[derive(Args)]
pub(crate) struct Options {
    /// Under five minutes once all is built: fewer rounds, objects, events and contestants. For a first look, not for
    /// figures to quote.
    #[arg(long)]
    quick: bool,
    /// One round of hardly anything, unoptimised: fails when a contestant cannot run or does not prove the same work as
    /// the others. Measures nothing.
    #[arg(long, conflicts_with_all = ["quick", "json", "compare", "write"])]
    smoke: bool,
    /// Write the goals and what came of them to this file, as JSON, group by group.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Fail when a goal that the committed baseline met is lost, or one of the groups that ran is not measured.
    #[arg(long, conflicts_with = "contestant")]
    compare: bool,
    /// Put what is measured in the place of the baseline of the same groups in docs/, with tables and charts: each group
    /// as it ends, unless `--compare` finds a goal of it lost. Refused with less than five rounds, and where a contestant
    /// cannot run.
    #[arg(long, conflicts_with_all = ["quick", "contestant"])]
    write: bool,
    /// How many times each contestant runs.
    #[arg(long)]
    rounds: Option<NonZeroUsize>,
    /// Only the group of this name; may be given several times.
    #[arg(long)]
    only: Vec<String>,
    /// Only the contestants whose label holds this text.
    #[arg(long)]
    contestant: Option<String>,
}

/// Where the figures of the last run of each group are kept.
const DOCS: &str = "docs/bench";

/// The group whose figures are sizes.
const SIZES: &str = "wasm sizes";

/// Runs the command.
pub(crate) fn run(options: &Options) -> Result<()> {
    let programs = workspace::target()?.join("bench");
    fs::create_dir_all(&programs).context("making a directory for the contestants")?;
    let profile = if options.smoke { "dev" } else { "release" };
    build_ours(&programs, profile)?;
    // What it would refuse, it refuses before the others are built.
    perform(asked(options, &programs).arg("--check"))?;
    build_kube_rs(&programs, profile)?;
    build_client_go(&programs)?;
    let mut bench = asked(options, &programs);
    match setup::install_npm(&peer("node")) {
        Ok(()) => {
            let page = build_page(&programs, if options.smoke { "dev" } else { bindgen::SHIPPED })?;
            bench.arg("--node").arg(peer("node")).arg("--page").arg(page);
        }
        Err(error) => println!("LEFT OUT: the JavaScript contestants: {error:#}"),
    }
    match [Need::Chromium, Need::BrowserPackages].into_iter().find_map(Need::missing) {
        None => drop(bench.arg("--browser")),
        Some(missing) => println!("LEFT OUT: the contestants in Chromium: {missing}"),
    }
    match fixtures::upstream() {
        Ok(directory) => drop(bench.arg("--fixtures").arg(directory)),
        Err(error) => println!("LEFT OUT: pods made of upstream's fixture: {error:#}"),
    }
    if !options.smoke && (options.only.is_empty() || options.only.iter().any(|name| name == SIZES)) {
        for (label, module) in [("informer", bindgen::INFORMER), ("dashboard", bindgen::DASHBOARD)] {
            bench.arg("--size").arg(format!("{label}={}", sizes::compressed(module)?));
        }
    }
    perform(&mut bench)
}

/// The program of tests/bench, told what is asked for here.
fn asked(options: &Options, programs: &Path) -> Command {
    let mut bench = command(&[&programs.join("portolan-bench").to_string_lossy()]);
    bench.arg("--programs").arg(programs);
    bench.args(options.quick.then_some("--quick")).args(options.smoke.then_some("--smoke"));
    bench.args(options.only.iter().flat_map(|name| ["--only", name]));
    let rounds = options.rounds.map(|rounds| rounds.to_string());
    for (name, value) in [("--rounds", &rounds), ("--contestant", &options.contestant)] {
        bench.args(value.iter().flat_map(|value| [name, value]));
    }
    let docs = workspace::root().join(DOCS);
    if options.compare {
        bench.arg("--compare").arg(docs.join("baseline.json"));
    }
    if options.write {
        bench.arg("--docs").arg(docs);
    }
    bench.args(options.json.iter().flat_map(|path| [Path::new("--json"), path]));
    bench
}

fn build_ours(programs: &Path, profile: &str) -> Result<()> {
    perform(&mut command(&["cargo", "build", "--quiet", "--profile", profile, "--package=portolan-bench"]))?;
    let built = workspace::target()?.join(workspace::built_by(profile));
    for name in ["portolan-bench", "bench-portolan", "bench-portolan-counted"] {
        install(&built.join(name), &programs.join(name))?;
    }
    Ok(())
}

/// kube-rs is a workspace of its own, so that nothing it needs reaches Portolan's.
fn build_kube_rs(programs: &Path, profile: &str) -> Result<()> {
    let target = workspace::target()?.join("peers");
    let mut cargo = command(&["cargo", "build", "--quiet", "--locked", "--profile", profile]);
    perform(cargo.current_dir(peer("kube-rs")).env("CARGO_TARGET_DIR", &target))?;
    for name in ["bench-kube-rs", "bench-kube-rs-counted"] {
        install(&target.join(workspace::built_by(profile)).join(name), &programs.join(name))?;
    }
    Ok(())
}

fn build_client_go(programs: &Path) -> Result<()> {
    let program = programs.join("bench-client-go");
    if let Some(missing) = Need::Go.missing() {
        println!("LEFT OUT: client-go: {missing}: install it from go.dev/dl");
        // None of an earlier day is to run.
        return remove(&program);
    }
    let mut go = cluster_binary::go(&["build", "-o"]);
    perform(go.arg(program).arg(".").current_dir(peer("client-go")))
}

/// The folder of the page: our module, the scripts, and client-node's as npm installed it.
fn build_page(programs: &Path, profile: &str) -> Result<PathBuf> {
    let page = programs.join("page");
    let wasm = bindgen::compile(bindgen::MEASURED, profile)?;
    bindgen::generate(bindgen::MEASURED, &wasm, &page, bindgen::Names::Dropped)?;
    let scripts = workspace::root().join("tests/bench/page/www");
    for script in fs::read_dir(&scripts).context("the page's scripts")? {
        let script = script?;
        fs::copy(script.path(), page.join(script.file_name())).context("copying the page's scripts")?;
    }
    let models = page.join("client-node");
    if !models.exists() {
        let generated = peer("node/node_modules/@kubernetes/client-node/dist/gen");
        std::os::unix::fs::symlink(generated, models).context("linking client-node's models")?;
    }
    Ok(page)
}

fn peer(name: &str) -> PathBuf {
    workspace::root().join("tests/bench/peers").join(name)
}

/// Removes a program, if it is there.
fn remove(program: &Path) -> Result<()> {
    match fs::remove_file(program) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", program.display()))
        }
        _ => Ok(()),
    }
}

/// Copies a program to where the next build does not touch it. One that still runs goes on with the file it has.
fn install(from: &Path, to: &Path) -> Result<()> {
    remove(to)?;
    fs::copy(from, to).map(drop).with_context(|| format!("copying {} to {}", from.display(), to.display()))
}
