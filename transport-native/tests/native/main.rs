//! The native transport against servers on loopback.

#![cfg(test)]

mod exec;
mod http2;
mod oidc;
mod pool;
mod proxy;
mod queue;
mod reload;
mod server;
mod socket;
mod tls;
