//! What an API server serves: its groups, versions and resources, its version, its OpenAPI documents.
//!
//! [`DiscoveryClient`] asks the server, [`CachedDiscoveryClient`] remembers, [`RestMapper`] answers questions about what was
//! found. One aggregated document each for `/api` and `/apis` where the server has them, else a document per group version.
//! Follows client-go 0.37 `discovery/discovery_client.go`.
//!
//! Differs on purpose: failures stand beside what was found in place of an error beside results; aggregated documents are
//! asked for once and not twice when group versions are stale, for the second answer is the same (client-go's retry heals a group that
//! vanished between two documents, and is kept where there are two); where only one of `/api` and `/apis` is aggregated its resources are
//! used; documents are asked for again by ETag. Requests go four at a time, not all at once.

mod aggregated;
mod answer;
mod cached;
mod deferred;
mod documents;
mod found;
mod legacy;
mod mapper;
mod openapi;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, stream};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{APIGroupList, APIResourceList, APIVersions};
use k8s_openapi::apimachinery::pkg::version::Info;
use serde::de::DeserializeOwned;

pub use cached::CachedDiscoveryClient;
pub use deferred::DeferredRestMapper;
pub use found::{
    DiscoveredGroup, DiscoveredResource, DiscoveredSubresource, DiscoveredVersion, Discovery,
    DiscoveryFailure, FailureCause,
};
pub use mapper::RestMapper;
pub use openapi::{OpenApi, OpenApiDocument};

use crate::codec;
#[cfg(feature = "protobuf")]
use crate::config::ContentType;
use crate::config::RateLimit;
use crate::error::Error;
use crate::meta::{Format, GroupVersion, GroupVersionResource};
use crate::rest::RestClient;
use crate::status::plain_media_type;
use crate::storage::{MemoryStorage, Storage};
use aggregated::Aggregated;
use documents::{Document, Documents, Wanted};

/// Word for word what kubectl asks for since 1.30, so that both may use each other's kept answers.
const ACCEPT: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
    application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";
#[cfg(feature = "protobuf")]
const ACCEPT_PROTOBUF: &str = "application/vnd.kubernetes.protobuf;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
    application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
    application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";
const ACCEPT_LEGACY: &str = "application/json";

/// How many documents of a server without aggregated discovery are asked for at once.
const AT_ONCE: usize = 4;

/// How long one document may take when the configuration sets no limit, and how many may be asked for at once when it has
/// the default one: client-go's `setDiscoveryDefaults`.
const TIMEOUT: Duration = Duration::from_secs(32);
const BURST: u32 = 300;

/// Asks an API server what it serves. Clones share the answers they keep, by which they ask for changes only. client-go's
/// `discovery.DiscoveryClient`.
#[derive(Clone, Debug)]
pub struct DiscoveryClient {
    documents: Documents,
    legacy_only: bool,
}

impl DiscoveryClient {
    /// A client that keeps the server's answers in memory.
    pub fn new(rest: &RestClient) -> Self {
        // By way of a box: a page's clock is not Send, and an Arc made of such a thing looks like a mistake.
        let storage: Box<dyn Storage> = Box::new(MemoryStorage::new(rest.runtime().clock.clone()));
        Self::with_storage(rest, storage.into())
    }

    /// A client that keeps the server's answers in `storage`, by their address. client-go's `httpCacheDir`.
    ///
    /// Where `rest` has the default rate limit, this client has a bucket of its own from which 300 requests go at once;
    /// another limit is shared. Where it sets no time limit, a request has 32 seconds.
    pub fn with_storage(rest: &RestClient, storage: Arc<dyn Storage>) -> Self {
        let mut rest = rest.configured(|config| config.timeout = config.timeout.or(Some(TIMEOUT)));
        if rest.config().rate_limit == Some(RateLimit::default()) {
            rest = rest.with_rate_limit(Some(RateLimit { burst: BURST, ..RateLimit::default() }));
        }
        Self { documents: Documents::new(rest, storage), legacy_only: false }
    }

    /// The same client without aggregated discovery. client-go's `WithLegacy`.
    #[must_use]
    pub fn legacy(&self) -> Self {
        Self { legacy_only: true, ..self.clone() }
    }

    /// The request builder beneath.
    pub fn rest(&self) -> &RestClient {
        &self.documents.rest
    }

    /// The server's version. client-go's `ServerVersion`.
    pub async fn server_version(&self) -> Result<Info, Error> {
        self.rest().get().abs_path("/version").into().await
    }

    /// The groups and their versions. client-go's `ServerGroups`.
    pub async fn server_groups(&self) -> Result<APIGroupList, Error> {
        let (core, rest) = futures::try_join!(self.listing("/api"), self.listing("/apis"))?;
        let mut groups = legacy::write_groups(&core.found).groups;
        groups.extend(legacy::write_groups(&rest.found).groups);
        Ok(APIGroupList { groups })
    }

