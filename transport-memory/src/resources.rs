//! Which resources the server serves: the built-in table and what CustomResourceDefinitions add.
//!
//! Invariant: two resources with the same `store` (versions of one kind) hold the same objects.

use std::sync::Arc;

use portolan::meta::GroupVersionResource;
use serde_json::Value;

use crate::builtin::TABLE;
use crate::value::{at, list, text};

/// The store of the CustomResourceDefinitions themselves.
pub(crate) const DEFINITIONS: &str = "customresourcedefinitions.apiextensions.k8s.io";
/// The store of the namespaces.
pub(crate) const NAMESPACES: &str = "namespaces";

const ALL_VERBS: [&str; 8] =
    ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

/// One resource of one version.
#[derive(Debug, Clone)]
pub(crate) struct Resource {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    pub(crate) plural: String,
    pub(crate) singular: String,
    pub(crate) short_names: Vec<String>,
    pub(crate) categories: Vec<String>,
    pub(crate) namespaced: bool,
    pub(crate) verbs: Vec<&'static str>,
    pub(crate) subresources: Vec<String>,
    /// Where the objects are, shared by the versions of a kind.
    pub(crate) store: Arc<str>,
    pub(crate) names: NameRule,
    /// Selectable fields: label and index into `paths`.
    pub(crate) fields: Vec<(String, usize)>,
    /// What is remembered of each object for field selectors, the same for all resources of one store.
    pub(crate) paths: Arc<[FieldPath]>,
    /// Whether changes of the spec are counted in `metadata.generation`.
    pub(crate) generation: bool,
    /// Whether a delete answers with the deleted object.
    pub(crate) echo: bool,
    /// Whether it comes from a CustomResourceDefinition.
    pub(crate) custom: bool,
    /// Of custom resources with a scale: the paths of the wanted and the actual replicas and the selector.
    pub(crate) scale: Option<ScalePaths>,
    /// Of custom resources: the schema and the printer columns.
    #[cfg(feature = "full")]
    pub(crate) schema: Option<Arc<Value>>,
    #[cfg(feature = "full")]
    pub(crate) columns: Vec<Value>,
    /// What a client that uses it is told.
    pub(crate) warning: Option<String>,
}

/// Where a custom resource keeps what its scale shows.
#[derive(Debug, Clone)]
pub(crate) struct ScalePaths {
    pub(crate) spec: String,
    pub(crate) status: String,
    pub(crate) selector: String,
}

/// How objects of a resource may be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NameRule {
    /// A DNS subdomain (RFC 1123).
    Subdomain,
    /// A DNS label (RFC 1123).
    Label,
    /// Anything that is one segment of a path.
    Segment,
}

/// A field a selector may ask for.
#[derive(Debug, Clone)]
pub(crate) struct FieldPath {
    pub(crate) path: String,
    /// The value when the field is missing.
    pub(crate) default: String,
}

impl Resource {
    /// `apps/v1` or `v1`.
    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// As the server names it in messages: `deployments.apps`, `pods`.
    pub(crate) fn qualified(&self) -> String {
        qualified(&self.plural, &self.group)
    }

    /// As the server names its kind in messages: `Deployment.apps`, `Pod`.
    pub(crate) fn qualified_kind(&self) -> String {
        qualified(&self.kind, &self.group)
    }

    pub(crate) fn serves(&self, verb: &str) -> bool {
        self.verbs.contains(&verb)
    }

    pub(crate) fn has_subresource(&self, name: &str) -> bool {
        self.subresources.iter().any(|subresource| subresource == name)
    }

    /// Whether create and update leave the status alone, since it has its own endpoint.
    pub(crate) fn has_status(&self) -> bool {
        self.has_subresource("status")
    }

    /// What of `object` a field selector may ask for.
    pub(crate) fn field_values(&self, object: &Value) -> Box<[String]> {
        self.paths.iter().map(|field| field.value(object)).collect()
    }
}

impl FieldPath {
    fn value(&self, object: &Value) -> String {
        match at(object, &self.path) {
            Some(Value::String(text)) => text.clone(),
            Some(value @ (Value::Bool(_) | Value::Number(_))) => value.to_string(),
            _ => self.default.clone(),
        }
    }
}

/// All resources, in the order discovery shows them.
#[derive(Debug)]
pub(crate) struct Registry {
    resources: Vec<Arc<Resource>>,
}

