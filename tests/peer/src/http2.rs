//! The situations over HTTP/2: each exchange is a stream of a shared connection, and ends when its stream is reset.
//!
//! Garbage and WebSockets are not to be had here: the one is no HTTP/2 at all, the others go over HTTP/1.1.

use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, BoxStream, Stream, StreamExt};
use h2::Reason;
use http::header::{CONTENT_TYPE, LOCATION};
use http::{Request, Response};
use http_body::{Body, Frame};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::exchanges::Exchanges;
use crate::serve::{marks_in_pieces, refusal};

/// Accepts connections that speak HTTP/2, with a certificate made for the occasion, which is its own authority.
pub(crate) fn acceptor() -> io::Result<(TlsAcceptor, String)> {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).map_err(io::Error::other)?;
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).map_err(io::Error::other)?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| {
            builder.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key)
        })
        .map_err(io::Error::other)?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok((TlsAcceptor::from(Arc::new(config)), made.cert.pem()))
}

pub(crate) async fn connection(stream: TcpStream, acceptor: TlsAcceptor, exchanges: Arc<Exchanges>) {
    // A client that goes away is what the suite is about.
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let service = service_fn(move |request| {
        let exchanges = Arc::clone(&exchanges);
        async move { Ok::<_, Infallible>(answer(request, &exchanges).await) }
    });
    let _gone =
        http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(request: Request<Incoming>, exchanges: &Arc<Exchanges>) -> Response<Answer> {
    let query = request.uri().query().unwrap_or_default();
    let id = query.split('&').find_map(|pair| pair.strip_prefix("id=")).unwrap_or_default().to_owned();
    match request.uri().path() {
        "/seen" => {
            let seen = exchanges.seen(&id);
            return whole(
                200,
                json!({ "begun": seen.begun, "ended": seen.ended, "sent": seen.sent }).to_string(),
            );
        }
        "/release" => {
            exchanges.release(&id);
            return whole(200, "{}");
        }
        _ => {}
    }
    let exchange = exchanges.begin(&id);
    match request.uri().path() {
        "/marks" => streamed(stream::iter(marks_in_pieces()).map(|piece| Ok(piece.into()))),
        "/stall" => streamed(stream::unfold(exchange, |exchange| async move {
            exchange.released().await;
            Some((Ok(Bytes::from_static(b"released")), exchange))
        })),
        "/silence" => pending().await,
        "/pressure" => streamed(stream::unfold(exchange, |exchange| async move {
            let piece = Bytes::from_static(&[b'x'; 64 << 10]);
            exchange.sent(piece.len());
            Some((Ok(piece), exchange))
        })),
        "/cut" => cut(Reason::INTERNAL_ERROR),
        "/cut/quietly" => cut(Reason::NO_ERROR),
        "/redirect" => {
            let mut answer = whole(302, "");
            if let Ok(landed) = format!("/landed?id={id}-landed").parse() {
                answer.headers_mut().insert(LOCATION, landed);
            }
            answer
        }
        "/landed" => whole(200, "landed"),
        "/status/404" => whole(404, refusal(404, "NotFound", "there is none")),
        "/upload" => upload(request.into_body()).await,
        _ => whole(404, "there is no such situation"),
    }
}

/// A body whose stream is reset for `reason`.
fn cut(reason: Reason) -> Response<Answer> {
    let cut = stream::once(async move {
        // A reset takes back what has not been sent yet, the head with it.
        tokio::time::sleep(Duration::from_millis(20)).await;
        Err(reason.into())
    });
    streamed(stream::iter([Ok(Bytes::from_static(b"begun"))]).chain(cut))
}

/// What came, once all of it has.
async fn upload(mut body: Incoming) -> Response<Answer> {
    let mut bytes = Vec::new();
    while let Some(Ok(frame)) = std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await
    {
        bytes.extend(frame.into_data().unwrap_or_default());
    }
    whole(200, bytes)
}

fn whole(status: u16, body: impl Into<Bytes>) -> Response<Answer> {
    let body = body.into();
    let mut answer = streamed(stream::iter([Ok(body)]));
    *answer.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
    answer.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    answer
}

fn streamed(body: impl Stream<Item = Result<Bytes, h2::Error>> + Send + 'static) -> Response<Answer> {
    Response::new(Answer(body.boxed()))
}

/// A body, chunk by chunk.
struct Answer(BoxStream<'static, Result<Bytes, h2::Error>>);

impl Body for Answer {
    type Data = Bytes;
    type Error = h2::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, h2::Error>>> {
        self.0.poll_next_unpin(context).map_ok(Frame::data)
    }
}
