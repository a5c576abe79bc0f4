//! One object as it is kept: its JSON text without apiVersion and kind, beside what selectors ask of it.
//!
//! Invariant: the text is a JSON object that has metadata, so it is never `{}`. Leaving apiVersion and kind out lets every
//! version of a resource, lists (whose items bear neither) and watch events share the same bytes.

use std::collections::BTreeMap;
#[cfg(feature = "full")]
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::event_version;
use crate::failure::Failure;
use crate::resources::Resource;
#[cfg(feature = "full")]
use crate::table::{self, Include};
use crate::value::{at, list, put, set, take, text};

/// A kept object.
#[derive(Debug)]
pub(crate) struct Stored {
    /// `namespace/name` or `name`: the order of keys is the order of lists.
    pub(crate) key: String,
    pub(crate) version: u64,
    pub(crate) labels: BTreeMap<String, String>,
    /// The values of the resource's selectable fields.
    pub(crate) fields: Box<[String]>,
    /// The uids of its owners.
    pub(crate) owners: Box<[String]>,
    body: Bytes,
}

/// How much of an object an answer shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum View {
    Whole,
    /// `PartialObjectMetadata`.
    Metadata,
    /// A row of a Table, with ages as of this time since the Unix epoch.
    #[cfg(feature = "full")]
    Table(Include, Duration),
}

impl Stored {
    /// Keeps `object` at `version`; 0 is none, for what is shown and not kept.
    pub(crate) fn new(resource: &Resource, mut object: Value, version: u64) -> Self {
        take(&mut object, "apiVersion");
        take(&mut object, "kind");
        put(&mut object, "metadata.resourceVersion", (version > 0).then(|| version.to_string().into()));
        let label = |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
        Self {
            key: key(text(&object, "metadata.namespace"), text(&object, "metadata.name")),
            version,
            labels: at(&object, "metadata.labels")
                .and_then(Value::as_object)
                .map(|labels| labels.iter().filter_map(label).collect())
                .unwrap_or_default(),
            fields: resource.field_values(&object),
            owners: list(&object, "metadata.ownerReferences")
                .map(|one| text(one, "uid").to_owned())
                .collect(),
            body: object.to_string().into(),
        }
    }

    /// The same object with another version.
    pub(crate) fn at_version(&self, resource: &Resource, version: u64) -> Result<Self, Failure> {
        Ok(Self::new(resource, self.value()?, version))
    }

    pub(crate) fn namespace(&self) -> &str {
        self.key.split_once('/').map_or("", |(namespace, _)| namespace)
    }

    pub(crate) fn name(&self) -> &str {
        self.key.split_once('/').map_or(&self.key, |(_, name)| name)
    }

    /// The object, without apiVersion and kind.
    pub(crate) fn value(&self) -> Result<Value, Failure> {
        serde_json::from_slice(&self.body).map_err(|error| Failure::internal(error.to_string()))
    }

    /// The object as `resource` shows it, with apiVersion and kind.
    pub(crate) fn shown(&self, resource: &Resource) -> Result<Value, Failure> {
        self.value().map(|object| shown(resource, object))
    }

    /// Writes the object as `resource` shows it, alone or as an item of a list, where built-in kinds bear neither
    /// apiVersion nor kind.
    pub(crate) fn write(
        &self,
        resource: &Resource,
        view: View,
        alone: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), Failure> {
        let typed = alone || resource.custom;
        #[cfg(feature = "full")]
        if let View::Table(include, now) = view {
            let row = table::row(resource, &self.shown(resource)?, include, now);
            let shown = if alone { table::of(resource, &self.version.to_string(), &row) } else { row };
            out.extend_from_slice(shown.to_string().as_bytes());
            return Ok(());
        }
        if view == View::Metadata {
            let mut object = self.value()?;
            let partial = json!({
                "kind": "PartialObjectMetadata",
                "apiVersion": "meta.k8s.io/v1",
                "metadata": take(&mut object, "metadata"),
            });
            out.extend_from_slice(partial.to_string().as_bytes());
        } else if event_version::applies(resource) {
            let mut object = self.shown(resource)?;
            if !typed {
                take(&mut object, "apiVersion");
                take(&mut object, "kind");
            }
            out.extend_from_slice(object.to_string().as_bytes());
        } else if typed {
            let head = format!(r#"{{"kind":"{}","apiVersion":"{}","#, resource.kind, resource.api_version());
            out.extend_from_slice(head.as_bytes());
            out.extend_from_slice(self.body.get(1..).unwrap_or_default());
        } else {
            out.extend_from_slice(&self.body);
        }
        Ok(())
    }

    /// The object as the body of an answer.
    pub(crate) fn text(&self, resource: &Resource, view: View) -> Result<Bytes, Failure> {
        let mut out = Vec::with_capacity(self.body.len() + 64);
        self.write(resource, view, true, &mut out)?;
        Ok(out.into())
    }
}

/// The key of an object.
pub(crate) fn key(namespace: &str, name: &str) -> String {
    if namespace.is_empty() { name.to_owned() } else { format!("{namespace}/{name}") }
}

/// A kept object as `resource` shows it, with apiVersion and kind.
pub(crate) fn shown(resource: &Resource, mut object: Value) -> Value {
    if event_version::applies(resource) {
        event_version::to_newer(&mut object);
    }
    set(&mut object, "apiVersion", resource.api_version());
    set(&mut object, "kind", resource.kind.as_str());
    object
}
