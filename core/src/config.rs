//! Where the server is and who we are: [`Config`], plain data that a transport and its layers are built from.
//!
//! Invariant: nothing here prints a token, a password or a key; `Debug` says only that one is there.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;

use crate::error::Error;
use crate::policy::Backoff;

mod exec;
mod kubeconfig;
mod oidc;
mod overrides;
mod pem;
mod proxy;
mod resolve;
mod write;

pub use exec::{ExecCache, ExecCluster, ExecConfig, ExecCredential, ExecVariable, PluginPolicy};
pub use kubeconfig::{Cluster, Context, Kubeconfig, User};
pub use oidc::{AuthProvider, OidcConfig};
pub use overrides::Overrides;
pub use proxy::{ProxyScheme, ProxyUrl};
pub use write::KubeconfigFile;

/// Everything a client needs to know of its server. client-go's `rest.Config`.
#[derive(Clone, Debug)]
pub struct Config {
    /// The server's base address: scheme, host, port and, behind a gateway, a path that comes before `/api` and `/apis`.
    pub server: http::Uri,
    /// The namespace meant when none is named: "default" unless the context or the service account says otherwise.
    pub default_namespace: String,
    /// Who we are.
    pub auth: Auth,
    /// How the connection is secured.
    pub tls: Tls,
    /// The proxy to go through; `None`: natively, those of HTTPS_PROXY, HTTP_PROXY and NO_PROXY. client-go's
    /// `rest.Config.Proxy`.
    pub proxy_url: Option<ProxyUrl>,
    /// Take no compressed answers: natively gzip is asked for otherwise, and a browser asks for what it likes. client-go's
    /// `rest.Config.DisableCompression`.
    pub disable_compression: bool,
    /// Which way a watch goes. The transport's constructor sets it.
    pub watch_over: WatchOver,
    /// Say `pretty=false` with every request: the server indents JSON for browsers and curl, to 2.3 times the bytes.
    /// The browser's constructor sets it.
    pub refuse_indentation: bool,
    /// How objects of built-in kinds are asked for and sent. client-go's `rest.ContentConfig`.
    pub content_type: ContentType,
    /// The `User-Agent` header. The server takes what stands before its first `/` for the field manager of a change that
    /// names none. `portolan_native` puts the program's name there where it loads a configuration.
    pub user_agent: String,
    /// The limit for one request from its start to the end of its body, or to the answer's head where the body is read
    /// as it comes; watches have none. `None`: no limit.
    pub timeout: Option<Duration>,
    /// How fast requests may go; watches are not counted. `None`: as fast as they can. client-go's `QPS` and `Burst`. All
    /// calls of a client share one bucket, of whatever group they are; discovery has its own while this is the default.
    pub rate_limit: Option<RateLimit>,
    /// How to slow down when the server answers 429 or 5xx without saying when to come back. `None`, the default: not at
    /// all. client-go's `KUBE_CLIENT_BACKOFF_BASE` and `KUBE_CLIENT_BACKOFF_DURATION`.
    pub backoff: Option<Backoff>,
}

impl Config {
    /// A config for the server at `address`, without credentials. A missing scheme means `http`, as in client-go.
    pub fn new(address: &str) -> Result<Self, Error> {
        Ok(Self { server: server_address(address).map_err(Error::config)?, ..Self::default() })
    }
}

impl Default for Config {
    /// The server at `http://localhost:8080`, as in client-go.
    fn default() -> Self {
        Self {
            server: http::Uri::from_static("http://localhost:8080"),
            default_namespace: "default".to_owned(),
            auth: Auth::default(),
            tls: Tls::default(),
            proxy_url: None,
            disable_compression: false,
            watch_over: WatchOver::Http,
            refuse_indentation: false,
            content_type: ContentType::default(),
            user_agent: concat!("portolan/", env!("CARGO_PKG_VERSION")).to_owned(),
            timeout: None,
            rate_limit: Some(RateLimit::default()),
            backoff: None,
        }
    }
}

/// How fast requests may go. client-go's `rest.Config.QPS` and `Burst`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateLimit {
    /// So many a second on average.
    pub qps: f32,
    /// So many at once after a rest.
    pub burst: u32,
}

