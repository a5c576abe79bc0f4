//! What the server prints of a kind that nobody knows, driven through the whole model.

use super::*;
use crate::model::frame::TableFrame;
use crate::model::testing::manifest;
use crate::model::wire::{Figures, Phase};
use crate::model::{Event, calls::Call};
use portolan::meta::ApiResource;
use serde_json::json;

const KIND: &str = "readings.metrics.example.com";

fn put(model: &mut Model, kind: &str, object: Value, now: Millis) {
    model.apply(Event::Put { kind: kind.into(), object: manifest(object), initial: true }, now);
}

fn reading(name: &str) -> Value {
    json!({"metadata": {"name": name, "namespace": "n", "resourceVersion": "1"}})
}

/// A page that shows readings, of which the server holds two; definitions have been looked for.
fn shown(hash: &str) -> Model {
    let mut model = Model::default();
    let resources = [
        ("metrics.example.com/v1", "Reading", "readings", true),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions", false),
    ];
    let resources = resources.map(|(version, kind, plural, namespaced)| {
        ApiResource::new(version, kind, plural, namespaced).unwrap()
    });
    model.apply(Event::Discovered(resources.into(), vec![]), 0);
    model.apply(Event::Scrolled { top: 0.0, height: 560.0 }, 0);
    model.apply(Event::Went(hash.into()), 0);
    put(&mut model, KIND, reading("a"), 0);
    put(&mut model, KIND, reading("b"), 0);
    assert!(asked(&mut model, 0).is_empty(), "a definition may still come");
    model
}

fn look(model: &mut Model, figures: Figures) {
    model.apply(Event::Look(DEFINITIONS.into(), figures), 0);
}

fn synced() -> Figures {
    Figures { phase: Phase::Live, synced: true, ..Figures::default() }
}

/// The tables that are asked for: their numbers and namespaces.
fn asked(model: &mut Model, now: Millis) -> Vec<(u64, String)> {
    model.frame(now);
    let calls = std::iter::from_fn(|| model.call(now)).filter_map(|Call { id, question }| match question {
        Question::Server(request) if matches!(request.action, Action::Print) => {
            assert_eq!(
                (request.resource.to_string().as_str(), request.query),
                (KIND, vec![("limit", "500")])
            );
            Some((id, request.target.namespace))
        }
        _ => None,
    });
    calls.collect()
}

fn table(rows: &[(&str, &str, i32)]) -> Value {
    let definition =
        |name: &str, of: &str, priority: i32| json!({"name": name, "type": of, "priority": priority});
    let row = |(name, state, heat): &(&str, &str, i32)| {
        json!({"cells": [name, state, heat, null, "5m"],
            "object": {"kind": "PartialObjectMetadata", "metadata": {"name": name, "namespace": "n"}}})
    };
    json!({"kind": "Table", "columnDefinitions": [
        definition("NAME", "string", 0), definition("Status", "string", 0), definition("Heat\n\u{202e}", "integer", 0),
        definition("Where", "string", 1), definition("Age", "string", 0),
    ], "rows": rows.iter().map(row).collect::<Vec<_>>()})
}

fn answer(model: &mut Model, id: u64, outcome: Result<Value, Error>, now: Millis) -> TableFrame {
    model.apply(Event::Answered { id, outcome }, now);
    (*model.frame(now).table.unwrap()).clone()
}

fn texts(table: &TableFrame) -> Vec<String> {
    let text =
        |cells: &[(String, _)]| cells.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>().join("|");
    table.rows.iter().map(|row| text(&row.cells)).collect()
}

#[test]
fn a_kind_that_nobody_knows_has_the_columns_and_cells_that_the_server_prints() {
    let mut model = shown(&format!("#/{KIND}"));
    look(&mut model, synced());
    let [(id, namespace)] = &asked(&mut model, 1)[..] else { panic!("not asked for once") };
    assert_eq!(namespace, "");
    assert!(asked(&mut model, 60_000).is_empty(), "it is waited for");
    let frame = answer(&mut model, *id, Ok(table(&[("a", "Hot", 9), ("b", "", 10)])), 2);
    let titles: Vec<_> = frame.columns.iter().map(|column| &*column.title).collect();
    assert_eq!(titles, ["Name", "Namespace", "Status", "Heat‹U+000A›‹U+202E›", "Where", "Age"]);
    assert_eq!(frame.columns[4].from, Width::Wide);
    assert_eq!(texts(&frame), ["a|n|Hot|9||", "b|n||10||"]);
    model.apply(Event::SortBy(titles[3].to_owned()), 3);
    assert_eq!(texts(&model.frame(3).table.unwrap()), ["b|n||10||", "a|n|Hot|9||"], "numbers are numbers");
}

