//! `kubectl api-resources`: prints the resources a server serves, byte for byte as kubectl does.
//!
//! `--cached` believes what kubectl or an earlier run has kept on disk in the last six hours.
#![expect(clippy::print_stdout, reason = "an example's output is its purpose")]

mod cluster;

use std::process::ExitCode;

use portolan::Error;
use portolan::client::Client;
use portolan::client::discovery::{DiscoveredResource, Discovery};
use portolan_native::{cache_folder, cached_discovery};

const ARGUMENTS: &str = "[--api-group=GROUP] [--namespaced=true|false] [--verbs=VERB,...] [--categories=CATEGORY,...] \
                         [-o wide|name] [--sort-by=name|kind] [--no-headers] [--cached]";

fn main() -> ExitCode {
    cluster::run(ARGUMENTS, api_resources)
}

async fn api_resources(client: Client, arguments: Vec<String>) -> Result<(), Error> {
    let wanted = Wanted::read(arguments)?;
    if wanted.cached {
        let discovery = cached_discovery(&client, &cache_folder()?).server_groups_and_resources().await?;
        return print(&discovery, &wanted);
    }
    print(&client.discovery().server_groups_and_resources().await?, &wanted)
}

/// Prints what was found, and fails when something could not be.
fn print(discovery: &Discovery, wanted: &Wanted) -> Result<(), Error> {
    let mut found: Vec<_> = discovery.preferred_resources();
    found.retain(|found| wanted.takes(found));
    found.sort_by(|left, right| wanted.key(left).cmp(&wanted.key(right)));
    if wanted.output == "name" {
        found.iter().for_each(|found| println!("{}", found.resource));
    } else {
        let mut rows: Vec<Vec<String>> = found.iter().map(|found| wanted.row(found)).collect();
        if !wanted.no_headers {
            let head = ["NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND", "VERBS", "CATEGORIES"];
            let shown = if wanted.output == "wide" { 7 } else { 5 };
            rows.insert(0, head[..shown].iter().map(|text| (*text).to_owned()).collect());
        }
        print!("{}", table(&rows));
    }
    discovery.warning().map_or(Ok(()), |warning| Err(Error::unsupported(warning)))
}

#[derive(Default)]
struct Wanted {
    group: Option<String>,
    namespaced: Option<bool>,
    verbs: Vec<String>,
    categories: Vec<String>,
    output: String,
    sort_by: String,
    no_headers: bool,
    cached: bool,
}

impl Wanted {
    fn read(arguments: Vec<String>) -> Result<Self, Error> {
        let mut wanted = Self::default();
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let (name, value) = argument.split_once('=').unwrap_or((&argument, ""));
            let value = if name == "-o" && value.is_empty() {
                arguments.next().unwrap_or_default()
            } else {
                value.to_owned()
            };
            let many = || value.split(',').map(str::to_owned).collect();
            match name {
                "--api-group" => wanted.group = Some(value),
                "--namespaced" => wanted.namespaced = Some(value != "false"),
                "--verbs" => wanted.verbs = many(),
                "--categories" => wanted.categories = many(),
                "-o" | "--output" if matches!(&*value, "wide" | "name") => wanted.output = value,
                "--sort-by" if matches!(&*value, "name" | "kind") => wanted.sort_by = value,
                "--no-headers" => wanted.no_headers = true,
                "--cached" => wanted.cached = true,
                _ => return Err(Error::config(format!("{argument:?} is not known here"))),
            }
        }
        Ok(wanted)
    }

    fn takes(&self, found: &DiscoveredResource) -> bool {
        !found.verbs.is_empty()
            && self.group.as_ref().is_none_or(|group| found.resource.group == group.as_str())
            && self.namespaced.is_none_or(|namespaced| found.resource.namespaced == namespaced)
            && self.verbs.iter().all(|verb| found.can(verb))
            && self.categories.iter().all(|category| found.categories.contains(category))
    }

    fn key<'a>(&self, found: &'a DiscoveredResource) -> (&'a str, &'a str) {
        let resource = &found.resource;
        let first = match &*self.sort_by {
            "name" => &resource.plural,
            "kind" => &resource.kind,
            _ => &resource.group,
        };
        (first, &resource.plural)
    }

    fn row(&self, found: &DiscoveredResource) -> Vec<String> {
        let resource = &found.resource;
        let mut row = vec![
            resource.plural.to_string(),
            found.short_names.join(","),
            resource.api_version(),
            resource.namespaced.to_string(),
            resource.kind.to_string(),
        ];
        if self.output == "wide" {
            row.extend([found.verbs.join(","), found.categories.join(",")]);
        }
        row
    }
}

/// Columns as Go's tabwriter lays them out for kubectl: at least six wide, three spaces between, none behind the last.
fn table(rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let widest = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
        widest.map_or(0, |widest| (widest + 3).max(6))
    };
    let mut text = String::new();
    for row in rows {
        for (column, cell) in row.iter().enumerate() {
            text.push_str(cell);
            if column + 1 < row.len() {
                text.extend(std::iter::repeat_n(' ', width(column) - cell.chars().count()));
            }
        }
        text.push('\n');
    }
    text
}