impl Registry {
    /// The built-in resources.
    pub(crate) fn builtin() -> Self {
        let mut registry = Self { resources: Vec::new() };
        let mut group_version = ("", "");
        for line in TABLE.lines() {
            if let Some(head) = line.strip_prefix("= ") {
                group_version = head.split_once('/').unwrap_or(("", head));
            } else {
                let resource = registry.read_line(group_version, line);
                registry.resources.push(Arc::new(resource));
            }
        }
        registry
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Resource>> {
        self.resources.iter()
    }

    pub(crate) fn find(&self, group: &str, version: &str, plural: &str) -> Option<&Arc<Resource>> {
        self.resources.iter().find(|resource| {
            resource.plural == plural && resource.group == group && resource.version == version
        })
    }

    pub(crate) fn by_resource(&self, gvr: &GroupVersionResource) -> Option<&Arc<Resource>> {
        self.find(&gvr.group, &gvr.version, &gvr.resource)
    }

    pub(crate) fn by_kind(&self, api_version: &str, kind: &str) -> Option<&Arc<Resource>> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        self.resources
            .iter()
            .find(|resource| resource.kind == kind && resource.group == group && resource.version == version)
    }

    pub(crate) fn is_served(&self, store: &str) -> bool {
        self.resources.iter().any(|resource| &*resource.store == store)
    }

    /// The resources that hold the objects of `store`.
    pub(crate) fn of_store(&self, store: &str) -> Option<&Arc<Resource>> {
        self.resources.iter().find(|resource| &*resource.store == store)
    }

    /// Serves what `definition` defines, in place of what a definition of that name defined before.
    pub(crate) fn define(&mut self, definition: &Value) {
        self.forget(text(definition, "metadata.name"));
        let versions: Vec<_> = list(definition, "spec.versions")
            .filter(|version| at(version, "served") == Some(&Value::Bool(true)))
            .map(|version| Arc::new(custom_resource(definition, version)))
            .collect();
        self.resources.extend(versions);
    }

    /// Serves no longer what the definition called `name` (its resources' store as well) defined.
    pub(crate) fn forget(&mut self, name: &str) {
        self.resources.retain(|resource| !resource.custom || &*resource.store != name);
    }

    fn read_line(&self, (group, version): (&str, &str), line: &str) -> Resource {
        let mut words = line.split(' ');
        let mut word = || words.next().unwrap_or_default();
        let (plural, kind, scope) = (word(), word(), word());
        let mut resource = Resource {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
            plural: plural.to_owned(),
            singular: kind.to_lowercase(),
            short_names: Vec::new(),
            categories: Vec::new(),
            namespaced: scope == "namespaced",
            verbs: ALL_VERBS.to_vec(),
            subresources: Vec::new(),
            store: qualified(plural, group).into(),
            names: NameRule::Subdomain,
            fields: Vec::new(),
            paths: Arc::new([]),
            generation: false,
            echo: false,
            custom: false,
            scale: None,
            #[cfg(feature = "full")]
            schema: None,
            #[cfg(feature = "full")]
            columns: Vec::new(),
            warning: None,
        };
        for word in words {
            let (option, value) = word.split_once('=').unwrap_or((word, ""));
            let values = || value.split(',').map(str::to_owned).collect::<Vec<_>>();
            match option {
                "verbs" => resource.verbs.retain(|verb| value.split(',').any(|given| given == *verb)),
                "short" => resource.short_names = values(),
                "in" => resource.categories = values(),
                "sub" => resource.subresources = values(),
                "store" => resource.store = value.into(),
                "names" => {
                    resource.names = if value == "label" { NameRule::Label } else { NameRule::Segment };
                }
                "fields" => self.read_fields(&mut resource, value),
                "generation" => resource.generation = true,
                "warning" => resource.warning = Some(value.replace('_', " ")),
                _ => resource.echo = true,
            }
        }
        resource
    }

    /// Reads `label`, `label:path`, with `!default`. A resource of another's store takes that one's paths.
    fn read_fields(&self, resource: &mut Resource, value: &str) {
        let mut paths = Vec::new();
        for (index, field) in value.split(',').enumerate() {
            let (field, default) = field.split_once('!').unwrap_or((field, ""));
            let (label, path) = field.split_once(':').unwrap_or((field, field));
            resource.fields.push((label.to_owned(), index));
            paths.push(FieldPath { path: path.to_owned(), default: default.to_owned() });
        }
        let Some(owner) = self.of_store(&resource.store) else {
            resource.paths = paths.into();
            return;
        };
        resource.paths = owner.paths.clone();
        for (_, index) in &mut resource.fields {
            let path = &paths[*index].path;
            *index = owner.paths.iter().position(|owned| owned.path == *path).unwrap_or_default();
        }
    }
}

