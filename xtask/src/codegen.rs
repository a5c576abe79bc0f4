//! `cargo xtask codegen`: writes what is generated: protobuf's field tables and how the memory server merges
//! fields, from the Go types of the API, which `tests/schema` knows, and the Clientset from what a real API server serves
//! and the kinds that k8s-openapi has.

mod accessors;
mod calls;
mod clientset;
mod discovery;
mod kinds;

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

/// A file of the repository and what belongs in it.
struct Generated {
    path: &'static str,
    text: String,
}

/// Runs the command.
pub(crate) fn run(options: &Options) -> Result<()> {
    let tables = process::output(&mut schema(&["tables"]))?;
    let merging = process::output(&mut schema(&["merge"]))?;
    let mut generated = vec![
        Generated { path: "core/src/codec/protobuf/generated/tables.rs", text: tables },
        Generated { path: "transport-memory/src/merging/generated.rs", text: merging },
    ];
    generated.extend(clientset::generate()?);
    let mut stale = Vec::new();
    for Generated { path, text } in generated {
        let file = workspace::root().join(path);
        if !options.check {
            fs::write(&file, text).with_context(|| format!("writing {}", file.display()))?;
        } else if fs::read_to_string(&file).unwrap_or_default() == text {
            println!("{path} is what its source says");
        } else {
            stale.push(path);
        }
    }
    if !stale.is_empty() {
        bail!("not what their source says: {}: run `cargo xtask codegen`", stale.join(", "));
    }
    Ok(())
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
