//! What to ask of a verb: plain structs with `Default`, one field per parameter of the API.
//!
//! Each writes itself as query parameters in one place, [`ListOptions::query`] and its siblings; delete options travel as a body.

use std::time::Duration;

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::{Continue, FieldSelector, LabelSelector, ResourceVersion};

/// Query parameters, in order.
type Query = Vec<(&'static str, String)>;

/// How the server may read `resource_version` in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceVersionMatch {
    /// At least as new as the version.
    NotOlderThan,
    /// Exactly the version.
    Exact,
}

impl ResourceVersionMatch {
    fn as_str(self) -> &'static str {
        match self {
            Self::NotOlderThan => "NotOlderThan",
            Self::Exact => "Exact",
        }
    }
}

/// What to list. client-go's `metav1.ListOptions`, the watch's fields apart.
#[derive(Clone, Debug, Default)]
pub struct ListOptions {
    /// Only objects with such labels.
    pub label_selector: LabelSelector,
    /// Only objects with such fields.
    pub field_selector: FieldSelector,
    /// The version to list at; unset is the newest.
    pub resource_version: ResourceVersion,
    /// How to read `resource_version`.
    pub resource_version_match: Option<ResourceVersionMatch>,
    /// At most so many objects in one answer.
    pub limit: Option<u32>,
    /// Where the last answer left off.
    pub continue_token: Continue,
    /// Only one shard of them, in the words of the server's alpha feature `ShardedListAndWatch`; "" for all.
    pub shard_selector: String,
    /// How long the server may take.
    pub timeout: Option<Duration>,
}

impl ListOptions {
    /// As query parameters.
    pub fn query(&self) -> Query {
        let mut query = selectors(&self.label_selector, &self.field_selector);
        push(&mut query, "resourceVersion", self.resource_version.as_str());
        push(
            &mut query,
            "resourceVersionMatch",
            self.resource_version_match.map_or("", |rule| rule.as_str()),
        );
        query.extend(self.limit.map(|limit| ("limit", limit.to_string())));
        push(&mut query, "continue", self.continue_token.as_str());
        push(&mut query, "shardSelector", &self.shard_selector);
        query.extend(self.timeout.map(timeout_seconds));
        query
    }
}

/// What to watch. client-go's `metav1.ListOptions` with `Watch` set.
#[derive(Clone, Debug, Default)]
pub struct WatchOptions {
    /// Only objects with such labels.
    pub label_selector: LabelSelector,
    /// Only objects with such fields.
    pub field_selector: FieldSelector,
    /// Changes after this version; unset begins with what is there now.
    pub resource_version: ResourceVersion,
    /// How to read `resource_version`; with `send_initial_events` it must be `NotOlderThan`.
    pub resource_version_match: Option<ResourceVersionMatch>,
    /// Ask for BOOKMARK events, which carry nothing but a version.
    pub allow_bookmarks: bool,
    /// Begin with an ADDED event for every object that is there, then a marked bookmark (watch-list).
    pub send_initial_events: Option<bool>,
    /// Only one shard of them, in the words of the server's alpha feature `ShardedListAndWatch`; "" for all.
    pub shard_selector: String,
    /// When the server is to end the watch.
    pub timeout: Option<Duration>,
}

impl WatchOptions {
    /// As query parameters, `watch=true` included.
    pub fn query(&self) -> Query {
        let mut query = vec![("watch", "true".to_owned())];
        query.extend(selectors(&self.label_selector, &self.field_selector));
        push(&mut query, "resourceVersion", self.resource_version.as_str());
        push(
            &mut query,
            "resourceVersionMatch",
            self.resource_version_match.map_or("", |rule| rule.as_str()),
        );
        if self.allow_bookmarks {
            query.push(("allowWatchBookmarks", "true".to_owned()));
        }
        query.extend(self.send_initial_events.map(|send| ("sendInitialEvents", send.to_string())));
        push(&mut query, "shardSelector", &self.shard_selector);
        query.extend(self.timeout.map(timeout_seconds));
        query
    }
}

/// How to get one object. client-go's `metav1.GetOptions`.
#[derive(Clone, Debug, Default)]
pub struct GetOptions {
    /// At least as new as this version; unset is the newest.
    pub resource_version: ResourceVersion,
}

impl GetOptions {
    /// As query parameters.
    pub fn query(&self) -> Query {
        let mut query = Vec::new();
        push(&mut query, "resourceVersion", self.resource_version.as_str());
        query
    }
}

/// How to create. client-go's `metav1.CreateOptions`.
#[derive(Clone, Debug, Default)]
pub struct CreateOptions {
    /// Run every check, change nothing.
    pub dry_run: bool,
    /// Who makes this change.
    pub field_manager: Option<String>,
    /// What to do about unknown or duplicate fields: `Ignore`, `Warn` or `Strict`.
    pub field_validation: Option<String>,
}

