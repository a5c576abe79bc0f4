//! Subresources with calls of their own, open to the types whose marker trait says that they have them.
//!
//! The generated Clientset marks the built-in types, the author of a custom resource marks that with one line. Objects
//! known only at run time bear the markers of what any resource may have. Invariant: each call is one line over
//! [`Api::subresource`], which reaches every other subresource. client-go's generated `UpdateStatus`, `GetScale` and
//! their like.

use http::Method;
use k8s_openapi::api::authentication::v1::TokenRequest;
use k8s_openapi::api::autoscaling::v1::Scale;
use k8s_openapi::api::core::v1::Binding;
use k8s_openapi::api::policy::v1::Eviction;
use serde::Serialize;

use super::Api;
use crate::error::Error;
use crate::meta::{ApplyOptions, CreateOptions, GetOptions, Object, Patch, PatchOptions, UpdateOptions};
use crate::object::{Lazy, PartialObjectMetadata, Unstructured};
use crate::rest::Request;

/// Objects with a status that is written apart from the rest.
pub trait HasStatus: Object {}

/// Objects that can be asked and told how many replicas they have.
pub trait HasScale: Object {}

/// Objects that can be evicted: pods.
pub trait HasEviction: Object {}

/// Objects that can be bound to a node: pods.
pub trait HasBinding: Object {}

/// Objects whose containers can be given other resources while they run: pods.
pub trait HasResize: Object {}

/// Objects that can be given ephemeral containers: pods.
pub trait HasEphemeralContainers: Object {}

/// Objects that tokens can be made for: service accounts.
pub trait HasToken: Object {}

/// Objects that are approved or denied: certificate signing requests.
pub trait HasApproval: Object {}

/// Objects whose last finalizers are removed by a call of its own: namespaces.
pub trait HasFinalize: Object {}

/// Objects behind which the API server reaches an HTTP server: pods, services, nodes.
pub trait HasProxy: Object {}

impl HasStatus for Unstructured {}
impl HasScale for Unstructured {}
impl HasStatus for PartialObjectMetadata {}
impl HasScale for PartialObjectMetadata {}
impl<K: HasStatus> HasStatus for Lazy<K> {}
impl<K: HasScale> HasScale for Lazy<K> {}

impl<K: HasStatus> Api<K> {
    /// Changes part of one object's status and gives the whole object.
    pub async fn patch_status(&self, name: &str, patch: &Patch, options: &PatchOptions) -> Result<K, Error> {
        self.status().patch(name, patch, options).await
    }

    /// Server-side apply of a status; see [`Api::apply`].
    pub async fn apply_status(
        &self,
        name: &str,
        configuration: &impl Serialize,
        options: &ApplyOptions,
    ) -> Result<K, Error> {
        self.status().apply(name, configuration, options).await
    }

    fn status(&self) -> Self {
        self.below("status")
    }
}

impl<K: HasStatus + Serialize> Api<K> {
    /// Puts `object`'s status in place of the one there; the rest of `object` is not looked at.
    pub async fn update_status(&self, object: &K, options: &UpdateOptions) -> Result<K, Error> {
        self.status().update(object, options).await
    }
}

impl<K: HasScale> Api<K> {
    /// How many replicas are wanted and there. client-go's `GetScale`.
    pub async fn get_scale(&self, name: &str, options: &GetOptions) -> Result<Scale, Error> {
        self.subresource::<Scale>("scale").get(name, options).await
    }

    /// Says how many replicas the object that `scale` names is to have. client-go's `UpdateScale`.
    pub async fn update_scale(&self, scale: &Scale, options: &UpdateOptions) -> Result<Scale, Error> {
        self.subresource::<Scale>("scale").update(scale, options).await
    }

    /// Changes part of the scale: `{"spec": {"replicas": 3}}`.
    pub async fn patch_scale(
        &self,
        name: &str,
        patch: &Patch,
        options: &PatchOptions,
    ) -> Result<Scale, Error> {
        self.subresource::<Scale>("scale").patch(name, patch, options).await
    }

    /// Server-side apply of a scale; see [`Api::apply`]. client-go's `ApplyScale`.
    pub async fn apply_scale(
        &self,
        name: &str,
        configuration: &impl Serialize,
        options: &ApplyOptions,
    ) -> Result<Scale, Error> {
        self.subresource::<Scale>("scale").apply(name, configuration, options).await
    }
}

impl<K: HasEviction> Api<K> {
    /// Deletes the pod that `eviction` names, unless a disruption budget forbids it: 429 then. client-go's `EvictV1`.
    pub async fn evict(&self, eviction: &Eviction) -> Result<(), Error> {
        let evictions = self.subresource::<Eviction>("eviction");
        evictions.one(Method::POST, eviction.meta().name).json(eviction).send().await.map(drop)
    }
}

impl<K: HasBinding> Api<K> {
    /// Binds the pod that `binding` names to the node it targets. client-go's `Bind`.
    pub async fn bind(&self, binding: &Binding, options: &CreateOptions) -> Result<(), Error> {
        let bindings = self.subresource::<Binding>("binding");
        let request = bindings.one(Method::POST, binding.meta().name).params(options.query());
        request.json(binding).send().await.map(drop)
    }
}

impl<K: HasResize + Serialize> Api<K> {
    /// Gives the running containers the resources that `object` says. client-go's `UpdateResize`.
    pub async fn update_resize(&self, object: &K, options: &UpdateOptions) -> Result<K, Error> {
        self.below("resize").update(object, options).await
    }
}

impl<K: HasEphemeralContainers + Serialize> Api<K> {
    /// Adds the ephemeral containers of `object`. client-go's `UpdateEphemeralContainers`.
    pub async fn update_ephemeral_containers(&self, object: &K, options: &UpdateOptions) -> Result<K, Error> {
        self.below("ephemeralcontainers").update(object, options).await
    }
}

impl<K: HasToken> Api<K> {
    /// A token for the service account of this name. client-go's `CreateToken`.
    pub async fn create_token(
        &self,
        name: &str,
        request: &TokenRequest,
        options: &CreateOptions,
    ) -> Result<TokenRequest, Error> {
        let tokens = self.subresource::<TokenRequest>("token");
        tokens.object(tokens.one(Method::POST, name).params(options.query()).json(request)).await
    }
}

impl<K: HasApproval + Serialize> Api<K> {
    /// Writes the conditions `Approved` and `Denied` of `object`. client-go's `UpdateApproval`.
    pub async fn update_approval(&self, object: &K, options: &UpdateOptions) -> Result<K, Error> {
        self.below("approval").update(object, options).await
    }
}

impl<K: HasFinalize + Serialize> Api<K> {
    /// Writes the finalizers in the spec of `object`. client-go's `Finalize`.
    pub async fn finalize(&self, object: &K, options: &UpdateOptions) -> Result<K, Error> {
        self.below("finalize").update(object, options).await
    }
}

impl<K: HasProxy> Api<K> {
    /// A request, with any verb, to `path` of the HTTP server behind the object of this name, which is `name`,
    /// `name:port` or `https:name:port`. The path is plain text without `%`, encoded on its way, and holds no query:
    /// add that by [`Request::param`]. A slash at its end is not kept. client-go's `ProxyGet`.
    pub fn proxy(&self, method: Method, name: &str, path: &str) -> Request {
        let request = self.below("proxy").one(method, name).header("accept", "*/*");
        path.split('/').filter(|segment| !segment.is_empty()).fold(request, Request::suffix)
    }
}
