//! JSON: documents with damage, traps and depth, read by path and as a whole, against serde_json.

use portolan::codec::{Limits, json};
use portolan::meta::{ApiResource, Encoded, Format, Object};
use portolan::object::{Lazy, Unstructured};
use portolan::policy::Random;
use serde_json::Value;

use crate::{SECRET, below, hides_secrets, mutate, pick, rounds};

const TOKENS: [&[u8]; 12] = [
    b"\\u0000",
    b"\\ud800",
    b"\xff",
    b"[[[[[[[[",
    b"{\"a\":",
    b"1e400",
    b"-",
    b"123456789012345678901234567890",
    b"\"",
    b",",
    b"\\",
    b"null",
];
const NAMES: [&str; 8] = ["metadata", "name", "spec", "labels", "a", "b", "it\\u0065ms", "items"];

fn value(chance: &mut Random, depth: usize) -> String {
    match below(chance, if depth == 0 { 3 } else { 6 }) {
        0 => pick(chance, &["null", "true", "0", "-1.5e3", "18446744073709551615", "1E-2"]).to_string(),
        1 | 2 => format!("\"{}\"", pick(chance, &["", SECRET, "\\\"", "}", "\\u00e9", "\u{1F9ED}", "a b"])),
        3 => {
            let parts: Vec<_> = (0..below(chance, 4)).map(|_| value(chance, depth - 1)).collect();
            format!("[{}]", parts.join(*pick(chance, &[",", " , "])))
        }
        _ => object(chance, depth - 1),
    }
}

fn object(chance: &mut Random, depth: usize) -> String {
    let (first, count) = (below(chance, NAMES.len()), below(chance, 5));
    // Steps of three meet no name twice; the escaped spelling of one would be the other.
    let names =
        (0..count).map(|step| NAMES[(first + 3 * step) % NAMES.len()]).filter(|name| *name != "items");
    let names: Vec<&str> = names.collect();
    let parts: Vec<_> = names.iter().map(|name| format!("\"{name}\": {}", value(chance, depth))).collect();
    format!("{{{}}}", parts.join(","))
}

fn resource() -> ApiResource {
    ApiResource::new("example.com/v1", "Widget", "widgets", true).unwrap()
}

#[test]
fn what_is_taken_in_is_what_serde_json_takes() {
    rounds(60_000, |chance| {
        let (resource, inner) = (resource(), value(chance, 4));
        let mut bytes = format!("{{\"metadata\":{{\"name\":\"a\"}},\"spec\":{inner}}}").into_bytes();
        mutate(chance, &mut bytes, &TOKENS);
        let is_valid = std::str::from_utf8(&bytes).is_ok()
            && serde_json::from_slice::<serde::de::IgnoredAny>(&bytes).is_ok();
        let encoded = |trusted| Encoded {
            format: Format::Json,
            bytes: &bytes,
            resource: &resource,
            drop_managed_fields: true,
            trusted,
        };
        let checked = <Lazy<Unstructured> as Object>::read(encoded(false));
        checked.as_ref().err().into_iter().for_each(hides_secrets);
        let trusted = <Lazy<Unstructured> as Object>::read(encoded(true));
        // Of what is valid both make the same; what is not is never taken in where it is checked.
        match is_valid {
            true => assert_eq!(checked.ok(), trusted.ok(), "{:?}", String::from_utf8_lossy(&bytes)),
            false => assert!(checked.is_err(), "{:?}", String::from_utf8_lossy(&bytes)),
        }
    });
}

#[test]
fn reads_by_path_find_what_serde_json_finds() {
    rounds(40_000, |chance| {
        let resource = resource();
        let text = object(chance, 4);
        let encoded = Encoded::new(Format::Json, text.as_bytes(), &resource);
        let Ok(lazy) = <Lazy<Unstructured> as Object>::read(encoded) else { return };
        let whole: Value = serde_json::from_slice(&lazy.json().unwrap()).unwrap();
        let names = ["metadata", "name", "spec", "labels", "a", "b", "items"];
        let path: Vec<&str> = (0..=below(chance, 3)).map(|_| *pick(chance, &names)).collect();
        let expected = path.iter().try_fold(&whole, |value, name| value.get(name));
        let path = path.join(".");
        let found: Option<Value> = lazy.read(&path).unwrap();
        assert_eq!(found.as_ref(), expected.filter(|value| !value.is_null()), "{path} of {text}");
    });
}

#[test]
fn damaged_objects_are_read_or_refused_and_never_shown() {
    rounds(40_000, |chance| {
        let resource = resource();
        let mut bytes = object(chance, 4).into_bytes();
        mutate(chance, &mut bytes, &TOKENS);
        let encoded = Encoded { drop_managed_fields: true, ..Encoded::new(Format::Json, &bytes, &resource) };
        for outcome in [
            Unstructured::read(encoded).map(drop),
            <Lazy<Unstructured> as Object>::read(encoded).map(|lazy| {
                let _ = (lazy.text("metadata.name"), lazy.values("a[*].b").count(), lazy.decode());
            }),
        ] {
            outcome.err().iter().for_each(hides_secrets);
        }
    });
}

#[test]
fn depth_bombs_end_at_the_limit() {
    for bomb in ["[".repeat(3_000_000), "{\"a\":".repeat(1_000_000)] {
        let mut decoder = json::ListDecoder::new(Limits::default());
        decoder.push(format!("{{\"items\":[{{\"a\":{bomb}").into());
        let error = decoder.next_item().unwrap_err();
        assert!(error.to_string().contains("nested"), "{error}");
        let resource = resource();
        let encoded =
            Encoded { drop_managed_fields: true, ..Encoded::new(Format::Json, bomb.as_bytes(), &resource) };
        assert!(Unstructured::read(encoded).is_err());
        assert!(<Lazy<Unstructured> as Object>::read(encoded).is_err());
    }
}

#[test]
fn odd_json_behaves_as_documented() {
    let resource = resource();
    let read = |text: &str| {
        let bytes = text.as_bytes();
        let encoded = Encoded::new(Format::Json, bytes, &resource);
        (Unstructured::read(encoded), <Lazy<Unstructured> as Object>::read(encoded).unwrap())
    };
    let (whole, lazy) = read(r#"{"spec":{"a":"\ud800","b":1}}"#);
    assert!(whole.is_err() && lazy.text("spec.a").is_none());
    assert_eq!(lazy.text("spec.b").as_deref(), Some("1"));
    let (whole, lazy) = read(r#"{"spec":{"a":1e400,"b":1}}"#);
    assert!(whole.is_err() && lazy.read::<f64>("spec.a").is_err());
    assert_eq!(lazy.text("spec.a").as_deref(), Some("1e400"));
    let (whole, lazy) = read(r#"{"spec":{"a":1,"a":2}}"#);
    assert_eq!(whole.unwrap().get("spec.a"), Some(&2.into()));
    assert_eq!(lazy.text("spec.a").as_deref(), Some("1"));
}
