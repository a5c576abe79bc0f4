//! Kinds that can be listed and not watched, as those of metrics.k8s.io: shown as they were when they were listed, which is
//! told, until the reader has them listed anew.
//!
//! Invariant: their objects come with what the server prints of them (`server_table`), and by no other way.

use std::collections::HashSet;
use std::sync::Arc;

use portolan::Error;
use portolan::object::Lazy;
use serde_json::Value;

use super::Model;
use super::age::{self, Millis};
use super::catalogue::Kind;
use super::manifest::Manifest;
use super::table::Table;
use super::trouble::{Reach, Trouble};

/// What came of listing the kind on show.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// When it was listed last.
    at: Option<Millis>,
    /// Where it could not be listed, and why.
    trouble: Option<(String, Trouble)>,
}

impl Listing {
    /// Why it could not be listed.
    pub(super) fn trouble(&self) -> Option<&Trouble> {
        self.trouble.as_ref().map(|(_, trouble)| trouble)
    }

    /// Whether it has been listed.
    pub(super) fn is_there(&self) -> bool {
        self.at.is_some()
    }
}

impl Model {
    /// What came of listing `kind`, when it is one that cannot be watched.
    pub(super) fn listing(&self, kind: &str) -> Option<&Listing> {
        let asked =
            self.server_tables.is_of(kind) && self.catalogue.kind(kind).is_some_and(|kind| !kind.live);
        asked.then_some(&self.server_tables.listing)
    }

    /// How old what is on show of `kind` is, in words; of one that is watched nothing is to be said.
    pub(super) fn listed(&self, kind: &Kind, now: Millis) -> Option<String> {
        let words = match self.listing(&kind.id) {
            _ if kind.live => return None,
            Some(_) if self.server_tables.is_waiting() => "being listed …".to_owned(),
            Some(Listing { trouble: Some((_, trouble)), .. }) => trouble.title.clone(),
            Some(Listing { at: Some(at), .. }) => format!("listed {} ago", age::since(*at, now)),
            _ => "to be listed …".to_owned(),
        };
        Some(format!("Not live: {words}"))
    }

