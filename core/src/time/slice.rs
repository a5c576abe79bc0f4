//! How long one task goes on before others have a turn.
//!
//! Invariant: whoever ends a turn after each piece of work holds the thread no longer than a slice and one piece.

use std::time::Duration;

use super::{Instant, Runtime};

/// Well below a frame of 16 ms.
const LONGEST: Duration = Duration::from_millis(6);

/// So many turns one slice may have, for clocks too coarse to tell.
const TURNS: u32 = 64;

/// The stretch of work that a task is at.
pub(crate) struct Slice {
    runtime: Runtime,
    began: Instant,
    turns: u32,
}

impl Slice {
    /// It begins now.
    pub(crate) fn begin(runtime: &Runtime) -> Self {
        Self { runtime: runtime.clone(), began: runtime.clock.now(), turns: 0 }
    }

    /// A piece of work is done: where the slice has lasted long enough, others have their turn and the next begins.
    pub(crate) async fn end_turn(&mut self) {
        self.turns += 1;
        if self.turns >= TURNS || self.runtime.clock.now() - self.began >= LONGEST {
            self.runtime.spawner.yield_now().await;
            (self.began, self.turns) = (self.runtime.clock.now(), 0);
        }
    }

    /// The task waited until `now`: others had their turn.
    pub(crate) fn waited(&mut self, now: Instant) {
        self.began = now;
    }
}
