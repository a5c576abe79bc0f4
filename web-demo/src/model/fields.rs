//! Cells read from the fields of an object: names, ages, addresses, amounts.

use portolan::object::Json;

use super::cell::{Cell, Tone, Value, number};
use super::manifest::{Manifest, text};
use super::reveal::line;

pub(super) fn name(object: &Manifest) -> Cell {
    Cell::text(line(object.meta().name))
}

pub(super) fn namespace(object: &Manifest) -> Cell {
    Cell::text(line(object.meta().namespace))
}

pub(super) fn created(object: &Manifest) -> Cell {
    Cell::since(Some(&object.text("metadata.creationTimestamp")))
}

pub(super) fn last_seen(object: &Manifest) -> Cell {
    let paths = ["series.lastObservedTime", "lastTimestamp", "eventTime", "metadata.creationTimestamp"];
    let text = paths.into_iter().map(|path| object.text(path)).find(|text| !text.is_empty());
    Cell::since(text.as_deref())
}

pub(super) fn roles(object: &Manifest) -> String {
    let labels = object.members("metadata.labels");
    let roles =
        labels.filter_map(|(label, _)| Some(label.strip_prefix("node-role.kubernetes.io/")?.to_owned()));
    roles.collect::<Vec<_>>().join(", ")
}

pub(super) fn node_address(object: &Manifest) -> String {
    let mut addresses = object.elements("status.addresses");
    let found = addresses.find(|address| text(*address, "type") == "InternalIP");
    found.map(|address| text(address, "address").into_owned()).unwrap_or_default()
}

/// A quantity, sorted by what it comes to; memory is written in Gi.
pub(super) fn amount(object: &Manifest, path: &str) -> Cell {
    let text = object.text(path);
    let digits = text.trim_end_matches(|letter: char| !letter.is_ascii_digit());
    let Some(number) = number(digits) else { return Cell::text(text) };
    let gibi = match &text[digits.len()..] {
        "Ki" => number / 1_048_576.0,
        "Mi" => number / 1_024.0,
        "Gi" => number,
        _ => return Cell { value: Value::Number(number, text.into_owned()), tone: Tone::Plain },
    };
    Cell { value: Value::Number(gibi, format!("{gibi:.1} Gi")), tone: Tone::Plain }
}

pub(super) fn entries(object: &Manifest, paths: &[&str]) -> Cell {
    Cell::number(paths.iter().map(|path| object.members(path).count()).sum::<usize>() as i64)
}

pub(super) fn images(object: &Manifest) -> Cell {
    let containers = object.elements("spec.template.spec.containers");
    Cell::text(containers.map(|container| text(container, "image")).collect::<Vec<_>>().join(", "))
}

pub(super) fn owner(object: &Manifest) -> Cell {
    Cell::text(
        object.owners().first().map(|owner| format!("{}/{}", owner.kind, owner.name)).unwrap_or_default(),
    )
}

/// A map of strings as `a=b, c=d`.
pub(super) fn pairs(object: &Manifest, path: &str) -> String {
    let pairs = object.members(path).filter_map(|(name, value)| Some(format!("{name}={}", value.text()?)));
    pairs.collect::<Vec<_>>().join(", ")
}

pub(super) fn ports(object: &Manifest) -> Cell {
    let shown = object.elements("spec.ports").map(|port| {
        let of = |path| text(port, path);
        match &*of("nodePort") {
            "" | "0" => format!("{}/{}", of("port"), of("protocol")),
            node => format!("{}:{node}/{}", of("port"), of("protocol")),
        }
    });
    Cell::text(shown.collect::<Vec<_>>().join(", "))
}

pub(super) fn external(object: &Manifest) -> Cell {
    let address = |entry: Json<'_>| match text(entry, "ip") {
        ip if ip.is_empty() => text(entry, "hostname").into_owned(),
        ip => ip.into_owned(),
    };
    let addresses: Vec<_> = object.elements("status.loadBalancer.ingress").map(address).collect();
    match (addresses.is_empty(), &*object.text("spec.type")) {
        (true, "LoadBalancer") => Cell::status("pending", Tone::Plain),
        _ => Cell::text(addresses.join(", ")),
    }
}
