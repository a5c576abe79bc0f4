//! Core's file and, beside it, what it must keep.

mod recorder_tests;

mod correlator {
    pub(super) use portolan::controller::{Correlated, CorrelatorOptions, EventCorrelator};
}
mod series {
    pub(super) use portolan::controller::{EventSeries, Observed};
}
#[expect(dead_code, unreachable_pub, reason = "core's own, of which the tests need a part")]
mod recorder {
    include!(concat!(env!("OUT_DIR"), "/recorder.rs"));
}
