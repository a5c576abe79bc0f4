//! Transports for tests: one that follows a script, and one that misbehaves.

mod faulty;
mod scripted;

pub use faulty::{Fault, Faulty};
pub use scripted::{Answer, Asked, Scripted};
