//! Which cluster an example talks to: one in memory that lives, or the one of a kubeconfig.
//!
//! An example is a function from a client to its outcome; [`run`] reads the arguments that all examples share, makes the
//! client, and prints an error in one line.

use std::future::Future;
use std::process::ExitCode;

use portolan::Error;
use portolan::client::Client;
use portolan_memory::Cluster;
use portolan_memory::workload::{Workload, WorkloadOptions};
use portolan_native::{ConfigOptions, client_for, load_config, runtime};

const SHARED: &str = "[--cluster] [--kubeconfig FILE] [--context NAME]";

/// Runs `example` with a client of the chosen cluster and the arguments left over. `own` is how those are to be written,
/// "" when the example takes none.
///
/// Without arguments the cluster is one in memory, with a workload that lives. `--cluster` takes the kubeconfig of
/// KUBECONFIG or of the home directory, `--kubeconfig` names one, `--context` chooses in it.
pub(crate) fn run<F>(own: &str, example: impl FnOnce(Client, Vec<String>) -> F) -> ExitCode
where
    F: Future<Output = Result<(), Error>>,
{
    end_quietly_when_nobody_reads();
    let outcome = Choice::read(std::env::args().skip(1)).and_then(|choice| {
        if own.is_empty()
            && let Some(odd) = choice.own.first()
        {
            return Err(Error::config(format!("{odd:?} is not known here: the arguments are {SHARED}")));
        }
        let runtime = tokio::runtime::Runtime::new()
            .map_err(|error| Error::config("tokio does not start").with_source(error))?;
        runtime.block_on(async { example(choice.client()?, choice.own).await })
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            if !own.is_empty() && matches!(error.kind(), portolan::ErrorKind::Config) {
                eprintln!("arguments: {SHARED} {own}");
            }
            ExitCode::FAILURE
        }
    }
}

/// `println!` panics when its reader has gone, as under `| head`; that is no failure.
fn end_quietly_when_nobody_reads() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if panic.payload_as_str().is_some_and(|text| text.contains("Broken pipe")) {
            std::process::exit(0);
        }
        report(panic);
    }));
}

#[derive(Default)]
struct Choice {
    real: bool,
    options: ConfigOptions,
    own: Vec<String>,
}

impl Choice {
    fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self, Error> {
        let mut choice = Self::default();
        while let Some(argument) = arguments.next() {
            let mut value = || {
                arguments.next().ok_or_else(|| Error::config(format!("{argument} wants a value after it")))
            };
            match argument.as_str() {
                "--cluster" => {}
                "--kubeconfig" => choice.options.kubeconfig = Some(value()?.into()),
                "--context" => choice.options.context = Some(value()?),
                _ => {
                    choice.own.push(argument);
                    continue;
                }
            }
            choice.real = true;
        }
        Ok(choice)
    }

    fn client(&self) -> Result<Client, Error> {
        if self.real {
            return client_for(load_config(&self.options)?);
        }
        let cluster = Cluster::new(runtime()?);
        let workload = Workload::new(&cluster, cluster.runtime().seed, &WorkloadOptions::default())?;
        cluster.runtime().spawner.spawn("workload", Box::pin(workload.run()));
        Ok(cluster.client())
    }
}
