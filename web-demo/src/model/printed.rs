//! Columns that are paths: the printer columns of custom resources.
//!
//! Invariant: read from the object on the page, so that a cell is as live as its row.

use std::borrow::Cow;
use std::rc::Rc;

use portolan::object::Json;

use super::cell::{Cell, Value, number};
use super::columns::{AGE, Cells, Column, NAME, NAMESPACE, Plan, STATUS, Style, Width};
use super::fields;
use super::json_path::JsonPath;
use super::manifest::{Manifest, text};
use super::reveal::line;

/// The kind whose objects define the others.
pub(super) const DEFINITIONS: &str = "customresourcedefinitions.apiextensions.k8s.io";

/// One column: what is at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Printed {
    path: JsonPath,
    of: Type,
}

/// What a column's values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Text,
    Number,
    Date,
}

use Type::{Date, Number, Text};

/// The plan of a custom resource, as `definition` has it for `version`.
pub(super) fn custom(definition: &Manifest, version: &str, namespaced: bool) -> Option<Plan> {
    let found = definition.elements("spec.versions").find(|found| text(*found, "name") == version)?;
    let columns = found.at("additionalPrinterColumns").into_iter().flat_map(Json::elements).map(|column| {
        let of = match &*text(column, "type") {
            "integer" | "number" => Number,
            "date" => Date,
            _ => Text,
        };
        let apart = text(column, "priority").parse().is_ok_and(|priority: i32| priority > 0);
        let from = if apart { Width::Wide } else { Width::Medium };
        (Cow::Owned(line(&text(column, "name")).into_owned()), text(column, "jsonPath"), of, from)
    });
    Some(plan(columns, namespaced))
}

/// The columns that every object has, with what is at the paths among them; what they hold already is not doubled.
pub(super) fn plan<'a>(
    paths: impl Iterator<Item = (Cow<'static, str>, Cow<'a, str>, Type, Width)>,
    namespaced: bool,
) -> Plan {
    let (mut columns, mut printed) = (Vec::new(), Vec::new());
    for (title, path, of, from) in paths.filter(|(_, path, ..)| path != ".status.phase") {
        if let (Some(column), Some(path)) = (column(title, of, from), JsonPath::parse(&path)) {
            columns.push(column);
            printed.push(Printed { path, of });
        }
    }
    Plan {
        columns: framed(columns, namespaced).into(),
        cells: Cells::Printed { paths: Rc::new(printed), namespaced },
        order: (0, false),
    }
}

/// A column of a kind's own; none when it is called as one that every object has.
pub(super) fn column(title: Cow<'static, str>, of: Type, from: Width) -> Option<Column> {
    let named = [NAME, NAMESPACE, STATUS, AGE].iter().any(|own| own.title.eq_ignore_ascii_case(&title));
    let (style, width) = match of {
        Text => (Style::Text, "minmax(88px, 1fr)"),
        Number | Date => (Style::Number, "88px"),
    };
    (!named).then_some(Column { title, style, width, from })
}

/// Name, namespace and status, then `own`, then the age.
pub(super) fn framed(own: Vec<Column>, namespaced: bool) -> Vec<Column> {
    let before = [NAME].into_iter().chain(namespaced.then_some(NAMESPACE)).chain([STATUS]);
    before.chain(own).chain([AGE]).collect()
}

/// The cells of one object in those columns.
pub(super) fn cells(
    object: &Manifest,
    status: Cell,
    own: impl Iterator<Item = Cell>,
    namespaced: bool,
) -> Vec<Cell> {
    let namespace = namespaced.then(|| fields::namespace(object));
    let before = [fields::name(object)].into_iter().chain(namespace).chain([status]);
    before.chain(own).chain([fields::created(object)]).collect()
}

/// How much of a value that is no single word is shown, in bytes.
const MOST: usize = 200;

/// `text`, cut where it is too long for a cell.
pub(super) fn cut(text: &mut String) {
    if text.len() > MOST {
        text.truncate(text.floor_char_boundary(MOST));
        text.push('…');
    }
}

