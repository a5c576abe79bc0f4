//! Answers which resource is meant by `po`, `deploy.apps`, `Deployment`, and which kind a resource has. Pure.
//!
//! Follows client-go 0.37 `restmapper` (discovery.go, shortcut.go, category_expansion.go) and apimachinery 0.37 `pkg/api/meta`
//! (restmapper.go, multirestmapper.go, priority.go), in one: short names are always understood. Differs on purpose:
//! a group that is named in full wins over longer groups that begin like it (client-go's discovery mapper looks at each group version
//! alone, so that `widgets.example.com` may mean the group `example.com.other` when that is listed first); a mapping gives the kind as the
//! server spells it also when it was asked for in lower case; a category gives mappings.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Display, Write};
use std::sync::Arc;

use super::found::{DiscoveredResource, Discovery};
use crate::error::{Error, ErrorKind};
use crate::meta::{ApiResource, GroupVersion, GroupVersionKind, GroupVersionResource};

mod shortcut;
#[cfg(test)]
mod tests;

/// The version that Go's servers give objects in their own memory; in a question it means any.
const INTERNAL: &str = "__internal";

/// Maps resources to kinds and kinds to resources, among what was discovered. What a question leaves out ("") is filled in:
/// the core group first, then the groups in the server's order, of each the preferred version first. client-go's
/// `meta.RESTMapper`.
#[derive(Clone, Debug)]
pub struct RestMapper {
    discovery: Arc<Discovery>,
    versions: Vec<Version>,
    /// Which of several matches is meant: the first rule that leaves one, an empty version being any.
    priority: Vec<GroupVersion>,
}

/// The names of one group version.
#[derive(Clone, Debug)]
struct Version {
    of: GroupVersion,
    /// The kind of each resource, by its plural and by its singular name.
    kinds: BTreeMap<String, String>,
    /// The singular of each plural.
    singulars: BTreeMap<String, String>,
    /// What each kind maps to, also by its name in lower case.
    mappings: BTreeMap<String, ApiResource>,
}

impl RestMapper {
    /// The mapper of what was discovered. client-go's `NewDiscoveryRESTMapper` with `NewShortcutExpander`.
    pub fn new(discovery: Arc<Discovery>) -> Self {
        let any = |group: &str| GroupVersion { group: group.to_owned().into(), version: "".into() };
        let mut priority = vec![GroupVersion { group: "".into(), version: "v1".into() }];
        let mut versions = Vec::new();
        for group in &discovery.groups {
            let version =
                |version: &str| GroupVersion { version: version.to_owned().into(), ..any(&group.name) };
            if group.versions.iter().any(|given| given.version == group.preferred) {
                priority.push(version(&group.preferred));
            }
            for given in group.versions.iter().filter(|given| !given.is_empty()) {
                if given.version != group.preferred {
                    priority.push(version(&given.version));
                }
                versions.push(Version::new(version(&given.version), &given.resources));
            }
        }
        priority.extend(discovery.groups.iter().map(|group| any(&group.name)));
        Self { discovery, versions, priority }
    }

    /// What it maps.
    pub fn discovery(&self) -> &Arc<Discovery> {
        &self.discovery
    }

    /// The kind of a resource, of which group and version may be left out. client-go's `KindFor`.
    ///
    /// # Errors
    /// No match, or ambiguous.
    pub fn kind_for(&self, resource: &GroupVersionResource) -> Result<GroupVersionKind, Error> {
        let found = self.kinds_for(resource)?;
        pick(&found, &self.priority, |kind| (&kind.group, &kind.version))
            .cloned()
            .ok_or_else(|| ambiguous(Resource(resource), "kinds", found.iter().map(kind_text)))
    }

    /// The kinds of all resources that may be meant. client-go's `KindsFor`.
    ///
    /// # Errors
    /// No match.
    pub fn kinds_for(&self, resource: &GroupVersionResource) -> Result<Vec<GroupVersionKind>, Error> {
        self.matches(resource, |version, name| {
            version.kinds.get(name).map(|kind| version.kind(kind)).into_iter().collect()
        })
    }

