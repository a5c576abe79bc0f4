//! What a reflector does, said in order: for logs, metrics and whoever must hear of every error.

use std::collections::VecDeque;
use std::time::Duration;

use crate::error::{Error, ErrorKind};
use crate::meta::ResourceVersion;

/// So many notices wait for somebody to ask; then the oldest go.
const MOST_WAITING: usize = 64;

/// One thing a reflector did or met.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// It asks the server.
    Asked {
        /// What for.
        request: Asked,
        /// From this version on, or no older; "" is the newest, "0" any.
        resource_version: ResourceVersion,
    },
    /// The watch, or watch-list, is open.
    Opened,
    /// A list, or the initial events of a watch-list, is complete.
    Synced {
        /// Which of the two.
        request: Asked,
        /// How many objects it holds.
        objects: usize,
        /// Its version.
        resource_version: ResourceVersion,
        /// How long it took since it was first asked for.
        took: Duration,
    },
    /// The watch ended as watches do: it is asked again.
    Ended,
    /// Something went wrong; the reflector goes on by itself. client-go's call of its `WatchErrorHandler`, which hears
    /// of fewer.
    Failed {
        /// What kind of error.
        kind: ErrorKind,
        /// What it says.
        text: String,
        /// How long it waits before the next try; `None` when it goes on at once.
        retry_in: Option<Duration>,
    },
    /// Every object is announced again.
    Resync,
    /// A list does not give what the watch-list gave: the server is wrong. Said where
    /// [`ReflectorOptions::check_consistency`](super::ReflectorOptions::check_consistency) is on.
    Inconsistent {
        /// The version of both.
        resource_version: ResourceVersion,
        /// The first difference.
        text: String,
    },
    /// A handler panicked: it was removed, and hears of nothing any more. client-go ends the process.
    HandlerPanicked {
        /// What it said.
        text: String,
    },
}

/// What a reflector asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A list, or a page of it.
    List,
    /// A watch that begins with what there is.
    WatchList,
    /// A watch.
    Watch,
}

impl Asked {
    /// In one word, such as `watch-list`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::WatchList => "watch-list",
            Self::Watch => "watch",
        }
    }
}

/// The notices nobody asked for yet.
#[derive(Debug, Default)]
pub(super) struct Notices(VecDeque<Notice>);

impl Notices {
    pub(super) fn say(&mut self, notice: Notice) {
        if self.0.len() == MOST_WAITING {
            self.0.pop_front();
        }
        self.0.push_back(notice);
    }

    pub(super) fn failed(&mut self, error: &Error, retry_in: Option<Duration>) {
        self.say(Notice::Failed { kind: error.kind().clone(), text: error.to_string(), retry_in });
    }

    pub(super) fn next(&mut self) -> Option<Notice> {
        self.0.pop_front()
    }
}
