//! The native transport against servers on loopback.

#![cfg(test)]

mod pool;
mod queue;
mod server;
mod tls;
