//! Who owns which field: `metadata.managedFields`, kept as apimachinery 0.37's `util/managedfields` keeps it, and
//! server-side apply, which goes by it.
//!
//! Left out: conversion between versions (a manager's fields count in every version) and the cap of ten update managers.

use portolan::status::quoted;
use serde_json::{Value, json};

use crate::change::Manager;
use crate::failure::Failure;
use crate::fields::FieldSet;
use crate::merging::Place;
use crate::merging::walk::{compare, fields, merge, prune};
use crate::resources::Resource;
use crate::value::{at, drop_nulls, list, put, take, text};

/// One entry of managedFields.
#[derive(Debug, Clone, PartialEq)]
struct Entry {
    manager: String,
    /// `Apply` or `Update`.
    operation: &'static str,
    api_version: String,
    subresource: String,
    time: Value,
    fields: FieldSet,
}

const APPLY: &str = "Apply";
const UPDATE: &str = "Update";
/// The manager that `kubectl apply --server-side` is, and the annotation of `kubectl apply` without.
const KUBECTL: &str = "kubectl";
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// Who owns what was there before anybody applied.
const BEFORE: &str = "before-first-apply";

impl Entry {
    fn new(resource: &Resource, manager: Manager<'_>, operation: &'static str) -> Self {
        Self {
            manager: manager.name.to_owned(),
            operation,
            api_version: resource.api_version(),
            subresource: manager.subresource.to_owned(),
            time: Value::Null,
            fields: FieldSet::default(),
        }
    }

    /// An applier is the same in every version.
    fn is_same(&self, other: &Self) -> bool {
        (&self.manager, self.operation, &self.subresource)
            == (&other.manager, other.operation, &other.subresource)
            && (self.operation == APPLY || self.api_version == other.api_version)
    }

    fn read(value: &Value) -> Option<Self> {
        Some(Self {
            manager: text(value, "manager").to_owned(),
            operation: match text(value, "operation") {
                APPLY => APPLY,
                UPDATE => UPDATE,
                _ => return None,
            },
            api_version: text(value, "apiVersion").to_owned(),
            subresource: text(value, "subresource").to_owned(),
            time: at(value, "time").cloned().unwrap_or_default(),
            fields: FieldSet::from_json(at(value, "fieldsV1")?),
        })
    }

    fn write(&self) -> Value {
        let mut value = json!({
            "manager": self.manager,
            "operation": self.operation,
            "apiVersion": self.api_version,
            "fieldsType": "FieldsV1",
            "fieldsV1": self.fields.to_json(),
        });
        put(&mut value, "time", Some(self.time.clone()).filter(|time| !time.is_null()));
        let subresource = Some(self.subresource.as_str()).filter(|name| !name.is_empty());
        put(&mut value, "subresource", subresource.map(Value::from));
        value
    }

    /// As messages name it.
    fn shown(&self) -> String {
        let mut shown = quoted(&self.manager);
        if !self.subresource.is_empty() {
            shown = format!("{shown} with subresource {}", quoted(&self.subresource));
        }
        if self.operation == UPDATE {
            shown = format!("{shown} using {}", self.api_version);
        }
        shown
    }
}

/// The entries of an object, `None` when they are not all readable.
fn read(object: &Value) -> Option<Vec<Entry>> {
    list(object, "metadata.managedFields").map(Entry::read).collect()
}

/// Puts the entries into the object, in the order of the server.
fn write(object: &mut Value, mut entries: Vec<Entry>) {
    entries.retain(|entry| !entry.fields.is_empty());
    entries.sort_by(|a, b| {
        let key = |entry: &Entry| {
            let time = entry.time.as_str().unwrap_or_default().to_owned();
            let who = (entry.manager.clone(), entry.api_version.clone(), entry.subresource.clone());
            (entry.operation, time, who)
        };
        key(a).cmp(&key(b))
    });
    let entries: Vec<_> = entries.iter().map(Entry::write).collect();
    put(object, "metadata.managedFields", (!entries.is_empty()).then(|| entries.into()));
}

/// Notes that `manager` made `new` of `old`, which is `{}` for a new object.
pub(crate) fn update(resource: &Resource, old: &Value, new: &mut Value, manager: Manager<'_>, now: &str) {
    let reset = at(new, "metadata.managedFields").and_then(Value::as_array).is_some_and(|entries| {
        entries.is_empty()
            || entries.len() == 1 && entries[0].as_object().is_some_and(serde_json::Map::is_empty)
    });
    let given =
        if manager.subresource.is_empty() { read(new).filter(|given| !given.is_empty()) } else { None };
    let entries = match given {
        Some(given) => given,
        None if reset => Vec::new(),
        None => read(old).unwrap_or_default(),
    };
    take(new, "metadata.managedFields");
    // An object that nobody owns stays so until somebody applies to it.
    if entries.is_empty() && at(old, "metadata.uid").is_some() {
        return;
    }
    let mut old = old.clone();
    take(&mut old, "metadata.managedFields");
    let entries = taken(resource, &old, new, entries, manager, now);
    write(new, entries);
}

