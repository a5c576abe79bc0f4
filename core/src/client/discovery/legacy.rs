//! Discovery one document at a time: `APIVersions`, `APIGroupList` and an `APIResourceList` per group version. Read from
//! servers without aggregated discovery, and read and written in kubectl's cache.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{
    APIGroup, APIGroupList, APIResource, APIResourceList, APIVersions, GroupVersionForDiscovery,
};

use super::aggregated::kind_of;
use super::found::{
    DiscoveredGroup, DiscoveredResource, DiscoveredSubresource, DiscoveredVersion, Discovery,
    DiscoveryFailure, FailureCause,
};
use crate::error::Error;
use crate::meta::{ApiResource, GroupVersion};

/// Whether a group version can be asked for: its parts are path segments.
pub(super) fn check(group_version: &GroupVersion) -> Result<(), Error> {
    let GroupVersion { group, version } = group_version;
    let segment = |text: &str| !matches!(text, "." | "..") && !text.contains(['/', '%', '\\', '\0']);
    if version.is_empty() || !segment(version) || !segment(group) {
        return Err(Error::decode("the server names a group version that cannot be part of a path"));
    }
    Ok(())
}

/// The groups of `/apis`, their resources still to be asked for.
pub(super) fn read_groups(list: APIGroupList) -> Discovery {
    let mut discovery = Discovery::default();
    for APIGroup { name, preferred_version, versions, .. } in list.groups {
        let version = |given: GroupVersionForDiscovery| match given.group_version.rsplit_once('/') {
            Some((_, version)) if given.version.is_empty() => version.to_owned(),
            _ => given.version,
        };
        let versions: Vec<String> = versions.into_iter().map(version).collect();
        let preferred = preferred_version.map(|preferred| preferred.version).unwrap_or_default();
        add_group(&mut discovery, name, preferred, versions);
    }
    discovery
}

/// The core group of `/api`, its resources still to be asked for.
pub(super) fn read_core(document: APIVersions) -> Discovery {
    let mut discovery = Discovery::default();
    let preferred = document.versions.first().cloned().unwrap_or_default();
    add_group(&mut discovery, String::new(), preferred, document.versions);
    discovery
}

fn add_group(discovery: &mut Discovery, name: String, preferred: String, versions: Vec<String>) {
    let mut kept = Vec::new();
    for version in versions {
        let group_version = GroupVersion { group: name.clone().into(), version: version.clone().into() };
        match check(&group_version) {
            Ok(()) => kept.push(DiscoveredVersion { version, resources: Vec::new(), orphans: Vec::new() }),
            Err(error) => {
                let cause = FailureCause::Failed(error.into());
                discovery.failures.push(DiscoveryFailure { group_version, cause });
            }
        }
    }
    discovery.groups.push(DiscoveredGroup { name, preferred, versions: kept });
}

/// The groups and versions, as a server without aggregated discovery lists them.
pub(super) fn write_groups(discovery: &Discovery) -> APIGroupList {
    let groups = discovery.groups.iter().map(|group| {
        let version = |version: &str| GroupVersionForDiscovery {
            group_version: group_version(&group.name, version).to_string(),
            version: version.to_owned(),
        };
        APIGroup {
            name: group.name.clone(),
            preferred_version: (!group.preferred.is_empty()).then(|| version(&group.preferred)),
            versions: group.versions.iter().map(|given| version(&given.version)).collect(),
            ..APIGroup::default()
        }
    });
    APIGroupList { groups: groups.collect() }
}

/// The resources of the group version `owner`.
pub(super) fn read_resources(owner: &GroupVersion, list: APIResourceList) -> DiscoveredVersion {
    let version = owner.version.clone().into_owned();
    let mut found = DiscoveredVersion { version, resources: Vec::new(), orphans: Vec::new() };
    let mut subresources = Vec::new();
    for given in list.resources {
        if given.name.contains('/') {
            subresources.push(given);
        } else {
            found.resources.push(DiscoveredResource {
                resource: ApiResource {
                    group: owner.group.clone(),
                    version: owner.version.clone(),
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
    }
    for APIResource { name, group, version, kind, verbs, namespaced, .. } in subresources {
        let (resource, own) = name.split_once('/').unwrap_or((&name, ""));
        let kind = kind_of(owner, group.unwrap_or_default(), version.unwrap_or_default(), kind);
        match found.resources.iter_mut().find(|found| found.resource.plural == resource) {
            Some(parent) => {
                let name = own.to_owned();
                parent.subresources.push(DiscoveredSubresource { name, kind, verbs, namespaced });
            }
            None => found.orphans.push(DiscoveredSubresource { name, kind, verbs, namespaced }),
        }
    }
    found
}

/// The resources of the group version `owner`, subresources among them, as a server lists them.
pub(super) fn write_resources(owner: &GroupVersion, version: &DiscoveredVersion) -> APIResourceList {
    let subresource = |name: String, singular: &str, given: &DiscoveredSubresource| APIResource {
        name,
        singular_name: singular.to_owned(),
        namespaced: given.namespaced,
        group: Some(given.kind.group.clone().into_owned()),
        version: Some(given.kind.version.clone().into_owned()),
        kind: given.kind.kind.clone().into_owned(),
        verbs: given.verbs.clone(),
        ..APIResource::default()
    };
    let some = |texts: &[String]| (!texts.is_empty()).then(|| texts.to_vec());
    let mut resources = Vec::new();
    for found in &version.resources {
        let resource = &found.resource;
        resources.push(APIResource {
            name: resource.plural.clone().into_owned(),
            singular_name: found.singular.clone(),
            namespaced: resource.namespaced,
            group: Some(resource.group.clone().into_owned()),
            version: Some(resource.version.clone().into_owned()),
            kind: resource.kind.clone().into_owned(),
            verbs: found.verbs.clone(),
            short_names: some(&found.short_names),
            categories: some(&found.categories),
            ..APIResource::default()
        });
        for given in &found.subresources {
            let name = format!("{}/{}", resource.plural, given.name);
            resources.push(subresource(name, &found.singular, given));
        }
    }
    resources.extend(version.orphans.iter().map(|given| subresource(given.name.clone(), "", given)));
    APIResourceList { group_version: owner.to_string(), resources }
}

/// The group version of a group and a version that were discovered.
pub(super) fn group_version(group: &str, version: &str) -> GroupVersion {
    GroupVersion { group: group.to_owned().into(), version: version.to_owned().into() }
}
