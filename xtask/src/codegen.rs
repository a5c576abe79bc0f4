//! `cargo xtask codegen`: writes what is generated from the Go types of the API, which `tests/schema` knows.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::{cluster_binary, process, workspace};

/// What to do with what is generated.
#[derive(Args)]
pub(crate) struct Options {
    /// Write nothing: fail when what is there is not what would be written.
    #[arg(long)]
    check: bool,
}

/// Where the field tables of protobuf are, in the repository.
const TABLES: &str = "core/src/codec/protobuf/generated/tables.rs";

/// Runs the command.
pub(crate) fn run(options: &Options) -> Result<()> {
    let tables = process::output(&mut schema(&["tables"]))?;
    let path = workspace::root().join(TABLES);
    if options.check {
        let there = fs::read_to_string(&path).unwrap_or_default();
        if there != tables {
            bail!("{TABLES} is not what its source says: run `cargo xtask codegen`");
        }
        println!("{TABLES} is what its source says");
        return Ok(());
    }
    fs::write(&path, tables).with_context(|| format!("writing {}", path.display()))
}

/// The program that knows the Go types, with these arguments.
pub(crate) fn schema(arguments: &[&str]) -> Command {
    let mut program = cluster_binary::go(&[&["run", "."], arguments].concat());
    program.current_dir(directory());
    program
}

/// Where that program is.
pub(crate) fn directory() -> PathBuf {
    workspace::root().join("tests/schema")
}
