//! How much memory this process holds.

use anyhow::{Context, Result};

/// Kilobytes of resident memory, as Linux tells.
pub(crate) fn resident() -> Result<u64> {
    let status =
        std::fs::read_to_string("/proc/self/status").context("this soak measures memory on Linux only")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
