//! An object of any kind as a JSON object.
//!
//! Members are kept and written sorted by name, as Go's maps are: what `kubectl get -o yaml` shows. Invariant: it is a
//! JSON object, and reads of what is missing or of another type find nothing and never panic.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::path::{Step, Steps};
use super::stored::FIELDS;
use super::{debug, not_a};
#[cfg(feature = "cbor")]
use crate::codec::cbor;
#[cfg(feature = "protobuf")]
use crate::codec::protobuf;
use crate::error::Error;
use crate::meta::{ApiResource, Encoded, Format, MetaRef, Object, ObjectMeta};

/// Any object, read and changed by path. client-go's `unstructured.Unstructured`. At most 127 values may lie within one
/// another.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Unstructured(Map<String, Value>);

impl Unstructured {
    /// An object of `resource` with this name; `namespace` is "" for a cluster-scoped one.
    pub fn new(resource: &ApiResource, namespace: &str, name: &str) -> Self {
        let mut metadata = Map::new();
        metadata.insert("name".to_owned(), name.into());
        if !namespace.is_empty() {
            metadata.insert("namespace".to_owned(), namespace.into());
        }
        let mut object = Map::new();
        object.insert("metadata".to_owned(), metadata.into());
        let mut object = Self(object);
        object.complete(resource);
        object
    }

    /// A typed object in this form.
    pub fn from_typed<T: Serialize>(object: &T) -> Result<Self, Error> {
        match serde_json::to_value(object) {
            Ok(Value::Object(members)) => Ok(Self(members)),
            _ => Err(Error::decode(format!("{} is not a JSON object", std::any::type_name::<T>()))),
        }
    }

    /// This object as a typed one. client-go's `runtime.DefaultUnstructuredConverter.FromUnstructured`.
    pub fn to_typed<T: DeserializeOwned>(&self) -> Result<T, Error> {
        T::deserialize(&self.0).map_err(|error| not_a(std::any::type_name::<T>(), 0, &error))
    }

    /// Such as `v1` or `apps/v1`; "" when it names none.
    pub fn api_version(&self) -> &str {
        self.text("apiVersion").unwrap_or_default()
    }

    /// Such as `Pod`; "" when it names none.
    pub fn kind(&self) -> &str {
        self.text("kind").unwrap_or_default()
    }

    /// The metadata, decoded. Fails when they are not those of an object.
    pub fn metadata(&self) -> Result<ObjectMeta, Error> {
        match self.0.get("metadata") {
            None | Some(Value::Null) => Ok(ObjectMeta::default()),
            Some(metadata) => {
                ObjectMeta::deserialize(metadata).map_err(|error| not_a("ObjectMeta", 0, &error))
            }
        }
    }

    /// Replaces the metadata.
    pub fn set_metadata(&mut self, metadata: &ObjectMeta) -> Result<(), Error> {
        let value = serde_json::to_value(metadata).map_err(|error| not_a("ObjectMeta", 0, &error))?;
        self.0.insert("metadata".to_owned(), value);
        Ok(())
    }

    /// The annotations that are strings.
    pub fn annotations(&self) -> BTreeMap<String, String> {
        self.texts("metadata.annotations")
    }

    /// The value at `path`, of several the first; `None` when there is none.
    pub fn get(&self, path: impl AsRef<str>) -> Option<&Value> {
        let mut steps = Steps::of(path.as_ref());
        let Step::Member(name) = steps.next()?.ok()? else { return None };
        find(self.0.get(name)?, steps)
    }

    /// The string at `path`.
    pub fn text(&self, path: impl AsRef<str>) -> Option<&str> {
        self.get(path)?.as_str()
    }

