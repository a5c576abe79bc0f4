//! The one exchange an informer has with the server at a time: a list page or a watch, opening or open.
//!
//! Invariant: waiting for progress can be given up at any await point without losing a byte.

use std::future::pending;

use crate::cache::Action;
use crate::client::Api;
use crate::error::Error;
use crate::meta::Object;
use crate::portable::BoxFuture;
use crate::rest::{ListBody, WatchBody};

/// What is under way.
#[derive(Default)]
pub(super) enum Exchange {
    /// Nothing.
    #[default]
    Closed,
    /// A list page was asked for.
    OpeningList(BoxFuture<'static, Result<ListBody, Error>>),
    /// A list page arrives.
    List(Box<ListBody>),
    /// A watch was asked for.
    OpeningWatch(BoxFuture<'static, Result<WatchBody, Error>>),
    /// A watch is open.
    Watch(Box<WatchBody>),
}

/// How it came on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// The answer's head is there.
    Opened,
    /// Bytes arrived: take out what is whole.
    Filled,
    /// The body has ended.
    Ended,
}

impl Exchange {
    /// Begins what `action` says.
    pub(super) fn begin<T: Object>(api: &Api<T>, action: Action) -> Self {
        // The reflector waits as long as it is asked to, says so meanwhile, and tries again.
        let api = api.without_retries();
        match action {
            Action::List(options) => {
                Self::OpeningList(Box::pin(async move { api.list_body(&options).await }))
            }
            Action::Watch(options) => {
                Self::OpeningWatch(Box::pin(async move { api.watch_body(&options).await }))
            }
            Action::Close => Self::Closed,
        }
    }

    /// Waits until it comes on.
    pub(super) async fn progress(&mut self) -> Result<Progress, Error> {
        let more = match self {
            Self::Closed => pending().await,
            Self::OpeningList(opening) => {
                let body = opening.await;
                *self = Self::List(Box::new(body?));
                return Ok(Progress::Opened);
            }
            Self::OpeningWatch(opening) => {
                let body = opening.await;
                *self = Self::Watch(Box::new(body?));
                return Ok(Progress::Opened);
            }
            Self::List(body) => body.fill().await?,
            Self::Watch(body) => body.fill().await?,
        };
        Ok(if more { Progress::Filled } else { Progress::Ended })
    }

    /// Whether it is about a list.
    pub(super) fn is_list(&self) -> bool {
        matches!(self, Self::OpeningList(_) | Self::List(_))
    }

    /// How many bytes of it have arrived.
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Self::List(body) => body.bytes(),
            Self::Watch(body) => body.bytes(),
            Self::Closed | Self::OpeningList(_) | Self::OpeningWatch(_) => 0,
        }
    }
}
