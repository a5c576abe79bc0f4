//! Objects for the model's tests.

use std::sync::Arc;

use portolan::object::Lazy;

use super::manifest::Manifest;

/// An object of this JSON.
pub(crate) fn manifest(value: impl serde::Serialize) -> Manifest {
    Manifest::from(Arc::new(Lazy::from_typed(&value).unwrap()))
}
