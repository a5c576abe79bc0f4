//! What is under way between the reader and the API server: questions put to the reader, calls sent, what came of them.
//!
//! Invariant: each answer is for the call that waits for it; one that nobody waits for any more changes nothing.

use std::collections::VecDeque;

use portolan::Error;
use serde_json::Value;

use super::access::{Access, Right};
use super::act::{Act, Dialog};
use super::age::Millis;
use super::calls::{Call, Question};
use super::edit::{Edit, Step};
use super::frame::{ActFrame, Report};
use super::refusal::refusal;
use super::trouble::Trouble;

/// How long the page says that something was done, in milliseconds.
const TOLD: Millis = 8_000;

/// See the file.
#[derive(Debug, Default)]
pub(super) struct Desk {
    sent: u64,
    calls: VecDeque<Call>,
    waiting: Vec<(u64, Waiting)>,
    access: Access,
    report: Option<(Report, Millis)>,
    /// What was not done and why, until the reader has read it.
    failure: Option<Trouble>,
    /// The object being edited.
    pub(super) edit: Edit,
}

/// Who waits for an answer.
#[derive(Debug)]
enum Waiting {
    /// The buttons.
    Right(Right),
    /// The reader, who has said yes.
    Act(Box<Dialog>),
    /// The edit, at this step; and what is to be said once it is done, when it is the last.
    Edit(Right, Option<String>),
}

impl Desk {
    /// The next call.
    pub(super) fn call(&mut self) -> Option<Call> {
        self.calls.pop_front()
    }

    fn send(&mut self, question: Question, waiting: Waiting) -> u64 {
        let id = self.post(question);
        self.waiting.push((id, waiting));
        id
    }

    /// Sends a question whose answer, of this number, is not for this desk.
    pub(super) fn post(&mut self, question: Question) -> u64 {
        self.sent += 1;
        self.calls.push_back(Call { id: self.sent, question });
        self.sent
    }

    /// Asks for those of `rights` about which a question is due.
    pub(super) fn ask(&mut self, rights: impl IntoIterator<Item = Right>, now: Millis) {
        for right in rights {
            if let Some(question) = self.access.ask(&right, now) {
                self.send(Question::Server(Box::new(question)), Waiting::Right(right));
            }
        }
    }

    /// Why `right` is known to be denied.
    pub(super) fn denied(&self, right: &Right) -> Option<&str> {
        self.access.denied(right)
    }

    /// Says that `right` is denied, when it is known to be.
    pub(super) fn refuse(&mut self, right: &Right, now: Millis) -> bool {
        let Some(why) = self.access.denied_lately(right, now) else { return false };
        self.failure = Some(right.trouble("Not allowed", why));
        true
    }

    /// Does what the reader has said yes to; or says what is wrong with it.
    pub(super) fn act(&mut self, dialog: &Dialog, now: Millis) -> Result<(), String> {
        let request = dialog.request(now)?;
        self.report = Some((Report::Pending(dialog.doing()), now));
        self.send(Question::Server(Box::new(request)), Waiting::Act(Box::new(dialog.clone())));
        Ok(())
    }

    /// Takes a step of the edit.
    pub(super) fn step(&mut self, step: Step, right: &Right) {
        if let Some(question) = step.question {
            let id = self.send(question, Waiting::Edit(right.clone(), step.done));
            self.edit.sent(id);
        }
    }

    /// Takes the answer to the call `id`.
    pub(super) fn answered(&mut self, id: u64, outcome: Result<Value, Error>, now: Millis) {
        let Some(place) = self.waiting.iter().position(|(waits, _)| *waits == id) else { return };
        match self.waiting.swap_remove(place).1 {
            Waiting::Right(right) => self.access.answered(&right, outcome.as_ref().ok()),
            Waiting::Act(dialog) => {
                let right = dialog.act.right(&dialog.subject.resource, &dialog.subject.target.namespace);
                match outcome {
                    Ok(answer) => self.report = Some((Report::Done(dialog.done(&answer)), now)),
                    Err(error) => self.fail(refusal(&error, &right)),
                }
            }
            Waiting::Edit(right, done) => {
                // What was sent is told, whatever the reader has done with the text meanwhile.
                match (&outcome, done) {
                    (Ok(_), Some(done)) => self.report = Some((Report::Done(done), now)),
                    (Err(error), Some(_)) if !self.edit.is_on_show(id) => self.fail(refusal(error, &right)),
                    _ => {}
                }
                let step = self.edit.answered(id, outcome, &right);
                self.step(step, &right);
            }
        }
    }

    fn fail(&mut self, trouble: Trouble) {
        (self.report, self.failure) = (None, Some(trouble));
    }

    /// What was done last, or is under way.
    pub(super) fn report(&self, now: Millis) -> Option<&Report> {
        let (report, told) = self.report.as_ref()?;
        let over = matches!(report, Report::Done(_)) && now.saturating_sub(*told) >= TOLD;
        (!over).then_some(report)
    }

    /// What was not done last, and why.
    pub(super) fn failure(&self) -> Option<&Trouble> {
        self.failure.as_ref()
    }

    /// The reader has read that.
    pub(super) fn dismiss(&mut self) {
        self.failure = None;
    }

    /// The buttons for `acts`, each with the right that it needs.
    pub(super) fn buttons(&self, acts: impl Iterator<Item = (Act, Right)>, cordoned: bool) -> Vec<ActFrame> {
        let button = |(act, right): (Act, Right)| ActFrame {
            act,
            title: act.title(cordoned),
            denied: self.denied(&right).map(ToOwned::to_owned),
        };
        acts.map(button).collect()
    }
}
