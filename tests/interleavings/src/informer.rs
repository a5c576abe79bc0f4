//! Core's files and, beside them, what they must keep.

mod driver;
mod queue_tests;
mod shared_tests;
mod signal_tests;
mod store_tests;

pub(crate) use signal::Signal;

mod observer {
    pub(super) use portolan::informer::Observer;
}
mod status {
    pub(super) use portolan::informer::InformerStatus;
}

#[expect(dead_code, unreachable_pub, reason = "core's own, of which the tests need a part")]
mod handler {
    include!(concat!(env!("OUT_DIR"), "/handler.rs"));
}
#[expect(dead_code, unreachable_pub, reason = "core's own, of which the tests need a part")]
mod lister {
    include!(concat!(env!("OUT_DIR"), "/lister.rs"));
}
#[expect(dead_code, unreachable_pub, reason = "core's own, of which the tests need a part")]
mod mutation {
    include!(concat!(env!("OUT_DIR"), "/mutation.rs"));
}
mod published {
    include!(concat!(env!("OUT_DIR"), "/published.rs"));
}
#[expect(dead_code, unreachable_pub, reason = "core's own, of which the tests need a part")]
mod queue {
    include!(concat!(env!("OUT_DIR"), "/queue.rs"));
}
#[expect(dead_code, unreachable_pub, unexpected_cfgs, reason = "core's own, of which the tests need a part")]
mod shared {
    include!(concat!(env!("OUT_DIR"), "/shared.rs"));
}
mod signal {
    include!(concat!(env!("OUT_DIR"), "/signal.rs"));
}
