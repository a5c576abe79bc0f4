//! Protobuf and CBOR: objects, lists and watches.

use k8s_openapi::api::core::v1::{Pod, Secret};
use portolan::codec::{Limits, ListDecoder, WatchDecoder, cbor, protobuf};
use portolan::meta::{Encoded, Format, Object, Resource};
use portolan::object::Lazy;
use portolan::policy::Random;
use serde_json::{Value, json};

use crate::{SECRET, below, hides_secrets, mutate, pick, rounds};

fn secret() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": {"name": "s", "namespace": "n", "uid": "u", "labels": {"a": "b", "c": "d"},
            "creationTimestamp": "2024-01-02T03:04:05Z", "managedFields": [{"manager": "m", "fieldsV1": {"f:data": {}}}]},
        "data": {"password": SECRET, "empty": ""}, "immutable": true,
    })
}

fn pod() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "annotations": {"note": SECRET}},
        "spec": {"containers": [{"name": "c", "image": "i", "ports": [{"containerPort": 80}],
            "resources": {"limits": {"cpu": "100m"}}, "livenessProbe": {"httpGet": {"port": "http"}}}],
            "nodeSelector": {"a": "b"}, "terminationGracePeriodSeconds": 30},
        "status": {"phase": "Running", "podIPs": [{"ip": "10.0.0.1"}]},
    })
}

const TOKENS: [&[u8]; 8] = [
    b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
    b"\x12\xff\xff\xff\xff\x0f",
    b"k8s\0",
    b"\xd9\xd9\xf7",
    b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\x81\x81\x81\x81\x81\x81\x81\x81",
    b"\xd6\x43\x01\x02\x03",
    b"\xc3\x28",
];

/// An object or a list, whole or damaged.
fn document(chance: &mut Random, format: Format) -> Vec<u8> {
    let list = json!({
        "apiVersion": "v1", "kind": "SecretList", "metadata": {"resourceVersion": "7"}, "items": [secret(), secret()],
    });
    let (object, kind) =
        vec![(secret(), "Secret"), (pod(), "Pod"), (list, "SecretList")].swap_remove(below(chance, 3));
    let mut bytes = match format {
        Format::Protobuf => protobuf::encode(&object, "v1", kind).unwrap(),
        _ => cbor::encode(&object).unwrap(),
    };
    mutate(chance, &mut bytes, &TOKENS);
    bytes
}

#[test]
fn protobuf_reads_alike_by_every_way_or_not_at_all() {
    rounds(40_000, |chance| {
        let bytes = document(chance, Format::Protobuf);
        let (read, text) = (protobuf::decode::<Value>(&bytes), protobuf::to_json(&bytes));
        compare(read, text);
        as_types(Format::Protobuf, &bytes);
    });
}

#[test]
fn cbor_reads_alike_by_every_way_or_not_at_all() {
    rounds(40_000, |chance| {
        let bytes = document(chance, Format::Cbor);
        let (read, text) = (cbor::decode::<Value>(&bytes), cbor::to_json(&bytes));
        if let Ok(value) = &read {
            let again = cbor::encode(value).unwrap();
            assert_eq!(cbor::encode(&cbor::decode::<Value>(&again).unwrap()).unwrap(), again);
        }
        compare(read, text);
        as_types(Format::Cbor, &bytes);
    });
}

fn compare(read: Result<Value, portolan::Error>, text: Result<Vec<u8>, portolan::Error>) {
    match (read, text) {
        (Ok(read), Ok(text)) => {
            let text: Value = serde_json::from_slice(&text).unwrap();
            assert_eq!(read, text);
        }
        (Err(read), Err(text)) => [read, text].iter().for_each(hides_secrets),
        (read, text) => assert_eq!(read.is_ok(), text.is_ok(), "{read:?} {text:?}"),
    }
}

fn as_types(format: Format, bytes: &[u8]) {
    let resource = Secret::api_resource();
    let encoded = Encoded { drop_managed_fields: true, ..Encoded::new(format, bytes, &resource) };
    for outcome in [
        Secret::read(encoded).map(drop),
        Pod::read(encoded).map(drop),
        <Lazy<Secret> as Object>::read(encoded).map(|lazy| {
            let json = lazy.json().unwrap();
            let whole: Value = serde_json::from_slice(&json).unwrap();
            let found = lazy.at("data.password").map(|value| value.read::<Value>().unwrap());
            assert_eq!(found.as_ref(), whole.get("data").and_then(|data| data.get("password")));
            drop(lazy.decode());
        }),
    ] {
        outcome.err().iter().for_each(hides_secrets);
    }
}

/// What a decoder gives of chunks of one size.
fn told(format: Format, bytes: &[u8], size: usize, is_list: bool) -> (Vec<Vec<u8>>, bool) {
    let (mut given, mut failed) = (Vec::new(), false);
    let mut list = ListDecoder::new(format, Limits::default());
    let mut watch = WatchDecoder::new(format, Limits::default());
    for chunk in bytes.chunks(size) {
        list.push(chunk.to_vec().into());
        watch.push(chunk.to_vec().into());
        loop {
            let next = match is_list {
                true => list.next_item().map(|item| item.map(<[u8]>::to_vec)),
                false => watch.next_event().map(|event| event.map(|event| event.object.to_vec())),
            };
            match next {
                Ok(Some(object)) => given.push(object),
                Ok(None) => break,
                Err(error) => {
                    hides_secrets(&error);
                    failed = true;
                    break;
                }
            }
        }
    }
    let ended = if is_list { list.finish().map(drop) } else { watch.finish() };
    (given, failed || ended.is_err())
}

#[test]
fn lists_and_watches_give_the_same_however_they_are_cut() {
    rounds(15_000, |chance| {
        let format = *pick(chance, &[Format::Protobuf, Format::Cbor, Format::Json]);
        let event = json!({"type": "ADDED", "object": secret()});
        let list =
            json!({"apiVersion": "v1", "kind": "SecretList", "metadata": {}, "items": [secret(), secret()]});
        let is_list = below(chance, 2) == 0;
        let mut bytes = match (format, is_list) {
            (Format::Protobuf, true) => protobuf::encode(&list, "v1", "SecretList").unwrap(),
            (Format::Protobuf, false) => {
                let object = protobuf::encode(&secret(), "v1", "Secret").unwrap();
                let raw = protobuf_event(&object);
                [&u32::try_from(raw.len()).unwrap().to_be_bytes()[..], &raw].concat().repeat(2)
            }
            (Format::Cbor, true) => cbor::encode(&list).unwrap(),
            (Format::Cbor, false) => cbor::encode(&event).unwrap().repeat(2),
            (_, true) => serde_json::to_vec(&list).unwrap(),
            (_, false) => serde_json::to_vec(&event).unwrap().repeat(2),
        };
        mutate(chance, &mut bytes, &TOKENS);
        let whole = told(format, &bytes, bytes.len().max(1), is_list);
        let cut = told(format, &bytes, 1 + below(chance, bytes.len() + 1), is_list);
        assert_eq!(whole, cut);
    });
}

fn protobuf_event(object: &[u8]) -> Vec<u8> {
    let field = |number: u8, bytes: &[u8]| {
        let length = bytes.len();
        let mut out = vec![number << 3 | 2, length as u8 | 0x80, u8::try_from(length >> 7).unwrap()];
        out.extend_from_slice(bytes);
        out
    };
    [field(1, b"ADDED"), field(2, &field(1, object))].concat()
}
