//! The pure machines behind informers: store, queues, reflector, fan-out. No locks, channels or wakers.
