//! Aggregated discovery: all groups, versions and resources in one `APIGroupDiscoveryList` of `apidiscovery.k8s.io`, v2 and
//! v2beta1 alike; k8s-openapi has no type for it. Follows client-go 0.37 `discovery/aggregated_discovery.go`.
//!
//! Differs on purpose: a version that is no path segment is told as a failure of that version (client-go would ask for it).
//! client-go dropped v2beta1, the only one that Kubernetes 1.26 to 1.29 speak, with 0.37; it is the same document.

use serde::{Deserialize, Deserializer};

use super::found::{
    DiscoveredGroup, DiscoveredResource, DiscoveredSubresource, DiscoveredVersion, Discovery,
    DiscoveryFailure, FailureCause,
};
use super::legacy;
use crate::meta::{ApiResource, GroupVersion, GroupVersionKind};

/// The document.
#[derive(Deserialize)]
pub(super) struct Aggregated {
    #[serde(default, deserialize_with = "or_default")]
    items: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    #[serde(default, deserialize_with = "or_default")]
    metadata: Metadata,
    #[serde(default, deserialize_with = "or_default")]
    versions: Vec<Version>,
}

#[derive(Deserialize, Default)]
struct Metadata {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct Version {
    #[serde(default)]
    version: String,
    #[serde(default)]
    freshness: String,
    #[serde(default, deserialize_with = "or_default")]
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Resource {
    #[serde(default)]
    resource: String,
    #[serde(default)]
    response_kind: Option<Kind>,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    singular_resource: String,
    #[serde(default, deserialize_with = "or_default")]
    verbs: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    short_names: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    categories: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    subresources: Vec<Subresource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Subresource {
    #[serde(default)]
    subresource: String,
    #[serde(default)]
    response_kind: Option<Kind>,
    #[serde(default, deserialize_with = "or_default")]
    verbs: Vec<String>,
}

#[derive(Deserialize)]
struct Kind {
    #[serde(default)]
    group: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    kind: String,
}

/// Go writes an empty slice as `null`.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(value: D) -> Result<T, D::Error> {
    Option::deserialize(value).map(Option::unwrap_or_default)
}

impl Aggregated {
    pub(super) fn read(self) -> Discovery {
        let mut discovery = Discovery::default();
        for Group { metadata: Metadata { name }, versions } in self.items {
            let mut kept: Vec<DiscoveredVersion> = Vec::new();
            for version in versions {
                let group_version =
                    GroupVersion { group: name.clone().into(), version: version.version.clone().into() };
                let cause = match legacy::check(&group_version) {
                    Err(error) => Some(FailureCause::Failed(error.into())),
                    Ok(()) => (version.freshness == "Stale").then_some(FailureCause::Stale),
                };
                match cause {
                    Some(cause) => discovery.failures.push(DiscoveryFailure { group_version, cause }),
                    None => kept.push(version.read(&group_version)),
                }
            }
            let preferred = kept.first().map(|first| first.version.clone()).unwrap_or_default();
            discovery.groups.push(DiscoveredGroup { name, preferred, versions: kept });
        }
        discovery
    }
}

impl Version {
    fn read(self, owner: &GroupVersion) -> DiscoveredVersion {
        let mut version =
            DiscoveredVersion { version: self.version, resources: Vec::new(), orphans: Vec::new() };
        for given in self.resources {
            let namespaced = given.scope == "Namespaced";
            let subresources = given.subresources.into_iter().filter_map(|sub| sub.read(owner, namespaced));
            match known(given.response_kind) {
                // Without a kind it exists only through its subresources: nothing can be listed there.
                None => version.orphans.extend(subresources.map(|mut sub| {
                    sub.name = format!("{}/{}", given.resource, sub.name);
                    sub
                })),
                Some(kind) => version.resources.push(DiscoveredResource {
                    resource: ApiResource {
                        group: owner.group.clone(),
                        version: owner.version.clone(),
                        kind: kind.kind.into(),
                        plural: given.resource.into(),
                        namespaced,
                    },
                    singular: given.singular_resource,
                    short_names: given.short_names,
                    categories: given.categories,
                    verbs: given.verbs,
                    subresources: subresources.collect(),
                }),
            }
        }
        version
    }
}

impl Subresource {
    fn read(self, owner: &GroupVersion, namespaced: bool) -> Option<DiscoveredSubresource> {
        let Kind { group, version, kind } = known(self.response_kind)?;
        let kind = kind_of(owner, group, version, kind);
        Some(DiscoveredSubresource { name: self.subresource, kind, verbs: self.verbs, namespaced })
    }
}

fn known(kind: Option<Kind>) -> Option<Kind> {
    kind.filter(|kind| !(kind.group.is_empty() && kind.version.is_empty() && kind.kind.is_empty()))
}

/// The kind that a document names; without group and version it is of the group version that the document is about.
pub(super) fn kind_of(
    owner: &GroupVersion,
    group: String,
    version: String,
    kind: String,
) -> GroupVersionKind {
    let own = group.is_empty() && version.is_empty();
    let GroupVersion { group, version } =
        if own { owner.clone() } else { GroupVersion { group: group.into(), version: version.into() } };
    GroupVersionKind { group, version, kind: kind.into() }
}
