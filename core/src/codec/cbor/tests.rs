//! Documents as Go writes them, every cut, and hostile bytes.

use k8s_openapi::api::core::v1::{Pod, Secret};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{ListDecoder, PREFIX, WatchDecoder, decode, encode, to_json};
use crate::codec::{EventKind, Limits, ListHead};
use crate::error::Error;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(pair).collect()
}

fn pod() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "a", "labels": {"a": "ü"}, "generation": -3},
        "spec": {"containers": [{"name": "c", "image": "i"}], "nodeName": "n"},
    })
}

/// Both readings of a document: its value and its JSON.
fn both(bytes: &[u8]) -> Result<Value, Error> {
    let (read, text) = (decode::<Value>(bytes), to_json(bytes));
    assert_eq!(read.is_ok(), text.is_ok(), "{read:?} {text:?}");
    let read = read?;
    assert_eq!(serde_json::from_slice::<Value>(&text?).unwrap(), read);
    Ok(read)
}

#[test]
fn items_are_read_as_go_reads_them() {
    for (bytes, expected) in [
        ("d9d9f7 a0", json!({})),
        ("a1 4161 01", json!({"a": 1})),
        ("a1 6161 01", json!({"a": 1})),
        ("83 f4 f5 f6", json!([false, true, null])),
        ("82 3b 7fffffffffffffff 1b ffffffffffffffff", json!([i64::MIN, u64::MAX])),
        ("d6 43 010203", json!("AQID")),
        ("d5 42 fbff", json!("-_8")),
        ("d7 42 0aff", json!("0AFF")),
        ("d9d9f7 d6 40", json!("")),
        ("c0 54 323032342d30312d30325430333a30343a30355a", json!("2024-01-02T03:04:05Z")),
        ("84 f9 3c00 f9 3e00 fa 47c35000 fb 3ff199999999999a", json!([1, 1.5, 100_000, 1.1])),
        ("82 f9 0400 f9 fbff", json!([6.103515625e-5, -65504])),
    ] {
        assert_eq!(both(&hex(bytes)).unwrap(), expected, "{bytes}");
    }
}

#[test]
fn what_no_object_holds_is_refused() {
    for (bytes, why) in [
        ("", "ends within a value"),
        ("a1 4161", "ends within a value"),
        ("5f 4161 ff", "left open"),
        ("9f ff", "left open"),
        ("41 ff", "not UTF-8"),
        ("61 ff", "not UTF-8"),
        ("a1 01 02", "a name that is not a text"),
        ("a2 4161 01 4161 02", "twice"),
        ("a2 4161 01 6161 02", "twice"),
        ("a0 00", "follows its end"),
        ("f7", "simple value"),
        ("f8 18", "simple value"),
        ("1c", "not in use"),
        ("c1 00", "a tag that no object has"),
        ("c2 41 01", "a tag that no object has"),
        ("f9 7c00", "not finite"),
        ("fb 7ff8000000000000", "not finite"),
        ("3b ffffffffffffffff", "beyond 64 bits"),
        ("5b ffffffffffffffff 00", "beyond the end"),
        ("9b ffffffffffffffff", "ends within"),
        ("bb ffffffffffffffff 4161", "ends within"),
    ] {
        let error = both(&hex(bytes)).unwrap_err();
        assert!(error.is_decode() && error.to_string().contains(why), "{bytes}: {error}");
    }
}

#[test]
fn values_are_written_as_go_writes_them() {
    for (value, bytes) in [
        (json!({"bb": 1, "a": [], "c": null}), "a3 4161 80 4163 f6 426262 01"),
        (
            json!([0, 23, 24, 255, 256, 65536, 4_294_967_296_u64]),
            "87 00 17 1818 18ff 190100 1a00010000 1b0000000100000000",
        ),
        (json!([-1, -24, -25, i64::MIN, i64::MAX]), "85 20 37 3818 3b7fffffffffffffff 1b7fffffffffffffff"),
        (json!(12_345_678_901_234_567_890_u64), "fb 43e56a95319d63e1"),
        (
            json!([0.5, 100_000.5, 1.1, -0.0, 65504.0, 65505.0]),
            "86 f93800 fa47c35040 fb3ff199999999999a f98000 f97bff fa477fe100",
        ),
        (json!([5.960464477539063e-8, 6.097555160522461e-5, 3e-8]), "83 f90001 f903ff fb3e601b2b29a4692b"),
        (json!("ü"), "42 c3bc"),
    ] {
        let expected = [PREFIX.to_vec(), hex(bytes)].concat();
        assert_eq!(encode(&value).unwrap(), expected, "{value}");
    }
    assert!(encode(&f64::NAN).is_err() && encode(&std::collections::BTreeMap::from([(1, 2)])).is_err());
}

