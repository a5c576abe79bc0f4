//! What a create, an update and a delete do to an object: the rules of kube-apiserver's registry.
//!
//! Invariant: the server's own metadata (uid, version, generation, timestamps) changes by these rules alone, whatever a
//! body says. Left out, compared with the real server: defaulting and validation of specs, managed fields, admission
//! beyond namespaces, and the garbage collector.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::event_version;
use crate::failure::{Cause, Failure};
use crate::resources::{DEFINITIONS, NAMESPACES, Resource};
use crate::store::State;
use crate::stored::{Stored, key, shown};
use crate::validation::{check_metadata, check_type};
use crate::value::{at, integer, list, put, set, take, text};

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
pub(crate) struct Mode {
    pub(crate) part: Part,
    /// Check everything, change nothing.
    pub(crate) dry_run: bool,
}

/// What must be true of an object for it to be deleted, and how.
#[derive(Debug, Default, Clone)]
pub(crate) struct Deletion {
    pub(crate) uid: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) dry_run: bool,
}

/// A deleted object, or one that now waits for its finalizers.
#[derive(Debug)]
pub(crate) struct Deleted {
    pub(crate) object: Arc<Stored>,
    pub(crate) gone: bool,
}

impl State {
    /// Creates `object`, in `namespace` if the resource is namespaced.
    pub(crate) fn create(
        &mut self,
        resource: &Resource,
        namespace: &str,
        mut object: Value,
        mode: Mode,
    ) -> Result<Arc<Stored>, Failure> {
        check_type(resource, &object)?;
        if event_version::applies(resource) {
            event_version::to_older(&mut object);
        }
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
        mode: Mode,
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
        if event_version::applies(resource) {
            event_version::to_older(&mut wanted);
        }
        check_version(resource, &stored, &old, &wanted)?;
        let mut object = merge(resource, mode.part, &old, wanted);
        check_metadata(resource, &object)?;
        if resource.generation && differs(&old, &object) {
            set(&mut object, "metadata.generation", integer(&old, "metadata.generation").unwrap_or(0) + 1);
        }
        self.prepare(resource, &mut object)?;
        if mode.dry_run {
            return Ok(Arc::new(Stored::new(resource, object, stored.version)));
        }
        if is_finished(&object) {
            return Ok(self.finish(resource, key, object));
        }
        set(&mut object, "metadata.resourceVersion", text(&old, "metadata.resourceVersion"));
        if object == old {
            return Ok(stored);
        }
        Ok(self.keep(resource, object))
    }

    /// Deletes the object at `key`, or marks it when finalizers hold it.
    pub(crate) fn delete(
        &mut self,
        resource: &Resource,
        key: &str,
        deletion: &Deletion,
    ) -> Result<Deleted, Failure> {
        let name = key.rsplit('/').next().unwrap_or_default();
        let Some(stored) = self.object(&resource.store, key).cloned() else {
            return Err(Failure::not_found(resource, name));
        };
        let mut object = stored.value()?;
        check_preconditions(resource, &stored, &object, deletion)?;
        if deletion.dry_run {
            return Ok(Deleted { object: stored, gone: true });
        }
        let waits = list(&object, "metadata.finalizers").next().is_some() || &*resource.store == NAMESPACES;
        if !waits {
            return Ok(Deleted { object: self.finish(resource, key, object), gone: true });
        }
        if at(&object, "metadata.deletionTimestamp").is_some() {
            return Ok(Deleted { object: stored, gone: false });
        }
        set(&mut object, "metadata.deletionTimestamp", self.timestamp());
        set(&mut object, "metadata.deletionGracePeriodSeconds", 0);
        if let Some(generation) = integer(&object, "metadata.generation") {
            set(&mut object, "metadata.generation", generation + 1);
        }
        if &*resource.store != NAMESPACES {
            return Ok(Deleted { object: self.keep(resource, object), gone: false });
        }
        set(&mut object, "status.phase", "Terminating");
        let object = self.keep(resource, object);
        self.empty_namespace(name)?;
        Ok(Deleted { object, gone: false })
    }

