//! The walks of structured-merge-diff 6.4 (`typed/*.go`) over JSON values: which fields a value sets, what differs
//! between two values, two values merged, and fields taken out of a value.
//!
//! Left out: conversion between versions, and duplicate items, of which the last counts.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{ListRule, Place};
use crate::fields::FieldSet;

/// What differs between an object before and after.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    /// Fields that are new or have another value.
    pub(crate) changed: FieldSet,
    pub(crate) removed: FieldSet,
}

/// A value as its walks see it.
enum Shape<'v> {
    /// One value: a plain one, or a list or a map that is never merged.
    Leaf,
    Map(&'v Map<String, Value>),
    /// The items by their elements, in order.
    List(Vec<(String, &'v Value)>),
}

impl<'v> Shape<'v> {
    fn of(value: &'v Value, place: Place<'_>) -> Self {
        match value {
            Value::Object(members) if !place.is_atomic_map() => Self::Map(members),
            Value::Array(items) => match place.list_rule() {
                ListRule::Atomic => Self::Leaf,
                rule => Self::List(
                    items
                        .iter()
                        .enumerate()
                        .map(|(index, item)| (element(&rule, index, item), item))
                        .collect(),
                ),
            },
            _ => Self::Leaf,
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Leaf => false,
            Self::Map(members) => members.is_empty(),
            Self::List(items) => items.is_empty(),
        }
    }
}

/// How an item is called in a path. An item without its keys goes by its position.
fn element(rule: &ListRule, index: usize, item: &Value) -> String {
    let keyed = |keys: &[(String, Option<Value>)]| {
        let key = |(name, default): &(String, Option<Value>)| {
            let value = item.get(name).or(default.as_ref())?;
            Some((name.clone(), value.clone()))
        };
        let keys: Option<BTreeMap<String, Value>> = keys.iter().map(key).collect();
        serde_json::to_string(&keys?).ok()
    };
    match rule {
        ListRule::Set => format!("v:{item}"),
        ListRule::Map(keys) => keyed(keys).map_or(format!("i:{index}"), |keys| format!("k:{keys}")),
        ListRule::Atomic => format!("i:{index}"),
    }
}

fn field(name: &str) -> String {
    format!("f:{name}")
}

/// The fields that `value` sets.
pub(crate) fn fields(value: &Value, place: Place<'_>) -> FieldSet {
    let mut set = FieldSet::default();
    collect(value, place, &mut Vec::new(), &mut set);
    set
}

fn collect(value: &Value, place: Place<'_>, path: &mut Vec<String>, set: &mut FieldSet) {
    match Shape::of(value, place) {
        Shape::Leaf => set.insert(path),
        Shape::Map(members) => {
            for (name, value) in members {
                path.push(field(name));
                collect(value, place.member(name), path, set);
                let empty = value.is_null() || value.as_object().is_some_and(Map::is_empty);
                if empty || !place.declares(name) {
                    set.insert(path);
                }
                path.pop();
            }
        }
        Shape::List(items) => {
            for (element, item) in items {
                path.push(element);
                collect(item, place.item(), path, set);
                set.insert(path);
                path.pop();
            }
        }
    }
}

/// What differs between `old` and `new`.
pub(crate) fn compare(old: &Value, new: &Value, place: Place<'_>) -> Comparison {
    let mut comparison = Comparison::default();
    differ(Some(old), Some(new), place, &mut Vec::new(), &mut comparison);
    comparison
}

fn differ(
    old: Option<&Value>,
    new: Option<&Value>,
    place: Place<'_>,
    path: &mut Vec<String>,
    out: &mut Comparison,
) {
    match (old, new) {
        (None, Some(_)) => out.changed.insert(path),
        (Some(_), None) => out.removed.insert(path),
        _ => {}
    }
    let is = |value: Option<&Value>, test: fn(&Shape<'_>) -> bool| {
        value.is_none_or(|value| test(&Shape::of(value, place)))
    };
    let both = |test| is(old, test) && is(new, test);
    if both(|shape| shape.is_empty()) && old.is_none() != new.is_none() {
        return;
    }
    if both(|shape| matches!(shape, Shape::Map(_))) {
        let names: BTreeSet<&String> = names(old).chain(names(new)).collect();
        for name in names {
            path.push(field(name));
            differ(member(old, name), member(new, name), place.member(name), path, out);
            path.pop();
        }
    } else if both(|shape| matches!(shape, Shape::List(_))) {
        let (old, new) = (items(old, place), items(new, place));
        let elements: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        for element in elements {
            path.push(element.clone());
            differ(old.get(element).copied(), new.get(element).copied(), place.item(), path, out);
            path.pop();
        }
    } else if old.is_some() && new.is_some() && old != new {
        out.changed.insert(path);
    }
}

fn names(value: Option<&Value>) -> impl Iterator<Item = &String> {
    value.and_then(Value::as_object).into_iter().flat_map(Map::keys)
}

fn member<'v>(value: Option<&'v Value>, name: &str) -> Option<&'v Value> {
    value.and_then(|value| value.get(name))
}

