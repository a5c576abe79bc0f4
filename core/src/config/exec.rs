//! Credential plugins, as pure steps: what to run, what its answer means, how long that serves. After client-go's
//! `plugin/pkg/client/auth/exec/exec.go` and `pkg/apis/clientauthentication`, v0.37.
//!
//! Differs: a plugin has a time limit, and after a 401 it runs with the next request, not while the refusal is read.
//! Invariant: no byte of an answer gets into an error, and `Debug` shows no argument and no variable's value.

mod policy;

use std::fmt;
use std::time::Duration;

use base64::Engine;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::kubeconfig::or_default;
use super::pem::{Holds, check};
use super::write::reveal;
use super::{Config, Identity, Pem, ProxyUrl, Secret, is_header_text};
use crate::error::Error;
pub use policy::PluginPolicy;

/// The versions of the protocol: client-go's `apiVersions`.
const VERSIONS: [&str; 2] = ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"];
/// The version whose interactive mode may be left out.
const BETA: &str = VERSIONS[1];
/// The name under which a cluster keeps its own settings of the plugin. client-go's `clusterExtensionKey`.
pub(super) const CLUSTER_EXTENSION: &str = "client.authentication.k8s.io/exec";

/// The program that gives a user's credential. client-go's `clientcmdapi.ExecConfig`. An empty text means: not given.
#[derive(Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ExecConfig {
    /// The program: a name looked up in PATH, or a path.
    #[serde(deserialize_with = "or_default")]
    pub command: String,
    /// Its arguments.
    #[serde(deserialize_with = "or_default")]
    pub args: Vec<String>,
    /// Variables it gets beside those of this process.
    #[serde(deserialize_with = "or_default")]
    pub env: Vec<ExecVariable>,
    /// The version of the protocol it speaks: `client.authentication.k8s.io/v1` or `…/v1beta1`.
    #[serde(deserialize_with = "or_default")]
    pub api_version: String,
    /// What to do when it is not installed, shown to the user.
    #[serde(deserialize_with = "or_default")]
    pub install_hint: String,
    /// Tell it which cluster it is for.
    #[serde(deserialize_with = "or_default")]
    pub provide_cluster_info: bool,
    /// Whether it may ask the user: `Never`, `IfAvailable` (v1beta1's default) or `Always`.
    #[serde(deserialize_with = "or_default")]
    pub interactive_mode: String,
    /// Why it may not read standard input, such as "read by this program"; `None`: it may. client-go's
    /// `StdinUnavailable` and `StdinUnavailableMessage`.
    #[serde(skip)]
    pub stdin_unavailable: Option<String>,
    /// The cluster's own settings of the plugin, from its extension `client.authentication.k8s.io/exec`. client-go's
    /// `Config`.
    #[serde(skip)]
    pub cluster_config: Option<serde_json::Value>,
    /// Whether it may run at all.
    #[serde(skip)]
    pub policy: PluginPolicy,
    /// How long it may take; `None`: five minutes, in which a user can log in.
    #[serde(skip)]
    pub timeout: Option<Duration>,
    /// Where it is named, as errors say it: `kubeconfig FILE: users "jo": exec`.
    #[serde(skip)]
    pub origin: String,
}

/// One variable of a program's environment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct ExecVariable {
    /// Its name.
    pub name: String,
    /// Its value.
    #[serde(deserialize_with = "or_default", serialize_with = "reveal")]
    pub value: Secret,
}

impl fmt::Debug for ExecConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecConfig")
            .field("command", &self.command)
            .field("args", &format_args!("{} hidden", self.args.len()))
            .field("env", &self.env)
            .field("api_version", &self.api_version)
            .finish_non_exhaustive()
    }
}

impl ExecConfig {
    /// What is wrong with it, named by its field. client-go's `validateAuthInfo`.
    pub(super) fn problem(&self) -> Option<(&'static str, String)> {
        let versions = VERSIONS.join(" or ");
        if self.command.is_empty() {
            return Some(("command", "is missing: name the program".to_owned()));
        }
        if self.api_version.is_empty() {
            return Some(("apiVersion", format!("is missing: give {versions}")));
        }
        if !VERSIONS.contains(&self.api_version.as_str()) {
            return Some(("apiVersion", format!("{:?} is not supported: give {versions}", self.api_version)));
        }
        if self.env.iter().any(|variable| variable.name.is_empty()) {
            return Some(("env", "a variable has no name: give it one".to_owned()));
        }
        match self.interactive_mode.as_str() {
            "" if self.api_version == BETA => None,
            "Never" | "IfAvailable" | "Always" => None,
            "" => Some(("interactiveMode", "is missing: give Never, IfAvailable or Always".to_owned())),
            other => Some((
                "interactiveMode",
                format!("{other:?} is none of Never, IfAvailable and Always: give one"),
            )),
        }
    }

