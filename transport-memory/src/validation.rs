//! Checks of a body's type and metadata, with the messages of apimachinery's validation.

use portolan::meta::{dns_name_fault, label_name_faults, label_value_faults};
use portolan::status::quoted;
use serde_json::Value;

use crate::failure::{Cause, Failure};
use crate::resources::{NameRule, Resource};
use crate::value::{at, text};

const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

/// Refuses a body that is no object or says it is of another type than `resource`'s. A body that does not say is fine,
/// but for a custom resource.
pub(crate) fn check_type(resource: &Resource, object: &Value) -> Result<(), Failure> {
    let metadata = at(object, "metadata");
    if !object.is_object() || metadata.is_some_and(|metadata| !metadata.is_object() && !metadata.is_null()) {
        let text = format!(
            "the object provided is unrecognized (must be of type {}): it and its metadata must be JSON objects",
            resource.kind
        );
        return Err(Failure::bad_request(text));
    }
    let (given, kind) = (text(object, "apiVersion"), text(object, "kind"));
    let expected = resource.api_version();
    if resource.custom && kind.is_empty() {
        return Err(Failure::bad_request(format!(
            "the object provided is unrecognized (must be of type {}): Object 'Kind' is missing",
            resource.kind
        )));
    }
    if (resource.custom || !given.is_empty()) && given != expected {
        return Err(Failure::bad_request(format!(
            "the API version in the data ({given}) does not match the expected API version ({expected})"
        )));
    }
    if !kind.is_empty() && kind != resource.kind {
        return Err(Failure::bad_request(format!(
            "{kind} in version {:?} cannot be handled as a {}",
            resource.version, resource.kind
        )));
    }
    Ok(())
}

/// Refuses a bad name or bad labels.
pub(crate) fn check_metadata(resource: &Resource, object: &Value) -> Result<(), Failure> {
    let name = text(object, "metadata.name");
    let mut causes = Vec::new();
    if let Some(detail) = name_fault(resource.names, name) {
        causes.push(Cause::invalid("metadata.name", quoted(name), detail));
    }
    let labels = at(object, "metadata.labels").and_then(Value::as_object).into_iter().flatten();
    for (key, _) in labels.clone() {
        causes.extend(label_name_faults(key).iter().map(|fault| wrong_label(key, fault)));
    }
    for value in labels.filter_map(|(_, value)| value.as_str()) {
        causes.extend(label_value_faults(value).iter().map(|fault| wrong_label(value, fault)));
    }
    if causes.is_empty() { Ok(()) } else { Err(Failure::invalid(resource, name, causes)) }
}

fn wrong_label(text: &str, fault: &str) -> Cause {
    Cause::invalid("metadata.labels", quoted(text), fault)
}

fn name_fault(rule: NameRule, name: &str) -> Option<&'static str> {
    match rule {
        NameRule::Subdomain if name.len() > 253 => Some("must be no more than 253 characters"),
        NameRule::Subdomain => dns_name_fault(name),
        NameRule::Label if name.len() > 63 => Some("must be no more than 63 characters"),
        NameRule::Label => (!is_label(name)).then_some(LABEL),
        NameRule::Segment if name == "." => Some("may not be '.'"),
        NameRule::Segment if name == ".." => Some("may not be '..'"),
        NameRule::Segment if name.contains('/') => Some("may not contain '/'"),
        NameRule::Segment => name.contains('%').then_some("may not contain '%'"),
    }
}

/// A part of a DNS name, of any length: lower case letters, digits, and `-` inside.
fn is_label(text: &str) -> bool {
    let bytes = text.as_bytes();
    let end = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    bytes.first().is_some_and(end)
        && bytes.last().is_some_and(end)
        && bytes.iter().all(|byte| end(byte) || *byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_their_kind_s_rule() {
        for (rule, name, good) in [
            (NameRule::Subdomain, "web-1.example", true),
            (NameRule::Subdomain, "Web", false),
            (NameRule::Subdomain, "-web", false),
            (NameRule::Subdomain, "a..b", false),
            (NameRule::Label, "web.1", false),
            (NameRule::Label, "web-1", true),
            (NameRule::Segment, "system:node", true),
            (NameRule::Segment, "..", false),
            (NameRule::Segment, "a/b", false),
        ] {
            assert_eq!(name_fault(rule, name).is_none(), good, "{name}");
        }
        assert!(name_fault(NameRule::Subdomain, &"a".repeat(254)).is_some());
    }
}
