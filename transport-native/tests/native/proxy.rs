//! Proxies: asked by name for the way, with the user's name where there is one, for requests and WebSockets alike; and
//! bounded where they refuse, fall silent or are something else.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use base64::Engine;
use http::Request;
use portolan::config::{Config, ProxyUrl, Tls};
use portolan::transport::{Body, Transport};
use portolan::{Error, ErrorKind, TransportErrorKind};
use portolan_native::HyperTransport;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::server::{Authority, Options, Server, acceptor};

/// How the proxy behaves.
#[derive(Clone, Copy)]
enum Manner {
    Http,
    Socks5,
    Answering(&'static str),
    Silent,
}

/// A proxy that leads every way to one server, and remembers what it was asked.
struct Proxy {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Proxy {
    async fn start(manner: Manner, server: SocketAddr, secured: Option<&Authority>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let acceptor = secured.map(|authority| acceptor((authority, "localhost"), &Options::default()));
        let seen = Arc::clone(&asked);
        let accepting = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (acceptor, seen) = (acceptor.clone(), Arc::clone(&seen));
                tokio::spawn(async move {
                    match acceptor {
                        Some(acceptor) => {
                            serve(manner, acceptor.accept(stream).await.unwrap(), server, &seen).await;
                        }
                        None => serve(manner, stream, server, &seen).await,
                    }
                });
            }
        });
        Self { address, asked, accepting }
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    fn url(&self, scheme: &str, user: &str) -> Option<ProxyUrl> {
        Some(ProxyUrl::parse(&format!("{scheme}://{user}localhost:{}", self.address.port())).unwrap())
    }
}

async fn serve(
    manner: Manner,
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    server: SocketAddr,
    asked: &Mutex<Vec<String>>,
) {
    match manner {
        Manner::Silent => std::future::pending().await,
        Manner::Answering(text) => {
            read_head(&mut stream).await;
            stream.write_all(text.as_bytes()).await.unwrap();
        }
        Manner::Http => {
            let Some(head) = read_head(&mut stream).await else { return };
            let line = head.lines().next().unwrap().replace(" HTTP/1.1", "");
            let own = head.lines().find_map(|line| {
                let (name, value) = line.split_once(": ")?;
                name.eq_ignore_ascii_case("proxy-authorization").then(|| value.replace("Basic ", " "))
            });
            asked.lock().unwrap().push(format!("{line}{}", own.unwrap_or_default()));
            let mut onward = TcpStream::connect(server).await.unwrap();
            if line.starts_with("CONNECT ") {
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            } else {
                onward.write_all(head.as_bytes()).await.unwrap();
            }
            let _ = tokio::io::copy_bidirectional(&mut stream, &mut onward).await;
        }
        Manner::Socks5 => {
            let line = greet_socks(&mut stream).await;
            asked.lock().unwrap().push(line);
            let mut onward = TcpStream::connect(server).await.unwrap();
            let _ = tokio::io::copy_bidirectional(&mut stream, &mut onward).await;
        }
    }
}

/// `None` where the client has gone before its end: then nothing leads on.
async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let byte = stream.read_u8().await.ok()?;
        head.push(byte);
    }
    Some(String::from_utf8(head).unwrap())
}