    /// Whether the plugin may ask the user; `terminal` says whether standard input is one. client-go's `isInteractive`.
    ///
    /// # Errors
    /// `Auth`, when it must ask and cannot.
    pub fn interactive(&self, terminal: bool) -> Result<bool, Error> {
        let unable = |why: &str| {
            let text =
                format!("has to ask (interactiveMode: Always), but {why}: run this in a terminal first");
            Err(self.failed(&text))
        };
        match (self.interactive_mode.as_str(), &self.stdin_unavailable) {
            ("Never", _) => Ok(false),
            ("Always", _) if !terminal => unable("standard input is no terminal"),
            ("Always", Some(why)) => unable(&format!("standard input is unavailable ({why})")),
            ("Always", None) => Ok(true),
            (_, unavailable) => Ok(terminal && unavailable.is_none()),
        }
    }

    /// The value of `KUBERNETES_EXEC_INFO`: an `ExecCredential` in JSON that says what is wanted.
    pub fn info(&self, interactive: bool, cluster: &ExecCluster) -> String {
        #[derive(Serialize)]
        struct Spec<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            cluster: Option<&'a ExecCluster>,
            interactive: bool,
        }
        let cluster = self.provide_cluster_info.then_some(cluster);
        let spec = Spec { cluster, interactive };
        let kind = serde_json::json!({
            "kind": "ExecCredential", "apiVersion": self.api_version, "spec": spec,
        });
        kind.to_string()
    }

    /// What the plugin's `answer`, all it wrote to standard output, means: an `ExecCredential` in JSON or YAML.
    ///
    /// # Errors
    /// `Auth`, when it is not what the protocol asks for.
    pub fn read(&self, answer: &[u8]) -> Result<ExecCredential, Error> {
        let wrong = |what: &str| self.failed(&format!("answered {what}"));
        let whole: Answer = match answer.trim_ascii_start().first() {
            None => return Err(wrong("nothing: run it by hand to see why")),
            Some(b'{') => serde_json::from_slice(answer).ok(),
            Some(_) => serde_saphyr::from_slice(answer).ok(),
        }
        .ok_or_else(|| wrong("something else than an ExecCredential: run it by hand to see what"))?;
        if whole.kind != "ExecCredential" || whole.api_version != self.api_version {
            let text = format!(
                "something else than an ExecCredential of {:?}: correct apiVersion, or the plugin",
                self.api_version
            );
            return Err(wrong(&text));
        }
        let status = whole.status.ok_or_else(|| wrong("without a status: run it by hand to see why"))?;
        let identity = match (&status.client_certificate_data, &status.client_key_data) {
            (certificate, key) if certificate.is_empty() && key.is_empty() => None,
            (certificate, key) if certificate.is_empty() || key.is_empty() => {
                return Err(wrong("with a certificate or a key alone: it must give both"));
            }
            (certificate, key) => {
                check(certificate.as_bytes(), Holds::Certificate)
                    .map_err(|why| wrong(&format!("with a clientCertificateData that {why}")))?;
                check(key.reveal().as_bytes(), Holds::Key)
                    .map_err(|why| wrong(&format!("with a clientKeyData that {why}")))?;
                let key = Bytes::copy_from_slice(key.reveal().as_bytes());
                let certificate = Bytes::copy_from_slice(certificate.as_bytes());
                Some(Identity { certificate: Pem::Data(certificate), key: Pem::Data(key) })
            }
        };
        let token = (!status.token.is_empty()).then_some(status.token);
        if token.as_ref().is_some_and(|token| !is_header_text(token.reveal().trim())) {
            return Err(wrong("with a token that holds a character no header may carry"));
        }
        if token.is_none() && identity.is_none() {
            return Err(wrong("with neither a token nor a certificate and its key"));
        }
        let expires = status.expiration_timestamp.filter(|text| !text.is_empty()).map(|text| {
            let time: jiff::Timestamp = text.parse().ok()?;
            Some(Duration::from_secs(u64::try_from(time.as_second()).unwrap_or(0)))
        });
        let expires = match expires {
            Some(None) => return Err(wrong("with an expirationTimestamp that is no time (RFC 3339)")),
            Some(Some(expires)) => Some(expires),
            None => None,
        };
        Ok(ExecCredential { token, identity, expires })
    }

    /// An error of this plugin: `what` follows its name.
    pub fn failed(&self, what: &str) -> Error {
        let place = if self.origin.is_empty() { "exec" } else { &self.origin };
        Error::auth(format!("{place}: the credential plugin {:?} {what}", self.command))
    }
}

