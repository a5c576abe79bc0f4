//! The Clientset as a whole: what the server serves joined with the kinds that k8s-openapi has, each behind the gate of
//! its Kubernetes versions; rendered as accessors for core and as calls for core's test of them.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::Stdio;

use anyhow::{Context, Result, bail};

use super::discovery::{Discovery, Served};
use super::kinds::Kinds;
use super::{Generated, accessors, calls};
use crate::process;

/// Where what the server serves is kept.
const DISCOVERY: &str = "core/src/client/generated/discovery.json";

/// A group version that is served.
pub(super) struct GroupVersion {
    /// As `apps/v1`.
    pub(super) name: String,
    /// As `apps_v1`.
    pub(super) method: String,
    /// As `AppsV1`.
    pub(super) rust_type: String,
    /// Where any of its resources exists.
    pub(super) gate: Gate,
    pub(super) resources: Vec<Resource>,
}

/// A resource that is served.
pub(super) struct Resource {
    pub(super) plural: String,
    /// As `config_maps`.
    pub(super) method: String,
    pub(super) kind: String,
    pub(super) served: Served,
    /// The path of its type; empty where no version of k8s-openapi has one.
    pub(super) path: String,
    pub(super) gate: Gate,
}

/// In which versions of Kubernetes something exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Gate {
    /// In all that k8s-openapi offers.
    Always,
    /// In none.
    Never,
    /// From one on, up to one, or both.
    Between(Option<u32>, Option<u32>),
}

/// Everything that is generated for the Clientset; what was left out is said on stderr.
pub(super) fn generate() -> Result<Vec<Generated>> {
    let (discovery, kinds) = (Discovery::of_real_server()?, Kinds::read()?);
    let groups = join(&discovery, &kinds)?;
    report(&discovery, &kinds, &groups);
    let source = format!("Kubernetes {} and k8s-openapi {}", discovery.version, kinds.release);
    Ok(vec![
        Generated { path: DISCOVERY, text: discovery.to_json()? },
        Generated {
            path: "core/src/client/generated/clientset.rs",
            text: formatted(&accessors::render(&groups, &source)?)?,
        },
        Generated {
            path: "core/tests/generated/calls.rs",
            text: formatted(&calls::render(&groups, &source)?)?,
        },
    ])
}

fn join(discovery: &Discovery, kinds: &Kinds) -> Result<Vec<GroupVersion>> {
    let mut groups = Vec::new();
    for (name, served) in &discovery.group_versions {
        let mut resources = Vec::new();
        let mut anywhere = BTreeSet::new();
        for (plural, served) in served {
            let known = kinds.kinds.get(&(name.clone(), served.kind.clone()));
            let minors = known.map(|kind| kind.minors.clone()).unwrap_or_default();
            let gate = Gate::of(&minors, &kinds.minors)
                .with_context(|| format!("{name} {plural} comes and goes between versions"))?;
            anywhere.extend(minors);
            resources.push(Resource {
                plural: plural.clone(),
                method: method(&served.kind, plural),
                kind: served.kind.clone(),
                served: served.clone(),
                path: known.map(|kind| kind.path.clone()).unwrap_or_default(),
                gate,
            });
        }
        let (group, version) = name.split_once('/').unwrap_or(("core", name));
        let label = group.split('.').next().unwrap_or(group);
        groups.push(GroupVersion {
            name: name.clone(),
            method: format!("{label}_{version}"),
            rust_type: format!("{}{}", capital(label), capital(version)),
            gate: Gate::of(&anywhere, &kinds.minors)
                .with_context(|| format!("{name} comes and goes between versions"))?,
            resources,
        });
    }
    Ok(groups)
}

/// Says what of either side the other lacks.
fn report(discovery: &Discovery, kinds: &Kinds, groups: &[GroupVersion]) {
    let resources: Vec<_> = groups
        .iter()
        .flat_map(|group| group.resources.iter().map(move |resource| (group, resource)))
        .collect();
    eprintln!(
        "{} resources of Kubernetes {} in {} group versions",
        resources.len(),
        discovery.version,
        groups.len()
    );
    for (group, resource) in &resources {
        match resource.gate {
            Gate::Always => {}
            Gate::Never => eprintln!("  without a type in k8s-openapi: {} {}", group.name, resource.kind),
            Gate::Between(..) => {
                eprintln!("  only {}: {} {}", resource.gate.shown(), group.name, resource.kind);
            }
        }
    }
    for ((api_version, kind), known) in &kinds.kinds {
        let served =
            resources.iter().any(|(group, resource)| group.name == *api_version && resource.kind == *kind);
        if known.is_resource && !served {
            let minors: Vec<String> = known.minors.iter().map(|minor| format!("1.{minor}")).collect();
            eprintln!("  in k8s-openapi and not served: {api_version} {kind} ({})", minors.join(", "));
        }
    }
}

