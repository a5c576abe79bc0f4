//! Round trips, what is shared, and what is not packed.

use k8s_openapi::api::core::v1::Pod;
use serde_json::json;

use super::*;
use crate::meta::Format;

fn object(name: &str, owner: Option<&str>) -> Compact<Pod> {
    let owners: Vec<_> =
        owner.map(|uid| json!({ "kind": "ReplicaSet", "name": "r", "uid": uid })).into_iter().collect();
    let variables: Vec<_> = (0..20)
        .map(|at| json!({ "name": format!("KEY_{at}"), "value": format!("{:x}", at * 7919) }))
        .collect();
    let text = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": name, "namespace": "n", "uid": format!("uid-{name}"), "resourceVersion": "7",
            "labels": { "app": "web" }, "ownerReferences": owners },
        "spec": { "nodeName": format!("node-of-{name}"), "containers": [{ "name": "app", "env": variables }] },
    });
    let (text, resource) = (text.to_string(), Pod::api_resource());
    Object::read(Encoded::new(Format::Json, text.as_bytes(), &resource)).unwrap()
}

fn packed_length(object: &Compact<Pod>) -> usize {
    match &object.0 {
        Held::Packed(packed) => packed.bytes.len(),
        Held::Plain(_) => panic!("it is not packed"),
    }
}

#[test]
fn opens_to_what_was_packed() {
    let packer = Packer::default();
    for (name, owner) in [("a", Some("o")), ("b", Some("o")), ("c", None), ("d", None), ("e", Some("p"))] {
        let plain = object(name, owner);
        let packed = packer.pack(plain.clone());
        assert!(packed.is_packed() && !plain.is_packed());
        assert!(*packed.open().unwrap() == *plain.open().unwrap());
        assert_eq!(packed.meta(), plain.meta());
        assert_eq!(packed.labels(), plain.labels());
        assert_eq!(packed.text("spec.nodeName"), Some(format!("node-of-{name}")));
        assert_eq!(packed.open().unwrap().decode().unwrap(), plain.open().unwrap().decode().unwrap());
        assert_eq!(format!("{packed:?}"), format!("Compact(Pod n/{name})"));
        assert!(packer.pack(packed).is_packed(), "a packed one stays so");
    }
    assert_eq!(format!("{packer:?}"), "Packer(3 owners)");
}

#[test]
fn objects_of_one_owner_hold_little_but_what_differs() {
    let packer = Packer::default();
    let first = packer.pack(object("a", Some("o")));
    let second = packer.pack(object("b", Some("o")));
    let whole = second.open().unwrap().json().unwrap().len();
    assert!(packed_length(&second) * 8 < whole, "{} of {whole}", packed_length(&second));
    assert!(packed_length(&first) < packed_length(&second) * 2);
}

#[test]
fn what_is_of_an_owner_goes_with_its_last_object() {
    let packer = Packer::default();
    for owner in 0..1_000 {
        let held = packer.pack(object("a", Some(&owner.to_string())));
        assert!(held.is_packed());
    }
    let owners = packer.prefixes.lock().unwrap().by_owner.len();
    assert!(owners <= 64, "{owners} are remembered, and none is held");
}

#[test]
fn what_cannot_be_made_smaller_stays_and_what_is_large_is_no_prefix() {
    let packer = Packer::default();
    let resource = Pod::api_resource();
    let read = |text: &str| -> Compact<Pod> {
        Object::read(Encoded::new(Format::Json, text.as_bytes(), &resource)).unwrap()
    };
    let large = format!(
        r#"{{"kind":"Pod","apiVersion":"v1","metadata":{{"name":"large","annotations":{{"a":"{}"}}}}}}"#,
        "0123456789".repeat(LONGEST_PREFIX / 10)
    );
    let packed = packer.pack(read(&large));
    assert_eq!(packed.open().unwrap().json().unwrap(), large.as_bytes());
    assert_eq!(format!("{packer:?}"), "Packer(0 owners)");
    let small = r#"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"é"}}"#;
    let kept = packer.pack(read(small));
    assert_eq!((kept.meta().name, kept.open().unwrap().json().unwrap().len()), ("é", small.len()));
}
