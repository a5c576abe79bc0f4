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

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeOwned, IgnoredAny};

use crate::codec;
use crate::error::Error;
use crate::meta::{Encoded, MetaRef};

/// Writes kind and key: all that may be seen of an object in logs.
fn debug(f: &mut fmt::Formatter<'_>, form: &str, kind: &str, meta: MetaRef<'_>) -> fmt::Result {
    let slash = if meta.namespace.is_empty() { "" } else { "/" };
    write!(f, "{form}({kind} {}{slash}{})", meta.namespace, meta.name)
}

/// Reads the JSON of a `what`, every byte of which must be text. managedFields that are to be left out are checked to be
/// JSON and not decoded.
fn from_json<T: DeserializeOwned>(encoded: &Encoded<'_>, what: &str) -> Result<T, Error> {
    let length = encoded.bytes.len();
    let text = codec::json::text(encoded.bytes).map_err(|at| {
        Error::decode(format!("not a {what}: not UTF-8 at offset {} ({length} bytes)", at.offset))
    })?;
    let without = if encoded.drop_managed_fields { without_managed_fields(text) } else { None };
    if let Some(object) = without.and_then(|text| serde_json::from_str(&text).ok()) {
        return Ok(object);
    }
    // Also where that failed: then the error tells the place in what arrived.
    serde_json::from_str(text).map_err(|error| not_a(what, length, &error))
}

/// The object with null for its managedFields; `None` where there are none, or what stands there is not JSON.
fn without_managed_fields(text: &str) -> Option<String> {
    let object = Json::at_start_of(text.trim_ascii_start().as_bytes());
    let Cow::Borrowed(fields) = object.at("metadata.managedFields")?.raw() else { return None };
    serde_json::from_slice::<IgnoredAny>(fields).ok()?;
    let start = (fields.as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
    Some([text.get(..start)?, "null", text.get(start + fields.len()..)?].concat())
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
