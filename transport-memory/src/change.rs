//! What a create and an update do to an object: the rules of kube-apiserver's registry.
//!
//! Invariant: the server's own metadata (uid, version, generation, timestamps) changes by these rules alone, whatever a
//! body says.
//!
//! Left out, compared with the real server: defaulting and validation of specs, and admission beyond namespaces.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::deletion::is_finished;
use crate::event_version;
use crate::failure::{Cause, Failure};
use crate::resources::{DEFINITIONS, NAMESPACES, Resource};
use crate::store::State;
use crate::stored::{Stored, key, shown};
use crate::validation::{check_metadata, check_type};
use crate::value::{at, drop_nulls, integer, list, put, set, take, text};

/// Which part of an object a change is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// All but the status, where the status has its own endpoint.
    Main,
    Status,
    /// Spec and status at once, which no endpoint of a real server does: for seeding.
    Both,
}

/// How a change is to be made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mode<'a> {
    pub(crate) part: Part,
    /// Check everything, change nothing.
    pub(crate) dry_run: bool,
    /// Who makes it; `None` for what is seeded, which nobody owns.
    pub(crate) manager: Option<Manager<'a>>,
}

/// Who makes a change, and through which subresource, "" for the object itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manager<'a> {
    pub(crate) name: &'a str,
    pub(crate) subresource: &'a str,
}

impl State {
    /// Creates `object`, in `namespace` if the resource is namespaced.
    pub(crate) fn create(
        &mut self,
        resource: &Resource,
        namespace: &str,
        mut object: Value,
        mode: Mode<'_>,
    ) -> Result<Arc<Stored>, Failure> {
        check_type(resource, &object)?;
        normalize(resource, &mut object, mode.part);
        place(resource, namespace, &mut object)?;
        if !text(&object, "metadata.resourceVersion").is_empty() {
            return Err(Failure::new(500, "", "resourceVersion should not be set on objects to be created"));
        }
        let key = self.name(resource, namespace, &mut object)?;
        check_metadata(resource, &object)?;
        self.check_namespace(resource, namespace, text(&object, "metadata.name"))?;
        if self.object(&resource.store, &key).is_some() {
            return Err(Failure::already_exists(resource, text(&object, "metadata.name")));
        }
        self.fill_metadata(resource, mode.part, &mut object);
        fill_status(resource, mode.part, &mut object);
        self.prepare(resource, &mut object)?;
        self.track(resource, &json!({}), &mut object, mode);
        if mode.dry_run {
            return Ok(Arc::new(Stored::new(resource, object, 0)));
        }
        Ok(self.keep(resource, object))
    }

    /// Changes the object at `key` to what `make` makes of it.
    pub(crate) fn update(
        &mut self,
        resource: &Resource,
        key: &str,
        mode: Mode<'_>,
        make: impl FnOnce(Value) -> Result<Value, Failure>,
    ) -> Result<Arc<Stored>, Failure> {
        let Some(stored) = self.object(&resource.store, key).cloned() else {
            let name = key.rsplit('/').next().unwrap_or_default();
            return Err(Failure::not_found(resource, name));
        };
        let old = stored.value()?;
        let mut wanted = make(shown(resource, old.clone()))?;
        check_type(resource, &wanted)?;
        check_identity(resource, &stored, &mut wanted)?;
        normalize(resource, &mut wanted, mode.part);
        check_version(resource, &stored, &old, &wanted)?;
        let mut object = merge(resource, mode.part, &old, wanted);
        check_metadata(resource, &object)?;
        check_finalizers(resource, &old, &object)?;
        if resource.generation && differs(&old, &object) {
            set(&mut object, "metadata.generation", integer(&old, "metadata.generation").unwrap_or(0) + 1);
        }
        self.prepare(resource, &mut object)?;
        self.track(resource, &old, &mut object, mode);
        if mode.dry_run {
            return Ok(Arc::new(Stored::new(resource, object, stored.version)));
        }
        if is_finished(&object) {
            return self.finish(resource, key, object);
        }
        set(&mut object, "metadata.resourceVersion", text(&old, "metadata.resourceVersion"));
        if is_same(&object, &old) {
            return Ok(stored);
        }
        let kept = self.keep(resource, object);
        if &*resource.store == NAMESPACES {
            self.sweep_namespace(key);
        }
        Ok(kept)
    }

    /// Notes in the object who changed what.
    fn track(&self, resource: &Resource, old: &Value, object: &mut Value, mode: Mode<'_>) {
        #[cfg(feature = "full")]
        if let Some(manager) = mode.manager {
            crate::managed::update(resource, old, object, manager, &self.timestamp());
        }
    }

    /// Keeps `object`, and serves what it defines if it is a CustomResourceDefinition.
    pub(crate) fn keep(&mut self, resource: &Resource, object: Value) -> Arc<Stored> {
        if &*resource.store == DEFINITIONS {
            self.registry.define(&object);
        }
        self.put(resource, object)
    }

