//! A process that competes for a Lease and does guarded acts while it holds it; its lines on stdout, with moments of the
//! boot-time clock in nanoseconds, are what tests/lease judges.
//!
//! `lease-holder KUBECONFIG IDENTITY`. Lines: `HELD <term> <renewed>` (the leadership of term `<term>` rests on a renewal
//! sent at `<renewed>`), `ACT <term> <moment>`, `LOST <term> <moment>`.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use portolan::client::Client;
use portolan::controller::{ElectionOptions, LeaderElector, Leadership};
use portolan::portable::BoxFuture;
use portolan::time::{Clock, Instant, Runtime};
use portolan_native::{ConfigOptions, TokioClock, load_config, runtime, transport_for};
use portolan_tests::{LEASE_DURATION, RENEW_DEADLINE, RETRY_PERIOD, boot_time};

/// The clock of the machine since it was booted, the same in every process.
#[derive(Debug)]
struct BootClock(TokioClock);

impl Clock for BootClock {
    fn now(&self) -> Instant {
        Instant::from_origin(boot_time())
    }

    fn unix_time(&self) -> Duration {
        self.0.unix_time()
    }

    fn sleep_until(&self, at: Instant) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(at - self.now()))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let kubeconfig = arguments.next().context("lease-holder KUBECONFIG IDENTITY")?;
    let identity = arguments.next().context("lease-holder KUBECONFIG IDENTITY")?;
    let config = load_config(&ConfigOptions { kubeconfig: Some(kubeconfig.into()), ..Default::default() })?;
    let clock = Arc::new(BootClock(TokioClock::new()));
    let client = Client::new(transport_for(&config)?, config, Runtime { clock, ..runtime()? });
    let options = ElectionOptions {
        lease_duration: LEASE_DURATION,
        renew_deadline: RENEW_DEADLINE,
        retry_period: RETRY_PERIOD,
        ..ElectionOptions::new("default", "guard", &identity)
    };
    let mut elector = LeaderElector::new(&client, options)?;
    let term = AtomicU64::new(0);
    loop {
        term.fetch_add(1, Ordering::Relaxed);
        let number = term.load(Ordering::Relaxed);
        let outcome = elector.run(async |leadership| act(number, &leadership).await).await;
        say(&format!("LOST {number} {}", boot_time().as_nanos()))?;
        if let Ok(outcome) = outcome {
            outcome?;
        }
    }
}

/// Acts until the guard says no.
async fn act(term: u64, leadership: &Leadership) -> Result<()> {
    let mut told = None;
    loop {
        let renewed = leadership.renewed();
        if renewed != told
            && let Some(renewed) = renewed
        {
            told = Some(renewed);
            say(&format!("HELD {term} {}", renewed.monotonic.since_origin().as_nanos()))?;
        }
        let moment = boot_time();
        if leadership.check().is_err() {
            return Ok(());
        }
        say(&format!("ACT {term} {}", moment.as_nanos()))?;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// One line, whole and at once.
fn say(line: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}
