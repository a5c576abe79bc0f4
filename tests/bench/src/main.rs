//! The benchmark: the canned server, and who runs the contestants on it in turns. `cargo xtask bench` builds them all and
//! runs this.
#![expect(clippy::print_stdout, reason = "a program's output is its purpose")]

mod answers;
mod child;
mod figures;
mod machine;
mod metric;
mod plan;
mod report;
mod server;

use std::collections::btree_map::{BTreeMap, Entry};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Parser;

use answers::Answers;
use figures::Figures;
use metric::Metric;
use plan::{Contestant, Group, Places, Scale, Work};
use portolan_bench::corpus::Corpus;
use report::{Docs, Row};
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
    /// The directory of the page, with its wasm.
    #[arg(long)]
    page: Option<PathBuf>,
    /// There is a browser.
    #[arg(long)]
    browser: bool,
    /// The directory of upstream's fixtures, which some pods are made from.
    #[arg(long)]
    fixtures: Option<PathBuf>,
    /// `module=bytes`: what a wasm module weighs in brotli.
    #[arg(long, value_parser = size)]
    size: Vec<(String, f64)>,
    /// Fewer rounds, objects, events and contestants.
    #[arg(long)]
    quick: bool,
    /// One round of hardly anything: fails when a contestant does not prove the same work, or cannot run.
    #[arg(long, conflicts_with = "quick")]
    smoke: bool,
    /// How many times each contestant runs; 5, or 2 when quick.
    #[arg(long)]
    rounds: Option<usize>,
    /// Only the groups of these names.
    #[arg(long)]
    only: Vec<String>,
    /// Only the contestants whose label holds this text.
    #[arg(long)]
    contestant: Option<String>,
    /// The same number makes the same pods.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where to write the rows as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// The folder where the figures of each group are kept, with tables and charts.
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

fn size(text: &str) -> Result<(String, f64)> {
    let (module, bytes) = text.split_once('=').context("module=bytes")?;
    Ok((module.to_owned(), bytes.parse()?))
}

fn run(options: &Options) -> Result<ExitCode> {
    if let Some(count) = options.serve {
        let server = serve(options, count, count)?;
        println!("{}", server.http);
        std::io::read_to_string(std::io::stdin()).context("waiting for the end of standard input")?;
        return Ok(ExitCode::SUCCESS);
    }
    let (scale, rounds) = match (options.quick, options.smoke) {
        (true, _) => (Scale::Quick, 2),
        (_, true) => (Scale::Smoke, 1),
        _ => (Scale::Full, 5),
    };
    let rounds = options.rounds.unwrap_or(rounds);
    let groups = plan::groups(scale);
    let names: Vec<&str> = groups.iter().map(|group| group.name).collect();
    if let Some(unknown) = options.only.iter().find(|name| !names.contains(&name.as_str())) {
        bail!("no group is named {unknown:?}; there are: {}", names.join("; "));
    }
    let chosen =
        |group: &Group| options.only.is_empty() || options.only.iter().any(|name| name == group.name);
    let (mut rows, mut all) = (Vec::new(), Vec::new());
    for mut group in groups.into_iter().filter(chosen) {
        let wanted =
            |one: &Contestant| options.contestant.as_deref().is_none_or(|text| one.label.contains(text));
        group.contestants.retain(wanted);
        let figures = run_group(&group, options, rounds)?;
        if options.smoke
            && let Some((label, why)) = figures.left_out.first_key_value()
        {
            bail!("{label} was left out: {why}");
        }
        if !options.smoke {
            println!("{}", report::group_table(&group, &figures));
        }
        rows.extend(report::rows(&group, &figures));
        all.push(figures);
    }
    if options.smoke {
        println!("every contestant of {} groups proved the same work", all.len());
        return Ok(ExitCode::SUCCESS);
    }
    println!("{}", report::goals_table(&rows));
    if let Some(path) = &options.json {
        let text = serde_json::to_string_pretty(&rows)?;
        std::fs::write(path, text + "\n").with_context(|| format!("writing {}", path.display()))?;
    }
    let code = options.compare.as_ref().map_or(Ok(ExitCode::SUCCESS), |path| compare(path, &rows));
    if let Some(folder) = &options.docs {
        Docs(folder.clone()).write(all)?;
    }
    code
}

fn serve(options: &Options, count: usize, events: usize) -> Result<Server> {
    let corpus = Corpus::new(options.seed, count, options.fixtures.as_deref())?;
    Server::start(Answers::new(corpus, count, events), options.page.clone())
}

/// Runs every contestant of the group, one after the other, and that again and again.
fn run_group(group: &Group, options: &Options, rounds: usize) -> Result<Figures> {
    println!("\n## {} ({} objects or items)", group.name, group.objects);
    if group.work == Work::HandedIn {
        return Ok(handed_in(group, options));
    }
    let mut servers: BTreeMap<usize, Server> = BTreeMap::new();
    for contestant in &group.contestants {
        let count = if contestant.asks_for_pods() { contestant.objects(group) } else { 0 };
        let server = match servers.entry(count) {
            Entry::Occupied(server) => server.into_mut(),
            Entry::Vacant(place) => place.insert(serve(options, count, group.events())?),
        };
        if contestant.asks_for_pods() {
            prepare(server, contestant, group.events())?;
        }
    }
    let sizes: Vec<String> = servers.values().map(|server| server.answers().sizes()).collect();
    println!("{}", sizes.join("; "));
    let mut figures = Figures::of(group, rounds, sizes.join("; "));
    let places = Places {
        programs: options.programs.clone(),
        node: options.node.clone(),
        page: options.page.clone(),
        browser: options.browser,
    };
    for round in 1..=rounds {
        for contestant in &group.contestants {
            let Some(program) = contestant.program.command(&places) else {
                let why = "its program is not there".to_owned();
                figures.left_out.insert(contestant.label.clone(), why);
                continue;
            };
            let objects = contestant.objects(group);
            let count = if contestant.asks_for_pods() { objects } else { 0 };
            let taken = child::run(&program, contestant, &servers[&count], &group.work)?;
            println!("round {round}: {}: {}", contestant.label, figures::one_line(&taken));
            figures.take(contestant, objects, taken)?;
        }
    }
    for (label, why) in &figures.left_out {
        println!("LEFT OUT: {label}: {why}");
    }
    Ok(figures)
}

fn prepare(server: &Server, contestant: &Contestant, events: usize) -> Result<()> {
    let watch_list = contestant.argument("sync") == "watch-list";
    server.answers().prepare(contestant.shape(), !watch_list, watch_list, events > 0)
}

/// The sizes, each once.
fn handed_in(group: &Group, options: &Options) -> Figures {
    let mut figures = Figures::of(group, 1, String::new());
    for (module, bytes) in &options.size {
        figures.put(module, Metric::Brotli, bytes / 1e3);
    }
    figures
}

/// Says which goals met in the earlier run are lost in this one.
fn compare(path: &Path, rows: &[Row]) -> Result<ExitCode> {
    let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let earlier: Vec<Row> = serde_json::from_str(&text).context("the rows of the earlier run")?;
    let lost = report::lost(&earlier, rows);
    for line in &lost {
        println!("LOST: {line}");
    }
    println!("{} of {} goals met before are lost", lost.len(), earlier.iter().filter(|row| row.met).count());
    Ok(if lost.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
