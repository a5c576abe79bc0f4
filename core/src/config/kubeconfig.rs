//! Kubeconfig files from bytes: read, merged, looked into. After client-go's `tools/clientcmd` (loader.go, api/types.go), v0.37.
//!
//! Invariant: of every entry it is known which file it came from, and no error repeats a secret of the file: of a value that
//! may hold one only the names of its field and entry are told.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Deserializer, Serialize};
use serde_saphyr::ExternalMessageSource;
use serde_saphyr::granit_parser::ErrorKind;

use super::write::{named, reveal};
use super::{AuthProvider, ExecConfig, Secret, shown};
use crate::error::Error;

/// The largest file read: etcd would not hold one this large, and nobody writes one.
const LARGEST: usize = 16 << 20;

/// What is wrong with a list of extensions, told by their reader to who words the error.
const TWO_OF_ONE_NAME: &str = "there are two of one name: remove or rename one";

const TOO_MUCH: &str = "the YAML is too deep or its aliases grow too large: simplify it";

/// What one kubeconfig file says, or several merged. client-go's `clientcmdapi.Config`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kubeconfig {
    /// The context meant when none is named, "" for none.
    pub current_context: String,
    /// The servers by name.
    pub clusters: BTreeMap<String, Cluster>,
    /// The credentials by name.
    pub users: BTreeMap<String, User>,
    /// Pairs of a cluster and a user by name.
    pub contexts: BTreeMap<String, Context>,
    /// The files this came from, first the one that wins.
    pub origins: Vec<String>,
}

/// Where a server is and how to trust it. client-go's `clientcmdapi.Cluster`. An empty string means: not given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Cluster {
    /// The server's address.
    #[serde(deserialize_with = "or_default")]
    pub server: String,
    /// The name to check in the server's certificate.
    #[serde(deserialize_with = "or_default")]
    pub tls_server_name: String,
    /// Accept any certificate.
    #[serde(deserialize_with = "or_default")]
    pub insecure_skip_tls_verify: bool,
    /// The file of the trusted authorities' certificates.
    #[serde(deserialize_with = "or_default")]
    pub certificate_authority: String,
    /// Those certificates themselves: base64 of PEM. Not beside the file.
    #[serde(deserialize_with = "or_default")]
    pub certificate_authority_data: String,
    /// The proxy to go through; its address may hold a password.
    #[serde(deserialize_with = "or_default", serialize_with = "reveal")]
    pub proxy_url: Secret,
    /// Take answers uncompressed.
    #[serde(deserialize_with = "or_default")]
    pub disable_compression: bool,
    /// What other programs keep here, by name.
    #[serde(deserialize_with = "extensions", serialize_with = "named")]
    pub extensions: BTreeMap<String, serde_json::Value>,
    /// The file this entry came from.
    #[serde(skip)]
    pub origin: String,
}

/// What proves who we are. client-go's `clientcmdapi.AuthInfo`. An empty string means: not given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct User {
    /// The file of the client certificate.
    #[serde(deserialize_with = "or_default")]
    pub client_certificate: String,
    /// The client certificate itself: base64 of PEM. Not beside the file.
    #[serde(deserialize_with = "or_default")]
    pub client_certificate_data: String,
    /// The file of the client certificate's key.
    #[serde(deserialize_with = "or_default")]
    pub client_key: String,
    /// The key itself: base64 of PEM. Not beside the file.
    #[serde(deserialize_with = "or_default", serialize_with = "reveal")]
    pub client_key_data: Secret,
    /// A bearer token.
    #[serde(deserialize_with = "or_default", serialize_with = "reveal")]
    pub token: Secret,
    /// The file of a bearer token. Wins over the token while it can be read.
    #[serde(rename = "tokenFile", deserialize_with = "or_default")]
    pub token_file: String,
    /// The user to act as.
    #[serde(rename = "as", deserialize_with = "or_default")]
    pub impersonate: String,
    /// The unique id of the user to act as.
    #[serde(rename = "as-uid", deserialize_with = "or_default")]
    pub impersonate_uid: String,
    /// The groups of the user to act as.
    #[serde(rename = "as-groups", deserialize_with = "or_default")]
    pub impersonate_groups: Vec<String>,
    /// Further facts about the user to act as.
    #[serde(rename = "as-user-extra", deserialize_with = "or_default")]
    pub impersonate_extra: BTreeMap<String, Vec<String>>,
    /// The name of basic authentication.
    #[serde(deserialize_with = "or_default")]
    pub username: String,
    /// The password of basic authentication.
    #[serde(deserialize_with = "or_default", serialize_with = "reveal")]
    pub password: Secret,
    /// The program that gives the credential.
    pub exec: Option<ExecConfig>,
    /// The provider, older than plugins, that gives the credential.
    pub auth_provider: Option<AuthProvider>,
    /// The file this entry came from.
    #[serde(skip)]
    pub origin: String,
}

