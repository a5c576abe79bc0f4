//! Objects for the model's tests.

use std::sync::Arc;

use portolan::object::Lazy;
use serde_json::Value;

use super::manifest::Manifest;

/// An object of this JSON.
pub(crate) fn manifest(value: impl serde::Serialize) -> Manifest {
    Manifest::from(Arc::new(Lazy::from_typed(&value).unwrap()))
}

/// What the reader of YAML says of `text`.
pub(crate) fn yaml(text: &str) -> Value {
    serde_json::from_str(&demo_yaml::read(text)).unwrap()
}
