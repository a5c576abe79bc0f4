//! Which resource of which group and version.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use crate::error::Error;

/// A group and a version: `apps/v1`, or `v1` for the core group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupVersion {
    /// The group, "" for the core group.
    pub group: Cow<'static, str>,
    /// The version.
    pub version: Cow<'static, str>,
}

impl fmt::Display for GroupVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.group.is_empty() {
            f.write_str(&self.version)
        } else {
            write!(f, "{}/{}", self.group, self.version)
        }
    }
}

/// Reads `apps/v1` or `v1`. client-go's `schema.ParseGroupVersion`.
impl FromStr for GroupVersion {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        let (group, version) = text.split_once('/').unwrap_or(("", text));
        if version.contains('/') {
            return Err(Error::config(format!("{text:?} is not `group/version` or `version`")));
        }
        Ok(Self { group: group.to_owned().into(), version: version.to_owned().into() })
    }
}

/// A group, a version and a kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupVersionKind {
    /// The group, "" for the core group.
    pub group: Cow<'static, str>,
    /// The version.
    pub version: Cow<'static, str>,
    /// The kind, such as `Deployment`.
    pub kind: Cow<'static, str>,
}

/// A group, a version and a resource (the plural name in paths).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupVersionResource {
    /// The group, "" for the core group.
    pub group: Cow<'static, str>,
    /// The version.
    pub version: Cow<'static, str>,
    /// The resource, such as `deployments`.
    pub resource: Cow<'static, str>,
}

impl GroupVersionResource {
    /// The resource (`deployments`) of a version (`v1`) of a group (`apps`; "" for the core group).
    pub fn new(
        group: impl Into<Cow<'static, str>>,
        version: impl Into<Cow<'static, str>>,
        resource: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { group: group.into(), version: version.into(), resource: resource.into() }
    }
}

impl fmt::Display for GroupVersionResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.group.is_empty() {
            write!(f, "{}.{}", self.resource, self.version)
        } else {
            write!(f, "{}.{}.{}", self.resource, self.version, self.group)
        }
    }
}

/// Everything a client must know of a resource: its group, version, kind and plural name, and whether its objects live
/// in namespaces. Static for k8s-openapi's types, from discovery for the rest. client-go's `metav1.APIResource`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiResource {
    /// The group, "" for the core group.
    pub group: Cow<'static, str>,
    /// The version.
    pub version: Cow<'static, str>,
    /// The kind, such as `Deployment`; "" when it is not known: objects then bear the kind that the server names.
    pub kind: Cow<'static, str>,
    /// The plural name in paths, such as `deployments`.
    pub plural: Cow<'static, str>,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
}

impl ApiResource {
    /// The resource `plural` of `kind` in `api_version` (`apps/v1`, `v1`).
    pub fn new(api_version: &str, kind: &str, plural: &str, namespaced: bool) -> Result<Self, Error> {
        let GroupVersion { group, version } = api_version.parse()?;
        Ok(Self {
            group,
            version,
            kind: kind.to_owned().into(),
            plural: plural.to_owned().into(),
            namespaced,
        })
    }

    /// `apps/v1`, or `v1` for the core group.
    pub fn api_version(&self) -> String {
        self.group_version().to_string()
    }

    /// Its group and version.
    pub fn group_version(&self) -> GroupVersion {
        GroupVersion { group: self.group.clone(), version: self.version.clone() }
    }

    /// Its group, version and kind.
    pub fn gvk(&self) -> GroupVersionKind {
        GroupVersionKind { group: self.group.clone(), version: self.version.clone(), kind: self.kind.clone() }
    }

    /// Its group, version and plural name.
    pub fn gvr(&self) -> GroupVersionResource {
        GroupVersionResource {
            group: self.group.clone(),
            version: self.version.clone(),
            resource: self.plural.clone(),
        }
    }
}

/// Kind and scope not known: taken for a namespaced one, whose empty namespace is all namespaces or none.
impl From<GroupVersionResource> for ApiResource {
    fn from(gvr: GroupVersionResource) -> Self {
        let GroupVersionResource { group, version, resource } = gvr;
        Self { group, version, kind: "".into(), plural: resource, namespaced: true }
    }
}

impl From<&GroupVersionResource> for ApiResource {
    fn from(gvr: &GroupVersionResource) -> Self {
        gvr.clone().into()
    }
}

impl From<&ApiResource> for ApiResource {
    fn from(resource: &ApiResource) -> Self {
        resource.clone()
    }
}

impl fmt::Display for ApiResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.group.is_empty() {
            f.write_str(&self.plural)
        } else {
            write!(f, "{}.{}", self.plural, self.group)
        }
    }
}
