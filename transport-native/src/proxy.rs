//! Which proxy leads to a server, and how it is asked for the way. After Go's `golang.org/x/net/http/httpproxy` and
//! `net/http` (`transport.go`), Go 1.26; the handshakes are hyper's and hyper-util's.
//!
//! Invariant: no name or password of a proxy gets into an error.

use std::net::IpAddr;
use std::task::{Context, Poll};

use base64::Engine;
use http::header::{HOST, PROXY_AUTHORIZATION};
use http::{HeaderValue, Method, Request, Uri};
use hyper::client::conn::http1;
use hyper::upgrade::Parts;
use hyper_util::client::legacy::connect::proxy::SocksV5;
use portolan::config::{Config, ProxyScheme, ProxyUrl};
use portolan::transport::Body;
use portolan::{Error, TransportErrorKind};
use tower_service::Service;

use crate::connection::RequestBody;
use crate::dial::{Io, Server, bare, bracketed};

/// The proxies to go through.
pub(crate) struct Proxies {
    http: Option<ProxyUrl>,
    https: Option<ProxyUrl>,
    direct: Direct,
}

impl Proxies {
    /// The one `config` names, for all servers; else those of `variable`, the environment: HTTPS_PROXY, HTTP_PROXY and
    /// NO_PROXY, or the same in small letters.
    ///
    /// # Errors
    /// `Config`, when a variable holds no address.
    pub(crate) fn new(config: &Config, variable: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        if let Some(proxy) = &config.proxy_url {
            let proxy = Some(proxy.clone());
            return Ok(Self { http: proxy.clone(), https: proxy, direct: Direct::default() });
        }
        let given = |name: &str| {
            let value = |name: &str| variable(name).filter(|value| !value.is_empty());
            value(name).or_else(|| value(&name.to_ascii_lowercase()))
        };
        let proxy = |name: &str| {
            let Some(address) = given(name) else { return Ok(None) };
            let whole = if address.contains("://") { address } else { format!("http://{address}") };
            ProxyUrl::parse(&whole)
                .map(Some)
                .map_err(|why| Error::config(format!("the environment's {name} {why}")))
        };
        // Where this runs as a CGI script, HTTP_PROXY is a header of whoever asks.
        let http = if given("REQUEST_METHOD").is_some() { None } else { proxy("HTTP_PROXY")? };
        let direct = Direct::parse(&given("NO_PROXY").unwrap_or_default());
        Ok(Self { http, https: proxy("HTTPS_PROXY")?, direct })
    }

    /// The proxy on the way to `server`, if there is one.
    pub(crate) fn to(&self, server: &Server) -> Option<&ProxyUrl> {
        let proxy = if server.secure { &self.https } else { &self.http };
        proxy.as_ref().filter(|_| !self.direct.has(&server.host, server.port))
    }

    /// Whether a proxy is spoken to over TLS.
    pub(crate) fn any_secure(&self) -> bool {
        [&self.http, &self.https].into_iter().flatten().any(|proxy| proxy.scheme == ProxyScheme::Https)
    }
}

/// What is reached without a proxy: NO_PROXY, and with proxies of the environment this machine itself.
#[derive(Default)]
struct Direct {
    loopback: bool,
    all: bool,
    networks: Vec<(IpAddr, u8)>,
    addresses: Vec<(IpAddr, Option<u16>)>,
    /// A domain with its leading dot; whether it is meant itself too; the port.
    domains: Vec<(String, bool, Option<u16>)>,
}

impl Direct {
    fn parse(list: &str) -> Self {
        let mut direct = Self { loopback: true, ..Self::default() };
        for entry in list.split(',').map(|entry| entry.trim().to_ascii_lowercase()) {
            if entry == "*" {
                return Self { all: true, ..direct };
            }
            if let Some((address, bits)) = entry.split_once('/')
                && let (Ok(address), Ok(bits)) = (address.parse::<IpAddr>(), bits.parse::<u8>())
                && bits <= if address.is_ipv4() { 32 } else { 128 }
            {
                direct.networks.push((address, bits));
                continue;
            }
            let (host, port) = match entry.rsplit_once(':') {
                Some((host, port)) if !host.contains(':') || host.starts_with('[') && host.ends_with(']') => {
                    let Ok(port) = port.parse() else { continue };
                    (host, Some(port))
                }
                _ => (entry.as_str(), None),
            };
            let host = bare(host);
            if let Ok(address) = host.parse::<IpAddr>() {
                direct.addresses.push((address, port));
            } else if let Some(rest) = host.strip_prefix("*.") {
                direct.domains.push((format!(".{rest}"), false, port));
            } else if host.starts_with('.') {
                direct.domains.push((host.to_owned(), false, port));
            } else if !host.is_empty() {
                direct.domains.push((format!(".{host}"), true, port));
            }
        }
        direct
    }

