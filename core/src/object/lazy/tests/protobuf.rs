//! `Lazy` over protobuf against the same object as JSON.

use super::*;
use crate::codec::Limits;
use crate::codec::protobuf::{ListDecoder, encode, to_json};

fn take_in(bytes: &[u8], drop_managed_fields: bool) -> Result<Lazy<Pod>, Error> {
    let resource = Pod::api_resource();
    Object::read(Encoded { drop_managed_fields, ..Encoded::new(Format::Protobuf, bytes, &resource) })
}

#[test]
fn it_reads_as_its_json_does() {
    let mut random = Random::new(41);
    let mut reads = 0;
    for _ in 0..200 {
        let document = encode(&pod(&mut random), "v1", "Pod").unwrap();
        let lazy = take_in(&document, true).unwrap();
        assert_eq!(lazy.format(), Format::Protobuf);
        let mut expected: Value = serde_json::from_slice(&to_json(&document).unwrap()).unwrap();
        expected["metadata"].as_object_mut().unwrap().remove("managedFields");
        assert_eq!(parsed(&lazy), expected);
        let json = read(&expected.to_string(), true).unwrap();
        assert_eq!((lazy.meta(), Object::labels(&lazy)), (json.meta(), Object::labels(&json)));
        assert_eq!(
            (lazy.annotations(), lazy.owner_references()),
            (json.annotations(), json.owner_references())
        );
        assert_eq!(lazy.creation_timestamp(), json.creation_timestamp());
        assert_eq!((&*lazy.api_version(), &*lazy.kind()), ("v1", "Pod"));
        assert_eq!(lazy.decode().unwrap(), json.decode().unwrap());
        assert_eq!(serde_json::to_value(&lazy).unwrap(), expected);
        let mut found = Vec::new();
        places(&expected, "", &mut found);
        for (path, value) in found {
            let (field, text) = (lazy.at(&path).unwrap(), json.at(&path).unwrap());
            assert_eq!(field.read::<Value>().unwrap(), value, "{path}");
            assert_eq!((field.text(), field.is_null()), (text.text(), text.is_null()), "{path}");
            let every = format!("{path}[*]");
            assert_eq!(lazy.values(&every).count(), json.values(&every).count(), "{path}");
            let names =
                |value: Json<'_>| value.members().map(|(name, _)| name.into_owned()).collect::<Vec<_>>();
            assert_eq!(names(field).len(), names(text).len(), "{path}");
            reads += 1;
        }
    }
    assert!(reads > 5_000, "{reads}");
}

#[test]
fn an_item_of_a_list_is_of_the_kind_of_its_resource() {
    let text = r#"{"metadata":{"name":"a","namespace":"n","uid":"u","resourceVersion":"7","managedFields":[{"manager":"m"}]}}"#;
    let object: Value = serde_json::from_str(text).unwrap();
    let item = encode(&json!({"items": [object]}), "v1", "PodList").unwrap();
    let mut list = ListDecoder::new(Limits::default());
    list.push(item.into());
    let item = list.next_item().unwrap().unwrap();
    for (drop_managed_fields, managed) in [(true, None), (false, Some("m"))] {
        let lazy = take_in(item, drop_managed_fields).unwrap();
        assert_eq!(lazy.meta(), MetaRef { name: "a", namespace: "n", uid: "u", resource_version: "7" });
        assert_eq!((&*lazy.api_version(), &*lazy.kind()), ("v1", "Pod"));
        assert_eq!(lazy.text("metadata.managedFields[0].manager").as_deref(), managed);
        assert_eq!(lazy.text("status.phase"), None);
        assert_eq!(lazy.clone(), lazy);
    }
}

#[test]
fn an_edit_makes_it_json() {
    let document = encode(&json!({"metadata": {"name": "a", "labels": {"b": "c"}}}), "v1", "Pod").unwrap();
    let lazy = take_in(&document, true).unwrap();
    let edited = lazy.edit(|object| assert_eq!(object.remove("metadata.labels"), 1)).unwrap();
    assert_eq!((edited.format(), edited.label("b"), &*edited.kind()), (Format::Json, None, "Pod"));
    assert_ne!(edited, lazy);
}

#[test]
fn managed_fields_are_left_out_wherever_they_stand() {
    let records: [&[u8]; 6] = [
        b"\x0a\x01a",
        b"\x8a\x01\x03\x0a\x01k",
        b"\x8a\x01\x03\x0a\x01l",
        b"\x1a\x01n",
        b"\x8a\x01\x03\x0a\x01m",
        b"\x2a\x01u",
    ];
    for first in 0..records.len() {
        let metadata = [&records[first..], &records[..first]].concat().concat();
        let head = [0x0a, u8::try_from(metadata.len()).unwrap()];
        let spec: &[u8] = b"\x12\x03\x52\x01x";
        for parts in [[&head[..], &metadata, spec], [spec, &head, &metadata]] {
            let (kept, whole) =
                (take_in(&parts.concat(), true).unwrap(), take_in(&parts.concat(), false).unwrap());
            let meta = MetaRef { name: "a", namespace: "n", uid: "u", resource_version: "" };
            assert_eq!((kept.meta(), whole.meta()), (meta, meta));
            let mut expected: Value = serde_json::from_slice(&whole.json().unwrap()).unwrap();
            let left_out = expected["metadata"].as_object_mut().unwrap().remove("managedFields");
            assert_eq!(left_out.as_ref().and_then(Value::as_array).map(Vec::len), Some(3));
            assert_eq!(serde_json::from_slice::<Value>(&kept.json().unwrap()).unwrap(), expected);
            assert_eq!(kept.text("spec.nodeName").as_deref(), Some("x"));
        }
    }
}

/// Damaged messages are refused as they are taken in, or read as their JSON reads; nothing panics.
#[test]
fn what_is_taken_in_can_be_read() {
    let mut random = Random::new(43);
    let (mut kept, mut refused) = (0, 0);
    for case in 0..4_000 {
        let mut bytes = encode(&pod(&mut random), "v1", "Pod").unwrap();
        for _ in 0..1 + random.below(3) {
            // Behind the magic: without that it is another kind of document.
            let at = 4 + random.below(bytes.len() - 4);
            match random.below(4) {
                0 => bytes.truncate(at + 1),
                // Some piece once more: fields and messages that stand twice.
                1 => bytes.extend_from_within(at..(at + random.below(40)).min(bytes.len())),
                _ => bytes[at] ^= 1 << random.below(8),
            }
        }
        match take_in(&bytes, false) {
            Err(error) => {
                assert!(!error.to_string().contains("nginx"), "{error}");
                refused += 1;
            }
            Ok(lazy) => {
                let json = lazy.json().unwrap_or_else(|error| panic!("case {case}: {error}"));
                assert_eq!(json, to_json(&bytes).unwrap(), "case {case}");
                let whole: Value = serde_json::from_slice(&json).unwrap();
                let mut found = Vec::new();
                places(&whole, "", &mut found);
                for (path, value) in found {
                    let read = lazy.at(&path).map(|field| field.read::<Value>().unwrap());
                    assert_eq!(read, Some(value), "case {case}: {path}");
                }
                kept += 1;
            }
        }
    }
    assert!(kept > 500 && refused > 500, "{kept} kept, {refused} refused");
}
