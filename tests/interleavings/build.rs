//! Makes copies of the files of core that threads meet in, with loom's locks in the place of the standard library's: the
//! code as it is, and core knows nothing of it.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

/// The files, and what each imports of the locks.
const FILES: [(&str, &str); 2] = [
    ("signal.rs", "use std::sync::{Mutex, MutexGuard, PoisonError};"),
    ("queue.rs", "use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};"),
];

fn main() -> Result<(), Box<dyn Error>> {
    let out = env::var("OUT_DIR")?;
    for (file, import) in FILES {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../core/src/informer").join(file);
        println!("cargo::rerun-if-changed={}", source.display());
        let text = fs::read_to_string(&source)?;
        if !text.contains(import) {
            return Err(format!(
                "{} does not say {import:?} any more: say here what it imports",
                source.display()
            )
            .into());
        }
        let loomed = import.replace("Mutex, MutexGuard, ", "");
        let text = text.replace(import, &format!("{loomed}\nuse loom::sync::{{Mutex, MutexGuard}};"));
        let (code, _tests) = text.split_once("#[cfg(test)]").unwrap_or((&text, ""));
        let code: Vec<&str> = code.lines().filter(|line| !line.starts_with("//!")).collect();
        fs::write(Path::new(&out).join(file), code.join("\n"))?;
    }
    Ok(())
}
