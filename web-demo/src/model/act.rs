//! What can be done to an object: which kinds it fits, what it asks of the server, and how it is put to the reader first.

use portolan::meta::{ApiResource, Patch};
use serde_json::{Value, json};

use super::access::Right;
use super::age::Millis;
use super::calls::{Request, Target};
use super::reveal::line;

/// Something done to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Have more or fewer replicas.
    Scale,
    /// Replace its pods one after the other.
    Restart,
    /// Keep new pods away from a node, or let them in again.
    Cordon,
    /// Delete it.
    Delete,
}

/// What becomes of what a deleted object owned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Propagation {
    /// It goes after its owner.
    #[default]
    Background,
    /// It goes before its owner.
    Foreground,
    /// It stays.
    Orphan,
}

/// The object it is done to, as it was when the reader was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Its kind.
    pub(super) resource: ApiResource,
    /// Its place.
    pub(super) target: Target,
    /// Of this object alone.
    pub(super) uid: String,
    /// How many replicas it wants.
    pub(super) replicas: i64,
    /// A node that takes no new pods.
    pub(super) cordoned: bool,
}

impl Act {
    /// All of them, in the order of their buttons.
    pub const ALL: [Self; 4] = [Self::Scale, Self::Restart, Self::Cordon, Self::Delete];

    /// Its name in the document.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scale => "scale",
            Self::Restart => "restart",
            Self::Cordon => "cordon",
            Self::Delete => "delete",
        }
    }

    /// The text of its button.
    pub const fn title(self, cordoned: bool) -> &'static str {
        match (self, cordoned) {
            (Self::Scale, _) => "Scale",
            (Self::Restart, _) => "Restart",
            (Self::Cordon, false) => "Cordon",
            (Self::Cordon, true) => "Uncordon",
            (Self::Delete, _) => "Delete",
        }
    }

    /// Whether objects of `kind` know it.
    pub fn fits(self, kind: &str) -> bool {
        match self {
            Self::Scale => matches!(kind, "deployments.apps" | "statefulsets.apps" | "replicasets.apps"),
            Self::Restart => matches!(kind, "deployments.apps" | "statefulsets.apps" | "daemonsets.apps"),
            Self::Cordon => kind == "nodes",
            Self::Delete => true,
        }
    }

    /// What one must be allowed for it.
    pub(super) fn right(self, resource: &ApiResource, namespace: &str) -> Right {
        match self {
            Self::Scale => Right::new("patch", resource, "scale", namespace),
            Self::Restart | Self::Cordon => Right::new("patch", resource, "", namespace),
            Self::Delete => Right::new("delete", resource, "", namespace),
        }
    }
}

impl Propagation {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Background, Self::Foreground, Self::Orphan];

    /// As the API names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Background => "Background",
            Self::Foreground => "Foreground",
            Self::Orphan => "Orphan",
        }
    }

    /// What it means.
    pub const fn help(self) -> &'static str {
        match self {
            Self::Background => "what it owns is deleted after it",
            Self::Foreground => "what it owns is deleted first",
            Self::Orphan => "what it owns stays",
        }
    }
}

impl Subject {
    /// `Deployment web in shop`.
    pub(super) fn words(&self) -> String {
        let place = match self.target.namespace.as_str() {
            "" => String::new(),
            namespace => format!(" in {namespace}"),
        };
        line(&format!("{} {}{place}", self.resource.kind, self.target.name)).into_owned()
    }

    fn patch(&self, patch: Value) -> Request {
        Request::patch(&self.resource, &self.target, Patch::Merge(patch))
    }
}

/// The question put to the reader before anything is done.
#[derive(Clone, Debug, PartialEq)]
pub struct Dialog {
    /// What is to be done.
    pub act: Act,
    /// To what.
    pub(super) subject: Subject,
    /// What becomes of what it owns, for a deletion.
    pub propagation: Propagation,
    /// What the box of replicas holds, for a scaling.
    pub replicas: String,
    /// Why it cannot be done as it stands, "" when it can.
    pub problem: String,
}

impl Dialog {
    /// The question whether `act` is to be done to `subject`.
    pub(super) fn new(act: Act, subject: Subject) -> Self {
        let replicas = subject.replicas.to_string();
        Self { act, subject, propagation: Propagation::default(), replicas, problem: String::new() }
    }

