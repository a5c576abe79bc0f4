//! The calls on one resource: get, list, watch, create, update, patch, delete.

use std::marker::PhantomData;

use http::Method;
use serde::Serialize;

use crate::codec;
use crate::error::Error;
use crate::meta::{
    ApiResource, CreateOptions, DeleteOptions, Encoded, Format, GetOptions, ListOptions, Object, Patch,
    PatchOptions, UpdateOptions, WatchOptions,
};
use crate::rest::{ListBody, ObjectList, Request, RestClient, Watch, WatchBody};
use crate::time::Runtime;

/// The calls on the objects of one resource, in one namespace or all. Cheap to clone. client-go's typed clients
/// (`PodInterface`, …) and `dynamic.ResourceInterface`.
#[derive(Debug)]
pub struct Api<K> {
    rest: RestClient,
    resource: ApiResource,
    namespace: String,
    object: PhantomData<fn() -> K>,
}

impl<K> Clone for Api<K> {
    fn clone(&self) -> Self {
        Self {
            rest: self.rest.clone(),
            resource: self.resource.clone(),
            namespace: self.namespace.clone(),
            object: PhantomData,
        }
    }
}

impl<K: Object> Api<K> {
    pub(super) fn new(rest: RestClient, resource: ApiResource, namespace: &str) -> Self {
        Self { rest, resource, namespace: namespace.to_owned(), object: PhantomData }
    }

    /// The resource.
    pub fn api_resource(&self) -> &ApiResource {
        &self.resource
    }

    /// The namespace, "" for all or none.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The clock, tasks and seed of the client.
    pub fn runtime(&self) -> &Runtime {
        self.rest.runtime()
    }

    /// One object.
    pub async fn get(&self, name: &str, options: &GetOptions) -> Result<K, Error> {
        self.object(self.request(Method::GET).name(name).params(options.query())).await
    }

    /// The objects that `options` select, in one answer; with a limit, see `head.continue_token`.
    pub async fn list(&self, options: &ListOptions) -> Result<ObjectList<K>, Error> {
        let mut body = self.list_body(options).await?;
        let format = body.format();
        let mut items = Vec::new();
        let read: Result<_, Error> = async {
            loop {
                let more = body.fill().await?;
                while let Some(item) = body.next_item()? {
                    items.push(K::read(self.encoded(format, item))?);
                }
                if !more {
                    return body.finish();
                }
            }
        }
        .await;
        let head = read.map_err(|error| error.doing(format!("list {}", self.resource)))?;
        Ok(ObjectList { items, head })
    }

    /// The same list, item by item as it arrives.
    pub async fn list_body(&self, options: &ListOptions) -> Result<ListBody, Error> {
        self.request(Method::GET).params(options.query()).list_body().await
    }

    /// The changes that `options` select, until the server ends the watch.
    pub async fn watch(&self, options: &WatchOptions) -> Result<Watch<K>, Error> {
        Ok(Watch::new(self.watch_body(options).await?, self.resource.clone()))
    }

    /// The same watch, event by event in the buffer it arrived in.
    pub async fn watch_body(&self, options: &WatchOptions) -> Result<WatchBody, Error> {
        self.request(Method::GET).params(options.query()).watch_body().await
    }

    /// Deletes one object.
    pub async fn delete(&self, name: &str, options: &DeleteOptions) -> Result<(), Error> {
        self.request(Method::DELETE).name(name).json(options).send().await.map(drop)
    }

    /// Deletes all objects that `selection` selects. client-go's `DeleteCollection`.
    pub async fn delete_collection(
        &self,
        options: &DeleteOptions,
        selection: &ListOptions,
    ) -> Result<(), Error> {
        self.request(Method::DELETE).params(selection.query()).json(options).send().await.map(drop)
    }

    /// Changes part of one object and gives the whole.
    pub async fn patch(&self, name: &str, patch: &Patch, options: &PatchOptions) -> Result<K, Error> {
        self.object(self.request(Method::PATCH).name(name).params(options.query()).patch_body(patch)).await
    }

    /// Changes part of one object's status and gives the whole.
    pub async fn patch_status(&self, name: &str, patch: &Patch, options: &PatchOptions) -> Result<K, Error> {
        let request = self.request(Method::PATCH).name(name).subresource("status");
        self.object(request.params(options.query()).patch_body(patch)).await
    }

    /// A request on this resource and namespace.
    fn request(&self, method: Method) -> Request {
        self.rest.verb(method).api_resource(&self.resource).namespace(&self.namespace)
    }

    async fn object(&self, request: Request) -> Result<K, Error> {
        let response = request.send().await?;
        let bytes = response.expected_bytes()?;
        // Items of lists and watches come checked from their decoders; this one has met none.
        codec::validate(response.format(), bytes)?;
        K::read(self.encoded(response.format(), bytes))
    }

    fn encoded<'a>(&'a self, format: Format, bytes: &'a [u8]) -> Encoded<'a> {
        Encoded { format, bytes, resource: &self.resource, drop_managed_fields: false }
    }
}

impl<K: Object + Serialize> Api<K> {
    /// Creates `object` and gives it as the server keeps it.
    pub async fn create(&self, object: &K, options: &CreateOptions) -> Result<K, Error> {
        self.object(self.request(Method::POST).params(options.query()).object(object, &self.resource)).await
    }

    /// Puts `object` in place of the one of its name; a conflict unless its version is the newest. Fields that `K` does not
    /// know are dropped: where others extend the object, [`Api::patch`] or apply your own fields, or hold it as
    /// `Unstructured`.
    pub async fn update(&self, object: &K, options: &UpdateOptions) -> Result<K, Error> {
        let request = self.request(Method::PUT).name(object.meta().name);
        self.object(request.params(options.query()).object(object, &self.resource)).await
    }

    /// Puts `object`'s status in place of the one there.
    pub async fn update_status(&self, object: &K, options: &UpdateOptions) -> Result<K, Error> {
        let request = self.request(Method::PUT).name(object.meta().name).subresource("status");
        self.object(request.params(options.query()).object(object, &self.resource)).await
    }
}
