//! `cargo xtask cluster up`: a real etcd and API server, until stdin closes or Ctrl-C.

use std::process::Command as Process;

use anyhow::Result;
use clap::Subcommand;

use crate::{cluster_binary, process};

/// What to do with the cluster.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Start it, print `READY {"kubeconfig": …, "server": …}`, and obey commands on stdin (status, stop-apiserver,
    /// start-apiserver, restart-apiserver, pause-apiserver, resume-apiserver, stop-kubelet, start-kubelet, compact) until stdin closes.
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
    process::replace(Process::new(cluster_binary::path()?).arg("up").args(flags))
}
