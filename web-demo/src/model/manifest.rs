//! An object as the page reads it: fields by path, and a field of an unexpected shape reads as missing.

use std::borrow::Cow;
use std::sync::Arc;

use portolan::meta::{MetaRef, Object, OwnerReference};
use portolan::object::{Json, Lazy, Unstructured};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// One object of the cluster: its own bytes, shared with the informer's store. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Manifest(Arc<Lazy<Unstructured>>);

impl From<Arc<Lazy<Unstructured>>> for Manifest {
    fn from(object: Arc<Lazy<Unstructured>>) -> Self {
        Self(object)
    }
}

impl Manifest {
    /// Its name, namespace, uid and version, which are at hand.
    pub fn meta(&self) -> MetaRef<'_> {
        self.0.meta()
    }

    /// `namespace/name`, or `name`.
    pub fn key(&self) -> String {
        self.0.key().as_str().to_owned()
    }

    /// Who it belongs to.
    pub fn owners(&self) -> Vec<OwnerReference> {
        self.0.owner_references()
    }

    /// The text of one annotation; "" when there is none.
    pub fn annotation(&self, name: &str) -> Cow<'_, str> {
        self.0.annotation(name).unwrap_or_default()
    }

    /// The text at `path`; "" when there is none.
    pub fn text(&self, path: &str) -> Cow<'_, str> {
        self.0.text(path).unwrap_or_default()
    }

    /// All of it, to be walked.
    pub fn root(&self) -> Json<'_> {
        self.0.root()
    }

    /// The elements of the array at `path`, but for what is null.
    pub fn elements(&self, path: &str) -> impl Iterator<Item = Json<'_>> {
        self.0.at(path).into_iter().flat_map(Json::elements).filter(|element| !element.is_null())
    }

    /// What is at `path`, when it is there and of that shape. What is null in it reads as missing.
    pub fn read<T: DeserializeOwned>(&self, path: &str) -> Option<T> {
        self.0.read(path).unwrap_or_else(|_| serde_json::from_slice(&self.without_nulls(path)?).ok())
    }

    /// What is at `path` as JSON, but for what is null in it.
    fn without_nulls(&self, path: &str) -> Option<Vec<u8>> {
        let mut value: Value = self.0.read(path).ok()??;
        drop_nulls(&mut value);
        serde_json::to_vec(&value).ok()
    }

    /// The whole number at `path`, 0 when there is none.
    pub fn number(&self, path: &str) -> i64 {
        self.read(path).unwrap_or(0)
    }

    /// The members of the object at `path`, in their order there.
    pub fn members(&self, path: &str) -> impl Iterator<Item = (Cow<'_, str>, Json<'_>)> {
        self.0.at(path).into_iter().flat_map(Json::members)
    }

    /// How many bytes it is as JSON.
    pub fn size(&self) -> usize {
        self.0.json().map_or(0, |json| json.len())
    }

    /// The whole object; or why it cannot be had as one value.
    pub fn value(&self) -> Result<Value, String> {
        let json = self.0.json().map_err(|error| error.to_string())?;
        serde_json::from_slice(&json).map_err(|error| match error.to_string() {
            text if text.starts_with("recursion limit") => {
                "This object nests more than 127 levels deep, which is more than this page writes as YAML: see it with kubectl \
                 get -o json."
                    .to_owned()
            }
            text => format!("This object is no JSON that this page can read: {text}."),
        })
    }
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Value::Array(elements) => {
            elements.retain(|element| !element.is_null());
            elements.iter_mut().for_each(drop_nulls);
        }
        _ => {}
    }
}

/// The text at `path` in a part of an object; "" when there is none.
pub(super) fn text<'a>(part: Json<'a>, path: &str) -> Cow<'a, str> {
    part.at(path).and_then(Json::text).unwrap_or_default()
}

/// What is at `path` in a part of an object, unless that is null.
pub(super) fn part<'a>(whole: Json<'a>, path: &str) -> Option<Json<'a>> {
    whole.at(path).filter(|part| !part.is_null())
}

/// The namespace in a key, "" without one, and the name.
pub(super) fn parts(key: &str) -> (&str, &str) {
    key.split_once('/').unwrap_or(("", key))
}
