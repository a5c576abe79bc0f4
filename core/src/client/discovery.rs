//! What an API server serves: its groups, versions and resources.
//!
//! One aggregated document each for `/api` and `/apis` where the server has them, else a document per group version.
//! Follows client-go 0.37 `discovery/discovery_client.go` and `aggregated_discovery.go`.

use futures::{StreamExt, stream};
use http::header::CONTENT_TYPE;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{APIGroupList, APIResourceList, APIVersions};
use k8s_openapi::apimachinery::pkg::version::Info;
use serde::Deserialize;

use crate::error::Error;
use crate::meta::{ApiResource, GroupVersion};
use crate::rest::{Response, RestClient};

const ACCEPT: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
    application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

/// How many documents of a server without aggregated discovery are asked for at once.
const AT_ONCE: usize = 4;

/// Asks an API server what it serves. client-go's `discovery.DiscoveryClient`.
#[derive(Clone, Debug)]
pub struct DiscoveryClient {
    rest: RestClient,
}

/// Everything a server serves, at one moment.
#[derive(Debug, Default)]
pub struct Discovery {
    /// The groups in the server's order, the core group ("") first.
    pub groups: Vec<DiscoveredGroup>,
    /// The group versions that could not be asked, and why; the rest stands. client-go's `ErrGroupDiscoveryFailed`.
    pub failures: Vec<(GroupVersion, Error)>,
}

/// One group.
#[derive(Debug)]
pub struct DiscoveredGroup {
    /// Its name, "" for the core group.
    pub name: String,
    /// Its versions, the preferred one first.
    pub versions: Vec<DiscoveredVersion>,
}

/// One version of a group.
#[derive(Debug)]
pub struct DiscoveredVersion {
    /// The version.
    pub version: String,
    /// Whether the server serves an old copy, because the group's own server does not answer.
    pub stale: bool,
    /// Its resources, subresources apart.
    pub resources: Vec<DiscoveredResource>,
}

/// One resource. client-go's `metav1.APIResource`.
#[derive(Clone, Debug)]
pub struct DiscoveredResource {
    /// Its group, version, kind and plural name.
    pub resource: ApiResource,
    /// Its name in the singular.
    pub singular: String,
    /// Its short names, such as `po`.
    pub short_names: Vec<String>,
    /// The groups of resources it belongs to, such as `all`.
    pub categories: Vec<String>,
    /// What can be done with it: `get`, `list`, `watch`, …
    pub verbs: Vec<String>,
    /// The names of its subresources, such as `status`.
    pub subresources: Vec<String>,
}

impl DiscoveredResource {
    /// Whether `verb` can be done with it.
    pub fn can(&self, verb: &str) -> bool {
        self.verbs.iter().any(|given| given == verb)
    }
}

impl Discovery {
    /// Every resource in every version.
    pub fn resources(&self) -> impl Iterator<Item = &DiscoveredResource> {
        self.groups.iter().flat_map(|group| &group.versions).flat_map(|version| &version.resources)
    }

    /// Every resource once, in the first of its group's versions that has it. client-go's `ServerPreferredResources`.
    pub fn preferred_resources(&self) -> Vec<&DiscoveredResource> {
        let mut preferred: Vec<&DiscoveredResource> = Vec::new();
        for group in &self.groups {
            let first = preferred.len();
            for found in group.versions.iter().flat_map(|version| &version.resources) {
                if !preferred[first..].iter().any(|known| known.resource.plural == found.resource.plural) {
                    preferred.push(found);
                }
            }
        }
        preferred
    }

    /// The preferred resource of this kind.
    pub fn kind(&self, group: &str, kind: &str) -> Option<&DiscoveredResource> {
        self.resources().find(|found| found.resource.group == group && found.resource.kind == kind)
    }
}

impl DiscoveryClient {
    pub(super) fn new(rest: RestClient) -> Self {
        Self { rest }
    }

    /// The server's version. client-go's `ServerVersion`.
    pub async fn server_version(&self) -> Result<Info, Error> {
        self.rest.get().abs_path("/version").into().await
    }

    /// All groups, versions and resources. client-go's `ServerGroupsAndResources`.
    pub async fn discover(&self) -> Result<Discovery, Error> {
        let mut discovery = Discovery::default();
        for path in ["/api", "/apis"] {
            let answer = self.rest.get().abs_path(path).header("accept", ACCEPT).send().await?;
            if is_aggregated(&answer) {
                discovery.groups.extend(answer.into::<Aggregated>()?.groups());
            } else if path == "/api" {
                let versions = answer.into::<APIVersions>()?.versions;
                self.legacy_group(String::new(), versions, &mut discovery).await;
            } else {
                for group in answer.into::<APIGroupList>()?.groups {
                    let preferred = group.preferred_version.map(|preferred| preferred.version);
                    let mut versions: Vec<String> =
                        group.versions.into_iter().map(|given| given.version).collect();
                    versions.sort_by_key(|version| Some(version) != preferred.as_ref());
                    self.legacy_group(group.name, versions, &mut discovery).await;
                }
            }
        }
        Ok(discovery)
    }