impl CreateOptions {
    /// As query parameters.
    pub fn query(&self) -> Query {
        change_query(self.dry_run, self.field_manager.as_deref(), self.field_validation.as_deref())
    }
}

/// How to update. client-go's `metav1.UpdateOptions`.
#[derive(Clone, Debug, Default)]
pub struct UpdateOptions {
    /// Run every check, change nothing.
    pub dry_run: bool,
    /// Who makes this change.
    pub field_manager: Option<String>,
    /// What to do about unknown or duplicate fields: `Ignore`, `Warn` or `Strict`.
    pub field_validation: Option<String>,
}

impl UpdateOptions {
    /// As query parameters.
    pub fn query(&self) -> Query {
        change_query(self.dry_run, self.field_manager.as_deref(), self.field_validation.as_deref())
    }
}

/// How to patch. client-go's `metav1.PatchOptions`.
#[derive(Clone, Debug, Default)]
pub struct PatchOptions {
    /// Run every check, change nothing.
    pub dry_run: bool,
    /// Who makes this change; server-side apply requires it.
    pub field_manager: Option<String>,
    /// What to do about unknown or duplicate fields: `Ignore`, `Warn` or `Strict`.
    pub field_validation: Option<String>,
    /// Take fields over from other managers (server-side apply only).
    pub force: bool,
}

impl PatchOptions {
    /// As query parameters.
    pub fn query(&self) -> Query {
        let mut query =
            change_query(self.dry_run, self.field_manager.as_deref(), self.field_validation.as_deref());
        if self.force {
            query.push(("force", "true".to_owned()));
        }
        query
    }
}

/// How to apply a configuration. client-go's `metav1.ApplyOptions`.
#[derive(Clone, Debug, Default)]
pub struct ApplyOptions {
    /// Run every check, change nothing.
    pub dry_run: bool,
    /// Take fields over from other managers instead of meeting a conflict.
    pub force: bool,
    /// Who applies: required by the server.
    pub field_manager: String,
}

impl ApplyOptions {
    /// As query parameters.
    pub fn query(&self) -> Query {
        let mut query = change_query(self.dry_run, Some(&self.field_manager), None);
        if self.force {
            query.push(("force", "true".to_owned()));
        }
        query
    }
}

/// What happens to the objects an object owns. client-go's `metav1.DeletionPropagation`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub enum Propagation {
    /// They lose their owner and stay.
    Orphan,
    /// They are deleted afterwards.
    Background,
    /// They are deleted first.
    Foreground,
}

/// How to delete; travels as the body of the request. client-go's `metav1.DeleteOptions`.
#[derive(Clone, Debug, Default)]
pub struct DeleteOptions {
    /// Seconds until it is ended by force; 0 at once.
    pub grace_period_seconds: Option<i64>,
    /// Refuse unless the object has this identity and version.
    pub preconditions: Option<Preconditions>,
    /// What happens to what it owns.
    pub propagation_policy: Option<Propagation>,
    /// Run every check, change nothing.
    pub dry_run: bool,
    /// Delete an object that the server can no longer read from its store, past every finalizer and precondition: what
    /// depended on it may break.
    pub ignore_store_read_error_with_cluster_breaking_potential: bool,
}

/// With its kind and version, members in the order of the Go type: aggregated servers ask for the kind.
impl Serialize for DeleteOptions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(None)?;
        members.serialize_entry("kind", "DeleteOptions")?;
        members.serialize_entry("apiVersion", "v1")?;
        if let Some(seconds) = self.grace_period_seconds {
            members.serialize_entry("gracePeriodSeconds", &seconds)?;
        }
        if let Some(preconditions) = &self.preconditions {
            members.serialize_entry("preconditions", preconditions)?;
        }
        if let Some(policy) = self.propagation_policy {
            members.serialize_entry("propagationPolicy", &policy)?;
        }
        if self.dry_run {
            members.serialize_entry("dryRun", &["All"])?;
        }
        if self.ignore_store_read_error_with_cluster_breaking_potential {
            members.serialize_entry("ignoreStoreReadErrorWithClusterBreakingPotential", &true)?;
        }
        members.end()
    }
}

/// What must be true of an object for it to be deleted. client-go's `metav1.Preconditions`.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Preconditions {
    /// Its identity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_version: Option<String>,
}

fn push(query: &mut Query, name: &'static str, value: &str) {
    if !value.is_empty() {
        query.push((name, value.to_owned()));
    }
}

fn selectors(labels: &LabelSelector, fields: &FieldSelector) -> Query {
    let mut query = Vec::new();
    push(&mut query, "labelSelector", &labels.to_string());
    push(&mut query, "fieldSelector", &fields.to_string());
    query
}

fn timeout_seconds(timeout: Duration) -> (&'static str, String) {
    ("timeoutSeconds", whole_seconds(timeout).to_string())
}

