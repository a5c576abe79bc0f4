//! `cargo xtask book`: builds the book of docs/ by mdBook, which is installed below the target directory the first time.
//! What the book includes and links to is checked by the tidy tests, without mdBook.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::process::{command, run as perform};
use crate::{cluster_binary, setup, workspace};

/// How to build the book.
#[derive(Args)]
pub(crate) struct Options {
    /// First have the tests of the tutorials' dashboards take the book's pictures.
    #[arg(long)]
    pictures: bool,
}

/// The version that is installed: another one may lay out pages in another way.
const VERSION: &str = "0.5.4";

/// Where the tests put the pictures, from the root.
const PICTURES: &str = "docs/images";

/// Runs the command: prints the path of the first page.
pub(crate) fn run(options: &Options) -> Result<()> {
    if options.pictures {
        setup::run()?;
        let test = "tests/browser/book.test.mjs";
        let mut take = command(&["node", "--test", test]);
        take.env("PORTOLAN_CLUSTER", cluster_binary::path()?).env("PORTOLAN_PICTURES", PICTURES);
        perform(&mut take)?;
    }
    let book = workspace::target()?.join("book");
    perform(command(&[&mdbook()?.to_string_lossy(), "build", "docs", "--dest-dir"]).arg(&book))?;
    println!("{}", book.join("index.html").display());
    Ok(())
}

/// The program, built when it is not there.
fn mdbook() -> Result<PathBuf> {
    let tools = workspace::target()?.join("tools").join(format!("mdbook-{VERSION}"));
    let program = tools.join("bin").join(format!("mdbook{}", std::env::consts::EXE_SUFFIX));
    if !program.is_file() {
        let version = format!("--version={VERSION}");
        let install = [
            "cargo",
            "install",
            "mdbook",
            &version,
            "--locked",
            "--no-default-features",
            "--features=search",
            "--root",
        ];
        perform(command(&install).arg(&tools))?;
    }
    Ok(program)
}
