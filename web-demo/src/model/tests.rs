//! The model driven as the page drives it.

use super::frame::{Empty, Overlay};
use super::palette::Target;
use super::testing::manifest;
use super::wire::Phase;
use super::*;
use serde_json::json;

fn pod(name: &str, version: u32, phase: &str) -> Manifest {
    manifest(json!({"metadata": {"name": name, "namespace": "n", "resourceVersion": version.to_string()},
        "spec": {"containers": [{}]}, "status": {"phase": phase}}))
}

fn live(objects: usize) -> Figures {
    Figures { phase: Phase::Live, synced: true, watching: true, objects, ..Figures::default() }
}

fn with_pods(count: usize) -> Model {
    let mut model = Model::default();
    model.apply(Event::Went("#/pods".into()), 0);
    model.apply(Event::Scrolled { top: 0.0, height: 560.0 }, 0);
    for index in 0..count {
        let object = pod(&format!("pod-{index:05}"), 1, "Running");
        model.apply(Event::Put { kind: "pods".into(), object, initial: true }, 0);
    }
    model.apply(Event::Look("pods".into(), live(count)), 0);
    model
}

fn press(model: &mut Model, keys: &[&str]) {
    for key in keys {
        model.apply(Event::Key { key: (*key).into(), typing: false }, 0);
    }
}

#[test]
fn ten_thousand_rows_make_a_short_frame() {
    let mut model = with_pods(10_000);
    model.apply(Event::Scrolled { top: 5_000.0 * ROW_HEIGHT, height: 560.0 }, 0);
    let table = model.frame(0).table.unwrap();
    assert_eq!((table.total, table.matching), (10_000, 10_000));
    assert!(table.rows.len() < 60, "{} rows", table.rows.len());
    let shown = table.first..table.first + table.rows.len();
    assert!(shown.contains(&5_000) && shown.contains(&5_020), "{shown:?}");
    assert_eq!(table.rows[0].key, format!("n/pod-{:05}", table.first));
}

#[test]
fn while_the_window_moves_a_row_keeps_the_element_that_draws_it() {
    let mut model = with_pods(10_000);
    let mut drawn: Vec<(usize, usize)> = Vec::new();
    for top in [0.0, 4.0, 8.0, 12.0, 5_000.0, 5_004.0] {
        model.apply(Event::Scrolled { top: top * ROW_HEIGHT, height: 560.0 }, 0);
        let table = model.frame(0).table.unwrap();
        let now: Vec<(usize, usize)> =
            (0..table.rows.len()).map(|element| (element, table.drawn_by(element).unwrap().place)).collect();
        let mut places: Vec<usize> = now.iter().map(|(_, place)| *place).collect();
        places.sort_unstable();
        assert!(places.into_iter().eq(table.first..table.first + table.rows.len()), "each row is drawn once");
        let kept = now.iter().filter(|pair| drawn.contains(pair)).count();
        let moved_far = top == 5_000.0 || drawn.is_empty();
        assert!(moved_far || kept + 4 >= now.len(), "{kept} of {} elements keep their row", now.len());
        drawn = now;
    }
}

#[test]
fn a_change_shows_its_version_and_a_tint_that_ends() {
    let mut model = with_pods(3);
    assert_eq!(model.frame(5).table.unwrap().rows[1].tint, None, "what was there is no change");
    model.apply(
        Event::Put { kind: "pods".into(), object: pod("pod-00001", 9, "Failed"), initial: false },
        1_000,
    );
    let table = model.frame(1_100).table.unwrap();
    assert_eq!((table.rows[1].version.as_str(), table.rows[1].tint), ("9", Some(true)));
    assert_eq!(model.frame(1_700).table.unwrap().rows[1].tint, None);
    model.apply(Event::Remove { kind: "pods".into(), key: "n/pod-00001".into() }, 2_000);
    assert_eq!(model.frame(2_000).table.unwrap().rows.len(), 2);
}

