//! An object edited as YAML: written, read, reviewed by the server, applied.
//!
//! Invariant: what is sent is the difference between the text at first and the text now, as a merge patch on the very
//! version that was reviewed. So what the reader did not touch is never written, but for a list, which is written whole;
//! and what was reviewed is what happens.

use std::rc::Rc;

use portolan::Error;
use portolan::meta::{ApiResource, Patch};
use serde_json::{Map, Value, json};

use super::access::Right;
use super::calls::{MANAGER, Question, Request, Target};
use super::changes::{Line, changes};
use super::frame::{Conflict, EditFrame, Review};
use super::refusal::refusal;
use super::reveal::{line, reveal, unseen};
use super::trouble::Trouble;
use super::yaml::written;

/// The object being edited, if one is; and what was written about others and not applied.
#[derive(Debug, Default)]
pub(super) struct Edit {
    open: Option<Draft>,
    kept: Vec<Draft>,
}

#[derive(Debug)]
struct Draft {
    /// The kind's name and the object's key.
    place: (String, String),
    resource: ApiResource,
    target: Target,
    /// The version it began from, and that as it is shown.
    version: String,
    base: Value,
    text: Rc<str>,
    /// What of it is not seen.
    unseen: Rc<str>,
    touched: bool,
    problem: Option<Trouble>,
    stage: Stage,
    /// The call that is waited for.
    waits: Option<u64>,
}

#[derive(Debug)]
enum Stage {
    Writing,
    /// It is asked what object the text is.
    Reading {
        live: Value,
    },
    /// The server tries the patch on what is there.
    Trying {
        patch: Value,
        live: Value,
    },
    /// It is asked who else manages the fields.
    Looking {
        patch: Value,
        lines: Vec<Line>,
    },
    Reviewed {
        patch: Value,
        review: Rc<Review>,
    },
    Applying {
        review: Rc<Review>,
    },
}

/// What comes of an event.
#[derive(Debug, Default)]
pub(super) struct Step {
    /// To be asked.
    pub(super) question: Option<Question>,
    /// What is to be said once that has been done, when it changes something.
    pub(super) done: Option<String>,
}

impl Step {
    fn asking(request: Request) -> Self {
        Self { question: Some(Question::Server(Box::new(request))), done: None }
    }
}

impl Edit {
    /// Begins with the object at `place`, or goes on: with what is there now as long as nothing has been written.
    pub(super) fn show(
        &mut self,
        place: (&str, &str),
        resource: &ApiResource,
        version: &str,
        object: impl FnOnce() -> Result<Value, String>,
    ) -> Result<EditFrame, String> {
        if self.place() != Some(place) {
            self.turn_to(place);
        }
        let keeps = |draft: &&Draft| draft.version == version || draft.touched || draft.waits.is_some();
        if self.open.as_ref().filter(keeps).is_none() {
            self.open = Some(Draft::begin(place, resource, version, object()?)?);
        }
        Ok(self.open.as_ref().map(Draft::frame).unwrap_or_default())
    }

    /// Puts away what was written about another object and takes out what was written about that at `place`.
    fn turn_to(&mut self, place: (&str, &str)) {
        if let Some(mut draft) = self.open.take().filter(|draft| draft.touched) {
            // What is being applied cannot be called back: it waits for its answer.
            if !draft.is_applying() {
                draft.go(Stage::Writing);
            }
            self.kept.push(draft);
        }
        let at = self.kept.iter().position(|draft| draft.place() == place);
        self.open = at.map(|at| self.kept.swap_remove(at));
    }

    /// The text is this now.
    pub(super) fn write(&mut self, text: String) {
        if let Some(draft) = &mut self.open {
            draft.go(Stage::Writing);
            (draft.unseen, draft.touched) = (unseen(&text).into(), true);
            draft.text = text.into();
        }
    }

    /// Drops what was written.
    pub(super) fn discard(&mut self) {
        self.open = None;
    }

    /// Whether the fields of others are to be taken over.
    pub(super) fn take(&mut self, take: bool) {
        if let Some(Draft { stage: Stage::Reviewed { review, .. }, .. }) = &mut self.open {
            *review = Rc::new(Review { take, ..(**review).clone() });
        }
    }

    /// The call that was made of the last step has this number.
    pub(super) fn sent(&mut self, id: u64) {
        if let Some(draft) = &mut self.open {
            draft.waits = Some(id);
        }
    }

    /// Where the object being edited is: its kind's name and its key.
    pub(super) fn place(&self) -> Option<(&str, &str)> {
        self.open.as_ref().map(Draft::place)
    }

