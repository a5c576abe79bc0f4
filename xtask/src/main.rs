//! The tasks of this repository: `cargo xtask <command>`.

fn main() {}