#[test]
fn no_key_reaches_the_table_behind_the_help() {
    let mut model = with_pods(100);
    model.frame(0);
    let hash = model.frame(0).hash;
    while model.errand().is_some() {}
    press(&mut model, &["?", "j", "j", "Enter", "y", "w", "o", "/", ":", "G"]);
    let frame = model.frame(0);
    assert!(
        frame.overlay == Overlay::Help && frame.detail.is_none() && frame.wire.is_none(),
        "{:?}",
        frame.overlay
    );
    assert_eq!((frame.hash, model.errand()), (hash, None));
    press(&mut model, &["Escape", "j", "Enter"]);
    assert_eq!(model.frame(0).detail.unwrap().key, "n/pod-00000");
}

#[test]
fn the_keyboard_walks_opens_and_closes() {
    let mut model = with_pods(100);
    model.frame(0);
    press(&mut model, &["j", "j", "j", "k", "Enter"]);
    let frame = model.frame(0);
    assert_eq!(frame.detail.unwrap().key, "n/pod-00001");
    assert!(frame.hash.contains("open=n%2Fpod-00001"), "{}", frame.hash);
    press(&mut model, &["j", "y"]);
    let detail = model.frame(0).detail.unwrap();
    assert!(detail.key == "n/pod-00002" && detail.yaml.is_some());
    press(&mut model, &["Escape"]);
    assert!(model.frame(0).detail.is_none());
    press(&mut model, &["G"]);
    let errands: Vec<_> = std::iter::from_fn(|| model.errand()).collect();
    assert!(errands.contains(&Errand::ScrollTo(100.0 * ROW_HEIGHT - 560.0)), "{errands:?}");
}

#[test]
fn letters_typed_into_the_filter_are_text() {
    let mut model = with_pods(3);
    model.apply(Event::Key { key: "j".into(), typing: true }, 0);
    model.apply(Event::Filter("00002".into()), 0);
    let frame = model.frame(0);
    assert_eq!(frame.table.unwrap().rows.len(), 1);
    assert!(frame.hash.contains("q=00002"));
    while model.errand().is_some() {}
    model.apply(Event::Key { key: "Escape".into(), typing: true }, 0);
    assert_eq!(model.frame(0).table.unwrap().rows.len(), 3);
    assert_eq!(model.errand(), Some(Errand::FocusRows), "the caret leaves the box");
}

#[test]
fn on_the_overview_keys_filter_and_move_among_its_lines() {
    let mut model = with_pods(3);
    model.apply(Event::Went("#/".into()), 0);
    while model.errand().is_some() {}
    press(&mut model, &["/", "j", "k"]);
    let errands: Vec<_> = std::iter::from_fn(|| model.errand()).collect();
    assert_eq!(errands, [Errand::FocusFilter, Errand::FocusLine(1), Errand::FocusLine(-1)]);
    model.apply(Event::Filter("pod-00002".into()), 0);
    let frame = model.frame(0);
    assert_eq!(frame.overview.unwrap().tallies[0].count, Some(1));
    assert!(frame.hash.contains("q=pod-00002"), "{}", frame.hash);
}

#[test]
fn the_navigation_counts_what_is_in_the_chosen_namespace() {
    let mut model = with_pods(3);
    let pods = |model: &mut Model| model.frame(0).navigation[0].items[1].count;
    assert_eq!(pods(&mut model), Some(3));
    model.apply(Event::Namespace("n".into()), 0);
    assert_eq!(pods(&mut model), Some(3));
    model.apply(Event::Namespace("elsewhere".into()), 0);
    assert_eq!(pods(&mut model), Some(0));
}