    /// The resources of one group version. client-go's `ServerResourcesForGroupVersion`.
    pub async fn resources(&self, group_version: &GroupVersion) -> Result<Vec<DiscoveredResource>, Error> {
        let list: APIResourceList = self.rest.get().group_version(group_version.clone()).into().await?;
        Ok(from_legacy(group_version, list))
    }

    async fn legacy_group(&self, name: String, versions: Vec<String>, discovery: &mut Discovery) {
        let asked = stream::iter(versions).map(|version| {
            let group_version = GroupVersion { group: name.clone().into(), version: version.into() };
            async move { (self.resources(&group_version).await, group_version) }
        });
        let answers: Vec<_> = asked.buffered(AT_ONCE).collect().await;
        let mut versions = Vec::new();
        for (answer, group_version) in answers {
            match answer {
                Ok(resources) => {
                    let version = group_version.version.into_owned();
                    versions.push(DiscoveredVersion { version, stale: false, resources });
                }
                Err(error) => discovery.failures.push((group_version, error)),
            }
        }
        discovery.groups.push(DiscoveredGroup { name, versions });
    }
}

fn is_aggregated(answer: &Response) -> bool {
    let given = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    given.is_some_and(|given| given.contains("as=APIGroupDiscoveryList"))
}

fn from_legacy(asked: &GroupVersion, list: APIResourceList) -> Vec<DiscoveredResource> {
    let mut resources: Vec<DiscoveredResource> = Vec::new();
    let mut subresources = Vec::new();
    for given in list.resources {
        if let Some((resource, subresource)) = given.name.split_once('/') {
            subresources.push((resource.to_owned(), subresource.to_owned()));
            continue;
        }
        resources.push(DiscoveredResource {
            resource: ApiResource {
                group: asked.group.clone(),
                version: asked.version.clone(),
                kind: given.kind.into(),
                plural: given.name.into(),
                namespaced: given.namespaced,
            },
            singular: given.singular_name,
            short_names: given.short_names.unwrap_or_default(),
            categories: given.categories.unwrap_or_default(),
            verbs: given.verbs,
            subresources: Vec::new(),
        });
    }
    for (owner, subresource) in subresources {
        if let Some(found) = resources.iter_mut().find(|found| found.resource.plural == owner.as_str()) {
            found.subresources.push(subresource);
        }
    }
    resources
}

/// `apidiscovery.k8s.io` APIGroupDiscoveryList, v2 and v2beta1 alike; k8s-openapi has no type for it.
#[derive(Deserialize)]
struct Aggregated {
    #[serde(default)]
    items: Vec<AggregatedGroup>,
}

#[derive(Deserialize)]
struct AggregatedGroup {
    #[serde(default)]
    metadata: AggregatedName,
    #[serde(default)]
    versions: Vec<AggregatedVersion>,
}

#[derive(Deserialize, Default)]
struct AggregatedName {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct AggregatedVersion {
    version: String,
    #[serde(default)]
    freshness: String,
    #[serde(default)]
    resources: Vec<AggregatedResource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AggregatedResource {
    resource: String,
    #[serde(default)]
    response_kind: Option<AggregatedKind>,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    singular_resource: String,
    #[serde(default)]
    verbs: Vec<String>,
    #[serde(default)]
    short_names: Vec<String>,
    #[serde(default)]
    categories: Vec<String>,
    #[serde(default)]
    subresources: Vec<AggregatedSubresource>,
}

#[derive(Deserialize)]
struct AggregatedKind {
    kind: String,
}

#[derive(Deserialize)]
struct AggregatedSubresource {
    subresource: String,
}

impl Aggregated {
    fn groups(self) -> impl Iterator<Item = DiscoveredGroup> {
        self.items.into_iter().map(|group| {
            let name = group.metadata.name;
            let versions = group.versions.into_iter().map(|version| version.read(&name)).collect();
            DiscoveredGroup { name, versions }
        })
    }
}

impl AggregatedVersion {
    fn read(self, group: &str) -> DiscoveredVersion {
        let Self { version, freshness, resources } = self;
        // A resource without a kind exists only through its subresources: nothing can be listed there.
        let read = |given: AggregatedResource| {
            let kind = given.response_kind?.kind;
            Some(DiscoveredResource {
                resource: ApiResource {
                    group: group.to_owned().into(),
                    version: version.clone().into(),
                    kind: kind.into(),
                    plural: given.resource.into(),
                    namespaced: given.scope == "Namespaced",
                },
                singular: given.singular_resource,
                short_names: given.short_names,
                categories: given.categories,
                verbs: given.verbs,
                subresources: given.subresources.into_iter().map(|sub| sub.subresource).collect(),
            })
        };
        let resources = resources.into_iter().filter_map(read).collect();
        DiscoveredVersion { version, stale: freshness == "Stale", resources }
    }
}
