//! `cargo xtask soak`: what only shows after minutes. With `--short` each takes a minute at most, which is what CI runs.

use anyhow::{Result, bail};
use clap::Args;

use crate::cluster_binary;
use crate::process::{command, run as perform};

/// The toolchain that has Miri and ThreadSanitizer. Here, so that the day it is of is chosen in one place.
const NIGHTLY: &str = "nightly-2026-10-30";

/// So many times as many rounds of hostile bytes as in the unit tests: most of an hour.
const FUZZ_TIMES: &str = "60";

/// One of them.
struct Soak {
    name: &'static str,
    line: &'static str,
    /// What makes it short, beside `PORTOLAN_SOAK`; `None` where nothing does.
    short: Option<&'static [&'static str]>,
    /// Whether it needs the toolchain of that day, and the variable of its flags with them.
    nightly: Option<(&'static str, &'static str)>,
}

const SOAKS: [Soak; 9] = [
    Soak::new("faults", "cargo run --quiet --package=portolan-soak -- faults").short(&["--short"]),
    Soak::new("handlers", "cargo run --quiet --package=portolan-soak -- handlers").short(&["--short"]),
    Soak::new(
        "lease",
        "cargo test --quiet --package=portolan-tests --features=cluster --test=lease -- --nocapture",
    )
    .short(&[]),
    // The unit tests run it for a minute already.
    Soak::new("fuzz", "cargo test --quiet --package=portolan-tests --test=fuzz -- --nocapture"),
    // Its short form is among the tests in Chromium.
    Soak::new("page", "node --test --test-name-pattern=bad.line tests/browser/resilience.test.mjs"),
    // So is this one's.
    Soak::new("figures", "node --test tests/browser/figures.test.mjs"),
    // Under Node the same is among the tests; wasmtime takes nine minutes to build.
    Soak::new("wasmtime", "node --test tests/wasmtime/wasmtime.test.mjs"),
    Soak::new(
        "miri",
        "cargo miri test --package=portolan --features=testing --target-dir=target/miri --lib -- \
         cache:: queue:: policy:: time:: informer::queue informer::published",
    )
    // By the rules of stacked borrows no async block may hold a reference into itself.
    .nightly("MIRIFLAGS", "-Zmiri-tree-borrows"),
    Soak::new(
        "threads",
        "cargo test -Zbuild-std --target=x86_64-unknown-linux-gnu --target-dir=target/threads \
         --package=portolan-memory --test=threads",
    )
    .nightly("RUSTFLAGS", "-Zsanitizer=thread"),
];

impl Soak {
    const fn new(name: &'static str, line: &'static str) -> Self {
        Self { name, line, short: None, nightly: None }
    }

    const fn short(self, short: &'static [&'static str]) -> Self {
        Self { short: Some(short), ..self }
    }

    const fn nightly(self, variable: &'static str, flags: &'static str) -> Self {
        Self { nightly: Some((variable, flags)), ..self }
    }

    fn run(&self, short: bool) -> Result<()> {
        println!("soak {}", self.name);
        let mut line: Vec<&str> = self.line.split_whitespace().collect();
        if self.nightly.is_some() {
            let install = ["rustup", "toolchain", "install", NIGHTLY, "--profile=minimal"];
            perform(command(&install).args(["--component=miri", "--component=rust-src"]))?;
            line.splice(0..0, ["rustup", "run", NIGHTLY]);
        }
        let mut program = command(&line);
        program.env("PORTOLAN_CLUSTER", cluster_binary::path()?);
        program.env("PORTOLAN_SOAK", if short { "short" } else { "long" });
        program.env("PORTOLAN_FUZZ", FUZZ_TIMES);
        if let Some((variable, flags)) = self.nightly {
            program.env(variable, flags);
        }
        perform(program.args(self.short.filter(|_| short).unwrap_or_default()))
    }
}

/// What to soak.
#[derive(Args)]
pub(crate) struct Options {
    /// One soak (faults, handlers, lease, page, figures, fuzz, wasmtime, miri, threads); all without it.
    name: Option<String>,
    /// A minute each at most; leaves out those that have no such form.
    #[arg(long)]
    short: bool,
}

/// Runs the command.
pub(crate) fn run(options: &Options) -> Result<()> {
    let wanted = |soak: &&Soak| match &options.name {
        Some(name) => soak.name == name,
        None => !options.short || soak.short.is_some(),
    };
    let soaks: Vec<&Soak> = SOAKS.iter().filter(wanted).collect();
    match soaks.as_slice() {
        [] => bail!("no such soak: there are {}", SOAKS.each_ref().map(|soak| soak.name).join(", ")),
        [soak] if options.short && soak.short.is_none() => bail!("there is no short form of {}", soak.name),
        soaks => soaks.iter().try_for_each(|soak| soak.run(options.short)),
    }
}
