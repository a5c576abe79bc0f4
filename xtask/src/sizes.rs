//! `cargo xtask sizes`: how large the wasm of the dashboard and of the npm package is on the wire, and what takes the space.

use std::fs;
use std::io::Write;

use anyhow::Result;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;

use crate::bindgen::{self, Module};
use crate::wasm_profile::{self, Share};
use crate::workspace;

/// Both modules.
#[derive(Serialize)]
struct Reports {
    dashboard: Report,
    npm: Report,
}

/// Sizes in bytes.
#[derive(Serialize)]
struct Report {
    raw: usize,
    gzip: usize,
    brotli: usize,
    javascript: u64,
    sections: Vec<Share>,
    crates: Vec<Share>,
    functions: Vec<Share>,
}

/// Runs the command.
pub(crate) fn run() -> Result<()> {
    let reports = Reports { dashboard: report(bindgen::DASHBOARD)?, npm: report(bindgen::ENGINE)? };
    println!("{}", serde_json::to_string_pretty(&reports)?);
    Ok(())
}

fn report(of: Module) -> Result<Report> {
    let wasm = bindgen::compile(of)?;
    let directory = workspace::target()?.join("sizes").join(of.name);
    let (shipped, named) = (directory.join("shipped"), directory.join("named"));
    bindgen::generate(of, &wasm, &shipped, bindgen::Names::Dropped)?;
    bindgen::generate(of, &wasm, &named, bindgen::Names::Kept)?;
    let module = fs::read(shipped.join(format!("{}_bg.wasm", of.name)))?;
    let profile = wasm_profile::profile(&fs::read(named.join(format!("{}_bg.wasm", of.name)))?)?;
    Ok(Report {
        raw: module.len(),
        gzip: gzip(&module)?,
        brotli: brotli(&module)?,
        javascript: fs::metadata(shipped.join(format!("{}.js", of.name)))?.len(),
        sections: profile.sections,
        crates: wasm_profile::largest(profile.crates, 25),
        functions: wasm_profile::largest(profile.functions, 25),
    })
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
