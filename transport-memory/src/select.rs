//! Which objects a list or a watch is about: a place and two selectors.

use std::borrow::Cow;

use portolan::meta::{FieldSelector, LabelSelector};

use crate::failure::Failure;
use crate::request::{Query, Target};
use crate::resources::Resource;
use crate::store::Change;
use crate::stored::Stored;

/// The objects asked for.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    /// How their keys begin: `namespace/` or "".
    pub(crate) prefix: String,
    name: String,
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
    /// Reads the selectors of a request.
    pub(crate) fn read(resource: &Resource, target: &Target, query: &Query) -> Result<Self, Failure> {
        let labels: LabelSelector =
            query.get("labelSelector").parse().map_err(|error: portolan::Error| {
                Failure::bad_request(format!("unable to parse requirement: {error}"))
            })?;
        let fields: FieldSelector = query
            .get("fieldSelector")
            .parse()
            .map_err(|error: portolan::Error| Failure::bad_request(error.to_string()))?;
        if let Some(unknown) = fields.fields().find(|field| !is_selectable(resource, field)) {
            let message = if resource.fields.is_empty() {
                format!(
                    "{unknown:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
                )
            } else {
                format!("field label not supported: {unknown}")
            };
            return Err(Failure::bad_request(message));
        }
        let prefix = if target.namespace.is_empty() || !resource.namespaced {
            String::new()
        } else {
            format!("{}/", target.namespace)
        };
        Ok(Self { prefix, name: target.name.clone(), labels, fields })
    }

    /// Whether it selects every object of its place.
    pub(crate) fn is_everything(&self) -> bool {
        self.name.is_empty() && self.labels.is_empty() && self.fields.is_empty()
    }

    pub(crate) fn matches(&self, resource: &Resource, object: &Stored) -> bool {
        object.key.starts_with(&self.prefix)
            && (self.name.is_empty() || object.name() == self.name)
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
    matches!(field, "metadata.name" | "metadata.namespace")
        || resource.fields.iter().any(|(label, _)| label == field)
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
