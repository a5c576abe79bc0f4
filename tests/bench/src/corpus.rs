//! The pods every contestant works on: the same for the same seed, varied in shape and size.
//!
//! Most are made here, 3 to 10 KB of JSON as an API server writes them, managedFields included, in ReplicaSets of some 25
//! near-identical pods, fewer where there are less than 10,000 pods; one in a hundred is upstream's fixture of a Pod, some
//! 32 KB with every field there is. Invariant: pod `index` of a seed is the same however many pods are asked for, and no
//! two have one key or uid.

mod managed_fields;
mod pod;

use std::path::Path;

use anyhow::{Context, Result};
use portolan::codec::protobuf;
use portolan::policy::Random;
use serde_json::{Value, json};

/// One pod in this many is upstream's fixture.
const FIXTURE_EVERY: usize = 100;
/// So many pods in a row share so many workloads, which no others have: what is alike does not grow with the pods.
const PODS: usize = 10_000;
const WORKLOADS: usize = 400;

/// Makes the pods.
pub struct Corpus {
    seed: u64,
    fixture: Option<Value>,
    workloads: Vec<pod::Workload>,
}

impl Corpus {
    /// The first `count` pods of `seed`; with `fixtures`, the directory of upstream's fixtures, some of them are made from
    /// the Pod there.
    ///
    /// # Errors
    /// When the fixture cannot be read.
    pub fn new(seed: u64, count: usize, fixtures: Option<&Path>) -> Result<Self> {
        let fixture = fixtures
            .map(|directory| {
                let path = directory.join("core.v1.Pod.json");
                let text =
                    std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
                serde_json::from_str(&text).with_context(|| format!("{} is no JSON", path.display()))
            })
            .transpose()?;
        let mut random = Random::new(seed);
        let workloads = count.div_ceil(PODS) * WORKLOADS;
        let workloads = (0..workloads).map(|number| pod::Workload::new(number, &mut random)).collect();
        Ok(Self { seed, fixture, workloads })
    }

    /// Pod `index`, one of the first `count`, at its first version.
    pub fn pod(&self, index: usize) -> Value {
        let mut random = Random::new(self.seed ^ (index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        match &self.fixture {
            Some(fixture) if index % FIXTURE_EVERY == FIXTURE_EVERY / 2 => {
                let mut pod = fixture.clone();
                let metadata = &mut pod["metadata"];
                metadata["name"] = format!("fixture-{index}").into();
                metadata["namespace"] = "upstream".into();
                metadata["uid"] = pod::uid(&mut random).into();
                metadata["resourceVersion"] = version(index).into();
                pod["spec"]["nodeName"] = pod::node(&mut random).into();
                pod
            }
            _ => {
                let workload = index / PODS * WORKLOADS + random.below(WORKLOADS as u64) as usize;
                self.workloads[workload].pod(index, &mut random)
            }
        }
    }

    /// Pod `index` as the watch event number `event` shows it: a later version, a container restarted.
    pub fn changed(&self, index: usize, event: usize) -> Value {
        let mut pod = self.pod(index);
        pod["metadata"]["resourceVersion"] = (EVENT_VERSION + event).to_string().into();
        if let Some(status) = pod.pointer_mut("/status/containerStatuses/0") {
            status["restartCount"] = (event % 1000).into();
        }
        pod
    }
}

/// The version of the whole list: no object has a later one before the events begin.
pub const LIST_VERSION: usize = 50_000_000;
/// The version of the first event.
const EVENT_VERSION: usize = LIST_VERSION + 1;

/// The version of pod `index`.
pub fn version(index: usize) -> String {
    (10_000_000 + index * 7).to_string()
}

/// What is left of a pod when only its metadata are asked for.
pub fn metadata_of(pod: &Value) -> Value {
    json!({ "metadata": pod["metadata"] })
}

/// A pod as a protobuf message without its envelope, as items of a list are.
///
/// # Errors
/// When the object is none of that kind.
pub fn message(object: &Value, api_version: &str, kind: &str) -> Result<Vec<u8>> {
    let whole = protobuf::encode(object, api_version, kind)
        .map_err(|error| anyhow::anyhow!("writing a {kind} as protobuf: {error}"))?;
    // Magic, then field 1 (type), then field 2 (the message): the encoder writes them in this order.
    let rest = whole.get(4..).context("an envelope")?;
    let (type_length, rest) = length_after(rest, 0x0a)?;
    let (raw_length, rest) = length_after(rest.get(type_length..).context("an envelope")?, 0x12)?;
    Ok(rest.get(..raw_length).context("an envelope")?.to_vec())
}

fn length_after(bytes: &[u8], tag: u8) -> Result<(usize, &[u8])> {
    let (first, mut rest) = bytes.split_first().context("an envelope")?;
    anyhow::ensure!(*first == tag, "the encoder's envelope has an unexpected order");
    let (mut length, mut shift) = (0, 0);
    loop {
        let (byte, more) = rest.split_first().context("a length")?;
        length |= usize::from(byte & 0x7f) << shift;
        (shift, rest) = (shift + 7, more);
        if byte & 0x80 == 0 {
            return Ok((length, rest));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pods_are_the_same_for_the_same_seed_and_of_the_sizes_they_should_be() {
        let corpus_of = |seed, count| Corpus::new(seed, count, None).unwrap();
        let (corpus, again, other) = (corpus_of(1, 500), corpus_of(1, 2 * PODS), corpus_of(2, 500));
        let sizes: Vec<usize> = (0..500).map(|index| corpus.pod(index).to_string().len()).collect();
        let mean = sizes.iter().sum::<usize>() / sizes.len();
        assert!((7_000..9_500).contains(&mean), "mean {mean}");
        assert!(sizes.iter().all(|size| (3_000..14_000).contains(size)), "{sizes:?}");
        assert_eq!(corpus.pod(77), again.pod(77));
        assert_ne!(corpus.pod(77), other.pod(77));
    }

    #[test]
    fn a_workload_has_as_many_pods_among_many_as_among_few() {
        let corpus = Corpus::new(1, 2 * PODS, None).unwrap();
        let owners = |range: std::ops::Range<usize>| {
            let owner = |index| corpus.pod(index)["metadata"]["ownerReferences"][0]["uid"].to_string();
            range.step_by(10).map(owner).collect::<std::collections::HashSet<_>>()
        };
        let (first, second) = (owners(0..PODS), owners(PODS..2 * PODS));
        assert!(first.len() > WORKLOADS / 2 && first.is_disjoint(&second));
    }

    #[test]
    fn pods_are_pods_in_both_formats() {
        let corpus = Corpus::new(1, 50, None).unwrap();
        for index in 0..50 {
            let mut pod = corpus.pod(index);
            let typed: k8s_openapi::api::core::v1::Pod = serde_json::from_value(pod.clone()).unwrap();
            assert!(message(&pod, "v1", "Pod").unwrap().len() > 1_500);
            // Items of lists carry neither.
            (pod["apiVersion"], pod["kind"]) = ("v1".into(), "Pod".into());
            assert_eq!(serde_json::to_value(&typed).unwrap(), pod, "every member is one of a Pod");
        }
    }
}
