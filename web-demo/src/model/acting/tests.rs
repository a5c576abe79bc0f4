//! Changes driven as the page drives them.

use portolan::Error;
use serde_json::{Value, json};

use crate::model::act::{Act, Propagation};
use crate::model::calls::{Action, Call, Question};
use crate::model::frame::{Overlay, Report};
use crate::model::testing::{manifest, yaml};
use crate::model::{Errand, Event, Model};

fn model(hash: &str, kind: &str, object: Value) -> Model {
    let mut model = Model::default();
    model.apply(Event::Went(hash.into()), 0);
    model.apply(Event::Put { kind: kind.into(), object: manifest(object), initial: true }, 0);
    model.frame(0);
    while model.errand().is_some() {}
    model
}

fn deployment() -> Model {
    let object = json!({"kind": "Deployment", "metadata": {"name": "web", "namespace": "shop", "uid": "u", "resourceVersion": "1"},
        "spec": {"replicas": 2}});
    model("#/deployments.apps?open=shop%2Fweb", "deployments.apps", object)
}

fn press(model: &mut Model, keys: &[&str]) {
    for key in keys {
        model.apply(Event::Key { key: (*key).into(), typing: false }, 0);
    }
}

/// The calls that are not questions about rights.
fn changes(model: &mut Model) -> Vec<Call> {
    let calls: Vec<Call> = std::iter::from_fn(|| model.call(0)).collect();
    let asks = |question: &Question| matches!(question, Question::Server(request) if matches!(request.action, Action::Ask(_)));
    calls.into_iter().filter(|call| !asks(&call.question)).collect()
}

/// Denies every right that is asked for.
fn deny(model: &mut Model) -> usize {
    let calls: Vec<Call> = std::iter::from_fn(|| model.call(0)).collect();
    let answer = json!({"status": {"allowed": false, "reason": "no rule"}});
    for call in &calls {
        model.apply(Event::Answered { id: call.id, outcome: Ok(answer.clone()) }, 0);
    }
    calls.len()
}

fn forbidden() -> Error {
    Error::api(serde_json::from_value(json!({"code": 403, "message": "no"})).unwrap())
}

#[test]
fn nothing_is_sent_before_the_reader_has_said_yes() {
    let mut model = deployment();
    press(&mut model, &["D"]);
    assert_eq!(model.errand(), Some(Errand::FocusDialog));
    let Overlay::Dialog(dialog) = model.frame(0).overlay else { panic!("no dialog") };
    assert_eq!(dialog.title(), "Delete Deployment web in shop?");
    assert!(changes(&mut model).is_empty());
    press(&mut model, &["j", "D", "Escape"]);
    assert_eq!(model.frame(0).overlay, Overlay::None);
    assert!(changes(&mut model).is_empty());
    press(&mut model, &["D"]);
    model.apply(Event::Propagation(Propagation::Foreground), 0);
    press(&mut model, &["Enter"]);
    let calls = changes(&mut model);
    let [Call { id, question: Question::Server(request) }] = &calls[..] else { panic!("{calls:?}") };
    let Action::Delete(options) = &request.action else { panic!("{request:?}") };
    assert_eq!(
        (&options["propagationPolicy"], &options["preconditions"]["uid"]),
        (&json!("Foreground"), &json!("u"))
    );
    assert!(matches!(model.frame(0).report, Some(Report::Pending(_))));
    model.apply(Event::Answered { id: *id, outcome: Ok(json!({"kind": "Status"})) }, 0);
    assert_eq!(model.frame(0).report, Some(Report::Done("Deployment web in shop has been deleted.".into())));
    assert_eq!(model.frame(60_000).report, None, "said for a while");
}

#[test]
fn a_refusal_stays_until_it_is_read() {
    let mut model = deployment();
    press(&mut model, &["R", "Enter"]);
    let id = changes(&mut model)[0].id;
    model.apply(Event::Answered { id, outcome: Err(forbidden()) }, 0);
    let trouble = model.frame(600_000).failure.unwrap();
    assert_eq!(trouble.command, "kubectl auth can-i patch deployments.apps -n shop");
    press(&mut model, &["R", "Enter"]);
    let id = changes(&mut model)[0].id;
    model.apply(Event::Answered { id, outcome: Ok(json!({})) }, 0);
    let frame = model.frame(0);
    assert!(
        matches!(frame.report, Some(Report::Done(_))) && frame.failure.is_some(),
        "what goes well hides no failure"
    );
    model.apply(Event::Dismiss, 0);
    assert_eq!(model.frame(0).failure, None);
}

#[test]
fn replicas_that_are_no_number_keep_the_dialog_open() {
    let mut model = deployment();
    press(&mut model, &["S"]);
    model.apply(Event::Replicas("many".into()), 0);
    press(&mut model, &["Enter"]);
    let Overlay::Dialog(dialog) = model.frame(0).overlay else { panic!("closed") };
    assert!(dialog.problem.contains("whole number") && changes(&mut model).is_empty());
    model.apply(Event::Replicas("7".into()), 0);
    press(&mut model, &["Enter"]);
    let calls = changes(&mut model);
    let Question::Server(request) = &calls[0].question else { panic!("{calls:?}") };
    assert_eq!(request.subresource, "scale");
}

