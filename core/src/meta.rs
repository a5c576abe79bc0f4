//! The nouns of the Kubernetes API: which resource, which object, which version of it, and what to ask.
//!
//! Invariant: no I/O and no codec; everything here is a value or a rule about values.

mod key;
mod object;
mod options;
mod patch;
mod quantity;
mod resource;
mod selector;
mod version;

pub use key::Key;
pub(crate) use object::Identity;
pub use object::{Encoded, Format, MetaRef, Object, Resource, Scope};
pub(crate) use options::whole_seconds;
pub use options::{
    ApplyOptions, CreateOptions, DeleteOptions, GetOptions, ListOptions, PatchOptions, Preconditions,
    Propagation, ResourceVersionMatch, UpdateOptions, WatchOptions,
};
pub use patch::{Patch, PatchType};
pub use quantity::{Quantity, QuantityFormat};
pub use resource::{ApiResource, GroupVersion, GroupVersionKind, GroupVersionResource};
pub use selector::{
    FieldRequirement, FieldSelector, LabelOperator, LabelRequirement, LabelSelector, dns_name_fault,
    is_label_value, label_name_faults, label_value_faults,
};
pub use version::{Continue, ResourceVersion};

pub use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ListMeta, ObjectMeta, OwnerReference};
