//! Kubeconfig files changed in place. After client-go's `clientcmd/config.go` (`ModifyConfig`), v0.37.
//!
//! Differs: fields that are not understood stay where they are; client-go drops them. Comments are lost, as with client-go.
//! Invariant: what no change names is written back as it was read.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::{Cluster, Context, Kubeconfig, Secret, User, shown};
use crate::error::Error;

/// One kubeconfig file as it stands, to be changed and written back.
pub struct KubeconfigFile {
    tree: Map<String, Value>,
    origin: String,
}

impl KubeconfigFile {
    /// Reads one file's bytes, none for a new file; `origin` is its name, in errors and in [`Cluster::origin`].
    ///
    /// # Errors
    /// `Config`, as [`Kubeconfig::parse`].
    pub fn parse(bytes: &[u8], origin: &str) -> Result<Self, Error> {
        Kubeconfig::parse(bytes, origin)?;
        let tree: Option<Map<String, Value>> = serde_saphyr::from_slice(bytes).map_err(|_| {
            Error::config(format!(
                "kubeconfig {origin}: holds what cannot be written back (a key that is no text, or a number out of range): correct it"
            ))
        })?;
        let mut tree = tree.unwrap_or_default();
        for (field, value) in [("apiVersion", "v1"), ("kind", "Config")] {
            let given = tree.entry(field).or_insert(Value::Null);
            if given.as_str().is_none_or(str::is_empty) {
                *given = value.into();
            }
        }
        Ok(Self { tree, origin: origin.to_owned() })
    }

    /// Makes what of `after` differs from `before` and belongs here: entries that came from this file and, in the default
    /// file, new ones.
    pub fn apply(&mut self, before: &Kubeconfig, after: &Kubeconfig, is_default: bool) {
        self.change("clusters", "cluster", &before.clusters, &after.clusters, is_default);
        self.change("users", "user", &before.users, &after.users, is_default);
        self.change("contexts", "context", &before.contexts, &after.contexts, is_default);
    }

    /// Names the current context, "" for none.
    pub fn set_current_context(&mut self, name: &str) {
        self.tree.insert("current-context".to_owned(), name.into());
    }

    /// The file's text, YAML as kubectl writes it.
    ///
    /// # Errors
    /// `Config`, when it cannot be written as YAML.
    pub fn to_yaml(&self) -> Result<String, Error> {
        serde_saphyr::to_string(&self.tree).map_err(|_| {
            Error::config(format!("kubeconfig {}: cannot be written as YAML: simplify it", self.origin))
        })
    }

    fn change<T: Entry>(
        &mut self,
        list: &str,
        field: &str,
        before: &BTreeMap<String, T>,
        after: &BTreeMap<String, T>,
        is_default: bool,
    ) {
        let own = |entry: &T| entry.origin() == self.origin || entry.origin().is_empty() && is_default;
        let changed = after.iter().filter(|(name, entry)| before.get(*name) != Some(*entry) && own(entry));
        let changed: Vec<_> = changed.collect();
        let gone: Vec<_> =
            before.iter().filter(|(name, entry)| !after.contains_key(*name) && own(entry)).collect();
        if changed.is_empty() && gone.is_empty() {
            return;
        }
        let mut entries = match self.tree.remove(list) {
            Some(Value::Array(entries)) => entries,
            _ => Vec::new(),
        };
        entries.retain(|entry| gone.iter().all(|(name, _)| entry["name"] != **name));
        for (name, entry) in changed {
            let index = entries.iter().position(|entry| entry["name"] == **name).unwrap_or_else(|| {
                entries.push(json!({"name": name}));
                entries.len() - 1
            });
            if let Some(Value::Object(found)) = entries.get_mut(index) {
                // An entry that was another file's is written whole: there is none here that it differs from.
                let old = before.get(name).filter(|old| own(old));
                let target = found.remove(field).filter(|_| old.is_some()).unwrap_or_default();
                found.insert(field.to_owned(), patched(target, &fields(old), &fields(Some(entry))));
            }
        }
        self.tree.insert(list.to_owned(), Value::Array(entries));
    }
}

impl Kubeconfig {
    /// Looks whether each entry that differs from `before` has a file to go to: one of those that `before` came from, or
    /// the default file, for an entry without an origin.
    ///
    /// # Errors
    /// `Config`, naming an entry that [`KubeconfigFile::apply`] would write nowhere.
    pub fn check_origins(&self, before: &Kubeconfig) -> Result<(), Error> {
        let files = &before.origins;
        let found = stray("clusters", &before.clusters, &self.clusters, files)
            .or_else(|| stray("users", &before.users, &self.users, files))
            .or_else(|| stray("contexts", &before.contexts, &self.contexts, files));
        found.map_or(Ok(()), |stray| {
            let files = shown(&files.join(", "));
            let text =
                format!("kubeconfig {files}: {stray}, which is not among these files: clear its origin");
            Err(Error::config(text))
        })
    }
}