    /// Keeps `object`, and serves what it defines if it is a CustomResourceDefinition.
    fn keep(&mut self, resource: &Resource, object: Value) -> Arc<Stored> {
        if &*resource.store == DEFINITIONS {
            self.registry.define(&object);
        }
        self.put(resource, object)
    }

    /// Removes the object for good, and what goes with it.
    fn finish(&mut self, resource: &Resource, key: &str, object: Value) -> Arc<Stored> {
        if &*resource.store == DEFINITIONS {
            self.undefine(text(&object, "metadata.name"));
        }
        let removed = self.remove(resource, key, object);
        if resource.namespaced {
            self.sweep_namespace(removed.namespace());
        }
        removed
    }

    /// Deletes the custom resources of the definition called `name` and serves them no longer.
    fn undefine(&mut self, name: &str) {
        if let Some(resource) = self.registry.of_store(name).cloned() {
            let objects: Vec<_> = self.objects(name, "").cloned().collect();
            for object in objects {
                if let Ok(last) = object.value() {
                    self.remove(&resource, &object.key, last);
                }
            }
        }
        self.registry.forget(name);
        self.wake_store(name);
    }

    /// Deletes what is in the namespace; then the namespace goes, unless finalizers hold something in it.
    fn empty_namespace(&mut self, namespace: &str) -> Result<(), Failure> {
        let prefix = format!("{namespace}/");
        let resources: Vec<_> =
            self.registry.iter().filter(|resource| resource.namespaced).cloned().collect();
        for resource in resources {
            let keys: Vec<_> =
                self.objects(&resource.store, &prefix).map(|object| object.key.clone()).collect();
            for key in keys {
                self.delete(&resource, &key, &Deletion::default())?;
            }
        }
        self.sweep_namespace(namespace);
        Ok(())
    }

    /// Removes the namespace if it is being deleted and nothing is left in it.
    fn sweep_namespace(&mut self, namespace: &str) {
        let Some(object) = self.object(NAMESPACES, namespace).and_then(|object| object.value().ok()) else {
            return;
        };
        let held = list(&object, "metadata.finalizers").next().is_some();
        let terminating = at(&object, "metadata.deletionTimestamp").is_some();
        if !terminating || held || self.holds_any(&format!("{namespace}/")) {
            return;
        }
        if let Some(resource) = self.registry.of_store(NAMESPACES).cloned() {
            self.remove(&resource, namespace, object);
        }
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
        let why = format!("Precondition failed: UID in precondition: {given}, UID in object meta: {uid}");
        return Err(Failure::conflict(resource, stored.name(), &why));
    }
    Ok(())
}

fn check_preconditions(
    resource: &Resource,
    stored: &Stored,
    object: &Value,
    deletion: &Deletion,
) -> Result<(), Failure> {
    let uid = text(object, "metadata.uid");
    if let Some(given) = deletion.uid.as_deref().filter(|given| *given != uid) {
        let why = format!("Precondition failed: UID in precondition: {given}, UID in object meta: {uid}");
        return Err(Failure::conflict(resource, stored.name(), &why));
    }
    let version = stored.version.to_string();
    if let Some(given) = deletion.version.as_deref().filter(|given| *given != version) {
        let why = format!(
            "the ResourceVersion in the precondition ({given}) does not match the ResourceVersion in record ({version}). The object might have been modified"
        );
        return Err(Failure::conflict(resource, stored.name(), &why));
    }
    Ok(())
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
            if !resource.custom {
                put(&mut object, "metadata", take(&mut wanted, "metadata"));
            }
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

/// Whether a deleted object has lost its last finalizer.
fn is_finished(object: &Value) -> bool {
    at(object, "metadata.deletionTimestamp").is_some()
        && list(object, "metadata.finalizers").next().is_none()
        && list(object, "spec.finalizers").next().is_none()
}