/// A pair of a cluster and a user. client-go's `clientcmdapi.Context`. An empty string means: not given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Context {
    /// The cluster's name.
    #[serde(deserialize_with = "or_default")]
    pub cluster: String,
    /// The user's name.
    #[serde(deserialize_with = "or_default")]
    pub user: String,
    /// The namespace meant when none is named.
    #[serde(deserialize_with = "or_default")]
    pub namespace: String,
    /// The file this entry came from.
    #[serde(skip)]
    pub origin: String,
}

impl Kubeconfig {
    /// Reads one file's bytes, YAML or JSON; `origin` is its name in errors. client-go's `clientcmd.Load`.
    pub fn parse(bytes: &[u8], origin: &str) -> Result<Self, Error> {
        let wrong = |what: String| Error::config(format!("kubeconfig {}: {what}", shown(origin)));
        if bytes.len() > LARGEST {
            return Err(wrong(format!(
                "is larger than {LARGEST} bytes: this is no kubeconfig, name another file"
            )));
        }
        let text = std::str::from_utf8(bytes).map_err(|error| {
            wrong(format!("is not UTF-8 text (byte {}): name a YAML file", error.valid_up_to()))
        })?;
        let mut track = serde_path_to_error::Track::new();
        let file = serde_saphyr::with_deserializer_from_str(text, |deserializer| {
            Option::<File>::deserialize(serde_path_to_error::Deserializer::new(deserializer, &mut track))
        });
        let file =
            file.map_err(|error| wrong(yaml_problem(&error, &track.path().to_string())))?.unwrap_or_default();
        file.check_kind().map_err(wrong)?;
        let cluster = |entry: Entry| Cluster { origin: origin.to_owned(), ..entry.cluster };
        let user = |entry: Entry| User { origin: origin.to_owned(), ..entry.user };
        let context = |entry: Entry| Context { origin: origin.to_owned(), ..entry.context };
        Ok(Self {
            current_context: file.current_context,
            clusters: by_name(file.clusters, "clusters", cluster).map_err(wrong)?,
            users: by_name(file.users, "users", user).map_err(wrong)?,
            contexts: by_name(file.contexts, "contexts", context).map_err(wrong)?,
            origins: vec![origin.to_owned()],
        })
    }

    /// Adds what `later`, a file of lower precedence, says: whoever names a cluster, user, context or the current
    /// context first wins, and entries of one name are never mixed. client-go's `ClientConfigLoadingRules.Load`.
    #[must_use]
    pub fn merge(mut self, later: Kubeconfig) -> Self {
        if self.current_context.is_empty() {
            self.current_context = later.current_context;
        }
        fill(&mut self.clusters, later.clusters);
        fill(&mut self.users, later.users);
        fill(&mut self.contexts, later.contexts);
        self.origins.extend(later.origins);
        self
    }

    /// Makes every relative path of a file absolute, as seen from `folder`. client-go's `ResolveLocalPaths`.
    #[must_use]
    pub fn relative_to(mut self, folder: &Path) -> Self {
        let absolute = |path: &mut String| {
            if !path.is_empty() {
                *path = folder.join(&*path).to_string_lossy().into_owned();
            }
        };
        self.clusters.values_mut().for_each(|cluster| absolute(&mut cluster.certificate_authority));
        for user in self.users.values_mut() {
            absolute(&mut user.client_certificate);
            absolute(&mut user.client_key);
            absolute(&mut user.token_file);
            if let Some(exec) = &mut user.exec
                && exec.command.contains(std::path::MAIN_SEPARATOR)
            {
                absolute(&mut exec.command);
            }
        }
        self
    }

    /// Whether nothing at all is said. client-go's `clientcmdapi.IsConfigEmpty`.
    pub fn is_empty(&self) -> bool {
        self.current_context.is_empty()
            && self.clusters.is_empty()
            && self.users.is_empty()
            && self.contexts.is_empty()
    }
}

/// The file as it is written.
#[derive(Default, Deserialize)]
#[serde(default)]
struct File {
    #[serde(deserialize_with = "or_default")]
    kind: String,
    #[serde(rename = "apiVersion", deserialize_with = "or_default")]
    api_version: String,
    #[serde(rename = "current-context", deserialize_with = "or_default")]
    current_context: String,
    #[serde(deserialize_with = "or_default")]
    clusters: Vec<Entry>,
    #[serde(deserialize_with = "or_default")]
    users: Vec<Entry>,
    #[serde(deserialize_with = "or_default")]
    contexts: Vec<Entry>,
    #[serde(rename = "extensions", deserialize_with = "extensions")]
    _extensions: BTreeMap<String, serde_json::Value>,
}