#[test]
fn a_kind_refused_in_the_whole_cluster_is_wanted_in_the_chosen_namespace() {
    let forbidden = Error::api(portolan::status::failure(403, "Forbidden", "no"));
    let refused = Figures {
        phase: Phase::Retrying,
        errors: 1,
        last_error: Some(Trouble::of(forbidden.kind(), "no", "s", trouble::Reach::Unknown)),
        ..Figures::default()
    };
    let mut model = Model::default();
    let wanted = |model: &Model, kind: &str| {
        model.wanted().into_iter().find(|wanted| wanted.kind == kind).unwrap().namespaces
    };
    assert!(!model.frame(0).asks_namespace);
    for kind in ["pods", "nodes"] {
        model.apply(Event::Look(kind.into(), refused.clone()), 0);
    }
    assert_eq!((wanted(&model, "pods"), model.frame(0).asks_namespace), (vec![String::new()], true));
    model.apply(Event::Namespace("shop".into()), 0);
    assert!(!model.frame(0).asks_namespace);
    let asked = ["pods", "services", "nodes"].map(|kind| wanted(&model, kind));
    assert_eq!(
        asked,
        [["shop"], [""], [""]],
        "what is granted, and what is in no namespace, stays as it was"
    );
    model.apply(Event::Went("#/services".into()), 0);
    assert!(!model.frame(0).asks_namespace);
    model.apply(Event::Went("#/pods".into()), 0);
    assert!(model.frame(0).asks_namespace);
}

#[test]
fn a_jump_finds_a_kind_and_its_informer_is_wanted_only_there() {
    let mut model = with_pods(1);
    let widget = ApiResource::new("example.com/v1", "Widget", "widgets", true).unwrap();
    model.apply(Event::Discovered(vec![widget], vec![]), 0);
    let own = model.wanted().len();
    press(&mut model, &[":"]);
    model.apply(Event::Typed("wid".into()), 0);
    assert!(
        matches!(model.frame(0).overlay, Overlay::Palette { choices, .. } if choices[0].target == Target::Kind("widgets.example.com".into()))
    );
    press(&mut model, &["Enter"]);
    assert_eq!(model.frame(0).hash, "#/widgets.example.com");
    assert_eq!(model.wanted().len(), own + 1);
    press(&mut model, &["o"]);
    assert_eq!(model.wanted().len(), own);
    model.apply(Event::ToggleAll, 0);
    assert_eq!(model.wanted().len(), own + 1);
    assert!(model.frame(0).hash.contains("all=1"));
}

#[test]
fn each_empty_table_says_why() {
    let mut model = Model::default();
    let empty = |model: &mut Model| model.frame(0).table.unwrap().empty.clone();
    model.apply(Event::Went("#/gizmos".into()), 0);
    assert_eq!(empty(&mut model), Some(Empty::UnknownKind));
    model.apply(Event::Went("#/pods".into()), 0);
    assert_eq!(empty(&mut model), Some(Empty::Loading));
    let refused = Trouble { title: "Not allowed (403)".into(), refused: true, ..Trouble::default() };
    let figures = Figures { errors: 1, last_error: Some(refused.clone()), ..Figures::default() };
    model.apply(Event::Look("pods".into(), figures), 0);
    assert_eq!(empty(&mut model), Some(Empty::Trouble(refused)));
    model.apply(Event::Look("pods".into(), live(0)), 0);
    assert_eq!(empty(&mut model), Some(Empty::None));
    let mut model = with_pods(3);
    model.apply(Event::Filter("zzz".into()), 0);
    assert_eq!(empty(&mut model), Some(Empty::NoMatch(3)));
    model.apply(Event::Filter(String::new()), 0);
    model.apply(Event::Namespace("m".into()), 0);
    assert_eq!(empty(&mut model), Some(Empty::NoneHere("m".into())));
}

#[test]
fn a_failure_keeps_the_rows_and_says_stale_with_what_to_do() {
    let mut model = with_pods(3);
    let trouble =
        Trouble { title: "No answer".into(), advice: "Start the proxy.".into(), ..Trouble::default() };
    let failed = Some(trouble.clone());
    let figures =
        Figures { phase: Phase::Retrying, errors: 1, last_error: failed, next_try: Some(3_000), ..live(3) };
    model.apply(Event::Look("pods".into(), figures), 1_000);
    let frame = model.frame(1_000);
    assert_eq!((frame.connection.state, frame.connection.next_try), ("stale", Some(2)));
    assert_eq!(frame.notice, Some(trouble));
    assert_eq!(frame.table.unwrap().rows.len(), 3);
    assert!(frame.title.contains("stale"));
    model.apply(Event::Look("pods".into(), live(3)), 4_000);
    let frame = model.frame(4_000);
    assert_eq!((frame.connection.state, frame.notice), ("live", None));
}

