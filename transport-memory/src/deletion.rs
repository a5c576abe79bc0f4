//! How objects go: preconditions, finalizers, propagation to what they own, namespaces and definitions with all that is
//! in them.
//!
//! What kube-controller-manager's garbage collector and namespace controller would do a little later is done here at
//! once, and only on a deletion: an object whose owner never was stays.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::failure::Failure;
use crate::resources::{DEFINITIONS, NAMESPACES, Resource};
use crate::store::State;
use crate::stored::{Stored, key};
use crate::value::{at, integer, list, put, set, text};

/// The finalizer of an object whose dependents go first.
const FOREGROUND: &str = "foregroundDeletion";
/// The finalizer of an object whose dependents stay and lose their owner.
const ORPHAN: &str = "orphan";
/// The finalizer of a definition whose custom resources go first.
const CLEANUP: &str = "customresourcecleanup.apiextensions.k8s.io";

/// What becomes of the objects that a deleted one owns. client-go's `DeletionPropagation`.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Propagation {
    /// As the object's finalizers say; without, as its kind does: most in the background.
    #[default]
    Unsaid,
    /// They go after it.
    Background,
    /// They go before it.
    Foreground,
    /// They stay.
    Orphan,
}

/// What must be true of an object for it to be deleted, and how.
#[derive(Debug, Default, Clone)]
pub(crate) struct Deletion {
    pub(crate) uid: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) propagation: Propagation,
    pub(crate) dry_run: bool,
}

/// A deleted object, or one that now waits for its finalizers.
#[derive(Debug)]
pub(crate) struct Deleted {
    pub(crate) object: Arc<Stored>,
    pub(crate) gone: bool,
}

