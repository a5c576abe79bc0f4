//! What the server answers, written before anybody asks: so that no contestant waits for another's formatting.
//!
//! Invariant: a body is what a kube-apiserver writes: lists as one object with items that carry no kind, watches as one
//! event after the other, protobuf in its envelope.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use serde_json::{Value, json};

use portolan_bench::corpus::{self, Corpus, LIST_VERSION};

/// How objects are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Encoding {
    Json,
    Protobuf,
}

/// What of them is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Part {
    Whole,
    Metadata,
}

/// One way to write the pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Shape {
    pub(crate) encoding: Encoding,
    pub(crate) part: Part,
}

/// Bytes with the places where their parts end.
#[derive(Default)]
pub(crate) struct Parts {
    pub(crate) bytes: Vec<u8>,
    pub(crate) ends: Vec<usize>,
}

impl Parts {
    fn push(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.bytes);
        self.ends.push(self.bytes.len());
    }

    /// The bytes of the parts in `range`.
    fn range(&self, range: std::ops::Range<usize>) -> &[u8] {
        let start = range.start.checked_sub(1).map_or(0, |before| self.ends[before]);
        let end = range.end.checked_sub(1).map_or(0, |last| self.ends[last]);
        &self.bytes[start..end]
    }

    /// Part after part.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.ends.len()).map(|index| self.range(index..index + 1))
    }
}

/// The answers about the first `count` pods of a corpus.
pub(crate) struct Answers {
    corpus: Corpus,
    pub(crate) count: usize,
    events: usize,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    items: HashMap<Shape, Arc<Parts>>,
    lists: HashMap<Shape, Arc<Vec<u8>>>,
    initial: HashMap<Shape, Arc<Parts>>,
    events: HashMap<Shape, Arc<Parts>>,
}

impl Answers {
    pub(crate) fn new(corpus: Corpus, count: usize, events: usize) -> Self {
        Self { corpus, count, events, kept: Mutex::default() }
    }

    /// Writes now what will be asked for.
    pub(crate) fn prepare(&self, shape: Shape, list: bool, initial: bool, events: bool) -> Result<()> {
        if list {
            self.list(shape)?;
        }
        if initial {
            self.initial(shape)?;
        }
        if events {
            self.events(shape)?;
        }
        Ok(())
    }

    /// The whole list.
    pub(crate) fn list(&self, shape: Shape) -> Result<Arc<Vec<u8>>> {
        if let Some(list) = self.kept().lists.get(&shape) {
            return Ok(list.clone());
        }
        let list = Arc::new(self.page(shape, 0, self.count)?.0);
        let mut kept = self.kept();
        kept.lists.insert(shape, list.clone());
        // Of many pods, twice the bytes are too much; pages make them anew.
        kept.items.remove(&shape);
        Ok(list)
    }

    /// A page of at most `limit` pods from the one numbered `start` on, and where the next begins.
    pub(crate) fn page(&self, shape: Shape, start: usize, limit: usize) -> Result<(Vec<u8>, Option<usize>)> {
        let items = self.items(shape)?;
        let start = start.min(self.count);
        let end = start.saturating_add(limit).min(self.count);
        let next = (end < self.count).then_some(end);
        Ok((list_of(shape, items.range(start..end), next, self.count - end), next))
    }

    /// The initial events of a watch-list, and the bookmark that ends them.
    pub(crate) fn initial(&self, shape: Shape) -> Result<Arc<Parts>> {
        if let Some(events) = self.kept().initial.get(&shape) {
            return Ok(events.clone());
        }
        let mut events = Parts::default();
        for index in 0..self.count {
            push_event(&mut events, shape, "ADDED", &self.corpus.pod(index))?;
        }
        let bookmark = json!({ "metadata": {
            "resourceVersion": LIST_VERSION.to_string(), "creationTimestamp": null,
            "annotations": { "k8s.io/initial-events-end": "true" },
        } });
        push_event(&mut events, shape, "BOOKMARK", &bookmark)?;
        let events = Arc::new(events);
        self.kept().initial.insert(shape, events.clone());
        Ok(events)
    }

    /// The changes that come after: of all pods in turn, the last of them marked.
    pub(crate) fn events(&self, shape: Shape) -> Result<Arc<Parts>> {
        if let Some(events) = self.kept().events.get(&shape) {
            return Ok(events.clone());
        }
        let mut events = Parts::default();
        for event in 0..self.events {
            let index = event % self.count.max(1);
            push_event(&mut events, shape, "MODIFIED", &self.corpus.changed(index, event))?;
        }
        let events = Arc::new(events);
        self.kept().events.insert(shape, events.clone());
        Ok(events)
    }

