//! `Lazy` against the same object decoded in full.

use std::panic::catch_unwind;

use k8s_openapi::api::core::v1::Pod;
use serde_json::{Map, Value, json};

use super::*;
use crate::codec::json::generate::{Random, kubernetes_object};

#[cfg(feature = "protobuf")]
mod protobuf;

fn read(text: &str, drop_managed_fields: bool) -> Result<Lazy<Pod>, Error> {
    let resource = Pod::api_resource();
    let encoded = Encoded { drop_managed_fields, ..Encoded::new(Format::Json, text.as_bytes(), &resource) };
    Object::read(encoded)
}

fn parsed(pod: &Lazy<Pod>) -> Value {
    serde_json::from_slice(&pod.json().unwrap()).unwrap()
}

/// A pod as a server writes it, different for each seed: some members missing, some texts with escapes.
fn pod(random: &mut Random) -> Value {
    let name = random.pick(&["web-0", "caf\u{e9}", "quote\"d", "back\\slash", "a"]);
    let mut metadata = json!({
        "name": name, "namespace": random.pick(&["default", "kube-system"]),
        "uid": format!("{:016x}", random.next()), "resourceVersion": random.below(1 << 30).to_string(),
        "creationTimestamp": "2026-11-21T22:50:01Z",
        "labels": {"app": "web", "app.kubernetes.io/name": random.pick(&["w", "line\nbreak"])},
        "annotations": {"example.com/a[0].b": "}{", "managedFields": "\"managedFields\":[{}],"},
        "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "u", "controller": true}],
        "managedFields": [{"manager": "kubectl", "operation": "Update", "fieldsType": "FieldsV1",
            "fieldsV1": {"f:metadata": {"f:labels": {".": {}, "k:{\"app\":\"x\"}": {}}}}}],
    });
    for optional in ["labels", "annotations", "ownerReferences", "managedFields"] {
        if random.below(4) == 0 {
            metadata.as_object_mut().unwrap().remove(optional);
        }
    }
    let containers: Vec<_> = (0..1 + random.below(3))
        .map(|index| json!({"name": format!("c{index}"), "image": random.pick(&["nginx:1.29", "a/b@sha256:0"]), "args": ["]", "\""]}))
        .collect();
    json!({
        "metadata": metadata,
        "spec": {"nodeName": "node-1", "containers": containers, "priority": 10, "hostNetwork": true},
        "status": {"phase": random.pick(&["Running", "Pending"]), "conditions": [{"type": "Ready", "status": "False"}]},
    })
}

