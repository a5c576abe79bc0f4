//! `#[derive(CustomResource)]`: a struct with `metadata` becomes a resource for every client and informer of portolan, and
//! its CustomResourceDefinition can be made from it.
//!
//! ```
//! use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
//! use portolan::client::CustomResource as _;
//! use portolan_derive::CustomResource;
//! use schemars::JsonSchema;
//! use serde::{Deserialize, Serialize};
//!
//! /// A Redis cluster.
//! #[derive(CustomResource, Clone, Debug)]
//! #[resource(
//!     group = "cache.example.com",
//!     version = "v1",
//!     plural = "redisclusters",
//!     short_names = ["rdc"],
//!     scale(spec = ".spec.replicas", status = ".status.replicas"),
//!     column(name = "Replicas", type = "integer", path = ".spec.replicas"),
//! )]
//! pub struct RedisCluster {
//!     pub metadata: ObjectMeta,
//!     pub spec: RedisClusterSpec,
//!     pub status: Option<RedisClusterStatus>,
//! }
//!
//! #[derive(Serialize, Deserialize, JsonSchema, Clone, Debug)]
//! pub struct RedisClusterSpec {
//!     /// How many members, 1 to 20.
//!     #[schemars(range(min = 1, max = 20))]
//!     pub replicas: u32,
//!     pub image: String,
//! }
//!
//! #[derive(Serialize, Deserialize, JsonSchema, Clone, Debug)]
//! pub struct RedisClusterStatus {
//!     pub replicas: u32,
//! }
//!
//! # fn main() -> Result<(), portolan::Error> {
//! let definition = RedisCluster::crd()?;
//! assert_eq!(definition.metadata.name.as_deref(), Some("redisclusters.cache.example.com"));
//! # Ok(())
//! # }
//! ```
//!
//! Its crate needs `portolan`, `k8s-openapi`, `serde` (with `derive`) and, for the definition, `schemars` 1.
//!
//! Invariant: the derive adds implementations to the struct and nothing else; no type comes into being that the reader
//! does not see. serde's and schemars' attributes on fields count as in any struct; names are in camel case.

mod attributes;
mod expand;

use proc_macro::TokenStream;

/// Makes a struct with a field `metadata: ObjectMeta` a custom resource: `Serialize` and `Deserialize` with apiVersion and
/// kind, k8s-openapi's `Resource`, `ListableResource` and `Metadata`, and portolan's `CustomResource`; with a field `status`
/// also `HasStatus`, with `scale` also `HasScale`.
///
/// In `#[resource(…)]`:
///
/// | key | meaning | default |
/// |---|---|---|
/// | `group`, `version`, `plural` | as in the API's paths | required |
/// | `kind`, `singular` | its names | the struct's name; that in lower case |
/// | `scope = "Cluster"` | objects live in no namespace | `"Namespaced"` |
/// | `short_names = ["rdc"]`, `categories = ["all"]` | further names for kubectl | none |
/// | `scale(spec = "…", status = "…", selector = "…")` | where the replicas are | cannot be scaled |
/// | `column(name = "…", type = "…", path = "…", description = "…", format = "…", priority = 1)` | a column of `kubectl get`, may be repeated | none |
/// | `schema = "none"` | a definition is not made from this type: no `JsonSchema` needed | from the fields |
#[proc_macro_derive(CustomResource, attributes(resource, serde, schemars))]
pub fn custom_resource(input: TokenStream) -> TokenStream {
    let input = syn::parse_macro_input!(input as syn::DeriveInput);
    expand::expand(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}
