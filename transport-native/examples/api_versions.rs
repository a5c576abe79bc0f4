//! `kubectl api-versions`: prints the group versions a server serves, byte for byte as kubectl does.
#![expect(clippy::print_stdout, reason = "an example's output is its purpose")]

mod cluster;

use std::process::ExitCode;

use portolan::Error;
use portolan::client::Client;

fn main() -> ExitCode {
    cluster::run("", api_versions)
}

async fn api_versions(client: Client, _: Vec<String>) -> Result<(), Error> {
    let groups = client.discovery().server_groups().await?.groups;
    let mut versions: Vec<_> =
        groups.iter().flat_map(|group| &group.versions).map(|given| &given.group_version).collect();
    versions.sort();
    for version in versions {
        println!("{version}");
    }
    Ok(())
}