    /// The key of a new object, after giving it a name if it asks for one.
    fn name(&mut self, resource: &Resource, namespace: &str, object: &mut Value) -> Result<String, Failure> {
        let namespace = if resource.namespaced { namespace } else { "" };
        let base = text(object, "metadata.generateName").to_owned();
        if text(object, "metadata.name").is_empty() {
            if base.is_empty() {
                let cause = Cause::required("metadata.name", "name or generateName is required");
                return Err(Failure::invalid(resource, "", vec![cause]));
            }
            let base: String = base.chars().take(58).collect();
            loop {
                let name = format!("{base}{}", self.chance.suffix(5));
                if self.object(&resource.store, &key(namespace, &name)).is_none() {
                    set(object, "metadata.name", name);
                    break;
                }
            }
        }
        Ok(key(namespace, text(object, "metadata.name")))
    }

    /// Refuses new objects in a namespace that is not there or being deleted.
    fn check_namespace(&self, resource: &Resource, namespace: &str, name: &str) -> Result<(), Failure> {
        if !resource.namespaced {
            return Ok(());
        }
        let Some(object) = self.object(NAMESPACES, namespace) else {
            return Err(Failure::no_namespace(namespace));
        };
        // The one selectable field of namespaces is their phase.
        if object.fields.first().is_some_and(|phase| phase == "Terminating") {
            let why = format!(
                "unable to create new content in namespace {namespace} because it is being terminated"
            );
            return Err(Failure::forbidden(resource, name, &why));
        }
        Ok(())
    }

    /// The server's own metadata. A seeded object may bring its uid and its age along.
    fn fill_metadata(&mut self, resource: &Resource, part: Part, object: &mut Value) {
        let seeded = |path: &str| part == Part::Both && !text(object, path).is_empty();
        let (has_uid, has_age) = (seeded("metadata.uid"), seeded("metadata.creationTimestamp"));
        for path in ["deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "generation"] {
            take(object, &format!("metadata.{path}"));
        }
        if !has_uid {
            set(object, "metadata.uid", self.chance.uid());
        }
        if !has_age {
            set(object, "metadata.creationTimestamp", self.timestamp());
        }
        if resource.generation {
            set(object, "metadata.generation", 1);
        }
    }

    /// What the server itself adds to objects of certain kinds.
    fn prepare(&self, resource: &Resource, object: &mut Value) -> Result<(), Failure> {
        if &*resource.store == NAMESPACES {
            let name = text(object, "metadata.name").to_owned();
            let labels = at(object, "metadata.labels").cloned();
            let mut labels = labels.filter(Value::is_object).unwrap_or_else(|| json!({}));
            labels["kubernetes.io/metadata.name"] = name.into();
            set(object, "metadata.labels", labels);
            if at(object, "spec.finalizers").is_none() {
                set(object, "spec.finalizers", json!(["kubernetes"]));
            }
        } else if &*resource.store == DEFINITIONS {
            crate::definition::prepare(resource, object, &self.timestamp())?;
        }
        Ok(())
    }
}

/// The object as it is kept: in the older form of events, without nulls where a Go type would have none, and with
/// defaults, which what is seeded has to bring.
fn normalize(resource: &Resource, object: &mut Value, part: Part) {
    if event_version::applies(resource) {
        event_version::to_older(object);
    }
    match object.get_mut("metadata") {
        _ if !resource.custom => drop_nulls(object),
        Some(metadata) => drop_nulls(metadata),
        None => {}
    }
    for field in ["labels", "annotations", "finalizers", "ownerReferences"] {
        let path = format!("metadata.{field}");
        let is_empty = |value: &Value| *value == json!({}) || *value == json!([]);
        if at(object, &path).is_some_and(is_empty) {
            take(object, &path);
        }
    }
    if part == Part::Main {
        #[cfg(feature = "full")]
        crate::defaults::fill(resource, object);
    }
}

/// Whether nothing changed but, at most, when its managers wrote.
fn is_same(object: &Value, old: &Value) -> bool {
    const MANAGERS: &str = "metadata.managedFields";
    let timeless = |object: &Value| {
        let mut object = object.clone();
        let managers = list(&object, MANAGERS).cloned().map(|mut entry| {
            take(&mut entry, "time");
            entry
        });
        let managers: Value = managers.collect();
        set(&mut object, MANAGERS, managers);
        object
    };
    object == old || (at(object, MANAGERS).is_some() && timeless(object) == timeless(old))
}

