//! `portolan-codegen`: prints typed Rust clients for the custom resources of a cluster, or of files.

#![expect(clippy::print_stdout, reason = "its output is its purpose")]

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use clap::Parser;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use portolan::meta::{GetOptions, ListOptions};
use portolan_native::{ConfigOptions, client_for, load_config};
use serde_json::Value;

/// Prints Rust types for custom resources, with portolan's derive on them.
///
/// The crate that holds them needs portolan, portolan-derive, k8s-openapi, serde (with `derive`) and serde_json.
#[derive(Parser)]
#[command(name = "portolan-codegen")]
struct Arguments {
    /// The definitions, such as `redisclusters.cache.example.com`; without any, all that the cluster has.
    names: Vec<String>,
    /// Definitions in YAML or JSON, in place of a cluster's; `-` is standard input. May be repeated.
    #[arg(long)]
    file: Vec<PathBuf>,
    /// The kubeconfig; without it KUBECONFIG, then ~/.kube/config.
    #[arg(long)]
    kubeconfig: Option<PathBuf>,
    /// The context in it; without it the current one.
    #[arg(long)]
    context: Option<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let mut definitions =
        if arguments.file.is_empty() { of_cluster(&arguments).await? } else { of_files(&arguments)? };
    definitions.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
    if definitions.is_empty() {
        bail!("there is no CustomResourceDefinition");
    }
    print!("{}", portolan_codegen::generate(&definitions)?);
    Ok(())
}

async fn of_cluster(arguments: &Arguments) -> Result<Vec<CustomResourceDefinition>> {
    let Arguments { kubeconfig, context, .. } = arguments;
    let options =
        ConfigOptions { kubeconfig: kubeconfig.clone(), context: context.clone(), ..Default::default() };
    let client = client_for(load_config(&options)?)?;
    let definitions = client.apiextensions_v1().custom_resource_definitions();
    if arguments.names.is_empty() {
        return Ok(definitions.list(&ListOptions::default()).await?.items);
    }
    let mut found = Vec::new();
    for name in &arguments.names {
        found.push(definitions.get(name, &GetOptions::default()).await?);
    }
    Ok(found)
}

fn of_files(arguments: &Arguments) -> Result<Vec<CustomResourceDefinition>> {
    let mut found: Vec<CustomResourceDefinition> = Vec::new();
    for file in &arguments.file {
        let text = if file == Path::new("-") {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map(|_| text)
        } else {
            std::fs::read_to_string(file)
        };
        let text = text.with_context(|| format!("reading {}", file.display()))?;
        let documents: Vec<Value> = serde_saphyr::from_multiple(&text)
            .map_err(|error| anyhow!("{}: {}: give YAML or JSON", file.display(), error.without_snippet()))?;
        for document in documents.into_iter().filter(|it| it["kind"] == "CustomResourceDefinition") {
            let read = serde_json::from_value(document)
                .with_context(|| format!("{} holds a wrong CustomResourceDefinition", file.display()))?;
            found.push(read);
        }
    }
    if !arguments.names.is_empty() {
        found.retain(|crd| crd.metadata.name.as_ref().is_some_and(|name| arguments.names.contains(name)));
    }
    Ok(found)
}