    /// The text of the button that does it.
    pub fn verb(&self) -> &'static str {
        self.act.title(self.subject.cordoned)
    }

    /// The question.
    pub fn title(&self) -> String {
        format!("{} {}?", self.verb(), self.subject.words())
    }

    /// What will come of it.
    pub fn text(&self) -> String {
        match self.act {
            Act::Scale => format!("It wants {} now.", self.subject.replicas),
            Act::Restart => {
                "Its pods are replaced one after the other, as its update strategy says.".to_owned()
            }
            Act::Cordon if self.subject.cordoned => "New pods may be put on it again.".to_owned(),
            Act::Cordon => "No new pods are put on it; those it has stay.".to_owned(),
            Act::Delete => "This cannot be undone.".to_owned(),
        }
    }

    /// What to ask of the server; or what is wrong.
    pub(super) fn request(&self, now: Millis) -> Result<Request, String> {
        let subject = &self.subject;
        Ok(match self.act {
            Act::Scale => {
                let wanted =
                    self.replicas.trim().parse::<u32>().ok().filter(|&wanted| i32::try_from(wanted).is_ok());
                let wanted = wanted.ok_or("A whole number, 0 or more, is wanted.")?;
                subject.patch(json!({"spec": {"replicas": wanted}})).of("scale")
            }
            Act::Restart => {
                let at = i64::try_from(now)
                    .ok()
                    .and_then(|now| jiff::Timestamp::from_millisecond(now / 1000 * 1000).ok());
                let at = at.ok_or("This browser's clock is wrong: set it right first.")?.to_string();
                let annotations = json!({"kubectl.kubernetes.io/restartedAt": at});
                subject.patch(json!({"spec": {"template": {"metadata": {"annotations": annotations}}}}))
            }
            Act::Cordon if subject.cordoned => subject.patch(json!({"spec": {"unschedulable": null}})),
            Act::Cordon => subject.patch(json!({"spec": {"unschedulable": true}})),
            Act::Delete => {
                Request::delete(&subject.resource, &subject.target, &subject.uid, self.propagation.name())
            }
        })
    }

    /// What is said while it is under way.
    pub(super) fn doing(&self) -> String {
        format!("{} {} …", self.verb(), self.subject.words())
    }

    /// What is said once the server has answered with `answer`.
    pub(super) fn done(&self, answer: &Value) -> String {
        let words = self.subject.words();
        match self.act {
            Act::Scale => format!("{words} now wants {} replicas.", self.replicas.trim()),
            Act::Restart => format!("The restart of {words} has begun."),
            Act::Cordon if self.subject.cordoned => format!("{words} takes new pods again."),
            Act::Cordon => format!("{words} takes no new pods."),
            // An object in place of a status: it is still there.
            Act::Delete if answer.get("metadata").is_some_and(|metadata| metadata.get("name").is_some()) => {
                format!(
                    "{words} is being deleted: it goes when its finalizers and its grace period have ended."
                )
            }
            Act::Delete => format!("{words} has been deleted."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::calls::Action;

    fn subject(api_version: &str, kind: &str, plural: &str) -> Subject {
        Subject {
            resource: ApiResource::new(api_version, kind, plural, kind != "Node").unwrap(),
            target: Target { namespace: if kind == "Node" { "" } else { "shop" }.into(), name: "web".into() },
            uid: "u-1".into(),
            replicas: 3,
            cordoned: false,
        }
    }

    fn deployment() -> Subject {
        subject("apps/v1", "Deployment", "deployments")
    }

    fn patch(dialog: &Dialog) -> (Value, &'static str) {
        let request = dialog.request(1_700_000_000_123).unwrap();
        assert!(request.query.contains(&("fieldManager", "portolan-dashboard")));
        let Action::Patch(Patch::Merge(patch)) = request.action else { panic!("no patch") };
        (patch, request.subresource)
    }

    #[test]
    fn a_deletion_is_of_this_object_alone_and_says_what_becomes_of_what_it_owns() {
        let dialog = Dialog { propagation: Propagation::Orphan, ..Dialog::new(Act::Delete, deployment()) };
        assert_eq!(dialog.title(), "Delete Deployment web in shop?");
        let Action::Delete(options) = dialog.request(0).unwrap().action else { panic!("no deletion") };
        assert_eq!(options["propagationPolicy"], "Orphan");
        assert_eq!(options["preconditions"]["uid"], "u-1");
        assert!(dialog.done(&json!({"kind": "Status"})).ends_with("has been deleted."));
        assert!(dialog.done(&json!({"metadata": {"name": "web"}})).contains("is being deleted"));
    }

    #[test]
    fn replicas_are_a_whole_number_and_go_through_the_scale() {
        let with = |text: &str| Dialog { replicas: text.into(), ..Dialog::new(Act::Scale, deployment()) };
        assert_eq!(patch(&with(" 5 ")), (json!({"spec": {"replicas": 5}}), "scale"));
        assert_eq!(patch(&with("0")).0, json!({"spec": {"replicas": 0}}));
        for wrong in ["", "-1", "many", "1.5", "9999999999"] {
            assert!(with(wrong).request(0).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_restart_is_kubectls_annotation() {
        let (patch, subresource) = patch(&Dialog::new(Act::Restart, deployment()));
        let annotations = &patch["spec"]["template"]["metadata"]["annotations"];
        assert_eq!(annotations["kubectl.kubernetes.io/restartedAt"], "2023-11-14T22:13:20Z");
        assert_eq!(subresource, "");
    }

    #[test]
    fn a_node_is_cordoned_and_let_in_again() {
        let node = subject("v1", "Node", "nodes");
        assert_eq!(
            patch(&Dialog::new(Act::Cordon, node.clone())).0,
            json!({"spec": {"unschedulable": true}})
        );
        let back = Dialog::new(Act::Cordon, Subject { cordoned: true, ..node });
        assert_eq!((patch(&back).0, back.verb()), (json!({"spec": {"unschedulable": null}}), "Uncordon"));
        assert_eq!(back.title(), "Uncordon Node web?");
    }

    #[test]
    fn each_kind_knows_its_own() {
        let of =
            |kind: &str| Act::ALL.into_iter().filter(|act| act.fits(kind)).map(Act::name).collect::<Vec<_>>();
        assert_eq!(of("deployments.apps"), ["scale", "restart", "delete"]);
        assert_eq!(of("daemonsets.apps"), ["restart", "delete"]);
        assert_eq!(of("nodes"), ["cordon", "delete"]);
        assert_eq!(of("widgets.example.com"), ["delete"]);
    }
}