impl Default for RateLimit {
    /// 5 a second and 10 at once: client-go's `DefaultQPS` and `DefaultBurst`.
    fn default() -> Self {
        Self { qps: 5.0, burst: 10 }
    }
}

/// How objects are written on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContentType {
    /// As JSON, which keeps members that newer servers have and this library does not know.
    #[default]
    Json,
    /// As protobuf where the server speaks it, a third to a half smaller; fields unknown here are not kept. Custom resources
    /// stay JSON, and so does a watch over a WebSocket and a body with a member that protobuf does not have.
    #[cfg(feature = "protobuf")]
    Protobuf,
    /// As CBOR where the server speaks it, custom resources too; nothing is lost. A watch over a WebSocket stays JSON. What
    /// is read falls back by itself. A server that does not speak it refuses a first write with 415, which the caller
    /// sees, as client-go's does; the requests after it go as JSON.
    #[cfg(feature = "cbor")]
    Cbor,
}

/// Which way a watch goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WatchOver {
    /// As the streamed body of a GET: the natural way, natively.
    #[default]
    Http,
    /// As the messages of a WebSocket.
    Socket,
    /// As the messages of a WebSocket, and over HTTP when no socket can be had.
    SocketThenHttp,
}

/// Who we are: a credential, and whom to act as.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Auth {
    /// What proves who we are, beside a client certificate.
    pub credential: Credential,
    /// Whom to act as.
    pub impersonate: Option<Impersonate>,
}

/// What proves who we are in the `Authorization` header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Credential {
    /// Nothing.
    #[default]
    None,
    /// A bearer token.
    Token(Secret),
    /// A bearer token in a file that is read again as it changes: for transports that have files.
    TokenFile {
        /// The file's path.
        path: String,
        /// The token to use as long as the file cannot be read.
        fallback: Option<Secret>,
    },
    /// A user's name and password.
    Basic {
        /// The user's name.
        username: String,
        /// The user's password.
        password: Secret,
    },
    /// What a program gives: for transports that can run one.
    Exec(Box<ExecConfig>),
    /// What an identity provider gives: for transports that can ask one.
    Oidc(Box<OidcConfig>),
}

/// Whom to act as. client-go's `rest.ImpersonationConfig`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Impersonate {
    /// The user's name.
    pub user: String,
    /// The user's unique id, "" for none.
    pub uid: String,
    /// The user's groups.
    pub groups: Vec<String>,
    /// Further facts about the user, each with its values.
    pub extra: BTreeMap<String, Vec<String>>,
}

/// How the connection is secured. client-go's `rest.TLSClientConfig`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// The authorities whose certificates are trusted; `None`: those of the system.
    pub certificate_authority: Option<Pem>,
    /// Our certificate and its key.
    pub identity: Option<Identity>,
    /// Accept any certificate of the server: anybody can then read and change what is sent.
    pub insecure: bool,
    /// The name to ask for and to check in the server's certificate, when it is not the address's host.
    pub server_name: Option<String>,
}

/// A client certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The certificate, followed by those that lead to its authority.
    pub certificate: Pem,
    /// The certificate's private key.
    pub key: Pem,
}

/// PEM text, here or in a file.
#[derive(Clone, PartialEq, Eq)]
pub enum Pem {
    /// The text itself.
    Data(Bytes),
    /// The path of a file that holds it: for transports that have files.
    File(String),
}

impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Data(data) => write!(f, "Data({} bytes)", data.len()),
            Self::File(path) => write!(f, "File({path:?})"),
        }
    }
}

/// A text that must not be shown: `Debug` hides it and there is no `Display`.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(Cow<'static, str>);

impl Secret {
    /// Hides `text`.
    pub fn new(text: impl Into<Cow<'static, str>>) -> Self {
        Self(text.into())
    }

