//! The options of a list or a watch, read and checked as kube-apiserver does: what it refuses, in its order and words.
//!
//! After apimachinery's conversion of `ListOptions`, its defaults and its `ValidateListOptions`, v0.37.

use std::str::FromStr;

use portolan::Error;
use portolan::meta::{FieldSelector, LabelSelector};

use crate::failure::{Cause, Failure};
use crate::request::Query;

/// What a request for several objects may say.
#[derive(Debug)]
pub(crate) struct ListOptions<'a> {
    pub(crate) labels: LabelSelector,
    pub(crate) fields: FieldSelector,
    pub(crate) bookmarks: bool,
    pub(crate) version: &'a str,
    pub(crate) version_match: &'a str,
    pub(crate) timeout_seconds: i64,
    pub(crate) limit: i64,
    pub(crate) continue_token: &'a str,
    pub(crate) send_initial_events: Option<bool>,
    watch: bool,
}

impl<'a> ListOptions<'a> {
    /// Reads a query; `watch_list` is whether the server knows watches that send what is there.
    pub(crate) fn read(query: &'a Query, watch_list: bool) -> Result<Self, Failure> {
        let timeout_seconds = query.integer("timeoutSeconds")?;
        let limit = query.integer("limit")?;
        let mut options = Self {
            labels: selector(query.get("labelSelector"))?,
            fields: selector(query.get("fieldSelector"))?,
            bookmarks: query.flag("allowWatchBookmarks"),
            version: query.get("resourceVersion"),
            version_match: query.get("resourceVersionMatch"),
            timeout_seconds,
            limit,
            continue_token: query.get("continue"),
            send_initial_events: query.given("sendInitialEvents"),
            watch: query.flag("watch"),
        };
        let unsaid = options.send_initial_events.is_none() && options.version_match.is_empty();
        if options.watch && watch_list && unsaid && matches!(options.version, "" | "0") {
            options.send_initial_events = Some(true);
            options.version_match = "NotOlderThan";
        }
        let causes = if options.watch { options.watch_faults(watch_list) } else { options.list_faults() };
        if causes.is_empty() { Ok(options) } else { Err(Failure::invalid_list_options(causes)) }
    }

    fn list_faults(&self) -> Vec<Cause> {
        let rule = self.version_match;
        let mut causes = Vec::new();
        let match_forbidden = |detail| Cause::forbidden("resourceVersionMatch", detail);
        if !rule.is_empty() && self.version.is_empty() {
            causes.push(match_forbidden(
                "resourceVersionMatch is forbidden unless resourceVersion is provided",
            ));
        }
        causes.extend(self.match_and_continue());
        if !matches!(rule, "" | "Exact" | "NotOlderThan") {
            let supported = ["Exact", "NotOlderThan", ""];
            causes.push(Cause::not_supported("resourceVersionMatch", rule, &supported));
        }
        if rule == "Exact" && self.version == "0" {
            causes.push(match_forbidden(
                "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"",
            ));
        }
        if self.send_initial_events.is_some() {
            causes.push(Cause::forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
        }
        causes
    }

    fn watch_faults(&self, watch_list: bool) -> Vec<Cause> {
        let rule = self.version_match;
        let initial = self.send_initial_events.is_some();
        let mut causes = Vec::new();
        let match_forbidden = |detail| Cause::forbidden("resourceVersionMatch", detail);
        if initial && rule != "NotOlderThan" {
            causes.push(match_forbidden(
                "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
            ));
        }
        if initial && !watch_list {
            let detail =
                "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled";
            causes.push(Cause::forbidden("sendInitialEvents", detail));
        }
        if !rule.is_empty() && !initial {
            causes.push(match_forbidden(
                "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
            ));
        }
        if !matches!(rule, "" | "NotOlderThan") {
            causes.push(Cause::not_supported("resourceVersionMatch", rule, &["NotOlderThan"]));
        }
        causes.extend(self.match_and_continue());
        causes
    }

    fn match_and_continue(&self) -> Option<Cause> {
        let both = !self.version_match.is_empty() && !self.continue_token.is_empty();
        let detail = "resourceVersionMatch is forbidden when continue is provided";
        both.then(|| Cause::forbidden("resourceVersionMatch", detail))
    }
}

fn selector<S: FromStr<Err = Error>>(text: &str) -> Result<S, Failure> {
    text.parse().map_err(|error: Error| Failure::bad_request(error.message()))
}