/// As serde_json writes a number in a program that has its feature `arbitrary_precision`.
#[derive(serde::Serialize)]
#[serde(rename = "$serde_json::private::Number")]
struct Exact {
    #[serde(rename = "$serde_json::private::Number")]
    text: &'static str,
}

#[test]
fn a_number_that_keeps_its_text_is_written_as_a_number() {
    for text in ["0", "-0", "7", "-7", "18446744073709551615", "-9223372036854775808", "1.50", "1e2"] {
        let number: Value = serde_json::from_str(text).unwrap();
        assert_eq!(encode(&[Exact { text }]).unwrap(), encode(&json!([number])).unwrap(), "{text}");
    }
    assert!(encode(&Exact { text: "1e999" }).is_err());
}

#[test]
fn types_and_raw_json_go_both_ways() {
    let read: Pod = decode(&encode(&pod()).unwrap()).unwrap();
    assert_eq!(read, serde_json::from_value(pod()).unwrap());
    assert_eq!(both(&encode(&read).unwrap()).unwrap(), pod());
    let raw: Box<RawValue> = serde_json::from_value(pod()).unwrap();
    assert_eq!(encode(&raw).unwrap(), encode(&pod()).unwrap());
    let raw: Box<RawValue> = decode(&encode(&pod()).unwrap()).unwrap();
    assert_eq!(serde_json::from_str::<Value>(raw.get()).unwrap(), pod());
    // Bytes come under their tag from Go, and as base64 from us.
    let from_go = hex("a1 4464617461 a1 4161 d6 43 010203");
    let secret: Secret = decode(&from_go).unwrap();
    assert_eq!(secret.data.as_ref().unwrap()["a"].0, [1, 2, 3]);
    assert_eq!(decode::<Secret>(&encode(&secret).unwrap()).unwrap(), secret);
    let error = decode::<Pod>(&encode(&json!({"spec": "secret"})).unwrap()).unwrap_err().to_string();
    assert!(!error.contains("secret"), "{error}");
}

#[test]
fn depth_is_bounded() {
    let nested = |depth: usize| [vec![0x81; depth], vec![0xf6]].concat();
    decode::<Value>(&nested(127)).unwrap();
    assert!(decode::<Value>(&nested(128)).unwrap_err().to_string().contains("nested"));
    let deepest = Limits::default().depth;
    to_json(&nested(deepest)).unwrap();
    for bytes in [nested(deepest + 1), nested(200_000), vec![0xc6; 200_000]] {
        assert!(to_json(&bytes).is_err() && decode::<Value>(&bytes).is_err());
        assert!(decode::<serde::de::IgnoredAny>(&bytes).is_err());
    }
}

fn list() -> Vec<u8> {
    let list = json!({
        "apiVersion": "v1", "kind": "PodList",
        "metadata": {"resourceVersion": "7", "continue": "next", "remainingItemCount": 5},
        "items": [{"metadata": {"name": "a"}}, pod(), {"metadata": {"name": "c"}}],
    });
    encode(&list).unwrap()
}

fn items(body: &[u8], size: usize) -> Result<(Vec<Vec<u8>>, ListHead), Error> {
    let (mut decoder, mut items) = (ListDecoder::new(Limits::default()), Vec::new());
    for chunk in body.chunks(size) {
        decoder.push(chunk.to_vec().into());
        while let Some(item) = decoder.next_item()? {
            items.push(item.to_vec());
        }
    }
    Ok((items, decoder.finish()?))
}

#[test]
fn a_list_gives_its_items_however_it_is_cut() {
    let body = list();
    let (whole, head) = items(&body, body.len()).unwrap();
    assert_eq!((whole.len(), head.kind.as_str(), head.resource_version.as_str()), (3, "PodList", "7"));
    assert_eq!((head.continue_token.as_str(), head.remaining), ("next", Some(5)));
    assert_eq!(both(&whole[1]).unwrap(), pod());
    for size in 1..40 {
        assert_eq!(items(&body, size).unwrap(), (whole.clone(), head.clone()), "chunks of {size}");
    }
    for end in 0..body.len() {
        assert!(items(&body[..end], 64).is_err(), "cut at {end}");
    }
    let empty = encode(&json!({"apiVersion": "v1", "kind": "PodList", "items": null})).unwrap();
    assert!(items(&empty, 3).unwrap().0.is_empty());
}

