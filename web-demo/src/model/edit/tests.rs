//! An edit driven step by step, the server's answers written out.

use super::*;
use crate::model::calls::Action;
use crate::model::changes::Change;
use crate::model::testing::yaml;
use serde_json::json;

const PLACE: (&str, &str) = ("deployments.apps", "shop/web");

fn resource() -> ApiResource {
    ApiResource::new("apps/v1", "Deployment", "deployments", true).unwrap()
}

fn right() -> Right {
    Right::new("patch", &resource(), "", "shop")
}

fn live() -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop", "resourceVersion": "7", "generation": 2,
            "labels": {"app": "web", "old": "yes"}, "managedFields": [{"manager": "kubectl"}]},
        "spec": {"replicas": 3, "template": {"spec": {"containers": [{"name": "a", "image": "one"}]}}},
        "status": {"replicas": 3},
    })
}

/// The edit with `from` replaced by `to` in its text, sent for review; and what was asked of the server.
fn reviewed(from: &str, to: &str) -> (Edit, Value) {
    let mut edit = Edit::default();
    let frame = edit.show(PLACE, &resource(), "7", || Ok(live())).unwrap();
    assert!(frame.text.contains(from), "{}", frame.text);
    edit.write(frame.text.replace(from, to));
    let patch = asked(&mut edit, 1, review, true);
    (edit, patch)
}

/// Has the text reviewed as far as it goes without the server.
fn review(edit: &mut Edit) -> Step {
    let Step { question: Some(Question::Yaml(text)), .. } = edit.review(live()) else { panic!("not read") };
    edit.sent(0);
    edit.answered(0, Ok(yaml(&text)), &right())
}

/// The patch that `step` asks for; it is sent as number `id`.
fn asked(edit: &mut Edit, id: u64, step: impl FnOnce(&mut Edit) -> Step, dry: bool) -> Value {
    let Some(Question::Server(request)) = step(edit).question else {
        panic!("nothing is asked of the server")
    };
    assert_eq!(request.query.contains(&("dryRun", "All")), dry);
    assert!(request.query.contains(&("fieldValidation", "Strict")));
    assert!(request.query.contains(&("fieldManager", "portolan-dashboard")));
    assert!(!request.query.iter().any(|(name, _)| *name == "force"));
    edit.sent(id);
    match request.action {
        Action::Patch(Patch::Merge(patch) | Patch::Apply(patch)) => patch,
        other => panic!("{other:?}"),
    }
}

fn frame(edit: &mut Edit) -> EditFrame {
    edit.show(PLACE, &resource(), "7", || Ok(live())).unwrap()
}

fn api(code: i32, message: &str, causes: &Value) -> Error {
    let status = json!({"code": code, "message": message, "details": {"causes": causes}});
    Error::api(serde_json::from_value(status).unwrap())
}

fn answer(replicas: u32) -> Value {
    let mut answer = live();
    answer["spec"]["replicas"] = json!(replicas);
    answer["metadata"]["resourceVersion"] = json!("9");
    answer
}

#[test]
fn the_text_leaves_out_what_only_the_server_writes() {
    let text = frame(&mut Edit::default()).text;
    assert!(text.contains("replicas: 3") && text.contains("name: web"), "{text}");
    for absent in ["managedFields", "resourceVersion", "generation", "status"] {
        assert!(!text.contains(absent), "{absent} in {text}");
    }
}

#[test]
fn what_is_sent_is_what_was_changed_and_nothing_else() {
    assert_eq!(reviewed("replicas: 3", "replicas: 5").1, json!({"spec": {"replicas": 5}}));
    let removed = reviewed("    old: \"yes\"\n", "").1;
    assert_eq!(removed, json!({"metadata": {"labels": {"old": null}}}), "a field may be removed");
    let containers = json!([{"name": "a", "image": "two"}]);
    let wanted = json!({"spec": {"template": {"spec": {"containers": containers}}}});
    assert_eq!(reviewed("image: one", "image: two").1, wanted);
}

