//! A set of fields of an object, as managedFields write it (`FieldsV1`).
//!
//! Invariant: no set below another is empty and no member, so that equal sets are equal trees.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value, json};

/// Fields by the elements of their paths. An element is written as in FieldsV1: `f:name` a member, `k:{…}` the item with
/// these keys, `v:…` the plain item, `i:0` the item at a position.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct FieldSet {
    /// Whether the field itself is in the set.
    member: bool,
    below: BTreeMap<String, FieldSet>,
}

impl FieldSet {
    pub(crate) fn is_empty(&self) -> bool {
        !self.member && self.below.is_empty()
    }

    pub(crate) fn insert(&mut self, path: &[String]) {
        match path {
            [] => self.member = true,
            [first, rest @ ..] => self.below.entry(first.clone()).or_default().insert(rest),
        }
    }

    /// What of the set is below `element`.
    pub(crate) fn at(&self, element: &str) -> Option<&Self> {
        self.below.get(element)
    }

    /// Leaves out what is below `element`.
    pub(crate) fn without(mut self, element: &str) -> Self {
        self.below.remove(element);
        self
    }

    /// Only what is below `element`.
    pub(crate) fn only(mut self, element: &str) -> Self {
        self.below.retain(|name, _| name == element);
        self
    }

    pub(crate) fn union(mut self, other: &Self) -> Self {
        self.member |= other.member;
        for (element, set) in &other.below {
            let here = self.below.remove(element).unwrap_or_default();
            self.below.insert(element.clone(), here.union(set));
        }
        self
    }

    pub(crate) fn intersection(&self, other: &Self) -> Self {
        self.combine(other, |here, there| here && there)
    }

    pub(crate) fn difference(&self, other: &Self) -> Self {
        self.combine(other, |here, there| here && !there)
    }

    /// Over the elements of this set; an element only the other has never counts.
    fn combine(&self, other: &Self, rule: fn(bool, bool) -> bool) -> Self {
        let nothing = Self::default();
        let below = self.below.iter().map(|(element, set)| {
            (element.clone(), set.combine(other.below.get(element).unwrap_or(&nothing), rule))
        });
        Self {
            member: rule(self.member, other.member),
            below: below.filter(|(_, set)| !set.is_empty()).collect(),
        }
    }

    /// The paths of the members, as messages write them (`.spec.containers[name="web"].image`), the shallow ones first.
    pub(crate) fn paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        self.collect("", &mut paths);
        paths
    }

    fn collect(&self, prefix: &str, paths: &mut Vec<String>) {
        let below = || self.below.iter().map(|(element, set)| (format!("{prefix}{}", shown(element)), set));
        paths.extend(below().filter(|(_, set)| set.member).map(|(path, _)| path));
        below().for_each(|(path, set)| set.collect(&path, paths));
    }

    /// FieldsV1.
    pub(crate) fn to_json(&self) -> Value {
        let mut members: Map<_, _> =
            self.below.iter().map(|(element, set)| (element.clone(), set.to_json())).collect();
        if self.member && !members.is_empty() {
            members.insert(".".to_owned(), json!({}));
        }
        Value::Object(members)
    }

    /// Reads FieldsV1; what is no set reads as one without fields.
    pub(crate) fn from_json(value: &Value) -> Self {
        let mut set = Self::default();
        for (element, below) in value.as_object().into_iter().flatten() {
            if element == "." {
                set.member = true;
                continue;
            }
            let mut below = Self::from_json(below);
            below.member |= below.below.is_empty();
            set.below.insert(element.clone(), below);
        }
        set
    }
}

fn shown(element: &str) -> String {
    let (kind, rest) = element.split_once(':').unwrap_or(("f", element));
    match kind {
        "f" => format!(".{rest}"),
        "k" => {
            let keys: Map<String, Value> = serde_json::from_str(rest).unwrap_or_default();
            let mut text = String::new();
            for (name, value) in keys {
                let comma = if text.is_empty() { "" } else { "," };
                // Writing to a String does not fail.
                let _ = write!(text, "{comma}{name}={value}");
            }
            format!("[{text}]")
        }
        "v" => format!("[={rest}]"),
        _ => format!("[{rest}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(value: &Value) -> FieldSet {
        FieldSet::from_json(value)
    }

    #[test]
    fn sets_are_written_as_read_and_combine() {
        let text =
            json!({ "f:metadata": { "f:labels": { ".": {}, "f:app": {} } }, "f:spec": { "f:replicas": {} } });
        let all = set(&text);
        assert_eq!(all.to_json(), text);
        let some = set(&json!({ "f:metadata": { "f:labels": { "f:app": {} } } }));
        let rest = set(&json!({ "f:metadata": { "f:labels": {} }, "f:spec": { "f:replicas": {} } }));
        assert_eq!((all.difference(&some), all.intersection(&some)), (rest.clone(), some.clone()));
        assert_eq!(rest.union(&some), all);
    }

    #[test]
    fn paths_are_shown_as_the_server_s() {
        let fields = json!({ "f:spec": {
            "f:containers": { r#"k:{"name":"web"}"#: { "f:image": {} } },
            "f:finalizers": { r#"v:"a""#: {} },
            "f:replicas": {},
        } });
        let paths = [".spec.replicas", r#".spec.containers[name="web"].image"#, r#".spec.finalizers[="a"]"#];
        assert_eq!(set(&fields).paths(), paths);
    }
}
