//! Which format objects are asked for and sent in: what the configuration says, as far as the kind and the server go
//! along. client-go's `rest.requestClientContentConfigProvider`, v0.37.
//!
//! Invariant: JSON is always acceptable, and nothing that JSON holds is left out of a body.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::header::HeaderValue;
use serde::Serialize;

#[cfg(feature = "cbor")]
use crate::codec::cbor;
#[cfg(feature = "protobuf")]
use crate::codec::protobuf;
use crate::config::ContentType;
use crate::error::Error;
use crate::meta::ApiResource;
use crate::status::plain_media_type;

/// JSON's media type.
pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// What is known of a server: whether it has refused CBOR. It is then asked in JSON, as client-go does.
#[derive(Clone, Debug, Default)]
pub(super) struct Negotiation {
    refuses_cbor: Arc<AtomicBool>,
}

impl Negotiation {
    /// The `Accept` header for objects of `resource`.
    pub(super) fn accept(&self, wanted: ContentType, resource: &ApiResource) -> HeaderValue {
        match wanted {
            #[cfg(feature = "protobuf")]
            ContentType::Protobuf if protobuf::has_kind(&resource.api_version(), &resource.kind) => {
                HeaderValue::from_static("application/vnd.kubernetes.protobuf,application/json")
            }
            #[cfg(feature = "cbor")]
            ContentType::Cbor if !self.has_refused_cbor() => {
                HeaderValue::from_static("application/cbor,application/json;q=0.9")
            }
            _ => {
                let _ = resource;
                JSON
            }
        }
    }

    /// The body that an object of `resource` goes as, and its media type; `None` for JSON.
    pub(super) fn encode(
        &self,
        wanted: ContentType,
        object: &impl Serialize,
        resource: &ApiResource,
    ) -> Option<(Vec<u8>, HeaderValue)> {
        match wanted {
            #[cfg(feature = "protobuf")]
            ContentType::Protobuf => {
                let bytes = protobuf::encode(object, &resource.api_version(), &resource.kind).ok()?;
                Some((bytes, HeaderValue::from_static(protobuf::MEDIA_TYPE)))
            }
            #[cfg(feature = "cbor")]
            ContentType::Cbor if !self.has_refused_cbor() => {
                Some((cbor::encode(object).ok()?, HeaderValue::from_static(cbor::MEDIA_TYPE)))
            }
            _ => {
                let _ = (object, resource);
                None
            }
        }
    }

    /// Learns from the refusal of a body of this media type.
    pub(super) fn refused(&self, content_type: Option<&HeaderValue>, refusal: &Error) {
        let is_cbor = content_type
            .and_then(|kind| kind.to_str().ok())
            .is_some_and(|kind| plain_media_type(kind) == "application/cbor");
        if is_cbor && refusal.code() == Some(415) {
            self.refuses_cbor.store(true, Ordering::Relaxed);
        }
    }

    #[cfg(feature = "cbor")]
    fn has_refused_cbor(&self) -> bool {
        self.refuses_cbor.load(Ordering::Relaxed)
    }
}
