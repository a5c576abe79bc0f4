//! From a child to its owner and back: owner references.
//!
//! Follows apimachinery's `meta/v1/controller_ref.go` (0.37) and controller-runtime's mapping of owned objects.

use crate::cache::Event;
use crate::meta::{ApiResource, GroupVersion, Key, ObjectMeta, OwnerReference};
use crate::object::Metadata;

/// A reference to `owner`, an object of `resource`, as the one that manages what carries it; the owner is deleted only
/// after it where deletion is in the foreground. apimachinery's `metav1.NewControllerRef`.
pub fn controller_reference(owner: &ObjectMeta, resource: &ApiResource) -> OwnerReference {
    OwnerReference {
        api_version: resource.api_version(),
        kind: resource.kind.clone().into_owned(),
        name: owner.name.clone().unwrap_or_default(),
        uid: owner.uid.clone().unwrap_or_default(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    }
}

/// The owner that manages the object. apimachinery's `metav1.GetControllerOf`.
pub fn controller_of(object: &ObjectMeta) -> Option<&OwnerReference> {
    object.owner_references.iter().flatten().find(|owner| owner.controller == Some(true))
}

/// The keys of the objects of `owner` that manage the object of `event`, or did before: none, one or two. An owner lives
/// in its child's namespace or in none. controller-runtime's `EnqueueRequestForOwner` with `OnlyControllerOwner`.
pub fn owner_keys<T: Metadata>(event: &Event<T>, owner: &ApiResource) -> Vec<Key> {
    let key = |object: &T| {
        let metadata = object.object_meta().ok()?;
        let reference = controller_of(&metadata).filter(|reference| is_of(reference, owner))?;
        let namespace = if owner.namespaced { object.meta().namespace } else { "" };
        Some(Key::new(namespace, &reference.name))
    };
    let before = match event {
        Event::Updated { old, .. } => key(old),
        Event::Added { .. } | Event::Deleted { .. } => None,
    };
    let now = key(event.object());
    let before = before.filter(|before| Some(before) != now.as_ref());
    before.into_iter().chain(now).collect()
}

/// Whether the reference names an object of `resource`, in whatever version.
fn is_of(reference: &OwnerReference, resource: &ApiResource) -> bool {
    let named: Result<GroupVersion, _> = reference.api_version.parse();
    reference.kind == resource.kind && named.is_ok_and(|named| named.group == resource.group)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use k8s_openapi::api::apps::v1::ReplicaSet;
    use k8s_openapi::api::core::v1::{Node, Pod};

    use super::*;
    use crate::meta::Resource;

    fn pod(owner: Option<OwnerReference>) -> Arc<Pod> {
        let metadata = ObjectMeta {
            name: Some("p".to_owned()),
            namespace: Some("n".to_owned()),
            owner_references: owner.map(|owner| vec![owner]),
            ..ObjectMeta::default()
        };
        Arc::new(Pod { metadata, ..Pod::default() })
    }

    fn owner(name: &str, resource: &ApiResource) -> OwnerReference {
        let metadata =
            ObjectMeta { name: Some(name.to_owned()), uid: Some("u".to_owned()), ..ObjectMeta::default() };
        controller_reference(&metadata, resource)
    }

    fn keys(event: &Event<Pod>, owner: &ApiResource) -> Vec<String> {
        owner_keys(event, owner).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_child_leads_to_its_owner_and_to_the_one_it_had() {
        let sets = ReplicaSet::api_resource();
        let mut beta = owner("b", &sets);
        beta.api_version = "apps/v1beta1".to_owned();
        let (a, b) = (pod(Some(owner("a", &sets))), pod(Some(beta)));
        assert_eq!(keys(&Event::Added { object: a.clone(), is_in_initial_list: false }, &sets), ["n/a"]);
        assert_eq!(keys(&Event::Updated { old: a.clone(), new: b.clone() }, &sets), ["n/a", "n/b"]);
        assert_eq!(keys(&Event::Updated { old: a.clone(), new: a.clone() }, &sets), ["n/a"]);
        assert_eq!(keys(&Event::Updated { old: a, new: pod(None) }, &sets), ["n/a"]);
        assert_eq!(keys(&Event::Deleted { object: b, final_state_unknown: true }, &sets), ["n/b"]);
    }

    #[test]
    fn others_do_not_count() {
        let sets = ReplicaSet::api_resource();
        let added = |reference| Event::Added { object: pod(reference), is_in_initial_list: true };
        assert!(keys(&added(None), &sets).is_empty());
        let mut not_managing = owner("a", &sets);
        not_managing.controller = None;
        assert!(keys(&added(Some(not_managing)), &sets).is_empty());
        let mut other = owner("a", &sets);
        other.api_version = "example.com/v1".to_owned();
        assert!(keys(&added(Some(other.clone())), &sets).is_empty());
        other.api_version = "a/b/c".to_owned();
        assert!(keys(&added(Some(other)), &sets).is_empty());
        let nodes = Node::api_resource();
        assert_eq!(keys(&added(Some(owner("node-1", &nodes))), &nodes), ["node-1"]);
    }
}
