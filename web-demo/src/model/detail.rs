//! One object in full: what matters about it first, then all of it as YAML.

use std::collections::HashMap;
use std::rc::Rc;

use super::age::{self, Millis};
use super::cell::Tone;
use super::columns::{NAMESPACE_TITLE, Plan, Style};
use super::health;
use super::manifest::{self, text};
use super::order;
use super::reveal::{line, reveal};
use super::route::Pane;
use super::table::{Row, Table};
use super::writing::Writing;
use super::yaml;

/// The detail pane as shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Detail {
    /// `Pod`.
    pub kind: String,
    /// `namespace/name`, or `name`.
    pub key: String,
    /// The name.
    pub name: String,
    /// The namespace, "" without one.
    pub namespace: String,
    /// The resource version on show.
    pub version: String,
    /// It has been deleted since; what is shown is the last that was seen.
    pub gone: bool,
    /// It is not known (yet).
    pub missing: bool,
    /// What there is to show of it.
    pub panes: Vec<Pane>,
    /// What is on show of it.
    pub pane: Pane,
    /// Key facts.
    pub facts: Vec<Fact>,
    /// Longer matters, each with a heading.
    pub sections: Vec<Section>,
    /// All of it, when YAML is on show and written; or why not.
    pub yaml: Option<Result<Rc<yaml::Document>, String>>,
    /// The next frame goes on with writing that.
    pub writing: bool,
    /// Of a Secret, whether its values are shown.
    pub revealed: Option<bool>,
}

/// A label and a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    /// The label.
    pub label: String,
    /// The value.
    pub value: String,
    /// How it is set.
    pub style: Style,
    /// What it says about health.
    pub tone: Tone,
}

/// Facts under a heading.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    /// The heading.
    pub title: &'static str,
    /// One per line.
    pub facts: Vec<Fact>,
}

/// What is kept of the open object between frames: its last row's facts if it goes, and its YAML.
#[derive(Debug, Default)]
pub struct Open {
    shown: Option<Detail>,
    yaml: Writing,
    place: (String, String),
    /// The values of the Secret are shown, until it is closed or another object is opened.
    revealed: bool,
}

impl Open {
    /// Forgets what is kept if it is of `kind`, whose objects are not looked at any more: that one is missing does not
    /// say that it has gone.
    pub fn forget(&mut self, kind: &str) {
        if self.place.0 == kind {
            *self = Self::default();
        }
    }

    /// Shows the values of the open Secret, or masks them again.
    pub fn reveal(&mut self) {
        self.revealed = !self.revealed;
        self.yaml = Writing::default();
    }

    /// Masks the values again: nothing is open.
    pub fn mask(&mut self) {
        if self.revealed {
            self.reveal();
        }
    }

    /// The detail of `key` among `tables`' `kind`, kept as it was when it has gone.
    pub fn show(
        &mut self,
        kind: (&str, &str),
        key: &str,
        pane: Pane,
        tables: &HashMap<String, Table>,
        now: Millis,
    ) -> Detail {
        let place = (kind.0.to_owned(), key.to_owned());
        if self.place != place {
            *self = Self { place, ..Self::default() };
        }
        let before = self.shown.take();
        let secret = kind.0 == "secrets";
        let table = tables.get(kind.0);
        let mut writing = false;
        let mut detail = match (table.and_then(|table| Some((table.row(key)?, table.plan()))), before) {
            (Some((row, plan)), _) => {
                writing = pane == Pane::Yaml && self.yaml.go_on(&row.object, secret && !self.revealed);
                let events = tables.get("events").map(|events| happenings(events, kind.1, row, now));
                present(kind.1, row, plan, events.unwrap_or_default(), now)
            }
            (None, Some(before)) => Detail { gone: !before.missing, ..before },
            (None, None) => absent(kind.1, key),
        };
        detail.revealed = secret.then_some(self.revealed);
        self.shown = Some(detail.clone());
        detail.writing = writing;
        detail.yaml = self.yaml.shown().filter(|_| pane == Pane::Yaml);
        detail.panes = Pane::ALL.into_iter().filter(|pane| pane.fits(kind.0)).collect();
        detail.pane = pane.of(kind.0);
        detail
    }
}

