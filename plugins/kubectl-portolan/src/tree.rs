//! `tree`: who owns whom around an object, by the owner references of everything that can be listed.
//!
//! Invariant: each object is printed once, however its owners refer to each other.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use futures::{StreamExt, stream};
use portolan::Error;
use portolan::client::discovery::Discovery;
use portolan::client::{Api, Client};
use portolan::meta::{ApiResource, GetOptions, ListOptions, ObjectMeta};
use portolan::object::{PartialObjectMetadata, Unstructured};
use portolan::time::human_duration;
use serde_json::Value;

use crate::sheet::{Line, Row, Sheet, plain};

/// How many requests go at once.
const AT_ONCE: usize = 8;

/// What there is, and where the tree begins.
pub(crate) struct Tree {
    root: String,
    asked_for: String,
    /// By uid.
    members: BTreeMap<String, Member>,
    missing: Vec<String>,
    now: i64,
}

struct Member {
    resource: ApiResource,
    metadata: ObjectMeta,
    /// Whether it is ready, and why not; empty where that means nothing.
    ready: (String, String),
}

impl Tree {
    /// Looks for the object, what owns it, and what those own.
    pub(crate) async fn find(
        client: &Client,
        discovery: &Discovery,
        resource: &ApiResource,
        namespace: &str,
        name: &str,
    ) -> Result<Self, Error> {
        let api: Api<PartialObjectMetadata> = client.resource(resource, namespace);
        let metadata = api.get(name, &GetOptions::default()).await?.metadata;
        let asked_for = metadata.uid.clone().unwrap_or_default();
        let (mut members, missing) =
            everything(client, discovery, metadata.namespace.as_deref().unwrap_or_default()).await;
        let asked = Member { resource: resource.clone(), metadata, ready: Default::default() };
        members.insert(asked_for.clone(), asked);
        let now = i64::try_from(client.runtime().clock.unix_time().as_secs()).unwrap_or_default();
        let mut tree = Self { root: String::new(), asked_for, members, missing, now };
        tree.root = tree.topmost();
        let shown: BTreeSet<String> = tree.rows().into_iter().map(|(_, uid)| uid).collect();
        tree.members.retain(|uid, _| shown.contains(uid));
        tree.look_closer(client).await;
        Ok(tree)
    }

    /// What could not be listed, and why: the tree may lack some of it.
    pub(crate) fn missing(&self) -> &[String] {
        &self.missing
    }

    /// From the object up: its controller first, else its first owner that is there.
    fn topmost(&self) -> String {
        let mut top = self.asked_for.clone();
        let mut seen = BTreeSet::new();
        while seen.insert(top.clone()) {
            let owners = self.members[&top].metadata.owner_references.iter().flatten();
            let mut owners: Vec<_> = owners.filter(|owner| self.members.contains_key(&owner.uid)).collect();
            owners.sort_by_key(|owner| owner.controller != Some(true));
            if let Some(owner) = owners.first() {
                top.clone_from(&owner.uid);
            }
        }
        top
    }

    /// The uids from the topmost down, each with what stands before its name.
    fn rows(&self) -> Vec<(String, String)> {
        let mut children: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (uid, member) in &self.members {
            for owner in member.metadata.owner_references.iter().flatten() {
                children.entry(&owner.uid).or_default().push(uid);
            }
        }
        for siblings in children.values_mut() {
            siblings.sort_by_key(|uid| self.members[*uid].title());
        }
        let mut rows = Vec::new();
        self.descend(&self.root, "", "", &children, &mut rows);
        rows
    }

    fn descend(
        &self,
        uid: &str,
        before: &str,
        below: &str,
        children: &BTreeMap<&str, Vec<&str>>,
        rows: &mut Vec<(String, String)>,
    ) {
        if rows.iter().any(|(_, shown)| shown == uid) {
            return;
        }
        rows.push((before.to_owned(), uid.to_owned()));
        let own = children.get(uid).map(Vec::as_slice).unwrap_or_default();
        for (index, child) in own.iter().enumerate() {
            let (corner, line) = if index + 1 == own.len() { ("└─", "  ") } else { ("├─", "│ ") };
            self.descend(child, &format!("{below}{corner}"), &format!("{below}{line}"), children, rows);
        }
    }

