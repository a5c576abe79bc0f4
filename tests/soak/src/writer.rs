//! Somebody who writes: creates, changes and deletes objects at a steady rate, whatever the server does.

use std::time::Duration;

use anyhow::Result;
use portolan::client::{Api, Client};
use portolan::meta::{ApiResource, CreateOptions, DeleteOptions, Patch, PatchOptions};
use portolan::object::Unstructured;
use portolan::policy::Random;
use serde_json::{Value, json};

/// So many objects of each resource come and go.
const NAMES: u64 = 100;

/// Writes `count` times, `per_second` at a time on average, to the resources in turn.
pub(crate) async fn write(
    client: &Client,
    resources: &[ApiResource],
    count: u64,
    per_second: u64,
) -> Result<()> {
    let apis: Vec<Api<Unstructured>> =
        resources.iter().map(|resource| client.resource(resource, "default")).collect();
    let mut random = Random::new(count);
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / u32::try_from(per_second)?);
    for number in 0..count {
        ticks.tick().await;
        let which = random.below(apis.len() as u64) as usize;
        let name = format!("soak-{}", random.below(NAMES));
        // While the server is away or busy: again, until it answers. What it answers does not matter.
        while let Err(error) = once(&apis[which], &resources[which], &name, number, random.below(4)).await {
            if error.status().is_some_and(|status| status.code.is_some_and(|code| code < 500 && code != 429))
            {
                break;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
    Ok(())
}

async fn once(
    api: &Api<Unstructured>,
    resource: &ApiResource,
    name: &str,
    number: u64,
    chance: u64,
) -> Result<(), portolan::Error> {
    if chance == 0 {
        return api.delete(name, &DeleteOptions::default()).await;
    }
    let annotations = json!({ "number": number.to_string() });
    let patch = Patch::Merge(json!({ "metadata": { "annotations": annotations } }));
    match api.patch(name, &patch, &PatchOptions::default()).await {
        Err(error) if error.is_not_found() => {
            let object: Value = json!({
                "apiVersion": resource.api_version(), "kind": resource.kind,
                "metadata": { "name": name, "annotations": annotations },
            });
            let object: Unstructured = serde_json::from_value(object)
                .map_err(|error| portolan::Error::config("an object").with_source(error))?;
            api.create(&object, &CreateOptions::default()).await.map(drop)
        }
        outcome => outcome.map(drop),
    }
}
