//! How the fields of a kind merge: which lists are sets or maps by key, which maps are one value, what tags a strategic
//! merge patch goes by. Built-in kinds are in a generated table, custom ones say it in their schema.
//!
//! The table has a line `= apiVersion kind type` for each kind and a line for each type that has anything to tell:
//! its name, then `field>type` with what departs from the usual: `@set`, `@map(key,key:default)` and `@atomic` for
//! server-side apply, `+key` (or `+` for plain values) and `!` (a patch may name the keys to retain) for strategic merge.
//! The usual: a list is one value, a map merges member by member.

use std::collections::HashMap;
use std::sync::OnceLock;

use serde_json::Value;

use crate::resources::Resource;
use crate::value::{at, list, text};

mod generated;
pub(crate) mod walk;

/// What is known of the place a value has in its object.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place<'a> {
    /// A field of the table; `None` is one of which there is nothing to tell.
    Table(Option<&'static Field>),
    /// A part of a custom resource's schema; `None` is a part the schema does not know.
    Schema(Option<&'a Value>),
}

/// How a list is merged by server-side apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ListRule {
    Atomic,
    Set,
    /// The keys, and their values where an item has none.
    Map(Vec<(String, Option<Value>)>),
}

/// One field that has something to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    /// The type of its value, or of the items, where that has a line of its own.
    target: Option<&'static str>,
    list: ListRule,
    atomic: bool,
    patch: Option<&'static str>,
}

impl<'a> Place<'a> {
    /// The place of whole objects of `resource`.
    pub(crate) fn root(resource: &'a Resource) -> Self {
        if resource.custom {
            return Self::Schema(resource.schema.as_deref());
        }
        Self::Table(table().kinds.get(format!("{} {}", resource.api_version(), resource.kind).as_str()))
    }

    /// The place of a member of a value at this place.
    pub(crate) fn member(self, name: &str) -> Self {
        match self {
            Self::Table(field) => Self::Table(
                field.and_then(|field| field.target).and_then(|target| table().types.get(target)?.get(name)),
            ),
            // Schemas leave metadata out, since it is everybody's.
            Self::Schema(_) if name == "metadata" => {
                Self::Table(table().kinds.get("v1 ConfigMap")).member("metadata")
            }
            Self::Schema(schema) => {
                let known = |schema: &'a Value| {
                    at(schema, "properties")
                        .and_then(|all| all.get(name))
                        .or(schema.get("additionalProperties"))
                };
                Self::Schema(schema.and_then(known))
            }
        }
    }

    /// The place of the items of a list at this place.
    pub(crate) fn item(self) -> Self {
        match self {
            Self::Table(field) => Self::Table(field),
            Self::Schema(schema) => Self::Schema(schema.and_then(|schema| schema.get("items"))),
        }
    }

    /// Whether the schema names a member, so that it is part of a struct; the table's types are all structs.
    pub(crate) fn declares(self, name: &str) -> bool {
        match self {
            Self::Table(_) => true,
            Self::Schema(schema) => schema
                .and_then(|schema| at(schema, "properties"))
                .is_some_and(|properties| properties.get(name).is_some()),
        }
    }

    /// How a list at this place is merged.
    pub(crate) fn list_rule(self) -> ListRule {
        match self {
            Self::Table(field) => field.map_or(ListRule::Atomic, |field| field.list.clone()),
            Self::Schema(Some(schema)) => match text(schema, "x-kubernetes-list-type") {
                "set" => ListRule::Set,
                "map" => {
                    let keys = list(schema, "x-kubernetes-list-map-keys").filter_map(Value::as_str);
                    let default = |key: &str| at(schema, &format!("items.properties.{key}.default")).cloned();
                    ListRule::Map(keys.map(|key| (key.to_owned(), default(key))).collect())
                }
                _ => ListRule::Atomic,
            },
            Self::Schema(None) => ListRule::Atomic,
        }
    }

    /// Whether a map at this place is one value.
    pub(crate) fn is_atomic_map(self) -> bool {
        match self {
            Self::Table(field) => field.is_some_and(|field| field.atomic),
            Self::Schema(schema) => {
                schema.is_some_and(|schema| text(schema, "x-kubernetes-map-type") == "atomic")
            }
        }
    }

    /// The merge key of a list at this place in a strategic merge patch: "" merges plain values, `None` replaces.
    pub(crate) fn patch_key(self) -> Option<&'static str> {
        match self {
            Self::Table(field) => field.and_then(|field| field.patch),
            Self::Schema(_) => None,
        }
    }
}

