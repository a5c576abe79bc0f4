//! Opens connections: TCP, then TLS with the protocols asked for.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use portolan::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::rustls::pki_types::ServerName;
use tower_service::Service;

use crate::failure;
use crate::security::{DIAL_CHECK, KEPT_CHECK, Security};

/// How long a TCP connection may take to open: client-go's `net.Dialer{Timeout}`.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// How long the TLS handshake may take: client-go's `TLSHandshakeTimeout`.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// A silent peer is probed after this long, and given up after three probes: what ends a half-open watch.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Bytes both ways.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// An open connection as hyper takes it.
pub(crate) type Io = TokioIo<Box<dyn Duplex>>;

/// Whom to connect to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Server {
    pub(crate) secure: bool,
    /// Without the brackets of an IPv6 address.
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Server {
    /// The server a request's absolute URI names; `ws` and `wss` mean `http` and `https`.
    pub(crate) fn of(uri: &Uri) -> Result<Self, Error> {
        let secure = match uri.scheme_str() {
            Some("https" | "wss") => true,
            Some("http" | "ws") => false,
            _ => {
                return Err(Error::config(
                    "the request's URI is not absolute: start it with http:// or https://",
                ));
            }
        };
        let host = uri.host().unwrap_or_default();
        if host.is_empty() {
            return Err(Error::config("the request's URI names no host"));
        }
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(Self { secure, host, port: uri.port_u16().unwrap_or(if secure { 443 } else { 80 }) })
    }

    /// Host and port as a `Host` header has them: a default port is left out.
    pub(crate) fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        match (self.secure, self.port) {
            (true, 443) | (false, 80) => host,
            (_, port) => format!("{host}:{port}"),
        }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.secure { "https" } else { "http" }, self.authority())
    }
}

/// The protocol both sides agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http1,
    Http2,
}

/// Opens connections.
#[derive(Clone)]
pub(crate) struct Dialer {
    tcp: HttpConnector,
    security: Option<Arc<Security>>,
}

/// A new connection.
pub(crate) struct Dialed {
    pub(crate) io: Io,
    pub(crate) protocol: Protocol,
    /// Of what it was secured with.
    pub(crate) epoch: u64,
}

impl Dialer {
    /// Without `security` only `http` servers can be reached.
    pub(crate) fn new(security: Option<Security>) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        tcp.set_keepalive(Some(KEEP_ALIVE));
        tcp.set_keepalive_interval(Some(KEEP_ALIVE));
        tcp.set_keepalive_retries(Some(3));
        Self { tcp, security: security.map(Arc::new) }
    }

    /// The epoch of what secures connections now: those of an earlier one are not to be used again.
    pub(crate) async fn epoch(&self) -> u64 {
        match &self.security {
            Some(security) => security.current(KEPT_CHECK).await.1,
            None => 0,
        }
    }

    /// A new connection to `server`; `only_http1` keeps HTTP/2 out of the offer. Without TLS it is always HTTP/1.1.
    pub(crate) async fn dial(&self, server: &Server, only_http1: bool) -> Result<Dialed, Error> {
        if tokio::runtime::Handle::try_current().is_err() {
            return Err(Error::config("there is no tokio runtime here: send requests inside one"));
        }
        let uri: Uri =
            server.to_string().parse().map_err(|error| failure::connecting(server, Box::new(error)))?;
        let mut tcp = self.tcp.clone();
        futures::future::poll_fn(|context| tcp.poll_ready(context))
            .await
            .map_err(|error| failure::connecting(server, error))?;
        let stream = tcp.call(uri).await.map_err(|error| failure::connecting(server, error))?.into_inner();
        if !server.secure {
            let io: Io = TokioIo::new(Box::new(stream));
            return Ok(Dialed { io, protocol: Protocol::Http1, epoch: 0 });
        }
        let Some(security) = &self.security else {
            return Err(Error::config(format!(
                "{server} is wanted, but this transport was made for an http server"
            )));
        };
        let (tls, epoch) = security.current(DIAL_CHECK).await;
        let name = match &tls.server_name {
            Some(name) => name.clone(),
            None => ServerName::try_from(server.host.clone()).map_err(|_| {
                Error::config(format!("{:?} is no host name: correct the server's address", server.host))
            })?,
        };
        let connector = if only_http1 { &tls.http1 } else { &tls.any };
        let shaking = connector.connect(name.clone(), stream);
        let stream = tokio::time::timeout(HANDSHAKE_TIMEOUT, shaking)
            .await
            .unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))
            .map_err(|error| failure::handshake(server, &name.to_str(), error))?;
        let protocol = match stream.get_ref().1.alpn_protocol() {
            Some(b"h2") => Protocol::Http2,
            _ => Protocol::Http1,
        };
        Ok(Dialed { io: TokioIo::new(Box::new(stream)), protocol, epoch })
    }
}