    /// Takes the objects that the server has of `kind` in `namespace`, be they in a table or in a list. What was there and is
    /// not among them has gone.
    pub(super) fn list(&mut self, kind: &str, namespace: &str, outcome: Result<Value, Error>, now: Millis) {
        let answer = match outcome {
            Ok(answer) => answer,
            Err(error) => {
                let trouble = Trouble::of(error.kind(), &error.to_string(), &self.source, Reach::Unknown);
                if trouble.forbids() && namespace.is_empty() {
                    self.narrowed.insert(kind.to_owned());
                }
                self.server_tables.listing.trouble = Some((namespace.to_owned(), trouble));
                return;
            }
        };
        let here = |namespace: &str, own: &str| namespace.is_empty() || namespace == own;
        let rows = self.tables.get(kind).into_iter().flat_map(Table::rows);
        let mut gone: HashSet<String> =
            rows.filter(|row| here(namespace, &row.namespace)).map(|row| row.key.clone()).collect();
        let printed = answer["rows"].as_array().into_iter().flatten().map(|row| &row["object"]);
        for object in printed.chain(answer["items"].as_array().into_iter().flatten()) {
            let Ok(object) = Lazy::from_typed(object) else { continue };
            let object = Manifest::from(Arc::new(object));
            gone.remove(&object.key());
            self.put(kind, object, None);
        }
        gone.iter().for_each(|key| self.remove(kind, key));
        let listing = &mut self.server_tables.listing;
        listing.at = Some(now);
        listing.trouble.take_if(|(failed, _)| failed == namespace);
        self.server_tables.listed(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Event;
    use crate::model::calls::{Action, Call, Question};
    use crate::model::frame::{Empty, Frame};
    use crate::model::wire::{Figures, Phase};
    use portolan::meta::ApiResource;
    use portolan::status::failure;
    use serde_json::json;

    const KIND: &str = "pods.metrics.k8s.io";

    /// A page that is live and shows what pods use, at `hash`.
    fn shown(hash: &str) -> Model {
        let mut model = Model::default();
        let metrics = ApiResource::new("metrics.k8s.io/v1beta1", "PodMetrics", "pods", true).unwrap();
        model.apply(Event::Discovered(vec![], vec![metrics]), 0);
        model.apply(Event::Scrolled { top: 0.0, height: 560.0 }, 0);
        let live = Figures { phase: Phase::Live, synced: true, ..Figures::default() };
        model.apply(Event::Look("pods".into(), live), 0);
        model.apply(Event::Went(hash.into()), 0);
        model
    }

    /// The numbers and namespaces of the lists that are asked for.
    fn asked(model: &mut Model, now: Millis) -> Vec<(u64, String)> {
        model.frame(now);
        let calls =
            std::iter::from_fn(|| model.call(now)).filter_map(|Call { id, question }| match question {
                Question::Server(request) if matches!(request.action, Action::Print) => {
                    assert_eq!(request.resource.to_string(), KIND);
                    assert_eq!(request.query, [("includeObject", "Object")], "the objects, and all of them");
                    Some((id, request.target.namespace))
                }
                _ => None,
            });
        calls.collect()
    }

    fn object(name: &str) -> Value {
        json!({"kind": "PodMetrics", "apiVersion": "metrics.k8s.io/v1beta1", "metadata": {"name": name, "namespace": "n"},
            "containers": [{"name": "main", "usage": {"cpu": "7m"}}]})
    }

    fn table(rows: &[(&str, &str)]) -> Value {
        let row = |(name, cpu): &(&str, &str)| json!({"cells": [name, cpu], "object": object(name)});
        json!({"kind": "Table", "rows": rows.iter().map(row).collect::<Vec<_>>(),
            "columnDefinitions": [{"name": "Name", "type": "string"}, {"name": "CPU", "type": "string"}]})
    }

    fn answer(model: &mut Model, id: u64, outcome: Result<Value, Error>, now: Millis) -> Frame {
        model.apply(Event::Answered { id, outcome }, now);
        model.frame(now)
    }

    /// What is told of the age of the rows, and the rows' first and last but one cells.
    fn told(frame: &Frame) -> (String, Vec<String>) {
        let table = frame.table.as_ref().unwrap();
        let row = |cells: &[(String, _)]| format!("{} {}", cells[0].0, cells[cells.len() - 2].0);
        (table.listed.clone().unwrap_or_default(), table.rows.iter().map(|row_| row(&row_.cells)).collect())
    }

    #[test]
    fn what_cannot_be_watched_is_listed_once_and_again_when_the_reader_says_so() {
        let mut model = shown(&format!("#/{KIND}?all=1"));
        assert!(model.wanted().iter().all(|wanted| wanted.kind != KIND), "no informer is asked for it");
        assert_eq!(model.frame(0).table.unwrap().empty, Some(Empty::Loading));
        let (id, _) = asked(&mut model, 0)[0];
        assert_eq!(told(&model.frame(0)).0, "Not live: being listed …");
        let frame = answer(&mut model, id, Ok(table(&[("a", "7m"), ("b", "9m")])), 0);
        assert_eq!(told(&frame), ("Not live: listed 0s ago".into(), vec!["a 7m".into(), "b 9m".into()]));
        assert_eq!((frame.connection.state, frame.notice), ("live", None));
        assert!(asked(&mut model, 3_600_000).is_empty(), "nobody says that it has changed");
        assert_eq!(told(&model.frame(60_000)).0, "Not live: listed 60s ago");
        model.apply(Event::Refresh, 60_000);
        let (id, _) = asked(&mut model, 60_000)[0];
        model.apply(Event::Refresh, 60_000);
        assert!(asked(&mut model, 60_000).is_empty(), "it is under way");
        let frame = answer(&mut model, id, Ok(table(&[("b", "8m"), ("c", "1m")])), 60_000);
        assert_eq!(told(&frame), ("Not live: listed 0s ago".into(), vec!["b 8m".into(), "c 1m".into()]));
        model.apply(Event::Open("n/c".into()), 60_000);
        assert!(!model.frame(60_000).detail.unwrap().missing, "its objects are as any others");
        model.apply(Event::Went("#/pods".into()), 60_000);
        assert_eq!(model.frame(60_000).table.unwrap().listed, None, "pods are live");
    }

    #[test]
    fn a_server_that_makes_no_table_gives_a_list() {
        let mut model = shown(&format!("#/{KIND}"));
        let (id, _) = asked(&mut model, 0)[0];
        let list = json!({"kind": "PodMetricsList", "items": [object("a")]});
        assert_eq!(told(&answer(&mut model, id, Ok(list), 0)).1.len(), 1);
        model.apply(Event::Refresh, 1);
        let (id, _) = asked(&mut model, 1)[0];
        let frame = answer(&mut model, id, Ok(json!({"kind": "PodMetricsList", "items": []})), 1);
        assert_eq!(frame.table.unwrap().empty, Some(Empty::None));
    }

    #[test]
    fn who_may_not_list_is_told_so_and_asked_for_a_namespace() {
        let mut model = shown(&format!("#/{KIND}"));
        let (id, _) = asked(&mut model, 0)[0];
        let frame = answer(&mut model, id, Err(Error::api(failure(403, "Forbidden", "no"))), 0);
        let Some(Empty::Trouble(trouble)) = &frame.table.as_ref().unwrap().empty else { panic!("{frame:?}") };
        assert!(trouble.forbids() && frame.asks_namespace && frame.notice.is_none());
        assert_eq!(told(&frame).0, "Not live: Not allowed (403)");
        model.apply(Event::Namespace("n".into()), 1);
        let (id, namespace) = asked(&mut model, 1)[0].clone();
        assert_eq!(namespace, "n");
        assert_eq!(told(&answer(&mut model, id, Ok(table(&[("a", "7m")])), 1)).1, ["a 7m"]);
    }

    #[test]
    fn a_failure_keeps_what_was_listed_is_told_and_tried_again_after_a_while() {
        let mut model = shown(&format!("#/{KIND}?ns=m,n"));
        let [m, n] = &asked(&mut model, 0)[..] else { panic!("not both") };
        let (m, n) = (m.0, n.0);
        answer(&mut model, n, Ok(table(&[("a", "7m")])), 0);
        answer(&mut model, m, Ok(table(&[])), 0);
        model.apply(Event::Refresh, 1);
        let again = asked(&mut model, 1);
        let down = Error::api(failure(
            503,
            "ServiceUnavailable",
            "the server is currently unable to handle the request",
        ));
        answer(&mut model, again[0].0, Err(down), 1);
        let frame = answer(&mut model, again[1].0, Ok(table(&[("a", "7m")])), 1);
        assert_eq!(told(&frame), ("Not live: The server failed".into(), vec!["a 7m".into()]));
        assert!(frame.notice.unwrap().advice.contains("tries again by itself"));
        let again = asked(&mut model, 3_600_000);
        assert_eq!(again.len(), 2);
        answer(&mut model, again[0].0, Ok(table(&[])), 3_600_000);
        let frame = answer(&mut model, again[1].0, Ok(table(&[("a", "7m")])), 3_600_000);
        assert_eq!((told(&frame).0.as_str(), frame.notice), ("Not live: listed 0s ago", None));
    }
}
