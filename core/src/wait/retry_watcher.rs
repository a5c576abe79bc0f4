//! [`RetryWatcher`]: one watch out of as many as it takes.
//!
//! Follows client-go's `tools/watch/retrywatcher.go` and `until.go` (0.37): it goes on from the last version it saw, waits
//! a second between the beginnings of watches and as long as the server asks, shows no bookmarks, and ends with the error
//! when the version has expired or the server refuses.
//!
//! Differs: a version that expired before the watch began ends it too (client-go tries the same version for ever). Each
//! watch is asked for once, where client-go's request layer asks up to ten times within one of its tries.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::{Stream, StreamExt, stream};

use crate::client::Api;
use crate::error::Error;
use crate::meta::{Object, WatchOptions};
use crate::portable::BoxStream;
use crate::rest::{Watch, WatchEvent};
use crate::time::Instant;

/// The least time between the beginnings of two watches. client-go's `minRestartDelay`.
const LEAST_PERIOD: Duration = Duration::from_secs(1);

/// Every event after a version, in order, over as many watches as it takes. It ends after an error, which is the
/// server's: expired, or refused. client-go's `RetryWatcher`.
pub struct RetryWatcher<K> {
    events: BoxStream<'static, Result<WatchEvent<K>, Error>>,
}

impl<K: Object> RetryWatcher<K> {
    /// Watches what `options` select, from their version on, which a list or an object gave.
    ///
    /// # Errors
    /// `Config`, when the version is unset or "0": each watch would begin with other objects.
    pub fn new(api: &Api<K>, options: WatchOptions) -> Result<Self, Error> {
        if matches!(options.resource_version.as_str(), "" | "0") {
            return Err(Error::config(
                "a RetryWatcher needs the version to go on from: list first and take the list's",
            ));
        }
        let options = WatchOptions { allow_bookmarks: true, ..options };
        let watching =
            Watching { api: api.without_retries(), options, watch: None, next_try: Instant::default() };
        let events = stream::unfold(Some(watching), |watching| async move {
            let mut watching = watching?;
            let event = watching.next().await;
            let goes_on = event.is_ok();
            Some((event, goes_on.then_some(watching)))
        });
        Ok(Self { events: Box::pin(events) })
    }
}

struct Watching<K> {
    api: Api<K>,
    options: WatchOptions,
    watch: Option<Watch<K>>,
    next_try: Instant,
}

impl<K: Object> Watching<K> {
    /// The next event that is no bookmark; an error ends it all.
    async fn next(&mut self) -> Result<WatchEvent<K>, Error> {
        loop {
            let Some(watch) = &mut self.watch else {
                self.open().await?;
                continue;
            };
            let event = match watch.next().await {
                None => {
                    self.watch = None;
                    continue;
                }
                Some(Err(error)) => {
                    self.close(error)?;
                    continue;
                }
                Some(Ok(event)) => event,
            };
            let version = match &event {
                WatchEvent::Added(object) | WatchEvent::Modified(object) | WatchEvent::Deleted(object) => {
                    object.meta().resource_version.into()
                }
                WatchEvent::Bookmark(bookmark) => bookmark.resource_version.clone(),
            };
            if version.is_unset() {
                // Going on without it could skip events.
                return Err(Error::decode(format!(
                    "watch {}: an object without a resourceVersion",
                    self.api.api_resource()
                )));
            }
            self.options.resource_version = version;
            if !matches!(event, WatchEvent::Bookmark(_)) {
                return Ok(event);
            }
        }
    }

    async fn open(&mut self) -> Result<(), Error> {
        let clock = self.api.runtime().clock.clone();
        clock.sleep_until(self.next_try).await;
        self.next_try = clock.now() + LEAST_PERIOD;
        match self.api.watch(&self.options).await {
            Ok(watch) => self.watch = Some(watch),
            Err(error) => self.close(error)?,
        }
        Ok(())
    }

    /// The watch ended by `error`: gives it back when going on is no use.
    fn close(&mut self, error: Error) -> Result<(), Error> {
        self.watch = None;
        let hopeless = error.is_expired()
            || error.is_forbidden()
            || error.is_unauthorized()
            || error.is_unsupported()
            || matches!(error.kind(), crate::ErrorKind::Config);
        if hopeless {
            return Err(error);
        }
        if let Some(delay) = error.retry_after() {
            self.next_try = self.next_try.max(self.api.runtime().clock.now() + delay);
        }
        Ok(())
    }
}

impl<K> Stream for RetryWatcher<K> {
    type Item = Result<WatchEvent<K>, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.events.as_mut().poll_next(context)
    }
}

impl<K> fmt::Debug for RetryWatcher<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RetryWatcher")
    }
}

/// Takes events until `condition` is true of one, and gives that; `None` when they end before. client-go's `Until` and
/// `UntilWithoutRetry`, by the watch that is handed in.
///
/// # Errors
/// What the watch or `condition` fails with.
pub async fn until_event<K, W>(
    watch: &mut W,
    mut condition: impl FnMut(&WatchEvent<K>) -> Result<bool, Error>,
) -> Result<Option<WatchEvent<K>>, Error>
where
    W: Stream<Item = Result<WatchEvent<K>, Error>> + Unpin,
{
    while let Some(event) = watch.next().await {
        let event = event?;
        if condition(&event)? {
            return Ok(Some(event));
        }
    }
    Ok(None)
}
