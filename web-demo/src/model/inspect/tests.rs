//! Logs, the terminal and the owner tree, driven through the whole model.

use super::*;
use crate::model::act::Act;
use crate::model::frame::{Frame, Overlay};
use crate::model::palette::Target;
use crate::model::testing::manifest;
use crate::model::{Event as Happening, Wanted};
use portolan::meta::ApiResource;
use serde_json::json;

fn put(model: &mut Model, kind: &str, name: &str, owner: &str) {
    let object =
        manifest(json!({"metadata": {"name": name, "namespace": "n", "uid": name, "resourceVersion": "1",
            "ownerReferences": [{"uid": owner, "kind": "X", "name": owner, "apiVersion": "v1"}]},
        "spec": {"containers": [{"name": "main"}, {"name": "side"}]}, "status": {"phase": "Running"}}));
    model.apply(Happening::Put { kind: kind.into(), object, initial: true }, 0);
}

fn at(hash: &str) -> Model {
    let mut model = Model::default();
    let widget = ApiResource::new("example.com/v1", "Widget", "widgets", true).unwrap();
    model.apply(Happening::Discovered(vec![widget], vec![]), 0);
    put(&mut model, "deployments.apps", "d", "");
    put(&mut model, "replicasets.apps", "r", "d");
    put(&mut model, "pods", "p", "r");
    model.apply(Happening::Went(hash.into()), 0);
    model.frame(0);
    model
}

fn inspect(model: &mut Model, event: Event) {
    model.apply(Happening::Inspect(event), 0);
    model.frame(0);
}

