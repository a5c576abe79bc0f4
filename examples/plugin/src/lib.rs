//! A check as a wasm plugin: the guest of docs/plugin.md. It names the containers that no limit keeps from taking all the
//! memory of their node.

// ANCHOR: guest
use futures::StreamExt;
use k8s_openapi::api::core::v1::{Container, Pod};
use portolan::Error;
use portolan::cache::{Event, HandlerOptions};
use portolan::informer::{FactoryOptions, SharedInformerFactory};
use portolan::meta::Object;
use portolan_host::Host;

portolan_host::guest!(run);

/// Its input is the namespace to look at.
async fn run(host: Host) -> Result<(), Error> {
    let namespace = String::from_utf8_lossy(host.input()).into_owned();
    let options = FactoryOptions { namespace, ..FactoryOptions::default() };
    let pods = SharedInformerFactory::new(&host.client()?, options).typed::<Pod>();
    let mut events = pods.events(HandlerOptions::default());
    pods.start();
    pods.wait_for_cache_sync().await?;
    host.say(format!("watching {} pods", pods.lister().len()));
    while let Some(event) = events.next().await {
        if let Event::Added { object: pod, .. } | Event::Updated { new: pod, .. } = event {
            for container in unlimited(&pod) {
                host.say(format!("{}: container {container} has no memory limit", pod.key()));
            }
        }
    }
    Ok(())
}

/// The containers without a memory limit.
fn unlimited(pod: &Pod) -> Vec<&str> {
    let has_limit = |container: &&Container| {
        let limits = container.resources.as_ref().and_then(|resources| resources.limits.as_ref());
        limits.is_some_and(|limits| limits.contains_key("memory"))
    };
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    containers.filter(|container| !has_limit(container)).map(|container| container.name.as_str()).collect()
}
// ANCHOR_END: guest