    /// The resource that is meant, in full. client-go's `ResourceFor`.
    ///
    /// # Errors
    /// No match, or ambiguous.
    pub fn resource_for(&self, resource: &GroupVersionResource) -> Result<GroupVersionResource, Error> {
        let found = self.resources_for(resource)?;
        pick(&found, &self.priority, |given| (&given.group, &given.version))
            .cloned()
            .ok_or_else(|| ambiguous(Resource(resource), "resources", found.iter().map(Resource)))
    }

    /// All resources that may be meant, in full. client-go's `ResourcesFor`.
    ///
    /// # Errors
    /// No match.
    pub fn resources_for(&self, resource: &GroupVersionResource) -> Result<Vec<GroupVersionResource>, Error> {
        self.matches(resource, |version, name| {
            let named =
                version.singulars.iter().filter(|(plural, singular)| *plural == name || *singular == name);
            named.map(|(plural, _)| version.resource(plural)).collect()
        })
    }

    /// The resource of a kind; of several versions the first of `versions` that has it, else the preferred one. client-go's
    /// `RESTMapping`.
    ///
    /// # Errors
    /// No match, or ambiguous.
    pub fn rest_mapping(&self, group: &str, kind: &str, versions: &[&str]) -> Result<ApiResource, Error> {
        let found = self.rest_mappings(group, kind, versions)?;
        let asked = versions.iter().map(|version| GroupVersion {
            group: group.to_owned().into(),
            version: (*version).to_owned().into(),
        });
        let priority: Vec<_> = asked.chain(self.priority.iter().cloned()).collect();
        pick(&found, &priority, |given| (&given.group, &given.version)).cloned().ok_or_else(|| {
            let asked = GroupVersionKind {
                group: group.to_owned().into(),
                version: "".into(),
                kind: kind.to_owned().into(),
            };
            ambiguous(kind_text(&asked), "kinds", found.iter().map(|given| kind_text(&given.gvk())))
        })
    }

    /// The resources of a kind in all its versions, or in `versions`. client-go's `RESTMappings`.
    ///
    /// # Errors
    /// No match.
    pub fn rest_mappings(
        &self,
        group: &str,
        kind: &str,
        versions: &[&str],
    ) -> Result<Vec<ApiResource>, Error> {
        let asked: Vec<&str> =
            versions.iter().copied().filter(|given| !matches!(*given, "" | INTERNAL)).collect();
        let meant =
            |of: &GroupVersion| of.group == group && (asked.is_empty() || asked.contains(&&*of.version));
        let found: Vec<ApiResource> = self
            .versions
            .iter()
            .filter(|version| meant(&version.of))
            .filter_map(|version| version.mappings.get(kind).cloned())
            .collect();
        if found.is_empty() { Err(no_kind(group, kind, versions)) } else { Ok(found) }
    }

    /// The resource that a person means by `argument`: a resource's plural, singular or short name or its kind, with or without
    /// version and group (`po`, `deployments.apps`, `deployments.v1.apps`, `Deployment`). What kubectl does with its
    /// arguments.
    ///
    /// # Errors
    /// No match, in kubectl's words, or ambiguous.
    pub fn mapping_for(&self, argument: &str) -> Result<ApiResource, Error> {
        let (name, group) = argument.split_once('.').unwrap_or((argument, ""));
        let asked = |group: &str, version: &str| GroupVersionResource {
            group: group.to_owned().into(),
            version: version.to_owned().into(),
            resource: name.to_owned().into(),
        };
        let full = group.split_once('.');
        let kind = full.and_then(|(version, group)| self.kind_for(&asked(group, version)).ok());
        if let Some(kind) = kind.or_else(|| self.kind_for(&asked(group, "")).ok()) {
            return self.rest_mapping(&kind.group, &kind.kind, &[&*kind.version]);
        }
        if let Some(mapping) =
            full.and_then(|(version, group)| self.rest_mapping(group, name, &[version]).ok())
        {
            return Ok(mapping);
        }
        self.rest_mapping(group, name, &[]).map_err(|error| {
            if !error.is_no_match() {
                return error;
            }
            Error::new(ErrorKind::NoMatch, format!("the server doesn't have a resource type {name:?}"))
        })
    }

