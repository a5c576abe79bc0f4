//! The calls on one resource: get, list, watch, create, update, patch, apply, delete; on its objects or on a subresource
//! of them. The one implementation beneath the typed, the dynamic, the metadata and the scale client.
//!
//! Follows client-go 0.37 `gentype/type.go`, `dynamic/simple.go` and `metadata/metadata.go`. Differs: a subresource is
//! named once, on the calls as a whole, and not with each call.

use std::marker::PhantomData;

use http::Method;
use serde::Serialize;

use crate::codec::ListHead;
use crate::config::ContentType;
use crate::error::Error;
use crate::meta::{
    ApiResource, ApplyOptions, CreateOptions, DeleteOptions, Encoded, GetOptions, ListOptions, Object, Patch,
    PatchOptions, PatchType, UpdateOptions, WatchOptions,
};
use crate::object::PartialObjectMetadata;
use crate::rest::{ListBody, ObjectList, Request, Response, RestClient, Watch, WatchBody};
use crate::time::{Runtime, Slice};

/// The calls on the objects of one resource, in one namespace or all. Cheap to clone. client-go's typed clients
/// (`PodInterface`, …), `dynamic.ResourceInterface` and `metadata.ResourceInterface`.
#[derive(Debug)]
pub struct Api<K> {
    rest: RestClient,
    resource: ApiResource,
    /// "" for all or none.
    namespace: String,
    /// "" for the objects themselves.
    subresource: String,
    metadata_only: bool,
    object: PhantomData<fn() -> K>,
}

impl<K> Clone for Api<K> {
    fn clone(&self) -> Self {
        Self { metadata_only: self.metadata_only, ..self.retyped() }
    }
}

impl<K> Api<K> {
    pub(super) fn new(rest: RestClient, resource: ApiResource) -> Self {
        let (namespace, subresource) = (String::new(), String::new());
        Self { rest, resource, namespace, subresource, metadata_only: false, object: PhantomData }
    }

    /// The resource.
    pub fn api_resource(&self) -> &ApiResource {
        &self.resource
    }

    /// The clock, tasks and seed of the client.
    pub fn runtime(&self) -> &Runtime {
        self.rest.runtime()
    }

    /// The namespace, "" for all or none.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// How its objects are asked for and sent, as far as kind and server go along.
    pub fn content_type(&self) -> ContentType {
        self.rest.config().content_type
    }

    /// The same calls with another content type in place of the configuration's.
    #[must_use]
    pub fn with_content_type(&self, content_type: ContentType) -> Self {
        Self { rest: self.rest.with_content_type(content_type), ..self.clone() }
    }

    /// The same calls in one namespace; "" is all of them, and where the resource is cluster-scoped nothing else counts.
    /// client-go's `Namespace`.
    #[must_use]
    pub fn in_namespace(&self, namespace: &str) -> Self {
        let namespace = if self.resource.namespaced { namespace.to_owned() } else { String::new() };
        Self { namespace, ..self.clone() }
    }

    /// The same calls, answered with the objects' metadata alone where the server gives it, for a type that holds objects of
    /// any shape: what `PartialObjectMetadata` is asked for, without another type.
    #[must_use]
    pub fn metadata_only(&self) -> Self {
        Self { metadata_only: true, ..self.retyped() }
    }

    /// The calls on a subresource of each object (`scale`, `eviction`, `token`), which reads and writes `S`: get, create,
    /// update, patch and apply. Those of built-in types have calls of their own, such as [`Api::update_status`].
    #[must_use]
    pub fn subresource<S>(&self, name: &str) -> Api<S> {
        // Of the resource's kind are its own objects alone.
        let resource = ApiResource { kind: "".into(), ..self.resource.clone() };
        Api { subresource: name.to_owned(), resource, ..self.retyped() }
    }

