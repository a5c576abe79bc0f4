//! `cargo xtask parity`: Portolan's informers and workqueue beside the real client-go, scenario by scenario.

use std::fs;
use std::process::Command;

use anyhow::Result;
use clap::Args;

use crate::process::{command, run as perform};
use crate::{cluster_binary, mutants, workspace};

/// What to compare.
#[derive(Args)]
pub(crate) struct Options {
    /// Only scenarios with this in their name.
    name: Option<String>,
    /// On a real API server, which is cut off, killed and made to forget.
    #[arg(long)]
    real: bool,
    /// Puts faults into Portolan, one at a time, which the scenarios must find.
    #[arg(long, conflicts_with_all = ["name", "real"])]
    mutants: bool,
}

/// Builds both sides and plays every scenario to both.
pub(crate) fn run(options: &Options) -> Result<()> {
    let directory = workspace::target()?.join("parity");
    fs::create_dir_all(&directory)?;
    let client_go = directory.join("client-go");
    let mut build = cluster_binary::go(&["build", "-o"]);
    perform(build.arg(&client_go).arg(".").current_dir(workspace::root().join("tests/parity/client-go")))?;
    if options.mutants {
        return mutants::run(&client_go);
    }
    perform(&mut command(&["cargo", "build", "--quiet", "--package=portolan-parity"]))?;
    let program = workspace::target()?.join("debug/portolan-parity");
    let server = if options.real { "real" } else { "scripted" };
    let mut play = Command::new(program);
    play.env("PORTOLAN_CLUSTER", cluster_binary::path()?);
    perform(play.arg(server).arg(client_go).args(&options.name))
}
