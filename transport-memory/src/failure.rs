//! The server's refusals, in the words of kube-apiserver.

use std::fmt;

use portolan::Error;
use portolan::status::{
    CAUSE_RESOURCE_VERSION_TOO_LARGE, Status, StatusCause, StatusDetails, failure, quoted, reason,
};
use serde_json::Value;

use crate::resources::Resource;

/// A refusal: the Status that is the body of the answer.
#[derive(Debug)]
pub(crate) struct Failure(Box<Status>);

impl Failure {
    pub(crate) fn new(code: u16, reason: &str, message: impl Into<String>) -> Self {
        Self(Box::new(failure(code, reason, message)))
    }

    pub(crate) fn code(&self) -> u16 {
        self.0.code.and_then(|code| u16::try_from(code).ok()).unwrap_or(500)
    }

    pub(crate) fn status(&self) -> &Status {
        &self.0
    }

    /// For the details of a refusal that several call alike.
    pub(crate) fn with_continue(mut self, token: String) -> Self {
        self.0.metadata.continue_ = Some(token);
        self
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, reason::BAD_REQUEST, message)
    }

    pub(crate) fn not_found(resource: &Resource, name: &str) -> Self {
        Self::new(404, reason::NOT_FOUND, format!("{} {} not found", resource.qualified(), quoted(name)))
            .about(resource, name)
    }

    /// No such namespace.
    pub(crate) fn no_namespace(name: &str) -> Self {
        let mut refusal = Self::new(404, reason::NOT_FOUND, format!("namespaces {} not found", quoted(name)));
        refusal.0.details = Some(StatusDetails {
            name: Some(name.to_owned()),
            kind: Some("namespaces".to_owned()),
            ..Default::default()
        });
        refusal
    }

    /// No such resource, or no such subresource.
    pub(crate) fn no_resource() -> Self {
        let mut refusal =
            Self::new(404, reason::NOT_FOUND, "the server could not find the requested resource");
        refusal.0.details = Some(StatusDetails::default());
        refusal
    }

    pub(crate) fn already_exists(resource: &Resource, name: &str) -> Self {
        Self::new(
            409,
            reason::ALREADY_EXISTS,
            format!("{} {} already exists", resource.qualified(), quoted(name)),
        )
        .about(resource, name)
    }

    pub(crate) fn conflict(resource: &Resource, name: &str, why: &str) -> Self {
        let text =
            format!("Operation cannot be fulfilled on {} {}: {why}", resource.qualified(), quoted(name));
        Self::new(409, reason::CONFLICT, text).about(resource, name)
    }

    /// Somebody else changed the object since it was read.
    pub(crate) fn modified(resource: &Resource, name: &str) -> Self {
        let why =
            "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(resource, name, why)
    }

    pub(crate) fn forbidden(resource: &Resource, name: &str, why: &str) -> Self {
        let text = format!("{} {} is forbidden: {why}", resource.qualified(), quoted(name));
        Self::new(403, reason::FORBIDDEN, text).about(resource, name)
    }

    pub(crate) fn invalid(resource: &Resource, name: &str, causes: Vec<Cause>) -> Self {
        Self::invalid_kind(&resource.group, &resource.kind, &resource.qualified_kind(), name, causes)
    }

    /// Wrong query parameters.
    pub(crate) fn invalid_list_options(causes: Vec<Cause>) -> Self {
        Self::invalid_options_of("ListOptions", causes)
    }

    /// A wrong value in the options of a request, of which `options` is the kind.
    pub(crate) fn invalid_options(options: &str, field: &str, value: &str, supported: &[&str]) -> Self {
        Self::invalid_options_of(options, vec![Cause::unsupported(field, quoted(value), supported)])
    }

    /// Options with all of these faults.
    pub(crate) fn invalid_options_of(kind: &str, causes: Vec<Cause>) -> Self {
        Self::invalid_kind("meta.k8s.io", kind, &format!("{kind}.meta.k8s.io"), "", causes)
    }

    /// A body of a kind ("" is the resource's) with fields that this does not have; `told` says which.
    #[cfg(feature = "full")]
    pub(crate) fn unknown_fields(resource: &Resource, kind: &str, told: &[String]) -> Self {
        let kind = if kind.is_empty() { &resource.kind } else { kind };
        let text = format!(
            "{kind} in version {:?} cannot be handled as a {kind}: strict decoding error: {}",
            resource.version,
            told.join(", ")
        );
        Self::bad_request(text)
    }

    /// A patch that leaves such fields.
    #[cfg(feature = "full")]
    pub(crate) fn unknown_fields_of_patch(patch: &Value, told: &[String]) -> Self {
        let detail = format!("strict decoding error: {}", told.join(", "));
        let cause = Cause::invalid("patch", quoted(&patch.to_string()), &detail);
        Self::invalid_kind("", "", "", "", vec![cause])
    }

    /// An apply that does not say who applies.
    #[cfg(feature = "full")]
    pub(crate) fn no_field_manager() -> Self {
        let cause = Cause::required("fieldManager", "is required for apply patch");
        Self::invalid_options_of("PatchOptions", vec![cause])
    }

    /// Fields that others own, by the owner.
    #[cfg(feature = "full")]
    pub(crate) fn apply_conflict(mut conflicts: Vec<(String, Vec<String>)>) -> Self {
        conflicts.sort();
        let count: usize = conflicts.iter().map(|(_, paths)| paths.len()).sum();
        let text = match conflicts.as_slice() {
            [(manager, paths)] if count == 1 => {
                format!("Apply failed with 1 conflict: conflict with {manager}: {}", paths.concat())
            }
            many => {
                let lines = many.iter().flat_map(|(manager, paths)| {
                    let paths = paths.iter().map(|path| format!("- {path}"));
                    std::iter::once(format!("conflicts with {manager}:")).chain(paths)
                });
                let lines = lines.collect::<Vec<_>>().join("\n");
                format!("Apply failed with {count} conflicts: {lines}")
            }
        };
        let causes = conflicts.into_iter().flat_map(|(manager, paths)| {
            paths.into_iter().map(move |path| StatusCause {
                reason: Some("FieldManagerConflict".to_owned()),
                message: Some(format!("conflict with {manager}")),
                field: Some(path),
            })
        });
        let mut refusal = Self::new(409, reason::CONFLICT, text);
        refusal.0.details = Some(StatusDetails { causes: Some(causes.collect()), ..Default::default() });
        refusal
    }

    fn invalid_kind(group: &str, kind: &str, qualified: &str, name: &str, causes: Vec<Cause>) -> Self {
        let bodies: Vec<_> = causes.iter().map(|cause| format!("{}: {}", cause.field, cause.text)).collect();
        let text = match bodies.as_slice() {
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        let mut refusal =
            Self::new(422, reason::INVALID, format!("{qualified} {} is invalid: {text}", quoted(name)));
        refusal.0.details = Some(StatusDetails {
            group: filled(group),
            kind: filled(kind),
            name: filled(name),
            causes: Some(causes.into_iter().map(Cause::into_status).collect()),
            ..Default::default()
        });
        refusal
    }

    pub(crate) fn method_not_allowed() -> Self {
        let text = "the server does not allow this method on the requested resource";
        let mut refusal = Self::new(405, reason::METHOD_NOT_ALLOWED, text);
        refusal.0.details = Some(StatusDetails::default());
        refusal
    }

    pub(crate) fn not_acceptable() -> Self {
        let text = "only the following media types are accepted: application/json";
        Self::new(406, reason::NOT_ACCEPTABLE, text)
    }

    pub(crate) fn unsupported_media_type(accepted: &str) -> Self {
        let text = format!(
            "the body of the request was in an unknown format - accepted media types include: {accepted}"
        );
        Self::new(415, reason::UNSUPPORTED_MEDIA_TYPE, text)
    }

    pub(crate) fn too_large_body(limit: usize) -> Self {
        let text = format!("Request entity too large: limit is {limit}");
        Self::new(413, reason::REQUEST_ENTITY_TOO_LARGE, text)
    }

    pub(crate) fn expired(message: impl Into<String>) -> Self {
        Self::new(410, reason::EXPIRED, message)
    }

    /// A version the server has not reached.
    pub(crate) fn too_large_version(asked: u64, current: u64) -> Self {
        let text = format!("Timeout: Too large resource version: {asked}, current: {current}");
        let mut refusal = Self::new(504, reason::TIMEOUT, text);
        refusal.0.details = Some(StatusDetails {
            retry_after_seconds: Some(1),
            causes: Some(vec![StatusCause {
                reason: Some(CAUSE_RESOURCE_VERSION_TOO_LARGE.to_owned()),
                message: Some("Too large resource version".to_owned()),
                field: None,
            }]),
            ..Default::default()
        });
        refusal
    }

    /// What the server gives no reason for.
    pub(crate) fn unexpected(message: String) -> Self {
        Self::new(500, "", message)
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(500, reason::INTERNAL_ERROR, format!("Internal error occurred: {}", message.into()))
    }

    fn about(mut self, resource: &Resource, name: &str) -> Self {
        self.0.details = Some(StatusDetails {
            group: filled(&resource.group),
            kind: filled(&resource.plural),
            name: filled(name),
            ..Default::default()
        });
        self
    }
}

