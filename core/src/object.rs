//! The forms in which a client holds an object, besides k8s-openapi's structs.
//!
//! - [`Unstructured`]: any object as a JSON object that can be read and changed by path.
//! - [`PartialObjectMetadata`]: apiVersion, kind and metadata alone.
//! - [`Lazy`]: the object's own bytes, read by path and decoded on demand: a fraction of the memory and of the work.
//! - [`Compact`]: the same compressed, once a [`Packer`] has packed it.
//!
//! All are [`crate::meta::Object`]. Invariant: none prints more than kind and key, for an object may be a Secret.

mod compact;
mod json;
mod lazy;
mod metadata;
mod partial;
mod path;
mod stored;
mod typed;
mod unstructured;

pub use compact::{Compact, Packer};
pub use json::{Json, Values};
pub use lazy::Lazy;
pub use metadata::Metadata;
pub use partial::PartialObjectMetadata;
pub use path::Path;
pub use unstructured::Unstructured;

use std::fmt;

use serde::de::DeserializeOwned;

use crate::codec;
use crate::error::Error;
use crate::meta::{Encoded, MetaRef};

/// Writes kind and key: all that may be seen of an object in logs.
fn debug(f: &mut fmt::Formatter<'_>, form: &str, kind: &str, meta: MetaRef<'_>) -> fmt::Result {
    let slash = if meta.namespace.is_empty() { "" } else { "/" };
    write!(f, "{form}({kind} {}{slash}{})", meta.namespace, meta.name)
}

/// Reads the JSON of a `what`, every byte of which must be text.
fn from_json<T: DeserializeOwned>(encoded: &Encoded<'_>, what: &str) -> Result<T, Error> {
    let length = encoded.bytes.len();
    let text = codec::json::text(encoded.bytes).map_err(|at| {
        Error::decode(format!("not a {what}: not UTF-8 at offset {} ({length} bytes)", at.offset))
    })?;
    serde_json::from_str(text).map_err(|error| not_a(what, length, &error))
}

/// The error for JSON that is not a `what`; of the cause only the place is told, for its text may show values.
fn not_a(what: &str, length: usize, cause: &serde_json::Error) -> Error {
    let place = if cause.line() == 0 {
        String::new()
    } else {
        format!(" (line {}, column {} of {length} bytes)", cause.line(), cause.column())
    };
    Error::decode(format!("not a {what}{place}"))
}