    /// The calls on a subresource that is read and written as the whole object: `status`, `resize`.
    pub(super) fn below(&self, subresource: &str) -> Self {
        Self { subresource: subresource.to_owned(), ..self.retyped() }
    }

    /// The same calls, each sent once: for a caller who tries again by itself.
    pub(crate) fn without_retries(&self) -> Self {
        Self { rest: self.rest.with_max_retries(0), ..self.clone() }
    }

    /// The same calls for another type, or below the objects: asked for as that type says.
    pub(super) fn retyped<S>(&self) -> Api<S> {
        Api {
            rest: self.rest.clone(),
            resource: self.resource.clone(),
            namespace: self.namespace.clone(),
            subresource: self.subresource.clone(),
            metadata_only: false,
            object: PhantomData,
        }
    }
}

impl<K: Object> Api<K> {
    /// One object.
    pub async fn get(&self, name: &str, options: &GetOptions) -> Result<K, Error> {
        self.object(self.one(Method::GET, name).params(options.query())).await
    }

    /// The objects that `options` select, in one answer; with a limit, see `head.continue_token` and
    /// [`super::ListPager`].
    pub async fn list(&self, options: &ListOptions) -> Result<ObjectList<K>, Error> {
        let (mut resource, mut slice) = (self.resource.clone(), Slice::begin(self.runtime()));
        let listed = self.listed();
        let read = async move |body: ListBody| {
            let (format, mut body) = (body.format(), body.of(listed));
            let mut items = Vec::new();
            loop {
                let more = body.fill().await?;
                while let Some(bytes) = body.next_item()? {
                    if resource.kind.is_empty() {
                        let item = bytes.to_vec();
                        resource.kind = kind_of_items(body.head()).into();
                        items.push(K::read(Encoded::new(format, &item, &resource))?);
                    } else {
                        items.push(K::read(Encoded::new(format, bytes, &resource))?);
                    }
                }
                if !more {
                    return Ok(ObjectList { items, head: body.finish()? });
                }
                slice.end_turn().await;
            }
        };
        self.all(Method::GET).params(options.query()).list(read).await
    }

    /// The same list, item by item as it arrives.
    pub async fn list_body(&self, options: &ListOptions) -> Result<ListBody, Error> {
        let body = self.all(Method::GET).params(options.query()).list_body().await?;
        Ok(body.of(self.listed()))
    }

    /// What a list must be of; objects of any kind are whatever the server says that they are.
    fn listed(&self) -> Option<ApiResource> {
        let is_known = !K::keeps_unknown_members() && !self.resource.kind.is_empty();
        is_known.then(|| self.resource.clone())
    }

    /// The changes that `options` select, until the server ends the watch.
    pub async fn watch(&self, options: &WatchOptions) -> Result<Watch<K>, Error> {
        Ok(Watch::new(self.watch_body(options).await?, self.resource.clone()))
    }

    /// The same watch, event by event in the buffer it arrived in.
    pub async fn watch_body(&self, options: &WatchOptions) -> Result<WatchBody, Error> {
        self.one_form(Method::GET).params(options.query()).watch_body().await
    }

    /// Deletes one object.
    pub async fn delete(&self, name: &str, options: &DeleteOptions) -> Result<(), Error> {
        self.one(Method::DELETE, name).json(options).send().await.map(drop)
    }

    /// Deletes all objects that `selection` selects. client-go's `DeleteCollection`.
    pub async fn delete_collection(
        &self,
        options: &DeleteOptions,
        selection: &ListOptions,
    ) -> Result<(), Error> {
        self.all(Method::DELETE).params(selection.query()).json(options).send().await.map(drop)
    }

    /// Changes part of one object and gives the whole.
    pub async fn patch(&self, name: &str, patch: &Patch, options: &PatchOptions) -> Result<K, Error> {
        self.object(self.one(Method::PATCH, name).params(options.query()).patch_body(patch)).await
    }

