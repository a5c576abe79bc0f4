//! Prints the logs of a pod, as `kubectl logs` does: of one container, or of all with `--all-containers`.
#![expect(clippy::print_stdout, reason = "an example's output is its purpose")]

mod cluster;
mod pod;

use std::process::ExitCode;
use std::time::Duration;

use futures::StreamExt;
use portolan::Error;
use portolan::client::Client;
use portolan::stream::{LogOptions, Since};

const OWN: &str = "[--follow] [--previous] [--timestamps] [--tail LINES] [--since SECONDS] [--all-containers] \
                   [--container NAME] [NAMESPACE/POD]";

fn main() -> ExitCode {
    cluster::run(OWN, logs)
}

async fn logs(client: Client, arguments: Vec<String>) -> Result<(), Error> {
    let (mut options, mut all, mut named) = (LogOptions::default(), false, None);
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let mut value =
            || arguments.next().ok_or_else(|| Error::config(format!("{argument} wants a value after it")));
        match argument.as_str() {
            "--follow" => options.follow = true,
            "--previous" => options.previous = true,
            "--timestamps" => options.timestamps = true,
            "--all-containers" => all = true,
            "--tail" => options.tail_lines = Some(number(&value()?)?),
            "--since" => options.since = Some(Since::Last(Duration::from_secs(number(&value()?)?))),
            "--container" => options.container = Some(value()?),
            option if option.starts_with('-') => {
                return Err(Error::config(format!("{option:?} is not known")));
            }
            _ => named = Some(argument),
        }
    }
    let (pods, name) = pod::find(&client, named.as_deref()).await?;
    if all {
        let mut lines = pods.logs_of_all(&name, &options).await?;
        while let Some(line) = lines.next().await {
            println!("{}", line?);
        }
        return Ok(());
    }
    let mut lines = pods.logs(&name, &options).await?.lines();
    while let Some(line) = lines.next().await {
        let line = line?;
        // A very long line comes in pieces.
        if line.goes_on { print!("{}", line.text()) } else { println!("{}", line.text()) }
    }
    Ok(())
}

fn number(text: &str) -> Result<u64, Error> {
    text.parse().map_err(|_| Error::config(format!("{text:?} is not a number")))
}
