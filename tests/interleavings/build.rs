//! Makes copies of the files of core that threads meet in, with loom's locks and atomics in the place of the standard
//! library's: the code as it is, and core knows nothing of it.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

/// The files, below `core/src`.
const FILES: [&str; 8] = [
    "controller/events/recorder.rs",
    "informer/handler.rs",
    "informer/lister.rs",
    "informer/mutation.rs",
    "informer/published.rs",
    "informer/queue.rs",
    "informer/shared.rs",
    "informer/signal.rs",
];

/// What loom has of `std::sync`. The rest keeps nobody waiting.
const LOOMED: [&str; 5] = ["Mutex", "MutexGuard", "RwLock", "RwLockReadGuard", "RwLockWriteGuard"];

fn main() -> Result<(), Box<dyn Error>> {
    let out = env::var("OUT_DIR")?;
    for file in FILES {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../core/src").join(file);
        println!("cargo::rerun-if-changed={}", source.display());
        let text = fs::read_to_string(&source)?;
        let (code, _tests) = text.split_once("#[cfg(test)]").unwrap_or((&text, ""));
        let mut loomed = String::new();
        for line in code.lines().filter(|line| !line.starts_with("//!")) {
            let line = with_loom(line).ok_or_else(|| {
                format!(
                    "{}: {line:?} is not `use std::sync::{{…}};`, which is what is understood here",
                    source.display()
                )
            })?;
            loomed = loomed + &line + "\n";
        }
        let name = Path::new(file).file_name().ok_or("a file has a name")?;
        fs::write(Path::new(&out).join(name), loomed)?;
    }
    Ok(())
}

/// The line, with what loom has taken from loom; `None` if it names `std::sync` in another way.
fn with_loom(line: &str) -> Option<String> {
    if line == "use futures::task::AtomicWaker;" {
        return Some("use crate::stage::AtomicWaker;".to_owned());
    }
    if !line.contains("std::sync::") {
        return Some(line.to_owned());
    }
    if line.starts_with("use std::sync::atomic::") {
        return Some(line.replace("std::", "loom::"));
    }
    let names = line.strip_prefix("use std::sync::")?.strip_suffix(';')?;
    let names = names.strip_prefix('{').and_then(|names| names.strip_suffix('}')).unwrap_or(names);
    let (loomed, kept): (Vec<_>, Vec<_>) = names.split(", ").partition(|name| LOOMED.contains(name));
    let imports = |from: &str, names: &[&str]| match names {
        [] => String::new(),
        names => format!("use {from}::sync::{{{}}};", names.join(", ")),
    };
    Some(imports("std", &kept) + &imports("loom", &loomed))
}