    /// Sets the value at `path`, making the objects on the way that are missing or null. Fails when the path is empty,
    /// malformed or holds `[*]`, when another kind of value is in the way, and at an element that is not there; the
    /// object is then as it was.
    /// client-go's `unstructured.SetNestedField`.
    pub fn set(&mut self, path: impl AsRef<str>, value: impl Into<Value>) -> Result<(), Error> {
        let path = path.as_ref();
        let fail = |what: &str| Error::config(format!("cannot set {path:?}: {what}"));
        let mut steps = Steps::of(path);
        let Some(Ok(Step::Member(name))) = steps.next() else {
            return Err(fail("a path into an object begins with a name"));
        };
        put_member(&mut self.0, name, steps, value.into()).map_err(fail)
    }

    /// Takes out every value at `path`; returns how many there were. client-go's `unstructured.RemoveNestedField`.
    pub fn remove(&mut self, path: impl AsRef<str>) -> usize {
        let mut steps = Steps::of(path.as_ref());
        match steps.next() {
            Some(Ok(Step::Member(name))) if steps.clone().next().is_none() => {
                usize::from(self.0.remove(name).is_some())
            }
            Some(Ok(Step::Member(name))) => self.0.get_mut(name).map_or(0, |value| remove(value, steps)),
            _ => 0,
        }
    }

    /// The members.
    pub fn members(&self) -> &Map<String, Value> {
        &self.0
    }

    /// The members, to change.
    pub fn members_mut(&mut self) -> &mut Map<String, Value> {
        &mut self.0
    }

    /// Adds what is missing of apiVersion and kind.
    fn complete(&mut self, resource: &ApiResource) {
        self.0.entry("apiVersion").or_insert_with(|| resource.api_version().into());
        // Not known unless discovered: the objects then name it themselves.
        if !resource.kind.is_empty() {
            self.0.entry("kind").or_insert_with(|| resource.kind.as_ref().into());
        }
    }

    fn texts(&self, path: &str) -> BTreeMap<String, String> {
        let members = self.get(path).and_then(Value::as_object).into_iter().flatten();
        members.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
    }
}

fn find<'v>(mut value: &'v Value, mut steps: Steps<'_>) -> Option<&'v Value> {
    while let Some(step) = steps.next() {
        value = match step.ok()? {
            Step::Member(name) => value.as_object()?.get(name)?,
            Step::Index(index) => value.as_array()?.get(index)?,
            Step::Every => {
                return match value {
                    Value::Array(elements) => elements.iter().find_map(|element| find(element, steps)),
                    Value::Object(members) => members.values().find_map(|member| find(member, steps)),
                    _ => None,
                };
            }
        };
    }
    Some(value)
}

/// Puts `value` at `steps` below the member of this name. What is missing is made once all below it is, so that a failure
/// changes nothing.
fn put_member(
    members: &mut Map<String, Value>,
    name: &str,
    steps: Steps<'_>,
    value: Value,
) -> Result<(), &'static str> {
    if let Some(member) = members.get_mut(name) {
        return put(member, steps, value);
    }
    let mut member = Value::Null;
    put(&mut member, steps, value)?;
    members.insert(name.to_owned(), member);
    Ok(())
}