/// The `ExecCredential` a plugin answers.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    api_version: String,
    #[serde(default)]
    status: Option<AnswerStatus>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct AnswerStatus {
    expiration_timestamp: Option<String>,
    #[serde(deserialize_with = "or_default")]
    token: Secret,
    #[serde(deserialize_with = "or_default")]
    client_certificate_data: String,
    #[serde(deserialize_with = "or_default")]
    client_key_data: Secret,
}

/// The cluster, as a plugin is told of it. client-go's `clientauthentication.Cluster`.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ExecCluster {
    server: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    tls_server_name: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    insecure_skip_tls_verify: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    certificate_authority_data: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    proxy_url: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    disable_compression: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<serde_json::Value>,
}

impl fmt::Debug for ExecCluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecCluster").field("server", &self.server).finish_non_exhaustive()
    }
}

impl ExecCluster {
    /// The server of `config`; `authority` is the PEM of the authorities it names, read if it is in a file. client-go's
    /// `rest.ConfigToExecCluster`.
    pub fn new(config: &Config, exec: &ExecConfig, authority: Option<&Bytes>) -> Self {
        let engine = base64::engine::general_purpose::STANDARD;
        Self {
            server: config.server.to_string().trim_end_matches('/').to_owned(),
            tls_server_name: config.tls.server_name.clone().unwrap_or_default(),
            insecure_skip_tls_verify: config.tls.insecure,
            certificate_authority_data: authority.map(|pem| engine.encode(pem)).unwrap_or_default(),
            proxy_url: config.proxy_url.as_ref().map(ProxyUrl::reveal).unwrap_or_default(),
            disable_compression: config.disable_compression,
            config: exec.cluster_config.clone(),
        }
    }
}

/// What a plugin gave: a token, a client certificate, or both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecCredential {
    /// The bearer token.
    pub token: Option<Secret>,
    /// The client certificate.
    pub identity: Option<Identity>,
    /// Until when it serves, since the Unix epoch; `None`: until the server refuses it.
    pub expires: Option<Duration>,
}

/// The credential a plugin gave last, and whether it still serves.
#[derive(Debug, Default)]
pub struct ExecCache {
    held: Option<ExecCredential>,
    refused: bool,
}

impl ExecCache {
    /// The credential to use at `unix_time`, a time since the Unix epoch; `None`: run the plugin.
    pub fn current(&self, unix_time: Duration) -> Option<&ExecCredential> {
        let expired = |held: &&ExecCredential| held.expires.is_some_and(|expires| unix_time > expires);
        self.held.as_ref().filter(|held| !self.refused && !expired(held))
    }

    /// Remembers what the plugin gave.
    pub fn put(&mut self, credential: ExecCredential) {
        *self = Self { held: Some(credential), refused: false };
    }

    /// The server refused (401) a request that bore `token`. Says nothing of a credential that has come since.
    pub fn refused(&mut self, token: Option<&Secret>) {
        self.refused |= self.held.as_ref().is_some_and(|held| held.token.as_ref() == token);
    }

    /// The client certificate the plugin gave last, expired or not.
    pub fn identity(&self) -> Option<&Identity> {
        self.held.as_ref().and_then(|held| held.identity.as_ref())
    }
}

/// A text without what could put a terminal into another state. client-go's `cleanANSIEscapeCodes`.
pub(super) fn harmless(text: &str) -> String {
    // Behind a letter a combining mark is printable.
    let printable = |character: char| format!("a{character}").escape_debug().count() == 2;
    let space = |character: char| character.is_whitespace() && character != '\u{85}';
    let mut clean = String::with_capacity(text.len());
    for character in text.chars() {
        if space(character) || matches!(character, '\'' | '"' | '\\') || printable(character) {
            clean.push(character);
        } else {
            clean.push_str(&format!("U+{:04X}", u32::from(character)));
        }
    }
    clean
}

#[cfg(test)]
mod tests;
