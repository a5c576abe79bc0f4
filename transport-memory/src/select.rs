//! Which objects a list or a watch is about: a place and two selectors.

use std::borrow::Cow;

use portolan::meta::{FieldSelector, LabelSelector};
use portolan::status::quoted;

use crate::failure::Failure;
use crate::list_options::ListOptions;
use crate::request::Target;
use crate::resources::Resource;
use crate::store::Change;
use crate::stored::Stored;

/// The objects asked for.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    /// How their keys begin: `namespace/` or "".
    pub(crate) prefix: String,
    labels: LabelSelector,
    fields: FieldSelector,
}

/// What a change means to somebody who sees only the objects asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    Added,
    Modified,
    Deleted,
    /// It left the selection: its last selected state is shown as deleted.
    Left,
}

impl Filter {
    /// What the options of a request for `target` select. Fails when `resource` does not have a field of it.
    pub(crate) fn of(
        resource: &Resource,
        target: &Target,
        options: ListOptions<'_>,
    ) -> Result<Self, Failure> {
        let ListOptions { labels, fields, .. } = options;
        if let Some(unknown) = fields.fields().find(|field| !is_selectable(resource, field)) {
            return Err(Failure::bad_request(not_selectable(resource, unknown)));
        }
        let prefix = if target.namespace.is_empty() || !resource.namespaced {
            String::new()
        } else {
            format!("{}/", target.namespace)
        };
        Ok(Self { prefix, labels, fields })
    }

    /// Whether it selects every object of its place.
    pub(crate) fn is_everything(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    pub(crate) fn matches(&self, resource: &Resource, object: &Stored) -> bool {
        object.key.starts_with(&self.prefix)
            && (self.labels.is_empty() || self.labels.matches(&object.labels))
            && (self.fields.is_empty() || self.fields.matches(|field| field_value(resource, object, field)))
    }

    /// What `change` means, `None` when it is about something else.
    pub(crate) fn sees(&self, resource: &Resource, change: &Change) -> Option<Seen> {
        let before = change.before.as_ref().is_some_and(|before| self.matches(resource, before));
        let after = !change.deleted && self.matches(resource, &change.object);
        match (before, after) {
            (false, false) => None,
            (false, true) => Some(Seen::Added),
            (true, true) => Some(Seen::Modified),
            (true, false) if change.deleted => Some(Seen::Deleted),
            (true, false) => Some(Seen::Left),
        }
    }
}

fn is_selectable(resource: &Resource, field: &str) -> bool {
    match field {
        "metadata.name" => true,
        "metadata.namespace" => resource.namespaced || has_fields_of_all(resource),
        _ => resource.fields.iter().any(|(label, _)| label == field),
    }
}

/// Whether its kind says nothing of its own about fields.
fn has_fields_of_all(resource: &Resource) -> bool {
    resource.fields.is_empty() && !resource.custom
}

/// What the server says of a field that cannot be asked for: kinds with fields of their own word it themselves.
fn not_selectable(resource: &Resource, field: &str) -> String {
    match resource.kind.as_str() {
        _ if has_fields_of_all(resource) => {
            let known = "\"metadata.name\", \"metadata.namespace\"";
            format!("{} is not a known field selector: only {known}", quoted(field))
        }
        "Job" if !resource.custom => format!("field label {} not supported for Job", quoted(field)),
        "ResourceSlice" if !resource.custom => {
            let version = resource.api_version();
            format!("field label not supported for {version}, Kind=ResourceSlice: {field}")
        }
        _ => format!("field label not supported: {field}"),
    }
}

fn field_value<'a>(resource: &Resource, object: &'a Stored, field: &str) -> Cow<'a, str> {
    match field {
        "metadata.name" => object.name().into(),
        "metadata.namespace" => object.namespace().into(),
        _ => {
            let known = resource.fields.iter().find(|(label, _)| label == field);
            known
                .and_then(|(_, index)| object.fields.get(*index))
                .map_or("".into(), |value| value.as_str().into())
        }
    }
}
