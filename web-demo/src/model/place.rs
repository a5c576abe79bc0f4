//! Which container a stream is of: the pods of an object, the containers of a pod, and which of them is meant.

use std::collections::HashMap;

use super::choice::Choice;
use super::family::Family;
use super::manifest::{self, Manifest, text};
use super::order;
use super::pod::has_ended;
use super::reveal::line;
use super::table::Table;

/// A container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The pod's namespace.
    pub namespace: String,
    /// The pod.
    pub pod: String,
    /// The container.
    pub container: String,
}

/// What can be chosen, and what is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// The chosen one; `None` when there is no pod.
    pub place: Option<Place>,
    /// The names of the pods to choose from.
    pub pods: Vec<String>,
    /// The containers of the chosen one, each with what it is when it is not an ordinary one.
    pub containers: Vec<(String, &'static str)>,
    /// The chosen pod has not begun.
    pub pending: bool,
    /// It will not run again.
    pub finished: bool,
    /// It has gone; what came of it stays on show.
    pub gone: bool,
}

/// The container that whoever wrote the pod wants to be the first choice.
const DEFAULT: &str = "kubectl.kubernetes.io/default-container";

impl Place {
    /// The same in words to be shown.
    pub(super) fn shown(&self) -> Self {
        let [namespace, pod, container] =
            [&self.namespace, &self.pod, &self.container].map(|name| line(name).into_owned());
        Self { namespace, pod, container }
    }
}

/// A name as it is shown among others to choose from.
pub fn title(name: &str) -> String {
    line(name).into_owned()
}

impl Places {
    /// The places of the object of `kind` and `key`. `before` is where the page was: it stays there while it can.
    pub fn of(
        kind: &str,
        key: &str,
        choice: &Choice,
        before: Option<&Place>,
        tables: &HashMap<String, Table>,
        family: Option<&Family>,
    ) -> Self {
        let Some(table) = tables.get("pods") else { return Self::default() };
        let keys: Vec<String> = match kind {
            "pods" => vec![key.to_owned()],
            _ => family.map(|family| family.pods(kind, key)).unwrap_or_default(),
        };
        let mut found: Vec<_> = keys.iter().filter_map(|key| table.row(key)).collect();
        order::sort(&mut found, |left, right| {
            left.tone.is_unready().cmp(&right.tone.is_unready()).then(left.key.cmp(&right.key))
        });
        let name = |key: &str| manifest::parts(key).1.to_owned();
        let named = |wanted: &str| found.iter().find(|row| name(&row.key) == wanted);
        let stays = || before.and_then(|before| named(&before.pod));
        let Some(row) = named(&choice.pod).or_else(stays).or_else(|| found.first()) else {
            return Self::default();
        };
        let containers = containers(&row.object);
        let (phase, default) = (row.object.text("status.phase"), row.object.annotation(DEFAULT));
        let wanted = [choice.container.as_str(), &default];
        let of_name = |wanted: &str| containers.iter().find(|(name, _)| name == wanted);
        let ordinary = || containers.iter().find(|(_, kind)| kind.is_empty());
        let chosen = wanted.into_iter().find_map(of_name).or_else(ordinary);
        let container = chosen.map(|(name, _)| name.clone()).unwrap_or_default();
        let mut pods: Vec<String> = found.iter().map(|row| name(&row.key)).collect();
        order::sort(&mut pods, Ord::cmp);
        Self {
            place: Some(Place { namespace: row.namespace.clone(), pod: name(&row.key), container }),
            pods,
            containers,
            pending: phase == "Pending",
            finished: has_ended(&phase),
            gone: false,
        }
    }

    /// The same once the pod has gone.
    pub fn without_pod(self) -> Self {
        Self { pending: false, finished: true, gone: true, ..self }
    }
}

/// All containers of a pod in the order of their start.
fn containers(pod: &Manifest) -> Vec<(String, &'static str)> {
    let of = |path, kind| {
        let names = pod.elements(path).map(|container| text(container, "name").into_owned());
        names.map(move |name| (name, kind))
    };
    let [first, usual] = [of("spec.initContainers", "init"), of("spec.containers", "")];
    first.chain(usual).chain(of("spec.ephemeralContainers", "ephemeral")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::columns;
    use crate::model::testing::manifest;
    use serde_json::json;

    fn pod(name: &str, owner: &str, phase: &str) -> Manifest {
        let names = |names: &[&str]| names.iter().map(|name| json!({"name": name})).collect::<Vec<_>>();
        manifest(json!({"metadata": {"name": name, "namespace": "n", "uid": name, "resourceVersion": "1",
                "annotations": {DEFAULT: "main"}, "ownerReferences": [{"uid": owner, "kind": "ReplicaSet", "name": "r"}]},
            "spec": {"initContainers": names(&["setup"]), "containers": names(&["side", "main"]),
                "ephemeralContainers": names(&["debug"])},
            "status": {"phase": phase}}))
    }

    fn with(pods: &[Manifest]) -> (HashMap<String, Table>, Family) {
        let mut table = Table::new(columns::plan("pods", true));
        let mut family = Family::default();
        family.put(
            "deployments.apps",
            &manifest(json!({"metadata": {"name": "d", "namespace": "n", "uid": "d"}})),
        );
        family.put(
            "replicasets.apps",
            &manifest(json!({"metadata": {"name": "r", "namespace": "n", "uid": "r",
            "ownerReferences": [{"uid": "d", "kind": "Deployment", "name": "d"}]}})),
        );
        for pod in pods {
            family.put("pods", pod);
            table.put(pod.clone(), None);
        }
        (HashMap::from([("pods".to_owned(), table)]), family)
    }

    fn place(pod: &str, container: &str) -> Option<Place> {
        Some(Place { namespace: "n".into(), pod: pod.into(), container: container.into() })
    }

    #[test]
    fn every_container_can_be_chosen_and_the_annotated_one_comes_first() {
        let (tables, _) = with(&[pod("a", "r", "Running")]);
        let of = |container: &str| {
            let choice = Choice { container: container.into(), ..Choice::default() };
            Places::of("pods", "n/a", &choice, None, &tables, None)
        };
        assert_eq!(of("").place, place("a", "main"));
        assert_eq!(of("none").place, place("a", "main"), "a container of another pod is not kept to");
        let all: Vec<_> =
            of("").containers.into_iter().map(|(name, kind)| format!("{name} {kind}")).collect();
        assert_eq!(all, ["setup init", "side ", "main ", "debug ephemeral"]);
        assert_eq!(of("debug").place, place("a", "debug"));
    }

    #[test]
    fn an_owner_has_its_pods_and_the_page_stays_with_one() {
        let (tables, family) =
            with(&[pod("a", "r", "Failed"), pod("b", "r", "Succeeded"), pod("x", "other", "Running")]);
        let of = |choice: &Choice, before: Option<Place>| {
            Places::of("deployments.apps", "n/d", choice, before.as_ref(), &tables, Some(&family))
        };
        let first = of(&Choice::default(), None);
        assert_eq!((first.place, first.pods), (place("b", "main"), vec!["a".to_owned(), "b".to_owned()]));
        assert!(first.finished);
        assert_eq!(of(&Choice::default(), place("a", "main")).place, place("a", "main"));
        let choice = Choice { pod: "b".into(), ..Choice::default() };
        assert_eq!(of(&choice, place("a", "main")).place, place("b", "main"));
        assert_eq!(of(&choice, place("gone", "main")).place, place("b", "main"));
        assert_eq!(
            Places::of("deployments.apps", "n/none", &choice, None, &tables, Some(&family)),
            Places::default()
        );
    }
}
