//! The scale subresource: an `autoscaling/v1` Scale that stands for the replicas of an object.

use serde_json::{Value, json};

use crate::failure::{Cause, Failure};
use crate::resources::Resource;
use crate::value::{at, integer, set, text};

/// The scale of `object`.
pub(crate) fn show(resource: &Resource, object: &Value) -> Value {
    let (spec, status) = paths(resource);
    let mut metadata = json!({});
    for field in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        if let Some(value) = at(object, &format!("metadata.{field}")) {
            metadata[field] = value.clone();
        }
    }
    json!({
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": metadata,
        "spec": { "replicas": integer(object, spec).unwrap_or(0) },
        "status": { "replicas": integer(object, status).unwrap_or(0), "selector": selector(resource, object) },
    })
}

/// `object` with the replicas that `make` gives its scale.
pub(crate) fn change(
    resource: &Resource,
    mut object: Value,
    make: impl FnOnce(Value) -> Result<Value, Failure>,
) -> Result<Value, Failure> {
    let scale = make(show(resource, &object))?;
    let wanted = integer(&scale, "spec.replicas").unwrap_or(0);
    if wanted < 0 {
        let cause = Cause::invalid("spec.replicas", wanted, "must be greater than or equal to 0");
        return Err(Failure::invalid(resource, text(&object, "metadata.name"), vec![cause]));
    }
    let version = text(&scale, "metadata.resourceVersion");
    if !version.is_empty() {
        set(&mut object, "metadata.resourceVersion", version);
    }
    set(&mut object, paths(resource).0, wanted);
    Ok(object)
}

fn paths(resource: &Resource) -> (&str, &str) {
    match &resource.scale {
        Some(scale) => (&scale.spec, &scale.status),
        None => ("spec.replicas", "status.replicas"),
    }
}

/// The label selector as text.
fn selector(resource: &Resource, object: &Value) -> String {
    if let Some(scale) = &resource.scale {
        return text(object, &scale.selector).to_owned();
    }
    let labels = at(object, "spec.selector.matchLabels").or_else(|| at(object, "spec.selector"));
    let labels = labels.and_then(Value::as_object).into_iter().flatten();
    let pairs: Vec<_> =
        labels.filter_map(|(label, value)| Some(format!("{label}={}", value.as_str()?))).collect();
    pairs.join(",")
}
