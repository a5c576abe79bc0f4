//! Waiting for objects to become what they should be.
//!
//! [`until`] waits for a state of one object, whatever happens on the way; [`until_event`] and [`RetryWatcher`] see every
//! event in order, and end when the server no longer knows them. [`conditions`] holds the states most waited for.
//!
//! Invariant: a state is looked for in what the server holds, never concluded from an event that may be missed.

pub mod conditions;
mod retry_watcher;
mod until;

pub use retry_watcher::{RetryWatcher, until_event};
pub use until::until;
