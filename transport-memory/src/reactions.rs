//! What a unit test may ask of the server beside its answers: which requests came ([`Recording`], client-go's
//! `Fake.Actions`), and to answer some itself ([`Cluster::react`](crate::Cluster::react), client-go's
//! `Fake.PrependReactor`).

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use portolan::Error;
use portolan::meta::GroupVersionResource;
use portolan::portable::{MaybeSend, MaybeSync};
use serde_json::Value;

/// A request for objects. client-go's `testing.Action`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Action {
    /// `create`, `delete`, `deletecollection`, `get`, `list`, `patch`, `update` or `watch`.
    pub verb: &'static str,
    /// The resource.
    pub resource: GroupVersionResource,
    /// The subresource, "" for the object itself.
    pub subresource: String,
    /// The namespace, "" for all of them or a resource without.
    pub namespace: String,
    /// The object's name, "" for all objects or one that is to be created.
    pub name: String,
    /// The object of a create or an update, the patch of a patch; of logs (`pods/log`) and commands (`pods/exec`,
    /// `pods/attach`) the parameters, each a text or, when given several times as the words of a command are, a list; null
    /// otherwise.
    pub body: Value,
}

/// The requests since [`Cluster::record`](crate::Cluster::record), until it is dropped.
#[derive(Debug)]
pub struct Recording {
    actions: Arc<Mutex<Vec<Action>>>,
}

impl Recording {
    /// The requests so far, in order.
    pub fn actions(&self) -> Vec<Action> {
        self.actions.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Forgets the requests so far. client-go's `ClearActions`.
    pub fn clear(&self) {
        self.actions.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The requests so far, each as `verb resource namespace/name`, those that only read left out: what a test of a
    /// controller mostly compares.
    pub fn writes(&self) -> Vec<String> {
        let writes = self.actions().into_iter();
        let writes = writes.filter(|action| !matches!(action.verb, "get" | "list" | "watch"));
        writes.map(|action| action.to_string()).collect()
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource.resource)?;
        if !self.subresource.is_empty() {
            write!(f, "/{}", self.subresource)?;
        }
        let slash = if self.namespace.is_empty() || self.name.is_empty() { "" } else { "/" };
        let space = if self.namespace.is_empty() && self.name.is_empty() { "" } else { " " };
        write!(f, "{space}{}{slash}{}", self.namespace, self.name)
    }
}

/// What a test does with a request: an answer, a failure, or `None` to let it pass.
pub trait Reaction: Fn(&Action) -> Option<Result<Value, Error>> + MaybeSend + MaybeSync + 'static {}

impl<F: Fn(&Action) -> Option<Result<Value, Error>> + MaybeSend + MaybeSync + 'static> Reaction for F {}

/// The reactions and recordings of one cluster.
#[derive(Default)]
pub(crate) struct Reactions {
    reactions: Vec<(String, String, Arc<dyn Reaction>)>,
    recordings: Vec<Weak<Mutex<Vec<Action>>>>,
}

impl Reactions {
    pub(crate) fn react(&mut self, verb: &str, resource: &str, reaction: Arc<dyn Reaction>) {
        self.reactions.push((verb.to_owned(), resource.to_owned(), reaction));
    }

    pub(crate) fn record(&mut self) -> Recording {
        let actions = Arc::new(Mutex::new(Vec::new()));
        self.recordings.push(Arc::downgrade(&actions));
        Recording { actions }
    }

    /// Whether anybody wants to know of requests.
    pub(crate) fn are_any(&self) -> bool {
        !self.reactions.is_empty() || !self.recordings.is_empty()
    }

    /// Notes the action, and names the reactions to it, the newest first.
    pub(crate) fn meet(&mut self, action: &Action) -> Vec<Arc<dyn Reaction>> {
        self.recordings.retain(|recording| match recording.upgrade() {
            Some(actions) => {
                actions.lock().unwrap_or_else(PoisonError::into_inner).push(action.clone());
                true
            }
            None => false,
        });
        let named = match action.subresource.as_str() {
            "" => action.resource.resource.to_string(),
            subresource => format!("{}/{subresource}", action.resource.resource),
        };
        let fits = |wanted: &str, given: &str| wanted == "*" || wanted == given;
        let fitting = self
            .reactions
            .iter()
            .rev()
            .filter(|(verb, resource, _)| fits(verb, action.verb) && fits(resource, &named));
        fitting.map(|(.., reaction)| reaction.clone()).collect()
    }
}