    fn has(&self, host: &str, port: u16) -> bool {
        let host = host.to_ascii_lowercase();
        let fits = |wanted: &Option<u16>| wanted.is_none_or(|wanted| wanted == port);
        if self.loopback && host == "localhost" || self.all {
            return true;
        }
        if let Ok(address) = host.parse::<IpAddr>() {
            let address = address.to_canonical();
            return self.loopback && address.is_loopback()
                || self.networks.iter().any(|(network, bits)| is_in(address, *network, *bits))
                || self
                    .addresses
                    .iter()
                    .any(|(other, wanted)| other.to_canonical() == address && fits(wanted));
        }
        self.domains.iter().any(|(domain, itself, wanted)| {
            fits(wanted) && (host.ends_with(domain.as_str()) || *itself && host == domain[1..])
        })
    }
}

fn is_in(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    let (address, network, width) = match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            (u128::from(address.to_bits()), u128::from(network.to_bits()), 32)
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => (address.to_bits(), network.to_bits(), 128),
        _ => return false,
    };
    let rest = u32::from(width - bits);
    rest == 128 || (address >> rest) == (network >> rest)
}

/// What a request in whole addresses says to a proxy of its sender: `Proxy-Authorization`.
pub(crate) fn authorization(proxy: &ProxyUrl) -> Option<HeaderValue> {
    let (name, password) = proxy.credentials.as_ref()?;
    let pair = format!("{name}:{}", password.reveal());
    let encoded = base64::engine::general_purpose::STANDARD.encode(pair);
    let mut value = HeaderValue::from_str(&format!("Basic {encoded}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Has `proxy`, to which `io` is a connection, lead it on to `server`.
pub(crate) async fn lead_on(proxy: &ProxyUrl, io: Io, server: &Server) -> Result<Io, Error> {
    let place = format!("{}:{}", bracketed(&server.host), server.port);
    let led = match proxy.scheme {
        ProxyScheme::Socks5 => ask_socks(proxy, io, &place).await,
        ProxyScheme::Http | ProxyScheme::Https => ask_http(proxy, io, &place).await,
    };
    led.map_err(|why| {
        let text = format!(
            "the proxy {proxy} does not lead to {server} ({why}): is it the right one, and does it allow that?"
        );
        Error::transport(TransportErrorKind::Connect, text)
    })
}

async fn ask_socks(proxy: &ProxyUrl, io: Io, place: &str) -> Result<Io, String> {
    let uri = |text: String| text.parse::<Uri>().map_err(|error| error.to_string());
    let mut socks = SocksV5::new(uri(proxy.to_string())?, Opened(Some(io)));
    if let Some((name, password)) = &proxy.credentials {
        socks = socks.with_auth(name.clone(), password.reveal().to_owned());
    }
    socks.call(uri(format!("https://{place}"))?).await.map_err(|error| format!("{error:?}"))
}

/// `CONNECT`.
async fn ask_http(proxy: &ProxyUrl, io: Io, place: &str) -> Result<Io, String> {
    let mut request = Request::builder().method(Method::CONNECT).uri(place).header(HOST, place);
    if let Some(value) = authorization(proxy) {
        request = request.header(PROXY_AUTHORIZATION, value);
    }
    let request = request.body(RequestBody(Body::Empty)).map_err(|error| error.to_string())?;
    let broken = |error: hyper::Error| format!("{error}");
    let (mut asking, connection) = http1::handshake(io).await.map_err(broken)?;
    // Ends with the tunnel's opening, or with the connection.
    tokio::spawn(connection.with_upgrades());
    let answer = asking.send_request(request).await.map_err(broken)?;
    if !answer.status().is_success() {
        return Err(format!("it answers {}", answer.status()));
    }
    let tunnel = hyper::upgrade::on(answer).await.map_err(broken)?;
    match tunnel.downcast::<Io>() {
        Ok(Parts { io, read_buf, .. }) if read_buf.is_empty() => Ok(io),
        // A server speaks TLS or HTTP, where it is the client who begins.
        _ => Err("bytes come before anything was asked".to_owned()),
    }
}

/// A connector that has connected already.
struct Opened(Option<Io>);

impl Service<Uri> for Opened {
    type Response = Io;
    type Error = std::io::Error;
    type Future = std::future::Ready<Result<Io, std::io::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        std::future::ready(self.0.take().ok_or_else(|| std::io::ErrorKind::NotConnected.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Result<Proxies, Error> {
        let value =
            |name: &str| pairs.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned());
        Proxies::new(&Config::default(), value)
    }

    fn way(proxies: &Proxies, url: &str) -> Option<String> {
        proxies.to(&Server::of(&url.parse().unwrap()).unwrap()).map(ToString::to_string)
    }

    /// The cases of `UseProxy`'s test in golang.org/x/net/http/httpproxy, and its `proxyForURLTests`.
    #[test]
    fn no_proxy_means_what_it_means_to_go() {
        let list = "foobar.com, .barbaz.net, 192.168.1.1, 192.168.1.2:81, 192.168.1.3:80, 10.0.0.0/30, 2001:db8::52:0:1, [2001:db8::52:0:2]:443, [2001:db8::52:0:3]:80, 2002:db8:a::45/64";
        let proxies = environment(&[("HTTP_PROXY", "proxy"), ("NO_PROXY", list)]).unwrap();
        for (host, through) in [
            ("localhost", false),
            ("127.0.0.1", false),
            ("127.0.0.2", false),
            ("[::1]", false),
            ("[::2]", true),
            ("192.168.1.1", false),
            ("192.168.1.2", true),
            ("192.168.1.3", false),
            ("192.168.1.4", true),
            ("10.0.0.2", false),
            ("[2001:db8::52:0:1]", false),
            ("[2001:db8::52:0:2]", true),
            ("[2001:db8::52:0:3]", false),
            ("[2002:db8:a::123]", false),
            ("[fe80::424b:c8be:1643:a1b6]", true),
            ("barbaz.net", true),
            ("www.barbaz.net", false),
            ("foobar.com", false),
            ("www.foobar.com", false),
            ("foofoobar.com", true),
            ("baz.com", true),
            ("localhost.net", true),
            ("local.localhost", true),
            ("barbarbaz.net", true),
        ] {
            assert_eq!(way(&proxies, &format!("http://{host}")).is_some(), through, "{host}");
        }
        for (list, host) in [
            ("*", "example.com"),
            ("foo,*", "10.1.1.1"),
            ("example.com:443", "example.com:443"),
            ("*.example.com", "a.example.com"),
        ] {
            let proxies = environment(&[("https_proxy", "http://proxy"), ("no_proxy", list)]).unwrap();
            assert_eq!(way(&proxies, &format!("https://{host}")), None, "{list}");
        }
        let proxies =
            environment(&[("https_proxy", "http://proxy"), ("no_proxy", ":1, ,*.example.com")]).unwrap();
        assert!(way(&proxies, "https://example.com").is_some());
    }

    #[test]
    fn each_scheme_has_its_variable_and_a_named_proxy_wins() {
        let proxies = environment(&[
            ("HTTPS_PROXY", "socks5://jo:s3cr3t@s:1"),
            ("https_proxy", "http://small"),
            ("HTTP_PROXY", "h:2"),
        ])
        .unwrap();
        assert_eq!(way(&proxies, "https://example.com").as_deref(), Some("socks5://s:1"));
        assert_eq!(way(&proxies, "http://example.com").as_deref(), Some("http://h:2"));
        let proxies = environment(&[("HTTP_PROXY", "http://evil"), ("REQUEST_METHOD", "GET")]).unwrap();
        assert_eq!(way(&proxies, "http://example.com"), None);
        let config =
            Config { proxy_url: Some(ProxyUrl::parse("http://named:3").unwrap()), ..Config::default() };
        let proxies = Proxies::new(&config, |_| Some("*".to_owned())).unwrap();
        assert_eq!(way(&proxies, "http://localhost").as_deref(), Some("http://named:3"));
        let error = environment(&[("HTTPS_PROXY", "socks6://jo:s3cr3t@s")]).err().unwrap().to_string();
        assert!(
            error.starts_with("the environment's HTTPS_PROXY has a scheme other than")
                && !error.contains("s3cr3t"),
            "{error}"
        );
    }

    #[test]
    fn addresses_of_two_families_never_match() {
        let proxies = environment(&[("HTTP_PROXY", "proxy"), ("NO_PROXY", "0.0.0.0/0,::/0")]).unwrap();
        assert_eq!(way(&proxies, "http://8.8.8.8"), None);
        assert_eq!(way(&proxies, "http://[2001::1]"), None);
        assert!(way(&proxies, "http://example.com").is_some());
        assert!(!is_in("8.8.8.8".parse().unwrap(), "::".parse().unwrap(), 0));
    }
}
