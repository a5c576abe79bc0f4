//! HTTP/2 as a server may speak it and none of hyper's does: bodies that end and bodies that break off, stream by stream.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, SendStream};
use http::{HeaderMap, Request, Response};
use portolan::client::Client;
use portolan::config::{Config, Tls};
use portolan::transport::{Body, Transport};
use portolan::{ErrorKind, TransportErrorKind};
use portolan_native::HyperTransport;
use tokio::net::TcpListener;

use crate::server::{Authority, Options, acceptor};

/// A server whose every exchange is `answer`'s, and how many there were.
struct Raw {
    config: Config,
    asked: Arc<AtomicUsize>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Drop for Raw {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Raw {
    async fn start(answer: fn(&str, &mut SendResponse<Bytes>)) -> Self {
        let authority = Authority::new("ours");
        let options = Options { http2_streams: Some(100), ..Options::default() };
        let acceptor = acceptor((&authority, "localhost"), &options);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let tls = Tls { certificate_authority: Some(authority.pem()), ..Tls::default() };
        let config = Config { tls, ..Config::new(&url).unwrap() };
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        let accepting = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (acceptor, asked) = (acceptor.clone(), Arc::clone(&counter));
                tokio::spawn(async move {
                    let mut connection =
                        h2::server::handshake(acceptor.accept(stream).await.unwrap()).await.unwrap();
                    let mut unread = Vec::new();
                    while let Some(Ok((request, mut respond))) = connection.accept().await {
                        asked.fetch_add(1, Ordering::SeqCst);
                        answer(request.uri().path(), &mut respond);
                        unread.push(request);
                    }
                });
            }
        });
        Self { config, asked, accepting }
    }

    fn transport(&self) -> HyperTransport {
        HyperTransport::new(&self.config).unwrap()
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.config.server)
    }
}

/// The head and the first half of a body; the reset of h2 would take back what is not sent yet.
fn half(respond: &mut SendResponse<Bytes>, length: Option<&str>) -> SendStream<Bytes> {
    let mut head = Response::new(());
    if let Some(length) = length {
        head.headers_mut().insert("content-length", length.parse().unwrap());
    }
    let mut body = respond.send_response(head, false).unwrap();
    body.send_data("half".into(), false).unwrap();
    body
}

fn later(finish: impl FnOnce() + Send + 'static) {
    tokio::spawn(async move {
        tokio::time::sleep(std::time::Duration::from_millis(30)).await;
        finish();
    });
}

#[tokio::test]
async fn a_body_is_whole_when_its_stream_has_ended_and_only_then() {
    let server = Raw::start(|path, respond| match path {
        "/cut" => {
            let mut body = half(respond, None);
            later(move || body.send_reset(Reason::NO_ERROR));
        }
        "/short" => {
            let mut body = half(respond, Some("1000"));
            later(move || body.send_reset(Reason::NO_ERROR));
        }
        "/ended" => half(respond, None).send_data(Bytes::new(), true).unwrap(),
        "/trailers" => half(respond, None).send_trailers(HeaderMap::new()).unwrap(),
        // As a server that has said all and wants no more of the request's body.
        "/early" => {
            let mut body = half(respond, None);
            body.send_data(Bytes::new(), true).unwrap();
            later(move || body.send_reset(Reason::NO_ERROR));
        }
        other => panic!("{other}"),
    })
    .await;
    let transport = server.transport();
    for (path, whole) in
        [("cut", false), ("short", false), ("ended", true), ("trailers", true), ("early", true)]
    {
        let endless = || Body::Stream(Box::pin(futures::stream::pending()));
        let body = if path == "early" { endless() } else { Body::Empty };
        let request = Request::post(server.url(path)).body(body).unwrap();
        let mut body = transport.send(request).await.unwrap().into_body();
        assert_eq!(body.chunk().await.unwrap().unwrap(), "half", "{path}");
        tokio::time::sleep(std::time::Duration::from_millis(if path == "early" { 100 } else { 0 })).await;
        match body.chunk().await {
            None => assert!(whole, "{path} was taken as whole"),
            Some(Err(error)) => {
                assert!(!whole, "{path}: {error}");
                assert_eq!(
                    *error.kind(),
                    ErrorKind::Transport(TransportErrorKind::Interrupted),
                    "{path}: {error}"
                );
            }
            Some(Ok(more)) => panic!("{path}: {more:?}"),
        }
    }
    assert_eq!(server.asked.load(Ordering::SeqCst), 5);
}

#[tokio::test]
async fn who_is_turned_away_is_told_so_and_asks_once_more_only_where_a_kept_connection_was_over() {
    let server = Raw::start(|path, respond| match path {
        "/ok" => drop(respond.send_response(Response::new(()), true).unwrap()),
        _ => respond.send_reset(Reason::REFUSED_STREAM),
    })
    .await;
    let transport = Arc::new(server.transport());
    let client = Client::new(transport, server.config.clone(), portolan_native::runtime().unwrap());
    let turned_away = ErrorKind::Transport(TransportErrorKind::TurnedAway);
    let asked = || server.asked.swap(0, Ordering::SeqCst);
    for (retries, expected) in [(0, 1), (1, 2)] {
        let write = client.rest().post().abs_path("/refused").max_retries(retries);
        let error = write.send().await.unwrap_err();
        assert_eq!((error.kind(), asked()), (&turned_away, expected), "{error}");
    }
    client.rest().get().abs_path("/ok").send().await.unwrap();
    asked();
    let error = client.rest().get().abs_path("/refused").max_retries(0).send().await.unwrap_err();
    assert_eq!((error.kind(), asked()), (&turned_away, 2), "over the kept connection and a new one: {error}");
}
