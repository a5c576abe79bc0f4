//! [`until`]: a state of one object.
//!
//! Follows what client-go's `tools/watch/until.go` (0.37) `UntilWithSync` promises, for one object. Differs: the condition
//! is asked of the object as it is, or of its absence, never of an event; the server is asked for that object alone.

use std::sync::Arc;
use std::time::Duration;

use futures::future::{Either, select};

use crate::cache::ReflectorOptions;
use crate::client::Api;
use crate::error::Error;
use crate::informer::{InformerOptions, SharedIndexInformer};
use crate::meta::{Key, Object};

/// Waits until `condition` is true of the object `name` (`None` while there is no such object), and gives the object.
/// Lost connections, expired versions and restarts of the server are waited out. client-go's `UntilWithSync`.
///
/// ```
/// # use k8s_openapi::api::apps::v1::Deployment;
/// # use portolan::client::Client;
/// # use portolan::object::Lazy;
/// # use portolan::wait::{conditions, until};
/// # use std::time::Duration;
/// # async fn example(client: &Client) -> Result<(), portolan::Error> {
/// let deployments = client.api::<Lazy<Deployment>>("default");
/// until(&deployments, "web", Duration::from_secs(60), conditions::rolled_out).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// What `condition` fails with; `Timeout` after `limit`, with what went wrong last; `Forbidden` and the like are waited
/// out too, for rights may be on their way.
pub async fn until<K: Object>(
    api: &Api<K>,
    name: &str,
    limit: Duration,
    condition: impl Fn(Option<&K>) -> Result<bool, Error>,
) -> Result<Option<Arc<K>>, Error> {
    let doing = || format!("wait for {} {name}", api.api_resource());
    let field_selector =
        format!("metadata.name={name}").parse().map_err(|error: Error| error.doing(doing()))?;
    let reflector = ReflectorOptions { field_selector, ..ReflectorOptions::default() };
    let options = InformerOptions { reflector, ..InformerOptions::default() };
    let informer = Stopped(SharedIndexInformer::new(api.clone(), options));
    let lister = informer.0.lister();
    let key = Key::new(api.namespace(), name);
    informer.0.start();
    let seen = informer.0.wait_for_status(|_| {
        if !informer.0.has_synced() {
            return None;
        }
        // In all namespaces the object may be in any.
        let object = lister.get(&key).or_else(|| lister.list().iter().next().cloned());
        match condition(object.as_deref()) {
            Ok(true) => Some(Ok(object)),
            Ok(false) => None,
            Err(error) => Some(Err(error)),
        }
    });
    let outcome = match select(Box::pin(seen), api.runtime().sleep(limit)).await {
        Either::Left((outcome, _)) => outcome,
        Either::Right(_) => {
            let trouble = informer.0.status().last_error.map(|error| format!("; last: {error}"));
            let text = format!("not within {} s{}", limit.as_secs(), trouble.unwrap_or_default());
            Err(Error::timeout(text))
        }
    };
    outcome.map_err(|error| error.doing(doing()))
}

/// An informer that stops when it is no longer needed.
struct Stopped<T: Object>(SharedIndexInformer<T>);

impl<T: Object> Drop for Stopped<T> {
    fn drop(&mut self) {
        self.0.stop();
    }
}