#[test]
fn a_review_shows_what_would_change_and_applies_to_the_version_it_was_of() {
    let (mut edit, _) = reviewed("replicas: 3", "replicas: 5");
    assert_eq!(frame(&mut edit).busy, "Reviewed by the server …");
    let wanted = asked(&mut edit, 2, |edit| edit.answered(1, Ok(answer(5)), &right()), true);
    assert!(wanted.pointer("/metadata/managedFields").is_none() && wanted["spec"]["replicas"] == 5);
    assert!(edit.answered(2, Ok(answer(5)), &right()).question.is_none());
    let review = frame(&mut edit).review.unwrap();
    let changed: Vec<_> = review.lines.iter().filter(|line| line.change != Change::Kept).collect();
    assert_eq!(changed.len(), 2);
    assert!(changed[0].text.contains("replicas: 3") && changed[1].text.contains("replicas: 5"));
    assert!(review.conflicts.is_empty() && review.unknown.is_none());
    let patch = asked(&mut edit, 3, Edit::apply, false);
    assert_eq!(patch, json!({"spec": {"replicas": 5}, "metadata": {"resourceVersion": "9"}}));
    edit.answered(3, Ok(answer(5)), &right());
    assert!(!frame(&mut edit).touched, "it begins anew");
}

#[test]
fn fields_of_others_are_told_by_manager_and_have_to_be_taken_over() {
    let (mut edit, _) = reviewed("replicas: 3", "replicas: 5");
    asked(&mut edit, 2, |edit| edit.answered(1, Ok(answer(5)), &right()), true);
    let cause = |manager: &str, field: &str| json!({"reason": "FieldManagerConflict", "field": field, "message": format!("conflict with \"{manager}\" using apps/v1")});
    let causes = json!([
        cause("helm", ".spec.replicas"),
        cause("portolan-dashboard", ".spec.x"),
        cause("helm", ".spec.y")
    ]);
    edit.answered(2, Err(api(409, "Apply failed", &causes)), &right());
    let conflicts = frame(&mut edit).review.unwrap().conflicts.clone();
    let fields = vec![".spec.replicas".to_owned(), ".spec.y".to_owned()];
    assert_eq!(conflicts, [Conflict { manager: "helm".into(), fields }], "what this page wrote is its own");
    assert!(!frame(&mut edit).ready && edit.apply().question.is_none(), "not before they are taken over");
    edit.take(true);
    assert!(frame(&mut edit).ready);
    asked(&mut edit, 3, Edit::apply, false);
}

#[test]
fn a_server_without_apply_leaves_open_who_else_manages_the_fields() {
    let (mut edit, _) = reviewed("replicas: 3", "replicas: 5");
    asked(&mut edit, 2, |edit| edit.answered(1, Ok(answer(5)), &right()), true);
    edit.answered(2, Err(api(415, "no apply here", &json!([]))), &right());
    let unknown = frame(&mut edit).review.unwrap().unknown.clone().unwrap();
    assert!(unknown.contains("knows no server-side apply"), "{unknown}");
    asked(&mut edit, 3, Edit::apply, false);
    edit.answered(3, Err(api(409, "modified", &json!([]))), &right());
    let after = frame(&mut edit);
    assert!(after.problem.unwrap().title.starts_with("It has changed meanwhile") && after.touched);
    assert!(after.review.is_none(), "it has to be reviewed again");
}

#[test]
fn text_that_is_no_object_is_told_by_line_and_column() {
    for (text, title) in [
        ("kind: Pod\nspec: [1,\n", "Not YAML (line "),
        ("a: 1\na: 2\n", "Not YAML (line 2, column 1)"),
        ("just words", "Not an object"),
        ("", "Not an object"),
    ] {
        let mut edit = Edit::default();
        frame(&mut edit);
        edit.write(text.into());
        assert!(review(&mut edit).question.is_none());
        let problem = frame(&mut edit).problem.unwrap();
        assert!(problem.title.starts_with(title), "{text:?}: {} {}", problem.title, problem.text);
    }
    let mut edit = Edit::default();
    let text = frame(&mut edit).text;
    edit.write(text.to_string());
    assert!(review(&mut edit).question.is_none());
    assert_eq!(frame(&mut edit).problem.unwrap().title, "Nothing has been changed");
}