fn items<'v>(value: Option<&'v Value>, place: Place<'_>) -> BTreeMap<String, &'v Value> {
    match value.map(|value| Shape::of(value, place)) {
        Some(Shape::List(items)) => items.into_iter().collect(),
        _ => BTreeMap::new(),
    }
}

/// `live` with `applied` laid over it. Null in `applied` stays, for the caller to drop.
pub(crate) fn merge(live: &Value, applied: &Value, place: Place<'_>) -> Value {
    match (Shape::of(live, place), Shape::of(applied, place)) {
        (Shape::Map(live), Shape::Map(applied)) => {
            let mut merged = live.clone();
            for (name, value) in applied {
                let value = match live.get(name) {
                    Some(live) => merge(live, value, place.member(name)),
                    None => value.clone(),
                };
                merged.insert(name.clone(), value);
            }
            Value::Object(merged)
        }
        (Shape::List(live), Shape::List(applied)) => Value::Array(merge_lists(&live, &applied, place.item())),
        _ => applied.clone(),
    }
}

/// The order is that of `visitListItems`: the applied items in their order; an item only the live list has stays before
/// the shared item it was before.
fn merge_lists(live: &[(String, &Value)], applied: &[(String, &Value)], place: Place<'_>) -> Vec<Value> {
    let position =
        |items: &[(String, &Value)], element: &str| items.iter().position(|(name, _)| name == element);
    let mut out = Vec::new();
    let mut next = 0;
    let take_live = |next: &mut usize, out: &mut Vec<Value>| {
        while let Some((element, item)) = live.get(*next)
            && position(applied, element).is_none()
        {
            out.push((*item).clone());
            *next += 1;
        }
    };
    take_live(&mut next, &mut out);
    for (element, item) in applied {
        match position(live, element).and_then(|index| Some((index, live.get(index)?.1))) {
            Some((index, there)) => {
                out.push(merge(there, item, place));
                if index >= next {
                    // Items between belong to shared ones that the applied order has elsewhere.
                    let between = live.get(next..index).unwrap_or_default();
                    let alone = between.iter().filter(|(name, _)| position(applied, name).is_none());
                    let last = out.len() - 1;
                    let alone: Vec<_> = alone.map(|(_, item)| (*item).clone()).collect();
                    out.splice(last..last, alone);
                    next = index + 1;
                }
                take_live(&mut next, &mut out);
            }
            None => out.push((*item).clone()),
        }
    }
    let rest = live.get(next..).unwrap_or_default().iter();
    out.extend(rest.filter(|(name, _)| position(applied, name).is_none()).map(|(_, item)| (*item).clone()));
    out
}

/// Takes out of `value` what is in `gone` and nowhere in `kept`. What holds something kept stays.
pub(crate) fn prune(value: &mut Value, gone: &FieldSet, kept: &FieldSet, place: Place<'_>) {
    // Whether a member or an item stays, after pruning what is in it.
    let stays =
        |element: &str, value: &mut Value, place: Place<'_>| match (gone.at(element), kept.at(element)) {
            (None, _) => true,
            (Some(gone), Some(kept)) => {
                prune(value, gone, kept, place);
                true
            }
            (Some(_), None) => false,
        };
    match value {
        Value::Object(members) if !place.is_atomic_map() => {
            members.retain(|name, value| stays(&field(name), value, place.member(name)));
        }
        Value::Array(items) => {
            let rule = place.list_rule();
            if rule != ListRule::Atomic {
                let mut index = 0;
                items.retain_mut(|item| {
                    let element = element(&rule, index, item);
                    index += 1;
                    stays(&element, item, place.item())
                });
            }
        }
        _ => {}
    }
}
