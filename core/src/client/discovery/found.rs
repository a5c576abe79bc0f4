//! What was discovered: groups, their versions and resources, and what could not be asked.
//!
//! Invariant: a failure hides nothing that was found; it stands beside it, with its group version.

use std::fmt;
use std::sync::Arc;

use crate::error::Error;
use crate::meta::{ApiResource, GroupVersion, GroupVersionKind, GroupVersionResource};

/// Everything a server serves, at one moment.
#[derive(Clone, Debug, Default)]
pub struct Discovery {
    /// The groups in the server's order, the core group ("") first.
    pub groups: Vec<DiscoveredGroup>,
    /// The group versions that could not be discovered; the rest stands. client-go's `ErrGroupDiscoveryFailed`.
    pub failures: Vec<DiscoveryFailure>,
}

/// One group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiscoveredGroup {
    /// Its name, "" for the core group.
    pub name: String,
    /// The version the server prefers, "" when it has none to offer at the moment.
    pub preferred: String,
    /// Its versions in the server's order. One that failed has no resources; a stale one is not here.
    pub versions: Vec<DiscoveredVersion>,
}

/// One version of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiscoveredVersion {
    /// The version.
    pub version: String,
    /// Its resources, each with its subresources.
    pub resources: Vec<DiscoveredResource>,
    /// Subresources whose resource is none itself, as the external metrics API has them, each as `resource/subresource`.
    pub orphans: Vec<DiscoveredSubresource>,
}

/// One resource. client-go's `metav1.APIResource`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiscoveredResource {
    /// Its group, version, kind and plural name: what a client needs to know of it.
    pub resource: ApiResource,
    /// Its name in the singular; "" where the server does not tell.
    pub singular: String,
    /// Its short names, such as `po`.
    pub short_names: Vec<String>,
    /// The groups of resources it belongs to, such as `all`.
    pub categories: Vec<String>,
    /// What can be done with it: `get`, `list`, `watch`, …
    pub verbs: Vec<String>,
    /// Its subresources, such as `status`.
    pub subresources: Vec<DiscoveredSubresource>,
}

/// One subresource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiscoveredSubresource {
    /// Its name, such as `scale`.
    pub name: String,
    /// What it speaks, such as `autoscaling/v1` `Scale`.
    pub kind: GroupVersionKind,
    /// What can be done with it.
    pub verbs: Vec<String>,
    /// Whether it is of an object in a namespace.
    pub namespaced: bool,
}

/// A group version that could not be discovered, and why. Shown as kubectl shows it.
#[derive(Clone, Debug)]
pub struct DiscoveryFailure {
    /// The group version.
    pub group_version: GroupVersion,
    /// Why.
    pub cause: FailureCause,
}

/// Why a group version could not be discovered.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum FailureCause {
    /// The server behind the API server does not answer; what the API server knows of the group version is old. client-go's
    /// `StaleGroupVersionError`.
    Stale,
    /// It was asked for and not given.
    Failed(Arc<Error>),
}

impl Discovery {
    /// Every resource in every version.
    pub fn resources(&self) -> impl Iterator<Item = &DiscoveredResource> {
        self.groups.iter().flat_map(|group| &group.versions).flat_map(|version| &version.resources)
    }

    /// Every resource once: in its group's preferred version, else in the first of the group's versions that has it.
    /// client-go's `ServerPreferredResources`.
    pub fn preferred_resources(&self) -> Vec<&DiscoveredResource> {
        let mut preferred: Vec<&DiscoveredResource> = Vec::new();
        for group in &self.groups {
            let first = preferred.len();
            for found in group.versions.iter().flat_map(|version| &version.resources) {
                let same = |known: &&DiscoveredResource| known.resource.plural == found.resource.plural;
                match preferred[first..].iter_mut().find(|known| same(known)) {
                    None => preferred.push(found),
                    Some(known) if found.resource.version == group.preferred => *known = found,
                    Some(_) => {}
                }
            }
        }
        preferred
    }

    /// The preferred resources whose objects live in namespaces. client-go's `ServerPreferredNamespacedResources`.
    pub fn preferred_namespaced_resources(&self) -> Vec<&DiscoveredResource> {
        self.preferred_resources().into_iter().filter(|found| found.resource.namespaced).collect()
    }

    /// The resource of exactly this group, version and name.
    pub fn resource(&self, gvr: &GroupVersionResource) -> Option<&DiscoveredResource> {
        self.resources().find(|found| found.resource.gvr() == *gvr)
    }

    /// Every group version that is served, whether or not its resources are known.
    pub fn group_versions(&self) -> impl Iterator<Item = GroupVersion> {
        self.groups.iter().flat_map(|group| {
            group.versions.iter().map(|version| GroupVersion {
                group: group.name.clone().into(),
                version: version.version.clone().into(),
            })
        })
    }

    /// What to tell a person of the failures, in kubectl's words; `None` when there are none.
    pub fn warning(&self) -> Option<String> {
        let mut told: Vec<String> = self.failures.iter().map(ToString::to_string).collect();
        told.sort();
        let head = "unable to retrieve the complete list of server APIs";
        (!told.is_empty()).then(|| format!("{head}: {}", told.join(", ")))
    }
}

impl DiscoveredResource {
    /// Whether `verb` can be done with it.
    pub fn can(&self, verb: &str) -> bool {
        self.verbs.iter().any(|given| given == verb)
    }
}

impl fmt::Display for DiscoveryFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let group_version = &self.group_version;
        match &self.cause {
            FailureCause::Stale => {
                write!(f, "{group_version}: stale GroupVersion discovery: {group_version}")
            }
            FailureCause::Failed(error) => write!(f, "{group_version}: {error}"),
        }
    }
}

impl DiscoveredVersion {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.resources.is_empty() && self.orphans.is_empty()
    }
}
