//! What the reader may do: asked of the server once a minute for each verb on each kind in each namespace.
//!
//! Invariant: what is not known to be denied is allowed; the server has the last word.

use std::collections::HashMap;

use portolan::meta::ApiResource;
use serde_json::{Value, json};

use super::age::Millis;
use super::calls::{Action, Request, Target};
use super::reveal::reveal;
use super::trouble::Trouble;

/// How long an answer is believed, in milliseconds.
const KEPT: Millis = 60_000;

/// A verb on a kind, or on a part of its objects, somewhere.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Right {
    pub(super) verb: &'static str,
    pub(super) group: String,
    pub(super) plural: String,
    pub(super) subresource: &'static str,
    pub(super) namespace: String,
}

impl Right {
    pub(super) fn new(
        verb: &'static str,
        resource: &ApiResource,
        subresource: &'static str,
        namespace: &str,
    ) -> Self {
        let [group, plural] = [&resource.group, &resource.plural].map(ToString::to_string);
        Self { verb, group, plural, subresource, namespace: namespace.to_owned() }
    }

    /// To `verb` a part of the pods in `namespace`.
    pub(super) fn of_pods(verb: &'static str, subresource: &'static str, namespace: &str) -> Self {
        let [group, plural] = ["", "pods"].map(str::to_owned);
        Self { verb, group, plural, subresource, namespace: namespace.to_owned() }
    }

    /// What to say when it is denied, and how to ask for it.
    pub(super) fn trouble(&self, title: impl Into<String>, text: impl Into<String>) -> Trouble {
        Trouble {
            title: title.into(),
            text: text.into(),
            advice: format!("Ask for the verb and resource: {}{}.", self.words(), self.place()),
            command: self.command(),
            refused: true,
        }
        .revealed()
    }

    /// As kubectl takes it: `patch deployments.apps/scale`.
    fn words(&self) -> String {
        let group = if self.group.is_empty() { String::new() } else { format!(".{}", self.group) };
        let part = if self.subresource.is_empty() { String::new() } else { format!("/{}", self.subresource) };
        format!("{} {}{group}{part}", self.verb, self.plural)
    }

    /// Where: ` in shop`, or nothing for what lives in no namespace.
    fn place(&self) -> String {
        if self.namespace.is_empty() { String::new() } else { format!(" in {}", self.namespace) }
    }

    /// The command that asks for it.
    fn command(&self) -> String {
        let whole = Self { subresource: "", ..self.clone() }.words();
        let part = if self.subresource.is_empty() {
            String::new()
        } else {
            format!(" --subresource={}", self.subresource)
        };
        let place = if self.namespace.is_empty() { String::new() } else { format!(" -n {}", self.namespace) };
        format!("kubectl auth can-i {whole}{part}{place}")
    }

    /// The question to the server.
    fn question(&self) -> Option<Request> {
        let (api_version, kind) = ("authorization.k8s.io/v1", "SelfSubjectAccessReview");
        let reviews = ApiResource::new(api_version, kind, "selfsubjectaccessreviews", false).ok()?;
        let attributes = json!({
            "verb": self.verb, "group": self.group, "resource": self.plural, "subresource": self.subresource,
            "namespace": self.namespace,
        });
        let body =
            json!({"apiVersion": api_version, "kind": kind, "spec": {"resourceAttributes": attributes}});
        Some(Request::new(&reviews, &Target::default(), Action::Ask(body)))
    }
}

/// What has been asked and answered.
#[derive(Debug, Default)]
pub(super) struct Access(HashMap<Right, Known>);

#[derive(Debug)]
struct Known {
    asked: Millis,
    /// Why not, when it is denied.
    denied: Option<String>,
}

impl Access {
    /// The question that is due about `right`. Until it is answered, what was known before holds.
    pub(super) fn ask(&mut self, right: &Right, now: Millis) -> Option<Request> {
        match self.0.get_mut(right) {
            Some(known) if now.saturating_sub(known.asked) < KEPT => return None,
            Some(known) => known.asked = now,
            None => {
                self.0.insert(right.clone(), Known { asked: now, denied: None });
            }
        }
        right.question()
    }

    /// Takes the answer about `right`. A server that does not serve the question leaves it open.
    pub(super) fn answered(&mut self, right: &Right, review: Option<&Value>) {
        let Some(known) = self.0.get_mut(right) else { return };
        let status = review.and_then(|review| review.get("status"));
        let denies = |status: &&Value| status.get("allowed") == Some(&Value::Bool(false));
        known.denied = status.filter(denies).map(|status| {
            let reason = status.get("reason").and_then(Value::as_str).filter(|reason| !reason.is_empty());
            let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
            reveal(&format!("You may not {}{}{reason}", right.words(), right.place())).into_owned()
        });
    }

    /// Why `right` is known to be denied.
    pub(super) fn denied(&self, right: &Right) -> Option<&str> {
        self.0.get(right)?.denied.as_deref()
    }

    /// The same, from an answer that is still believed.
    pub(super) fn denied_lately(&self, right: &Right, now: Millis) -> Option<&str> {
        let known = self.0.get(right).filter(|known| now.saturating_sub(known.asked) < KEPT)?;
        known.denied.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn right() -> Right {
        let resource = ApiResource::new("apps/v1", "Deployment", "deployments", true).unwrap();
        Right::new("patch", &resource, "scale", "shop")
    }

    #[test]
    fn a_right_is_asked_for_once_a_minute_and_holds_meanwhile() {
        let mut access = Access::default();
        let request = access.ask(&right(), 0).unwrap();
        let Action::Ask(body) = request.action else { panic!("no question") };
        let asked = &body["spec"]["resourceAttributes"];
        assert_eq!((&asked["verb"], &asked["subresource"]), (&json!("patch"), &json!("scale")));
        assert_eq!((&asked["group"], &asked["namespace"]), (&json!("apps"), &json!("shop")));
        assert!(access.ask(&right(), KEPT - 1).is_none());
        assert_eq!(access.denied(&right()), None, "not answered yet");
        access.answered(&right(), Some(&json!({"status": {"allowed": false, "reason": "no rule"}})));
        assert_eq!(
            access.denied(&right()),
            Some("You may not patch deployments.apps/scale in shop: no rule")
        );
        assert!(access.ask(&right(), KEPT).is_some());
        assert!(access.denied(&right()).is_some(), "until the new answer");
        access.answered(&right(), Some(&json!({"status": {"allowed": true}})));
        assert_eq!(access.denied(&right()), None);
    }

    #[test]
    fn a_server_without_reviews_forbids_nothing() {
        let mut access = Access::default();
        access.ask(&right(), 0);
        access.answered(&right(), None);
        assert_eq!(access.denied(&right()), None);
    }
}
