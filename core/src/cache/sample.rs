//! Objects for the tests of the machines: config maps of a name, a uid, a version and a few labels.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::core::v1::ConfigMap;

use crate::meta::{Object, ObjectMeta};

/// How many random operations a model test makes: fewer under Miri, which takes some thousand times as long.
pub(super) const OPERATIONS: u64 = if cfg!(miri) { 400 } else { 1_000_000 };

/// The object `namespace/name` (or `name`) of a uid at a version.
pub(super) fn object(key: &str, uid: &str, version: u64) -> Arc<ConfigMap> {
    labeled(key, uid, version, &[])
}

/// The same with labels of these values, named by their position.
pub(super) fn labeled(key: &str, uid: &str, version: u64, values: &[&str]) -> Arc<ConfigMap> {
    let (namespace, name) =
        key.split_once('/').map_or((None, key), |(namespace, name)| (Some(namespace), name));
    let labels: BTreeMap<String, String> =
        values.iter().enumerate().map(|(place, value)| (place.to_string(), (*value).to_owned())).collect();
    Arc::new(ConfigMap {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            namespace: namespace.map(str::to_owned),
            uid: Some(uid.to_owned()),
            resource_version: Some(version.to_string()),
            labels: Some(labels),
            ..ObjectMeta::default()
        },
        ..ConfigMap::default()
    })
}

/// `key:uid@version`, to compare in tests.
pub(super) fn text(object: &ConfigMap) -> String {
    let meta = object.meta();
    format!("{}:{}@{}", object.key(), meta.uid, meta.resource_version)
}
