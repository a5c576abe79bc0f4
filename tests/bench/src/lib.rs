//! What the benchmark's programs share: the pods, and Portolan as a contestant.

pub mod contestant;
pub mod corpus;
mod usage;
