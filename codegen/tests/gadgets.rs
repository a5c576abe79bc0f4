//! The types made of a definition with everything in it: they compile, and lose nothing of an object.

#[rustfmt::skip]
#[path = "generated/gadgets.rs"]
mod gadgets;

use gadgets::gadgets_v1::{Gadget, GadgetSpecMode};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use portolan::meta::Resource;
use serde_json::json;

#[test]
fn the_committed_types_are_those_of_the_definition() {
    let definition: CustomResourceDefinition = serde_saphyr::from_str(include_str!("gadgets.yaml")).unwrap();
    let code = portolan_codegen::generate([&definition]).unwrap();
    let again = "cargo run -p portolan-codegen -- --file codegen/tests/gadgets.yaml > codegen/tests/generated/gadgets.rs";
    assert_eq!(code, include_str!("generated/gadgets.rs"), "{again}");
}

#[test]
fn an_object_is_read_and_written_again() {
    let object = json!({
        "apiVersion": "example.com/v1",
        "kind": "Gadget",
        "metadata": {"name": "g"},
        "spec": {
            "replicas": 3, "total": 5_000_000_000_i64, "ratio": 0.5, "enabled": false,
            "mode": "slow-motion", "owner": null, "type": "t", "self": "s", "podIPs": ["a"],
            "port": "http", "labels": {"a": "b"}, "limits": {"cpu": "100m", "memory": 5},
            "parts": [{"name": "p", "sizes": [[1], []], "byZone": {"z": {"weight": 1}}}],
            "anything": [1, {"a": null}], "loose": {"known": "k", "other": {"x": 1}},
            "template": {"apiVersion": "v1", "kind": "Pod"}, "empty": {}, "since": "2026-01-01T00:00:00.5Z",
        },
        "beside": {"the": "spec"},
        "status": {"replicas": 2, "conditions": [{"type": "Ready", "status": "Maybe"}]},
    });
    let gadget: Gadget = serde_json::from_value(object.clone()).unwrap();
    assert_eq!(gadget.spec.mode, GadgetSpecMode::SlowMotion);
    assert_eq!(gadget.spec.port, Some(IntOrString::String("http".into())));
    assert_eq!(gadget.spec.parts[0].by_zone.as_ref().unwrap()["z"].weight, Some(1));
    assert_eq!(serde_json::to_value(&gadget).unwrap(), object);
    assert_eq!(Gadget::api_resource().gvr().to_string(), "gadgets.v1.example.com");
}

#[test]
fn two_groups_with_one_plural_get_a_module_each() {
    let mut one: CustomResourceDefinition = serde_saphyr::from_str(include_str!("gadgets.yaml")).unwrap();
    let mut other = one.clone();
    other.spec.group = "other.example.com".to_owned();
    let modules = |definitions: [&CustomResourceDefinition; 2]| -> Vec<String> {
        let code = portolan_codegen::generate(definitions).unwrap();
        let modules = code.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(" {"));
        modules.map(str::to_owned).collect()
    };
    assert_eq!(modules([&one, &other]), ["gadgets_v1_example_com", "gadgets_v1_other_example_com"]);
    one.spec.names.plural = "widgets".to_owned();
    assert_eq!(modules([&one, &other]), ["widgets_v1", "gadgets_v1"]);
}

#[test]
fn an_object_of_another_kind_is_refused() {
    let other = json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {},
        "spec": {"mode": "Fast", "owner": null, "parts": []}});
    let error = serde_json::from_value::<Gadget>(other).unwrap_err().to_string();
    assert!(error.contains("Widget") && error.contains("Gadget"), "{error}");
}

#[test]
fn a_definition_without_a_schema_is_an_error() {
    let mut definition: CustomResourceDefinition =
        serde_saphyr::from_str(include_str!("gadgets.yaml")).unwrap();
    definition.spec.versions[1].schema = None;
    let error = portolan_codegen::generate([&definition]).unwrap_err().to_string();
    assert!(error.contains("gadgets.example.com") && error.contains("v1"), "{error}");
}
