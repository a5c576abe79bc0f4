//! The native transport against servers on loopback.

#![cfg(test)]

mod pool;
mod server;
mod tls;
