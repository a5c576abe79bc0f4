//! The four ways to change part of an object.

use std::fmt;

use bytes::Bytes;
use serde_json::Value;

/// How a patch is meant. client-go's `types.PatchType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatchType {
    /// A list of operations (RFC 6902).
    Json,
    /// An object laid over the old one; null removes (RFC 7386).
    Merge,
    /// An object laid over the old one, lists merged by the keys their types name; built-in kinds only.
    Strategic,
    /// The fields a manager wants, for server-side apply; in YAML, of which JSON is a part.
    Apply,
}

impl PatchType {
    /// Its media type.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json-patch+json",
            Self::Merge => "application/merge-patch+json",
            Self::Strategic => "application/strategic-merge-patch+json",
            Self::Apply => "application/apply-patch+yaml",
        }
    }
}

/// A partial change: its type and what it says.
#[derive(Clone)]
pub enum Patch {
    /// A list of operations (RFC 6902).
    Json(Value),
    /// An object laid over the old one; null removes (RFC 7386).
    Merge(Value),
    /// An object laid over the old one, lists merged by the keys their types name; built-in kinds only.
    Strategic(Value),
    /// The fields this manager wants, for server-side apply.
    Apply(Value),
    /// Text of the caller's, sent as it is.
    Raw(PatchType, Bytes),
}

impl Patch {
    /// How it is meant.
    pub fn patch_type(&self) -> PatchType {
        match self {
            Self::Json(_) => PatchType::Json,
            Self::Merge(_) => PatchType::Merge,
            Self::Strategic(_) => PatchType::Strategic,
            Self::Apply(_) => PatchType::Apply,
            Self::Raw(patch_type, _) => *patch_type,
        }
    }

    /// What it says, as it is sent.
    pub fn body(&self) -> Bytes {
        match self {
            Self::Json(value) | Self::Merge(value) | Self::Strategic(value) | Self::Apply(value) => {
                value.to_string().into()
            }
            Self::Raw(_, text) => text.clone(),
        }
    }
}

/// By type and length, without what it says: that may be a Secret's data.
impl fmt::Debug for Patch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Patch({:?}, {} bytes)", self.patch_type(), self.body().len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_is_shown_without_what_it_says() {
        let patches =
            [Patch::Merge("s3cr3t".into()), Patch::Raw(PatchType::Apply, Bytes::from_static(b"s3cr3t"))];
        assert_eq!(format!("{patches:?}"), "[Patch(Merge, 8 bytes), Patch(Apply, 6 bytes)]");
    }
}