#[test]
fn without_the_reader_of_yaml_nothing_is_sent_and_the_text_stays() {
    let mut edit = Edit::default();
    frame(&mut edit);
    edit.write("kind: Deployment".into());
    edit.review(live());
    assert_eq!(frame(&mut edit).busy, "Read …");
    edit.sent(0);
    let gone = Error::timeout("no answer within 30 s");
    assert!(edit.answered(0, Err(gone), &right()).question.is_none());
    let after = frame(&mut edit);
    assert_eq!(after.problem.unwrap().title, "A part of this page did not load");
    assert!(after.busy.is_empty() && &*after.text == "kind: Deployment");
}

#[test]
fn a_letter_typed_meanwhile_makes_the_answer_worth_nothing() {
    let (mut edit, _) = reviewed("replicas: 3", "replicas: 5");
    edit.write("kind: Deployment".into());
    assert!(edit.answered(1, Ok(answer(5)), &right()).question.is_none());
    let after = frame(&mut edit);
    assert!(after.review.is_none() && after.busy.is_empty() && &*after.text == "kind: Deployment");
}

#[test]
fn an_untouched_text_follows_the_object_and_a_touched_one_stays() {
    let mut edit = Edit::default();
    frame(&mut edit);
    let newer = edit.show(PLACE, &resource(), "9", || Ok(answer(8))).unwrap();
    assert!(newer.text.contains("replicas: 8"));
    edit.write("mine".into());
    assert_eq!(&*edit.show(PLACE, &resource(), "10", || Ok(answer(9))).unwrap().text, "mine");
    edit.discard();
    assert!(edit.show(PLACE, &resource(), "10", || Ok(answer(9))).unwrap().text.contains("replicas: 9"));
    edit.write("mine".into());
    let other = edit.show(("pods", "shop/web"), &resource(), "1", || Ok(live())).unwrap();
    assert!(other.text.contains("replicas") && !other.touched);
    let back = edit.show(PLACE, &resource(), "11", || Ok(live())).unwrap();
    assert!(&*back.text == "mine" && back.touched, "what was written waits for the reader to come back");
}

#[test]
fn what_was_written_about_one_object_is_not_sent_to_another_of_its_name() {
    let mut edit = Edit::default();
    let text = frame(&mut edit).text;
    edit.write(text.replace("replicas: 3", "replicas: 5"));
    let mut anew = live();
    anew["metadata"]["uid"] = json!("another");
    assert!(edit.review(anew).question.is_none());
    assert_eq!(frame(&mut edit).problem.unwrap().title, "It is another object now");
}

#[test]
fn what_is_not_seen_in_a_text_is_told_and_goes_to_the_server_as_it_is() {
    let (mut edit, patch) = reviewed("image: one", "image: \"o\u{202e}n\u{200b}e\"");
    assert_eq!(patch["spec"]["template"]["spec"]["containers"][0]["image"], "o\u{202e}n\u{200b}e");
    let after = frame(&mut edit);
    assert!(after.unseen.starts_with("U+202E in line ") && after.unseen.contains("; U+200B"), "{after:?}");
    edit.discard();
    assert_eq!(&*frame(&mut edit).unseen, "", "of another text there is nothing to tell");
    edit.discard();
    let told = edit.show(PLACE, &resource(), "8", || Ok(json!({"data": {"a": "x\u{2066}y\r\nz"}})));
    let told = told.unwrap();
    assert!(told.text.contains('\u{2066}') && told.unseen.contains("U+2066"), "before a letter is typed");
    assert!(!told.text.contains('\r'), "which a text area would not give back");
}
