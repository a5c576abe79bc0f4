//! What a Pod's row says of its containers: `printPod` of kube-apiserver 1.36.

use std::time::Duration;

use serde_json::Value;

use super::age;
use crate::value::{at, integer, list, text};

/// The cells that need a look at every container.
pub(super) struct Summary {
    pub(super) ready: String,
    pub(super) status: String,
    pub(super) restarts: String,
}

struct Counted {
    ready: usize,
    restarts: i64,
    /// The newest end of a container that was restarted.
    restarted: String,
    reason: String,
}

pub(super) fn summary(pod: &Value, now: Duration) -> Summary {
    let phase = text(pod, "status.phase");
    let mut reason = first_filled([text(pod, "status.reason"), phase]);
    if condition(pod, "PodScheduled").is_some_and(|one| text(one, "reason") == "SchedulingGated") {
        reason = "SchedulingGated".to_owned();
    }
    let restartable = list(pod, "spec.initContainers").filter(|one| text(one, "restartPolicy") == "Always");
    let total = list(pod, "spec.containers").count() + restartable.count();
    let (initializing, mut counted) = init_containers(pod, reason);
    let initialized = condition(pod, "Initialized").is_some_and(|one| text(one, "status") == "True");
    if !initializing || initialized {
        counted = containers(pod, counted);
    }
    let mut status = counted.reason;
    if at(pod, "metadata.deletionTimestamp").is_some() {
        if text(pod, "status.reason") == "NodeLost" {
            status = "Unknown".to_owned();
        } else if !matches!(phase, "Succeeded" | "Failed") {
            status = "Terminating".to_owned();
        }
    }
    let mut restarts = counted.restarts.to_string();
    if counted.restarts != 0 && !counted.restarted.is_empty() {
        restarts = format!("{restarts} ({} ago)", age::since(&counted.restarted, now));
    }
    Summary { ready: format!("{}/{total}", counted.ready), status, restarts }
}

fn is_restartable(pod: &Value, status: &Value) -> bool {
    list(pod, "spec.initContainers")
        .any(|one| text(one, "name") == text(status, "name") && text(one, "restartPolicy") == "Always")
}

/// The init containers up to the first that is not done, and whether there is one.
fn init_containers(pod: &Value, reason: String) -> (bool, Counted) {
    let mut counted = Counted { ready: 0, restarts: 0, restarted: String::new(), reason };
    let total = list(pod, "spec.initContainers").count();
    for (index, status) in list(pod, "status.initContainerStatuses").enumerate() {
        counted.restart(status);
        let restartable = is_restartable(pod, status);
        if at(status, "state.terminated").is_some() && integer(status, "state.terminated.exitCode") == Some(0)
        {
            continue;
        }
        if restartable && at(status, "started") == Some(&Value::Bool(true)) {
            counted.ready += usize::from(is_ready(status));
            continue;
        }
        counted.reason = match (at(status, "state.terminated"), text(status, "state.waiting.reason")) {
            (Some(end), _) => format!("Init:{}", ended(end)),
            (None, "" | "PodInitializing") => format!("Init:{index}/{total}"),
            (None, waiting) => format!("Init:{waiting}"),
        };
        return (true, counted);
    }
    (false, counted)
}

fn containers(pod: &Value, before: Counted) -> Counted {
    let mut counted = Counted { restarts: 0, restarted: String::new(), ..before };
    for status in list(pod, "status.initContainerStatuses").filter(|status| is_restartable(pod, status)) {
        counted.restart(status);
    }
    let (mut running, mut error) = (false, String::new());
    let statuses: Vec<_> = list(pod, "status.containerStatuses").collect();
    for status in statuses.into_iter().rev() {
        counted.restart(status);
        let waiting = text(status, "state.waiting.reason");
        if !waiting.is_empty() {
            counted.reason = waiting.to_owned();
        } else if let Some(end) = at(status, "state.terminated") {
            counted.reason = ended(end);
            if integer(end, "exitCode").unwrap_or(0) != 0 {
                error.clone_from(&counted.reason);
            }
        } else if is_ready(status) && at(status, "state.running").is_some() {
            running = true;
            counted.ready += 1;
        }
    }
    if counted.reason == "Completed" {
        let ready = condition(pod, "Ready").is_some_and(|one| text(one, "status") == "True");
        if running && ready {
            counted.reason = "Running".to_owned();
        } else if !error.is_empty() {
            counted.reason = error;
        } else if running {
            counted.reason = "NotReady".to_owned();
        }
    }
    counted
}

impl Counted {
    fn restart(&mut self, status: &Value) {
        self.restarts += integer(status, "restartCount").unwrap_or(0);
        let ended = text(status, "lastState.terminated.finishedAt");
        // Moments in UTC compare as text.
        if ended > self.restarted.as_str() {
            ended.clone_into(&mut self.restarted);
        }
    }
}

fn is_ready(status: &Value) -> bool {
    at(status, "ready") == Some(&Value::Bool(true))
}

fn ended(end: &Value) -> String {
    let signal = integer(end, "signal").unwrap_or(0);
    match text(end, "reason") {
        "" if signal != 0 => format!("Signal:{signal}"),
        "" => format!("ExitCode:{}", integer(end, "exitCode").unwrap_or(0)),
        reason => reason.to_owned(),
    }
}

fn condition<'a>(pod: &'a Value, kind: &str) -> Option<&'a Value> {
    list(pod, "status.conditions").find(|one| text(one, "type") == kind)
}

fn first_filled<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    texts.into_iter().find(|text| !text.is_empty()).unwrap_or_default().to_owned()
}
