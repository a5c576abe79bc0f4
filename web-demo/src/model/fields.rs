//! Cells read from the fields of an object: names, ages, addresses, amounts.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::cell::{Cell, Tone, Value};
use super::manifest::Manifest;
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
    let labels: BTreeMap<String, String> = object.read("metadata.labels").unwrap_or_default();
    let roles: Vec<_> =
        labels.keys().filter_map(|label| label.strip_prefix("node-role.kubernetes.io/")).collect();
    roles.join(", ")
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Address {
    #[serde(rename = "type")]
    kind: String,
    address: String,
}

pub(super) fn node_address(object: &Manifest) -> String {
    let addresses: Vec<Address> = object.read("status.addresses").unwrap_or_default();
    addresses
        .into_iter()
        .find(|address| address.kind == "InternalIP")
        .map(|found| found.address)
        .unwrap_or_default()
}

/// A quantity, sorted by what it comes to; memory is written in Gi.
pub(super) fn amount(object: &Manifest, path: &str) -> Cell {
    let text = object.text(path);
    let digits = text.trim_end_matches(|letter: char| !letter.is_ascii_digit());
    let Ok(number) = digits.parse::<f64>() else { return Cell::text(text) };
    let gibi = match &text[digits.len()..] {
        "Ki" => number / 1_048_576.0,
        "Mi" => number / 1_024.0,
        "Gi" => number,
        _ => return Cell { value: Value::Number(number, text.into_owned()), tone: Tone::Plain },
    };
    Cell { value: Value::Number(gibi, format!("{gibi:.1} Gi")), tone: Tone::Plain }
}

pub(super) fn entries(object: &Manifest, paths: &[&str]) -> Cell {
    let count = |path: &&str| object.read::<HashMap<String, IgnoredAny>>(path).map_or(0, |map| map.len());
    Cell::number(paths.iter().map(count).sum::<usize>() as i64)
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Container {
    image: String,
}

pub(super) fn images(object: &Manifest) -> Cell {
    let containers: Vec<Container> = object.read("spec.template.spec.containers").unwrap_or_default();
    Cell::text(containers.into_iter().map(|container| container.image).collect::<Vec<_>>().join(", "))
}

pub(super) fn owner(object: &Manifest) -> Cell {
    Cell::text(
        object.owners().first().map(|owner| format!("{}/{}", owner.kind, owner.name)).unwrap_or_default(),
    )
}

/// A map of strings as `a=b, c=d`.
pub(super) fn pairs(object: &Manifest, path: &str) -> String {
    let map: BTreeMap<String, String> = object.read(path).unwrap_or_default();
    map.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(", ")
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Port {
    port: i64,
    node_port: i64,
    protocol: String,
}

pub(super) fn ports(object: &Manifest) -> Cell {
    let ports: Vec<Port> = object.read("spec.ports").unwrap_or_default();
    let shown = ports.iter().map(|port| match port.node_port {
        0 => format!("{}/{}", port.port, port.protocol),
        node => format!("{}:{node}/{}", port.port, port.protocol),
    });
    Cell::text(shown.collect::<Vec<_>>().join(", "))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Ingress {
    ip: String,
    hostname: String,
}

pub(super) fn external(object: &Manifest) -> Cell {
    let ingress: Vec<Ingress> = object.read("status.loadBalancer.ingress").unwrap_or_default();
    let addresses: Vec<_> = ingress
        .into_iter()
        .map(|entry| if entry.ip.is_empty() { entry.hostname } else { entry.ip })
        .collect();
    match (addresses.is_empty(), &*object.text("spec.type")) {
        (true, "LoadBalancer") => Cell::status("pending", Tone::Plain),
        _ => Cell::text(addresses.join(", ")),
    }
}
