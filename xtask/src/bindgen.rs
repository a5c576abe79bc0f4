//! Our wasm for pages: compiled by cargo, then given its JavaScript by wasm-bindgen, taken as a library.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use wasm_bindgen_cli_support::Bindgen;

use crate::process::{command, run};
use crate::{setup, workspace};

/// A package that becomes a module of a page.
#[derive(Clone, Copy)]
pub(crate) struct Module {
    package: &'static str,
    /// Those of cargo, apart by commas.
    features: &'static str,
    /// What cargo calls its library.
    library: &'static str,
    /// What its files are called: `NAME.js` and `NAME_bg.wasm`.
    pub(crate) name: &'static str,
}

/// The dashboard, all that it loads on a real cluster.
pub(crate) const DASHBOARD: Module =
    Module { package: "web-demo", features: "", library: "web_demo", name: "web_demo" };

/// The cluster in memory, which the dashboard fetches when it has no other.
pub(crate) const CLUSTER: Module =
    Module { package: "demo-cluster", features: "", library: "demo_cluster", name: "cluster" };

/// The reader of YAML, which the dashboard fetches when an edit is reviewed.
pub(crate) const YAML: Module =
    Module { package: "demo-yaml", features: "", library: "demo_yaml", name: "yaml" };

/// The engine of the npm package.
pub(crate) const ENGINE: Module =
    Module { package: "portolan-kit", features: "", library: "portolan_kit", name: "engine" };

/// The smallest module that has an informer in it.
pub(crate) const INFORMER: Module =
    Module { package: "bench-page", features: "", library: "bench_page", name: "bench_page" };

/// What the benchmark measures in a page and under Node.
pub(crate) const MEASURED: Module = Module { features: "more", ..INFORMER };

/// How pages are shipped: compiled for size.
pub(crate) const SHIPPED: &str = "wasm";

/// Whether the wasm keeps the names of its functions.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Names {
    /// For measuring.
    Kept,
    /// For the page.
    Dropped,
}

/// Vectors of 128 bits, for the scanner that reads every object. Every browser has them since the spring of 2023.
const FEATURES: &str = "-Ctarget-feature=+simd128";

/// Compiles `module` by `profile`; returns the path of the wasm, names kept.
pub(crate) fn compile(module: Module, profile: &str) -> Result<PathBuf> {
    setup::add_targets()?;
    run(command(&[
        "cargo",
        "build",
        &format!("--package={}", module.package),
        &format!("--features={}", module.features),
        &format!("--profile={profile}"),
        "--lib",
        "--target=wasm32-unknown-unknown",
        "--config=profile.wasm.strip=\"none\"",
    ])
    .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", FEATURES))?;
    let folder = workspace::target()?.join("wasm32-unknown-unknown").join(workspace::built_by(profile));
    let path = folder.join(format!("{}.wasm", module.library));
    if !path.is_file() {
        bail!("cargo made no {}: {} must be a library of crate type cdylib", path.display(), module.package);
    }
    Ok(path)
}

/// Writes the two files of `module` for `wasm` into `directory`, as an ES module for a page.
pub(crate) fn generate(module: Module, wasm: &Path, directory: &Path, names: Names) -> Result<()> {
    fs::create_dir_all(directory)?;
    Bindgen::new()
        .input_path(wasm)
        .out_name(module.name)
        .web(true)?
        .typescript(false)
        .omit_default_module_path(false)
        .remove_name_section(names == Names::Dropped)
        .remove_producers_section(true)
        .generate(directory)
        .context("wasm-bindgen; its version must be that of the wasm-bindgen crate in Cargo.lock")
}
