//! The tasks of this repository: `cargo xtask <command>`. Each command is one module; whatever CI does is one of them,
//! so that a person can type it.
#![expect(clippy::print_stdout, reason = "a command's output is its purpose")]

mod bench;
mod bindgen;
mod book;
mod cluster;
mod cluster_binary;
mod codegen;
mod demo;
mod fixtures;
mod mutants;
mod npm;
mod parity;
mod process;
mod programs;
mod serve;
mod setup;
mod sizes;
mod soak;
mod test;
mod wasm_profile;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The tasks of this repository.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install what the tests need and build the test cluster; does nothing where all is there.
    Setup,
    /// Start a real etcd and API server for the tests or for trying things out.
    #[command(subcommand)]
    Cluster(cluster::Command),
    /// Write what is generated from the Go types of the API: the field tables of protobuf.
    Codegen(codegen::Options),
    /// Compare the codecs with Go: Kubernetes' own fixtures and a corpus of random objects.
    Fixtures(fixtures::Options),
    /// Play informers beside client-go's: every scenario to both, and compare what they ask and tell.
    Parity(parity::Options),
    /// Put informers under strain for minutes; with --short, for a minute each at most.
    Soak(soak::Options),
    /// Measure Portolan beside its peers.
    Bench(bench::Options),
    /// Run all tests and checks.
    Test(test::Options),
    /// Build the dashboard and serve it.
    Demo(demo::Options),
    /// Build the book of docs/ and print where it is.
    Book(book::Options),
    /// Build the npm package `portolan` and print the path of its tarball.
    Npm,
    /// Print the sizes of the wasm of the dashboard, of the npm package, of a mere informer and of plugins, and what takes
    /// the space, as JSON.
    Sizes,
    /// Check the rules for the source files: the ladder, heads, lengths.
    Tidy,
}

fn main() -> ExitCode {
    let done = |()| ExitCode::SUCCESS;
    let outcome = match Arguments::parse().task {
        Task::Setup => setup::run().map(done),
        Task::Cluster(command) => cluster::run(&command).map(done),
        Task::Codegen(options) => codegen::run(&options).map(done),
        Task::Fixtures(options) => fixtures::run(&options).map(done),
        Task::Parity(options) => parity::run(&options).map(done),
        Task::Soak(options) => soak::run(&options).map(done),
        Task::Bench(options) => bench::run(&options).map(done),
        Task::Test(options) => test::run(&options),
        Task::Demo(options) => demo::run(&options).map(done),
        Task::Book(options) => book::run(&options).map(done),
        Task::Npm => npm::run().map(done),
        Task::Sizes => sizes::run().map(done),
        Task::Tidy => test::tidy().map(done),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("xtask: {error:#}");
        ExitCode::FAILURE
    })
}
