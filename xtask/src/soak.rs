//! `cargo xtask soak`: what only shows after minutes. With `--short` each takes a minute at most, which is what CI runs.

use anyhow::{Result, bail};
use clap::Args;

use crate::cluster_binary;
use crate::process::{command, run as perform};

/// Every soak: its name, its command, and the argument that makes it short. The test of the Lease is short unless
/// `PORTOLAN_SOAK` says otherwise.
const SOAKS: [(&str, &str, Option<&str>); 3] = [
    ("faults", "cargo run --quiet --package=portolan-soak -- faults", Some("--short")),
    ("handlers", "cargo run --quiet --package=portolan-soak -- handlers", Some("--short")),
    (
        "lease",
        "cargo test --quiet --package=portolan-tests --features=cluster --test=lease -- --nocapture",
        None,
    ),
];

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
        println!("soak {name}");
        let mut program = command(&line.split(' ').collect::<Vec<_>>());
        program.env("PORTOLAN_CLUSTER", cluster_binary::path()?);
        program.env("PORTOLAN_SOAK", if options.short { "short" } else { "long" });
        perform(program.args(short.filter(|_| options.short)))?;
    }
    Ok(())
}