    /// A resource's name in the singular. client-go's `ResourceSingularizer`.
    ///
    /// # Errors
    /// No match, or ambiguous: two resources of one version go by this name.
    pub fn singular_for(&self, resource: &str) -> Result<String, Error> {
        let asked = GroupVersionResource {
            group: "".into(),
            version: "".into(),
            resource: resource.to_owned().into(),
        };
        let found = self.resources_for(&asked)?;
        for version in &self.versions {
            let of_version = found.iter().filter(|given| version.is_of(&given.group, &given.version));
            let singulars: BTreeSet<&String> =
                of_version.filter_map(|given| version.singulars.get(&*given.resource)).collect();
            if let (1, Some(singular)) = (singulars.len(), singulars.first()) {
                return Ok((*singular).clone());
            }
        }
        Err(ambiguous(resource, "resources", found.iter().map(Resource)))
    }

    /// The resources of a category such as `all`, each once and as [`mapping_for`](Self::mapping_for) maps it; none when there is no such
    /// category. client-go's `CategoryExpander`.
    pub fn expand_category(&self, category: &str) -> Vec<ApiResource> {
        let mut seen = BTreeSet::new();
        let of_category =
            |found: &&DiscoveredResource| found.categories.iter().any(|given| given == category);
        let named = self.discovery.resources().filter(of_category).filter_map(|found| {
            let name = found.resource.to_string();
            seen.insert(name.clone()).then(|| self.mapping_for(&name).ok()).flatten()
        });
        named.collect()
    }

    /// What `find` finds in the versions that `resource` may be of, each once.
    fn matches<T: PartialEq>(
        &self,
        resource: &GroupVersionResource,
        find: impl Fn(&Version, &str) -> Vec<T>,
    ) -> Result<Vec<T>, Error> {
        if resource.resource.is_empty() {
            return Err(Error::config(format!("a resource must be present, got: {}", Resource(resource))));
        }
        let (expanded, _) = self.expand_short_name(resource);
        let name = expanded.resource.to_ascii_lowercase();
        let version = if expanded.version == INTERNAL { "" } else { &expanded.version };
        let group = &*expanded.group;
        let all = |meant: &dyn Fn(&str) -> bool| {
            let mut found: Vec<T> = Vec::new();
            for candidate in &self.versions {
                if meant(&candidate.of.group) && (version.is_empty() || candidate.of.version == version) {
                    for item in find(candidate, &name) {
                        if !found.contains(&item) {
                            found.push(item);
                        }
                    }
                }
            }
            found
        };
        let mut found = all(&|of| group.is_empty() || of == group);
        if found.is_empty() && !group.is_empty() && version.is_empty() {
            found = all(&|of| of.starts_with(group));
        }
        if found.is_empty() {
            let text = format!("no matches for {}", Resource(resource));
            return Err(Error::new(ErrorKind::NoMatch, text));
        }
        Ok(found)
    }
}

impl Version {
    fn new(of: GroupVersion, resources: &[DiscoveredResource]) -> Self {
        let (kinds, singulars, mappings) = Default::default();
        let mut version = Self { of, kinds, singulars, mappings };
        for found in resources {
            let kind = &*found.resource.kind;
            let singular =
                if found.singular.is_empty() { kind.to_ascii_lowercase() } else { found.singular.clone() };
            version.add(&kind.to_ascii_lowercase(), singular.clone(), found.resource.clone());
            version.add(kind, singular, found.resource.clone());
            version.add_list(&format!("{kind}List"), found.resource.namespaced);
        }
        version.add_list("List", false);
        version
    }

    fn add(&mut self, kind: &str, singular: String, resource: ApiResource) {
        let plural = resource.plural.clone().into_owned();
        self.kinds.insert(singular.clone(), resource.kind.clone().into_owned());
        self.kinds.insert(plural.clone(), resource.kind.clone().into_owned());
        self.singulars.insert(plural, singular);
        self.mappings.insert(kind.to_owned(), resource);
    }

