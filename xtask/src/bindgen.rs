//! The dashboard's wasm: compiled by cargo, then given its JavaScript by wasm-bindgen, taken as a library.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use wasm_bindgen_cli_support::Bindgen;

use crate::process::{command, run};
use crate::{setup, workspace};

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

/// Compiles package `web-demo` for size; returns the path of the wasm, names kept.
pub(crate) fn compile() -> Result<PathBuf> {
    setup::add_targets()?;
    run(command(&[
        "cargo",
        "build",
        "--package=web-demo",
        "--lib",
        "--profile=wasm",
        "--target=wasm32-unknown-unknown",
        "--config=profile.wasm.strip=\"none\"",
    ])
    .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", FEATURES))?;
    let path = workspace::target()?.join("wasm32-unknown-unknown/wasm/web_demo.wasm");
    if !path.is_file() {
        bail!("cargo made no {}: web-demo must be a library of crate type cdylib", path.display());
    }
    Ok(path)
}

/// Writes `web_demo.js` and `web_demo_bg.wasm` for `wasm` into `directory`, as an ES module for a page.
pub(crate) fn generate(wasm: &Path, directory: &Path, names: Names) -> Result<()> {
    fs::create_dir_all(directory)?;
    Bindgen::new()
        .input_path(wasm)
        .out_name("web_demo")
        .web(true)?
        .typescript(false)
        .omit_default_module_path(false)
        .remove_name_section(names == Names::Dropped)
        .remove_producers_section(true)
        .generate(directory)
        .context("wasm-bindgen; its version must be that of the wasm-bindgen crate in Cargo.lock")
}