/// A duration as the server reads it: rounded up, and at least 1, for 0 would mean that nothing was said.
pub(crate) fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0)).max(1)
}

fn change_query(dry_run: bool, field_manager: Option<&str>, field_validation: Option<&str>) -> Query {
    let mut query = Vec::new();
    push(&mut query, "dryRun", if dry_run { "All" } else { "" });
    push(&mut query, "fieldManager", field_manager.unwrap_or_default());
    push(&mut query, "fieldValidation", field_validation.unwrap_or_default());
    query
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watch_list_asks_what_the_server_requires() {
        let options = WatchOptions {
            allow_bookmarks: true,
            send_initial_events: Some(true),
            resource_version_match: Some(ResourceVersionMatch::NotOlderThan),
            ..Default::default()
        };
        let query: Vec<String> =
            options.query().into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(
            query.join("&"),
            "watch=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&sendInitialEvents=true"
        );
    }

    #[test]
    fn delete_options_say_their_kind_and_what_is_set() {
        let nothing = r#"{"kind":"DeleteOptions","apiVersion":"v1"}"#;
        assert_eq!(serde_json::to_string(&DeleteOptions::default()).unwrap(), nothing);
        let options = DeleteOptions {
            grace_period_seconds: Some(0),
            preconditions: Some(Preconditions { uid: Some("u".into()), resource_version: Some("7".into()) }),
            propagation_policy: Some(Propagation::Foreground),
            dry_run: true,
            ignore_store_read_error_with_cluster_breaking_potential: true,
        };
        assert_eq!(
            serde_json::to_value(&options).unwrap(),
            serde_json::json!({
                "kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0,
                "preconditions": { "uid": "u", "resourceVersion": "7" }, "propagationPolicy": "Foreground",
                "dryRun": ["All"], "ignoreStoreReadErrorWithClusterBreakingPotential": true,
            })
        );
    }

    fn text(query: Query) -> String {
        let pairs: Vec<String> = query.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("&")
    }

    #[test]
    fn every_parameter_of_a_change_is_asked_for() {
        let patch = PatchOptions {
            dry_run: true,
            field_manager: Some("me".into()),
            field_validation: Some("Strict".into()),
            force: true,
        };
        assert_eq!(text(patch.query()), "dryRun=All&fieldManager=me&fieldValidation=Strict&force=true");
        let apply = ApplyOptions { dry_run: true, force: true, field_manager: "me".into() };
        assert_eq!(text(apply.query()), "dryRun=All&fieldManager=me&force=true");
        let create = CreateOptions {
            dry_run: true,
            field_manager: Some("me".into()),
            field_validation: Some("Warn".into()),
        };
        assert_eq!(text(create.query()), "dryRun=All&fieldManager=me&fieldValidation=Warn");
        let CreateOptions { dry_run, field_manager, field_validation } = create;
        let update = UpdateOptions { dry_run, field_manager, field_validation };
        assert_eq!(text(update.query()), "dryRun=All&fieldManager=me&fieldValidation=Warn");
    }

    #[test]
    fn every_parameter_of_a_read_is_asked_for() {
        assert_eq!(text(GetOptions { resource_version: "7".into() }.query()), "resourceVersion=7");
        let list = ListOptions {
            label_selector: "a=b".parse().unwrap(),
            field_selector: "metadata.name=c".parse().unwrap(),
            resource_version: "7".into(),
            resource_version_match: Some(ResourceVersionMatch::Exact),
            limit: Some(5),
            continue_token: "t".into(),
            shard_selector: "s".into(),
            timeout: Some(Duration::from_secs(9)),
        };
        assert_eq!(
            text(list.query()),
            "labelSelector=a=b&fieldSelector=metadata.name=c&resourceVersion=7&resourceVersionMatch=Exact\
             &limit=5&continue=t&shardSelector=s&timeoutSeconds=9"
        );
        let watch = WatchOptions {
            label_selector: "a=b".parse().unwrap(),
            field_selector: "metadata.name=c".parse().unwrap(),
            resource_version: "7".into(),
            resource_version_match: Some(ResourceVersionMatch::NotOlderThan),
            allow_bookmarks: true,
            send_initial_events: Some(false),
            shard_selector: "s".into(),
            timeout: Some(Duration::from_secs(9)),
        };
        assert_eq!(
            text(watch.query()),
            "watch=true&labelSelector=a=b&fieldSelector=metadata.name=c&resourceVersion=7\
             &resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&sendInitialEvents=false&shardSelector=s\
             &timeoutSeconds=9"
        );
        for (given, told) in [(0, 1), (1, 1), (1000, 1), (1001, 2), (9000, 9)] {
            let watch = WatchOptions { timeout: Some(Duration::from_millis(given)), ..Default::default() };
            assert_eq!(text(watch.query()), format!("watch=true&timeoutSeconds={told}"), "0 is no limit");
        }
    }
}
