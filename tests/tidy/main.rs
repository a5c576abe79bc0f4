//! The rules for the source files, as tests: the ladder of ARCHITECTURE.md, heads, lengths, where the target may be asked
//! for; for what is depended on; for the book. Each rule is a function from text to complaints, tried here on a bad sample as well as on the repository.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod book;
mod dependencies;
mod files;
mod functions;
mod ladder;
mod names;
mod paths;
mod sources;
mod targets;

/// Fails with all `complaints`, one a line.
fn none(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}