    /// Has the server review what was written; `live` is the object now.
    pub(super) fn review(&mut self, live: Value) -> Step {
        let Some(draft) = self.open.as_mut().filter(|draft| !draft.is_applying()) else {
            return Step::default();
        };
        if draft.is_of_another(&live) {
            draft.fail(Trouble {
                title: "It is another object now".to_owned(),
                text: "What this was written about has been deleted, and made anew under the same name."
                    .to_owned(),
                advice: "Copy what you need, discard the rest, and begin with what is there now.".to_owned(),
                ..Trouble::default()
            });
            return Step::default();
        }
        let text = draft.text.clone();
        draft.go(Stage::Reading { live });
        Step { question: Some(Question::Yaml(text)), done: None }
    }

    /// Applies what was reviewed.
    pub(super) fn apply(&mut self) -> Step {
        let Some(draft) = &mut self.open else { return Step::default() };
        let Stage::Reviewed { patch, review } = &draft.stage else { return Step::default() };
        if !review.grants() {
            return Step::default();
        }
        let request = draft.request(Patch::Merge(patch.clone()));
        let review = review.clone();
        draft.go(Stage::Applying { review });
        let done = format!("{} {} has been changed.", draft.resource.kind, draft.target.name);
        Step { done: Some(done), ..Step::asking(request) }
    }

    /// Whether the text on show waits for the answer to the call `id`.
    pub(super) fn is_on_show(&self, id: u64) -> bool {
        self.open.as_ref().is_some_and(|draft| draft.waits == Some(id))
    }

    /// Takes the answer to the call `id`, made with `right`.
    pub(super) fn answered(&mut self, id: u64, outcome: Result<Value, Error>, right: &Right) -> Step {
        let waits = |draft: &&mut Draft| draft.waits == Some(id);
        let Some(draft) = self.open.as_mut().into_iter().chain(&mut self.kept).find(waits) else {
            return Step::default();
        };
        let stage = std::mem::replace(&mut draft.stage, Stage::Writing);
        match (stage, outcome) {
            (Stage::Reading { live }, Ok(answer)) => return draft.read(live, answer),
            (Stage::Reading { .. }, Err(error)) => draft.fail(Trouble::unloaded(&error)),
            (Stage::Trying { mut patch, live }, Ok(answer)) => {
                pin(&mut patch, &answer);
                let wanted = shown(answer);
                let lines = changes(&live, &wanted);
                let request = draft.request(Patch::Apply(wanted)).dry();
                draft.go(Stage::Looking { patch, lines });
                return Step::asking(request);
            }
            (Stage::Looking { patch, lines }, outcome) => {
                let (conflicts, unknown) = match outcome {
                    Ok(_) => (Vec::new(), None),
                    Err(error) => match conflicts(&error) {
                        Some(conflicts) => (conflicts, None),
                        None => (Vec::new(), Some(unknown(&error))),
                    },
                };
                let review = Rc::new(Review { lines, conflicts, unknown, take: false });
                draft.go(Stage::Reviewed { patch, review });
            }
            (Stage::Applying { .. }, Ok(_)) => {
                self.open.take_if(|draft| draft.waits == Some(id));
                self.kept.retain(|draft| draft.waits != Some(id));
            }
            (_, Err(error)) => draft.fail(refusal(&error, right)),
            (Stage::Writing | Stage::Reviewed { .. }, Ok(_)) => {}
        }
        Step::default()
    }
}

impl Draft {
    fn begin(
        place: (&str, &str),
        resource: &ApiResource,
        version: &str,
        object: Value,
    ) -> Result<Self, String> {
        let base = shown(object);
        let text = written(&base)?;
        Ok(Self {
            place: (place.0.to_owned(), place.1.to_owned()),
            resource: resource.clone(),
            target: Target::of(place.1),
            version: version.to_owned(),
            base,
            unseen: unseen(&text).into(),
            text: text.into(),
            touched: false,
            problem: None,
            stage: Stage::Writing,
            waits: None,
        })
    }

    /// Takes what the text is, and has the server try what that changes.
    fn read(&mut self, live: Value, answer: Value) -> Step {
        match object(answer).map(|edited| difference(&self.base, &edited)) {
            Err(trouble) => self.fail(trouble),
            Ok(None) => {
                self.fail(Trouble { title: "Nothing has been changed".to_owned(), ..Trouble::default() });
            }
            Ok(Some(patch)) => {
                let request = self.request(Patch::Merge(patch.clone())).dry();
                self.go(Stage::Trying { patch, live: shown(live) });
                return Step::asking(request);
            }
        }
        Step::default()
    }

    /// Back to writing, because of `trouble`.
    fn fail(&mut self, trouble: Trouble) {
        self.go(Stage::Writing);
        self.problem = Some(trouble);
    }

    /// Goes to another stage: no problem is known, nothing is waited for.
    fn go(&mut self, stage: Stage) {
        (self.stage, self.problem, self.waits) = (stage, None, None);
    }

