//! Opens connections: TCP, through a proxy where one is named, then TLS with the protocols asked for.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Uri};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use portolan::config::{ProxyScheme, ProxyUrl, port_of};
use portolan::{Error, TransportErrorKind};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tower_service::Service;

use crate::failure;
use crate::proxy::{Proxies, authorization, lead_on};
use crate::security::{DIAL_CHECK, KEPT_CHECK, Security};

/// How long a TCP connection may take to open: client-go's `net.Dialer{Timeout}`.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a handshake, of TLS or with a proxy, may take: client-go's `TLSHandshakeTimeout`.
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
        let Some(authority) = uri.authority().filter(|authority| !authority.host().is_empty()) else {
            return Err(Error::config("the request's URI names no host"));
        };
        let port = port_of(authority).map_err(|why| {
            Error::config(format!("the request's URI: {why}: correct the server's address"))
        })?;
        let host = bare(authority.host()).to_owned();
        Ok(Self { secure, host, port: port.unwrap_or(if secure { 443 } else { 80 }) })
    }

    /// Host and port as a `Host` header has them: a default port is left out.
    pub(crate) fn authority(&self) -> String {
        let host = bracketed(&self.host);
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

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Exchanges, over HTTP/2 where the server speaks it.
    Exchanges,
    /// One exchange after the other, over HTTP/1.1.
    Alone,
    /// A WebSocket, over HTTP/1.1.
    Socket,
}

/// How requests reach an `http` server through a proxy: with whole addresses, and what tells the proxy who we are.
#[derive(Clone)]
pub(crate) struct Forwarded(pub(crate) Option<HeaderValue>);

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
    proxies: Arc<Proxies>,
}

/// A new connection.
pub(crate) struct Dialed {
    pub(crate) io: Io,
    pub(crate) protocol: Protocol,
    /// Of what it was secured with.
    pub(crate) epoch: u64,
    /// Leads to a proxy that takes whole addresses.
    pub(crate) forwarded: Option<Forwarded>,
}

impl Dialer {
    /// Without `security` only `http` servers can be reached.
    pub(crate) fn new(security: Option<Security>, proxies: Proxies) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        tcp.set_keepalive(Some(KEEP_ALIVE));
        tcp.set_keepalive_interval(Some(KEEP_ALIVE));
        tcp.set_keepalive_retries(Some(3));
        Self { tcp, security: security.map(Arc::new), proxies: Arc::new(proxies) }
    }

    /// The epoch of what secures connections now: those of an earlier one are not to be used again.
    pub(crate) async fn epoch(&self) -> u64 {
        match &self.security {
            Some(security) => security.current(KEPT_CHECK).await.1,
            None => 0,
        }
    }

    /// A new connection to `server`. Without TLS it is always HTTP/1.1.
    pub(crate) async fn dial(&self, server: &Server, purpose: Purpose) -> Result<Dialed, Error> {
        if tokio::runtime::Handle::try_current().is_err() {
            return Err(Error::config("there is no tokio runtime here: send requests inside one"));
        }
        let proxy = self.proxies.to(server);
        let mut forwarded = None;
        let io = match proxy {
            None => TokioIo::new(self.connect(server).await?),
            Some(proxy) => {
                let io = self.connect_to(proxy).await?;
                if server.secure || purpose == Purpose::Socket || proxy.scheme == ProxyScheme::Socks5 {
                    in_time(lead_on(proxy, io, server), || format!("the proxy {proxy}")).await?
                } else {
                    forwarded = Some(Forwarded(authorization(proxy)));
                    io
                }
            }
        };
        if !server.secure {
            return Ok(Dialed { io, protocol: Protocol::Http1, epoch: 0, forwarded });
        }
        let Some(security) = &self.security else {
            return Err(Error::config(format!(
                "{server} is wanted, but this transport was made for an http server"
            )));
        };
        let (tls, epoch) = security.current(DIAL_CHECK).await;
        let name = match &tls.server_name {
            Some(name) => name.clone(),
            None => server_name(server)?,
        };
        let connector = if purpose == Purpose::Exchanges { &tls.any } else { &tls.http1 };
        let (io, protocol) = secure(connector, server, name, io).await?;
        Ok(Dialed { io, protocol, epoch, forwarded })
    }

    async fn connect(&self, server: &Server) -> Result<Box<dyn Duplex>, Error> {
        let uri: Uri =
            server.to_string().parse().map_err(|error| failure::connecting(server, Box::new(error)))?;
        let mut tcp = self.tcp.clone();
        futures::future::poll_fn(|context| tcp.poll_ready(context))
            .await
            .map_err(|error| failure::connecting(server, error))?;
        let stream = tcp.call(uri).await.map_err(|error| failure::connecting(server, error))?;
        Ok(Box::new(stream.into_inner()))
    }

    /// A connection to a proxy, as secure as its address says: it is trusted as the server is.
    async fn connect_to(&self, proxy: &ProxyUrl) -> Result<Io, Error> {
        let secure_proxy = proxy.scheme == ProxyScheme::Https;
        let host = bare(&proxy.host).to_owned();
        let place = Server { secure: secure_proxy, host, port: proxy.port };
        let lost = |error: Error| error.doing("reach the proxy");
        let io = TokioIo::new(self.connect(&place).await.map_err(lost)?);
        let Some(security) = self.security.as_ref().filter(|_| secure_proxy) else { return Ok(io) };
        let (tls, _) = security.current(DIAL_CHECK).await;
        let (io, _) = secure(&tls.http1, &place, server_name(&place)?, io).await.map_err(lost)?;
        Ok(io)
    }
}