/// The entries after an update: what `manager` changed is its own and nobody else's.
fn taken(
    resource: &Resource,
    old: &Value,
    new: &Value,
    mut entries: Vec<Entry>,
    manager: Manager<'_>,
    now: &str,
) -> Vec<Entry> {
    let difference = compare(old, new, Place::root(resource));
    let changed = tracked(resource, manager.subresource, difference.changed);
    for entry in &mut entries {
        entry.fields = entry.fields.difference(&changed).difference(&difference.removed);
    }
    let own = own(&changed);
    if !own.is_empty() {
        let mut entry = Entry::new(resource, manager, UPDATE);
        if let Some(index) = entries.iter().position(|there| there.is_same(&entry)) {
            entry = entries.remove(index);
        }
        entry.fields = entry.fields.union(&own);
        entry.time = now.into();
        entries.push(entry);
    }
    entries
}

/// Lays what `manager` wants over `live`, which is `{}` for a new object.
pub(crate) fn apply(
    resource: &Resource,
    live: &Value,
    mut wanted: Value,
    manager: Manager<'_>,
    force: bool,
    now: &str,
) -> Result<Value, Failure> {
    check_type(resource, &wanted, manager.subresource)?;
    if list(&wanted, "metadata.managedFields").next().is_some() {
        return Err(Failure::bad_request("metadata.managedFields must be nil"));
    }
    take(&mut wanted, "metadata.managedFields");
    let place = Place::root(resource);
    let mut entries = read(live).unwrap_or_default();
    let mut old = live.clone();
    take(&mut old, "metadata.managedFields");
    if entries.is_empty() && at(live, "metadata.uid").is_some() {
        let before = Manager { name: BEFORE, subresource: "" };
        entries = taken(resource, &json!({}), &old, entries, before, now);
    }
    let mut entry = Entry::new(resource, manager, APPLY);
    let last = entries.iter().position(|there| there.is_same(&entry)).map(|index| entries.remove(index));
    entry.fields = tracked(resource, manager.subresource, fields(&wanted, place));
    let mut new = merge(&old, &wanted, place);
    if let Some(last) = &last {
        let kept = entries.iter().fold(entry.fields.clone(), |kept, entry| kept.union(&entry.fields));
        prune(&mut new, &last.fields, &kept, place);
    }
    drop_nulls(&mut new);
    let difference = compare(&old, &new, place);
    let changed = tracked(resource, manager.subresource, difference.changed);
    if !force {
        check_conflicts(&entries, &changed, &last_applied(resource, &old, manager))?;
    }
    for entry in &mut entries {
        entry.fields = entry.fields.difference(&changed).difference(&difference.removed);
    }
    entry.fields = own(&entry.fields);
    entry.time = now.into();
    if let Some(last) = last.filter(|last| new == old && last.fields == entry.fields) {
        entry.time = last.time;
    }
    entries.push(entry);
    if manager.name == KUBECTL && last_applied_text(&new).is_some() {
        new["metadata"]["annotations"][LAST_APPLIED] = format!("{wanted}\n").into();
    }
    write(&mut new, entries);
    Ok(new)
}

/// Who applies says of what type, in the words of apimachinery's `versioncheck.go`.
fn check_type(resource: &Resource, wanted: &Value, subresource: &str) -> Result<(), Failure> {
    let given = (text(wanted, "apiVersion"), text(wanted, "kind"));
    let (api_version, kind) = match subresource {
        "scale" => ("autoscaling/v1".to_owned(), "Scale"),
        _ => (resource.api_version(), &*resource.kind),
    };
    if given == (&*api_version, kind) {
        return Ok(());
    }
    let (group, version) = given.0.split_once('/').unwrap_or(("", given.0));
    Err(Failure::bad_request(format!("invalid object type: {group}/{version}, Kind={}", given.1)))
}

/// Refuses to change what others own, except what is `allowed`.
fn check_conflicts(entries: &[Entry], changed: &FieldSet, allowed: &FieldSet) -> Result<(), Failure> {
    let conflicts = entries.iter().map(|entry| {
        let fields = entry.fields.intersection(changed).difference(allowed);
        (entry.shown(), fields.paths())
    });
    let conflicts: Vec<_> = conflicts.filter(|(_, paths)| !paths.is_empty()).collect();
    if conflicts.is_empty() { Ok(()) } else { Err(Failure::apply_conflict(conflicts)) }
}

/// What kubectl applied from its own side, which it may take over from the server's side.
fn last_applied(resource: &Resource, object: &Value, manager: Manager<'_>) -> FieldSet {
    let text = last_applied_text(object).filter(|_| manager.name == KUBECTL);
    let applied = text.and_then(|text| serde_json::from_str(text).ok());
    applied.map(|applied: Value| fields(&applied, Place::root(resource))).unwrap_or_default()
}

fn last_applied_text(object: &Value) -> Option<&str> {
    at(object, "metadata.annotations")?.get(LAST_APPLIED)?.as_str()
}

/// Only what a change through this endpoint can change.
fn tracked(resource: &Resource, subresource: &str, fields: FieldSet) -> FieldSet {
    match subresource {
        "status" => fields.only("f:status"),
        _ if resource.has_status() => fields.without("f:status"),
        _ => fields,
    }
}

/// Without what is the server's own.
fn own(fields: &FieldSet) -> FieldSet {
    const SERVERS: [&str; 8] = [
        "f:name",
        "f:namespace",
        "f:creationTimestamp",
        "f:selfLink",
        "f:uid",
        "f:generation",
        "f:managedFields",
        "f:resourceVersion",
    ];
    let mut servers = FieldSet::default();
    servers.insert(&[]);
    for name in ["f:apiVersion", "f:kind", "f:metadata"] {
        servers.insert(&[name.to_owned()]);
    }
    for name in SERVERS {
        servers.insert(&["f:metadata".to_owned(), name.to_owned()]);
    }
    fields.difference(&servers)
}