    fn is_applying(&self) -> bool {
        matches!(self.stage, Stage::Applying { .. })
    }

    /// Whether `live` is not the object that it began with.
    fn is_of_another(&self, live: &Value) -> bool {
        let uid = |object: &Value| object.pointer("/metadata/uid").cloned();
        uid(&self.base) != uid(live)
    }

    fn place(&self) -> (&str, &str) {
        (&self.place.0, &self.place.1)
    }

    fn request(&self, patch: Patch) -> Request {
        Request::patch(&self.resource, &self.target, patch)
    }

    fn frame(&self) -> EditFrame {
        let (busy, review) = match &self.stage {
            Stage::Writing => ("", None),
            Stage::Reading { .. } => ("Read …", None),
            Stage::Trying { .. } | Stage::Looking { .. } => ("Reviewed by the server …", None),
            Stage::Reviewed { review, .. } => ("", Some(review.clone())),
            Stage::Applying { review } => ("Applied …", Some(review.clone())),
        };
        let (text, unseen, problem) = (self.text.clone(), self.unseen.clone(), self.problem.clone());
        let ready = matches!(&self.stage, Stage::Reviewed { review, .. } if review.grants());
        EditFrame { text, unseen, touched: self.touched, denied: None, problem, busy, review, ready }
    }
}

/// `object` as it is shown and compared: without what the server alone writes.
fn shown(mut object: Value) -> Value {
    if let Some(object) = object.as_object_mut() {
        object.remove("status");
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            for field in ["managedFields", "resourceVersion", "generation"] {
                metadata.remove(field);
            }
        }
    }
    object
}

/// Binds `patch` to the version that the server tried it on.
fn pin(patch: &mut Value, tried: &Value) {
    let (Value::Object(patch), Some(version)) = (patch, tried.pointer("/metadata/resourceVersion")) else {
        return;
    };
    match patch.get_mut("metadata") {
        Some(Value::Object(metadata)) => metadata.insert("resourceVersion".to_owned(), version.clone()),
        _ => patch.insert("metadata".to_owned(), json!({"resourceVersion": version})),
    };
}

/// The object that was read, or why the text is none; `answer` is that of the reader of YAML.
fn object(mut answer: Value) -> Result<Value, Trouble> {
    let wrong =
        |title: String, text: &str| Trouble { title, text: text.to_owned(), ..Trouble::default() }.revealed();
    if let Some(problem) = answer["problem"].as_str() {
        let place = answer["place"].as_str().map(|place| format!(" ({place})"));
        return Err(wrong(format!("Not YAML{}", place.unwrap_or_default()), problem));
    }
    match answer.get_mut("read").map(Value::take) {
        Some(object @ Value::Object(_)) => Ok(object),
        _ => Err(wrong("Not an object".to_owned(), "Fields are wanted: apiVersion, kind, metadata …")),
    }
}

/// What makes `new` of `old`, as a merge patch (RFC 7386); `None` when they are the same.
fn difference(old: &Value, new: &Value) -> Option<Value> {
    let (Value::Object(old), Value::Object(new)) = (old, new) else {
        return (old != new).then(|| new.clone());
    };
    let mut patch = Map::new();
    for (name, value) in new {
        let changed = old.get(name).map_or_else(|| Some(value.clone()), |old| difference(old, value));
        patch.extend(changed.map(|value| (name.clone(), value)));
    }
    for name in old.keys().filter(|name| !new.contains_key(*name)) {
        patch.insert(name.clone(), Value::Null);
    }
    (!patch.is_empty()).then_some(Value::Object(patch))
}

/// Why `error` leaves open who else manages the fields.
fn unknown(error: &Error) -> String {
    match error.code() {
        Some(415) => "this server knows no server-side apply, which would tell".to_owned(),
        _ => reveal(&error.to_string()).into_owned(),
    }
}

/// Who else manages the fields that are changed, when `error` says that.
fn conflicts(error: &Error) -> Option<Vec<Conflict>> {
    let causes = error.status()?.details.as_ref()?.causes.as_ref().filter(|causes| !causes.is_empty())?;
    let mut found: Vec<Conflict> = Vec::new();
    for cause in causes {
        if cause.reason.as_deref() != Some("FieldManagerConflict") {
            return None;
        }
        let message = cause.message.as_deref().unwrap_or_default();
        let manager = line(message.split('"').nth(1).unwrap_or(message));
        let field = line(cause.field.as_deref().unwrap_or_default()).into_owned();
        match found.iter_mut().find(|conflict| conflict.manager == manager) {
            Some(conflict) => conflict.fields.push(field),
            None => found.push(Conflict { manager: manager.into_owned(), fields: vec![field] }),
        }
    }
    // What this page wrote before is its own.
    found.retain(|conflict| conflict.manager != MANAGER);
    Some(found)
}

#[cfg(test)]
mod tests;