#[test]
fn cells_are_asked_for_again_once_something_has_changed_and_no_sooner_than_that() {
    let mut model = shown(&format!("#/{KIND}"));
    look(&mut model, synced());
    let (id, _) = asked(&mut model, 0)[0];
    answer(&mut model, id, Ok(table(&[("a", "Hot", 9)])), 0);
    assert!(asked(&mut model, 10 * PAUSE).is_empty(), "nothing has changed");
    put(&mut model, KIND, reading("c"), 10 * PAUSE);
    let (id, _) = asked(&mut model, 10 * PAUSE)[0];
    answer(&mut model, id, Ok(table(&[("a", "Hot", 9), ("b", "", 1)])), 11 * PAUSE);
    put(&mut model, KIND, reading("a"), 11 * PAUSE);
    assert!(asked(&mut model, 12 * PAUSE - 1).is_empty(), "so soon after the last");
    assert_eq!(texts(&model.frame(12 * PAUSE - 1).table.unwrap()), ["a|n|Hot|9||", "b|n||1||", "c|n||||"]);
    let (id, _) = asked(&mut model, 12 * PAUSE)[0];
    let frame = answer(&mut model, id, Ok(table(&[("a", "Cold", 2), ("c", "New", 3)])), 12 * PAUSE);
    assert_eq!(texts(&frame), ["a|n|Cold|2||", "b|n||||", "c|n|New|3||"]);
    model.apply(Event::Remove { kind: KIND.into(), key: "n/b".into() }, 20 * PAUSE);
    assert_eq!(asked(&mut model, 20 * PAUSE).len(), 1);
}

#[test]
fn each_namespace_on_show_is_asked_for_its_own() {
    let mut model = shown(&format!("#/{KIND}?ns=n,m"));
    look(&mut model, synced());
    let both = asked(&mut model, 0);
    assert_eq!(both.iter().map(|(_, namespace)| namespace.as_str()).collect::<Vec<_>>(), ["m", "n"]);
    answer(&mut model, both[1].0, Ok(table(&[("a", "Hot", 9)])), 0);
    let frame = answer(&mut model, both[0].0, Ok(table(&[])), 0);
    assert_eq!(texts(&frame), ["a|n|Hot|9||", "b|n||||"], "what another namespace has told stays");
    model.apply(Event::Namespace(String::new()), 0);
    assert_eq!(asked(&mut model, 0).len(), 1, "another place is asked about at once");
}

#[test]
fn a_definition_is_better_and_one_that_may_not_be_read_is_none() {
    let mut model = shown(&format!("#/{KIND}"));
    let column = json!({"name": "Own", "type": "string", "jsonPath": ".own"});
    let versions = json!([{"name": "v1", "additionalPrinterColumns": [column]}]);
    put(&mut model, DEFINITIONS, json!({"metadata": {"name": KIND}, "spec": {"versions": versions}}), 0);
    look(&mut model, synced());
    assert!(asked(&mut model, 0).is_empty());
    let mut model = shown(&format!("#/{KIND}"));
    let denied = portolan::status::failure(403, "Forbidden", "no");
    let trouble = crate::model::trouble::Trouble::of(
        Error::api(denied).kind(),
        "no",
        "",
        crate::model::trouble::Reach::Unknown,
    );
    look(
        &mut model,
        Figures { phase: Phase::Retrying, errors: 1, last_error: Some(trouble), ..Figures::default() },
    );
    assert_eq!(asked(&mut model, 0).len(), 1);
    for kind in ["pods", DEFINITIONS, "nonsense"] {
        model.apply(Event::Went(format!("#/{kind}")), 0);
        assert!(asked(&mut model, 0).is_empty(), "{kind}");
    }
}

#[test]
fn a_server_that_makes_no_table_is_asked_rarely() {
    for outcome in [Ok(json!({"kind": "ReadingList", "items": []})), Err(Error::timeout("no answer"))] {
        let mut model = shown(&format!("#/{KIND}"));
        look(&mut model, synced());
        let (id, _) = asked(&mut model, 0)[0];
        assert_eq!(answer(&mut model, id, outcome, 0).columns.len(), 4, "what every object has");
        put(&mut model, KIND, reading("c"), 1);
        assert!(asked(&mut model, AFTER_FAILURE - 1).is_empty());
        assert_eq!(asked(&mut model, AFTER_FAILURE).len(), 1);
    }
}
