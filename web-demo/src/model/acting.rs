//! The part of the model that changes the cluster: every change is asked of the reader first, then of the server.

use serde_json::Value;

use super::access::Right;
use super::act::{Act, Dialog, Subject};
use super::age::Millis;
use super::calls::{Call, Target};
use super::frame::{ActFrame, EditFrame};
use super::health::is_cordoned;
use super::manifest::Manifest;
use super::route::Pane;
use super::table::Row;
use super::{Errand, Event, Kind, Model, Shown};

/// The largest object that is edited here, in bytes of JSON. A browser lays out a text area as a whole: of this much that
/// takes a fifth of a second when it is opened and a twentieth at each key, and no frame can be given a part of it.
const MOST_EDITED: usize = 512 << 10;

impl Model {
    /// The next call that is to be sent to the API server. What the reader may do to the open object is asked for here, and
    /// what the server prints of the kind on show.
    pub fn call(&mut self, now: Millis) -> Option<Call> {
        let rights = self.rights();
        self.desk.ask(rights, now);
        self.ask_for_tables(now);
        self.desk.call()
    }

    /// Takes an event about a change.
    pub(super) fn act(&mut self, event: Event, now: Millis) {
        match (event, &mut self.overlay) {
            (Event::Propagation(propagation), Shown::Dialog(dialog)) => dialog.propagation = propagation,
            (Event::Replicas(replicas), Shown::Dialog(dialog)) => {
                (dialog.replicas, dialog.problem) = (replicas, String::new());
            }
            (Event::Confirm, _) => self.confirm(now),
            (Event::Dismiss, _) => self.desk.dismiss(),
            (Event::Write(text), _) => self.desk.edit.write(text),
            (Event::Discard, _) => self.desk.edit.discard(),
            (Event::Take(take), _) => self.desk.edit.take(take),
            (Event::Review, _) => self.review(now),
            (Event::Apply, _) => {
                if let Some(right) = self.edit_right() {
                    let step = self.desk.edit.apply();
                    self.desk.step(step, &right);
                }
            }
            _ => {}
        }
    }

    /// Puts the question whether `act` is to be done to the open object, or to the selected one.
    pub(super) fn ask(&mut self, act: Act, now: Millis) {
        let Some(subject) = self.subject(act) else { return };
        if !self.desk.refuse(&act.right(&subject.resource, &subject.target.namespace), now) {
            self.overlay = Shown::Dialog(Box::new(Dialog::new(act, subject)));
            self.errands.push_back(Errand::FocusDialog);
        }
    }

    /// Does what the dialog asks about.
    pub(super) fn confirm(&mut self, now: Millis) {
        let Shown::Dialog(dialog) = &mut self.overlay else { return };
        match self.desk.act(dialog, now) {
            Ok(()) => {
                self.overlay = Shown::Nothing;
                self.errands.push_back(Errand::FocusRows);
            }
            Err(problem) => {
                dialog.problem = problem;
                self.errands.push_back(Errand::FocusDialog);
            }
        }
    }

    /// The buttons for the open object.
    pub(super) fn acts(&self) -> Vec<ActFrame> {
        let Some((kind, row)) = self.opened() else { return Vec::new() };
        self.desk.buttons(possible(kind, row), is_cordoned(&row.object))
    }

    /// The open object as text to be edited, when that is on show and its values may be seen; or why not.
    pub(super) fn edit(&mut self, masked: bool) -> Option<Result<EditFrame, String>> {
        if self.route.pane != Pane::Edit || masked {
            return None;
        }
        let key = self.route.open.as_deref()?;
        let kind = self.catalogue.kind(self.route.kind.as_deref()?)?;
        let row = self.tables.get(&kind.id).and_then(|table| table.row(key));
        let Some(row) = row else {
            return Some(Err("It is not there: there is nothing to change.".to_owned()));
        };
        let right = edit_right(kind, row);
        let frame =
            self.desk.edit.show((&kind.id, key), &kind.resource, &row.version, || editable(&row.object));
        let denied = self.desk.denied(&right).map(ToOwned::to_owned);
        Some(frame.map(|frame| EditFrame { denied, ..frame }))
    }

    /// Has the server review the edit.
    fn review(&mut self, now: Millis) {
        let Some((kind, row)) = self.opened() else { return };
        let right = edit_right(kind, row);
        if self.desk.edit.place() != Some((kind.id.as_str(), row.key.as_str())) {
            return;
        }
        let Ok(live) = row.object.value() else { return };
        if !self.desk.refuse(&right, now) {
            let step = self.desk.edit.review(live);
            self.desk.step(step, &right);
        }
    }

    fn edit_right(&self) -> Option<Right> {
        let (kind, row) = self.opened()?;
        Some(edit_right(kind, row))
    }

    /// What one may be allowed to do to the open object.
    fn rights(&self) -> Vec<Right> {
        let Some((kind, row)) = self.opened() else { return Vec::new() };
        possible(kind, row).map(|(_, right)| right).chain([edit_right(kind, row)]).collect()
    }

    /// The kind and the row of the open object, while it is there.
    fn opened(&self) -> Option<(&Kind, &Row)> {
        let kind = self.catalogue.kind(self.route.kind.as_deref()?)?;
        Some((kind, self.tables.get(&kind.id)?.row(self.route.open.as_deref()?)?))
    }

    /// What `act` would be done to. Of an object that only the owner tree knows there is no more than its identity: enough
    /// to delete it.
    pub(super) fn subject(&self, act: Act) -> Option<Subject> {
        let (kind, key) = self.chosen()?;
        let kind = self.catalogue.kind(&kind).filter(|kind| act.fits(&kind.id))?;
        let row = self.tables.get(&kind.id).and_then(|table| table.row(&key));
        let family = || self.inspect.family.as_ref().filter(|_| act == Act::Delete);
        let uid = match row {
            Some(row) => row.object.meta().uid.to_owned(),
            None => family()?.uid(&kind.id, &key)?.to_owned(),
        };
        Some(Subject {
            resource: kind.resource.clone(),
            target: Target::of(&key),
            uid,
            replicas: row.map_or(0, |row| row.object.number("spec.replicas")),
            cordoned: row.is_some_and(|row| is_cordoned(&row.object)),
        })
    }
}

/// The object as it is to be edited; or why it is not.
fn editable(object: &Manifest) -> Result<Value, String> {
    match object.size() {
        size if size > MOST_EDITED => Err(format!(
            "This object is too large to be edited here: it has {} KB, and above {} KB every key would take long. Use kubectl \
             edit.",
            size >> 10,
            MOST_EDITED >> 10,
        )),
        _ => object.value(),
    }
}

fn edit_right(kind: &Kind, row: &Row) -> Right {
    Right::new("patch", &kind.resource, "", &row.namespace)
}

/// What can be done to an object, each with the right that it needs.
fn possible(kind: &Kind, row: &Row) -> impl Iterator<Item = (Act, Right)> {
    let acts = Act::ALL.into_iter().filter(|act| act.fits(&kind.id));
    acts.map(|act| (act, act.right(&kind.resource, &row.namespace)))
}

#[cfg(test)]
mod tests;
