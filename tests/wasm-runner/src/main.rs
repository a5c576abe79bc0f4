//! Runs one wasm test binary in headless Chromium. Cargo calls it (`runner` in .cargo/config.toml) for every test of
//! the target wasm32-unknown-unknown; it needs `chromium` and `chromedriver` and downloads nothing.
//!
//! It is wasm-bindgen's own test runner taken as a library, so that its version follows Cargo.lock and nobody has to
//! install a second program. `CHROMEDRIVER` names a driver outside the path; webdriver.json holds the browser's flags.

use std::process::ExitCode;

fn main() -> ExitCode {
    // `cargo test --quiet` hands its flag on; the runner knows none such.
    let arguments = std::env::args_os().filter(|argument| argument != "--quiet");
    match wasm_bindgen_cli::wasm_bindgen_test_runner::run_cli_with_args(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("wasm-runner: {error:#}");
            ExitCode::FAILURE
        }
    }
}