#[test]
fn what_is_not_allowed_is_not_offered_and_says_why() {
    let mut model = deployment();
    let enabled = model.frame(0).acts;
    assert_eq!(
        enabled.iter().map(|act| act.act).collect::<Vec<_>>(),
        [Act::Scale, Act::Restart, Act::Delete]
    );
    assert!(enabled.iter().all(|act| act.denied.is_none()), "not known to be denied");
    assert_eq!(deny(&mut model), 3, "scale, patch, delete: each once");
    assert_eq!(deny(&mut model), 0);
    let acts = model.frame(0).acts;
    assert_eq!(acts[2].denied.as_deref(), Some("You may not delete deployments.apps in shop: no rule"));
    press(&mut model, &["D"]);
    let frame = model.frame(0);
    assert!(frame.overlay == Overlay::None && frame.failure.is_some());
    press(&mut model, &["e"]);
    assert!(model.frame(0).edit.unwrap().unwrap().denied.is_some());
}

#[test]
fn a_key_that_does_not_fit_the_kind_does_nothing() {
    let mut model = deployment();
    press(&mut model, &["C"]);
    assert_eq!(model.frame(0).overlay, Overlay::None);
    model.apply(Event::Remove { kind: "deployments.apps".into(), key: "shop/web".into() }, 0);
    press(&mut model, &["D"]);
    let frame = model.frame(0);
    assert!(frame.overlay == Overlay::None && frame.acts.is_empty(), "it has gone");
}

#[test]
fn a_secret_is_edited_only_once_its_values_are_shown_and_masked_when_another_opens() {
    let secret = |name: &str| json!({"kind": "Secret", "metadata": {"name": name, "namespace": "n", "resourceVersion": "1"}, "data": {"p": "aHVudGVyMg=="}});
    let mut model = Model::default();
    let secrets = portolan::meta::ApiResource::new("v1", "Secret", "secrets", true).unwrap();
    model.apply(Event::Discovered(vec![secrets], vec![]), 0);
    model.apply(Event::Went("#/secrets?open=n%2Fa&pane=edit".into()), 0);
    for name in ["a", "b"] {
        model.apply(Event::Put { kind: "secrets".into(), object: manifest(secret(name)), initial: true }, 0);
    }
    let masked = model.frame(0);
    assert!(masked.edit.is_none() && !format!("{masked:?}").contains("aHVudGVyMg"));
    press(&mut model, &["x"]);
    assert!(model.frame(0).edit.unwrap().unwrap().text.contains("aHVudGVyMg"));
    model.apply(Event::Went("#/secrets?open=n%2Fa&pane=yaml".into()), 0);
    let shown = model.frame(0).detail.unwrap();
    assert!(shown.revealed == Some(true) && format!("{:?}", shown.yaml).contains("aHVudGVyMg"));
    press(&mut model, &["x"]);
    let again = model.frame(0).detail.unwrap();
    assert!(!format!("{:?}", again.yaml).contains("aHVudGVyMg"), "masked again");
    press(&mut model, &["x"]);
    model.frame(0);
    model.apply(Event::Open("n/b".into()), 0);
    let other = model.frame(0).detail.unwrap();
    assert!(other.revealed == Some(false) && !format!("{:?}", other.yaml).contains("aHVudGVyMg"));
    model.apply(Event::Open("n/a".into()), 0);
    assert_eq!(model.frame(0).detail.unwrap().revealed, Some(false));
}

#[test]
fn an_object_that_is_too_large_is_not_edited_and_says_so() {
    let sized = |bytes: usize| {
        let object = json!({"kind": "ConfigMap", "metadata": {"name": "a", "namespace": "n", "resourceVersion": "1"},
            "data": {"x": "y".repeat(bytes)}});
        model("#/configmaps?open=n%2Fa&pane=edit", "configmaps", object)
    };
    assert!(sized(500 << 10).frame(0).edit.unwrap().is_ok());
    let mut model = sized(1_500 << 10);
    let why = model.frame(0).edit.unwrap().unwrap_err();
    assert!(
        why.contains("it has 1500 KB") && why.contains("512 KB") && why.contains("kubectl edit"),
        "{why}"
    );
    press(&mut model, &["y"]);
    assert!(model.frame(0).edit.is_none(), "what it is can be read");
}

#[test]
fn the_editor_takes_the_caret_from_the_key() {
    let mut model = deployment();
    press(&mut model, &["e"]);
    assert_eq!(model.errand(), Some(Errand::FocusEditor));
    assert!(model.frame(0).edit.unwrap().unwrap().text.contains("replicas: 2"));
}

