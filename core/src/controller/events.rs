//! Events about objects: what `kubectl describe` shows below them.
//!
//! [`EventSeries`] (events.k8s.io/v1) and [`EventCorrelator`] (core/v1) decide, purely, what becomes of each event: written
//! anew, merged into one that was written, or left out; [`EventRecorder`] is the handle, and its task the driver.
//!
//! Invariant: whoever records never waits and never fails; what could not be written is counted.

mod correlator;
mod lru;
mod recorder;
mod series;
mod spam;

pub use correlator::{Correlated, CorrelatorOptions, EventCorrelator};
pub use recorder::{EventApi, EventRecorder, Note, RecorderStatus, object_reference};
pub use series::{EventSeries, Observed};
