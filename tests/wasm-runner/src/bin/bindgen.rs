//! The `wasm-bindgen` command line at the version of Cargo.lock, for test pages: `cargo run --package wasm-runner --bin
//! bindgen -- --target web --out-dir … some.wasm`.

use std::process::ExitCode;

fn main() -> ExitCode {
    match wasm_bindgen_cli::wasm_bindgen::run_cli_with_args(std::env::args_os()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("wasm-bindgen: {error:#}");
            ExitCode::FAILURE
        }
    }
}
