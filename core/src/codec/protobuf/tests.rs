//! The codec from outside: types, pieces, hostile bytes. What Go writes is compared in `tests/fixtures`.

use k8s_openapi::api::core::v1::{Pod, Secret};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::wire::{put_bytes, put_number};
use super::{ListDecoder, WatchDecoder, decode, encode, to_json};
use crate::codec::{EventKind, Limits};
use crate::error::Error;

fn pod() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": "web-0", "namespace": "n", "creationTimestamp": "2026-01-02T03:04:05Z",
            "labels": {"b": "2", "a": "", "ü": "世界"}, "generation": -3,
            "managedFields": [{"manager": "m", "fieldsV1": {"f:a": {}}}],
        },
        "spec": {
            "hostNetwork": true,
            "containers": [
                {"name": "c", "resources": {"limits": {"cpu": "100m"}}, "livenessProbe": {"httpGet": {"port": "http"}}},
                {"name": "d", "resources": {}, "livenessProbe": {"httpGet": {"port": 80}}},
            ],
            "volumes": [{"name": "v", "configMap": {"name": "c", "optional": false}}],
        },
        "status": {"startTime": "2026-01-02T03:04:05Z"},
    })
}

fn encoded() -> Vec<u8> {
    encode(&pod(), "v1", "Pod").unwrap()
}

/// A document around a message.
fn document(kind: &str, raw: &[u8]) -> Vec<u8> {
    super::Envelope { api_version: "v1", kind, raw }.write()
}

#[test]
fn a_type_reads_and_writes_what_its_json_does() {
    let typed: Pod = serde_json::from_value(pod()).unwrap();
    assert_eq!(decode::<Pod>(&encoded()).unwrap(), typed);
    assert_eq!(encode(&typed, "v1", "Pod").unwrap(), encoded());
    let secret = json!({"metadata": {"name": "s"}, "data": {"k": "c2VjcmV0", "empty": ""}});
    let typed: Secret = serde_json::from_value(secret.clone()).unwrap();
    assert_eq!(decode::<Secret>(&encode(&secret, "v1", "Secret").unwrap()).unwrap(), typed);
}

#[test]
fn what_go_leaves_out_or_fills_is_left_out_or_filled() {
    let read: Value = decode(&document("Pod", b"")).unwrap();
    let expected = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {}, "spec": {"containers": null}, "status": {},
    });
    assert_eq!(read, expected);
}

