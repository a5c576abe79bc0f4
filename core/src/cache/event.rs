//! What travels from the server to a handler, one type for each leg: [`WatchEvent`](crate::rest::WatchEvent) into the
//! reflector, [`Change`] out of it, [`Delta`] out of the queue, [`Event`] into a handler.
//!
//! Invariant: objects are shared and never changed once they are in one of these.

use std::fmt;
use std::sync::Arc;

use crate::meta::{Key, Object, ResourceVersion};

/// What the reflector makes of the server's answers, to be put into a queue in this order.
#[derive(Debug)]
pub enum Change<T> {
    /// The object appeared.
    Added(Arc<T>),
    /// The object changed.
    Updated(Arc<T>),
    /// The object went; this is its last state.
    Deleted(Arc<T>),
    /// These objects, at this version, are all there are.
    Replaced {
        /// The objects.
        objects: Vec<Arc<T>>,
        /// The version of the list.
        resource_version: ResourceVersion,
    },
    /// Nothing changed up to this version.
    Bookmark(ResourceVersion),
    /// The resync period is over. Ask [`Processor::should_resync`](super::Processor::should_resync) first.
    Resync,
}

/// One entry of a queue between reflector and store. client-go's `cache.Delta`.
#[derive(Debug)]
pub enum Delta<T> {
    /// The object appeared.
    Added(Arc<T>),
    /// The object changed.
    Updated(Arc<T>),
    /// The object went; this is its last state.
    Deleted(Arc<T>),
    /// The object was missing from a list, so its last state is not known. client-go's `DeletedFinalStateUnknown`.
    DeletedFinalStateUnknown(Arc<T>),
    /// The object was in a list.
    Replaced(Arc<T>),
    /// These objects, at this version, are all there are.
    ReplacedAll {
        /// The objects.
        objects: Vec<Arc<T>>,
        /// The version of the list.
        resource_version: ResourceVersion,
    },
    /// The object is announced again, for a resync.
    Sync(Arc<T>),
    /// Every object is announced again, for a resync.
    SyncAll,
    /// Nothing changed up to this version.
    Bookmark(ResourceVersion),
}

impl<T> Delta<T> {
    /// The one object it is about, if it is about one.
    pub fn object(&self) -> Option<&Arc<T>> {
        match self {
            Self::Added(object)
            | Self::Updated(object)
            | Self::Deleted(object)
            | Self::DeletedFinalStateUnknown(object)
            | Self::Replaced(object)
            | Self::Sync(object) => Some(object),
            Self::ReplacedAll { .. } | Self::SyncAll | Self::Bookmark(_) => None,
        }
    }

    /// Whether the object is gone by this delta.
    pub fn is_deletion(&self) -> bool {
        matches!(self, Self::Deleted(_) | Self::DeletedFinalStateUnknown(_))
    }
}

/// The objects the consumer of a queue holds: what a list is compared with. client-go's `KeyListerGetter`.
pub trait KnownObjects<T> {
    /// The object of this key.
    fn known(&self, key: &Key) -> Option<&Arc<T>>;

    /// All of them, in a fixed order.
    fn all_known(&self) -> Box<dyn Iterator<Item = &Arc<T>> + '_>;
}

/// What a handler is told. client-go's `ResourceEventHandler` calls.
pub enum Event<T> {
    /// The object appeared. client-go's `OnAdd`.
    Added {
        /// The object.
        object: Arc<T>,
        /// Whether it was there before the handler began to listen.
        is_in_initial_list: bool,
    },
    /// The object changed; or it is announced again, and `old` and `new` are of one version. client-go's `OnUpdate`.
    Updated {
        /// The state the handler was last told of.
        old: Arc<T>,
        /// The state now.
        new: Arc<T>,
    },
    /// The object went. client-go's `OnDelete`.
    Deleted {
        /// Its last state, or the last one known.
        object: Arc<T>,
        /// Whether the deletion was only noticed by a list, so that `object` may be older than the last state.
        /// client-go's `DeletedFinalStateUnknown`.
        final_state_unknown: bool,
    },
}

impl<T> Event<T> {
    /// The object, as it is now or last was.
    pub fn object(&self) -> &Arc<T> {
        match self {
            Self::Added { object, .. } | Self::Deleted { object, .. } => object,
            Self::Updated { new, .. } => new,
        }
    }