impl File {
    fn check_kind(&self) -> Result<(), String> {
        let kind_fits = self.kind.is_empty() || self.kind == "Config";
        let version_fits = self.api_version.is_empty() || self.api_version == "v1";
        if kind_fits && version_fits {
            return Ok(());
        }
        let (kind, version) = (&self.kind, &self.api_version);
        Err(format!("kind: is {kind:?} of {version:?} instead of \"Config\" of \"v1\": name a kubeconfig"))
    }
}

/// An entry of any of the three lists: each list reads its own field.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    #[serde(deserialize_with = "or_default")]
    name: String,
    #[serde(deserialize_with = "or_default")]
    cluster: Cluster,
    #[serde(deserialize_with = "or_default")]
    user: User,
    #[serde(deserialize_with = "or_default")]
    context: Context,
}

fn by_name<T>(
    entries: Vec<Entry>,
    field: &str,
    value: impl Fn(Entry) -> T,
) -> Result<BTreeMap<String, T>, String> {
    let mut map = BTreeMap::new();
    for mut entry in entries {
        let name = std::mem::take(&mut entry.name);
        if map.contains_key(&name) {
            return Err(format!("{field}: there are two of the name {name:?}: remove or rename one"));
        }
        map.insert(name, value(entry));
    }
    Ok(map)
}

fn fill<T>(map: &mut BTreeMap<String, T>, later: BTreeMap<String, T>) {
    for (name, value) in later {
        map.entry(name).or_insert(value);
    }
}

/// What is wrong, at which line and in which field, without repeating a value.
fn yaml_problem(error: &serde_saphyr::Error, path: &str) -> String {
    use serde_saphyr::Error as Yaml;
    let place = match error.location() {
        Some(at) if at.line() > 0 => format!("line {}, column {}: ", at.line(), at.column()),
        _ => String::new(),
    };
    let field =
        if matches!(path, "" | ".") || path.ends_with('?') { String::new() } else { format!("{path}: ") };
    let mut error = error.without_snippet();
    while let Yaml::AliasError { error: within, .. } = error {
        error = within.without_snippet();
    }
    match error {
        Yaml::SerdeInvalidType { expected, .. } | Yaml::SerdeInvalidValue { expected, .. } => {
            format!("{place}{field}this is not {expected}: correct it")
        }
        Yaml::InvalidScalar { ty, .. } => format!("{place}{field}this is not a {ty}: correct it"),
        Yaml::Unexpected { expected, .. } => {
            let expected = match *expected {
                "mapping start" => "a mapping of fields to values",
                "sequence start" => "a list",
                "string scalar" => "a text",
                other => other,
            };
            format!("{place}{field}this is not {expected}: correct it")
        }
        Yaml::InvalidBooleanStrict { .. } => {
            format!("{place}{field}this is neither true nor false: correct it")
        }
        Yaml::Message { msg, .. } if msg.contains(TWO_OF_ONE_NAME) => {
            format!("{place}{field}{TWO_OF_ONE_NAME}")
        }
        Yaml::DuplicateMappingKey { .. } => format!("{place}{field}a field is given twice: remove one"),
        Yaml::MultipleDocuments { .. } => format!("{place}a second YAML document begins: keep one"),
        Yaml::Budget { .. }
        | Yaml::AliasReplayLimitExceeded { .. }
        | Yaml::AliasExpansionLimitExceeded { .. }
        | Yaml::AliasReplayStackDepthExceeded { .. } => format!("{place}{TOO_MUCH}"),
        Yaml::ExternalMessage { source, .. } if is_too_deep(source) => format!("{place}{TOO_MUCH}"),
        Yaml::RecursiveReferencesRequireWeakTypes { .. } => {
            format!("{place}{field}the value of an anchor holds an alias to itself: take it out")
        }
        Yaml::UnknownAnchor { .. } => {
            format!("{place}{field}this alias has no anchor before it: add the anchor or correct the name")
        }
        _ => format!("{place}{field}this is not YAML: correct it or name another file"),
    }
}

fn is_too_deep(source: &ExternalMessageSource) -> bool {
    matches!(source, ExternalMessageSource::Parser(error)
        if matches!(error.kind(), ErrorKind::RecursionLimitExceeded))
}

/// A value, or its default where the file says `null`, as Go reads it.
pub(super) fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A list of names and values, as `clusters` is one; no name stands there twice.
fn extensions<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, serde_json::Value>, D::Error> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Extension {
        name: String,
        extension: serde_json::Value,
    }
    let mut map = BTreeMap::new();
    for Extension { name, extension } in or_default::<_, Vec<_>>(deserializer)? {
        if map.insert(name, extension).is_some() {
            return Err(serde::de::Error::custom(TWO_OF_ONE_NAME));
        }
    }
    Ok(map)
}
