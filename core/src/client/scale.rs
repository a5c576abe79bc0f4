//! The client of scales: how many replicas of anything there are, and are to be.
//!
//! Follows client-go 0.37 `scale/client.go`. Differs: a resource is named with its version, so that no RESTMapper is
//! needed (map first, where only the group is known), and every scale is an autoscaling/v1 one, the only version that
//! API servers have served since 1.16.

use k8s_openapi::api::autoscaling::v1::Scale;

use super::{Api, Client};
use crate::error::Error;
use crate::meta::{ApiResource, GetOptions, Patch, PatchOptions, UpdateOptions};
use crate::object::Unstructured;

/// The scales of any resource that has them, built-in or custom. client-go's `scale.ScalesGetter`.
#[derive(Clone, Debug)]
pub struct ScaleClient {
    client: Client,
}

impl ScaleClient {
    pub(super) fn new(client: Client) -> Self {
        Self { client }
    }

    /// The calls in one namespace; "" for resources that live in none.
    pub fn scales(&self, namespace: &str) -> Scales {
        Scales { client: self.client.clone(), namespace: namespace.to_owned() }
    }
}

/// The calls on the scales in one namespace. client-go's `scale.ScaleInterface`.
#[derive(Clone, Debug)]
pub struct Scales {
    client: Client,
    namespace: String,
}

impl Scales {
    /// The scale of one object.
    pub async fn get(
        &self,
        resource: impl Into<ApiResource>,
        name: &str,
        options: &GetOptions,
    ) -> Result<Scale, Error> {
        self.of(resource).get(name, options).await
    }

    /// Puts `scale` in place of the one of the object it names; a conflict unless its version is the newest, or unset.
    pub async fn update(
        &self,
        resource: impl Into<ApiResource>,
        scale: &Scale,
        options: &UpdateOptions,
    ) -> Result<Scale, Error> {
        self.of(resource).update(scale, options).await
    }

    /// Changes part of the scale of one object.
    pub async fn patch(
        &self,
        resource: impl Into<ApiResource>,
        name: &str,
        patch: &Patch,
        options: &PatchOptions,
    ) -> Result<Scale, Error> {
        self.of(resource).patch(name, patch, options).await
    }

    fn of(&self, resource: impl Into<ApiResource>) -> Api<Scale> {
        self.client.resource::<Unstructured>(&resource.into(), &self.namespace).subresource("scale")
    }
}