#[test]
fn a_body_that_is_no_list_is_refused() {
    let written = |value: Value| encode(&value).unwrap();
    for (body, why) in [
        (Vec::new(), "the body is empty"),
        (b"{\"kind\":\"PodList\"}".to_vec(), "not a CBOR map"),
        (b"k8s\0".to_vec(), "not a CBOR map"),
        (written(json!([1])), "not a CBOR map"),
        (written(json!({"apiVersion": "v1", "kind": "Status"})), "a Status arrived"),
        (written(json!({"apiVersion": "v1", "kind": "PodList"})), "no items"),
        (written(json!({"kind": "PodList", "items": []})), "names no apiVersion"),
        (written(json!({"items": {}})), "not an array"),
        (written(json!({"items": ["secret"]})), "not a map"),
        (written(json!({"kind": ["secret"]})), "not a text"),
        (written(json!({"metadata": "secret"})), "not that of a list"),
        (hex("a2 45 6974656d73 80 45 6974656d73 80"), "a second"),
        ([list(), vec![0]].concat(), "follows"),
    ] {
        let error = items(&body, 64).unwrap_err().to_string();
        assert!(error.contains(why) && !error.contains("secret"), "{why}: {error}");
    }
    let body = list();
    for (limits, why) in [
        (Limits { object_bytes: 20, ..Limits::default() }, "larger than allowed"),
        (Limits { depth: 2, ..Limits::default() }, "nested"),
    ] {
        let mut decoder = ListDecoder::new(limits);
        decoder.push(body.clone().into());
        let error = std::iter::from_fn(|| decoder.next_item().map(|item| item.map(drop)).transpose())
            .find_map(Result::err);
        assert!(error.unwrap().to_string().contains(why));
    }
}

#[test]
fn a_watch_gives_its_events_however_it_is_cut() {
    let event = |kind: &str, object: Value| encode(&json!({"type": kind, "object": object})).unwrap();
    let first = event("ADDED", pod());
    let body = [first.clone(), event("BOOKMARK", json!({"kind": "Pod"}))].concat();
    for size in 1..40 {
        let (mut decoder, mut events) = (WatchDecoder::new(Limits::default()), Vec::new());
        for chunk in body.chunks(size) {
            decoder.push(chunk.to_vec().into());
            while let Some(event) = decoder.next_event().unwrap() {
                events.push((event.kind, both(event.object).unwrap()));
            }
        }
        decoder.finish().unwrap();
        assert_eq!(events, [(EventKind::Added, pod()), (EventKind::Bookmark, json!({"kind": "Pod"}))]);
    }
    for end in 1..body.len() {
        let mut decoder = WatchDecoder::new(Limits::default());
        decoder.push(body[..end].to_vec().into());
        let events =
            std::iter::from_fn(|| decoder.next_event().map(|event| event.map(drop)).transpose()).count();
        assert_eq!((events > 0, decoder.finish().is_ok()), (end >= first.len(), end == first.len()));
    }
    for wrong in
        [event("SEEN", pod()), event("ADDED", json!(1)), encode(&json!({"type": "ADDED"})).unwrap(), vec![0]]
    {
        let mut decoder = WatchDecoder::new(Limits::default());
        decoder.push(wrong.into());
        assert!(decoder.next_event().unwrap_err().is_decode());
        assert!(decoder.next_event().is_err());
    }
}

#[test]
fn damaged_documents_never_panic_and_read_alike() {
    let whole = encode(&pod()).unwrap();
    for place in 0..whole.len() {
        assert!(both(&whole[..place]).is_err());
        for value in [0x00, 0x01, 0x1b, 0x5f, 0x7f, 0x80, 0x9b, 0xbf, 0xd6, 0xf7, 0xff, whole[place] ^ 1] {
            let mut changed = whole.clone();
            changed[place] = value;
            let _ = both(&changed);
            let _: Result<Pod, Error> = decode(&changed);
            let _ = items(&changed, 7);
        }
    }
}