fn put(place: &mut Value, mut steps: Steps<'_>, value: Value) -> Result<(), &'static str> {
    match (steps.next().transpose().map_err(|_| "the path is malformed")?, place) {
        (None, place) => *place = value,
        (Some(Step::Member(name)), Value::Object(members)) => put_member(members, name, steps, value)?,
        (Some(Step::Member(name)), place @ Value::Null) => {
            let mut members = Map::new();
            put_member(&mut members, name, steps, value)?;
            *place = members.into();
        }
        (Some(Step::Member(_)), _) => return Err("something is in the way"),
        (Some(Step::Index(index)), place) => {
            put(place.get_mut(index).ok_or("there is no such element")?, steps, value)?;
        }
        (Some(Step::Every), _) => return Err("[*] is no single place"),
    }
    Ok(())
}

/// Takes out what lies at `steps` from `value`, of which there is one at least.
fn remove(value: &mut Value, mut steps: Steps<'_>) -> usize {
    let Some(Ok(step)) = steps.next() else { return 0 };
    let last = steps.clone().next().is_none();
    match (value, step) {
        (Value::Object(members), Step::Member(name)) if last => usize::from(members.remove(name).is_some()),
        (Value::Object(members), Step::Member(name)) => {
            members.get_mut(name).map_or(0, |inner| remove(inner, steps))
        }
        (Value::Array(elements), Step::Index(index)) if last && index < elements.len() => {
            elements.remove(index);
            1
        }
        (Value::Array(elements), Step::Index(index)) => {
            elements.get_mut(index).map_or(0, |inner| remove(inner, steps))
        }
        (Value::Array(elements), Step::Every) if last => elements.drain(..).count(),
        (Value::Array(elements), Step::Every) => elements.iter_mut().map(|inner| remove(inner, steps)).sum(),
        (Value::Object(members), Step::Every) if last => std::mem::take(members).len(),
        (Value::Object(members), Step::Every) => members.values_mut().map(|inner| remove(inner, steps)).sum(),
        _ => 0,
    }
}

impl Object for Unstructured {
    fn keeps_unknown_members() -> bool {
        true
    }

    fn read(encoded: Encoded<'_>) -> Result<Self, Error> {
        let kind = &encoded.resource.kind;
        let mut object: Self = match encoded.format {
            Format::Json => super::from_json(&encoded, kind)?,
            #[cfg(feature = "protobuf")]
            Format::Protobuf => protobuf::read(&encoded)?,
            #[cfg(feature = "cbor")]
            Format::Cbor => cbor::decode(encoded.bytes)?,
        };
        match object.0.get_mut("metadata") {
            None | Some(Value::Null) => {}
            Some(Value::Object(metadata)) => {
                if encoded.drop_managed_fields {
                    metadata.remove("managedFields");
                }
                let is_text = |name: &&str| metadata.get(*name).is_none_or(|v| v.is_string() || v.is_null());
                if let Some(name) = FIELDS.iter().find(|name| !is_text(name)) {
                    return Err(Error::decode(format!("not a {kind}: metadata.{name} is not a string")));
                }
            }
            Some(_) => return Err(Error::decode(format!("not a {kind}: its metadata are not an object"))),
        }
        object.complete(encoded.resource);
        Ok(object)
    }

    fn meta(&self) -> MetaRef<'_> {
        let metadata = self.0.get("metadata").and_then(Value::as_object);
        let text = |name: &str| metadata.and_then(|all| all.get(name)?.as_str()).unwrap_or_default();
        MetaRef {
            name: text("name"),
            namespace: text("namespace"),
            uid: text("uid"),
            resource_version: text("resourceVersion"),
        }
    }

    fn labels(&self) -> Cow<'_, BTreeMap<String, String>> {
        Cow::Owned(self.texts("metadata.labels"))
    }
}

impl From<Unstructured> for Value {
    fn from(object: Unstructured) -> Self {
        Self::Object(object.0)
    }
}

impl TryFrom<Value> for Unstructured {
    type Error = Error;
    fn try_from(value: Value) -> Result<Self, Error> {
        match value {
            Value::Object(members) => Ok(Self(members)),
            _ => Err(Error::decode("not a JSON object")),
        }
    }
}

