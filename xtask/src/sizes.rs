//! `cargo xtask sizes`: how large the wasm of the dashboard, of the npm package and of a mere informer is on the wire, and
//! what takes the space; how large plugins are that run an informer, and how much memory one of them takes.

use std::fs;
use std::io::Write;

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;

use crate::bindgen::{self, Module};
use crate::process::{self, command, output};
use crate::wasm_profile::{self, Share};
use crate::workspace;

/// All modules. The figures at the top are those of what the dashboard loads on a real cluster.
#[derive(Serialize)]
struct Reports {
    #[serde(flatten)]
    dashboard: Report,
    /// What it fetches besides when it has no cluster.
    cluster_in_memory: Report,
    /// What it fetches besides when an edit is reviewed.
    yaml: Report,
    npm: Report,
    plugins: Plugins,
    informer: Report,
}

/// Of one module, in bytes.
#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    weight: Weight,
    javascript: u64,
    sections: Vec<Share>,
    crates: Vec<Share>,
    functions: Vec<Share>,
}

/// What the tests run as plugins: an informer, the scenario and the contract of a transport.
#[derive(Serialize)]
struct Plugins {
    /// A guest of the host's transport.
    guest: Weight,
    /// A WASI component.
    component: Weight,
    /// The guest's memory after the scenario, under Node.
    guest_memory: usize,
}

/// How large a module is, in bytes.
#[derive(Serialize)]
struct Weight {
    raw: usize,
    gzip: usize,
    brotli: usize,
}

impl Weight {
    fn of(module: &[u8]) -> Result<Self> {
        Ok(Self { raw: module.len(), gzip: gzip(module)?, brotli: brotli(module)? })
    }
}

/// Runs the command.
pub(crate) fn run() -> Result<()> {
    let reports = Reports {
        dashboard: report(bindgen::DASHBOARD)?,
        cluster_in_memory: report(bindgen::CLUSTER)?,
        yaml: report(bindgen::YAML)?,
        npm: report(bindgen::ENGINE)?,
        informer: report(bindgen::INFORMER)?,
        plugins: plugins()?,
    };
    println!("{}", serde_json::to_string_pretty(&reports)?);
    Ok(())
}

/// How large a module is in brotli, in bytes.
pub(crate) fn compressed(of: Module) -> Result<usize> {
    Ok(report(of)?.weight.brotli)
}

fn report(of: Module) -> Result<Report> {
    let wasm = bindgen::compile(of, bindgen::SHIPPED)?;
    let directory = workspace::target()?.join("sizes").join(of.name);
    let (shipped, named) = (directory.join("shipped"), directory.join("named"));
    bindgen::generate(of, &wasm, &shipped, bindgen::Names::Dropped)?;
    bindgen::generate(of, &wasm, &named, bindgen::Names::Kept)?;
    let module = fs::read(shipped.join(format!("{}_bg.wasm", of.name)))?;
    let profile = wasm_profile::profile(&fs::read(named.join(format!("{}_bg.wasm", of.name)))?)?;
    Ok(Report {
        weight: Weight::of(&module)?,
        javascript: fs::metadata(shipped.join(format!("{}.js", of.name)))?.len(),
        sections: profile.sections,
        crates: wasm_profile::largest(profile.crates, 25),
        functions: wasm_profile::largest(profile.functions, 25),
    })
}

fn plugins() -> Result<Plugins> {
    let memory = output(&mut command(&["node", "--experimental-websocket", "tests/guest/memory.mjs"]))?;
    Ok(Plugins {
        guest: weigh("test-guest", "wasm32-unknown-unknown", "test_guest")?,
        component: weigh("test-component", "wasm32-wasip2", "test-component")?,
        guest_memory: memory.trim().parse().context("what tests/guest/memory.mjs printed")?,
    })
}

/// Builds a package for size, and weighs its module without the names of its functions.
fn weigh(package: &str, target: &str, module: &str) -> Result<Weight> {
    let (package, into) = (format!("--package={package}"), format!("--target={target}"));
    let build = ["cargo", "build", "--profile=wasm", "--config=profile.wasm.strip=true"];
    process::run(command(&build).args([package, into]))?;
    let path = workspace::target()?.join(target).join("wasm").join(format!("{module}.wasm"));
    Weight::of(&fs::read(path)?)
}

fn gzip(bytes: &[u8]) -> Result<usize> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.len())
}

fn brotli(bytes: &[u8]) -> Result<usize> {
    let parameters = brotli::enc::BrotliEncoderParams { quality: 11, ..Default::default() };
    let mut compressed = Vec::new();
    brotli::BrotliCompress(&mut &bytes[..], &mut compressed, &parameters)?;
    Ok(compressed.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compresses() {
        let text = b"portolan ".repeat(1000);
        assert!(gzip(&text).unwrap() < 200);
        assert!(brotli(&text).unwrap() < 100);
    }
}
