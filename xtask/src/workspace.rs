//! Where things are: the repository and the target directory.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The root of the repository this xtask was built from.
pub(crate) fn root() -> &'static Path {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest)
}

/// Cargo's target directory: the one this program itself was built into.
pub(crate) fn target() -> Result<PathBuf> {
    let program = std::env::current_exe().context("finding this program")?;
    let directory = program.ancestors().nth(2).context("this program lies outside a target directory")?;
    Ok(directory.to_path_buf())
}

/// What cargo calls the folder of what it builds by `profile`.
pub(crate) fn built_by(profile: &str) -> &str {
    if profile == "dev" { "debug" } else { profile }
}
