//! Label and field selectors: built, read from text, written back as text, and matched.
//!
//! After apimachinery's `pkg/labels/selector.go` and `pkg/fields/selector.go`, v0.37. What differs: there is no selector
//! of nothing, for as text it would select everything; a selector with one wrong requirement does not exist. What is said of
//! a wrong one is what the server says. Invariant: what is read and written again selects the same objects.

mod check;
mod field;
mod label;
mod parse;

pub use check::{dns_name_fault, is_label_value, label_name_faults, label_value_faults};
pub use field::{FieldRequirement, FieldSelector};
pub use label::{LabelOperator, LabelRequirement, LabelSelector};
