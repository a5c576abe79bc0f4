//! Portolan's informers and workqueue beside client-go's: `parity scripted|real CLIENT-GO [NAME]`, where CLIENT-GO is the program of
//! `client-go/`.
//!
//! Each scenario of an informer is a script of what a server answers and what a user of an informer does. It is played to client-go and
//! to Portolan, each with a server of its own, and the two traces must be equal: every request in order, and per handler
//! and key every call in order. A scenario that says `departs` must differ, and still end in the same state. Prints
//! `n of m`, and fails unless all is so.
//!
//! Whether a scenario would notice a fault is tried with each trace it made: spoiled in any one line, it must differ.
#![expect(clippy::print_stdout, reason = "a program's output is its purpose")]

mod client_go;
mod play;
mod player;
mod portolan_informer;
mod queues;
mod real;
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
use crate::real::Real;
use crate::script::Scenario;
use crate::trace::Trace;

/// So many scenarios play at a time: most of each is waiting for a backoff to pass.
const AT_A_TIME: usize = 24;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.as_slice() {
        [server, program, name @ ..] => run(server, program, name.first().map_or("", String::as_str)),
        _ => Err(anyhow::anyhow!("use `parity scripted|real CLIENT-GO [PART OF A NAME]`")),
    };
    outcome.unwrap_or_else(|error| {
        println!("parity: {error:#}");
        ExitCode::FAILURE
    })
}

#[tokio::main]
async fn run(server: &str, program: &str, name: &str) -> Result<ExitCode> {
    let mut scenarios = script::all(server)?;
    scenarios.retain(|scenario| scenario.name.contains(name));
    let client_go = Arc::new(ClientGo::start(program)?);
    let verdicts = if server == "real" {
        on_a_real_server(scenarios, &client_go).await?
    } else {
        let mut verdicts = queues::judge(program, name)?;
        verdicts.extend(on_scripted_servers(scenarios, &client_go).await?);
        verdicts
    };
    if verdicts.is_empty() {
        bail!("no scenario has {name:?} in its name");
    }
    Ok(report(server, &verdicts))
}

/// Of a scenario: how many spoiled traces it noticed, if all is right.
type Verdict = (Scenario, Result<usize>);

/// Each with servers of its own: many at a time.
async fn on_scripted_servers(scenarios: Vec<Scenario>, client_go: &Arc<ClientGo>) -> Result<Vec<Verdict>> {
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
    let mut verdicts = Vec::new();
    for task in tasks {
        verdicts.push(task.await.context("a scenario's task")?);
    }
    Ok(verdicts)
}

/// All with one server, which some of them take away: one after the other.
async fn on_a_real_server(scenarios: Vec<Scenario>, client_go: &ClientGo) -> Result<Vec<Verdict>> {
    let real = Real::start()?;
    let mut verdicts = Vec::new();
    for (number, scenario) in scenarios.into_iter().enumerate() {
        let verdict = real.judge(&scenario, number, client_go).await;
        verdicts.push((scenario, verdict));
    }
    Ok(verdicts)
}

fn report(server: &str, verdicts: &[Verdict]) -> ExitCode {
    let (mut right, mut departures, mut spoiled) = (0, 0, 0);
    for (scenario, verdict) in verdicts {
        match (verdict, &scenario.departs) {
            (Ok(noticed), None) => (right, spoiled) = (right + 1, spoiled + noticed),
            (Ok(noticed), Some(reason)) => {
                (right, departures, spoiled) = (right + 1, departures + 1, spoiled + noticed);
                println!("departs on purpose: {}: {reason}", scenario.name);
            }
            (Err(what), _) => println!("{} ({}):\n{what:#}\n", scenario.name, scenario.origin),
        }
    }
    let all = verdicts.len();
    println!("{spoiled} traces with one line lost, repeated or out of order: each was noticed");
    println!(
        "parity with client-go, {server} server: {right} of {all}, {departures} of them by a listed departure"
    );
    if right == all { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Plays a scenario to both and compares.
async fn judge(scenario: &Scenario, client_go: &ClientGo) -> Result<usize> {
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
        _ => ours.notices_spoiled(),
    }
}