/// A changed entry that came from none of `files`, and where it came from.
fn stray<T: Entry>(
    list: &str,
    before: &BTreeMap<String, T>,
    after: &BTreeMap<String, T>,
    files: &[String],
) -> Option<String> {
    let known = |origin: &str| origin.is_empty() || files.iter().any(|file| file == origin);
    let mut changed = after.iter().filter(|(name, entry)| before.get(*name) != Some(*entry));
    let (name, entry) = changed.find(|(_, entry)| !known(entry.origin()))?;
    Some(format!("{list} {name:?}: came from {}", shown(entry.origin())))
}

impl std::fmt::Debug for KubeconfigFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KubeconfigFile").field("origin", &self.origin).finish_non_exhaustive()
    }
}

/// An entry of one of the three lists.
trait Entry: Serialize + PartialEq {
    fn origin(&self) -> &str;
}

impl Entry for Cluster {
    fn origin(&self) -> &str {
        &self.origin
    }
}

impl Entry for User {
    fn origin(&self) -> &str {
        &self.origin
    }
}

impl Entry for Context {
    fn origin(&self) -> &str {
        &self.origin
    }
}

/// The fields that are given: an empty one is as good as none.
fn fields<T: Entry>(entry: Option<&T>) -> Map<String, Value> {
    let Some(Ok(Value::Object(fields))) = entry.map(serde_json::to_value) else { return Map::new() };
    given(fields)
}

fn given(fields: Map<String, Value>) -> Map<String, Value> {
    let empty = |value: &Value| match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    };
    let inner = |value| match value {
        Value::Object(fields) => Value::Object(given(fields)),
        other => other,
    };
    fields.into_iter().map(|(name, value)| (name, inner(value))).filter(|(_, value)| !empty(value)).collect()
}

/// `target` with what differs between `before` and `after`.
fn patched(target: Value, before: &Map<String, Value>, after: &Map<String, Value>) -> Value {
    let mut target = match target {
        Value::Object(target) => target,
        _ => Map::new(),
    };
    for name in before.keys().filter(|name| !after.contains_key(*name)) {
        target.remove(name);
    }
    for (name, value) in after {
        let value = match (before.get(name), value) {
            (Some(same), value) if same == value => continue,
            (Some(Value::Object(before)), Value::Object(after)) => {
                patched(target.remove(name).unwrap_or_default(), before, after)
            }
            _ => value.clone(),
        };
        target.insert(name.clone(), value);
    }
    Value::Object(target)
}

/// Writes what a file is to hold, secret or not.
pub(super) fn reveal<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.reveal())
}

/// The same for a map.
pub(super) fn reveal_all<S: Serializer>(
    secrets: &BTreeMap<String, Secret>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(secrets.iter().map(|(name, secret)| (name, secret.reveal())))
}

