//! What a Lease says, and how it is written.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;

use super::machine::ElectionOptions;
use crate::meta::ObjectMeta;

/// Who holds the lease, "" for nobody. client-go's `LeaderElectionRecord.HolderIdentity`.
pub(super) fn holder(lease: &Lease) -> &str {
    spec(lease).and_then(|spec| spec.holder_identity.as_deref()).unwrap_or_default()
}

/// Whether the control plane wants another to hold it, and its holder to let it lapse.
pub(super) fn ends_term(lease: &Lease) -> bool {
    spec(lease).and_then(|spec| spec.preferred_holder.as_deref()).is_some_and(|other| !other.is_empty())
}

/// How long it lasts after each renewal. What makes no sense lasts no time, as with client-go.
pub(super) fn duration(lease: &Lease) -> Duration {
    let seconds = spec(lease).and_then(|spec| spec.lease_duration_seconds).unwrap_or_default();
    Duration::from_secs(u64::try_from(seconds).unwrap_or_default())
}

/// The lease as `options.identity` wants to hold it from `unix` on, made of what is there.
pub(super) fn held(options: &ElectionOptions, there: Option<&Lease>, unix: Duration) -> Lease {
    let own = there.is_some_and(|lease| holder(lease) == options.identity);
    let before = there.and_then(spec);
    let transitions = before.map_or(0, |spec| spec.lease_transitions.unwrap_or_default());
    let acquired = before.and_then(|spec| spec.acquire_time.clone()).filter(|_| own);
    let seconds = options.lease_duration.as_secs() + u64::from(options.lease_duration.subsec_nanos() > 0);
    let spec = LeaseSpec {
        holder_identity: Some(options.identity.clone()),
        lease_duration_seconds: Some(i32::try_from(seconds).unwrap_or(i32::MAX)),
        acquire_time: acquired.or_else(|| Some(micro_time(unix))),
        renew_time: Some(micro_time(unix)),
        lease_transitions: Some(match there {
            Some(_) if !own => transitions.saturating_add(1),
            _ => transitions,
        }),
        ..before.cloned().unwrap_or_default()
    };
    let mut metadata = there.map_or_else(
        || ObjectMeta {
            name: Some(options.name.clone()),
            namespace: Some(options.namespace.clone()),
            ..ObjectMeta::default()
        },
        |lease| lease.metadata.clone(),
    );
    if !options.labels.is_empty() {
        metadata.labels.get_or_insert_default().extend(options.labels.clone());
    }
    Lease { metadata, spec: Some(spec) }
}

/// The lease given up: held by nobody, for the next to take at once.
pub(super) fn released(there: &Lease, unix: Duration) -> Lease {
    let before = spec(there);
    let spec = LeaseSpec {
        holder_identity: Some(String::new()),
        lease_duration_seconds: Some(1),
        acquire_time: Some(micro_time(unix)),
        renew_time: Some(micro_time(unix)),
        lease_transitions: Some(before.and_then(|spec| spec.lease_transitions).unwrap_or_default()),
        ..before.cloned().unwrap_or_default()
    };
    Lease { metadata: there.metadata.clone(), spec: Some(spec) }
}

fn spec(lease: &Lease) -> Option<&LeaseSpec> {
    lease.spec.as_ref()
}

/// A moment, as a Lease has it.
pub(super) fn micro_time(unix: Duration) -> MicroTime {
    let micros = i64::try_from(unix.as_micros()).unwrap_or(i64::MAX);
    MicroTime(jiff::Timestamp::from_microsecond(micros).unwrap_or_default())
}