#[test]
fn watches_that_ended_and_stay_away_are_told_with_the_age_of_what_is_on_show() {
    let mut model = with_pods(3);
    let heard = Some(500);
    let away = Figures { phase: Phase::Connecting, heard, ..live(3) };
    model.apply(Event::Look("pods".into(), away.clone()), 1_000);
    assert_eq!(model.frame(1_500).notice, None, "a watch that opens anew at once is no news");
    model.apply(Event::Look("pods".into(), away), 10_500);
    let frame = model.frame(10_500);
    assert_eq!((frame.connection.state, frame.connection.heard.as_str()), ("stale", "10s"));
    assert_eq!(frame.notice.unwrap().title, "Reconnecting");
    model.apply(Event::Look("pods".into(), Figures { heard, ..live(3) }), 11_000);
    let frame = model.frame(11_000);
    assert_eq!((frame.notice, frame.connection.heard.as_str()), (None, ""));
}

#[test]
fn sorting_goes_into_the_address_and_back() {
    let mut model = with_pods(3);
    model.apply(Event::SortBy("Restarts".into()), 0);
    let frame = model.frame(0);
    assert!(frame.hash.contains("sort=-restarts"), "{}", frame.hash);
    model.apply(Event::SortBy("Restarts".into()), 0);
    assert_eq!(model.frame(0).table.unwrap().columns[4].sorted, Some(false));
    model.apply(Event::Went("#/pods?sort=-status&ns=n".into()), 0);
    let table = model.frame(0).table.unwrap();
    assert!(table.columns.iter().all(|column| column.title != "Namespace"));
    assert_eq!(table.columns[1].sorted, Some(true));
    model.apply(Event::SortBy("Node".into()), 0);
    let frame = model.frame(0);
    assert!(frame.hash.contains("sort=node"), "a column left out moves no other: {}", frame.hash);
}

#[test]
fn when_every_kind_is_forbidden_the_page_says_so_and_one_is_no_notice() {
    let forbidden = Error::api(portolan::status::failure(403, "Forbidden", "no"));
    let trouble = Trouble::of(forbidden.kind(), "no", "s", trouble::Reach::Unknown);
    let refused = || Figures {
        phase: Phase::Retrying,
        errors: 1,
        last_error: Some(trouble.clone()),
        ..Figures::default()
    };
    let mut model = Model::default();
    let kinds: Vec<String> = model.wanted().into_iter().map(|wanted| wanted.kind).collect();
    for kind in &kinds {
        model.apply(Event::Look(kind.clone(), refused()), 0);
    }
    let frame = model.frame(0);
    assert_eq!(frame.notice, Some(trouble.clone()));
    let overview = frame.overview.unwrap();
    assert!(overview.forbidden && overview.events_forbidden && !overview.loading);
    assert_eq!((frame.connection.state, overview.timeline.counts), ("refused", None));
    model.apply(Event::Look("pods".into(), live(0)), 1);
    let frame = model.frame(1);
    assert_eq!(frame.notice, None);
    let overview = frame.overview.unwrap();
    assert!(!overview.forbidden && overview.events_forbidden);
}

/// What the palette offers for `text`: what each line is and its title.
fn found(model: &mut Model, text: &str) -> Vec<(&'static str, String)> {
    press(model, &[":"]);
    model.apply(Event::Typed(text.into()), 0);
    let Overlay::Palette { choices, .. } = model.frame(0).overlay else { panic!("no palette") };
    press(model, &["Escape"]);
    choices.into_iter().map(|choice| (choice.target.name(), choice.title)).collect()
}

