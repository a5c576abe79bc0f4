//! Which connections requests go over: shared, further ones, own ones; and that dropping ends an exchange.

use crate::server::{Authority, Options, Server};
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use portolan::client::Client;
use portolan::config::{Config, Tls};
use portolan::transport::{Body, Transport};
use portolan_native::HyperTransport;

fn get(url: String) -> Request<Body> {
    Request::get(url).body(Body::Empty).unwrap()
}

async fn text(transport: &HyperTransport, url: String) -> String {
    let body = transport.send(get(url)).await.unwrap().into_body();
    String::from_utf8(body.collect(1000).await.unwrap().to_vec()).unwrap()
}

async fn over_http2(streams: u32, goes_away: bool) -> (Server, HyperTransport) {
    let authority = Authority::new("ours");
    let certificate = Some((&authority, "localhost"));
    let options = Options { certificate, http2_streams: Some(streams), goes_away, ..Options::default() };
    let server = Server::start(&options).await;
    let tls = Tls { certificate_authority: Some(authority.pem()), ..Tls::default() };
    let transport = HyperTransport::new(&server.config(tls)).unwrap();
    (server, transport)
}

#[tokio::test]
async fn requests_share_connections() {
    let (server, transport) = over_http2(100, false).await;
    for _ in 0..3 {
        assert_eq!(text(&transport, server.url("https", "/")).await, "HTTP/2.0");
    }
    assert_eq!(server.connections(), 1);

    let plain = Server::start(&Options::default()).await;
    for _ in 0..3 {
        assert_eq!(text(&transport, plain.url("http", "/")).await, "HTTP/1.1");
    }
    assert_eq!(plain.connections(), 1);
}

#[tokio::test]
async fn a_compressed_answer_comes_out_as_it_was() {
    let (server, transport) = over_http2(100, false).await;
    let plain = Server::start(&Options::default()).await;
    for _ in 0..3 {
        assert_eq!(text(&transport, server.url("https", "/zip")).await, "HTTP/2.0");
        assert_eq!(text(&transport, plain.url("http", "/zip")).await, "HTTP/1.1");
    }
    assert_eq!((server.connections(), plain.connections()), (1, 1), "its connection is used again");
    let asked = Request::get(plain.url("http", "/zip")).header("accept-encoding", "gzip");
    let answer = transport.send(asked.body(Body::Empty).unwrap()).await.unwrap();
    assert_eq!(answer.headers()["content-encoding"], "gzip", "who asks for it gets it as it is");
    let config = Config { disable_compression: true, ..Config::new("http://localhost").unwrap() };
    let transport = HyperTransport::new(&config).unwrap();
    let answer = transport.send(get(plain.url("http", "/zip"))).await.unwrap();
    assert!(!answer.headers().contains_key("content-encoding"));
}

#[tokio::test]
async fn a_watch_has_an_http1_connection_of_its_own() {
    let (server, transport) = over_http2(100, false).await;
    assert_eq!(text(&transport, server.url("https", "/")).await, "HTTP/2.0");
    assert_eq!(text(&transport, server.url("https", "/?a=b&watch=true")).await, "HTTP/1.1");
    assert_eq!(text(&transport, server.url("https", "/?watch=1")).await, "HTTP/1.1");
    assert_eq!(server.connections(), 2, "an ended watch leaves its connection to the next");
}

#[tokio::test]
async fn never_ending_answers_do_not_hold_up_further_requests() {
    for (path, streams, connections) in [("/hang", 100, 2), ("/hang?watch=true", 100, 151), ("/hang", 20, 8)]
    {
        let (server, transport) = over_http2(streams, false).await;
        let requests = (0..150).map(|_| transport.send(get(server.url("https", path))));
        let mut bodies = Vec::new();
        for response in futures::future::join_all(requests).await {
            let mut body = response.unwrap().into_body();
            assert_eq!(body.chunk().await.unwrap().unwrap(), "begun");
            bodies.push(body);
        }
        server.until_open(150).await;
        assert_eq!(text(&transport, server.url("https", "/")).await, "HTTP/2.0");
        assert_eq!(server.connections(), connections, "{path} with {streams} streams a connection");
        drop(bodies);
        server.until_open(0).await;
    }
}

#[tokio::test]
async fn dropping_a_body_or_a_future_ends_the_exchange() {
    let (server, transport) = over_http2(100, false).await;
    let plain = Server::start(&Options::default()).await;
    for (server, scheme) in [(&server, "https"), (&plain, "http")] {
        for watch in ["", "?watch=true"] {
            let mut body =
                transport.send(get(server.url(scheme, &format!("/hang{watch}")))).await.unwrap().into_body();
            body.chunk().await.unwrap().unwrap();
            server.until_open(1).await;
            drop(body);
            server.until_open(0).await;

            let silent = get(server.url(scheme, &format!("/silence{watch}")));
            let waiting = tokio::spawn({
                let transport = transport.clone();
                async move { transport.send(silent).await.map(drop) }
            });
            server.until_open(1).await;
            waiting.abort();
            server.until_open(0).await;
        }
    }
}