#[test]
fn json_within_stays_word_for_word() {
    let text = r#"{"apiVersion":"apps/v1","kind":"ControllerRevision","data":{"z": 1e2,  "a":"\u0041"},"revision":1}"#;
    let raw: &RawValue = serde_json::from_str(text).unwrap();
    let bytes = encode(raw, "apps/v1", "ControllerRevision").unwrap();
    let written = String::from_utf8(to_json(&bytes).unwrap()).unwrap();
    assert!(written.contains(r#""data":{"z": 1e2,  "a":"\u0041"},"revision":1"#), "{written}");
    #[derive(serde::Deserialize)]
    struct Revision {
        data: Box<RawValue>,
    }
    assert_eq!(decode::<Revision>(&bytes).unwrap().data.get(), r#"{"z": 1e2,  "a":"\u0041"}"#);
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
    #[derive(serde::Serialize)]
    struct Lease<T> {
        spec: std::collections::BTreeMap<&'static str, T>,
    }
    fn lease<T: serde::Serialize>(seconds: T) -> Vec<u8> {
        let spec = [("leaseDurationSeconds", seconds)].into();
        encode(&Lease { spec }, "coordination.k8s.io/v1", "Lease").unwrap()
    }
    assert_eq!(lease(Exact { text: "15" }), lease(15));
    assert_eq!(lease(Exact { text: "-1" }), lease(-1));
}

#[test]
fn a_member_that_protobuf_does_not_have_is_named_and_never_lost() {
    let mut object = pod();
    object["spec"]["containers"][1]["newField"] = json!("secret");
    let error = encode(&object, "v1", "Pod").unwrap_err().to_string();
    assert!(error.contains("spec.containers[1].newField: protobuf has no such field"), "{error}");
    let mut object = pod();
    object["metadata"]["generation"] = json!("secret");
    let error = encode(&object, "v1", "Pod").unwrap_err().to_string();
    assert!(error.contains("metadata.generation") && !error.contains("secret"), "{error}");
    let error = encode(&object, "example.com/v1", "Widget").unwrap_err();
    assert!(error.is_unsupported() && error.to_string().contains("Widget"), "{error}");
}

#[test]
fn a_document_cut_anywhere_is_an_error_or_the_object() {
    let (bytes, whole) = (encoded(), decode::<Value>(&encoded()).unwrap());
    for end in 0..bytes.len() {
        match decode::<Value>(&bytes[..end]) {
            // What follows the object in its envelope says nothing.
            Ok(read) => assert!(read == whole && end >= bytes.len() - 4, "cut at {end}"),
            Err(error) => assert!(error.is_decode(), "cut at {end}: {error}"),
        }
    }
}

#[test]
fn changed_bytes_end_in_an_error_or_a_value() {
    let bytes = encoded();
    for place in 0..bytes.len() {
        for value in [0, 1, 0x0a, 0x12, 0x7f, 0x80, 0xff] {
            let mut changed = bytes.clone();
            changed[place] = value;
            let (read, text) = (decode::<Value>(&changed), to_json(&changed));
            assert_eq!(read.is_ok(), text.is_ok(), "byte {place} as {value}");
            if let (Ok(read), Ok(text)) = (read, text) {
                assert_eq!(serde_json::from_slice::<Value>(&text).unwrap(), read);
            }
            let _: Result<Pod, Error> = decode(&changed);
        }
    }
}

#[test]
fn messages_in_pieces_are_put_together() {
    let bytes = |fields: &[(u32, &[u8])]| {
        let mut out = Vec::new();
        fields.iter().for_each(|(number, bytes)| put_bytes(&mut out, *number, bytes));
        out
    };
    let container = |name: &[u8]| bytes(&[(1, name)]);
    let (c, d, e) = (container(b"c"), container(b"d"), container(b"e"));
    // Containers apart from one another, the name twice, the spec in two pieces around the metadata.
    let first = bytes(&[(2, &c), (10, b"old"), (2, &d), (10, b"new")]);
    let second = bytes(&[(2, &e)]);
    let label = bytes(&[(1, b"l"), (2, b"1")]);
    let again = bytes(&[(1, b"l"), (2, b"2")]);
    let metadata = bytes(&[(11, &label), (1, b"a"), (11, &again), (1, b"b")]);
    let raw = bytes(&[(2, &first), (1, &metadata), (2, &second)]);
    let read: Pod = decode(&document("Pod", &raw)).unwrap();
    let spec = read.spec.unwrap();
    let names: Vec<_> = spec.containers.iter().map(|container| container.name.as_str()).collect();
    assert_eq!(names, ["c", "d", "e"]);
    assert_eq!(spec.node_name.as_deref(), Some("new"));
    assert_eq!(read.metadata.name.as_deref(), Some("b"));
    assert_eq!(read.metadata.labels.unwrap()["l"], "2");
    let text: Value = serde_json::from_slice(&to_json(&document("Pod", &raw)).unwrap()).unwrap();
    assert_eq!(text["metadata"]["labels"], json!({"l": "2"}));
}

#[test]
fn packed_numbers_and_unknown_fields_are_read() {
    let mut security = Vec::new();
    put_bytes(&mut security, 4, &[1, 0x80, 1, 3]);
    put_number(&mut security, 4, 9);
    put_number(&mut security, 60, 7);
    let mut spec = Vec::new();
    put_bytes(&mut spec, 14, &security);
    put_bytes(&mut spec, 5000, b"from a newer server");
    let mut raw = Vec::new();
    put_bytes(&mut raw, 2, &spec);
    let read: Pod = decode(&document("Pod", &raw)).unwrap();
    let groups = read.spec.unwrap().security_context.unwrap().supplemental_groups.unwrap();
    assert_eq!(groups, [1, 128, 3, 9]);
}

#[test]
fn depth_is_bounded() {
    let mut schema = Vec::new();
    for _ in 0..20_000 {
        // JSONSchemaProps.not
        let mut outer = Vec::with_capacity(schema.len() + 8);
        put_bytes(&mut outer, 26, &schema);
        schema = outer;
    }
    let mut path = schema;
    for number in [1, 4, 7, 2] {
        let mut outer = Vec::new();
        put_bytes(&mut outer, number, &path);
        path = outer;
    }
    let envelope = super::Envelope {
        api_version: "apiextensions.k8s.io/v1",
        kind: "CustomResourceDefinition",
        raw: &path,
    };
    let error = decode::<Value>(&envelope.write()).unwrap_err().to_string();
    assert!(error.contains("nested"), "{error}");
    assert!(to_json(&envelope.write()).unwrap_err().to_string().contains("nested"));
    // The same in pieces, which are merged first.
    let twice = [path.clone(), path.clone()].concat();
    let error =
        decode::<Value>(&super::Envelope { raw: &twice, ..envelope }.write()).unwrap_err().to_string();
    assert!(error.contains("nested"), "{error}");
}

#[test]
fn errors_tell_the_place_and_show_nothing() {
    let mut metadata = Vec::new();
    put_bytes(&mut metadata, 1, b"secret\xff");
    let mut raw = Vec::new();
    put_bytes(&mut raw, 1, &metadata);
    let error = decode::<Pod>(&document("Pod", &raw)).unwrap_err().to_string();
    assert!(error.contains("not UTF-8 at offset") && !error.contains("secret"), "{error}");
    let error = decode::<Pod>(b"{\"secret\"}").unwrap_err().to_string();
    assert!(error.contains("not Kubernetes protobuf") && !error.contains("secret"), "{error}");
    let mut compressed = encoded();
    compressed.splice(compressed.len() - 4.., *b"\x1a\x04gzip");
    assert!(decode::<Pod>(&compressed).unwrap_err().is_decode());
}

fn list() -> Vec<u8> {
    let list = json!({
        "metadata": {"resourceVersion": "7", "continue": "next", "remainingItemCount": 5},
        "items": [{"metadata": {"name": "a"}}, pod(), {"metadata": {"name": "c"}}],
    });
    encode(&list, "v1", "PodList").unwrap()
}

fn items(body: &[u8], size: usize) -> Result<(Vec<Vec<u8>>, crate::codec::ListHead), Error> {
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
    assert_eq!(decode::<Pod>(&document("Pod", &whole[1])).unwrap(), decode::<Pod>(&encoded()).unwrap());
    for size in 1..40 {
        assert_eq!(items(&body, size).unwrap(), (whole.clone(), head.clone()), "chunks of {size}");
    }
    for end in 0..body.len() - 4 {
        assert!(items(&body[..end], 64).is_err(), "cut at {end}");
    }
}

#[test]
fn a_body_that_is_no_list_is_refused() {
    let status = json!({"status": "Failure", "code": 500});
    let error = items(&encode(&status, "v1", "Status").unwrap(), 64).unwrap_err().to_string();
    assert!(error.contains("a Status"), "{error}");
    assert!(
        items(b"{\"kind\":\"PodList\"}", 64).unwrap_err().to_string().contains("not Kubernetes protobuf")
    );
    let mut decoder = ListDecoder::new(Limits { object_bytes: 20, ..Limits::default() });
    decoder.push(list().into());
    let error = loop {
        match decoder.next_item() {
            Ok(item) => assert!(item.is_some(), "the list was read"),
            Err(error) => break error.to_string(),
        }
    };
    assert!(error.contains("larger than allowed"), "{error}");
    // A length of 2^63 within the list is beyond its end and waits for nothing.
    let mut body = document("PodList", b"");
    body.truncate(body.len() - 6);
    body.extend_from_slice(b"\x12\x20\x12\xff\xff\xff\xff\xff\xff\xff\xff\x7f");
    assert!(items(&body, 64).unwrap_err().to_string().contains("beyond the list's end"));
}

fn event(kind: &str, object: &[u8]) -> Vec<u8> {
    let (mut extension, mut event) = (Vec::new(), Vec::new());
    put_bytes(&mut extension, 1, object);
    put_bytes(&mut event, 1, kind.as_bytes());
    put_bytes(&mut event, 2, &extension);
    let mut frame = u32::try_from(event.len()).unwrap().to_be_bytes().to_vec();
    frame.extend(event);
    frame
}

#[test]
fn a_watch_gives_its_events_however_it_is_cut() {
    let body = [event("ADDED", &encoded()), event("BOOKMARK", &document("Pod", b""))].concat();
    for size in 1..40 {
        let (mut decoder, mut events) = (WatchDecoder::new(Limits::default()), Vec::new());
        for chunk in body.chunks(size) {
            decoder.push(chunk.to_vec().into());
            while let Some(event) = decoder.next_event().unwrap() {
                events.push((event.kind, event.object.to_vec()));
            }
        }
        decoder.finish().unwrap();
        assert_eq!(events, [(EventKind::Added, encoded()), (EventKind::Bookmark, document("Pod", b""))]);
    }
    for end in 1..body.len() {
        let mut decoder = WatchDecoder::new(Limits::default());
        decoder.push(body[..end].to_vec().into());
        let events =
            std::iter::from_fn(|| decoder.next_event().map(|event| event.map(drop)).transpose()).count();
        let is_between = end == event("ADDED", &encoded()).len();
        assert_eq!(
            (events > 0, decoder.finish().is_ok()),
            (end >= event("ADDED", &encoded()).len(), is_between)
        );
    }
}

#[test]
fn a_body_that_is_no_watch_is_refused() {
    for body in
        [event("SEEN", &encoded()), event("ADDED", b"{}"), b"{\"type\":\"ADDED\"}".to_vec(), vec![0; 8]]
    {
        let mut decoder = WatchDecoder::new(Limits::default());
        decoder.push(body.into());
        assert!(decoder.next_event().unwrap_err().is_decode());
        assert!(decoder.next_event().is_err());
    }
}