#[test]
fn the_palette_finds_kinds_objects_namespaces_views_and_commands_the_closest_first() {
    let mut model = with_pods(300);
    for name in ["shop", "pod-land"] {
        let object = manifest(json!({"metadata": {"name": name}}));
        model.apply(Event::Put { kind: "namespaces".into(), object, initial: true }, 0);
    }
    let event = manifest(json!({"metadata": {"name": "pod-00001.17", "namespace": "n"}}));
    model.apply(Event::Put { kind: "events".into(), object: event, initial: true }, 0);
    assert_eq!(found(&mut model, "po")[0], ("kind", "Pods".into()));
    assert_eq!(found(&mut model, "shop")[..2], [("namespace", "shop".into()), ("object", "shop".into())]);
    assert_eq!(found(&mut model, "00042"), [("object", "n/pod-00042".into())]);
    assert_eq!(found(&mut model, "n pod-00001"), [("object", "n/pod-00001".into())], "no event by its name");
    assert_eq!(found(&mut model, "wire"), [("command", "What is on the wire".into())]);
    assert!(found(&mut model, "zzz").is_empty());
    assert!(found(&mut model, "pod-").len() <= 12, "bounded");
    assert_eq!(found(&mut model, "pod-0")[0].1, "n/pod-00000");
    let many = (0..90).map(|place| {
        ApiResource::new("example.com/v1", &format!("Kind{place}"), &format!("k{place:03}"), true)
    });
    model.apply(Event::Discovered(many.map(Result::unwrap).collect(), vec![]), 0);
    assert_eq!(
        found(&mut model, "")[0],
        ("kind", "Pods".into()),
        "with nothing typed the page's own kinds come first"
    );
    press(&mut model, &[":"]);
    model.apply(Event::Typed("00042".into()), 0);
    press(&mut model, &["Enter"]);
    assert_eq!(model.frame(0).detail.unwrap().key, "n/pod-00042");
    model.apply(Event::Key { key: "Ctrl+k".into(), typing: true }, 0);
    model.apply(Event::Typed("all namesp".into()), 0);
    press(&mut model, &["ArrowDown", "ArrowUp", "Enter"]);
    assert_eq!(model.frame(0).overlay, Overlay::None);
    press(&mut model, &["Ctrl+k", "Ctrl+k"]);
    assert_eq!(model.frame(0).overlay, Overlay::None, "the same key closes it");
}

#[test]
fn every_key_of_the_help_is_in_the_palette() {
    let objects = [
        ("deployments.apps", "#/deployments.apps?open=n%2Fx"),
        ("nodes", "#/nodes?open=x"),
        ("pods", "#/pods?open=n%2Fx"),
        ("secrets", "#/secrets?open=n%2Fx&pane=yaml"),
    ];
    let mut models = objects.map(|(kind, hash)| {
        let mut model = Model::default();
        let secrets = ApiResource::new("v1", "Secret", "secrets", true).unwrap();
        model.apply(Event::Discovered(vec![secrets], vec![]), 0);
        let namespace = if kind == "nodes" { "" } else { "n" };
        let object = manifest(json!({"metadata": {"name": "x", "namespace": namespace}}));
        model.apply(Event::Put { kind: kind.into(), object, initial: true }, 0);
        model.apply(Event::Went(hash.into()), 0);
        model
    });
    for binding in keys::BINDINGS {
        let line = ("command", binding.help.to_owned());
        let offered = models.each_mut().map(|model| found(model, binding.help).contains(&line));
        let expected = match binding.command {
            Command::Act(act) => objects.map(|(kind, _)| act.fits(kind)),
            Command::Show(pane) => objects.map(|(kind, _)| pane.fits(kind)),
            Command::Reveal => [false, false, false, true],
            _ => [true; 4],
        };
        assert_eq!(offered, expected, "{}", binding.help);
    }
    let nothing = found(&mut with_pods(3), "YAML of the row");
    assert!(!nothing.iter().any(|(what, _)| *what == "command"), "of no row: {nothing:?}");
}