/// Puts the object into the namespace of the request, which its own must not contradict.
fn place(resource: &Resource, namespace: &str, object: &mut Value) -> Result<(), Failure> {
    let given = text(object, "metadata.namespace");
    if !resource.namespaced {
        take(object, "metadata.namespace");
    } else if given.is_empty() {
        set(object, "metadata.namespace", namespace);
    } else if given != namespace {
        return Err(Failure::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    Ok(())
}

/// The status of a new object: what came with it counts for seeding and for kinds that have no status endpoint.
fn fill_status(resource: &Resource, part: Part, object: &mut Value) {
    if &*resource.store == NAMESPACES {
        set(object, "status", json!({ "phase": "Active" }));
        return;
    }
    let kept = part == Part::Both || !resource.has_status() || resource.plural == "nodes";
    if kept && (at(object, "status").is_some() || resource.custom || !resource.has_status()) {
        return;
    }
    let status = match resource.plural.as_str() {
        _ if resource.custom => None,
        "pods" => Some(json!({ "phase": "Pending" })),
        "services" | "ingresses" => Some(json!({ "loadBalancer": {} })),
        _ => Some(json!({})),
    };
    put(object, "status", status);
}

/// Refuses a body that is about another object than the one asked for.
fn check_identity(resource: &Resource, stored: &Stored, wanted: &mut Value) -> Result<(), Failure> {
    let name = text(wanted, "metadata.name");
    if name.is_empty() {
        set(wanted, "metadata.name", stored.name());
    } else if name != stored.name() {
        let given = stored.name();
        let message = format!("the name of the object ({name}) does not match the name on the URL ({given})");
        return Err(Failure::bad_request(message));
    }
    let namespace = text(wanted, "metadata.namespace");
    if !resource.namespaced || namespace.is_empty() {
        let namespace = resource.namespaced.then(|| stored.namespace().into());
        put(wanted, "metadata.namespace", namespace);
    } else if namespace != stored.namespace() {
        let message = format!(
            "the namespace of the object ({namespace}) does not match the namespace on the request ({})",
            stored.namespace()
        );
        return Err(Failure::bad_request(message));
    }
    Ok(())
}

/// Optimistic concurrency: a version or uid that is given must be the object's.
fn check_version(resource: &Resource, stored: &Stored, old: &Value, wanted: &Value) -> Result<(), Failure> {
    let version = text(wanted, "metadata.resourceVersion");
    if version.is_empty() && resource.custom {
        let detail = "must be specified for an update";
        let cause = Cause::invalid("metadata.resourceVersion", "0", detail);
        return Err(Failure::invalid(resource, stored.name(), vec![cause]));
    }
    if !version.is_empty() && version != stored.version.to_string() {
        return Err(Failure::modified(resource, stored.name()));
    }
    let (uid, given) = (text(old, "metadata.uid"), text(wanted, "metadata.uid"));
    if !given.is_empty() && given != uid {
        let why = format!(
            "StorageError: invalid object, Code: 4, Key: /registry/{}/{}, ResourceVersion: 0, AdditionalErrorMsg: \
             Precondition failed: UID in precondition: {given}, UID in object meta: {uid}",
            resource.plural, stored.key
        );
        return Err(Failure::conflict(resource, stored.name(), &why));
    }
    Ok(())
}

/// An object that is being deleted gets no new finalizers.
fn check_finalizers(resource: &Resource, old: &Value, new: &Value) -> Result<(), Failure> {
    if at(old, "metadata.deletionTimestamp").is_none() {
        return Ok(());
    }
    let known: Vec<_> = list(old, "metadata.finalizers").collect();
    let added = list(new, "metadata.finalizers").filter(|one| !known.contains(one));
    let added = added.map(Value::to_string).collect::<Vec<_>>().join(", ");
    if added.is_empty() {
        return Ok(());
    }
    let detail = format!(
        "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{added}}}"
    );
    let cause = Cause::forbidden("metadata.finalizers", &detail);
    Err(Failure::invalid(resource, text(new, "metadata.name"), vec![cause]))
}

/// The object after a change of `part`: what the change is not about is as it was.
fn merge(resource: &Resource, part: Part, old: &Value, mut wanted: Value) -> Value {
    const SERVERS: [&str; 5] =
        ["uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation"];
    for field in SERVERS {
        let path = format!("metadata.{field}");
        put(&mut wanted, &path, at(old, &path).cloned());
    }
    take(&mut wanted, "apiVersion");
    take(&mut wanted, "kind");
    match part {
        Part::Main if resource.has_status() => put(&mut wanted, "status", at(old, "status").cloned()),
        Part::Main | Part::Both => {}
        Part::Status => {
            let mut object = old.clone();
            put(&mut object, "status", take(&mut wanted, "status"));
            // A custom resource's status endpoint changes nothing else; the built-in ones take labels and the like.
            let metadata = if resource.custom { "metadata.managedFields" } else { "metadata" };
            put(&mut object, metadata, take(&mut wanted, metadata));
            return object;
        }
    }
    wanted
}

/// Whether anything but metadata and status differs.
fn differs(old: &Value, new: &Value) -> bool {
    let lacks = |some: &Value, other: &Value| {
        let mut members = some.as_object().into_iter().flatten();
        members.any(|(name, value)| {
            !matches!(name.as_str(), "metadata" | "status") && other.get(name) != Some(value)
        })
    };
    lacks(old, new) || lacks(new, old)
}