    /// The kinds of lists are in no discovery; their resources are guessed.
    fn add_list(&mut self, kind: &str, namespaced: bool) {
        let (plural, singular) = guess(kind);
        let resource = ApiResource {
            group: self.of.group.clone(),
            version: self.of.version.clone(),
            kind: kind.to_owned().into(),
            plural: plural.into(),
            namespaced,
        };
        self.add(kind, singular, resource);
    }

    fn is_of(&self, group: &str, version: &str) -> bool {
        self.of.group == group && self.of.version == version
    }

    fn kind(&self, kind: &str) -> GroupVersionKind {
        let GroupVersion { group, version } = self.of.clone();
        GroupVersionKind { group, version, kind: kind.to_owned().into() }
    }

    fn resource(&self, plural: &str) -> GroupVersionResource {
        let GroupVersion { group, version } = self.of.clone();
        GroupVersionResource { group, version, resource: plural.to_owned().into() }
    }
}

/// The plural and the singular that a kind would have in plain English. apimachinery's `UnsafeGuessKindToResource`.
fn guess(kind: &str) -> (String, String) {
    let singular = kind.to_ascii_lowercase();
    let plural = match singular.strip_suffix('y') {
        _ if singular.ends_with("endpoints") => singular.clone(),
        Some(stem) => format!("{stem}ies"),
        None if singular.ends_with('s') => format!("{singular}es"),
        None => format!("{singular}s"),
    };
    (plural, singular)
}

/// The one that is meant: the rules narrow the matches down until one is left. apimachinery's `PriorityRESTMapper`.
fn pick<'a, T>(
    found: &'a [T],
    priority: &[GroupVersion],
    of: impl Fn(&'a T) -> (&'a str, &'a str),
) -> Option<&'a T> {
    let mut left: Vec<&T> = found.iter().collect();
    for rule in priority {
        if left.len() == 1 {
            break;
        }
        let meant = |item: &&&'a T| {
            let (group, version) = of(**item);
            rule.group == group && (rule.version.is_empty() || rule.version == version)
        };
        let narrower: Vec<&T> = left.iter().filter(meant).copied().collect();
        if !narrower.is_empty() {
            left = narrower;
        }
    }
    match left[..] {
        [one] => Some(one),
        _ => None,
    }
}

/// A resource as Go prints it.
struct Resource<'a>(&'a GroupVersionResource);

impl Display for Resource<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let GroupVersionResource { group, version, resource } = self.0;
        write!(f, "{group}/{version}, Resource={resource}")
    }
}

/// A kind as Go prints it.
fn kind_text(kind: &GroupVersionKind) -> String {
    let GroupVersionKind { group, version, kind } = kind;
    format!("{group}/{version}, Kind={kind}")
}

fn ambiguous<T: Display>(asked: impl Display, what: &str, found: impl Iterator<Item = T>) -> Error {
    let mut text = format!("{asked} matches multiple {what} [");
    for (index, item) in found.enumerate() {
        let space = if index == 0 { "" } else { " " };
        // Writing to a String does not fail.
        let _ = write!(text, "{space}{item}");
    }
    text.push(']');
    Error::new(ErrorKind::Ambiguous, text)
}

fn no_kind(group: &str, kind: &str, versions: &[&str]) -> Error {
    let searched: BTreeSet<String> = versions
        .iter()
        .map(|version| if group.is_empty() { (*version).to_owned() } else { format!("{group}/{version}") })
        .collect();
    let searched: Vec<String> = searched.iter().map(|version| format!("{version:?}")).collect();
    let place = match &searched[..] {
        [] => format!("group {group:?}"),
        [version] => format!("version {version}"),
        versions => format!("versions [{}]", versions.join(" ")),
    };
    Error::new(ErrorKind::NoMatch, format!("no matches for kind {kind:?} in {place}"))
}
