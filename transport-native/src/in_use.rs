//! What the clients of one configuration share: a credential plugin, the tokens of a provider. client-go's caches of them
//! by configuration.

use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Those in use. One goes with the last client that holds it.
pub(crate) struct InUse<T>(Mutex<Vec<Weak<T>>>);

impl<T> InUse<T> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// The one that is `alike`, else a new one.
    pub(crate) fn get<E>(
        &self,
        alike: impl Fn(&T) -> bool,
        make: impl FnOnce() -> Result<T, E>,
    ) -> Result<Arc<T>, E> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|one| one.strong_count() > 0);
        if let Some(found) = all.iter().filter_map(Weak::upgrade).find(|one| alike(one)) {
            return Ok(found);
        }
        let made = Arc::new(make()?);
        all.push(Arc::downgrade(&made));
        Ok(made)
    }
}