    /// Whether it announces an object of the initial list.
    pub fn is_initial(&self) -> bool {
        matches!(self, Self::Added { is_in_initial_list: true, .. })
    }

    /// The event as it looks to somebody who sees only objects that `keep` keeps: a change into their sight is an addition,
    /// one out of it a deletion, and what happens elsewhere nothing. client-go's `FilteringResourceEventHandler`.
    ///
    /// ```
    /// # use k8s_openapi::api::core::v1::Pod;
    /// # use portolan::cache::Event;
    /// # use portolan::object::Lazy;
    /// let handler = |event: Event<Lazy<Pod>>| {
    ///     let Some(event) = event.filtered(|pod| pod.text("spec.nodeName").as_deref() == Some("node-1")) else { return };
    ///     println!("{event:?}");
    /// };
    /// ```
    pub fn filtered(self, keep: impl Fn(&T) -> bool) -> Option<Self> {
        match self {
            Self::Added { ref object, .. } | Self::Deleted { ref object, .. } => keep(object).then_some(self),
            Self::Updated { old, new } => match (keep(&old), keep(&new)) {
                (true, true) => Some(Self::Updated { old, new }),
                (false, true) => Some(Self::Added { object: new, is_in_initial_list: false }),
                (true, false) => Some(Self::Deleted { object: old, final_state_unknown: false }),
                (false, false) => None,
            },
        }
    }
}

impl<T: Object> Event<T> {
    /// The key of the object. client-go's `DeletionHandlingMetaNamespaceKeyFunc`.
    pub fn key(&self) -> Key {
        self.object().key()
    }
}

impl<T> Clone for Event<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Added { object, is_in_initial_list } => {
                Self::Added { object: object.clone(), is_in_initial_list: *is_in_initial_list }
            }
            Self::Updated { old, new } => Self::Updated { old: old.clone(), new: new.clone() },
            Self::Deleted { object, final_state_unknown } => {
                Self::Deleted { object: object.clone(), final_state_unknown: *final_state_unknown }
            }
        }
    }
}

/// Key and versions, never the objects.
impl<T: Object> fmt::Debug for Event<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.key();
        let version = self.object().meta().resource_version;
        match self {
            Self::Added { is_in_initial_list, .. } => {
                write!(f, "Added({key}@{version}{})", if *is_in_initial_list { ", initial" } else { "" })
            }
            Self::Updated { old, .. } => {
                write!(f, "Updated({key}@{}→{version})", old.meta().resource_version)
            }
            Self::Deleted { final_state_unknown, .. } => {
                write!(
                    f,
                    "Deleted({key}@{version}{})",
                    if *final_state_unknown { ", final state unknown" } else { "" }
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::sample::labeled;

    #[test]
    fn who_sees_a_part_is_told_of_what_enters_and_leaves_it() {
        let (out, within) = (labeled("a", "u", 1, &[]), labeled("a", "u", 2, &["x"]));
        let told = |event: Event<k8s_openapi::api::core::v1::ConfigMap>| {
            let seen = event
                .filtered(|object| object.metadata.labels.as_ref().is_some_and(|labels| !labels.is_empty()));
            seen.map(|event| format!("{event:?}"))
        };
        let (old, new) = (out.clone(), within.clone());
        assert_eq!(told(Event::Updated { old, new }).as_deref(), Some("Added(a@2)"));
        let (old, new) = (within.clone(), out.clone());
        assert_eq!(told(Event::Updated { old, new }).as_deref(), Some("Deleted(a@2)"));
        let (old, new) = (within.clone(), within.clone());
        assert_eq!(told(Event::Updated { old, new }).as_deref(), Some("Updated(a@2→2)"));
        let (old, new) = (out.clone(), out.clone());
        assert_eq!(told(Event::Updated { old, new }), None);
        let added = |object| Event::Added { object, is_in_initial_list: true };
        assert_eq!(told(added(within.clone())).as_deref(), Some("Added(a@2, initial)"));
        assert_eq!(told(added(out.clone())), None);
        let deleted = |object| Event::Deleted { object, final_state_unknown: true };
        assert_eq!(told(deleted(within)).as_deref(), Some("Deleted(a@2, final state unknown)"));
        assert_eq!(told(deleted(out)), None);
    }
}
