//! What a real API server serves, with every API version and every feature gate on: asked through `kubectl get --raw`,
//! and kept as one line per resource, so that a change is seen in the diff.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{cluster_binary, process};

/// Everything that is served, by group version and plural name.
pub(crate) struct Discovery {
    /// The server's version, as `v1.36.3`.
    pub(crate) version: String,
    pub(crate) group_versions: BTreeMap<String, BTreeMap<String, Served>>,
}

/// A resource.
#[derive(Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Served {
    pub(crate) kind: String,
    pub(crate) namespaced: bool,
    pub(crate) verbs: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) short_names: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) categories: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) subresources: BTreeMap<String, Subresource>,
}

/// A subresource: what it speaks of, and what can be done with it.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Subresource {
    /// Such as `autoscaling/v1`.
    pub(crate) api_version: String,
    pub(crate) kind: String,
    pub(crate) verbs: Vec<String>,
}

impl Discovery {
    /// Starts a cluster, asks it, and ends it.
    pub(crate) fn of_real_server() -> Result<Self> {
        let server = Server::start()?;
        let groups: Groups = server.ask("/apis")?;
        let named = groups.groups.into_iter().flat_map(|group| group.versions);
        let mut group_versions = BTreeMap::new();
        for (path, name) in std::iter::once(("/api/v1".to_owned(), "v1".to_owned()))
            .chain(named.map(|version| (format!("/apis/{}", version.group_version), version.group_version)))
        {
            group_versions.insert(name.clone(), resources(&name, server.ask(&path)?));
        }
        Ok(Self { version: server.facts.version.clone(), group_versions })
    }

    /// As JSON, one line per resource.
    pub(crate) fn to_json(&self) -> Result<String> {
        let mut groups = Vec::new();
        for (group_version, resources) in &self.group_versions {
            let lines: Result<Vec<String>> = resources
                .iter()
                .map(|(plural, served)| Ok(format!("      {plural:?}: {}", serde_json::to_string(served)?)))
                .collect();
            groups.push(format!("    {group_version:?}: {{\n{}\n    }}", lines?.join(",\n")));
        }
        let (version, groups) = (&self.version, groups.join(",\n"));
        Ok(format!("{{\n  \"server\": {version:?},\n  \"groupVersions\": {{\n{groups}\n  }}\n}}\n"))
    }
}

/// A real API server, which ends when this is dropped.
struct Server {
    process: Child,
    facts: Facts,
}

/// What the program of tests/cluster says of the cluster it has started.
#[derive(Deserialize)]
struct Facts {
    version: String,
    kubectl: PathBuf,
    kubeconfig: PathBuf,
}

impl Server {
    fn start() -> Result<Self> {
        cluster_binary::build()?;
        let mut up = Command::new(cluster_binary::path()?);
        up.args(["up", "--api-all", "--feature-gates=AllAlpha=true,AllBeta=true"]);
        let mut process =
            up.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("starting the cluster")?;
        let mut line = String::new();
        BufReader::new(process.stdout.take().context("the cluster's output")?).read_line(&mut line)?;
        let facts =
            line.strip_prefix("READY ").context("the cluster does not start: it wrote why to stderr")?;
        Ok(Self { process, facts: serde_json::from_str(facts)? })
    }

    fn ask<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let mut kubectl = Command::new(&self.facts.kubectl);
        let answer =
            process::output(kubectl.args(["get", "--raw", path]).env("KUBECONFIG", &self.facts.kubeconfig))?;
        serde_json::from_str(&answer).with_context(|| path.to_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.stdin.take()); // asks it to end
        let _ = self.process.wait();
    }
}

fn resources(group_version: &str, list: ResourceList) -> BTreeMap<String, Served> {
    let (subresources, resources): (Vec<_>, Vec<_>) =
        list.resources.into_iter().partition(|listed| listed.name.contains('/'));
    let mut served: BTreeMap<String, Served> = BTreeMap::new();
    for Listed { name, kind, namespaced, verbs, short_names, categories, .. } in resources {
        let resource =
            Served { kind, namespaced, verbs, short_names, categories, subresources: BTreeMap::new() };
        served.insert(name, resource);
    }
    for Listed { name, kind, namespaced, verbs, group, version, .. } in subresources {
        let Some((owner, subresource)) = name.split_once('/') else { continue };
        let api_version = match (group.as_str(), version.as_str()) {
            ("", "") => group_version.to_owned(),
            ("", version) => version.to_owned(),
            (group, version) => format!("{group}/{version}"),
        };
        let owner =
            served.entry(owner.to_owned()).or_insert_with(|| Served { namespaced, ..Served::default() });
        owner.subresources.insert(subresource.to_owned(), Subresource { api_version, kind, verbs });
    }
    served
}

#[derive(Deserialize)]
struct Groups {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    versions: Vec<Version>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    group_version: String,
}

#[derive(Deserialize)]
struct ResourceList {
    resources: Vec<Listed>,
}

/// `metav1.APIResource`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct Listed {
    name: String,
    kind: String,
    namespaced: bool,
    verbs: Vec<String>,
    short_names: Vec<String>,
    categories: Vec<String>,
    group: String,
    version: String,
}