/// RFC 1928 and 1929, from the proxy's side.
async fn greet_socks(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> String {
    let head = some(stream, 2).await;
    let methods = some(stream, head[1].into()).await;
    let mut user = String::new();
    if methods.contains(&2) {
        stream.write_all(&[5, 2]).await.unwrap();
        for skipped in [1, 0] {
            some(stream, skipped).await;
            let length = some(stream, 1).await[0];
            user.push_str(&String::from_utf8(some(stream, length.into()).await).unwrap());
            user.push(' ');
        }
        stream.write_all(&[1, 0]).await.unwrap();
    } else {
        stream.write_all(&[5, 0]).await.unwrap();
    }
    let head = some(stream, 5).await;
    assert_eq!(head[..4], [5, 1, 0, 3], "the proxy is to look the name up");
    let host = String::from_utf8(some(stream, head[4].into()).await).unwrap();
    let port = some(stream, 2).await;
    stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await.unwrap();
    format!("{user}{host}:{}", u16::from_be_bytes([port[0], port[1]]))
}

async fn some(stream: &mut (impl AsyncRead + Unpin), count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    stream.read_exact(&mut bytes).await.unwrap();
    bytes
}

async fn get(config: &Config) -> Result<String, Error> {
    let transport = HyperTransport::new(config)?;
    let request = || Request::get(config.server.clone()).body(Body::Empty).unwrap();
    transport.send(request()).await?.into_body().collect(1000).await?;
    let body = transport.send(request()).await?.into_body().collect(1000).await?;
    Ok(String::from_utf8(body.to_vec()).unwrap())
}

async fn socket(config: &Config) -> Error {
    let transport = HyperTransport::new(config).unwrap();
    transport.connect(Request::get(config.server.clone()).body(()).unwrap(), &[]).await.unwrap_err()
}

/// A server whose name only the proxy knows.
async fn hidden() -> (Authority, Server, Config) {
    let authority = Authority::new("ours");
    let certificate = Some((&authority, "api.test"));
    let server =
        Server::start(&Options { certificate, http2_streams: Some(100), ..Options::default() }).await;
    let tls = Tls { certificate_authority: Some(authority.pem()), ..Tls::default() };
    let config = Config { tls, ..Config::new("https://api.test:6443").unwrap() };
    (authority, server, config)
}

#[tokio::test]
async fn a_secured_server_is_reached_through_each_kind_of_proxy() {
    let (authority, server, direct) = hidden().await;
    let basic = base64::engine::general_purpose::STANDARD.encode("jo:p@ss");
    for (manner, scheme, secured, user) in [
        (Manner::Http, "http", None, basic.as_str()),
        (Manner::Http, "https", Some(&authority), basic.as_str()),
        (Manner::Socks5, "socks5", None, "jo p@ss"),
    ] {
        let proxy = Proxy::start(manner, server.address, secured).await;
        for with_user in [false, true] {
            let user_text = if with_user { "jo:p%40ss@" } else { "" };
            let config = Config { proxy_url: proxy.url(scheme, user_text), ..direct.clone() };
            let expected = match (scheme, with_user) {
                ("socks5", false) => "api.test:6443".to_owned(),
                ("socks5", true) => format!("{user} api.test:6443"),
                (_, false) => "CONNECT api.test:6443".to_owned(),
                (_, true) => format!("CONNECT api.test:6443 {user}"),
            };
            assert_eq!(get(&config).await.unwrap(), "HTTP/2.0");
            assert_eq!(proxy.asked(), [expected.as_str()], "both requests go over one connection");
            let error = socket(&config).await;
            assert_eq!(error.code(), Some(200), "the server behind answered: {error}");
            assert_eq!(proxy.asked(), [expected.as_str()]);
        }
    }
}

#[tokio::test]
async fn an_http_server_is_asked_for_by_its_whole_address() {
    let server = Server::start(&Options::default()).await;
    let proxy = Proxy::start(Manner::Http, server.address, None).await;
    let direct = Config::new("http://api.test:8080").unwrap();
    let config = Config { proxy_url: proxy.url("http", "jo:p@"), ..direct.clone() };
    assert_eq!(get(&config).await.unwrap(), "HTTP/1.1");
    let user = base64::engine::general_purpose::STANDARD.encode("jo:p");
    assert_eq!(proxy.asked(), [format!("GET http://api.test:8080/ {user}")]);
    assert_eq!(socket(&config).await.code(), Some(200));
    assert_eq!(proxy.asked(), [format!("CONNECT api.test:8080 {user}")]);

    let socks = Proxy::start(Manner::Socks5, server.address, None).await;
    let config = Config { proxy_url: socks.url("socks5", ""), ..direct };
    assert_eq!(get(&config).await.unwrap(), "HTTP/1.1");
    assert_eq!(socks.asked(), ["api.test:8080"]);
}

#[tokio::test]
async fn a_proxy_that_does_not_lead_on_says_so_in_time() {
    let (_, server, direct) = hidden().await;
    let cases = [
        (
            Manner::Answering("HTTP/1.1 407 No\r\n\r\n"),
            "http",
            "it answers 407 Proxy Authentication Required",
        ),
        (
            Manner::Answering("HTTP/1.1 403 No\r\nContent-Length: 5\r\n\r\nwhy"),
            "http",
            "it answers 403 Forbidden",
        ),
        (Manner::Answering("HTTP/1.1 200 OK\r\n\r\nSSH-2.0"), "http", "bytes come before anything was asked"),
        (Manner::Answering("SSH-2.0-OpenSSH\r\n"), "http", "invalid HTTP version parsed"),
        (Manner::Answering(""), "http", "connection closed before message completed"),
        (Manner::Http, "socks5", ""),
        (Manner::Silent, "http", "does not finish its handshake within 10s"),
        (Manner::Silent, "https", "does not finish its handshake within 10s"),
        (Manner::Silent, "socks5", "does not finish its handshake within 10s"),
    ];
    let tries = cases.map(async |(manner, scheme, part)| {
        let proxy = Proxy::start(manner, server.address, None).await;
        let config = Config { proxy_url: proxy.url(scheme, "jo:s3cr3t@"), ..direct.clone() };
        let error = get(&config).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Transport(TransportErrorKind::Connect)), "{error:?}");
        let text = error.to_string();
        assert!(text.contains(part) && text.contains(&proxy.address.port().to_string()), "{text}");
        assert!(!format!("{error:?}").contains("s3cr3t") && !text.contains('\n'), "{error:?}");
    });
    futures::future::join_all(tries).await;
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let proxy_url = Some(ProxyUrl::parse(&format!("http://{free}")).unwrap());
    let error = get(&Config { proxy_url, ..direct }).await.unwrap_err().to_string();
    assert!(error.starts_with(&format!("reach the proxy: cannot connect to http://{free}")), "{error}");
    assert_eq!(server.connections(), 0);
}