    /// How large they are, as text.
    pub(crate) fn sizes(&self) -> String {
        let kept = self.kept();
        let lists = kept.lists.iter().map(|(shape, list)| (shape, list.len()));
        let initial = kept.initial.iter().map(|(shape, events)| (shape, events.bytes.len()));
        let per = |(shape, bytes): (&Shape, usize)| {
            format!("{:?} {:?}: {} B/object", shape.encoding, shape.part, bytes / self.count.max(1))
        };
        let mut shown: Vec<String> = lists.map(per).collect();
        shown.extend(initial.map(per).map(|text| format!("{text} in initial events")));
        shown.sort();
        shown.join("; ")
    }

    fn items(&self, shape: Shape) -> Result<Arc<Parts>> {
        if let Some(items) = self.kept().items.get(&shape) {
            return Ok(items.clone());
        }
        let mut items = Parts::default();
        for index in 0..self.count {
            let pod = of_part(self.corpus.pod(index), shape.part);
            match shape.encoding {
                Encoding::Json => items.push(|out| {
                    out.extend_from_slice(pod.to_string().as_bytes());
                    out.push(b',');
                }),
                Encoding::Protobuf => {
                    let (version, kind) = names(shape.part);
                    let message = corpus::message(&pod, version, kind)?;
                    items.push(|out| put(out, 2, &message));
                }
            }
        }
        let items = Arc::new(items);
        self.kept().items.insert(shape, items.clone());
        Ok(items)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn of_part(pod: Value, part: Part) -> Value {
    match part {
        Part::Whole => pod,
        Part::Metadata => corpus::metadata_of(&pod),
    }
}

fn names(part: Part) -> (&'static str, &'static str) {
    match part {
        Part::Whole => ("v1", "Pod"),
        Part::Metadata => ("meta.k8s.io/v1", "PartialObjectMetadata"),
    }
}

/// A list of items that each end in a comma (JSON) or are fields of the list already (protobuf).
fn list_of(shape: Shape, items: &[u8], next: Option<usize>, remaining: usize) -> Vec<u8> {
    let (version, kind) = names(shape.part);
    let mut metadata = json!({ "resourceVersion": LIST_VERSION.to_string() });
    if let Some(next) = next {
        metadata["continue"] = next.to_string().into();
        metadata["remainingItemCount"] = remaining.into();
    }
    let mut out = Vec::with_capacity(items.len() + 256);
    match shape.encoding {
        Encoding::Json => {
            let head = format!(
                "{{\"kind\":\"{kind}List\",\"apiVersion\":\"{version}\",\"metadata\":{metadata},\"items\":["
            );
            out.extend_from_slice(head.as_bytes());
            out.extend_from_slice(items.strip_suffix(b",").unwrap_or(items));
            out.extend_from_slice(b"]}\n");
        }
        Encoding::Protobuf => {
            let mut head = Vec::new();
            put(&mut head, 2, LIST_VERSION.to_string().as_bytes());
            if let Some(next) = next {
                put(&mut head, 3, next.to_string().as_bytes());
                head.push(0x20);
                put_varint(&mut head, remaining as u64);
            }
            let mut list = Vec::with_capacity(items.len() + head.len() + 16);
            put(&mut list, 1, &head);
            list.extend_from_slice(items);
            put_envelope(&mut out, version, &format!("{kind}List"), &list);
        }
    }
    out
}

/// An ERROR event that says that the version is too old.
pub(crate) fn expired(encoding: Encoding) -> Result<Vec<u8>> {
    let status = json!({
        "metadata": {}, "status": "Failure", "message": "too old resource version", "reason": "Expired", "code": 410,
    });
    let mut events = Parts::default();
    push(&mut events, encoding, "ERROR", ("v1", "Status"), &status)?;
    Ok(events.bytes)
}

fn push_event(events: &mut Parts, shape: Shape, kind: &str, object: &Value) -> Result<()> {
    push(events, shape.encoding, kind, names(shape.part), &of_part(object.clone(), shape.part))
}

fn push(
    events: &mut Parts,
    encoding: Encoding,
    kind: &str,
    (version, object_kind): (&str, &str),
    object: &Value,
) -> Result<()> {
    match encoding {
        Encoding::Json => {
            let text = object.to_string();
            let head = format!(
                "{{\"type\":\"{kind}\",\"object\":{{\"kind\":\"{object_kind}\",\"apiVersion\":\"{version}\","
            );
            events.push(|out| {
                out.extend_from_slice(head.as_bytes());
                out.extend_from_slice(&text.as_bytes()[1..]);
                out.extend_from_slice(b"}\n");
            });
        }
        Encoding::Protobuf => {
            let message = corpus::message(object, version, object_kind)?;
            let mut envelope = Vec::new();
            put_envelope(&mut envelope, version, object_kind, &message);
            let mut raw = Vec::new();
            put(&mut raw, 1, &envelope);
            let mut event = Vec::new();
            put(&mut event, 1, kind.as_bytes());
            put(&mut event, 2, &raw);
            events.push(|out| {
                out.extend_from_slice(&(event.len() as u32).to_be_bytes());
                out.extend_from_slice(&event);
            });
        }
    }
    Ok(())
}

fn put_envelope(out: &mut Vec<u8>, version: &str, kind: &str, message: &[u8]) {
    let mut type_meta = Vec::new();
    put(&mut type_meta, 1, version.as_bytes());
    put(&mut type_meta, 2, kind.as_bytes());
    out.extend_from_slice(b"k8s\0");
    put(out, 1, &type_meta);
    put(out, 2, message);
    put(out, 3, b"");
    put(out, 4, b"");
}

/// Field `number` with these bytes.
fn put(out: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    out.push(number << 3 | 2);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;
    use portolan::codec::json::{ListDecoder, WatchDecoder};
    use portolan::codec::{EventKind, Limits, protobuf};

    fn answers() -> Answers {
        Answers::new(Corpus::new(5, 7, None).unwrap(), 7, 9)
    }

    const JSON: Shape = Shape { encoding: Encoding::Json, part: Part::Whole };
    const PROTOBUF: Shape = Shape { encoding: Encoding::Protobuf, part: Part::Whole };

    #[test]
    fn lists_and_pages_hold_what_they_should() {
        let answers = answers();
        let (mut start, mut seen) = (0, 0);
        loop {
            let (page, next) = answers.page(JSON, start, 3).unwrap();
            let page: Value = serde_json::from_slice(&page).unwrap();
            seen += page["items"].as_array().unwrap().len();
            assert_eq!(page["metadata"].get("continue").is_some(), next.is_some());
            match next {
                Some(next) => start = next,
                None => break,
            }
        }
        assert_eq!(seen, 7);
        let whole: Value = serde_json::from_slice(&answers.list(JSON).unwrap()).unwrap();
        assert_eq!(whole["items"][3], answers.corpus.pod(3));
    }

    #[test]
    fn both_formats_read_alike() {
        let answers = answers();
        for part in [Part::Whole, Part::Metadata] {
            let mut decoder = protobuf::ListDecoder::new(Limits::default());
            decoder.push(answers.list(Shape { encoding: Encoding::Protobuf, part }).unwrap().to_vec().into());
            let mut items = 0;
            while decoder.next_item().unwrap().is_some() {
                items += 1;
            }
            assert_eq!((items, decoder.finish().unwrap().resource_version.as_str()), (7, "50000000"));
        }
        let mut decoder = ListDecoder::new(Limits::default());
        decoder.push(answers.list(JSON).unwrap().to_vec().into());
        while decoder.next_item().unwrap().is_some() {}
        assert_eq!(decoder.finish().unwrap().kind, "PodList");
    }

    #[test]
    fn events_are_events() {
        let answers = answers();
        let (mut json, mut protobuf) =
            (WatchDecoder::new(Limits::default()), protobuf::WatchDecoder::new(Limits::default()));
        for (part, kinds) in [(answers.initial(JSON).unwrap(), 8), (answers.events(JSON).unwrap(), 9)] {
            json.push(part.bytes.clone().into());
            assert_eq!(std::iter::from_fn(|| json.next_event().unwrap().map(drop)).count(), kinds);
        }
        for (part, kinds) in [(answers.initial(PROTOBUF).unwrap(), 8), (answers.events(PROTOBUF).unwrap(), 9)]
        {
            protobuf.push(part.bytes.clone().into());
            assert_eq!(std::iter::from_fn(|| protobuf.next_event().unwrap().map(drop)).count(), kinds);
        }
    }

    #[test]
    fn the_end_of_a_version_is_told_in_both_formats() {
        let mut json = WatchDecoder::new(Limits::default());
        json.push(expired(Encoding::Json).unwrap().into());
        let event = json.next_event().unwrap().unwrap();
        let of_json: Value = serde_json::from_slice(event.object).unwrap();
        let mut other = protobuf::WatchDecoder::new(Limits::default());
        other.push(expired(Encoding::Protobuf).unwrap().into());
        let event = other.next_event().unwrap().unwrap();
        let of_protobuf: Value = protobuf::decode(event.object).unwrap();
        assert_eq!((event.kind, &of_json["code"]), (EventKind::Error, &410.into()));
        assert_eq!((&of_protobuf["kind"], &of_protobuf["code"]), (&of_json["kind"], &of_json["code"]));
    }
}
