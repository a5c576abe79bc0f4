//! Discovery that remembers: in memory, and where a storage is given between runs, in the documents and under the names of
//! kubectl's cache. Follows client-go 0.37 `discovery/cached/memory` and `discovery/cached/disk`, in one.
//!
//! Invariant: what is given is one moment's whole: all of it from the storage or all of it from the server. Differs on purpose: client-go fills in
//! single missing files from the server, which costs the same two requests and mixes two moments; and what a storage's documents say
//! for longer than their lifetime is asked for again also by a process that holds them in memory.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::lock::{Mutex, MutexGuard};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{APIGroupList, APIResourceList};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::found::{DiscoveredVersion, Discovery, FailureCause};
use super::{DiscoveryClient, legacy};
use crate::codec;
use crate::error::{Error, ErrorKind};
use crate::meta::{Format, GroupVersion};
use crate::storage::Storage;

/// The name of the document of the groups.
const GROUPS: &str = "servergroups.json";

/// A [`DiscoveryClient`] that asks once and remembers, until told to forget. Cheap to clone; clones share what is remembered.
/// client-go's `memory.NewMemCacheClient` and `disk.NewCachedDiscoveryClientForConfig`.
#[derive(Clone, Debug)]
pub struct CachedDiscoveryClient {
    live: DiscoveryClient,
    kept: Option<Kept>,
    state: Arc<Mutex<State>>,
}

#[derive(Clone, Debug)]
struct Kept {
    storage: Arc<dyn Storage>,
    lifetime: Duration,
}

#[derive(Debug, Default)]
struct State {
    known: Option<Arc<Discovery>>,
    /// When `known` must be asked for again, as wall-clock time since the Unix epoch.
    expires: Option<Duration>,
    /// Whether `known` was kept by an earlier run or another program.
    foreign: bool,
    /// Whether what is kept is not to be used.
    invalidated: bool,
}

impl CachedDiscoveryClient {
    /// Remembers what `live` finds for as long as it lives, or until invalidated.
    pub fn new(live: DiscoveryClient) -> Self {
        Self { live, kept: None, state: Arc::default() }
    }

    /// The same, and keeps it in `storage` for `lifetime` (kubectl's is six hours): `servergroups.json`, and for every
    /// group version `group/version/serverresources.json`.
    #[must_use]
    pub fn keep(mut self, storage: Arc<dyn Storage>, lifetime: Duration) -> Self {
        self.kept = Some(Kept { storage, lifetime });
        self
    }

    /// The client that asks the server each time.
    pub fn live(&self) -> &DiscoveryClient {
        &self.live
    }

    /// All groups, versions and resources, and what could not be had. client-go's `ServerGroupsAndResources`.
    ///
    /// # Errors
    /// When the groups themselves cannot be had; the next call asks again.
    pub async fn server_groups_and_resources(&self) -> Result<Arc<Discovery>, Error> {
        let mut state = self.state.lock().await;
        self.load(&mut state).await
    }

    /// The groups and their versions. client-go's `ServerGroups`.
    ///
    /// # Errors
    /// When they cannot be had.
    pub async fn server_groups(&self) -> Result<APIGroupList, Error> {
        Ok(legacy::write_groups(&*self.server_groups_and_resources().await?))
    }

    /// The resources of one group version. One that failed for a passing reason is asked for again. client-go's
    /// `ServerResourcesForGroupVersion`.
    ///
    /// # Errors
    /// No match, when there is no such group version; else why it could not be had.
    pub async fn server_resources_for_group_version(
        &self,
        group_version: &GroupVersion,
    ) -> Result<DiscoveredVersion, Error> {
        let mut state = self.state.lock().await;
        let mut known = self.load(&mut state).await?;
        let failed = known.failures.iter().position(|failure| failure.group_version == *group_version);
        if let Some(index) = failed {
            match &known.failures[index].cause {
                FailureCause::Failed(error) if is_passing(error) => {
                    let found = self.live.server_resources_for_group_version(group_version).await?;
                    let mut healed = (*known).clone();
                    healed.failures.remove(index);
                    if let Some(version) = version_mut(&mut healed, group_version) {
                        *version = found;
                    }
                    known = Arc::new(healed);
                    state.known = Some(known.clone());
                }
                FailureCause::Failed(error) => return Err(error.again()),
                FailureCause::Stale => return Err(Error::unsupported(known.failures[index].to_string())),
            }
        }
        let group = known.groups.iter().find(|group| group.name == group_version.group);
        let versions = group.map(|group| &group.versions[..]).unwrap_or_default();
        let version = versions.iter().find(|version| version.version == group_version.version);
        version.cloned().ok_or_else(|| {
            Error::new(ErrorKind::NoMatch, format!("the server serves no group version {group_version}"))
        })
    }

