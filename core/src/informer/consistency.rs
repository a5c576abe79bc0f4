//! Whether a watch-list gave what a list gives: asked after each watch-list, where the options say so.
//!
//! Follows client-go's `tools/cache/reflector_data_consistency_detector.go` and `util/consistencydetector` (0.37), which
//! an environment variable turns on. Invariant: it asks beside the informer and changes nothing. Differs: client-go
//! panics on a difference and asks until it is answered; here it is a [`Notice`], and who is not answered says nothing.

use std::sync::Arc;

use hashbrown::HashMap;

use super::shared::Shared;
use crate::cache::{Indexer, Notice};
use crate::codec;
use crate::error::Error;
use crate::meta::{Key, ListOptions, Object, ResourceVersion, ResourceVersionMatch};

type Contents = HashMap<Key, String>;

/// Lists the resource exactly at the version the store is at, and says what differs from what the store holds now.
pub(super) fn check<T: Object>(shared: &Arc<Shared<T>>, store: &Indexer<T>) {
    let held = contents(store);
    let version = store.last_store_sync_resource_version();
    let checking = shared.clone();
    let task = async move {
        // An error says nothing about the store: the version may be gone by now.
        if let Ok(listed) = list(&checking, version.clone()).await
            && let Some(text) = difference(&held, &listed)
        {
            checking.observe(&Notice::Inconsistent { resource_version: version, text });
        }
    };
    shared.runtime().spawner.spawn("consistency check", Box::pin(task));
}

fn contents<T: Object>(store: &Indexer<T>) -> Contents {
    store.iter().map(|object| (object.key(), object.meta().resource_version.to_owned())).collect()
}

async fn list<T: Object>(shared: &Shared<T>, version: ResourceVersion) -> Result<Contents, Error> {
    let selectors = shared.selectors();
    let options = ListOptions {
        resource_version: version,
        resource_version_match: Some(ResourceVersionMatch::Exact),
        label_selector: selectors.0.clone(),
        field_selector: selectors.1.clone(),
        ..ListOptions::default()
    };
    let mut body = shared.api().list_body(&options).await?;
    let (format, mut listed) = (body.format(), Contents::new());
    loop {
        let more = body.fill().await?;
        while let Some(item) = body.next_item()? {
            if let Some(meta) = codec::identity(format, item) {
                listed.insert(meta.key(), meta.resource_version.to_owned());
            }
        }
        if !more {
            return body.finish().map(|_| listed);
        }
    }
}

/// The first key on which two states differ.
fn difference(held: &Contents, listed: &Contents) -> Option<String> {
    let differs = |key: &&Key| held.get(*key) != listed.get(*key);
    let key = held.keys().chain(listed.keys()).filter(differs).min()?;
    let text = |contents: &Contents| contents.get(key).cloned().unwrap_or_else(|| "nothing".to_owned());
    Some(format!("{key}: the watch-list gave {}, a list gives {}", text(held), text(listed)))
}
