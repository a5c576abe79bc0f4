//! What the benchmark ran on, when, and of which commit it is.

use std::process::Command;

use serde::{Deserialize, Serialize};

/// Where figures come from. What was not noted once is "".
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Origin {
    /// Processor, cores, kernel.
    pub(crate) machine: String,
    /// "-dirty" behind it says that not all was committed.
    #[serde(default)]
    pub(crate) commit: String,
    /// As 2026-01-31, UTC.
    #[serde(default)]
    pub(crate) day: String,
}

impl Origin {
    pub(crate) fn now() -> Self {
        Self {
            machine: machine(),
            commit: said_by("git", &["describe", "--always", "--dirty", "--exclude=*"]),
            day: said_by("date", &["--utc", "+%F"]),
        }
    }
}

fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let processor = read("/proc/cpuinfo");
    let model = processor.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = read("/proc/sys/kernel/osrelease");
    format!("{}, {cores} cores, Linux {}", model.trim_start_matches([' ', '\t', ':']), kernel.trim())
}

/// What a program says; "" when it is not there or fails.
fn said_by(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().ok().filter(|output| output.status.success());
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}