fn asked(model: &Model) -> logs::Asked {
    match model.stream() {
        Some((_, Stream::Logs(asked))) => asked,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_stream_is_wanted_only_while_its_pane_is_on_show() {
    let mut model = at("#/pods?open=n%2Fp&pane=logs");
    assert_eq!(asked(&model).place.container, "main");
    inspect(&mut model, Event::Container("side".into()));
    assert_eq!(asked(&model).place.container, "side");
    assert!(model.frame(0).hash.contains("container=side"));
    inspect(&mut model, Event::Turn(Switch::Previous));
    assert!(asked(&model).previous && !asked(&model).follow);
    let (id, _) = model.stream().unwrap();
    model.apply(Happening::Do(super::super::Command::Show(Pane::Facts)), 0);
    model.frame(0);
    assert_eq!(model.stream(), None);
    let late = LogLine { bytes: b"late".to_vec().into(), goes_on: false };
    inspect(&mut model, Event::Lines(id, vec![late]));
    model.apply(Happening::Do(super::super::Command::Show(Pane::Logs)), 0);
    assert_eq!(model.frame(0).logs.unwrap().lines, 0, "what comes of it afterwards is dropped");
    model.apply(Happening::Do(super::super::Command::Close), 0);
    assert_eq!(model.frame(0).hash, "#/pods");
}

#[test]
fn a_deployment_shows_the_logs_of_its_pods_and_has_no_terminal() {
    let mut model = at("#/deployments.apps?open=n%2Fd&pane=logs");
    assert_eq!(asked(&model).place.pod, "p");
    put(&mut model, "pods", "a", "r");
    model.frame(0);
    assert_eq!(asked(&model).place.pod, "p", "it stays with the pod it is at");
    inspect(&mut model, Event::Pod("a".into()));
    assert_eq!(asked(&model).place.pod, "a");
    let detail = model.frame(0).detail.unwrap();
    assert!(!detail.panes.contains(&Pane::Terminal) && detail.panes.contains(&Pane::Owners));
    let mut services = at("#/services?open=n%2Fs&pane=logs");
    assert_eq!((services.stream(), services.frame(0).detail.unwrap().pane), (None, Pane::Facts));
}

#[test]
fn a_shell_runs_once_the_terminal_has_a_size() {
    let mut model = at("#/pods?open=n%2Fp&pane=terminal");
    assert_eq!(model.stream(), None);
    let size = Size { columns: 80, rows: 24 };
    inspect(&mut model, Event::Resized(size));
    let (id, Stream::Shell(place, asked)) = model.stream().unwrap() else { panic!("no shell") };
    assert_eq!((place.pod.as_str(), asked), ("p", size));
    inspect(&mut model, Event::Started(id, size));
    inspect(&mut model, Event::Text("ls".into(), false));
    assert_eq!(model.typed(), Some(Input::Bytes(b"ls".to_vec())));
    inspect(&mut model, Event::Exited(id, Ok(0)));
    assert_eq!(model.stream(), None);
    inspect(&mut model, Event::Again);
    assert!(model.stream().is_some_and(|(again, _)| again > id));
}

#[test]
fn beside_the_tree_the_metadata_of_every_kind_is_watched_where_the_object_is() {
    let mut model = at("#/pods?open=n%2Fp&pane=owners");
    let wanted = |model: &Model, kind: &str| -> Option<Wanted> {
        model.wanted().into_iter().find(|wanted| wanted.kind == kind)
    };
    let widgets = wanted(&model, "widgets.example.com").unwrap();
    assert!(widgets.metadata && widgets.namespaces == ["n"]);
    assert!(wanted(&model, "pods").is_some_and(|pods| !pods.metadata && pods.namespaces == [""]));
    put(&mut model, "widgets.example.com", "w", "p");
    let frame = model.frame(0);
    let names: Vec<_> = frame.owners.unwrap().iter().map(|line| (line.level, line.name.clone())).collect();
    assert_eq!(
        names,
        [(1, ""), (2, "d"), (3, "r"), (4, "p"), (5, "w")].map(|(level, name)| (level, name.to_owned()))
    );
    assert!(
        frame
            .navigation
            .iter()
            .flat_map(|group| &group.items)
            .all(|item| item.kind != "widgets.example.com" || item.count.is_none())
    );
    model.apply(Happening::Remove { kind: "widgets.example.com".into(), key: "n/w".into() }, 0);
    assert_eq!(model.frame(0).owners.unwrap().len(), 4);
    model.apply(Happening::Went("#/widgets.example.com?open=n%2Fw&pane=owners".into()), 0);
    assert!(wanted(&model, "widgets.example.com").is_some_and(|widgets| !widgets.metadata));
    model.apply(Happening::Went("#/pods".into()), 0);
    model.frame(0);
    assert_eq!(wanted(&model, "widgets.example.com"), None);
}

#[test]
fn what_a_pod_has_written_stays_on_show_when_it_goes() {
    let mut model = at("#/pods?open=n%2Fp&pane=logs");
    let (id, _) = model.stream().unwrap();
    let line = LogLine { bytes: b"last words".to_vec().into(), goes_on: false };
    inspect(&mut model, Event::Lines(id, vec![line]));
    let gone = || Happening::Remove { kind: "pods".into(), key: "n/p".into() };
    model.apply(gone(), 0);
    assert_eq!(model.frame(0).logs.unwrap().lines, 1);
    inspect(&mut model, Event::LogsEnded(id, None));
    let logs = model.frame(60_000).logs.unwrap();
    assert!(logs.lines == 1 && model.stream().is_none(), "{}", logs.status);
    model.apply(Happening::Went("#/pods?open=n%2Fnone&pane=logs".into()), 0);
    assert_eq!(model.frame(0).logs.unwrap().lines, 0, "another object shows nothing of it");
    let mut model = at("#/pods?open=n%2Fp&pane=terminal");
    let size = Size { columns: 80, rows: 24 };
    inspect(&mut model, Event::Resized(size));
    let (id, _) = model.stream().unwrap();
    inspect(&mut model, Event::Started(id, size));
    inspect(&mut model, Event::Output(id, b"bye".to_vec()));
    model.apply(gone(), 0);
    inspect(&mut model, Event::Exited(id, Ok(137)));
    let terminal = model.frame(0).terminal.unwrap();
    assert!(terminal.rows[0].iter().any(|(_, text)| text.contains("bye")), "{:?}", terminal.rows[0]);
}

#[test]
fn the_tree_is_watched_elsewhere_once_the_reader_stays_there() {
    let mut model = at("#/pods?open=n%2Fp&pane=owners");
    let home = |model: &Model| {
        model.wanted().into_iter().find(|wanted| wanted.kind == "widgets.example.com").unwrap().namespaces
    };
    model.apply(Happening::Open("m/q".into()), 1_000);
    model.frame(1_000);
    model.frame(1_200);
    assert_eq!(home(&model), ["n"], "not at each step");
    model.apply(Happening::Open("o/q".into()), 1_250);
    model.frame(1_250);
    model.frame(1_400);
    assert_eq!(home(&model), ["n"], "the wait begins anew");
    model.frame(1_550);
    assert_eq!(home(&model), ["o"]);
}

#[test]
fn what_is_refused_to_the_tree_asks_for_no_namespace() {
    let mut model = at("#/pods?open=n%2Fp&pane=owners");
    let forbidden = Error::api(portolan::status::failure(403, "Forbidden", "no"));
    let trouble = || {
        crate::model::trouble::Trouble::of(forbidden.kind(), "no", "s", crate::model::trouble::Reach::Unknown)
    };
    let figures = || crate::model::wire::Figures {
        phase: crate::model::wire::Phase::Retrying,
        errors: 1,
        last_error: Some(trouble()),
        ..Default::default()
    };
    model.apply(Happening::Look("widgets.example.com".into(), figures()), 0);
    model.apply(Happening::Went("#/widgets.example.com".into()), 0);
    assert!(!model.frame(0).asks_namespace, "in all namespaces at once nobody has asked yet");
    model.apply(Happening::Look("widgets.example.com".into(), figures()), 0);
    assert!(model.frame(0).asks_namespace);
    model.apply(Happening::Went("#/".into()), 0);
    assert!(!model.frame(0).asks_namespace, "the overview does not show them");
}

#[test]
fn a_key_in_the_tree_is_for_the_line_that_has_the_focus() {
    let mut model = at("#/deployments.apps?open=n%2Fd&pane=owners");
    put(&mut model, "widgets.example.com", "w", "p");
    let press = |model: &mut Model, line: Option<usize>, key: &str| {
        inspect(model, Event::Line(line));
        model.apply(Happening::Key { key: key.into(), typing: false }, 0);
        model.frame(0)
    };
    let title = |frame: Frame| match frame.overlay {
        Overlay::Dialog(dialog) => dialog.title(),
        _ => String::new(),
    };
    assert_eq!(title(press(&mut model, Some(0), "D")), "");
    for (line, told) in [
        (None, "Delete Deployment d in n?"),
        (Some(3), "Delete Pod p in n?"),
        (Some(4), "Delete Widget w in n?"),
    ] {
        assert_eq!(title(press(&mut model, line, "D")), told);
        press(&mut model, line, "Escape");
    }
    press(&mut model, Some(3), "x");
    model.apply(Happening::Do(super::super::Command::Act(Act::Delete)), 0);
    assert_eq!(title(model.frame(0)), "Delete Deployment d in n?", "a button is for the open object");
    press(&mut model, None, "Escape");
    assert_eq!(title(press(&mut model, Some(4), "S")), "", "of a widget nothing is known that scales");
    assert_eq!(press(&mut model, Some(3), "l").hash, "#/pods?open=n%2Fp&pane=logs");
}

#[test]
fn what_is_chosen_in_the_palette_is_for_the_line_that_had_the_focus_when_it_opened() {
    let mut model = at("#/deployments.apps?open=n%2Fd&pane=owners");
    inspect(&mut model, Event::Line(Some(3)));
    model.apply(Happening::Key { key: ":".into(), typing: false }, 0);
    put(&mut model, "replicasets.apps", "a", "d");
    let delete = super::super::Command::Act(Act::Delete);
    model.apply(Happening::Choose(Target::Command(delete)), 0);
    let Overlay::Dialog(dialog) = model.frame(0).overlay else { panic!("nothing is asked") };
    assert_eq!(dialog.title(), "Delete Pod p in n?", "a line has come above it meanwhile");
}