#[test]
fn enter_takes_the_line_of_the_palette_that_is_drawn() {
    let mut model = with_pods(3);
    press(&mut model, &[":"]);
    model.apply(Event::Typed("pod-0000".into()), 0);
    press(&mut model, &["ArrowDown"]);
    let drawn = |model: &mut Model| match model.frame(0).overlay {
        Overlay::Palette { choices, selected } => choices[selected].title.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(drawn(&mut model), "n/pod-00001");
    model.apply(Event::Remove { kind: "pods".into(), key: "n/pod-00000".into() }, 0);
    assert_eq!(drawn(&mut model), "n/pod-00001");
    model.apply(Event::Looked, 0);
    assert_eq!(drawn(&mut model), "n/pod-00001", "after a look as well");
    press(&mut model, &["Enter"]);
    assert_eq!(model.frame(0).detail.unwrap().key, "n/pod-00001");
}

#[test]
fn a_pane_that_does_not_fit_the_kind_is_not_shown() {
    let mut model = with_pods(1);
    let object = manifest(json!({"metadata": {"name": "x", "namespace": "n"}}));
    model.apply(Event::Put { kind: "services".into(), object, initial: true }, 0);
    model.apply(Event::Went("#/services?open=n%2Fx&pane=yaml".into()), 0);
    press(&mut model, &["s"]);
    assert!(model.frame(0).hash.contains("pane=yaml"), "there is no shell in a service");
}

#[test]
fn a_view_is_kept_under_a_name_found_and_removed_by_keys() {
    let mut model = with_pods(3);
    model.apply(Event::Namespace("n,m".into()), 0);
    model.apply(Event::Filter("is:unready".into()), 0);
    let hash = model.frame(0).hash;
    while model.errand().is_some() {}
    press(&mut model, &["v"]);
    let named = |text: &str, taken| Overlay::Naming { text: text.into(), taken };
    assert_eq!(model.frame(0).overlay, named("Pods in m, n: is:unready", false));
    model.apply(Event::Typed("Trouble".into()), 0);
    press(&mut model, &["j", "Enter"]);
    let errands: Vec<_> = std::iter::from_fn(|| model.errand()).collect();
    assert_eq!(errands, [Errand::FocusName, Errand::FocusRows, Errand::KeepViews]);
    assert_eq!(model.frame(0).views[0], views::View { name: "Trouble".into(), hash: hash.clone() });
    press(&mut model, &["v"]);
    model.apply(Event::Typed("Trouble".into()), 0);
    assert_eq!(model.frame(0).overlay, named("Trouble", true));
    press(&mut model, &["Escape", "o"]);
    assert_eq!(found(&mut model, "trou")[0], ("view", "Trouble".into()));
    press(&mut model, &[":"]);
    model.apply(Event::Typed("trou".into()), 0);
    press(&mut model, &["Enter"]);
    assert_eq!(model.frame(0).hash, hash);
    press(&mut model, &[":"]);
    model.apply(Event::Typed("remove trouble".into()), 0);
    press(&mut model, &["Enter"]);
    assert!(model.frame(0).views.is_empty() && model.kept_views() == "[]");
}

#[test]
fn several_namespaces_are_on_show_and_asked_for_one_by_one_where_all_are_refused() {
    let mut model = with_pods(3);
    model.apply(
        Event::Put {
            kind: "pods".into(),
            object: manifest(json!({"metadata": {"name": "x", "namespace": "m"}})),
            initial: true,
        },
        0,
    );
    model.apply(
        Event::Put {
            kind: "pods".into(),
            object: manifest(json!({"metadata": {"name": "y", "namespace": "o"}})),
            initial: true,
        },
        0,
    );
    model.apply(Event::Namespace("n,m".into()), 0);
    let frame = model.frame(0);
    assert_eq!((frame.namespace.as_str(), frame.hash.as_str()), ("m,n", "#/pods?ns=m%2Cn"));
    let table = frame.table.unwrap();
    assert_eq!(table.total, 4);
    assert!(table.columns.iter().any(|column| column.title == "Namespace"), "it tells them apart");
    let forbidden = Error::api(portolan::status::failure(403, "Forbidden", "no"));
    let last_error = Some(Trouble::of(forbidden.kind(), "no", "s", trouble::Reach::Unknown));
    model.apply(
        Event::Look(
            "services".into(),
            Figures { phase: Phase::Retrying, errors: 1, last_error, ..Figures::default() },
        ),
        0,
    );
    let wanted = model.wanted().into_iter().find(|wanted| wanted.kind == "services").unwrap();
    assert_eq!(wanted.namespaces, ["m", "n"]);
}

#[test]
fn a_wrong_selector_is_told_and_the_table_stays() {
    let mut model = with_pods(3);
    model.apply(Event::Filter("00002 label:app in (web".into()), 0);
    let frame = model.frame(0);
    assert!(frame.filter_problem.contains("label:"), "{}", frame.filter_problem);
    assert_eq!(frame.table.unwrap().rows.len(), 1);
    model.apply(Event::Filter("field:metadata.name=pod-00001".into()), 0);
    let frame = model.frame(0);
    assert_eq!(
        (frame.filter_problem.as_str(), frame.table.unwrap().rows[0].key.as_str()),
        ("", "n/pod-00001")
    );
}

#[test]
fn a_custom_resource_is_shown_by_its_definition_as_that_changes() {
    let definitions = "customresourcedefinitions.apiextensions.k8s.io";
    let mut model = Model::default();
    model.apply(Event::Went("#/widgets.example.com".into()), 0);
    let definition = |column: &str| {
        let object = manifest(json!({"metadata": {"name": "widgets.example.com"}, "spec": {"versions": [
            {"name": "v1", "additionalPrinterColumns": [{"name": column, "type": "integer", "jsonPath": ".spec.size"}]}]}}));
        Event::Put { kind: definitions.into(), object, initial: true }
    };
    let widget = ApiResource::new("example.com/v1", "Widget", "widgets", true).unwrap();
    let crd = ApiResource::new(
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        "customresourcedefinitions",
        false,
    )
    .unwrap();
    model.apply(Event::Discovered(vec![crd.clone()], vec![]), 0);
    let defining = |model: &Model| -> Vec<String> {
        model
            .wanted()
            .into_iter()
            .filter(|wanted| wanted.kind == definitions)
            .map(|wanted| wanted.name)
            .collect()
    };
    assert_eq!(defining(&model), ["widgets.example.com"], "its columns are wanted with it, and no others");
    model.apply(definition("Size"), 0);
    model.apply(Event::Discovered(vec![crd, widget], vec![]), 0);
    let titles = |model: &mut Model| -> Vec<String> {
        model.frame(0).table.unwrap().columns.iter().map(|column| column.title.to_string()).collect()
    };
    assert_eq!(titles(&mut model), ["Name", "Namespace", "Status", "Size", "Age"]);
    let object = manifest(json!({"metadata": {"name": "w", "namespace": "n"}, "spec": {"size": 7}}));
    model.apply(Event::Put { kind: "widgets.example.com".into(), object, initial: true }, 0);
    assert_eq!(model.frame(0).table.unwrap().rows[0].cells[3].0, "7");
    model.apply(definition("Width"), 0);
    assert_eq!(titles(&mut model)[3], "Width");
    assert_eq!(model.frame(0).table.unwrap().rows[0].cells[3].0, "7", "what was there is shown by it");
    model.apply(Event::SortBy("Width".into()), 0);
    assert!(model.frame(0).hash.contains("sort=-width"));
    model.apply(Event::Went(format!("#/{definitions}")), 0);
    assert_eq!(defining(&model), [""], "of their own table all");
    model.apply(Event::Went("#/pods".into()), 0);
    assert!(defining(&model).is_empty());
}
