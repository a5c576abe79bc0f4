//! What the processes that compete for a Lease and the test that judges them agree upon.

use std::time::Duration;

/// How long others wait for a sign of life: short, and real.
pub const LEASE_DURATION: Duration = Duration::from_secs(2);
/// How long the leader goes on without a renewal.
pub const RENEW_DEADLINE: Duration = Duration::from_millis(1_400);
/// How often it renews.
pub const RETRY_PERIOD: Duration = Duration::from_millis(250);

/// The time since this machine was booted, its sleep included: one clock for all processes.
pub fn boot_time() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or_default())
}
