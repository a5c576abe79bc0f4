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
mod run;
mod server;

use std::fs::{self, OpenOptions};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Parser;

use answers::Answers;
use plan::{Group, Places, Program, Scale};
use portolan_bench::corpus::Corpus;
use report::{Compared, Docs, Row};
use server::Server;

/// The least rounds of figures that are kept, and as many as there are.
const ROUNDS: usize = 5;

/// Runs the benchmark.
#[derive(Parser)]
pub(crate) struct Options {
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
    rounds: Option<NonZeroUsize>,
    /// Only the groups of these names.
    #[arg(long)]
    only: Vec<String>,
    /// Only the contestants whose label holds this text.
    #[arg(long)]
    contestant: Option<String>,
    /// The same number makes the same pods.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where to write the rows as JSON, group by group.
    #[arg(long)]
    json: Option<PathBuf>,
    /// The folder where the figures of each group are kept, with tables and charts. Nothing may be left out then.
    #[arg(long, conflicts_with_all = ["quick", "smoke", "contestant"])]
    docs: Option<PathBuf>,
    /// Rows of an earlier run: fails when a goal met there is lost, or one is not measured. Figures of a group where that
    /// is so are not kept.
    #[arg(long, conflicts_with_all = ["smoke", "contestant"])]
    compare: Option<PathBuf>,
    /// Serve so many pods until the end of standard input, and run nobody.
    #[arg(long)]
    serve: Option<usize>,
    /// Look whether these options can be followed, and run nobody.
    #[arg(long)]
    check: bool,
}

impl Options {
    fn places(&self) -> Places {
        Places {
            programs: self.programs.clone(),
            node: self.node.clone(),
            page: self.page.clone(),
            browser: self.browser,
        }
    }
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
    let task = Task::of(options)?;
    if options.check {
        return Ok(ExitCode::SUCCESS);
    }
    if options.smoke || options.docs.is_some() {
        task.nothing_left_out()?;
    }
    let began = Instant::now();
    let outcome = task.perform();
    let seconds = began.elapsed().as_secs();
    println!("it took {} min {} s", seconds / 60, seconds % 60);
    outcome
}

fn serve(options: &Options, count: usize, events: usize) -> Result<Server> {
    let corpus = Corpus::new(options.seed, count, options.fixtures.as_deref())?;
    Server::start(Answers::new(corpus, count, events), options.page.clone())
}

/// What is to be done, by options that can be followed.
struct Task<'a> {
    options: &'a Options,
    rounds: usize,
    groups: Vec<Group>,
    /// The rows of the earlier run.
    earlier: Option<Vec<Row>>,
    docs: Option<Docs>,
}

impl<'a> Task<'a> {
    fn of(options: &'a Options) -> Result<Self> {
        let (scale, rounds) = match (options.quick, options.smoke) {
            (true, _) => (Scale::Quick, 2),
            (_, true) => (Scale::Smoke, 1),
            _ => (Scale::Full, ROUNDS),
        };
        let rounds = options.rounds.map_or(rounds, NonZeroUsize::get);
        if options.docs.is_some() && rounds < ROUNDS {
            bail!("figures that are kept are of {ROUNDS} rounds at least");
        }
        let groups = chosen(plan::groups(scale), options)?;
        if let Some(path) = &options.json {
            let file = OpenOptions::new().append(true).create(true).open(path);
            file.with_context(|| format!("opening {}", path.display()))?;
        }
        let earlier = options.compare.as_deref().map(read_rows).transpose()?;
        let docs = options.docs.clone().map(Docs::new);
        Ok(Self { options, rounds, groups, earlier, docs })
    }

    /// Runs group after group; what one gave is written before the next begins.
    fn perform(&self) -> Result<ExitCode> {
        let Self { options, rounds, groups, earlier, docs } = self;
        let (mut rows, mut compared) = (Vec::new(), Compared::default());
        for group in groups {
            let figures = run::run_group(group, options, *rounds)?;
            if options.smoke {
                continue;
            }
            println!("{}", report::group_table(group, &figures));
            rows.extend(report::rows(group, &figures));
            if let Some(path) = &options.json {
                write_rows(path, &rows)?;
            }
            let of_group = earlier.as_ref().map(|earlier| report::compare(earlier, group, &figures));
            let of_group = of_group.unwrap_or_default();
            of_group.lines().for_each(|line| println!("{line}"));
            if let Some(docs) = docs
                && of_group.is_well()
            {
                docs.write(figures)?;
            }
            compared.add(of_group);
        }
        if options.smoke {
            println!("every contestant of {} groups proved the same work", groups.len());
            return Ok(ExitCode::SUCCESS);
        }
        println!("{}", report::goals_table(&rows));
        if earlier.is_some() {
            println!("{compared}");
        }
        Ok(if compared.is_well() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// Fails when a contestant cannot run, or pods would be others than those of a whole run.
    fn nothing_left_out(&self) -> Result<()> {
        let options = self.options;
        let places = options.places();
        for contestant in self.groups.iter().flat_map(|group| &group.contestants) {
            let label = &contestant.label;
            let is_there = match contestant.program {
                Program::None => options.size.iter().any(|(module, _)| module == label),
                program => program.command(&places).is_some(),
            };
            if !is_there {
                bail!("{label} cannot run, and nothing may be left out here");
            }
        }
        if options.docs.is_some() && options.fixtures.is_none() {
            bail!("upstream's fixtures are not there: figures that are kept need the pods made from them");
        }
        Ok(())
    }
}

/// The groups asked for, with the contestants asked for.
fn chosen(mut groups: Vec<Group>, options: &Options) -> Result<Vec<Group>> {
    let names: Vec<&str> = groups.iter().map(|group| group.name).collect();
    if let Some(unknown) = options.only.iter().find(|name| !names.contains(&name.as_str())) {
        bail!("no group is named {unknown:?}; there are: {}", names.join("; "));
    }
    if !options.only.is_empty() {
        groups.retain(|group| options.only.iter().any(|name| name == group.name));
    }
    if let Some(text) = &options.contestant {
        for group in &mut groups {
            group.contestants.retain(|contestant| contestant.label.contains(text));
        }
        groups.retain(|group| !group.contestants.is_empty());
        if groups.is_empty() {
            bail!("no contestant's label there holds {text:?}");
        }
    }
    Ok(groups)
}

fn read_rows(path: &Path) -> Result<Vec<Row>> {
    let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} holds no rows of a run", path.display()))
}

fn write_rows(path: &Path, rows: &[Row]) -> Result<()> {
    let text = serde_json::to_string_pretty(rows)?;
    fs::write(path, text + "\n").with_context(|| format!("writing {}", path.display()))
}
