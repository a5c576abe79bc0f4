//! Custom resources as Rust types: [`CustomResource`] makes the CustomResourceDefinition that an API server takes.
//!
//! The derive of `portolan-derive` writes all of this for a struct; by hand it is the traits of k8s-openapi and, where the
//! definition is to be made from the type, a [`Definition`]. A type that is only used needs no definition:
//!
//! ```
//! use k8s_openapi::{Metadata, NamespaceResourceScope, Resource};
//! use portolan::client::{Api, Client, HasStatus};
//! use portolan::meta::ObjectMeta;
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Clone, Debug, Serialize, Deserialize)]
//! #[serde(rename_all = "camelCase")]
//! struct Widget {
//!     api_version: String, // Widget::API_VERSION
//!     kind: String,        // Widget::KIND
//!     metadata: ObjectMeta,
//!     size: u32,
//! }
//!
//! impl Resource for Widget {
//!     const API_VERSION: &'static str = "example.com/v1";
//!     const GROUP: &'static str = "example.com";
//!     const VERSION: &'static str = "v1";
//!     const KIND: &'static str = "Widget";
//!     const URL_PATH_SEGMENT: &'static str = "widgets";
//!     type Scope = NamespaceResourceScope;
//! }
//!
//! impl Metadata for Widget {
//!     type Ty = ObjectMeta;
//!     fn metadata(&self) -> &ObjectMeta {
//!         &self.metadata
//!     }
//!     fn metadata_mut(&mut self) -> &mut ObjectMeta {
//!         &mut self.metadata
//!     }
//! }
//!
//! impl HasStatus for Widget {} // opens update_status, patch_status and apply_status
//!
//! fn widgets(client: &Client) -> Api<Widget> {
//!     client.api("default") // and informers: factory.informer::<Widget>()
//! }
//! ```

mod structural;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceColumnDefinition, CustomResourceDefinition, CustomResourceDefinitionNames,
    CustomResourceDefinitionSpec, CustomResourceDefinitionVersion, CustomResourceSubresourceScale,
    CustomResourceSubresourceStatus, CustomResourceSubresources, CustomResourceValidation,
};
use serde_json::Value;

use crate::error::Error;
use crate::meta::{ObjectMeta, Resource, Scope};

/// A type whose CustomResourceDefinition can be made from it.
pub trait CustomResource: Resource + k8s_openapi::Resource<Scope: Scope> {
    /// What the definition says beside group, version, kind, plural name and scope.
    fn definition() -> Definition;

    /// The definition, with this version as the one served and stored. Fails where the type's schema is not structural,
    /// saying which field is to blame.
    fn crd() -> Result<CustomResourceDefinition, Error> {
        definition_of::<Self>(Self::definition())
    }
}

/// What a CustomResourceDefinition says beside what the type's [`Resource`] says.
#[derive(Clone, Debug, Default)]
pub struct Definition {
    /// The name in the singular; "" for the kind in lower case.
    pub singular: String,
    /// Short names, such as `rdc`.
    pub short_names: Vec<String>,
    /// The groups of resources it belongs to, such as `all`.
    pub categories: Vec<String>,
    /// What kubectl shows beside name and age.
    pub columns: Vec<CustomResourceColumnDefinition>,
    /// Whether the status is written apart from the rest.
    pub has_status: bool,
    /// Where the replicas are, if it can be scaled.
    pub scale: Option<CustomResourceSubresourceScale>,
    /// JSON Schema of the whole object, metadata aside, as schemars makes it of the Rust type with all types in place.
    /// What is no structural schema is rewritten where the meaning stays: keys of a map that are numbers, say, become a
    /// rule in CEL.
    pub schema: Value,
}

/// Refuses what says that it is of another apiVersion or kind; items of lists say neither.
pub fn expect_kind<K: k8s_openapi::Resource, E: serde::de::Error>(
    api_version: Option<&str>,
    kind: Option<&str>,
) -> Result<(), E> {
    let (api_version, kind) = (api_version.unwrap_or(K::API_VERSION), kind.unwrap_or(K::KIND));
    if (api_version, kind) == (K::API_VERSION, K::KIND) {
        return Ok(());
    }
    let short = |name: &str| name.chars().take(80).collect::<String>();
    let (api_version, kind) = (short(api_version), short(kind));
    Err(E::custom(format!(
        "a {kind:?} of {api_version:?} in place of a {:?} of {:?}",
        K::KIND,
        K::API_VERSION
    )))
}

fn definition_of<K: CustomResource>(definition: Definition) -> Result<CustomResourceDefinition, Error> {
    let Definition { singular, short_names, categories, columns, has_status, scale, schema } = definition;
    let schema = structural::schema(schema)
        .map_err(|error| error.doing(format!("make the CustomResourceDefinition of {}", K::KIND)))?;
    let status = has_status.then(|| CustomResourceSubresourceStatus(Value::Object(Default::default())));
    let subresources =
        (status.is_some() || scale.is_some()).then_some(CustomResourceSubresources { scale, status });
    let version = CustomResourceDefinitionVersion {
        additional_printer_columns: (!columns.is_empty()).then_some(columns),
        name: K::VERSION.to_owned(),
        schema: Some(CustomResourceValidation { open_api_v3_schema: Some(schema) }),
        served: true,
        storage: true,
        subresources,
        ..Default::default()
    };
    let names = CustomResourceDefinitionNames {
        categories: (!categories.is_empty()).then_some(categories),
        kind: K::KIND.to_owned(),
        list_kind: Some(format!("{}List", K::KIND)),
        plural: K::URL_PATH_SEGMENT.to_owned(),
        short_names: (!short_names.is_empty()).then_some(short_names),
        singular: Some(if singular.is_empty() { K::KIND.to_ascii_lowercase() } else { singular }),
    };
    Ok(CustomResourceDefinition {
        metadata: ObjectMeta {
            name: Some(format!("{}.{}", K::URL_PATH_SEGMENT, K::GROUP)),
            ..Default::default()
        },
        spec: CustomResourceDefinitionSpec {
            group: K::GROUP.to_owned(),
            names,
            scope: if K::Scope::NAMESPACED { "Namespaced" } else { "Cluster" }.to_owned(),
            versions: vec![version],
            ..Default::default()
        },
        status: None,
    })
}