#[test]
fn a_denial_is_believed_for_a_minute_of_what_is_not_open_too() {
    let mut model = deployment();
    deny(&mut model);
    press(&mut model, &["j", "Escape", "D"]);
    let frame = model.frame(0);
    assert!(frame.overlay == Overlay::None && frame.failure.is_some());
    model.apply(Event::Key { key: "D".into(), typing: false }, 60_000);
    assert!(matches!(model.frame(60_000).overlay, Overlay::Dialog(_)), "the server has the last word");
}

/// The deployment with another number of replicas, reviewed; and the call that applies it.
fn applying() -> (Model, u64) {
    let mut model = deployment();
    press(&mut model, &["e"]);
    let text = model.frame(0).edit.unwrap().unwrap().text.replace("replicas: 2", "replicas: 3");
    model.apply(Event::Write(text), 0);
    model.apply(Event::Review, 0);
    let calls = changes(&mut model);
    let [Call { id, question: Question::Yaml(text) }] = &calls[..] else { panic!("{calls:?}") };
    model.apply(Event::Answered { id: *id, outcome: Ok(yaml(text)) }, 0);
    for _ in ["tried", "looked at"] {
        let id = changes(&mut model)[0].id;
        let answer = json!({"kind": "Deployment", "metadata": {"name": "web", "namespace": "shop", "uid": "u", "resourceVersion": "1"},
            "spec": {"replicas": 3}});
        model.apply(Event::Answered { id, outcome: Ok(answer) }, 0);
    }
    model.apply(Event::Apply, 0);
    let id = changes(&mut model)[0].id;
    (model, id)
}

fn other(model: &mut Model) {
    let object = json!({"kind": "Deployment", "metadata": {"name": "other", "namespace": "shop", "uid": "o", "resourceVersion": "1"}});
    model.apply(Event::Put { kind: "deployments.apps".into(), object: manifest(object), initial: true }, 0);
    model.apply(Event::Open("shop/other".into()), 0);
    model.frame(0);
}

#[test]
fn what_came_of_an_edit_is_told_wherever_the_reader_has_gone() {
    let meanwhile: [fn(&mut Model); 5] = [
        |_| {},
        other,
        |model| model.apply(Event::Write("kind: Deployment".into()), 0),
        |model| model.apply(Event::Discard, 0),
        |model| model.apply(Event::Review, 0),
    ];
    for (at, meanwhile) in meanwhile.into_iter().enumerate() {
        let (mut model, id) = applying();
        meanwhile(&mut model);
        assert!(changes(&mut model).is_empty(), "{at}: nothing else is sent meanwhile");
        model.apply(Event::Answered { id, outcome: Ok(json!({})) }, 0);
        assert_eq!(
            model.frame(0).report,
            Some(Report::Done("Deployment web has been changed.".into())),
            "{at}"
        );
        let (mut model, id) = applying();
        meanwhile(&mut model);
        model.apply(Event::Answered { id, outcome: Err(forbidden()) }, 0);
        let frame = model.frame(0);
        let beside = frame.edit.and_then(Result::ok).and_then(|edit| edit.problem);
        assert_eq!(frame.failure.or(beside).unwrap().title, "Not allowed (403)", "{at}");
    }
}

#[test]
fn what_is_refused_while_another_object_is_on_show_waits_for_the_reader() {
    let (mut model, id) = applying();
    other(&mut model);
    model.apply(Event::Answered { id, outcome: Err(forbidden()) }, 0);
    model.apply(Event::Open("shop/web".into()), 0);
    let edit = model.frame(0).edit.unwrap().unwrap();
    assert!(
        edit.touched && edit.text.contains("replicas: 3") && edit.problem.is_some() && edit.busy.is_empty()
    );
}

#[test]
fn the_values_of_a_secret_are_revealed_only_where_they_are_on_show_and_masked_when_it_is_closed() {
    let secret = json!({"kind": "Secret", "metadata": {"name": "a", "namespace": "n", "resourceVersion": "1"}, "data": {"p": "aHVudGVyMg=="}});
    let mut model = Model::default();
    let secrets = portolan::meta::ApiResource::new("v1", "Secret", "secrets", true).unwrap();
    model.apply(Event::Discovered(vec![secrets], vec![]), 0);
    model.apply(Event::Went("#/secrets?open=n%2Fa".into()), 0);
    model.apply(Event::Put { kind: "secrets".into(), object: manifest(secret), initial: true }, 0);
    let revealed = |model: &mut Model| model.frame(0).detail.unwrap().revealed;
    press(&mut model, &["x"]);
    assert_eq!(revealed(&mut model), Some(false), "there are none among the facts");
    press(&mut model, &["y", "x"]);
    assert_eq!(revealed(&mut model), Some(true));
    press(&mut model, &["Escape"]);
    model.frame(0);
    press(&mut model, &["x", "Enter", "y"]);
    assert_eq!(revealed(&mut model), Some(false), "closed, they are masked");
}