    /// The resources of one group version. client-go's `ServerResourcesForGroupVersion`.
    ///
    /// # Errors
    /// What the server answers; that it has no `v1` is told as a version without resources.
    pub async fn server_resources_for_group_version(
        &self,
        group_version: &GroupVersion,
    ) -> Result<DiscoveredVersion, Error> {
        legacy::check(group_version)
            .map_err(|_| Error::config(format!("{:?} is no group and version", group_version.to_string())))?;
        let root = if group_version.group.is_empty() { "/api" } else { "/apis" };
        let path = format!("{root}/{group_version}");
        let wanted = Wanted { path: &path, accept: ACCEPT_LEGACY };
        let list = match self.documents.get(wanted, json::<APIResourceList>).await {
            Err(error) if error.is_not_found() && path == "/api/v1" => APIResourceList::default(),
            list => list?,
        };
        Ok(legacy::read_resources(group_version, list))
    }

    /// All groups, versions and resources, and what could not be had. client-go's `ServerGroupsAndResources`.
    ///
    /// # Errors
    /// When the groups themselves cannot be had. A group version that fails is told in [`Discovery::failures`].
    pub async fn server_groups_and_resources(&self) -> Result<Discovery, Error> {
        let (first, in_parts) = self.discover().await?;
        if in_parts && !first.failures.is_empty() {
            // A group may have vanished since it was listed.
            return self.discover().await.map(|(second, _)| second);
        }
        Ok(first)
    }

    /// Whether the server serves a resource of exactly this group, version and name. client-go's `IsResourceEnabled`.
    pub async fn is_resource_enabled(&self, resource: &GroupVersionResource) -> Result<bool, Error> {
        let GroupVersionResource { group, version, .. } = resource.clone();
        match self.server_resources_for_group_version(&GroupVersion { group, version }).await {
            Ok(found) => Ok(found.resources.iter().any(|found| found.resource.plural == resource.resource)),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// What is found, and whether it took a document per group version.
    async fn discover(&self) -> Result<(Discovery, bool), Error> {
        let (core, rest) = futures::try_join!(self.listing("/api"), self.listing("/apis"))?;
        let in_parts = !core.whole || !rest.whole;
        let mut discovery = Discovery::default();
        for mut listing in [core, rest] {
            if !listing.whole {
                self.fill(&mut listing.found).await;
            }
            discovery.groups.append(&mut listing.found.groups);
            discovery.failures.append(&mut listing.found.failures);
        }
        Ok((discovery, in_parts))
    }

    /// The groups at `path`. A server of other groups only has no `/api`.
    async fn listing(&self, path: &str) -> Result<Listing, Error> {
        let accept = if self.legacy_only { ACCEPT_LEGACY } else { self.accept() };
        let read = |document: &Document| {
            if let Some(format) = aggregated_format(&document.content_type) {
                let found = codec::read::<Aggregated>(format, &document.bytes)?.read();
                return Ok(Listing { found, whole: true });
            }
            let found = match path {
                "/api" => legacy::read_core(json::<APIVersions>(document)?),
                _ => legacy::read_groups(json::<APIGroupList>(document)?),
            };
            Ok(Listing { found, whole: false })
        };
        match self.documents.get(Wanted { path, accept }, read).await {
            Err(error) if error.is_not_found() && path == "/api" => {
                Ok(Listing { found: Discovery::default(), whole: true })
            }
            listing => listing,
        }
    }

    /// Asks for the resources of every group version.
    async fn fill(&self, discovery: &mut Discovery) {
        let versions: Vec<GroupVersion> = discovery.group_versions().collect();
        let asked = stream::iter(versions).map(|group_version| async move {
            (self.server_resources_for_group_version(&group_version).await, group_version)
        });
        let answers: Vec<_> = asked.buffered(AT_ONCE).collect().await;
        let versions = discovery.groups.iter_mut().flat_map(|group| &mut group.versions);
        for (version, (answer, group_version)) in versions.zip(answers) {
            match answer {
                Ok(found) => *version = found,
                Err(error) => {
                    let cause = FailureCause::Failed(error.into());
                    discovery.failures.push(DiscoveryFailure { group_version, cause });
                }
            }
        }
    }

    fn accept(&self) -> &'static str {
        #[cfg(feature = "protobuf")]
        if self.rest().config().content_type == ContentType::Protobuf {
            return ACCEPT_PROTOBUF;
        }
        ACCEPT
    }
}

/// What `/api` or `/apis` says.
struct Listing {
    found: Discovery,
    /// Whether the resources are in it.
    whole: bool,
}

/// The format of an aggregated document, where a content type is that of one, whatever the order of its parameters and
/// whatever others there are. client-go's `ContentTypeIsGVK`.
fn aggregated_format(content_type: &str) -> Option<Format> {
    let parts: Vec<&str> = content_type.split(';').skip(1).map(str::trim).collect();
    let is_aggregated = parts.contains(&"g=apidiscovery.k8s.io")
        && parts.contains(&"as=APIGroupDiscoveryList")
        && (parts.contains(&"v=v2") || parts.contains(&"v=v2beta1"));
    codec::format_of(&plain_media_type(content_type)).filter(|_| is_aggregated)
}

fn json<T: DeserializeOwned>(document: &Document) -> Result<T, Error> {
    codec::read(Format::Json, &document.bytes)
}
