//! The drivers of the machines in `cache`: shared informers, their factory, listers.
