//! Which events are worth a look, for [`Controller::filtered`](super::Controller::filtered).
//!
//! After controller-runtime's `predicate` package. Invariant: an addition and a deletion always are.

use crate::cache::Event;
use crate::object::Metadata;

/// Not an update that left the generation as it was: a change of the status or of metadata alone, or a resync.
/// controller-runtime's `GenerationChangedPredicate`.
pub fn generation_changed<T: Metadata>(event: &Event<T>) -> bool {
    let generation = |object: &T| object.object_meta().map(|metadata| metadata.generation).ok();
    match event {
        Event::Updated { old, new } => generation(old) != generation(new),
        Event::Added { .. } | Event::Deleted { .. } => true,
    }
}

/// Not a resync. controller-runtime's `ResourceVersionChangedPredicate`.
pub fn version_changed<T: Metadata>(event: &Event<T>) -> bool {
    match event {
        Event::Updated { old, new } => old.meta().resource_version != new.meta().resource_version,
        Event::Added { .. } | Event::Deleted { .. } => true,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use k8s_openapi::api::core::v1::Pod;

    use super::*;
    use crate::meta::ObjectMeta;

    fn pod(version: &str, generation: i64) -> Arc<Pod> {
        let metadata = ObjectMeta {
            resource_version: Some(version.to_owned()),
            generation: Some(generation),
            ..ObjectMeta::default()
        };
        Arc::new(Pod { metadata, ..Pod::default() })
    }

    #[test]
    fn updates_are_told_apart() {
        let updated = |old, new| Event::Updated { old, new };
        let (resync, status, spec) = (
            updated(pod("1", 1), pod("1", 1)),
            updated(pod("1", 1), pod("2", 1)),
            updated(pod("1", 1), pod("2", 2)),
        );
        assert_eq!([&resync, &status, &spec].map(generation_changed), [false, false, true]);
        assert_eq!([&resync, &status, &spec].map(version_changed), [false, true, true]);
        let deleted = Event::Deleted { object: pod("1", 1), final_state_unknown: false };
        assert!(generation_changed(&deleted) && version_changed(&deleted));
    }
}
