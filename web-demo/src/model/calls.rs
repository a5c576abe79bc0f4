//! What the page asks beyond its informers, of the API server and of the reader of YAML, as data: the model makes calls, the
//! page sends them and hands the answers back.
//!
//! Invariant: a call says all of itself; who sends it decides nothing.

use std::rc::Rc;

use portolan::meta::{ApiResource, Patch};
use serde_json::{Value, json};

use super::manifest;

/// Who changes objects, in their managedFields.
pub const MANAGER: &str = "portolan-dashboard";

/// One question, which is answered once.
#[derive(Clone, Debug)]
pub struct Call {
    /// Its answer bears the same.
    pub id: u64,
    /// What is asked.
    pub question: Question,
}

/// What is asked, and of whom.
#[derive(Clone, Debug)]
pub enum Question {
    /// Of the API server.
    Server(Box<Request>),
    /// Of the reader of YAML (`web-demo/yaml`, which says how it answers): what this text is.
    Yaml(Rc<str>),
}

/// What is asked of the server.
#[derive(Clone, Debug)]
pub struct Request {
    /// Of which resource.
    pub resource: ApiResource,
    /// Of which object.
    pub target: Target,
    /// Of which part of it; "" for the whole.
    pub subresource: &'static str,
    /// The query.
    pub query: Vec<(&'static str, &'static str)>,
    /// What is to be done.
    pub action: Action,
}

/// Which object, by its place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// "" without one.
    pub namespace: String,
    /// "" for a question that is about no object.
    pub name: String,
}

/// What is to be done, with the body that says so.
#[derive(Clone, Debug)]
pub enum Action {
    /// Delete, by these options.
    Delete(Value),
    /// Lay this over it.
    Patch(Patch),
    /// Print the objects that are there, as a Table.
    Print,
    /// Ask this: a review, which is created and answered and never kept.
    Ask(Value),
}

impl Target {
    /// The object of this key.
    pub(super) fn of(key: &str) -> Self {
        let (namespace, name) = manifest::parts(key);
        Self { namespace: namespace.to_owned(), name: name.to_owned() }
    }
}

impl Request {
    /// `action` on the object at `target`.
    pub(super) fn new(resource: &ApiResource, target: &Target, action: Action) -> Self {
        Self {
            resource: resource.clone(),
            target: target.clone(),
            subresource: "",
            query: Vec::new(),
            action,
        }
    }

    /// Lays `patch` over the object as this page's own change.
    pub(super) fn patch(resource: &ApiResource, target: &Target, patch: Patch) -> Self {
        let query = vec![("fieldManager", MANAGER), ("fieldValidation", "Strict")];
        Self { query, ..Self::new(resource, target, Action::Patch(patch)) }
    }

    /// Deletes the object `uid` and no other that has taken its name.
    pub(super) fn delete(resource: &ApiResource, target: &Target, uid: &str, propagation: &str) -> Self {
        let options = json!({
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": propagation,
            "preconditions": { "uid": uid },
        });
        Self::new(resource, target, Action::Delete(options))
    }

    /// The same, but nothing is kept of it.
    pub(super) fn dry(mut self) -> Self {
        self.query.push(("dryRun", "All"));
        self
    }

    /// The same on a part of the object.
    pub(super) fn of(self, subresource: &'static str) -> Self {
        Self { subresource, ..self }
    }
}