fn absent(kind: &str, key: &str) -> Detail {
    let (namespace, name) = manifest::parts(key);
    Detail {
        kind: line(kind).into_owned(),
        key: key.to_owned(),
        name: line(name).into_owned(),
        namespace: line(namespace).into_owned(),
        version: String::new(),
        gone: false,
        missing: true,
        panes: Vec::new(),
        pane: Pane::default(),
        facts: Vec::new(),
        sections: Vec::new(),
        yaml: None,
        writing: false,
        revealed: None,
    }
}

fn present(kind: &str, row: &Row, plan: &Plan, events: Vec<Fact>, now: Millis) -> Detail {
    let mut facts: Vec<Fact> = Vec::new();
    for (column, cell) in plan.columns.iter().zip(&row.cells) {
        let value = cell.show(now);
        if !matches!(&*column.title, "Name" | NAMESPACE_TITLE) && !value.is_empty() {
            facts.push(Fact { label: column.title.to_string(), value, style: column.style, tone: cell.tone });
        }
    }
    for (label, path) in [("Created", "metadata.creationTimestamp"), ("UID", "metadata.uid")] {
        let value = row.object.text(path);
        if !value.is_empty() {
            facts.push(fact(label, value));
        }
    }
    facts.push(fact("Version", row.version.as_str()));
    let sections = [
        ("Conditions", conditions(row, now)),
        ("Containers", containers(row)),
        ("Events", events),
        ("Labels", map(row, "metadata.labels")),
        ("Annotations", annotations(row)),
    ];
    Detail {
        version: row.version.clone(),
        missing: false,
        facts,
        sections: sections
            .into_iter()
            .filter(|(_, facts)| !facts.is_empty())
            .map(|(title, facts)| Section { title, facts })
            .collect(),
        ..absent(kind, &row.key)
    }
}

fn fact(label: impl AsRef<str>, value: impl AsRef<str>) -> Fact {
    let [label, value] = [label.as_ref(), value.as_ref()].map(|text| reveal(text).into_owned());
    Fact { label, value, style: Style::Name, tone: Tone::Plain }
}

fn conditions(row: &Row, now: Millis) -> Vec<Fact> {
    let shown = health::conditions(&row.object).into_iter().map(|condition| {
        let good = if health::is_good_when_false(&condition.kind) { "False" } else { "True" };
        let tone = match condition.status.as_str() {
            status if status == good => Tone::Good,
            "Unknown" => Tone::Busy,
            _ => Tone::Warn,
        };
        let since = age::parse(&condition.last_transition_time).map(|then| age::since(then, now));
        let why = if condition.message.is_empty() { condition.reason } else { condition.message };
        let words = [Some(condition.status), since, Some(why)];
        let words: Vec<String> = words.into_iter().flatten().filter(|word| !word.is_empty()).collect();
        Fact { style: Style::Status, tone, ..fact(condition.kind, words.join(" · ")) }
    });
    shown.collect()
}

fn containers(row: &Row) -> Vec<Fact> {
    let paths = ["spec.initContainers", "spec.containers", "spec.template.spec.containers"];
    let all = paths.into_iter().flat_map(|path| row.object.elements(path));
    all.map(|container| fact(text(container, "name"), text(container, "image"))).collect()
}

fn map(row: &Row, path: &str) -> Vec<Fact> {
    row.object.members(path).filter_map(|(name, value)| Some(fact(name, value.text()?))).collect()
}

/// What was applied last repeats the whole object, a Secret's values too: the YAML has it, masked.
fn annotations(row: &Row) -> Vec<Fact> {
    let mut facts = map(row, "metadata.annotations");
    facts.retain(|fact| fact.label != "kubectl.kubernetes.io/last-applied-configuration");
    facts
}

