//! `cargo xtask setup`: installs what the tests need. Where all is there it only looks, in well under a second.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::process::{self, command, output};
use crate::programs::{CHROMIUM, find, old_node};
use crate::{cluster_binary, workspace};

const TARGETS: [&str; 3] = ["wasm32-unknown-unknown", "wasm32-wasip1", "wasm32-wasip2"];
const COMPONENTS: [&str; 2] = ["rustfmt", "clippy"];

/// Runs the command: does all it can, then names what failed.
pub(crate) fn run() -> Result<()> {
    let parts = [add_targets, add_components, install_browser_programs, install_packages, build_cluster];
    let failures: Vec<String> =
        parts.iter().filter_map(|part| part().err()).map(|error| format!("{error:#}")).collect();
    if !failures.is_empty() {
        bail!("{}", failures.join("\n"));
    }
    Ok(())
}

/// Adds the wasm targets of the toolchain that are missing.
pub(crate) fn add_targets() -> Result<()> {
    if missing_targets().is_ok() {
        return Ok(());
    }
    process::run(command(&["rustup", "target", "add"]).args(TARGETS))
        .context("the wasm targets are added through rustup")
}

/// An error that names the wasm targets the toolchain lacks.
pub(crate) fn missing_targets() -> Result<()> {
    let sysroot = output(&mut command(&["rustc", "--print", "sysroot"]))?;
    let libraries = PathBuf::from(sysroot.trim()).join("lib/rustlib");
    let missing: Vec<&str> = TARGETS.into_iter().filter(|target| !libraries.join(target).is_dir()).collect();
    if !missing.is_empty() {
        bail!("the Rust toolchain lacks {}", missing.join(", "));
    }
    Ok(())
}

fn add_components() -> Result<()> {
    let there = |name: &str| find(&[name]).is_some() && output(&mut command(&[name, "--version"])).is_ok();
    if there("rustfmt") && there("cargo-clippy") {
        return Ok(());
    }
    process::run(command(&["rustup", "component", "add"]).args(COMPONENTS))
}

/// Chromium and Node, by the system's package manager.
fn install_browser_programs() -> Result<()> {
    let mut packages = Vec::new();
    if find(&CHROMIUM).is_none() {
        packages.push("chromium");
    }
    if find(&["chromedriver"]).is_none() {
        packages.push("chromium-driver");
    }
    if find(&["node"]).is_none() {
        packages.push("nodejs");
    }
    if find(&["npm"]).is_none() {
        packages.push("npm");
    }
    if !packages.is_empty() {
        install(&packages)?;
    }
    match old_node() {
        Some(old) => bail!(old),
        None => Ok(()),
    }
}

/// Go itself is asked for: distributions carry it too old.
fn build_cluster() -> Result<()> {
    if find(&["go"]).is_none() {
        bail!("Go is needed to build the test cluster: install the version that tests/cluster/go.mod names");
    }
    cluster_binary::build()
}

fn install(packages: &[&str]) -> Result<()> {
    let root = output(&mut command(&["id", "-u"])).is_ok_and(|id| id.trim() == "0");
    if !root || find(&["apt-get"]).is_none() {
        bail!(
            "missing: {0}. Install them with your package manager (Debian: apt-get install {0})",
            packages.join(" ")
        );
    }
    let apt = |arguments: &[&str]| {
        process::run(
            command(&["apt-get", "--yes", "--quiet"])
                .args(arguments)
                .env("DEBIAN_FRONTEND", "noninteractive"),
        )
    };
    apt(&["update"])?;
    apt(&["install", "--no-install-recommends"].iter().chain(packages).copied().collect::<Vec<_>>())
}

/// Where npm packages are installed: for the browser tests, for guests, for WASI components, for building the npm
/// package, and for its tests.
fn npm_directories() -> [PathBuf; 6] {
    ["tests/browser", "tests/guest", "tests/component", "kit/npm", "kit/tests", "kit/examples/react"]
        .map(|directory| workspace::root().join(directory))
}

fn install_packages() -> Result<()> {
    npm_directories().iter().try_for_each(|directory| install_npm(directory))
}

/// Installs what the lock file in `directory` asks for, unless it is there.
pub(crate) fn install_npm(directory: &Path) -> Result<()> {
    if !is_stale(directory) {
        return Ok(());
    }
    process::run(command(&["npm", "ci", "--no-audit", "--no-fund"]).current_dir(directory))?;
    fs::copy(directory.join("package-lock.json"), stamp(directory)).context("noting what npm installed")?;
    Ok(())
}

/// Whether what is installed anywhere differs from what its lock file asks for.
pub(crate) fn stale_packages() -> bool {
    npm_directories().iter().any(|directory| is_stale(directory))
}

fn is_stale(directory: &Path) -> bool {
    let wanted = fs::read(directory.join("package-lock.json")).ok();
    wanted.is_some() && wanted != fs::read(stamp(directory)).ok()
}

fn stamp(directory: &Path) -> PathBuf {
    directory.join("node_modules/.installed-lock.json")
}
