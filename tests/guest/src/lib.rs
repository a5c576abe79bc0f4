//! What the tests run as a guest, in wasm: the scenario, the contract of a transport, and misdeeds that a host must stop.
//!
//! Its input is JSON: `{ "play": … }` and what that wants to know. What it finds out it says, a line each.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use portolan::Error;
use portolan::meta::ListOptions;
use portolan_conformance::peer::{AtPeer, Limits};
use portolan_conformance::{CLAUSES, Outcome};
use portolan_host::Host;
use serde_json::Value;

portolan_host::guest!(run);

async fn run(host: Host) -> Result<(), Error> {
    let input: Value = serde_json::from_slice(host.input())
        .map_err(|error| Error::config("the guest's input is no JSON").with_source(error))?;
    match input["play"].as_str() {
        Some("scenario") => scenario(&host).await,
        Some("contract") => contract(&host, &input).await,
        Some("forbidden") => forbidden(&host).await,
        Some("memory") => memory(&host),
        Some("endless") => endless(&host),
        Some("trap") => trap(&host),
        _ => Err(Error::config(format!("the guest knows no play {}", input["play"]))),
    }
}

/// The scenario that every transport must tell alike.
async fn scenario(host: &Host) -> Result<(), Error> {
    let told = portolan_scenario::play(&host.client()?).await?;
    told.iter().for_each(|line| host.say(line));
    match told == portolan_scenario::EXPECTED {
        true => Ok(()),
        false => Err(Error::canceled("the scenario was told in another way than expected")),
    }
}

/// The contract, clause by clause, with the scripted peer as the server.
async fn contract(host: &Host, input: &Value) -> Result<(), Error> {
    #[cfg_attr(
        target_family = "wasm",
        expect(
            clippy::arc_with_non_send_sync,
            reason = "a subject holds an Arc on every target; here is one thread"
        )
    )]
    let transport = Arc::new(host.transport());
    let subject = AtPeer {
        transport: transport.clone(),
        asking: transport,
        runtime: host.runtime(),
        address: host.config()?.server.to_string().trim_end_matches('/').to_owned(),
        nobody: input["nobody"].as_str().unwrap_or_default().to_owned(),
        patience: Duration::from_secs(30),
        limits: Limits { tells_no_kinds: input["tellsNoKinds"] == true, ..Limits::default() },
    };
    for clause in CLAUSES {
        host.say(match clause.check(&subject).await {
            Outcome::Holds => format!("holds: {}", clause.name),
            Outcome::Broken(how) => format!("broken: {}: {how}", clause.name),
            Outcome::NotApplicable => format!("not applicable: {}", clause.name),
        });
    }
    Ok(())
}

/// Reads config maps, which the tests allow, and Secrets, which they do not; tells what came of it.
async fn forbidden(host: &Host) -> Result<(), Error> {
    let client = host.client()?;
    let maps = client.api::<ConfigMap>("default").list(&ListOptions::default()).await?;
    host.say(format!("{} config maps", maps.items.len()));
    match client.api::<Secret>("default").list(&ListOptions::default()).await {
        Err(error) if error.is_forbidden() => host.say(error.to_string()),
        Err(error) => return Err(error),
        Ok(_) => host.say("Secrets were read"),
    }
    Ok(())
}

/// Takes more memory than the tests allow.
fn memory(host: &Host) -> Result<(), Error> {
    let mut held = Vec::new();
    while held.len() < 128 {
        held.push(vec![1_u8; 1 << 20]);
    }
    host.say(format!("{} MiB were to be had", held.len()));
    Ok(())
}

/// Never gives its turn back.
fn endless(host: &Host) -> Result<(), Error> {
    let mut number = 1_u64;
    while number != 0 {
        number = std::hint::black_box(number.wrapping_mul(3));
    }
    host.say("the endless has ended");
    Ok(())
}

/// Fails as a bug would.
fn trap(host: &Host) -> Result<(), Error> {
    host.say("about to trap");
    std::process::abort();
}