    /// Whether a search that found nothing need not be repeated after [`invalidate`](Self::invalidate): what is known came from the server
    /// in this run. client-go's `Fresh`, which says without a storage whether anything is known at all.
    pub async fn fresh(&self) -> bool {
        let state = self.state.lock().await;
        if self.kept.is_some() { !state.foreign } else { state.known.is_some() }
    }

    /// Forgets, and uses nothing any more that was kept before now. client-go's `Invalidate`.
    pub async fn invalidate(&self) {
        *self.state.lock().await = State { invalidated: true, ..State::default() };
    }

    async fn load(&self, state: &mut MutexGuard<'_, State>) -> Result<Arc<Discovery>, Error> {
        let now = self.live.rest().runtime().clock.unix_time();
        if let Some(known) = &state.known
            && state.expires.is_none_or(|expires| now < expires)
        {
            return Ok(known.clone());
        }
        if let Some(kept) = &self.kept
            && !state.invalidated
            && let Some((discovery, expires)) = kept.load(now).await
        {
            let known = Arc::new(discovery);
            **state = State {
                known: Some(known.clone()),
                expires: Some(expires),
                foreign: true,
                invalidated: false,
            };
            return Ok(known);
        }
        let known = Arc::new(self.live.server_groups_and_resources().await?);
        state.known = Some(known.clone());
        state.foreign = false;
        if let Some(kept) = &self.kept {
            kept.store(&known).await;
            state.expires = Some(now + kept.lifetime);
        }
        Ok(known)
    }
}

impl Kept {
    /// What is kept, when all of it is there, can be read and has not expired by `now`; and when it will.
    async fn load(&self, now: Duration) -> Option<(Discovery, Duration)> {
        let (groups, mut expires) = self.read::<APIGroupList>(GROUPS, now).await?;
        let mut discovery = legacy::read_groups(groups);
        let versions: Vec<GroupVersion> = discovery.group_versions().collect();
        if versions.is_empty() || !discovery.failures.is_empty() {
            return None;
        }
        let found = discovery.groups.iter_mut().flat_map(|group| &mut group.versions);
        for (version, group_version) in found.zip(versions) {
            let key = resources_key(&group_version);
            let (list, until) = self.read::<APIResourceList>(&key, now).await?;
            if list.group_version != group_version.to_string() {
                return None;
            }
            *version = legacy::read_resources(&group_version, list);
            expires = expires.min(until);
        }
        Some((discovery, expires))
    }

    async fn read<T: DeserializeOwned>(&self, key: &str, now: Duration) -> Option<(T, Duration)> {
        let stored = self.storage.load(key).await?;
        let expires = stored.written.saturating_add(self.lifetime);
        let document = codec::read(Format::Json, &stored.bytes).ok()?;
        (now <= expires).then_some((document, expires))
    }

    /// Keeps what was found. As in client-go a group version without resources is not kept, so that the next run asks again.
    async fn store(&self, discovery: &Discovery) {
        for group in &discovery.groups {
            for version in group.versions.iter().filter(|version| !version.is_empty()) {
                let group_version = legacy::group_version(&group.name, &version.version);
                let list = legacy::write_resources(&group_version, version);
                self.write(&resources_key(&group_version), &list).await;
            }
        }
        // Last, so that whoever finds the groups finds their resources too.
        if !discovery.groups.is_empty() {
            self.write(GROUPS, &legacy::write_groups(discovery)).await;
        }
    }

    async fn write(&self, key: &str, document: &impl Serialize) {
        if let Ok(mut bytes) = serde_json::to_vec(document) {
            bytes.push(b'\n');
            // What cannot be kept is asked for again by the next run; client-go does not fail over it either.
            drop(self.storage.store(key, Bytes::from(bytes)).await);
        }
    }
}

fn resources_key(group_version: &GroupVersion) -> String {
    format!("{group_version}/serverresources.json")
}

fn version_mut<'a>(discovery: &'a mut Discovery, wanted: &GroupVersion) -> Option<&'a mut DiscoveredVersion> {
    let group = discovery.groups.iter_mut().find(|group| group.name == wanted.group)?;
    group.versions.iter_mut().find(|version| version.version == wanted.version)
}

/// Whether a failure may be gone at the next try: no connection, a server error, too many requests.
fn is_passing(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Transport(_) | ErrorKind::Timeout)
        || error.code().is_some_and(|code| code >= 500)
        || error.is_too_many_requests()
}