/// A host without the brackets that an address has around one of IPv6.
pub(crate) fn bare(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

/// A host as an address has it: one of IPv6 within brackets.
pub(crate) fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

fn server_name(server: &Server) -> Result<ServerName<'static>, Error> {
    ServerName::try_from(server.host.clone()).map_err(|_| {
        Error::config(format!("{:?} is no host name: correct the server's address", server.host))
    })
}

/// Secures `io`, and tells the protocol both sides agreed on.
async fn secure(
    connector: &TlsConnector,
    server: &Server,
    name: ServerName<'static>,
    io: Io,
) -> Result<(Io, Protocol), Error> {
    let shaking = async {
        let shaken = connector.connect(name.clone(), io.into_inner()).await;
        shaken.map_err(|error| failure::handshake(server, &name.to_str(), error))
    };
    let stream = in_time(shaking, || server.to_string()).await?;
    let protocol = match stream.get_ref().1.alpn_protocol() {
        Some(b"h2") => Protocol::Http2,
        _ => Protocol::Http1,
    };
    Ok((TokioIo::new(Box::new(stream)), protocol))
}

/// A handshake with `peer`, given up when it takes too long.
async fn in_time<T>(
    shaking: impl Future<Output = Result<T, Error>>,
    peer: impl FnOnce() -> String,
) -> Result<T, Error> {
    tokio::time::timeout(HANDSHAKE_TIMEOUT, shaking).await.unwrap_or_else(|_| {
        let text = format!(
            "{} does not finish its handshake within {HANDSHAKE_TIMEOUT:?}: does it speak what was expected?",
            peer()
        );
        Err(Error::transport(TransportErrorKind::Connect, text))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_port_is_not_taken_for_the_schemes_own() {
        let port = |uri: &str| Server::of(&uri.parse().unwrap()).map(|server| server.port);
        assert_eq!(port("https://[::1]/").unwrap(), 443);
        assert_eq!(port("ws://host:65535/").unwrap(), 65535);
        for wrong in ["http://host:65536/", "https://host:abc/", "http://[::1]:/"] {
            let error = port(wrong).unwrap_err().to_string();
            assert!(error.contains("no port from 0 to 65535"), "{wrong}: {error}");
        }
    }
}
