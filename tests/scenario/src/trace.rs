//! Events as lines that do not depend on the server they came from.

use portolan::cache::Event;
use portolan::meta::{MetaRef, Object};

/// The lines so far, and the uids and versions seen, in order.
#[derive(Default)]
pub(crate) struct Trace {
    pub(crate) lines: Vec<String>,
    uids: Vec<String>,
    versions: Vec<String>,
}

impl Trace {
    pub(crate) fn note<T: Object>(&mut self, event: &Event<T>) {
        let line = match event {
            Event::Added { object, is_in_initial_list } => {
                let MetaRef { name, uid, resource_version, .. } = object.meta();
                let (uid, version) =
                    (place(&mut self.uids, uid), place(&mut self.versions, resource_version));
                let initial = if *is_in_initial_list { " initial" } else { "" };
                format!("added {name} uid={uid} version={version}{initial}")
            }
            Event::Updated { old, new } => {
                let (uid, before) = (new.meta().uid, old.meta().resource_version);
                let (uid, before) = (place(&mut self.uids, uid), place(&mut self.versions, before));
                let after = place(&mut self.versions, new.meta().resource_version);
                format!("updated {} uid={uid} version={before}→{after}", new.meta().name)
            }
            Event::Deleted { object, .. } => {
                let uid = place(&mut self.uids, object.meta().uid);
                format!("deleted {} uid={uid}", object.meta().name)
            }
        };
        self.lines.push(line);
    }
}

/// The place of `text` among those seen, counted from 1.
fn place(seen: &mut Vec<String>, text: &str) -> usize {
    if let Some(index) = seen.iter().position(|known| known == text) {
        return index + 1;
    }
    seen.push(text.to_owned());
    seen.len()
}