/// The youngest events that concern the object.
fn happenings(events: &Table, kind: &str, row: &Row, now: Millis) -> Vec<Fact> {
    let (_, name) = manifest::parts(&row.key);
    let object = line(&format!("{kind}/{name}")).into_owned();
    let of_it = |event: &&Row| {
        event.cells.get(3).is_some_and(|cell| cell.searchable() == object)
            && (row.namespace.is_empty() || event.namespace == row.namespace)
    };
    let mut found: Vec<&Row> = events.rows().filter(of_it).collect();
    order::sort(&mut found, |left, right| {
        left.cells[0].compare(&right.cells[0]).then_with(|| left.key.cmp(&right.key))
    });
    let cell =
        |event: &Row, index: usize| event.cells.get(index).map(|cell| cell.show(now)).unwrap_or_default();
    let line = |event: &&Row| Fact {
        label: format!("{} ago", cell(event, 0)),
        value: format!("{}: {}", cell(event, 2), cell(event, 5)),
        style: Style::Status,
        tone: event.tone,
    };
    found.iter().take(8).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::columns;
    use crate::model::testing::manifest;
    use serde_json::json;

    fn tables(object: serde_json::Value, kind: &str) -> HashMap<String, Table> {
        let mut table = Table::new(columns::plan(kind, true));
        table.put(manifest(object), None);
        HashMap::from([(kind.to_owned(), table)])
    }

    fn pod() -> serde_json::Value {
        json!({"kind": "Pod", "metadata": {"name": "a", "namespace": "n", "resourceVersion": "5", "labels": {"app": "<b>x</b>"}},
            "spec": {"containers": [{"name": "main", "image": "nginx"}]},
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "False", "message": "not yet"}]}})
    }

    #[test]
    fn the_detail_tells_the_facts_and_keeps_them_when_the_object_goes() {
        let mut open = Open::default();
        let mut tables = tables(pod(), "pods");
        let detail = open.show(("pods", "Pod"), "n/a", Pane::Yaml, &tables, 0);
        let titles: Vec<_> = detail.sections.iter().map(|section| section.title).collect();
        assert_eq!(titles, ["Conditions", "Containers", "Labels"]);
        assert_eq!(detail.sections[0].facts[0].tone, Tone::Warn);
        assert!(detail.yaml.as_ref().is_some_and(Result::is_ok) && !detail.gone);
        tables.get_mut("pods").unwrap().remove("n/a");
        let gone = open.show(("pods", "Pod"), "n/a", Pane::Yaml, &tables, 0);
        assert!(gone.gone && gone.facts == detail.facts && gone.yaml == detail.yaml);
        assert!(open.show(("pods", "Pod"), "n/a", Pane::Facts, &tables, 0).yaml.is_none());
        assert_eq!(open.show(("pods", "Pod"), "n/a", Pane::Yaml, &tables, 0).yaml, gone.yaml);
        open.forget("nodes");
        assert!(open.show(("pods", "Pod"), "n/a", Pane::Yaml, &tables, 0).gone);
        open.forget("pods");
        let unknown = open.show(("pods", "Pod"), "n/a", Pane::Yaml, &tables, 0);
        assert!(unknown.missing && !unknown.gone, "nobody looks at pods there any more");
        assert!(open.show(("pods", "Pod"), "n/b", Pane::Yaml, &tables, 0).missing);
    }

    #[test]
    fn an_object_nested_too_deep_for_yaml_says_so() {
        let deep = format!("{}1{}", "[".repeat(300), "]".repeat(300));
        let text = format!(
            r#"{{"kind":"W","metadata":{{"name":"a","namespace":"n","resourceVersion":"1"}},"spec":{{"x":{deep}}}}}"#
        );
        let mut table = Table::new(columns::plan("ws", true));
        table.put(manifest(serde_json::from_str::<&serde_json::value::RawValue>(&text).unwrap()), None);
        let tables = HashMap::from([("ws".to_owned(), table)]);
        let detail = Open::default().show(("ws", "W"), "n/a", Pane::Yaml, &tables, 0);
        assert!(detail.yaml.unwrap().unwrap_err().contains("127 levels"));
        assert!(!detail.missing);
    }

    #[test]
    fn yaml_is_written_once_per_version() {
        let mut open = Open::default();
        let tables = tables(pod(), "pods");
        let first = open.show(("pods", "Pod"), "n/a", Pane::Yaml, &tables, 0).yaml.unwrap().unwrap();
        let second = open.show(("pods", "Pod"), "n/a", Pane::Yaml, &tables, 9_000).yaml.unwrap().unwrap();
        assert!(Rc::ptr_eq(&first, &second));
    }

    #[test]
    fn nothing_of_a_secret_is_told() {
        let secret = json!({"kind": "Secret", "metadata": {"name": "a", "namespace": "n",
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "aHVudGVyMg=="}}, "data": {"p": "aHVudGVyMg=="}});
        let detail =
            Open::default().show(("secrets", "Secret"), "n/a", Pane::Yaml, &tables(secret, "secrets"), 0);
        assert!(!format!("{detail:?}").contains("aHVudGVyMg"));
    }
}