/// A list of names and values, as extensions stand in a file.
pub(super) fn named<S: Serializer>(
    extensions: &BTreeMap<String, Value>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer
        .collect_seq(extensions.iter().map(|(name, extension)| json!({"name": name, "extension": extension})))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ExecConfig;

    const FILE: &str = "
# A comment.
apiVersion: v1
kind: Config
preferences: {colors: true}
new-in-v9: [1, 2.5, {deep: ~}]
flag: yes
current-context: dev
extensions: [{name: x, extension: {a: 1}}]
clusters:
- name: c
  cluster: {server: 'https://h', certificate-authority: ca.pem, brand-new: {x: 'yes'}}
- {name: other, cluster: {server: 'https://other'}, beside: 1}
users:
- name: u
  user:
    token: '0777'
    as-user-extra: {scopes: [a, 'no']}
    exec: {command: login, apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, env: [{name: A, value: s3cr3t}], unknown: here}
    later: 3
contexts:
- {name: dev, context: {cluster: c, user: u, extensions: [{name: minikube, extension: {last: '2024-01-01'}}]}}
";

    fn value(yaml: &str) -> Value {
        serde_saphyr::from_str(yaml).unwrap()
    }

    fn changed(change: impl FnOnce(&mut Kubeconfig)) -> Value {
        let before = Kubeconfig::parse(FILE.as_bytes(), "FILE").unwrap();
        let mut after = before.clone();
        change(&mut after);
        let mut file = KubeconfigFile::parse(FILE.as_bytes(), "FILE").unwrap();
        file.apply(&before, &after, true);
        value(&file.to_yaml().unwrap())
    }

    #[test]
    fn what_is_not_changed_stays_known_or_not() {
        assert_eq!(changed(|_| {}), value(FILE));
        let text = KubeconfigFile::parse(FILE.as_bytes(), "FILE").unwrap().to_yaml().unwrap();
        assert!(text.contains("flag: yes") || text.contains("flag: true"), "{text}");
        let mut expected = value(FILE);
        expected["clusters"][0]["cluster"]["server"] = "https://new".into();
        expected["clusters"][0]["cluster"]["insecure-skip-tls-verify"] = true.into();
        expected["clusters"][0]["cluster"].as_object_mut().unwrap().remove("certificate-authority");
        let found = changed(|config| {
            let cluster = config.clusters.get_mut("c").unwrap();
            cluster.server = "https://new".into();
            cluster.insecure_skip_tls_verify = true;
            cluster.certificate_authority.clear();
        });
        assert_eq!(found, expected);

        let mut expected = value(FILE);
        expected["users"][0]["user"]["exec"]["command"] = "logout".into();
        expected["users"][0]["user"]["token"] = "on".into();
        let found = changed(|config| {
            let user = config.users.get_mut("u").unwrap();
            user.exec.as_mut().unwrap().command = "logout".into();
            user.token = Secret::new("on");
        });
        assert_eq!(found, expected);
    }

    #[test]
    fn entries_come_and_go() {
        let found = changed(|config| {
            config.clusters.remove("other");
            config.contexts.insert(
                "new".into(),
                Context { cluster: "c".into(), namespace: "1e3".into(), ..Context::default() },
            );
            let exec = Some(ExecConfig { command: "x".into(), ..ExecConfig::default() });
            config.users.insert("new".into(), User { exec, ..User::default() });
        });
        assert_eq!(found["clusters"].as_array().unwrap().len(), 1);
        assert_eq!(
            found["contexts"][1],
            json!({"name": "new", "context": {"cluster": "c", "namespace": "1e3"}})
        );
        assert_eq!(found["users"][1], json!({"name": "new", "user": {"exec": {"command": "x"}}}));
    }

    #[test]
    fn entries_of_other_files_are_left_to_them() {
        let mut file = KubeconfigFile::parse(b"", "NEW").unwrap();
        let before = Kubeconfig::parse(FILE.as_bytes(), "FILE").unwrap();
        let mut after = before.clone();
        after.clusters.get_mut("c").unwrap().server = "https://new".into();
        after.clusters.insert("d".into(), Cluster { server: "https://d".into(), ..Cluster::default() });
        file.apply(&before, &after, false);
        assert_eq!(value(&file.to_yaml().unwrap()), json!({"apiVersion": "v1", "kind": "Config"}));
        file.apply(&before, &after, true);
        file.set_current_context("dev");
        // `TestEncodeYAML`: names that an older reader takes for numbers are quoted.
        after.clusters.insert("433e40".into(), Cluster { server: "https://n".into(), ..Cluster::default() });
        let mut numbers = KubeconfigFile::parse(b"", "NEW").unwrap();
        numbers.apply(&before, &after, true);
        assert!(!numbers.to_yaml().unwrap().contains("name: 433e40\n"));
        let clusters = json!([{"name": "d", "cluster": {"server": "https://d"}}]);
        let expected =
            json!({"apiVersion": "v1", "kind": "Config", "clusters": clusters, "current-context": "dev"});
        assert_eq!(value(&file.to_yaml().unwrap()), expected);
    }

    #[test]
    fn an_entry_that_comes_from_another_file_is_written_whole() {
        let before = Kubeconfig::parse(FILE.as_bytes(), "FILE").unwrap();
        let mut after = before.clone();
        let cluster = after.clusters.get_mut("c").unwrap();
        (cluster.origin, cluster.certificate_authority) = (String::new(), "new".into());
        let hidden = b"clusters: [{name: c, cluster: {server: x, tls-server-name: stale}}]";
        for bytes in [b"".as_slice(), hidden] {
            let mut file = KubeconfigFile::parse(bytes, "FIRST").unwrap();
            file.apply(&before, &after, true);
            let expected =
                json!([{"name": "c", "cluster": {"server": "https://h", "certificate-authority": "new"}}]);
            assert_eq!(value(&file.to_yaml().unwrap())["clusters"], expected);
        }
    }

    #[test]
    fn an_entry_of_no_file_is_told_of() {
        let before = Kubeconfig::parse(FILE.as_bytes(), "FILE").unwrap();
        let mut after = before.clone();
        after.contexts.insert("new".into(), Context::default());
        after.check_origins(&before).unwrap();
        after.users.insert("u".into(), User { origin: "ELSEWHERE".into(), ..User::default() });
        assert_eq!(
            after.check_origins(&before).unwrap_err().to_string(),
            "kubeconfig FILE: users \"u\": came from ELSEWHERE, which is not among these files: clear its origin"
        );
    }
}