/// The resource that one served version of `definition` defines.
fn custom_resource(definition: &Value, version: &Value) -> Resource {
    let names = |field: &str| text(definition, &format!("spec.names.{field}")).to_owned();
    let many = |field: &str| {
        let texts = list(definition, &format!("spec.names.{field}"));
        texts.filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>()
    };
    let scale = at(version, "subresources.scale").map(|scale| ScalePaths {
        spec: text(scale, "specReplicasPath").trim_start_matches('.').to_owned(),
        status: text(scale, "statusReplicasPath").trim_start_matches('.').to_owned(),
        selector: text(scale, "labelSelectorPath").trim_start_matches('.').to_owned(),
    });
    let status = at(version, "subresources.status").is_some();
    let terminating = at(definition, "metadata.deletionTimestamp").is_some();
    let paths: Vec<_> = list(version, "selectableFields")
        .map(|field| text(field, "jsonPath").trim_start_matches('.').to_owned())
        .collect();
    let singular = match names("singular") {
        singular if singular.is_empty() => names("kind").to_lowercase(),
        singular => singular,
    };
    Resource {
        group: text(definition, "spec.group").to_owned(),
        version: text(version, "name").to_owned(),
        kind: names("kind"),
        plural: names("plural"),
        singular,
        short_names: many("shortNames"),
        categories: many("categories"),
        namespaced: text(definition, "spec.scope") == "Namespaced",
        verbs: ALL_VERBS.into_iter().filter(|verb| !terminating || *verb != "create").collect(),
        subresources: [("scale", scale.is_some()), ("status", status)]
            .into_iter()
            .filter(|(_, given)| *given)
            .map(|(name, _)| name.to_owned())
            .collect(),
        store: text(definition, "metadata.name").into(),
        names: NameRule::Subdomain,
        fields: paths.iter().cloned().zip(0..).collect(),
        paths: paths.into_iter().map(|path| FieldPath { path, default: String::new() }).collect(),
        generation: true,
        echo: false,
        custom: true,
        scale,
        #[cfg(feature = "full")]
        schema: at(version, "schema.openAPIV3Schema").cloned().map(Arc::new),
        #[cfg(feature = "full")]
        columns: list(version, "additionalPrinterColumns").cloned().collect(),
        warning: (at(version, "deprecated") == Some(&Value::Bool(true))).then(|| {
            let kind =
                format!("{}/{} {}", text(definition, "spec.group"), text(version, "name"), names("kind"));
            match text(version, "deprecationWarning") {
                "" => format!("{kind} is deprecated"),
                text => text.to_owned(),
            }
        }),
    }
}

fn qualified(name: &str, group: &str) -> String {
    if group.is_empty() { name.to_owned() } else { format!("{name}.{group}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_line_of_the_table_is_read() {
        let registry = Registry::builtin();
        let lines = TABLE.lines().filter(|line| !line.starts_with('=')).count();
        assert_eq!(registry.iter().count(), lines);
        let pods = registry.find("", "v1", "pods").unwrap();
        assert!(pods.namespaced && pods.generation && pods.echo && pods.has_status());
        assert_eq!(
            (pods.singular.as_str(), pods.short_names.as_slice()),
            ("pod", ["po".to_owned()].as_slice())
        );
        let namespaces = registry.find("", "v1", "namespaces").unwrap();
        assert!(!namespaces.serves("deletecollection") && namespaces.names == NameRule::Label);
        assert_eq!(registry.find("", "v1", "endpoints").unwrap().singular, "endpoints");
        let mut seen = std::collections::BTreeSet::new();
        for resource in registry.iter() {
            assert!(!resource.verbs.is_empty() && !resource.kind.is_empty());
            assert!(seen.insert((resource.api_version(), resource.plural.clone())), "{}", resource.plural);
            assert!(resource.fields.iter().all(|(_, index)| *index < resource.paths.len()));
        }
    }

    #[test]
    fn events_of_both_groups_are_one_store() {
        let registry = Registry::builtin();
        let newer = registry.find("events.k8s.io", "v1", "events").unwrap();
        assert_eq!(&*newer.store, "events");
        let (_, index) = newer.fields.iter().find(|(label, _)| label == "regarding.name").unwrap();
        assert_eq!(newer.paths[*index].path, "involvedObject.name");
    }

    #[test]
    fn a_definition_adds_its_served_versions() {
        let definition = json!({
            "metadata": { "name": "widgets.example.com" },
            "spec": {
                "group": "example.com", "scope": "Namespaced",
                "names": { "kind": "Widget", "plural": "widgets", "shortNames": ["wg"] },
                "versions": [
                    { "name": "v1", "served": true, "subresources": { "status": {} } },
                    { "name": "v0", "served": false },
                ],
            },
        });
        let mut registry = Registry::builtin();
        let before = registry.iter().count();
        registry.define(&definition);
        registry.define(&definition);
        assert_eq!(registry.iter().count(), before + 1);
        let widgets = registry.find("example.com", "v1", "widgets").unwrap();
        assert!(widgets.custom && widgets.has_status() && widgets.singular == "widget");
        registry.forget("widgets.example.com");
        assert_eq!(registry.iter().count(), before);
    }
}
