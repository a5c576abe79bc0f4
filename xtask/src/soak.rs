//! `cargo xtask soak`: what only shows after minutes. With `--short` each takes a minute at most, which is what CI runs.

use anyhow::{Result, bail};
use clap::Args;

use crate::cluster_binary;
use crate::process::{command, run as perform};

/// A soak: its name, its command, and how it is made short.
type Soak = (&'static str, &'static str, Short);

/// How a soak is short.
#[derive(Clone, Copy, PartialEq)]
enum Short {
    /// By this argument.
    Argument(&'static str),
    /// By `PORTOLAN_SOAK`, which it looks at.
    Variable,
    /// By being left out: the unit tests run it for a minute already.
    Tested,
}

const SOAKS: [Soak; 4] = [
    ("faults", "cargo run --quiet --package=portolan-soak -- faults", Short::Argument("--short")),
    ("handlers", "cargo run --quiet --package=portolan-soak -- handlers", Short::Argument("--short")),
    (
        "lease",
        "cargo test --quiet --package=portolan-tests --features=cluster --test=lease -- --nocapture",
        Short::Variable,
    ),
    ("fuzz", "cargo test --quiet --package=portolan-tests --test=fuzz -- --nocapture", Short::Tested),
];

/// So many times as many rounds as in the unit tests: most of an hour.
const FUZZ_TIMES: &str = "60";

/// What to soak.
#[derive(Args)]
pub(crate) struct Options {
    /// One soak; all without it.
    name: Option<String>,
    /// A minute each at most.
    #[arg(long)]
    short: bool,
}

/// Runs the command.
pub(crate) fn run(options: &Options) -> Result<()> {
    let wanted = |name: &str| options.name.as_deref().is_none_or(|wanted| wanted == name);
    let soaks: Vec<_> = SOAKS.into_iter().filter(|(name, ..)| wanted(name)).collect();
    if soaks.is_empty() {
        let names: Vec<&str> = SOAKS.iter().map(|(name, ..)| *name).collect();
        bail!("no such soak: there are {}", names.join(", "));
    }
    for (name, line, short) in soaks {
        if options.short && short == Short::Tested {
            println!("soak {name} is left out: `cargo test` runs it, for a minute");
            continue;
        }
        println!("soak {name}");
        let mut program = command(&line.split(' ').collect::<Vec<_>>());
        program.env("PORTOLAN_CLUSTER", cluster_binary::path()?);
        program.env("PORTOLAN_SOAK", if options.short { "short" } else { "long" });
        program.env("PORTOLAN_FUZZ", FUZZ_TIMES);
        if let (true, Short::Argument(argument)) = (options.short, short) {
            program.arg(argument);
        }
        perform(&mut program)?;
    }
    Ok(())
}