    /// The text, for the one place that sends it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

/// A file's or an entry's name in one harmless line.
pub(crate) fn shown(name: &str) -> String {
    name.replace(char::is_control, "\u{fffd}")
}

/// Whether `text` can stand in a header.
pub(crate) fn is_header_text(text: &str) -> bool {
    http::HeaderValue::from_str(text).is_ok()
}

/// Reads a server's address as client-go does: scheme optional, no query, no trailing slash. The error says what is wrong.
pub(crate) fn server_address(address: &str) -> Result<http::Uri, String> {
    let address = address.trim();
    if address.is_empty() {
        return Err("the server's address is empty: give one such as https://localhost:6443".to_owned());
    }
    if address.contains('@') {
        return Err("the server's address holds a user name: put credentials under users".to_owned());
    }
    let whole = if address.contains("://") {
        Cow::Borrowed(address)
    } else {
        Cow::Owned(format!("http://{address}"))
    };
    let wrong = |why: &str| {
        format!("{address:?} is no server address ({why}): give one such as https://localhost:6443")
    };
    let uri: http::Uri = whole.parse().map_err(|error: http::uri::InvalidUri| wrong(&error.to_string()))?;
    match uri.scheme_str() {
        Some("http" | "https") => {}
        _ => return Err(wrong("its scheme must be http or https")),
    }
    let authority = uri.authority().filter(|authority| !authority.host().is_empty());
    let Some(authority) = authority else { return Err(wrong("it names no host")) };
    port_of(authority).map_err(wrong)?;
    let trimmed = uri.path().trim_end_matches('/');
    http::Uri::builder()
        .scheme(uri.scheme_str().unwrap_or("http"))
        .authority(authority.clone())
        .path_and_query(if trimmed.is_empty() { "/" } else { trimmed })
        .build()
        .map_err(|error| wrong(&error.to_string()))
}

/// The port that an address names, `None` for its scheme's own. An error for what is no port: `http` alone takes it for none.
pub fn port_of(authority: &http::uri::Authority) -> Result<Option<u16>, &'static str> {
    let text = authority.as_str();
    let place = text.rsplit_once('@').map_or(text, |(_, place)| place);
    let port = match place.strip_prefix(authority.host()) {
        Some("") => return Ok(None),
        Some(rest) => rest.strip_prefix(':').filter(|port| port.bytes().all(|byte| byte.is_ascii_digit())),
        None => None,
    };
    let port = port.and_then(|port| port.parse().ok()).map(Some);
    port.ok_or("what follows its host is no port from 0 to 65535")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_client_go_reads_them() {
        for (given, read) in [
            ("https://host:6443", "https://host:6443/"),
            ("host:8080", "http://host:8080/"),
            ("https://host/k8s/clusters/c-1/", "https://host/k8s/clusters/c-1"),
            ("https://[::1]:6443/?a=b", "https://[::1]:6443/"),
        ] {
            assert_eq!(server_address(given).map(|uri| uri.to_string()).as_deref(), Ok(read));
        }
        for wrong in ["", " ", "ftp://host", "https://", "https://user:secret@host", "ht tp://x"] {
            let error = server_address(wrong).unwrap_err();
            assert!(!error.contains("secret"), "{error}");
        }
        for wrong in
            ["host:99999", "https://host:65536", "host:abc", "host:", "host:+80", "[::1]:x", "[::1]80"]
        {
            let error = server_address(wrong).unwrap_err();
            assert!(error.contains("is no server address"), "{wrong}: {error}");
        }
    }

    #[test]
    fn debug_hides_what_is_secret() {
        let config = Config {
            auth: Auth { credential: Credential::Token(Secret::new("s3cr3t")), impersonate: None },
            tls: Tls {
                identity: Some(Identity {
                    certificate: Pem::Data(Bytes::from_static(b"cert")),
                    key: Pem::Data(Bytes::from_static(b"s3cr3t")),
                }),
                ..Tls::default()
            },
            ..Config::default()
        };
        let text = format!("{config:?}");
        assert!(!text.contains("s3cr3t") && text.contains("Data(6 bytes)"), "{text}");
        let cluster = Cluster { proxy_url: Secret::new("http://jo:s3cr3t@proxy"), ..Cluster::default() };
        assert!(!format!("{cluster:?}").contains("s3cr3t"));
    }
}
