//! Leader election over a Lease: of several processes one leads, and knows when it no longer does.
//!
//! [`Election`] is the pure machine, [`LeaderElector`] its driver, [`Leadership`] the guard that guarded acts ask.
//!
//! Follows client-go's `tools/leaderelection/leaderelection.go` and `resourcelock/leaselock.go` (0.37): the same record in
//! the same Lease, so that Go and Rust processes can compete; only times observed here count, so any skew between clocks
//! does no harm; the fast path updates what was last seen and falls back to reading.
//!
//! Invariant: leadership ends `renew_deadline` after the last successful renewal was *sent*; nobody else takes the lease
//! before `lease_duration` after he *saw* it. So with `renew_deadline < lease_duration`, and clocks that run about
//! equally fast, no two lead at a time.
//!
//! Differs in one default: a leader that ends of its own will gives the Lease up (`ReleaseOnCancel`, false in client-go),
//! for the next leads at once then. client-go must leave it to its caller whether the work has ended by then; here the work
//! is dropped first, and what it left to other tasks asks its [`Leadership`].
//!
//! Differs elsewhere, always towards safety:
//! - client-go counts the deadline from the start of a round of renewals, up to `retry_period` after the last success;
//!   here it counts from when the last success was sent.
//! - client-go goes on leading until the deadline although it has read that another holds the lease; here it ends at once.
//! - client-go's process that was suspended with its machine goes on, for its monotonic clock stood still; here the wall
//!   clock ends a leadership too, if it ran further.
//! - client-go cuts `lease_duration` to whole seconds, which may fall below `renew_deadline`; here it is rounded up.
//! - client-go's candidates poll at random moments only; here also when the lease they know of ends, so that there is a
//!   leader again within the lease time.
//! - client-go's release takes the Lease from whoever has the same identity; here only from what this run wrote.
//! - client-go's coordinated leader whose term has ended goes on until the deadline; here it ends at once, and the Lease
//!   lapses as there.
//! - A request is given up after half of `renew_deadline` (client-go leaves it to the client's own timeout).

mod candidate;
mod driver;
mod machine;
mod record;

pub use driver::{LeaderElector, Leadership};
pub use machine::{Action, Coordinated, Election, ElectionEvent, ElectionOptions, Moment};
