//! `cargo xtask cluster up`: a real etcd and API server, until stdin closes or Ctrl-C.

use std::process::Command as Process;

use anyhow::{Context, Result};
use clap::Subcommand;

use crate::cluster_binary;
use crate::process::shown;

/// What to do with the cluster.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Start it, print `READY {"kubeconfig": …, "server": …}`, and obey commands on stdin (status, stop-apiserver,
    /// start-apiserver, restart-apiserver, pause-apiserver, resume-apiserver, compact) until stdin closes.
    Up {
        /// Flags of the cluster program; `-- -h` lists them.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        flags: Vec<String>,
    },
}

/// Runs the command.
pub(crate) fn run(command: &Command) -> Result<()> {
    let Command::Up { flags } = command;
    cluster_binary::build()?;
    become_program(Process::new(cluster_binary::path()?).arg("up").args(flags))
}

/// This process turns into `command`, so that signals and the end of stdin reach it directly.
#[cfg(unix)]
fn become_program(command: &mut Process) -> Result<()> {
    use std::os::unix::process::CommandExt;
    Err(command.exec()).with_context(|| format!("starting {}", shown(command)))
}

#[cfg(not(unix))]
fn become_program(command: &mut Process) -> Result<()> {
    crate::process::run(command)
}
