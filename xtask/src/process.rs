//! Running other programs: each is announced, and its failure names it.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::workspace;

/// A command for `line`, a program and its arguments, in the root of the repository. It hears nothing of the package that
/// cargo runs here: build scripts that look at those variables would run again with every change of who calls cargo.
pub(crate) fn command(line: &[&str]) -> Command {
    let (program, arguments) = line.split_first().unwrap_or((&"", &[]));
    let mut command = Command::new(program);
    command.args(arguments).current_dir(workspace::root());
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// Runs `command` to its end, its output going where ours goes.
///
/// # Errors
/// When it cannot be started or does not succeed.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let shown = shown(command);
    eprintln!("$ {shown}");
    let status = command.status().with_context(|| format!("starting {shown}"))?;
    if !status.success() {
        bail!("{shown}: {status}");
    }
    Ok(())
}

/// This process turns into `command`, so that signals and the end of stdin reach it directly.
///
/// # Errors
/// When it cannot be started.
#[cfg(unix)]
pub(crate) fn replace(command: &mut Command) -> Result<()> {
    use std::os::unix::process::CommandExt;
    Err(command.exec()).with_context(|| format!("starting {}", shown(command)))
}

/// The nearest to it where processes cannot be replaced.
#[cfg(not(unix))]
pub(crate) fn replace(command: &mut Command) -> Result<()> {
    run(command)
}

/// What `command` writes to its standard output.
///
/// # Errors
/// When it cannot be started, does not succeed, or writes something other than text.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let shown = shown(command);
    let output = command.stderr(Stdio::inherit()).output().with_context(|| format!("starting {shown}"))?;
    if !output.status.success() {
        bail!("{shown}: {}", output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("the output of {shown}"))
}

/// `command` as one would type it.
pub(crate) fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
