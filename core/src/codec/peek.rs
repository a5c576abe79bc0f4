//! What an object in its buffer says of itself before it is read: its type, and which object at which version it is.
//!
//! Invariant: a peek only ever saves work. What it cannot tell cheaply, or what is malformed, it does not tell, and
//! whoever reads the object finds out.

#[cfg(feature = "cbor")]
use super::cbor;
use super::json::{Entries, Malformed, is_name};
#[cfg(feature = "protobuf")]
use super::protobuf;
use crate::meta::{Format, MetaRef};

/// The apiVersion and the kind that an object names, "" where it names none. `None` when that cannot be told.
pub(crate) fn type_names(format: Format, bytes: &[u8]) -> Option<(&str, &str)> {
    match format {
        Format::Json => json_type_names(bytes.trim_ascii()).ok(),
        #[cfg(feature = "protobuf")]
        Format::Protobuf => protobuf::type_names(bytes),
        #[cfg(feature = "cbor")]
        Format::Cbor => cbor::type_names(bytes),
    }
}

/// Name, namespace, uid and version of an object. `None` when they cannot be told without copying.
pub(crate) fn identity(format: Format, bytes: &[u8]) -> Option<MetaRef<'_>> {
    match format {
        Format::Json => json_identity(bytes.trim_ascii()).ok().flatten(),
        #[cfg(feature = "protobuf")]
        Format::Protobuf => protobuf::identity(bytes),
        #[cfg(feature = "cbor")]
        Format::Cbor => cbor::identity(bytes),
    }
}

/// The server writes both first: nothing else is looked at then.
fn json_type_names(bytes: &[u8]) -> Result<(&str, &str), Malformed> {
    let (mut api_version, mut kind) = (None, None);
    let mut entries = Entries::of_object(bytes, 0)?;
    while api_version.is_none() || kind.is_none() {
        let Some(entry) = entries.next()? else { break };
        let name = &bytes[entry.key];
        let place = if is_name(name, "apiVersion") {
            &mut api_version
        } else if is_name(name, "kind") {
            &mut kind
        } else {
            continue;
        };
        *place = plain_text(bytes, entry.value, entries.skip()?);
    }
    Ok((api_version.unwrap_or_default(), kind.unwrap_or_default()))
}

/// Metadata come before spec and status, which are then not looked at.
fn json_identity(bytes: &[u8]) -> Result<Option<MetaRef<'_>>, Malformed> {
    let mut entries = Entries::of_object(bytes, 0)?;
    while let Some(entry) = entries.next()? {
        if !is_name(&bytes[entry.key], "metadata") {
            continue;
        }
        let mut found = MetaRef::default();
        let mut metadata = Entries::of_object(bytes, entry.value)?;
        while let Some(entry) = metadata.next()? {
            let name = &bytes[entry.key];
            let place = if is_name(name, "name") {
                &mut found.name
            } else if is_name(name, "namespace") {
                &mut found.namespace
            } else if is_name(name, "uid") {
                &mut found.uid
            } else if is_name(name, "resourceVersion") {
                &mut found.resource_version
            } else {
                continue;
            };
            match plain_text(bytes, entry.value, metadata.skip()?) {
                Some(text) => *place = text,
                None => return Ok(None),
            }
        }
        return Ok(Some(found));
    }
    Ok(None)
}

/// The text of a string without escapes.
fn plain_text(bytes: &[u8], start: usize, end: usize) -> Option<&str> {
    let text = bytes.get(start..end)?.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    if memchr::memchr(b'\\', text).is_some() { None } else { std::str::from_utf8(text).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_tells_its_type_and_who_it_is() {
        let bytes = br#" {"kind":"Pod","apiVersion":"v1","metadata":{"labels":{"name":"x"},"name":"a","namespace":"n","uid":"u","resourceVersion":"7"},"spec":not looked at"#;
        assert_eq!(type_names(Format::Json, bytes), Some(("v1", "Pod")));
        let meta = MetaRef { name: "a", namespace: "n", uid: "u", resource_version: "7" };
        assert_eq!(identity(Format::Json, bytes), Some(meta));
    }

    #[test]
    fn what_cannot_be_told_is_not() {
        for bytes in
            [r#"{"metadata":{"name":"a\u0062"}}"#, r#"{"metadata":null}"#, "{}", "[]", "", "{\"metadata\":{"]
        {
            assert_eq!(identity(Format::Json, bytes.as_bytes()), None, "{bytes}");
        }
        assert_eq!(type_names(Format::Json, b"{}"), Some(("", "")));
        assert_eq!(type_names(Format::Json, b"{\"kind\":3,"), None);
    }

    #[cfg(feature = "cbor")]
    #[test]
    fn cbor_tells_the_same() {
        let object = serde_json::json!({
            "apiVersion": "v1", "kind": "Pod", "spec": {"a": [1, {"b": 2}]},
            "metadata": {"name": "a", "namespace": "n", "uid": "u", "resourceVersion": "7", "labels": {"c": "d"}},
        });
        let bytes = cbor::encode(&object).unwrap();
        assert_eq!(type_names(Format::Cbor, &bytes), Some(("v1", "Pod")));
        let meta = MetaRef { name: "a", namespace: "n", uid: "u", resource_version: "7" };
        assert_eq!(identity(Format::Cbor, &bytes), Some(meta));
        assert_eq!(identity(Format::Cbor, &bytes[..bytes.len() - 1]), None);
        assert_eq!(identity(Format::Cbor, b"\xff\xff"), None);
    }

    #[cfg(feature = "protobuf")]
    #[test]
    fn protobuf_tells_the_same() {
        let object = serde_json::json!({ "metadata": { "name": "a", "namespace": "n", "uid": "u", "resourceVersion": "7" } });
        let bytes = protobuf::encode(&object, "v1", "Pod").unwrap();
        assert_eq!(type_names(Format::Protobuf, &bytes), Some(("v1", "Pod")));
        let meta = MetaRef { name: "a", namespace: "n", uid: "u", resource_version: "7" };
        assert_eq!(identity(Format::Protobuf, &bytes), Some(meta));
        assert_eq!(identity(Format::Protobuf, b"\xff\xff"), None);
    }
}
