//! The native transport against servers on loopback.

#![cfg(test)]

mod exec;
mod pool;
mod queue;
mod reload;
mod server;
mod socket;
mod tls;