/// Leads to `server` until it freezes: nothing is closed, and nothing goes through.
async fn line(server: &Server, frozen: Arc<tokio::sync::Notify>) -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, server) = (listener.local_addr().unwrap().port(), server.address);
    tokio::spawn(async move {
        loop {
            let (mut near, _) = listener.accept().await.unwrap();
            let mut far = tokio::net::TcpStream::connect(server).await.unwrap();
            let frozen = Arc::clone(&frozen);
            tokio::spawn(async move {
                tokio::select! {
                    _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                    () = frozen.notified() => std::future::pending().await,
                }
            });
        }
    });
    port
}

#[tokio::test]
async fn a_silent_connection_is_probed_and_given_up() {
    let (server, transport) = over_http2(100, false).await;
    let frozen = Arc::<tokio::sync::Notify>::default();
    let url = format!("https://localhost:{}/hang", line(&server, Arc::clone(&frozen)).await);
    let mut body = transport.send(get(url)).await.unwrap().into_body();
    assert_eq!(body.chunk().await.unwrap().unwrap(), "begun");
    frozen.notify_one();
    tokio::time::pause();
    let started = tokio::time::Instant::now();
    let error = body.chunk().await.unwrap().unwrap_err();
    let kind = portolan::ErrorKind::Transport(portolan::TransportErrorKind::Interrupted);
    assert_eq!(*error.kind(), kind, "{error}");
    let silent = started.elapsed().as_secs();
    assert!((15..=46).contains(&silent), "after 30 seconds a probe, and 15 later the end: {silent}");
}

#[tokio::test]
async fn a_connection_that_goes_away_is_replaced() {
    let (server, transport) = over_http2(100, true).await;
    let mut hanging = Vec::new();
    for _ in 0..5 {
        let mut body = transport.send(get(server.url("https", "/hang"))).await.unwrap().into_body();
        assert_eq!(body.chunk().await.unwrap().unwrap(), "begun");
        hanging.push(body);
        assert_eq!(text(&transport, server.url("https", "/")).await, "HTTP/2.0");
    }
    server.until_open(5).await;
}

#[tokio::test]
async fn a_write_that_a_server_turned_away_is_sent_again_by_whoever_counts() {
    // RFC 9113: GOAWAY whose last stream is 0, so that it looked at none; RST_STREAM of stream 1 with REFUSED_STREAM.
    const GOES_AWAY: &[u8] = &[0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    const REFUSES: &[u8] = &[0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, 7];
    for frames in [GOES_AWAY, REFUSES] {
        let authority = Authority::new("ours");
        let options = Options {
            certificate: Some((&authority, "localhost")),
            http2_streams: Some(100),
            turns_away: Some(frames),
            ..Options::default()
        };
        let server = Server::start(&options).await;
        let tls = Tls { certificate_authority: Some(authority.pem()), ..Tls::default() };
        let config = server.config(tls);
        let transport = Arc::new(HyperTransport::new(&config).unwrap());
        let client = Client::new(transport, config, portolan_native::runtime().unwrap());
        let json = http::HeaderValue::from_static("application/json");
        let write = client.rest().post().abs_path("/").bytes("{}".into(), json);
        let started = tokio::time::Instant::now();
        write.send().await.unwrap();
        assert_eq!(server.connections(), 2);
        assert!(started.elapsed() >= Duration::from_secs(1), "at once: {:?}", started.elapsed());
    }
}

#[tokio::test]
async fn who_waits_for_a_connection_shares_its_failure() {
    // Connections to it are made and never secured.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
    let transport = HyperTransport::new(&Config::new(&url).unwrap()).unwrap();
    let together = futures::future::join_all((0..20).map(|_| transport.send(get(url.clone()))));
    let accepting = async {
        let (first, _) = listener.accept().await.unwrap();
        drop(first);
        let further = listener.accept().await;
        panic!("another is opened by who waited: {further:?}");
    };
    tokio::select! {
        answers = together => assert!(answers.iter().all(Result::is_err)),
        () = accepting => {}
    }
}

/// A watch says nothing for minutes: that its peer is there is then the kernel's to ask.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_silent_watch_is_probed() {
    let server = Server::start(&Options::default()).await;
    let transport = HyperTransport::new(&Config::new(&server.url("http", "")).unwrap()).unwrap();
    let watch = Request::get(server.url("http", "/hang?watch=true")).body(Body::Empty).unwrap();
    let mut watch = transport.send(watch).await.unwrap().into_body();
    assert_eq!(watch.chunk().await.unwrap().unwrap(), "begun");
    let port = format!(":{:04X}", server.address.port());
    // The timer that is set on the connection's end here, and in how many hundredths of a second it goes off.
    let timer = || {
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
        let rows = table.lines().map(|row| row.split_whitespace().collect::<Vec<_>>());
        let timers = rows.filter(|row| row[2].ends_with(&port)).map(|row| row[5].to_owned());
        timers.collect::<Vec<_>>().concat()
    };
    const KEEP_ALIVE: &str = "02:";
    tokio::time::timeout(Duration::from_secs(60), async {
        while !timer().starts_with(KEEP_ALIVE) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .unwrap();
    let left = u32::from_str_radix(timer().trim_start_matches(KEEP_ALIVE), 16).unwrap();
    assert!(left <= 1500, "{left}");
}
