//! `cargo xtask soak`: what only shows after minutes. With `--short` each takes half a minute, which is what CI runs.

use std::process::Command;

use anyhow::{Result, bail};
use clap::Args;

use crate::process::{command, run as perform};
use crate::{cluster_binary, workspace};

/// Every soak: its name, its package and program, and what it is told.
const SOAKS: [(&str, &str, &str); 2] =
    [("faults", "portolan-soak", "faults"), ("handlers", "portolan-soak", "handlers")];

/// What to soak.
#[derive(Args)]
pub(crate) struct Options {
    /// One soak; all without it.
    name: Option<String>,
    /// Half a minute each.
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
    for (name, package, argument) in soaks {
        println!("soak {name}");
        perform(&mut command(&["cargo", "build", "--quiet", "--package", package]))?;
        let mut program = Command::new(workspace::target()?.join("debug").join(package));
        program.env("PORTOLAN_CLUSTER", cluster_binary::path()?);
        perform(program.arg(argument).args(options.short.then_some("--short")))?;
    }
    Ok(())
}
