//! Informers on resources that appear and vanish while a process runs, as CRDs do.
//!
//! Invariant: what discovery could not ask about is not taken for gone.

use super::factory::SharedInformerFactory;
use super::shared::SharedIndexInformer;
use crate::meta::{ApiResource, GroupVersion};
use crate::object::{Lazy, Unstructured};

/// What [`SharedInformerFactory::follow`] changed.
#[derive(Debug, Default)]
pub struct Followed {
    /// The informers it started.
    pub appeared: Vec<SharedIndexInformer<Lazy<Unstructured>>>,
    /// The resources whose informers it stopped.
    pub vanished: Vec<ApiResource>,
}

impl SharedInformerFactory {
    /// Holds a running dynamic informer on each of `served`, and none any more on a resource that an earlier call served
    /// and this one does not. Those of a group version in `unsure`, which discovery could not ask, stay. Call it with
    /// what discovery says: now and then, and when an informer on CRDs is told of a change.
    ///
    /// Once stopped, all informers on the resource are, whoever asked for them. After a
    /// [`shutdown`](SharedInformerFactory::shutdown) it changes nothing.
    pub fn follow(&self, served: &[ApiResource], unsure: &[GroupVersion]) -> Followed {
        let mut guard = self.following();
        let mut followed = Followed::default();
        let Some(following) = guard.as_mut() else { return followed };
        let is_gone = |resource: &ApiResource| {
            !served.contains(resource) && !unsure.contains(&resource.group_version())
        };
        followed.vanished.extend(following.extract_if(.., |resource| is_gone(resource)));
        for resource in served {
            if following.insert(resource.clone()) {
                let informer = self.dynamic(resource);
                informer.start();
                followed.appeared.push(informer);
            }
        }
        drop(guard);
        followed.vanished.iter().for_each(|resource| self.stop(resource));
        followed
    }
}
