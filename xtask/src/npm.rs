//! `cargo xtask npm`: the npm package `portolan`, its engine compiled, its TypeScript checked and compiled, packed.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::process::{self, command};
use crate::{bindgen, setup, workspace};

/// Runs the command: prints the path of the tarball, to be installed with `npm install PATH`.
pub(crate) fn run() -> Result<()> {
    println!("{}", pack()?.display());
    Ok(())
}

/// Where the package's sources are.
pub(crate) fn sources() -> PathBuf {
    workspace::root().join("kit/npm")
}

fn pack() -> Result<PathBuf> {
    setup::install_npm(&sources())?;
    let wasm = bindgen::compile(bindgen::ENGINE, bindgen::SHIPPED)?;
    let package = workspace::target()?.join("npm");
    if package.exists() {
        fs::remove_dir_all(&package)?;
    }
    let dist = package.join("dist");
    bindgen::generate(bindgen::ENGINE, &wasm, &dist, bindgen::Names::Dropped)?;
    let mut compiler = command(&["node", "node_modules/typescript/bin/tsc", "--project", ".", "--outDir"]);
    process::run(compiler.arg(&dist).current_dir(sources()))?;
    fs::write(dist.join("version.js"), format!("export const VERSION = {};\n", version()?))?;
    let files = [
        (sources().join("src/engine.d.ts"), dist.join("engine.d.ts")),
        (sources().join("src/version.d.ts"), dist.join("version.d.ts")),
        (sources().join("package.json"), package.join("package.json")),
        (workspace::root().join("kit/README.md"), package.join("README.md")),
        (workspace::root().join("LICENSE"), package.join("LICENSE")),
    ];
    for (from, to) in files {
        fs::copy(&from, to).with_context(|| format!("copying {}", from.display()))?;
    }
    let packed = process::output(command(&["npm", "pack", "--silent"]).current_dir(&package))?;
    Ok(package.join(packed.trim()))
}

/// The package's version, as JSON.
fn version() -> Result<serde_json::Value> {
    let package = fs::read(sources().join("package.json"))?;
    let mut package: serde_json::Value = serde_json::from_slice(&package).context("kit/npm/package.json")?;
    Ok(package["version"].take())
}