impl From<Failure> for Error {
    fn from(refusal: Failure) -> Self {
        Error::api(*refusal.0)
    }
}

/// What is wrong with one field.
#[derive(Debug)]
pub(crate) struct Cause {
    reason: &'static str,
    field: String,
    text: String,
}

impl Cause {
    pub(crate) fn required(field: &str, detail: &str) -> Self {
        Self {
            reason: "FieldValueRequired",
            field: field.to_owned(),
            text: format!("Required value: {detail}"),
        }
    }

    pub(crate) fn invalid(field: &str, value: impl fmt::Display, detail: &str) -> Self {
        let text = format!("Invalid value: {value}: {detail}");
        Self { reason: "FieldValueInvalid", field: field.to_owned(), text }
    }

    pub(crate) fn forbidden(field: &str, detail: &str) -> Self {
        Self { reason: "FieldValueForbidden", field: field.to_owned(), text: format!("Forbidden: {detail}") }
    }

    /// A value that is of a type of its own in Go: such ones are told as JSON, plain texts are quoted.
    pub(crate) fn not_supported(field: &str, value: &str, supported: &[&str]) -> Self {
        Self::unsupported(field, Value::from(value), supported)
    }

    fn unsupported(field: &str, value: impl fmt::Display, supported: &[&str]) -> Self {
        let supported: Vec<_> = supported.iter().map(|value| quoted(value)).collect();
        let text = format!("Unsupported value: {value}: supported values: {}", supported.join(", "));
        Self { reason: "FieldValueNotSupported", field: field.to_owned(), text }
    }

    /// What is wrong with these values of `dryRun`.
    pub(crate) fn of_dry_run<'a>(values: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let values: Vec<_> = values.into_iter().collect();
        let is_wrong = values.iter().any(|value| *value != "All");
        is_wrong.then(|| Self::unsupported("dryRun", Value::from(values), &["All"]))
    }

    fn into_status(self) -> StatusCause {
        StatusCause {
            reason: Some(self.reason.to_owned()),
            message: Some(self.text),
            field: Some(self.field),
        }
    }
}

fn filled(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}
