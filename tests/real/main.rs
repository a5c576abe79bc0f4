//! Portolan on a real etcd and API server. `cargo xtask test` runs these once `cargo xtask setup` has built the cluster.

mod clients;
mod conformance;
mod credentials;
mod custom_resource;
mod discovery;
mod election;
mod formats;
mod harness;
mod kubectl;
mod native;
mod refusals;
mod side_by_side;
mod streams;
