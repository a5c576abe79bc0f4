//! The server's OpenAPI documents: version 3 by group version, each at an address that names its hash, and version 2 in one.
//! Follows client-go 0.37 `openapi/client.go` and `openapi/groupversion.go`.
//!
//! A document whose address has not changed is not asked for again while the server's `Expires` allows.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;

use super::documents::{Documents, Wanted};
use super::{DiscoveryClient, json};
use crate::error::Error;

/// Where the index is.
const ROOT: &str = "/openapi/v3";

/// The index of the OpenAPI v3 documents. client-go's `openapi.Client`.
#[derive(Clone, Debug)]
pub struct OpenApi {
    /// The documents by their key, such as `apis/apps/v1` or `api/v1`.
    pub paths: BTreeMap<String, OpenApiDocument>,
}

/// One OpenAPI v3 document, to be fetched. client-go's `openapi.GroupVersion`.
#[derive(Clone, Debug)]
pub struct OpenApiDocument {
    /// Its address on the server, with the hash of its content: the same address, the same document.
    pub server_relative_url: String,
    documents: Documents,
}

impl DiscoveryClient {
    /// The index of the OpenAPI v3 documents. client-go's `OpenAPIV3().Paths`.
    pub async fn open_api_v3(&self) -> Result<OpenApi, Error> {
        #[derive(Deserialize)]
        struct Index {
            #[serde(default)]
            paths: BTreeMap<String, Entry>,
        }
        #[derive(Deserialize)]
        struct Entry {
            #[serde(rename = "serverRelativeURL")]
            server_relative_url: String,
        }
        let wanted = Wanted { path: ROOT, accept: "application/json" };
        let index = self.documents.get(wanted, json::<Index>).await?;
        let prefix = self.rest().config().server.path().trim_end_matches('/').to_owned();
        let paths = index.paths.into_iter().map(|(key, Entry { server_relative_url })| {
            let url = server_relative_url.strip_prefix(&prefix).unwrap_or(&server_relative_url).to_owned();
            let documents =
                if url.starts_with(ROOT) { self.documents.clone() } else { self.documents.at_root() };
            (key, OpenApiDocument { server_relative_url: url, documents })
        });
        Ok(OpenApi { paths: paths.collect() })
    }

    /// The OpenAPI v2 document of all groups as JSON, some megabytes. client-go's `OpenAPISchema`.
    pub async fn open_api_v2(&self) -> Result<Value, Error> {
        self.documents.get(Wanted { path: "/openapi/v2", accept: "application/json" }, json).await
    }
}

impl OpenApiDocument {
    /// The document in JSON.
    ///
    /// # Errors
    /// Decode, when it is no JSON.
    pub async fn schema(&self) -> Result<Value, Error> {
        self.documents.get(self.wanted("application/json"), json).await
    }

    /// The document as bytes of the media type `accept`, such as
    /// `application/com.github.proto-openapi.spec.v3.v1.0+protobuf`. client-go's `Schema`.
    pub async fn bytes(&self, accept: &str) -> Result<Bytes, Error> {
        self.documents.get(self.wanted(accept), |document| Ok(document.bytes.clone())).await
    }

    fn wanted<'a>(&'a self, accept: &'a str) -> Wanted<'a> {
        Wanted { path: &self.server_relative_url, accept }
    }
}

impl Documents {
    /// The same for addresses that are the server's own, without the path that leads to it.
    fn at_root(&self) -> Self {
        let mut documents = self.clone();
        let mut parts = self.rest.config().server.clone().into_parts();
        parts.path_and_query = Some(http::uri::PathAndQuery::from_static("/"));
        if let Ok(server) = http::Uri::from_parts(parts) {
            documents.rest = self.rest.configured(|config| config.server = server);
        }
        documents
    }
}