type Members = HashMap<&'static str, Field>;

#[derive(Debug, Default)]
struct Table {
    /// By apiVersion and kind, with a space between.
    kinds: HashMap<&'static str, Field>,
    types: HashMap<&'static str, Members>,
}

fn table() -> &'static Table {
    static READ: OnceLock<Table> = OnceLock::new();
    READ.get_or_init(|| {
        let mut table = Table::default();
        for line in generated::TABLE.lines() {
            if let Some((kind, target)) = line.strip_prefix("= ").and_then(|line| line.rsplit_once(' ')) {
                table.kinds.insert(kind, Field::plain(target));
            } else if let Some((name, fields)) = line.split_once(' ') {
                table.types.insert(name, fields.split(' ').map(Field::read).collect());
            }
        }
        table
    })
}

impl Field {
    fn plain(target: &'static str) -> Self {
        Self { target: Some(target), list: ListRule::Atomic, atomic: false, patch: None }
    }

    fn read(word: &'static str) -> (&'static str, Self) {
        let part = |mark: char| {
            let (_, rest) = word.split_once(mark)?;
            Some(rest.split(['>', '@', '+', '!']).next().unwrap_or(rest))
        };
        let name = word.split(['>', '@', '+', '!']).next().unwrap_or(word);
        let apply = part('@').unwrap_or_default();
        let key = |key: &str| match key.split_once(':') {
            Some((key, default)) => (key.to_owned(), Some(default.into())),
            None => (key.to_owned(), None),
        };
        let list = match apply.strip_prefix("map(").and_then(|keys| keys.strip_suffix(')')) {
            Some(keys) => ListRule::Map(keys.split(',').map(key).collect()),
            None if apply == "set" => ListRule::Set,
            None => ListRule::Atomic,
        };
        (name, Self { target: part('>'), list, atomic: apply == "atomic", patch: part('+') })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::Registry;

    fn place(group: &str, plural: &str, path: &str, check: impl FnOnce(Place<'_>)) {
        let registry = Registry::builtin();
        let root = Place::root(registry.find(group, "v1", plural).unwrap());
        check(
            path.split('.')
                .fold(root, |place, name| if name == "*" { place.item() } else { place.member(name) }),
        );
    }

    #[test]
    fn the_table_knows_keys_defaults_and_atoms() {
        place("apps", "deployments", "spec.template.spec.containers.*.ports", |ports| {
            let keys = [("containerPort".to_owned(), None), ("protocol".to_owned(), Some("TCP".into()))];
            assert_eq!(ports.list_rule(), ListRule::Map(keys.to_vec()));
            assert_eq!(ports.patch_key(), Some("containerPort"));
        });
        place("", "services", "spec.selector", |selector| assert!(selector.is_atomic_map()));
        place("", "configmaps", "metadata.finalizers", |finalizers| {
            assert_eq!((finalizers.list_rule(), finalizers.patch_key()), (ListRule::Set, Some("")));
        });
        place("", "pods", "spec.containers.*.command", |command| {
            assert_eq!((command.list_rule(), command.patch_key()), (ListRule::Atomic, None));
        });
    }

    #[test]
    fn every_type_that_is_named_has_a_line() {
        let table = table();
        let named = table.types.values().flat_map(HashMap::values).chain(table.kinds.values());
        let missing: Vec<_> =
            named.filter_map(|field| field.target).filter(|name| !table.types.contains_key(name)).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}
