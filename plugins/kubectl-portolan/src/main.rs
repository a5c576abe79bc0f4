//! `kubectl portolan`: owner trees and live tables in the terminal. kubectl finds it on the path by its name.
#![expect(clippy::print_stderr, reason = "a command's output is its purpose")]

mod printing;
mod screen;
mod sheet;
mod top;
mod tree;
mod watch;

use std::io::{ErrorKind, IsTerminal, Write, stdout};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Parser, Subcommand, ValueEnum};
use futures::stream::BoxStream;
use portolan::Error;
use portolan::client::Client;
use portolan::client::discovery::RestMapper;
use portolan::config::{Config, RateLimit};
use portolan::rest::NoWarnings;
use portolan_native::{ConfigOptions, client_for, load_config};

use sheet::{Sheet, plain};

/// Owner trees and live tables of a Kubernetes cluster.
#[derive(Parser)]
#[command(name = "kubectl-portolan", bin_name = "kubectl portolan", version)]
struct Arguments {
    #[command(flatten)]
    cluster: ClusterArguments,
    #[command(subcommand)]
    command: Command,
}

#[derive(Args)]
struct ClusterArguments {
    /// The kubeconfig to use instead of KUBECONFIG and ~/.kube/config.
    #[arg(long, global = true)]
    kubeconfig: Option<PathBuf>,
    /// The context to use instead of the current one.
    #[arg(long, global = true)]
    context: Option<String>,
    /// The namespace to use instead of the context's.
    #[arg(long, short, global = true)]
    namespace: Option<String>,
}

#[derive(Subcommand)]
enum Command {
    /// Print who owns whom around each object: from its topmost owner down.
    Tree {
        /// The objects: TYPE NAME..., or TYPE/NAME....
        #[arg(required = true)]
        objects: Vec<String>,
    },
    /// Show the objects of a type, or one of them, as kubectl's table, and keep it current.
    Watch {
        /// The type, such as pods, deploy, or cronjobs.batch; of one object TYPE NAME, or TYPE/NAME.
        #[arg(required = true, num_args = 1..=2)]
        object: Vec<String>,
        /// Of all namespaces.
        #[arg(long, short = 'A')]
        all_namespaces: bool,
        /// Only objects with such labels.
        #[arg(long, short = 'l', default_value = "")]
        selector: String,
    },
    /// Show what is used, asked for and to be had, and keep it current.
    Top {
        /// Of nodes or of pods.
        what: What,
        /// Pods of all namespaces.
        #[arg(long, short = 'A')]
        all_namespaces: bool,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// What nodes have, and what the Pods on them ask for.
    #[value(alias = "node")]
    Nodes,
    /// What Pods ask for and may take at most.
    #[value(alias = "pod")]
    Pods,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(code) => code,
        Err(error) => {
            tell(&error);
            ExitCode::FAILURE
        }
    }
}

fn tell(error: &Error) {
    eprintln!("error: {}", plain(&error.to_string()));
}

