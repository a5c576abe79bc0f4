//! What stands on informers and the workqueue: the run loop of a controller, leader election, events about objects.
//!
//! Invariant: a controller acts on what its caches hold, key by key, never on the event that brought the key: so it does
//! the right thing after any number of missed events.

mod election;
mod events;
mod owner;
mod predicate;
mod run_loop;

pub use election::{
    Action, Coordinated, Election, ElectionEvent, ElectionOptions, LeaderElector, Leadership, Moment,
};
pub use events::{
    Correlated, CorrelatorOptions, EventApi, EventCorrelator, EventRecorder, EventSeries, Note, Observed,
    RecorderStatus, object_reference,
};
pub use owner::{controller_of, controller_reference, owner_keys};
pub use predicate::{generation_changed, version_changed};
pub use run_loop::Controller;