impl Printed {
    /// What is at its path in `object`.
    pub(super) fn cell(&self, object: &Manifest) -> Cell {
        let values = self.path.values(object.root());
        let mut text = String::new();
        for value in values.into_iter().filter(|value| !value.is_null()) {
            if !text.is_empty() {
                text.push_str(", ");
            }
            match value.text() {
                Some(word) => text.push_str(&word),
                None => text.push_str(&String::from_utf8_lossy(&value.raw())),
            }
            if text.len() > MOST {
                break;
            }
        }
        cut(&mut text);
        match self.of {
            Number => match number(&text) {
                Some(number) => Cell { value: Value::Number(number, text), ..Cell::text("") },
                None => Cell::text(text),
            },
            Date => Cell::since(Some(&text)),
            Text => Cell::text(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::built_in::built_in;
    use crate::model::testing::manifest;
    use serde_json::json;

    fn shown(plan: &Plan, object: serde_json::Value) -> Vec<(String, String)> {
        let cells = plan.cells(&manifest(object));
        assert_eq!(cells.len(), plan.columns.len(), "one cell per column");
        let titles = plan.columns.iter().map(|column| column.title.to_string());
        titles.zip(cells.iter().map(|cell| cell.show(61_000))).collect()
    }

    fn value<'a>(shown: &'a [(String, String)], title: &str) -> &'a str {
        &shown.iter().find(|(found, _)| found == title).unwrap().1
    }

    #[test]
    fn a_custom_resource_has_the_columns_of_its_definition_and_version() {
        let column = |name: &str, kind: &str, path: &str, priority: i32| json!({"name": name, "type": kind, "jsonPath": path, "priority": priority});
        let definition = manifest(json!({"spec": {"versions": [
            {"name": "v1", "additionalPrinterColumns": [column("Old", "string", ".spec.old", 0)]},
            {"name": "v2", "additionalPrinterColumns": [
                column("Ready", "string", ".status.conditions[?(@.type==\"Ready\")].status", 0),
                column("Size", "integer", ".spec.size", 0),
                column("Renewed", "date", ".status.renewed", 1),
                column("Parts", "string", ".spec.parts[*]", 0),
                column("Whole", "string", ".spec.whole", 0),
                column("Odd", "string", ".spec..odd", 0),
                column("Phase", "string", ".status.phase", 0),
                column("Age", "date", ".metadata.creationTimestamp", 0),
            ]},
        ]}}));
        let plan = custom(&definition, "v2", true).unwrap();
        let titles: Vec<_> = plan.columns.iter().map(|column| &*column.title).collect();
        assert_eq!(
            titles,
            ["Name", "Namespace", "Status", "Ready", "Size", "Renewed", "Parts", "Whole", "Age"]
        );
        assert_eq!(plan.columns[5].from, Width::Wide);
        let shown = shown(
            &plan,
            json!({"metadata": {"name": "w"}, "spec": {"size": 12, "parts": ["a", "b"], "whole": {"x": 1}},
            "status": {"renewed": "1970-01-01T00:00:01Z", "conditions": [{"type": "Ready", "status": "True"}]}}),
        );
        for (title, expected) in [
            ("Ready", "True"),
            ("Size", "12"),
            ("Renewed", "60s"),
            ("Parts", "a, b"),
            ("Whole", "{\"x\":1}"),
            ("Status", "Ready"),
        ] {
            assert_eq!(value(&shown, title), expected, "{title}");
        }
        assert!(custom(&definition, "v3", true).is_none());
    }

    #[test]
    fn what_is_long_is_cut() {
        let plan = built_in("roles.rbac.authorization.k8s.io", true).unwrap();
        let many: Vec<String> = (0..500).map(|place| format!("größe-{place}")).collect();
        let shown = shown(&plan, json!({"rules": [{"resources": many}]}));
        assert!(value(&shown, "Resources").len() <= MOST + 3);
    }
}
