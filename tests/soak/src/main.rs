//! Informers under strain: `soak faults|handlers [--short]`. `cargo xtask soak` runs both.
#![expect(clippy::print_stdout, reason = "a program's output is its purpose")]

mod faults;
mod handlers;
mod memory;
mod writer;

use std::process::ExitCode;

use anyhow::bail;

// One of as many threads as the machine has cores would be half of them, and the stuck handler blocks the one it is on.
#[tokio::main(worker_threads = 4)]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["faults"] => faults::run(faults::LONG).await,
        ["faults", "--short"] => faults::run(faults::SHORT).await,
        ["handlers"] => handlers::run(handlers::LONG).await,
        ["handlers", "--short"] => handlers::run(handlers::SHORT).await,
        _ => (|| bail!("use `soak faults|handlers [--short]`"))(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("soak: {error:#}");
            ExitCode::FAILURE
        }
    }
}
