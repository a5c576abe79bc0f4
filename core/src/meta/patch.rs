//! The four ways to change part of an object.

use serde_json::Value;

/// A partial change. client-go's `types.PatchType` with its data.
#[derive(Clone, Debug)]
pub enum Patch {
    /// A list of operations (RFC 6902).
    Json(Value),
    /// An object laid over the old one; null removes (RFC 7386).
    Merge(Value),
    /// An object laid over the old one, lists merged by the keys their types name; built-in kinds only.
    Strategic(Value),
    /// The fields this manager wants, for server-side apply.
    Apply(Value),
}

impl Patch {
    /// Its media type.
    pub fn content_type(&self) -> &'static str {
        match self {
            Self::Json(_) => "application/json-patch+json",
            Self::Merge(_) => "application/merge-patch+json",
            Self::Strategic(_) => "application/strategic-merge-patch+json",
            // The API server reads apply configurations as YAML, of which JSON is a part.
            Self::Apply(_) => "application/apply-patch+yaml",
        }
    }

    /// What it says.
    pub fn value(&self) -> &Value {
        match self {
            Self::Json(value) | Self::Merge(value) | Self::Strategic(value) | Self::Apply(value) => value,
        }
    }
}
