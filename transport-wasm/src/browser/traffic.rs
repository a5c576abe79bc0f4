//! What a transport has open and has carried, for whoever shows it.
//!
//! Invariant: what is counted as open is held by a guard, so that a dropped exchange is never counted for good.

use std::cell::Cell;
use std::rc::Rc;

/// What one [`super::FetchTransport`] and its clones have open and have carried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Exchanges over fetch that have not ended, streams included.
    pub open_fetches: usize,
    /// Exchanges over fetch that are meant to last: watches and followed logs.
    pub open_streams: usize,
    /// WebSockets that are open.
    pub open_sockets: usize,
    /// WebSockets that wait for their handshake, or for their turn to begin it.
    pub pending_sockets: usize,
    /// WebSockets that never opened.
    pub failed_handshakes: u64,
    /// WebSockets closed because their messages were not read in time.
    pub overflowed_sockets: u64,
    /// Bytes of bodies and messages received.
    pub received_bytes: u64,
}

#[derive(Debug, Default)]
pub(super) struct Meter {
    traffic: Cell<Traffic>,
}

impl Meter {
    pub(super) fn read(&self) -> Traffic {
        self.traffic.get()
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Traffic)) {
        let mut traffic = self.traffic.get();
        change(&mut traffic);
        self.traffic.set(traffic);
    }

    /// Counts one more of what `field` names until the guard is dropped.
    pub(super) fn open(self: &Rc<Self>, field: fn(&mut Traffic) -> &mut usize) -> Open {
        self.change(|traffic| *field(traffic) += 1);
        Open { meter: self.clone(), field }
    }
}

#[derive(Debug)]
pub(super) struct Open {
    meter: Rc<Meter>,
    field: fn(&mut Traffic) -> &mut usize,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.meter.change(|traffic| *(self.field)(traffic) -= 1);
    }
}
