//! The source files of the repository: what is under its folders, built and installed things aside.

use std::fs;
use std::path::{Path, PathBuf};

/// A source file: its path from the root, and its text.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
}

const LEFT_OUT: [&str; 5] = ["target", "node_modules", "dist", "output", "generated"];

/// All files below `folder` (from the root; empty for all) whose names end in one of `extensions`, sorted by path.
pub(crate) fn with_extension(folder: &str, extensions: &[&str]) -> Vec<Source> {
    let mut found = Vec::new();
    collect(&root().join(folder), extensions, &mut found);
    assert!(!found.is_empty(), "no {extensions:?} below {folder:?}");
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// The text of the file at `path` from the root.
pub(crate) fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// Whether there is a file at `path` from the root.
pub(crate) fn exists(path: &str) -> bool {
    root().join(path).is_file()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn collect(folder: &Path, extensions: &[&str], found: &mut Vec<Source>) {
    let entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    for path in entries {
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            if !name.starts_with('.') && !LEFT_OUT.contains(&name) {
                collect(&path, extensions, found);
            }
        } else if path.extension().is_some_and(|found| extensions.iter().any(|wanted| found == *wanted)) {
            let shown = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
            found.push(Source { path: shown, text: fs::read_to_string(&path).unwrap() });
        }
    }
}
