//! Which pod an example means.

use k8s_openapi::api::core::v1::Pod;
use portolan::Error;
use portolan::client::{Api, Client};
use portolan::meta::{FieldSelector, ListOptions, Object};

/// The pod `NAMESPACE/POD` or `POD`; without a name the first that runs.
pub(crate) async fn find(client: &Client, named: Option<&str>) -> Result<(Api<Pod>, String), Error> {
    if let Some(named) = named {
        let (namespace, name) = named.split_once('/').unwrap_or(("default", named));
        return Ok((client.core_v1().pods(namespace), name.to_owned()));
    }
    let field_selector: FieldSelector = "status.phase=Running".parse()?;
    let running = ListOptions { field_selector, limit: Some(1), ..ListOptions::default() };
    let found = client.core_v1().pods("").list(&running).await?;
    let pod = found.items.first().ok_or_else(|| Error::config("no pod runs here: name one, or start one"))?;
    Ok((client.core_v1().pods(pod.meta().namespace), pod.meta().name.to_owned()))
}
