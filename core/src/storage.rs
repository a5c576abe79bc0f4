//! Where bytes are kept between requests and between runs: [`Storage`], which memory, a disk or a browser implements.
//!
//! Invariant: what was kept may be gone, old or another program's at any time; whoever loads it checks it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::error::Error;
use crate::portable::{MaybeSend, MaybeSync};
use crate::time::Clock;

/// Keeps bytes by key, for caches: losing them costs requests and nothing else. Held as `Arc<dyn Storage>`.
#[cfg_attr(not(target_family = "wasm"), async_trait)]
#[cfg_attr(target_family = "wasm", async_trait(?Send))]
pub trait Storage: fmt::Debug + MaybeSend + MaybeSync + 'static {
    /// What is kept under `key`; `None` when nothing is, or nothing that can be read.
    async fn load(&self, key: &str) -> Option<Stored>;

    /// Keeps `bytes` under `key`, in place of what was there. A reader sees the old bytes or the new ones, never a mixture.
    ///
    /// # Errors
    /// When they cannot be kept; what was there before is then still there.
    async fn store(&self, key: &str, bytes: Bytes) -> Result<(), Error>;
}

/// What a [`Storage`] gives back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The bytes as they were kept.
    pub bytes: Bytes,
    /// When they were kept: wall-clock time since the Unix epoch.
    pub written: Duration,
}

/// A storage in memory, for as long as it lives. Clones share what is kept. Of keys that differ only behind a `?` it keeps
/// the last: those are addresses with a hash of what is there (`/openapi/v3/apis/apps/v1?hash=…`), and nobody asks for the
/// old one again.
#[derive(Clone)]
pub struct MemoryStorage {
    clock: Arc<dyn Clock>,
    /// By the key up to its `?`; with the whole key.
    kept: Arc<Mutex<BTreeMap<String, (String, Stored)>>>,
}

impl MemoryStorage {
    /// An empty storage, which tells the time by `clock`.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, kept: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, (String, Stored)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MemoryStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryStorage({} kept)", self.lock().len())
    }
}

#[cfg_attr(not(target_family = "wasm"), async_trait)]
#[cfg_attr(target_family = "wasm", async_trait(?Send))]
impl Storage for MemoryStorage {
    async fn load(&self, key: &str) -> Option<Stored> {
        let kept = self.lock();
        kept.get(place(key)).filter(|(whole, _)| whole == key).map(|(_, stored)| stored.clone())
    }

    async fn store(&self, key: &str, bytes: Bytes) -> Result<(), Error> {
        let written = self.clock.unix_time();
        self.lock().insert(place(key).to_owned(), (key.to_owned(), Stored { bytes, written }));
        Ok(())
    }
}

fn place(key: &str) -> &str {
    key.split_once('?').map_or(key, |(place, _)| place)
}