#[test]
fn names_are_told_wherever_they_lie() {
    let told = |text: &str, name: &str| {
        let pod = read(text, true).unwrap();
        let MetaRef { name: told, namespace, uid, resource_version } = pod.meta();
        assert_eq!((told, namespace, uid, resource_version), (name, "", "u", "7"), "{text}");
    };
    // Among characters of two bytes, at every place of a block.
    for length in 0..20 {
        let (around, plain) = ("\u{e9}".repeat(40), "x".repeat(length));
        let text = |name: &str| {
            format!(
                r#"{{"a":"{plain}{around}","metadata":{{"uid":"u","resourceVersion":"7","name":"{name}"}},"b":"{around}"}}"#
            )
        };
        told(&text("web"), "web");
        told(&text("caf\u{e9}"), "caf\u{e9}");
        told(&text(r"\u0061\n"), "a\n");
    }
    let label = "x".repeat(600);
    told(
        &format!(
            r#"{{"metadata":{{"uid":"u","labels":{{"a":"{label}"}},"name":"web","resourceVersion":"7"}}}}"#
        ),
        "web",
    );
    told(r#"{"metadata":{"uid":"u","managedFields":[{}],"name":"web","resourceVersion":"7"}}"#, "web");
    told(r#"{"metadata":{"managedFields":[{}],"uid":"u","name":"web","resourceVersion":"7"}}"#, "web");
    let long = format!(r#"{{"metadata":{{"name":"{}"}}}}"#, "x".repeat(70_000));
    assert!(read(&long, true).unwrap_err().to_string().contains("longer than 64 KB"));
}

#[test]
fn a_lazy_pod_is_the_pod() {
    let mut random = Random::new(1);
    for _ in 0..200 {
        let original = pod(&mut random);
        let text = if random.below(2) == 0 {
            original.to_string()
        } else {
            serde_json::to_string_pretty(&original).unwrap()
        };
        let lazy = read(&text, true).unwrap();
        let mut typed: Pod = serde_json::from_value(original.clone()).unwrap();
        typed.metadata.managed_fields = None;

        assert_eq!(lazy.decode().unwrap(), typed);
        assert_eq!((lazy.meta(), lazy.key()), (typed.meta(), typed.key()));
        assert_eq!(Object::labels(&lazy), Object::labels(&typed));
        assert_eq!(lazy.annotations(), typed.metadata.annotations.clone().unwrap_or_default());
        assert_eq!(lazy.owner_references(), typed.metadata.owner_references.clone().unwrap_or_default());
        assert_eq!(lazy.creation_timestamp(), typed.metadata.creation_timestamp);
        assert!(lazy.deletion_timestamp().is_none());
        assert_eq!((&*lazy.api_version(), &*lazy.kind()), ("v1", "Pod"));
        for (path, pointer) in [
            ("spec.nodeName", "/spec/nodeName"),
            ("status.phase", "/status/phase"),
            ("metadata.name", "/metadata/name"),
            (r#"metadata.labels["app.kubernetes.io/name"]"#, "/metadata/labels/app.kubernetes.io~1name"),
            ("metadata.annotations['example.com/a[0].b']", "/metadata/annotations/example.com~1a[0].b"),
            ("spec.containers[1].image", "/spec/containers/1/image"),
            ("status.conditions[0].type", "/status/conditions/0/type"),
        ] {
            let expected = original.pointer(pointer).and_then(Value::as_str);
            assert_eq!(lazy.text(path).as_deref(), expected, "{path}");
            assert_eq!(lazy.text(Path::parse(path).unwrap()).as_deref(), expected, "{path}");
        }
        let images: Vec<_> = lazy.values("spec.containers[*].image").filter_map(Json::text).collect();
        let containers = &typed.spec.as_ref().unwrap().containers;
        assert!(images.iter().map(|image| &**image).eq(containers.iter().filter_map(|c| c.image.as_deref())));
        assert_eq!(lazy.values("spec.containers[*].args[*]").count(), 2 * containers.len());
        assert_eq!(lazy.text("spec.priority").as_deref(), Some("10"));
        assert_eq!(lazy.read::<bool>("spec.hostNetwork").unwrap(), Some(true));
    }
}

#[test]
fn without_managed_fields_nothing_else_is_lost() {
    let fields = r#""managedFields":[{"a":"]}\"","managedFields":[1]}]"#;
    for (metadata, left) in [
        (format!("{{{fields}}}"), "{}"),
        (format!(r#"{{{fields},"name":"a"}}"#), r#"{"name":"a"}"#),
        (format!(r#"{{"name":"a",{fields}}}"#), r#"{"name":"a"}"#),
        (format!(r#"{{"name":"a" , {fields} , "uid":"u"}}"#), r#"{"name":"a" , "uid":"u"}"#),
        (format!("{{ \n{fields} ,\n \"name\":\"a\" }}"), "{ \n\"name\":\"a\" }"),
        (r#"{"name":"a","managed\u0046ields":[],"uid":"u"}"#.to_owned(), r#"{"name":"a","uid":"u"}"#),
        (r#"{"name":"a","managedFields":null}"#.to_owned(), r#"{"name":"a"}"#),
        (
            r#"{"name":"a","labels":{"managedFields":"x"},"annotations":{"b":"\"managedFields\":[]"}}"#
                .to_owned(),
            r#"{"name":"a","labels":{"managedFields":"x"},"annotations":{"b":"\"managedFields\":[]"}}"#,
        ),
    ] {
        let rest =
            r#""managedFields":[0],"spec":{"managedFields":[1],"nodeName":"n"},"status":{"phase":"P"}"#;
        let text = format!(r#"{{"kind":"Pod","apiVersion":"v1","metadata":{metadata},{rest}}}"#);
        let lazy = read(&text, true).unwrap();
        let expected = format!(r#"{{"kind":"Pod","apiVersion":"v1","metadata":{left},{rest}}}"#);
        assert_eq!(std::str::from_utf8(&lazy.json().unwrap()).unwrap(), expected);
        assert_eq!(lazy.meta().name, if left == "{}" { "" } else { "a" });
        assert_eq!(
            (lazy.text("spec.nodeName").as_deref(), lazy.text("status.phase").as_deref()),
            (Some("n"), Some("P"))
        );
        let kept = read(&text, false).unwrap();
        assert_eq!(&*kept.json().unwrap(), text.as_bytes());
    }
}

#[test]
fn items_get_the_api_version_and_kind_they_lack() {
    for (text, expected) in [
        ("{}", r#"{"apiVersion":"v1","kind":"Pod"}"#),
        (r#"{"metadata":{}}"#, r#"{"apiVersion":"v1","kind":"Pod","metadata":{}}"#),
        (r#" { "kind":"Pod" } "#, r#"{"apiVersion":"v1", "kind":"Pod" }"#),
        (r#"{"apiVersion":"v1"}"#, r#"{"kind":"Pod","apiVersion":"v1"}"#),
        (r#"{"k\u0069nd":"X","apiVersion":"v2"}"#, r#"{"k\u0069nd":"X","apiVersion":"v2"}"#),
    ] {
        let lazy = read(text, true).unwrap();
        assert_eq!(std::str::from_utf8(&lazy.json().unwrap()).unwrap(), expected);
    }
}

#[test]
fn texts_with_escapes_are_read_plain() {
    let lazy = read(
        r#"{"metadata":{"name":"a\u0062\"","uid":"\n","n\u0061mespace":"n","resourceVersion":null}}"#,
        true,
    )
    .unwrap();
    assert_eq!(lazy.meta(), MetaRef { name: "ab\"", namespace: "n", uid: "\n", resource_version: "" });
    assert!(lazy.json().unwrap().ends_with(b"null}}"), "the plain texts are no part of the JSON");
    assert_eq!(lazy.clone().meta(), lazy.meta());
}

#[test]
fn what_is_no_object_is_refused_and_not_shown() {
    for text in [
        "",
        "[]",
        "null",
        "\"secret\"",
        "{",
        r#"{"a"}"#,
        r#"{"metadata":"secret"}"#,
        r#"{"metadata":[]}"#,
        r#"{"metadata":{"name":7}}"#,
        r#"{"metadata":{"uid":{}}}"#,
        r#"{"metadata":{"name":"\ud800"}}"#,
        r#"{"metadata":{"name":"a","name":"b"}}"#,
        r#"{"metadata":{},"metadata":{}}"#,
        "{}{}",
        "{} secret",
        r#"{"metadata":{"managedFields":[],"managedFields":[]}}"#,
    ] {
        let error = read(text, true).unwrap_err();
        assert!(error.is_decode() && !error.to_string().contains("secret"), "{text}: {error}");
    }
    let wrong = read(r#"{"kind":"Pod","apiVersion":"v1","spec":{"containers":"secret"}}"#, true).unwrap();
    assert!(!wrong.decode().unwrap_err().to_string().contains("secret"));
    assert!(!wrong.read::<u32>("spec.containers").unwrap_err().to_string().contains("secret"));
}

#[test]
fn reads_find_nothing_where_nothing_is() {
    let lazy = read(r#"{"metadata":{"name":"a"},"spec":{"a":null,"b":[],"c":{"d":1}},"status":null}"#, true)
        .unwrap();
    for path in [
        "spec.a",
        "spec.a.b",
        "spec.b[0]",
        "spec.b[*]",
        "spec.c",
        "spec.c[0]",
        "spec.c.d.e",
        "status.phase",
        "none",
        "",
        "spec..a",
        "metadata.labels.x",
    ] {
        assert_eq!(lazy.text(path), None, "{path}");
    }
    assert_eq!(lazy.read::<u32>("spec.a").unwrap(), None);
    assert_eq!(lazy.read::<u32>("spec.e").unwrap(), None);
    assert_eq!(lazy.read::<u32>("spec.c.d").unwrap(), Some(1));
    assert!(lazy.read::<u32>("spec..d").is_err());
    assert_eq!((lazy.label("x"), lazy.annotation("x")), (None, None));
    assert!(Object::labels(&lazy).is_empty() && lazy.owner_references().is_empty());
    assert_eq!(lazy.values("spec[*]").count(), 3);
}

#[test]
fn an_edit_changes_what_it_names() {
    let text = r#"{"metadata":{"name":"a","annotations":{"big":"x","small":"y"}},"spec":{"nodeName":"n"}}"#;
    let lazy = read(text, true).unwrap();
    let edited = lazy.edit(|object| assert_eq!(object.remove("metadata.annotations.big"), 1)).unwrap();
    assert_eq!((edited.annotation("big"), edited.annotation("small").as_deref()), (None, Some("y")));
    assert_eq!((edited.meta(), &*edited.kind()), (lazy.meta(), "Pod"));
    assert_eq!(edited.text("spec.nodeName").as_deref(), Some("n"));
}

#[test]
fn it_is_small_and_shows_nothing() {
    let lazy =
        read(r#"{"metadata":{"name":"a","namespace":"n"},"data":{"password":"secret"}}"#, true).unwrap();
    assert_eq!(format!("{lazy:?}"), "Lazy(Pod n/a)");
    // Beside its bytes: itself, and the two counters of the Arc it lives in.
    assert!(size_of::<Lazy<Pod>>() + 16 <= 100, "{} bytes", size_of::<Lazy<Pod>>());
    assert_eq!(serde_json::to_string(&lazy).unwrap().as_bytes(), &*lazy.json().unwrap());
}

#[test]
fn a_lazy_object_of_any_kind_knows_its_own() {
    let resource = ApiResource::new("example.com/v1", "Widget", "widgets", true).unwrap();
    let bytes = br#"{"metadata":{"name":"w"},"spec":{"size":3}}"#;
    let encoded = Encoded { drop_managed_fields: true, ..Encoded::new(Format::Json, bytes, &resource) };
    let lazy: Lazy<Unstructured> = Object::read(encoded).unwrap();
    assert_eq!((&*lazy.api_version(), &*lazy.kind()), ("example.com/v1", "Widget"));
    assert_eq!(lazy.decode().unwrap().get("spec.size"), Some(&json!(3)));
    assert_eq!(Lazy::<Pod>::api_resource(), Pod::api_resource());
}

/// Every value in `value` with its path, names in brackets; a name that no path can spell is left out.
fn places(value: &Value, path: &str, found: &mut Vec<(String, Value)>) {
    found.push((path.to_owned(), value.clone()));
    match value {
        Value::Array(elements) => {
            for (index, element) in elements.iter().enumerate() {
                places(element, &format!("{path}[{index}]"), found);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                let quote = if name.contains('"') { '\'' } else { '"' };
                places(member, &format!("{path}[{quote}{name}{quote}]"), found);
            }
        }
        _ => {}
    }
}

#[test]
fn random_objects_read_as_serde_json_reads_them() {
    let mut random = Random::new(21);
    let (mut reads, mut refused) = (0, 0);
    for case in 0..1_500 {
        let text = kubernetes_object(&mut random, 3);
        let mut expected: Value = serde_json::from_str(&text).unwrap();
        let name = expected["metadata"].get("name").cloned().unwrap_or_default();
        let lazy = match read(&text, true) {
            Ok(lazy) => lazy,
            Err(_) => {
                assert!(!name.is_string() && !name.is_null(), "case {case}: {text}");
                refused += 1;
                continue;
            }
        };
        expected["metadata"].as_object_mut().map(|metadata| metadata.remove("managedFields"));
        let mut whole =
            Map::from_iter([("apiVersion".to_owned(), "v1".into()), ("kind".to_owned(), "Pod".into())]);
        whole.extend(expected.as_object().unwrap().clone());
        let whole = Value::from(whole);
        assert_eq!(parsed(&lazy), whole, "case {case}: {text}");
        assert_eq!(
            (lazy.meta().name, lazy.meta().resource_version),
            (name.as_str().unwrap_or_default(), "77")
        );
        let mut found = Vec::new();
        places(&whole, "", &mut found);
        for (path, value) in found {
            let read: Value = lazy.at(&path).unwrap_or_else(|| panic!("{path}: {text}")).read().unwrap();
            assert_eq!(read, value, "{path}: {text}");
            assert_eq!(
                lazy.values(&format!("{path}[*]")).count(),
                match &value {
                    Value::Array(elements) => elements.len(),
                    Value::Object(members) => members.len(),
                    _ => 0,
                }
            );
            reads += 1;
        }
    }
    assert!(reads > 10_000 && refused > 10, "{reads} reads, {refused} refused");
}

/// Bytes that no decoder has checked: whatever they are, nothing panics and no read leaves the bytes.
#[test]
fn damaged_objects_never_panic() {
    let mut random = Random::new(31);
    let (mut kept, mut refused) = (0, 0);
    for case in 0..20_000 {
        let mut bytes = kubernetes_object(&mut random, 1).into_bytes();
        for _ in 0..1 + random.below(3) {
            let at = random.below(bytes.len());
            match random.below(3) {
                0 => bytes[at] = b"{}[]\",:\\ n\xff"[random.below(11)],
                1 => bytes.truncate(at.max(1)),
                _ => bytes[at] ^= 1 << random.below(8),
            }
        }
        let outcome = catch_unwind(move || {
            let resource = Pod::api_resource();
            let encoded =
                Encoded { drop_managed_fields: true, ..Encoded::new(Format::Json, &bytes, &resource) };
            let Ok(lazy) = <Lazy<Pod> as Object>::read(encoded) else { return false };
            let _ = (lazy.meta(), Object::labels(&lazy), lazy.owner_references(), lazy.decode().is_ok());
            for path in ["spec[*][*]", "metadata.items.name[0]", "other[1]", "status['a.b/c']"] {
                lazy.values(path).for_each(|value| drop((value.text(), value.raw())));
            }
            true
        });
        match outcome.unwrap_or_else(|_| panic!("case {case} panics")) {
            true => kept += 1,
            false => refused += 1,
        }
    }
    assert!(kept > 1_000 && refused > 1_000, "{kept} kept, {refused} refused");
}
