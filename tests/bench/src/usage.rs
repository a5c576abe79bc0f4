//! What this process has used so far, as the kernel counts it.

use std::fs;

use nix::sys::resource::{UsageWho, getrusage};

/// Seconds of CPU of all threads, user and system.
pub(crate) fn cpu_seconds() -> f64 {
    let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) else { return 0.0 };
    let seconds = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    seconds(usage.user_time()) + seconds(usage.system_time())
}

/// Resident memory now and at its highest, in bytes.
pub(crate) fn memory() -> (u64, u64) {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let digits = line.and_then(|line| line.split_whitespace().next()).and_then(|text| text.parse().ok());
        digits.unwrap_or(0_u64) * 1024
    };
    (field("VmRSS:"), field("VmHWM:"))
}