impl Gate {
    /// The gate of `some` of `all` versions; none when they are not in a row.
    fn of(some: &BTreeSet<u32>, all: &BTreeSet<u32>) -> Option<Self> {
        let (Some(first), Some(last)) = (some.first(), some.last()) else { return Some(Self::Never) };
        if all.range(first..=last).count() != some.len() {
            return None;
        }
        let (from, to) =
            ((Some(first) != all.first()).then_some(*first), (Some(last) != all.last()).then_some(*last));
        Some(if from.is_none() && to.is_none() { Self::Always } else { Self::Between(from, to) })
    }

    /// `code` where the gate is open.
    pub(super) fn around(&self, code: &str) -> String {
        match *self {
            Self::Always => code.to_owned(),
            Self::Never => String::new(),
            Self::Between(Some(from), Some(to)) if from == to => wrapped(&format!("1_{from}"), code),
            Self::Between(from, to) => {
                let inner = to.map_or_else(|| code.to_owned(), |to| wrapped(&format!("le_1_{to}"), code));
                from.map_or_else(|| inner.clone(), |from| wrapped(&format!("ge_1_{from}"), &inner))
            }
        }
    }

    /// `code` where the gate is shut.
    pub(super) fn outside(&self, code: &str) -> String {
        match *self {
            Self::Always => String::new(),
            Self::Never => code.to_owned(),
            Self::Between(from, to) => {
                let below = from.map(|from| wrapped(&format!("le_1_{}", from - 1), code));
                let above = to.map(|to| wrapped(&format!("ge_1_{}", to + 1), code));
                below.into_iter().chain(above).collect()
            }
        }
    }

    /// As words.
    pub(super) fn shown(&self) -> String {
        match *self {
            Self::Always => "in all versions".to_owned(),
            Self::Never => "in no version".to_owned(),
            Self::Between(Some(from), Some(to)) if from == to => format!("in Kubernetes 1.{from}"),
            Self::Between(Some(from), Some(to)) => format!("in Kubernetes 1.{from} to 1.{to}"),
            Self::Between(from, to) => {
                let from = from.map(|from| format!("since Kubernetes 1.{from}"));
                from.or(to.map(|to| format!("up to Kubernetes 1.{to}"))).unwrap_or_default()
            }
        }
    }
}

fn wrapped(versions: &str, code: &str) -> String {
    format!("k8s_openapi::k8s_if_{versions}! {{\n{code}}}\n")
}

/// `config_maps` from `ConfigMap` and `configmaps`: the kind's words, with the plural's ending.
fn method(kind: &str, plural: &str) -> String {
    let shared = kind.chars().zip(plural.chars()).take_while(|(a, b)| a.to_ascii_lowercase() == *b).count();
    let letters: Vec<char> = kind.chars().take(shared).collect();
    let mut name = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|before| letters.get(before));
        let starts_word = before.is_some_and(|before| before.is_lowercase())
            || letters.get(at + 1).is_some_and(|after| after.is_lowercase());
        if at > 0 && letter.is_uppercase() && starts_word {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name.extend(plural.chars().skip(shared));
    name
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// As rustfmt writes it.
fn formatted(code: &str) -> Result<String> {
    let mut rustfmt = process::command(&["rustfmt", "--edition=2024"]);
    let mut child =
        rustfmt.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("starting rustfmt")?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(code.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("rustfmt does not take what was generated:\n{code}");
    }
    Ok(String::from_utf8(output.stdout)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_have_the_words_of_the_kind() {
        let named = [
            ("ConfigMap", "configmaps", "config_maps"),
            ("Endpoints", "endpoints", "endpoints"),
            ("NetworkPolicy", "networkpolicies", "network_policies"),
            ("ServiceCIDR", "servicecidrs", "service_cidrs"),
            ("IPAddress", "ipaddresses", "ip_addresses"),
            ("CSIDriver", "csidrivers", "csi_drivers"),
            ("APIService", "apiservices", "api_services"),
        ];
        for (kind, plural, expected) in named {
            assert_eq!(method(kind, plural), expected);
        }
    }

    #[test]
    fn gates_open_where_a_kind_exists() {
        let all = BTreeSet::from([33, 34, 35]);
        let gate = |minors: &[u32]| Gate::of(&minors.iter().copied().collect(), &all);
        assert_eq!(gate(&[33, 34, 35]), Some(Gate::Always));
        assert_eq!(gate(&[]), Some(Gate::Never));
        assert_eq!(gate(&[33, 35]), None);
        let newer = gate(&[34, 35]).unwrap();
        assert_eq!(newer.around("x\n"), "k8s_openapi::k8s_if_ge_1_34! {\nx\n}\n");
        assert_eq!(newer.outside("x\n"), "k8s_openapi::k8s_if_le_1_33! {\nx\n}\n");
        let middle = gate(&[34]).unwrap();
        assert_eq!(middle.around("x\n"), "k8s_openapi::k8s_if_1_34! {\nx\n}\n");
        assert_eq!(middle.outside("x\n").matches("k8s_if").count(), 2);
    }
}
