//! Short names: `po`, `deploy`, `hpa`. Follows client-go 0.37 `restmapper/shortcut.go`.

use super::RestMapper;
use crate::client::discovery::DiscoveredResource;
use crate::meta::{ApiResource, GroupVersionResource};

impl RestMapper {
    /// The resource that a short name stands for, and what to tell a person when it could stand for others too. Anything
    /// else, and whatever is also a full name, is given back as it is.
    pub fn expand_short_name(&self, asked: &GroupVersionResource) -> (GroupVersionResource, Vec<String>) {
        let name = &*asked.resource;
        let of_group = |group: &str| asked.group.is_empty() || asked.group == group;
        let named_in_full = self.discovery.resources().any(|found| {
            of_group(&found.resource.group) && (found.resource.plural == name || found.singular == name)
        });
        if named_in_full {
            return (asked.clone(), Vec::new());
        }
        let called = |found: &&DiscoveredResource| found.short_names.iter().any(|given| given == name);
        let called: Vec<_> = self.discovery.resources().filter(called).map(|found| &found.resource).collect();
        let mut candidates = called.iter().filter(|resource| of_group(&resource.group));
        if let Some(first) = candidates.next() {
            let expanded = GroupVersionResource {
                group: first.group.clone(),
                version: "".into(),
                resource: first.plural.clone(),
            };
            let mut warnings = Vec::new();
            for other in candidates.filter(|other| other.to_string() != first.to_string()) {
                let warning = format!("short name {name:?} could also match lower priority resource {other}");
                if !warnings.contains(&warning) {
                    warnings.push(warning);
                }
            }
            return (expanded, warnings);
        }
        // A group may be shortened too: `hpa.autosc`.
        let begins = |resource: &&&ApiResource| resource.group.starts_with(&*asked.group);
        let begins = called.iter().find(begins).filter(|_| !asked.group.is_empty());
        let expanded = begins.map(|resource| GroupVersionResource {
            group: resource.group.clone(),
            version: asked.version.clone(),
            resource: resource.plural.clone(),
        });
        (expanded.unwrap_or_else(|| asked.clone()), Vec::new())
    }
}
