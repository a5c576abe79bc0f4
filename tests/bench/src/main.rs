//! The benchmark: the canned server, and who runs the contestants on it in turns. `cargo xtask bench` builds them all and
//! runs this.
#![expect(clippy::print_stdout, reason = "a program's output is its purpose")]

mod answers;
mod child;
mod figures;
mod machine;
mod plan;
mod report;
mod server;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Parser;

use answers::Answers;
use figures::Figures;
use plan::{Contestant, Group, Step};
use portolan_bench::corpus::Corpus;
use server::Server;

/// Runs the benchmark.
#[derive(Parser)]
struct Options {
    /// The directory of the contestants' programs.
    #[arg(long)]
    programs: PathBuf,
    /// The directory of the JavaScript contestants, with their packages installed.
    #[arg(long)]
    node: Option<PathBuf>,
    /// The directory of upstream's fixtures, which some pods are made from.
    #[arg(long)]
    fixtures: Option<PathBuf>,
    /// Fewer rounds, objects and events.
    #[arg(long)]
    quick: bool,
    /// How many times each contestant runs; 5, or 2 when quick.
    #[arg(long)]
    rounds: Option<usize>,
    /// Only the groups whose name holds this text.
    #[arg(long)]
    only: Option<String>,
    /// Only the contestants whose label holds this text.
    #[arg(long)]
    contestant: Option<String>,
    /// The same number makes the same pods.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where to write the rows as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// The directory for the Markdown table and the charts.
    #[arg(long)]
    docs: Option<PathBuf>,
    /// Rows of an earlier run: fails when a goal met there is lost.
    #[arg(long)]
    compare: Option<PathBuf>,
    /// Serve so many pods until the end of standard input, and run nobody.
    #[arg(long)]
    serve: Option<usize>,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<ExitCode> {
    if let Some(count) = options.serve {
        let corpus = Corpus::new(options.seed, options.fixtures.as_deref())?;
        let server = Server::start(Answers::new(corpus, count, count))?;
        println!("http://{}", server.address);
        std::io::read_to_string(std::io::stdin()).context("waiting for the end of standard input")?;
        return Ok(ExitCode::SUCCESS);
    }
    let rounds = options.rounds.unwrap_or(if options.quick { 2 } else { 5 });
    let chosen = |name: &str| options.only.as_deref().is_none_or(|text| name.contains(text));
    let mut rows = Vec::new();
    let mut all = Vec::new();
    for mut group in plan::groups(options.quick).into_iter().filter(|group| chosen(group.name)) {
        let wanted =
            |one: &Contestant| options.contestant.as_deref().is_none_or(|text| one.label.contains(text));
        group.contestants.retain(wanted);
        let figures = run_group(&group, options, rounds)?;
        println!("{}", report::group_table(&group, &figures));
        rows.extend(report::rows(&group, &figures));
        all.push((group, figures));
    }
    if rows.is_empty() && all.is_empty() {
        bail!("no group is named like that; there are: {}", names(options.quick));
    }
    println!("{}", report::goals_table(&rows));
    if let Some(path) = &options.json {
        let text = serde_json::to_string_pretty(&rows)?;
        std::fs::write(path, text + "\n").with_context(|| format!("writing {}", path.display()))?;
    }
    if let Some(directory) = &options.docs {
        report::write_docs(directory, &all, &rows, rounds)?;
    }
    match &options.compare {
        Some(path) => compare(path, &rows),
        None => Ok(ExitCode::SUCCESS),
    }
}

fn names(quick: bool) -> String {
    plan::groups(quick).iter().map(|group| group.name).collect::<Vec<_>>().join("; ")
}

/// Runs every contestant of the group, one after the other, and that again and again.
fn run_group(group: &Group, options: &Options, rounds: usize) -> Result<Figures> {
    println!("\n## {}", group.name);
    let corpus = Corpus::new(options.seed, options.fixtures.as_deref())?;
    let events = group.steps.iter().map(Step::events).max().unwrap_or(0);
    let server = Server::start(Answers::new(corpus, group.objects, events))?;
    for contestant in &group.contestants {
        prepare(&server, contestant, events)?;
    }
    println!("{}", server.answers().sizes());
    let mut figures = Figures::default();
    for round in 1..=rounds {
        for contestant in &group.contestants {
            let Some(program) = contestant.program.command(&options.programs, options.node.as_deref()) else {
                figures.leave_out(contestant, "its program is not there");
                continue;
            };
            let taken = child::run(&program, contestant, &server, &group.steps)?;
            println!("round {round}: {}: {}", contestant.label, figures::one_line(&taken));
            figures.take(contestant, taken)?;
        }
    }
    for (label, why) in figures.left_out() {
        println!("LEFT OUT: {label}: {why}");
    }
    Ok(figures)
}

fn prepare(server: &Server, contestant: &Contestant, events: usize) -> Result<()> {
    let watch_list = contestant.argument("sync") == "watch-list";
    server.answers().prepare(contestant.shape(), !watch_list, watch_list, events > 0)
}

/// Says which goals met in the earlier run are lost in this one.
fn compare(path: &Path, rows: &[report::Row]) -> Result<ExitCode> {
    let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let earlier: Vec<report::Row> = serde_json::from_str(&text).context("the rows of the earlier run")?;
    let lost = report::lost(&earlier, rows);
    for line in &lost {
        println!("LOST: {line}");
    }
    Ok(if lost.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
