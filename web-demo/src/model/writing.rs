//! The YAML of the open object, written over several frames where it is large, so that none of them takes long.
//!
//! Invariant: what is shown is whole: of the newest version, or, while that is written, of the one before.

use std::ops::ControlFlow;
use std::rc::Rc;

use super::manifest::Manifest;
use super::yaml::{Document, Draft};

/// Up to so many bytes of JSON all is done in one frame.
const AT_ONCE: usize = 128 << 10;

/// What is written, and how far it is.
#[derive(Debug, Default)]
pub(super) struct Writing {
    version: String,
    next: Option<Step>,
    shown: Option<Result<Rc<Document>, String>>,
}

#[derive(Debug)]
enum Step {
    Read,
    Write(Draft),
}

impl Writing {
    /// What there is to show by now; or why there is nothing.
    pub(super) fn shown(&self) -> Option<Result<Rc<Document>, String>> {
        self.shown.clone()
    }

    /// Goes on with `object`, of which the values are masked if it is a `secret`; says whether there is more to do.
    pub(super) fn go_on(&mut self, object: &Manifest, secret: bool) -> bool {
        let version = object.meta().resource_version;
        if self.version != version || self.shown.is_none() && self.next.is_none() {
            (self.version, self.next) = (version.to_owned(), Some(Step::Read));
        }
        while let Some(step) = self.next.take() {
            match step.take(object, secret) {
                Ok(ControlFlow::Continue(draft)) => self.next = Some(Step::Write(draft)),
                Ok(ControlFlow::Break(document)) => self.shown = Some(Ok(Rc::new(document))),
                Err(why) => self.shown = Some(Err(why)),
            }
            if object.size() > AT_ONCE {
                break;
            }
        }
        self.next.is_some()
    }
}

impl Step {
    fn take(self, object: &Manifest, secret: bool) -> Result<ControlFlow<Document, Draft>, String> {
        match self {
            Self::Read => Ok(ControlFlow::Continue(Draft::begin(object.value()?, secret))),
            Self::Write(draft) => draft.step(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::testing::manifest;
    use serde_json::{Value, json};

    fn object(version: &str, kind: &str, bytes: usize) -> Manifest {
        manifest(
            json!({"kind": kind, "metadata": {"name": "a", "resourceVersion": version}, "data": {"x": "y".repeat(bytes)}}),
        )
    }

    fn text(writing: &Writing) -> Option<String> {
        let document = writing.shown()?.unwrap();
        let rows = document.rows(0..document.len());
        Some(rows.flat_map(|(line, _)| line).map(|span| span.text).collect())
    }

    #[test]
    fn what_is_small_is_there_at_once() {
        let mut writing = Writing::default();
        assert!(!writing.go_on(&object("1", "ConfigMap", 9), false));
        assert!(text(&writing).unwrap().contains("yyyyyyyyy"));
    }

    #[test]
    fn what_is_large_takes_a_few_steps_and_what_was_shown_stays_meanwhile() {
        let (old, new) = (object("1", "ConfigMap", 1 << 20), object("2", "ConfigMap", 1 << 20));
        let mut writing = Writing::default();
        for goes_on in [true, true, false] {
            assert_eq!(writing.shown(), None);
            assert_eq!(writing.go_on(&old, false), goes_on);
        }
        let first = writing.shown();
        assert!(text(&writing).unwrap().contains("resourceVersion: \"1\""));
        assert!(!writing.go_on(&old, false), "nothing has changed");
        for goes_on in [true, true, false] {
            assert_eq!(writing.shown(), first);
            assert_eq!(writing.go_on(&new, false), goes_on);
        }
        assert!(text(&writing).unwrap().contains("resourceVersion: \"2\""));
        writing.go_on(&old, false);
        writing.go_on(&new, false);
        writing.go_on(&new, false);
        writing.go_on(&new, false);
        assert!(text(&writing).unwrap().contains("resourceVersion: \"2\""), "begun anew with what is newest");
    }

    #[test]
    fn of_a_secret_no_step_shows_a_value() {
        let secret = object("1", "Secret", 1 << 20);
        let mut writing = Writing::default();
        while writing.go_on(&secret, true) {
            assert!(!format!("{writing:?}").contains("yyyy"));
        }
        assert!(!text(&writing).unwrap().contains("yyyy"));
        let read: Value = secret.value().unwrap();
        assert_eq!(read["data"]["x"].as_str().map(str::len), Some(1 << 20), "which is there");
    }
}
