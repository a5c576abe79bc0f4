//! `cargo xtask sizes`: how large the dashboard's wasm is on the wire, and what takes the space.

use std::fs;
use std::io::Write;

use anyhow::Result;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;

use crate::wasm_profile::{self, Share};
use crate::{bindgen, workspace};

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
    println!("{}", serde_json::to_string_pretty(&report()?)?);
    Ok(())
}

fn report() -> Result<Report> {
    let wasm = bindgen::compile()?;
    let directory = workspace::target()?.join("sizes");
    let (shipped, named) = (directory.join("shipped"), directory.join("named"));
    bindgen::generate(&wasm, &shipped, bindgen::Names::Dropped)?;
    bindgen::generate(&wasm, &named, bindgen::Names::Kept)?;
    let module = fs::read(shipped.join("web_demo_bg.wasm"))?;
    let profile = wasm_profile::profile(&fs::read(named.join("web_demo_bg.wasm"))?)?;
    Ok(Report {
        raw: module.len(),
        gzip: gzip(&module)?,
        brotli: brotli(&module)?,
        javascript: fs::metadata(shipped.join("web_demo.js"))?.len(),
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