async fn run(arguments: Arguments) -> Result<ExitCode, Error> {
    let ClusterArguments { kubeconfig, context, namespace } = arguments.cluster;
    let options = ConfigOptions { kubeconfig, context, ..ConfigOptions::default() };
    // kubectl's own limit: a tree takes a list of every resource there is.
    let rate_limit = Some(RateLimit { qps: 50.0, burst: 300 });
    let config = Config { rate_limit, ..load_config(&options)? };
    let namespace = namespace.unwrap_or_else(|| config.default_namespace.clone());
    // What it asks for is its own choice, not the person's.
    let client = client_for(config)?.with_warning_handler(Arc::new(NoWarnings));
    match arguments.command {
        Command::Tree { objects } => trees(&client, &named(&objects)?, &namespace).await,
        Command::Watch { object, all_namespaces, selector } => {
            let (kind, name) = match &object[..] {
                [kind] if !kind.contains('/') => (kind.as_str(), None),
                object => match named(object)?[..] {
                    [(kind, name)] => (kind, Some(name)),
                    _ => return Err(Error::config("a watch is of a type or of one object")),
                },
            };
            let mapper = mapper(&client).await?;
            let resource = mapper.mapping_for(kind)?;
            if !mapper.discovery().resource(&resource.gvr()).is_some_and(|found| found.can("watch")) {
                let why = format!("the server does not support watching {}", resource.plural);
                return Err(Error::config(why));
            }
            let namespace = if all_namespaces || !resource.namespaced { "" } else { &namespace };
            show(watch::sheets(&client, &resource, namespace, name, selector.parse()?), namespace).await?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Top { what, all_namespaces } => {
            let namespace = if all_namespaces || what == What::Nodes { "" } else { &namespace };
            show(top::sheets(&client, what == What::Nodes, namespace), namespace).await?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Prints the tree of each object. Those that cannot be had are told after all others, and then it has failed; a type that is not
/// known is told before anything is printed. So does `kubectl get`.
async fn trees(client: &Client, objects: &[(&str, &str)], namespace: &str) -> Result<ExitCode, Error> {
    let mapper = mapper(client).await?;
    let resources = objects.iter().map(|(kind, _)| mapper.mapping_for(kind));
    let resources = resources.collect::<Result<Vec<_>, Error>>()?;
    let (mut failures, mut gap) = (Vec::new(), "");
    for (resource, (_, name)) in resources.iter().zip(objects) {
        let tree = match tree::Tree::find(client, mapper.discovery(), resource, namespace, name).await {
            Ok(tree) => tree,
            Err(error) => {
                failures.push(error);
                continue;
            }
        };
        let written = write!(stdout(), "{gap}{tree}");
        gap = "\n";
        tree.missing().iter().for_each(|why| eprintln!("not seen: {}", plain(why)));
        match written {
            Ok(()) => {}
            // Whoever reads no further, as `head`, has what it wanted.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => break,
            Err(error) => return Err(Error::config("the tree could not be printed").with_source(error)),
        }
    }
    failures.iter().for_each(tell);
    Ok(if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// In a terminal a screen that stays current, else lines as they come.
async fn show(sheets: BoxStream<'static, Result<Sheet, Error>>, namespace: &str) -> Result<(), Error> {
    match stdout().is_terminal() {
        true => screen::show(sheets).await,
        false => printing::print(sheets, namespace).await,
    }
}

/// `deployment x y` or `deployment/x service/y`, as kubectl takes them.
fn named(objects: &[String]) -> Result<Vec<(&str, &str)>, Error> {
    let pairs: Vec<_> = match objects {
        [kind, names @ ..] if !kind.contains('/') => {
            names.iter().map(|name| (kind.as_str(), name.as_str())).collect()
        }
        all => all.iter().map(|both| both.split_once('/').unwrap_or_default()).collect(),
    };
    let is_whole = |(kind, name): &(&str, &str)| !kind.is_empty() && !name.is_empty() && !name.contains('/');
    match !pairs.is_empty() && pairs.iter().all(is_whole) {
        true => Ok(pairs),
        false => Err(Error::config("which objects? Say TYPE NAME or TYPE/NAME, such as `deployment/web`")),
    }
}

/// Knows what a person calls a type: plural, singular, short name or kind, with its group and version or without.
async fn mapper(client: &Client) -> Result<RestMapper, Error> {
    Ok(RestMapper::new(client.discovery().server_groups_and_resources().await?.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_named_in_two_ways() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        for text in ["deployment web", "deployment/web"] {
            assert_eq!(named(&words(text)).unwrap(), [("deployment", "web")]);
        }
        assert_eq!(named(&words("po a b")).unwrap(), [("po", "a"), ("po", "b")]);
        assert_eq!(named(&words("po/a svc/b")).unwrap(), [("po", "a"), ("svc", "b")]);
        for text in ["deployment", "/web", "deployment/", "po/a svc", "po svc/b", "po/a/b"] {
            assert!(named(&words(text)).unwrap_err().to_string().contains("TYPE/NAME"), "{text}");
        }
    }

    #[test]
    fn the_arguments_are_consistent() {
        use clap::CommandFactory;
        Arguments::command().debug_assert();
    }
}
