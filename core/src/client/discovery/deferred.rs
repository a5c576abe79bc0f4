//! A mapper that discovers when it is first asked, and once more when it finds nothing in what an earlier run had kept.
//! Follows client-go 0.37 `restmapper/discovery.go`, `DeferredDiscoveryRESTMapper`.

use std::sync::{Arc, Mutex, PoisonError};

use super::{CachedDiscoveryClient, RestMapper};
use crate::error::Error;

/// A [`RestMapper`] over a [`CachedDiscoveryClient`]. Cheap to clone; clones share what is known. client-go's
/// `DeferredDiscoveryRESTMapper` under a `shortcutExpander`.
#[derive(Clone, Debug)]
pub struct DeferredRestMapper {
    client: CachedDiscoveryClient,
    mapper: Arc<Mutex<Option<Arc<RestMapper>>>>,
}

impl DeferredRestMapper {
    /// A mapper that asks `client` when it is first asked itself.
    pub fn new(client: CachedDiscoveryClient) -> Self {
        Self { client, mapper: Arc::default() }
    }

    /// The mapper of what is known; asks the server when nothing is.
    ///
    /// # Errors
    /// When nothing can be discovered.
    pub async fn mapper(&self) -> Result<Arc<RestMapper>, Error> {
        let found = self.client.server_groups_and_resources().await?;
        let mut mapper = self.mapper.lock().unwrap_or_else(PoisonError::into_inner);
        match &*mapper {
            Some(mapper) if Arc::ptr_eq(mapper.discovery(), &found) => Ok(mapper.clone()),
            _ => {
                let made = Arc::new(RestMapper::new(found));
                *mapper = Some(made.clone());
                Ok(made)
            }
        }
    }

    /// What `find` finds: `mapper.find(|known| known.mapping_for("deploy"))`. When it finds nothing and what is known is not
    /// [fresh](CachedDiscoveryClient::fresh), the server is asked and `find` is called once more.
    ///
    /// # Errors
    /// What `find` says, or that nothing can be discovered.
    pub async fn find<T>(&self, find: impl Fn(&RestMapper) -> Result<T, Error>) -> Result<T, Error> {
        match find(&*self.mapper().await?) {
            Err(_) if !self.client.fresh().await => {
                self.reset().await;
                find(&*self.mapper().await?)
            }
            outcome => outcome,
        }
    }

    /// Forgets everything, so that the next question asks the server. client-go's `Reset`.
    pub async fn reset(&self) {
        self.client.invalidate().await;
    }

    /// What it discovers with.
    pub fn client(&self) -> &CachedDiscoveryClient {
        &self.client
    }
}
