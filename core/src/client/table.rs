//! Lists as the server would print them: columns and rows, for dashboards and tools.
//!
//! Follows apimachinery 0.37 `meta/v1` Table; kubectl's `get` asks the same way.

use std::borrow::Cow;
use std::collections::BTreeMap;

use http::Method;
use serde::Deserialize;
use serde_json::Value;

use super::Api;
use crate::error::Error;
use crate::meta::{Encoded, GetOptions, ListMeta, ListOptions, MetaRef, Object, WatchOptions};
use crate::object::Unstructured;
use crate::rest::{Request, Watch};

/// Rows of cells under columns, as the server would print objects. client-go's `metav1.Table`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Table {
    /// The list's version, and where it goes on.
    pub metadata: ListMeta,
    /// The columns; in a watch only its first table names them.
    #[serde(deserialize_with = "null_is_empty")]
    pub column_definitions: Vec<TableColumn>,
    /// The rows, in the server's order.
    #[serde(deserialize_with = "null_is_empty")]
    pub rows: Vec<TableRow>,
}

/// One column. client-go's `metav1.TableColumnDefinition`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TableColumn {
    /// What stands above it.
    pub name: String,
    /// The OpenAPI type of its cells, such as `string` or `integer`.
    pub r#type: String,
    /// How its cells are to be read, such as `name` or `date-time`; "" when nothing is said.
    pub format: String,
    /// What it means.
    pub description: String,
    /// 0 for what everybody wants to see; greater for what `-o wide` shows.
    pub priority: i32,
}

/// One row. client-go's `metav1.TableRow`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TableRow {
    /// One value for each column.
    pub cells: Vec<Value>,
    /// What marks the row, such as a Pod that has run to completion.
    #[serde(deserialize_with = "null_is_empty")]
    pub conditions: Vec<TableRowCondition>,
    /// The object, as far as [`TableOptions::include_object`] asked for it.
    pub object: Option<Unstructured>,
}

/// What marks a row. client-go's `metav1.TableRowCondition`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TableRowCondition {
    /// Which mark, such as `Completed`.
    pub r#type: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// The reason, in one word.
    pub reason: String,
    /// The reason, for people.
    pub message: String,
}

/// How to make tables. client-go's `metav1.TableOptions`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableOptions {
    /// What of its object each row bears.
    pub include_object: IncludeObject,
}

/// What of its object a row bears. client-go's `metav1.IncludeObjectPolicy`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IncludeObject {
    /// Its metadata, as `PartialObjectMetadata`: what the server does unless told otherwise.
    #[default]
    Metadata,
    /// All of it.
    Object,
    /// Nothing.
    None,
}

impl<K: Object> Api<K> {
    /// The objects that `options` select, as a table.
    pub async fn list_table(&self, options: &ListOptions, table: &TableOptions) -> Result<Table, Error> {
        let tables = self.retyped::<Table>();
        // A table of many objects is one document, not a list of items.
        let request = tables.one_form(Method::GET).as_table().params(options.query()).params(table.query());
        tables.object(request).await
    }

    /// One object, as a table of one row.
    pub async fn get_table(
        &self,
        name: &str,
        options: &GetOptions,
        table: &TableOptions,
    ) -> Result<Table, Error> {
        let tables = self.retyped::<Table>();
        let request = tables.one(Method::GET, name).as_table().params(options.query()).params(table.query());
        tables.object(request).await
    }

    /// The changes that `options` select, each as a table of one row.
    pub async fn watch_table(
        &self,
        options: &WatchOptions,
        table: &TableOptions,
    ) -> Result<Watch<Table>, Error> {
        let tables = self.retyped::<Table>();
        let request = tables.one_form(Method::GET).as_table().params(options.query()).params(table.query());
        Ok(Watch::new(request.watch_body().await?, self.api_resource().clone()))
    }
}

impl TableOptions {
    fn query(self) -> Option<(&'static str, String)> {
        let policy = match self.include_object {
            IncludeObject::Metadata => return None,
            IncludeObject::Object => "Object",
            IncludeObject::None => "None",
        };
        Some(("includeObject", policy.to_owned()))
    }
}

impl Request {
    /// Asks for the answer as a [`Table`], which is written as JSON only; what the server makes no table of comes as it is.
    /// To be called behind [`Request::api_resource`], which asks for what the resource is written as.
    pub fn as_table(self) -> Self {
        self.header("accept", "application/json;as=Table;g=meta.k8s.io;v=v1,application/json")
    }
}

/// So that a watch can give it; a table has neither name nor labels.
impl Object for Table {
    fn read(encoded: Encoded<'_>) -> Result<Self, Error> {
        let object = Unstructured::read(encoded)?;
        if object.kind() != "Table" {
            return Err(Error::unsupported(format!(
                "the server gave {} {} where a Table was asked for: it makes no tables of this resource",
                object.api_version(),
                object.kind()
            )));
        }
        object.to_typed()
    }

    fn meta(&self) -> MetaRef<'_> {
        MetaRef {
            resource_version: self.metadata.resource_version.as_deref().unwrap_or_default(),
            ..MetaRef::default()
        }
    }

    fn labels(&self) -> Cow<'_, BTreeMap<String, String>> {
        Cow::Owned(BTreeMap::new())
    }
}

/// Go writes an empty slice as null.
fn null_is_empty<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    Option::<Vec<T>>::deserialize(deserializer).map(Option::unwrap_or_default)
}
