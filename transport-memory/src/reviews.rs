//! The questions a client may put about itself. In memory everybody is the administrator: everything is allowed.

use serde_json::{Value, json};

use crate::resources::Resource;
use crate::value::set;

/// Whether objects of `resource` are questions, answered at once and never kept.
pub(crate) fn is_review(resource: &Resource) -> bool {
    matches!(resource.group.as_str(), "authorization.k8s.io" | "authentication.k8s.io")
}

/// The question with its answer as its status.
pub(crate) fn answer(resource: &Resource, mut question: Value) -> Value {
    let user = json!({ "username": "memory:admin", "groups": ["system:masters", "system:authenticated"] });
    let status = match resource.kind.as_str() {
        "SelfSubjectReview" => json!({ "userInfo": user }),
        "TokenReview" => json!({ "authenticated": true, "user": user }),
        "SelfSubjectRulesReview" => json!({
            "resourceRules": [{ "verbs": ["*"], "apiGroups": ["*"], "resources": ["*"] }],
            "nonResourceRules": [{ "verbs": ["*"], "nonResourceURLs": ["*"] }],
            "incomplete": false,
        }),
        _ => json!({ "allowed": true }),
    };
    set(&mut question, "apiVersion", resource.api_version());
    set(&mut question, "kind", resource.kind.as_str());
    set(&mut question, "metadata.creationTimestamp", Value::Null);
    set(&mut question, "status", status);
    question
}