impl fmt::Debug for Unstructured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug(f, "Unstructured", self.kind(), self.meta())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::core::v1::Pod;
    use serde_json::json;

    fn resource() -> ApiResource {
        ApiResource::new("example.com/v1", "Widget", "widgets", true).unwrap()
    }

    fn read(text: &str) -> Result<Unstructured, Error> {
        let resource = resource();
        let encoded =
            Encoded { drop_managed_fields: true, ..Encoded::new(Format::Json, text.as_bytes(), &resource) };
        Unstructured::read(encoded)
    }

    #[test]
    fn values_are_read_set_and_removed_by_path() {
        let mut widget = Unstructured::new(&resource(), "n", "w");
        widget.set("spec.parts", json!([{"name": "a", "size": 1}, {"name": "b", "size": 2}])).unwrap();
        widget.set(r#"metadata.annotations["a.b/c"]"#, "d").unwrap();
        widget.set("spec.parts[1].size", 3).unwrap();
        assert_eq!(widget.get("spec.parts[1].size"), Some(&json!(3)));
        assert_eq!(widget.text("spec.parts[*].name"), Some("a"));
        assert_eq!(widget.annotations()["a.b/c"], "d");
        assert_eq!(widget.remove("spec.parts[*].size"), 2);
        assert_eq!(widget.remove("spec.parts[0]"), 1);
        assert_eq!(widget.remove("spec.none[*].at.all"), 0);
        let expected = json!({
            "apiVersion": "example.com/v1", "kind": "Widget",
            "metadata": {"name": "w", "namespace": "n", "annotations": {"a.b/c": "d"}},
            "spec": {"parts": [{"name": "b"}]},
        });
        assert_eq!(Value::from(widget), expected);
    }

    #[test]
    fn what_cannot_be_set_is_said() {
        let mut widget = Unstructured::new(&resource(), "", "w");
        widget.set("none", Value::Null).unwrap();
        let before = widget.clone();
        for path in [
            "",
            "a..b",
            "[0]",
            "kind.inner",
            "list[*]",
            "list[0]",
            "none.a[0]",
            "data.a.b[*]",
            "metadata.a.b[",
        ] {
            assert!(widget.set(path, 1).is_err(), "{path}");
            assert_eq!(widget.members(), before.members(), "{path} changed it");
        }
        widget.set("none.a", 1).unwrap();
        assert_eq!(widget.get("none.a"), Some(&json!(1)));
    }

    #[test]
    fn reading_completes_what_list_items_lack() {
        let text = r#"{"metadata":{"name":"w","uid":null,"labels":{"a":"b"},"managedFields":[{}]}}"#;
        let widget = read(text).unwrap();
        assert_eq!((widget.api_version(), widget.kind()), ("example.com/v1", "Widget"));
        assert_eq!(widget.meta(), MetaRef { name: "w", ..MetaRef::default() });
        assert_eq!(widget.labels()["a"], "b");
        assert!(widget.get("metadata.managedFields").is_none());
        assert_eq!(format!("{widget:?}"), "Unstructured(Widget w)");
        for text in ["[]", "1", r#"{"metadata":[]}"#, r#"{"metadata":{"name":7}}"#, r#"{"a":"secret}"#] {
            let error = read(text).unwrap_err();
            assert!(error.is_decode() && !error.to_string().contains("secret"), "{error}");
        }
    }

    #[test]
    fn members_are_written_sorted() {
        let widget =
            read(r#"{"z":1,"metadata":{"name":"w","labels":{"b":"","a":""}},"b":{"d":1,"c":2}}"#).unwrap();
        let expected = r#"{"apiVersion":"example.com/v1","b":{"c":2,"d":1},"kind":"Widget","metadata":{"labels":{"a":"","b":""},"name":"w"},"z":1}"#;
        assert_eq!(serde_json::to_string(&widget).unwrap(), expected);
    }

    #[test]
    fn it_turns_into_a_type_and_back() {
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "n"},
            "spec": {"containers": [{"name": "c", "image": "i"}]},
        });
        let object = Unstructured::try_from(pod.clone()).unwrap();
        let typed: Pod = object.to_typed().unwrap();
        assert_eq!(typed.spec.as_ref().unwrap().containers[0].image.as_deref(), Some("i"));
        assert_eq!(Value::from(Unstructured::from_typed(&typed).unwrap()), pod);
        let mut metadata = object.metadata().unwrap();
        metadata.name = Some("b".to_owned());
        let mut object = object;
        object.set_metadata(&metadata).unwrap();
        assert_eq!(object.key().as_str(), "n/b");
        let odd = Unstructured::try_from(json!({"metadata": {"labels": "secret"}})).unwrap();
        assert!(!odd.metadata().unwrap_err().to_string().contains("secret"));
    }
}