    /// Server-side apply: makes the fields of `configuration` this manager's and gives the whole object. It says
    /// apiVersion, kind, name and the fields this manager cares for, as a typed object, an
    /// [`Unstructured`](crate::object::Unstructured) or a [`serde_json::Value`]; what it said before and says no more is
    /// removed. A conflict, unless `options.force`, when another manager owns one of the fields.
    pub async fn apply(
        &self,
        name: &str,
        configuration: &impl Serialize,
        options: &ApplyOptions,
    ) -> Result<K, Error> {
        let patch = applied(configuration)
            .map_err(|error| error.doing(format!("apply {} {name:?}", self.resource)))?;
        self.object(self.one(Method::PATCH, name).params(options.query()).patch_body(&patch)).await
    }

    /// A request on one object or its subresource, which answers with an object.
    pub(super) fn one(&self, method: Method, name: &str) -> Request {
        self.one_form(method).name(name)
    }

    /// A request on all objects, which answers with single ones.
    pub(super) fn one_form(&self, method: Method) -> Request {
        self.form(method, "")
    }

    /// A request on all objects, which answers with a list.
    fn all(&self, method: Method) -> Request {
        self.form(method, "List")
    }

    fn form(&self, method: Method, suffix: &str) -> Request {
        let request = self.scope(method);
        let form = if self.metadata_only { PartialObjectMetadata::form() } else { K::form() };
        match form {
            None => request,
            Some(form) => request.accept_as(&format!("{form}{suffix}")),
        }
    }

    fn scope(&self, method: Method) -> Request {
        // Where the scope is not known, an empty namespace may be right: the server will say.
        let scoped =
            self.resource.namespaced && !(self.resource.kind.is_empty() && self.namespace.is_empty());
        let request = self.rest.verb(method).api_resource(&self.resource);
        let request = request.namespace_if_scoped(&self.namespace, scoped);
        if self.subresource.is_empty() { request } else { request.subresource(&self.subresource) }
    }

    /// The object that answers `request`.
    pub(super) async fn object(&self, request: Request) -> Result<K, Error> {
        let read = |response: Response| {
            K::read(Encoded::new(response.format(), response.object_bytes()?, &self.resource))
        };
        request.read(read).await
    }
}

impl<K: Object + Serialize> Api<K> {
    /// Creates `object` and gives it as the server keeps it. A subresource is created of the object it names.
    pub async fn create(&self, object: &K, options: &CreateOptions) -> Result<K, Error> {
        let request = match self.subresource.as_str() {
            "" => self.one_form(Method::POST),
            _ => self.one(Method::POST, object.meta().name),
        };
        self.object(request.params(options.query()).object(object, &self.resource)).await
    }

    /// Puts `object` in place of the one of its name; a conflict unless its version is the newest or unset. Fields that `K` does not
    /// know are dropped: where others extend the object, [`Api::patch`] or apply your own fields, or hold it as
    /// `Unstructured`.
    pub async fn update(&self, object: &K, options: &UpdateOptions) -> Result<K, Error> {
        let request = self.one(Method::PUT, object.meta().name);
        self.object(request.params(options.query()).object(object, &self.resource)).await
    }
}

/// The kind of a list's items, "" as long as it has not arrived: a list of built-in objects says it first, and one of
/// custom objects says it with each.
fn kind_of_items(head: &ListHead) -> String {
    head.kind.strip_suffix("List").unwrap_or_default().to_owned()
}

fn applied(configuration: &impl Serialize) -> Result<Patch, Error> {
    let value = serde_json::to_value(configuration)
        .map_err(|error| Error::config("the configuration cannot be written as JSON").with_source(error))?;
    if value.pointer("/metadata/managedFields").is_some_and(|fields| !fields.is_null()) {
        return Err(Error::config(
            "cannot apply an object that has managed fields: apply only what this manager wants to own",
        ));
    }
    Ok(Patch::Raw(PatchType::Apply, value.to_string().into()))
}