    /// Asks for each member whole, to tell whether it is ready. What cannot be read says nothing.
    async fn look_closer(&mut self, client: &Client) {
        let looks = self.members.iter().map(|(uid, member)| {
            let namespace = member.metadata.namespace.as_deref().unwrap_or_default();
            let api: Api<Unstructured> = client.resource(&member.resource, namespace);
            let (uid, name) = (uid.clone(), member.metadata.name.clone().unwrap_or_default());
            async move { (uid, api.get(&name, &GetOptions::default()).await) }
        });
        let looks: Vec<_> = stream::iter(looks).buffer_unordered(AT_ONCE).collect().await;
        for (uid, object) in looks {
            if let (Some(member), Ok(object)) = (self.members.get_mut(&uid), object) {
                member.ready = ready(&object);
            }
        }
    }
}

/// Everything that can be listed in the namespace and in none, by uid; and what could not be listed.
async fn everything(
    client: &Client,
    discovery: &Discovery,
    namespace: &str,
) -> (BTreeMap<String, Member>, Vec<String>) {
    let mut missing: Vec<String> = discovery.warning().into_iter().collect();
    let listable = discovery.preferred_resources();
    let listable =
        listable.into_iter().filter(|found| found.can("list") && found.resource.plural != "events");
    let lists = listable.map(|found| {
        let resource = found.resource.clone();
        let api: Api<PartialObjectMetadata> = client.resource(&resource, namespace);
        async move { (resource, api.list(&ListOptions::default()).await) }
    });
    let mut lists = stream::iter(lists).buffer_unordered(AT_ONCE);
    let mut members = BTreeMap::new();
    while let Some((resource, list)) = lists.next().await {
        match list {
            Ok(list) => members.extend(list.items.into_iter().map(|object| {
                let member = Member {
                    resource: resource.clone(),
                    metadata: object.metadata,
                    ready: Default::default(),
                };
                (member.metadata.uid.clone().unwrap_or_default(), member)
            })),
            // Some resources of the discovery cannot be listed after all.
            Err(error) if error.is_method_not_supported() || error.is_not_found() => {}
            Err(error) => missing.push(error.to_string()),
        }
    }
    (members, missing)
}

impl Member {
    fn title(&self) -> String {
        plain(&format!("{}/{}", self.resource.kind, self.metadata.name.as_deref().unwrap_or_default()))
    }

    fn age(&self, now: i64) -> String {
        let Some(created) = &self.metadata.creation_timestamp else { return String::new() };
        let seconds = now.saturating_sub(created.0.as_second());
        human_duration(std::time::Duration::from_secs(u64::try_from(seconds).unwrap_or_default()))
    }
}

/// What the object's status says of whether it is as it should be.
fn ready(object: &Unstructured) -> (String, String) {
    let conditions = object.get("status.conditions").and_then(Value::as_array);
    let find = |wanted: &str| conditions.into_iter().flatten().find(|condition| condition["type"] == wanted);
    let condition = ["Ready", "Available", "Complete"].into_iter().find_map(find);
    let text = |value: &Value| plain(value.as_str().unwrap_or_default());
    match condition {
        Some(condition) if condition["status"] == "True" => ("True".to_owned(), String::new()),
        Some(condition) => (text(&condition["status"]), text(&condition["reason"])),
        None => ("-".to_owned(), plain(object.text("status.phase").unwrap_or_default())),
    }
}

impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = |(before, uid): (String, String)| {
            let member = &self.members[&uid];
            let mark = if uid == self.asked_for && uid != self.root { " ←" } else { "" };
            let (ready, reason) = member.ready.clone();
            let title = format!("{before}{}{mark}", member.title());
            Row { key: uid, cells: vec![title, ready, reason, member.age(self.now)] }
        };
        let columns = ["NAME", "READY", "REASON", "AGE"].map(str::to_owned).to_vec();
        let sheet = Sheet { columns, rows: self.rows().into_iter().map(row).collect(), ..Sheet::default() };
        let widths = sheet.widths();
        sheet.lines().try_for_each(|line| writeln!(f, "{}", Line(line, &widths)))
    }
}

#[cfg(test)]
mod tests;
