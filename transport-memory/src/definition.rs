//! What a CustomResourceDefinition says of itself once the server has accepted it. Its schemas are not enforced.

use portolan::status::quoted;
use serde_json::{Value, json};

use crate::failure::{Cause, Failure};
use crate::resources::Resource;
use crate::value::{at, list, set, text};

/// Checks a definition and fills in its defaults and its status, the Established condition included.
pub(crate) fn prepare(resource: &Resource, definition: &mut Value, now: &str) -> Result<(), Failure> {
    check(resource, definition)?;
    let kind = text(definition, "spec.names.kind").to_owned();
    if text(definition, "spec.names.singular").is_empty() {
        set(definition, "spec.names.singular", kind.to_lowercase());
    }
    if text(definition, "spec.names.listKind").is_empty() {
        set(definition, "spec.names.listKind", format!("{kind}List"));
    }
    if text(definition, "spec.conversion.strategy").is_empty() {
        set(definition, "spec.conversion.strategy", "None");
    }
    let stored = list(definition, "spec.versions")
        .find(|version| at(version, "storage") == Some(&Value::Bool(true)))
        .map(|version| text(version, "name").to_owned());
    let mut versions: Vec<Value> = list(definition, "status.storedVersions").cloned().collect();
    if let Some(name) = stored.map(Value::from).filter(|name| !versions.contains(name)) {
        versions.push(name);
    }
    set(definition, "status.storedVersions", versions);
    set(definition, "status.acceptedNames", at(definition, "spec.names").cloned().unwrap_or_default());
    if list(definition, "status.conditions").next().is_none() {
        let conditions = json!([
            condition("NamesAccepted", "NoConflicts", "no conflicts found", now),
            condition("Established", "InitialNamesAccepted", "the initial names have been accepted", now),
        ]);
        set(definition, "status.conditions", conditions);
    }
    Ok(())
}

/// Has a definition say that its custom resources are being deleted.
pub(crate) fn terminate(definition: &mut Value, now: &str) {
    let why = "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon";
    let mut conditions: Vec<Value> = list(definition, "status.conditions").cloned().collect();
    conditions.push(condition("Terminating", "InstanceDeletionPending", why, now));
    set(definition, "status.conditions", conditions);
}

fn condition(kind: &str, reason: &str, message: &str, now: &str) -> Value {
    json!({ "type": kind, "status": "True", "lastTransitionTime": now, "reason": reason, "message": message })
}

fn check(resource: &Resource, definition: &Value) -> Result<(), Failure> {
    let name = text(definition, "metadata.name");
    let mut causes = Vec::new();
    for field in ["spec.group", "spec.names.plural", "spec.names.kind"] {
        if text(definition, field).is_empty() {
            causes.push(Cause::required(field, ""));
        }
    }
    let scope = text(definition, "spec.scope");
    if !matches!(scope, "Namespaced" | "Cluster") {
        causes.push(Cause::not_supported("spec.scope", scope, &["Cluster", "Namespaced"]));
    }
    let storage = list(definition, "spec.versions")
        .filter(|version| at(version, "storage") == Some(&Value::Bool(true)))
        .count();
    if storage != 1 {
        let detail = "must have exactly one version marked as storage version";
        causes.push(Cause::invalid("spec.versions", "[]", detail));
    }
    let wanted = format!("{}.{}", text(definition, "spec.names.plural"), text(definition, "spec.group"));
    if name != wanted {
        let detail = r#"must be spec.names.plural+"."+spec.group"#;
        causes.push(Cause::invalid("metadata.name", quoted(name), detail));
    }
    if causes.is_empty() { Ok(()) } else { Err(Failure::invalid(resource, name, causes)) }
}
