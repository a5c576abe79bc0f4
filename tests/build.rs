//! Makes a copy of docs/calls.md whose pieces of code run when rustdoc tests them: the page shows nothing but what its
//! reader copies, and rustdoc runs nothing but `main`. The lines keep their numbers.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

const PAGE: &str = "../docs/calls.md";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={PAGE}");
    let mut lines = Vec::new();
    let mut runs = false;
    for line in fs::read_to_string(PAGE)?.lines() {
        if line == "```" && std::mem::take(&mut runs) {
            let last: &mut String = lines.last_mut().ok_or("a fence has a line before it")?;
            last.push_str(" portolan_tests::run_piece(run).unwrap();");
        }
        runs |= line == "```rust";
        lines.push(line.to_owned());
    }
    fs::write(Path::new(&env::var("OUT_DIR")?).join("calls.md"), lines.join("\n"))?;
    Ok(())
}
