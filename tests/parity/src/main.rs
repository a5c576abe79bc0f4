//! Portolan's informers beside client-go's: `parity CLIENT-GO [NAME]`, where CLIENT-GO is the program of `client-go/`.
//!
//! Each scenario is a script of what a server answers and what a user of an informer does. It is played to client-go and
//! to Portolan, each with a server of its own, and the two traces must be equal: every request in order, and per handler
//! and key every call in order. A scenario that says `departs` must differ, and still end in the same state. Prints
//! `n of m`, and fails unless all is so.
#![expect(clippy::print_stdout, reason = "a program's output is its purpose")]

mod client_go;
mod play;
mod player;
mod portolan_informer;
mod script;
mod server;
mod trace;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use tokio::sync::Semaphore;

use crate::client_go::ClientGo;
use crate::player::Player;
use crate::portolan_informer::Portolan;
use crate::script::Scenario;
use crate::trace::Trace;

/// So many scenarios play at a time: most of each is waiting for a backoff to pass.
const AT_A_TIME: usize = 24;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.as_slice() {
        [program] => run(program, ""),
        [program, name] => run(program, name),
        _ => Err(anyhow::anyhow!("use `parity CLIENT-GO [PART OF A NAME]`")),
    };
    outcome.unwrap_or_else(|error| {
        println!("parity: {error:#}");
        ExitCode::FAILURE
    })
}

#[tokio::main]
async fn run(program: &str, name: &str) -> Result<ExitCode> {
    let mut scenarios = script::all()?;
    scenarios.retain(|scenario| scenario.name.contains(name));
    if scenarios.is_empty() {
        bail!("no scenario has {name:?} in its name");
    }
    let client_go = Arc::new(ClientGo::start(program)?);
    let places = Arc::new(Semaphore::new(AT_A_TIME));
    let tasks: Vec<_> = scenarios
        .into_iter()
        .map(|scenario| {
            let (client_go, places) = (client_go.clone(), places.clone());
            tokio::spawn(async move {
                let _place = places.acquire().await;
                let verdict = judge(&scenario, &client_go).await;
                (scenario, verdict)
            })
        })
        .collect();
    let (mut equal, mut departures, mut wrong) = (0, Vec::new(), 0);
    for task in tasks {
        let (scenario, verdict) = task.await.context("a scenario's task")?;
        match (verdict, &scenario.departs) {
            (Ok(()), None) => equal += 1,
            (Ok(()), Some(reason)) => departures.push(format!("{}: {reason}", scenario.name)),
            (Err(what), _) => {
                wrong += 1;
                println!("{} ({}):\n{what:#}\n", scenario.name, scenario.origin);
            }
        }
    }
    for departure in &departures {
        println!("departs on purpose: {departure}");
    }
    let all = equal + departures.len() + wrong;
    println!(
        "parity with client-go: {} of {all}, {} of them by a listed departure",
        all - wrong,
        departures.len()
    );
    Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Plays a scenario to both and compares.
async fn judge(scenario: &Scenario, client_go: &ClientGo) -> Result<()> {
    let (theirs, ours) = (Trace::default(), Trace::default());
    let theirs_player = Player::ClientGo(client_go.player(&scenario.name, theirs.clone()));
    let ours_player = Player::Portolan(Box::new(Portolan::new(ours.clone())));
    let (theirs_outcome, ours_outcome) =
        tokio::join!(play::play(scenario, theirs_player, &theirs), play::play(scenario, ours_player, &ours));
    let shown = || format!("client-go:\n{theirs}\nPortolan:\n{ours}");
    theirs_outcome.with_context(|| format!("client-go does not follow the script\n{}", shown()))?;
    ours_outcome.with_context(|| format!("Portolan does not follow the script\n{}", shown()))?;
    let difference = theirs.difference(&ours);
    match (&scenario.departs, difference) {
        (None, Some(difference)) => bail!("{difference}\n{}", shown()),
        (Some(_), None) => bail!("it says that it departs, and does not\n{}", shown()),
        (Some(_), Some(_)) if theirs.last_check() != ours.last_check() => {
            bail!("a departure must end in the same state\n{}", shown())
        }
        _ => Ok(()),
    }
}
