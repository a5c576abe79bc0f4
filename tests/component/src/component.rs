//! The program, where there is WASI.
#![expect(clippy::print_stdout, reason = "its lines are what the tests read")]

use std::process::exit;
use std::sync::Arc;
use std::time::Duration;

use portolan::Error;
use portolan_conformance::peer::{AtPeer, Limits};
use portolan_conformance::{CLAUSES, Outcome};
use portolan_wasi::{WasiTransport, client, runtime};

/// Does what the arguments say, and ends the process.
pub(crate) async fn run() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ended = match arguments.as_slice() {
        ["scenario", server] => scenario(server).await,
        ["contract", server, nobody] => contract(server, nobody).await,
        _ => Err(Error::config("scenario SERVER, or contract SERVER NOBODY")),
    };
    if let Err(error) = ended {
        println!("failed: {error}");
        exit(1);
    }
    exit(0);
}

async fn scenario(server: &str) -> Result<(), Error> {
    let told = portolan_scenario::play(&client(server)?).await?;
    told.iter().for_each(|line| println!("{line}"));
    match told == portolan_scenario::EXPECTED {
        true => Ok(()),
        false => Err(Error::canceled("the scenario was told in another way than expected")),
    }
}

async fn contract(server: &str, nobody: &str) -> Result<(), Error> {
    let subject = AtPeer {
        transport: Arc::new(WasiTransport),
        asking: Arc::new(WasiTransport),
        runtime: runtime(),
        address: server.to_owned(),
        nobody: nobody.to_owned(),
        patience: Duration::from_secs(30),
        limits: Limits::default(),
    };
    for clause in CLAUSES {
        println!(
            "{}",
            match clause.check(&subject).await {
                Outcome::Holds => format!("holds: {}", clause.name),
                Outcome::Broken(how) => format!("broken: {}: {how}", clause.name),
                Outcome::NotApplicable => format!("not applicable: {}", clause.name),
            }
        );
    }
    Ok(())
}
