//! Transports for tests: one that follows a script.

mod scripted;

pub use scripted::{Answer, Asked, Scripted};