impl State {
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
        let before = object.clone();
        let propagation = match deletion.propagation {
            Propagation::Unsaid => unsaid(resource, &before),
            said => said,
        };
        let mut finalizers = finalizers(&before, propagation);
        let defines = &*resource.store == DEFINITIONS && self.objects(name, "").next().is_some();
        if defines && !finalizers.iter().any(|one| one == CLEANUP) {
            finalizers.push(json!(CLEANUP));
        }
        set_finalizers(&mut object, finalizers);
        let waits = list(&object, "metadata.finalizers").next().is_some() || &*resource.store == NAMESPACES;
        if !waits {
            return Ok(Deleted { object: self.finish(resource, key, object)?, gone: true });
        }
        if at(&object, "metadata.deletionTimestamp").is_none() {
            set(&mut object, "metadata.deletionTimestamp", self.timestamp());
            set(&mut object, "metadata.deletionGracePeriodSeconds", 0);
            if let Some(generation) = integer(&object, "metadata.generation") {
                set(&mut object, "metadata.generation", generation + 1);
            }
            if &*resource.store == NAMESPACES {
                set(&mut object, "status.phase", "Terminating");
            } else if defines {
                crate::definition::terminate(&mut object, &self.timestamp());
            }
        }
        if object == before {
            return Ok(Deleted { object: stored, gone: false });
        }
        let marked = self.keep(resource, object);
        match &*resource.store {
            NAMESPACES => self.empty_namespace(name)?,
            DEFINITIONS => self.empty_definition(name)?,
            _ => {}
        }
        self.settle(resource, key)?;
        Ok(Deleted { object: marked, gone: false })
    }

    /// Removes the object for good, and what goes with it.
    pub(crate) fn finish(
        &mut self,
        resource: &Resource,
        key: &str,
        object: Value,
    ) -> Result<Arc<Stored>, Failure> {
        if &*resource.store == DEFINITIONS {
            self.undefine(text(&object, "metadata.name"));
        }
        let uid = text(&object, "metadata.uid").to_owned();
        let owners: Vec<Value> = list(&object, "metadata.ownerReferences").cloned().collect();
        let removed = self.remove(resource, key, object);
        self.release_dependents(&uid, Propagation::Background)?;
        for owner in owners {
            if let Some((resource, key)) = self.owner(&owner, removed.namespace()) {
                self.settle(&resource, &key)?;
            }
        }
        if resource.namespaced {
            self.sweep_namespace(removed.namespace());
        }
        if resource.custom {
            self.sweep_definition(&resource.store)?;
        }
        Ok(removed)
    }

    /// Goes on with a deletion in the foreground, or one that orphans, as far as it goes.
    fn settle(&mut self, resource: &Resource, key: &str) -> Result<(), Failure> {
        let holds = |object: &Value, name: &str| list(object, "metadata.finalizers").any(|one| one == name);
        let Some(object) = self.object(&resource.store, key).map(|object| object.value()).transpose()? else {
            return Ok(());
        };
        if at(&object, "metadata.deletionTimestamp").is_none() {
            return Ok(());
        }
        let uid = text(&object, "metadata.uid").to_owned();
        if holds(&object, ORPHAN) {
            self.release_dependents(&uid, Propagation::Orphan)?;
            return self.drop_finalizer(resource, key, ORPHAN);
        }
        if holds(&object, FOREGROUND) {
            self.release_dependents(&uid, Propagation::Foreground)?;
            if !self.is_blocked(&uid)? {
                return self.drop_finalizer(resource, key, FOREGROUND);
            }
        }
        Ok(())
    }

    /// Takes `finalizer` off the object, which goes when it was the last.
    fn drop_finalizer(&mut self, resource: &Resource, key: &str, finalizer: &str) -> Result<(), Failure> {
        let Some(mut object) = self.object(&resource.store, key).map(|object| object.value()).transpose()?
        else {
            return Ok(());
        };
        let left = list(&object, "metadata.finalizers").filter(|one| *one != finalizer).cloned().collect();
        set_finalizers(&mut object, left);
        if list(&object, "metadata.finalizers").next().is_none() && &*resource.store != NAMESPACES {
            self.finish(resource, key, object)?;
            return Ok(());
        }
        self.keep(resource, object);
        if &*resource.store == NAMESPACES {
            self.sweep_namespace(key);
        }
        Ok(())
    }

    /// Whether an object that its owner, of this uid, must wait for is there.
    fn is_blocked(&self, uid: &str) -> Result<bool, Failure> {
        for (store, key) in self.dependents(uid) {
            let Some(object) = self.object(&store, &key) else { continue };
            let object = object.value()?;
            let mut owners = list(&object, "metadata.ownerReferences");
            if owners.any(|one| text(one, "uid") == uid && one["blockOwnerDeletion"] == true) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Deletes what the object of this uid owns alone; what has another owner, or is to be orphaned, loses this one.
    fn release_dependents(&mut self, uid: &str, propagation: Propagation) -> Result<(), Failure> {
        for (store, dependent) in self.dependents(uid) {
            let resource = self.registry.of_store(&store).cloned();
            let object = self.object(&store, &dependent).cloned();
            let (Some(resource), Some(stored)) = (resource, object) else { continue };
            let mut object = stored.value()?;
            let others: Vec<Value> = list(&object, "metadata.ownerReferences")
                .filter(|one| text(one, "uid") != uid)
                .cloned()
                .collect();
            let owned = others.iter().any(|one| self.is_solid(one, stored.namespace()));
            if propagation == Propagation::Orphan || owned {
                put(&mut object, "metadata.ownerReferences", (!others.is_empty()).then(|| others.into()));
                self.keep(&resource, object);
            } else {
                let deletion = Deletion { propagation, ..Deletion::default() };
                self.delete(&resource, &dependent, &deletion)?;
            }
        }
        Ok(())
    }

    /// Whether the owner of a reference is there and stays.
    fn is_solid(&self, reference: &Value, namespace: &str) -> bool {
        let owner = self.owner(reference, namespace);
        let owner = owner.and_then(|(resource, key)| self.object(&resource.store, &key)?.value().ok());
        owner.is_some_and(|owner| at(&owner, "metadata.deletionTimestamp").is_none())
    }

    /// The owner of a reference, if it is there.
    fn owner(&self, reference: &Value, namespace: &str) -> Option<(Arc<Resource>, String)> {
        let resource = self.registry.by_kind(text(reference, "apiVersion"), text(reference, "kind"))?.clone();
        let key = key(if resource.namespaced { namespace } else { "" }, text(reference, "name"));
        let owner = self.object(&resource.store, &key)?.value().ok()?;
        (text(&owner, "metadata.uid") == text(reference, "uid")).then_some((resource, key))
    }

    /// Serves the custom resources of the definition called `name` no longer; what is left of them is removed.
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

    /// Deletes the custom resources of the definition called `name`; then it goes, unless finalizers hold one of them.
    fn empty_definition(&mut self, name: &str) -> Result<(), Failure> {
        if let Some(resource) = self.registry.of_store(name).cloned() {
            self.empty(&resource, "")?;
        }
        self.sweep_definition(name)
    }

    /// Lets go of the definition called `name` if it is being deleted and nothing is left of what it defines.
    fn sweep_definition(&mut self, name: &str) -> Result<(), Failure> {
        let Some(resource) = self.registry.of_store(DEFINITIONS).cloned() else { return Ok(()) };
        let serves = self.registry.of_store(name).is_some();
        if serves && self.objects(name, "").next().is_some() {
            return Ok(());
        }
        let definition = self.object(DEFINITIONS, name).map(|object| object.value()).transpose()?;
        let waits = definition.is_some_and(|definition| {
            at(&definition, "metadata.deletionTimestamp").is_some()
                && list(&definition, "metadata.finalizers").any(|one| one == CLEANUP)
        });
        if waits { self.drop_finalizer(&resource, name, CLEANUP) } else { Ok(()) }
    }

    /// Deletes what is in the namespace; then the namespace goes, unless finalizers hold something in it.
    fn empty_namespace(&mut self, namespace: &str) -> Result<(), Failure> {
        let resources: Vec<_> =
            self.registry.iter().filter(|resource| resource.namespaced).cloned().collect();
        for resource in resources {
            self.empty(&resource, &format!("{namespace}/"))?;
        }
        self.sweep_namespace(namespace);
        Ok(())
    }

    /// Deletes the objects of `resource` whose keys begin with `prefix`.
    fn empty(&mut self, resource: &Resource, prefix: &str) -> Result<(), Failure> {
        let deletion = Deletion { propagation: Propagation::Background, ..Deletion::default() };
        let keys: Vec<_> = self.objects(&resource.store, prefix).map(|object| object.key.clone()).collect();
        for key in keys {
            match self.delete(resource, &key, &deletion) {
                // It went with its owner.
                Err(refusal) if refusal.code() == 404 => {}
                other => drop(other?),
            }
        }
        Ok(())
    }

    /// Removes the namespace if it is being deleted and nothing is left in it.
    pub(crate) fn sweep_namespace(&mut self, namespace: &str) {
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
}

/// What becomes of what the object owns when nobody says it: its finalizers decide, and these kinds orphan by default, as
/// their API server's strategies do.
fn unsaid(resource: &Resource, object: &Value) -> Propagation {
    let decided = list(object, "metadata.finalizers").any(|one| one == FOREGROUND || one == ORPHAN);
    match &*resource.qualified() {
        "jobs.batch" | "replicationcontrollers" if !decided => Propagation::Orphan,
        _ => Propagation::Unsaid,
    }
}

/// The finalizers an object has once its deletion is asked for.
fn finalizers(object: &Value, propagation: Propagation) -> Vec<Value> {
    let there = list(object, "metadata.finalizers").cloned();
    if propagation == Propagation::Unsaid {
        return there.collect();
    }
    let mut finalizers: Vec<_> = there.filter(|one| one != FOREGROUND && one != ORPHAN).collect();
    match propagation {
        Propagation::Foreground => finalizers.push(json!(FOREGROUND)),
        Propagation::Orphan => finalizers.push(json!(ORPHAN)),
        Propagation::Background | Propagation::Unsaid => {}
    }
    finalizers
}

fn set_finalizers(object: &mut Value, finalizers: Vec<Value>) {
    put(object, "metadata.finalizers", (!finalizers.is_empty()).then(|| finalizers.into()));
}

/// Whether a deleted object has lost its last finalizer.
pub(crate) fn is_finished(object: &Value) -> bool {
    at(object, "metadata.deletionTimestamp").is_some()
        && list(object, "metadata.finalizers").next().is_none()
        && list(object, "spec.finalizers").next().is_none()
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
