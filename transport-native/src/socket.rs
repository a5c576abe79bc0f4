//! WebSockets: the handshake as an ordinary HTTP/1.1 exchange, then frames by tungstenite.
//!
//! Invariant: an answer other than 101 becomes the API error it is, with the Status in its body.

use std::sync::Arc;
use std::time::Duration;

use futures::{SinkExt, StreamExt, TryStreamExt};
use http::header::{self, HeaderMap, HeaderValue};
use http::{Request, Response, StatusCode};
use portolan::rest;
use portolan::transport::{Body, Message, Socket};
use portolan::{Error, TransportErrorKind};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Message as Frame, Utf8Bytes};

use crate::connection::{Http1, RequestBody};
use crate::dial::Server;
use crate::failure as failed;
use crate::pool::Station;
use crate::transport::{Http1Body, for_http1};

/// So long the answer to a handshake may take, of a connection that is there.
pub(crate) const OPENING: Duration = Duration::from_secs(30);
/// The largest message taken: larger than any object etcd holds.
const LARGEST_MESSAGE: usize = 64 << 20;
/// The largest body of a refused handshake that is read for its Status.
const LARGEST_REFUSAL: usize = 64 << 10;

pub(crate) async fn open(
    station: &Arc<Station>,
    mut connection: Http1,
    request: Request<()>,
    protocols: &[&str],
) -> Result<Socket, Error> {
    let server = &station.server;
    let key = generate_key();
    let mut request = for_http1(server, request.map(|()| RequestBody(Body::Empty)), None);
    ask(server, request.headers_mut(), &key, protocols)?;
    let sent = connection.send(request).await;
    let response = sent.map_err(|error| failed::exchange(server, error.into_error()))?;
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Err(refusal(station, connection, response).await);
    }
    let protocol = agreed(server, response.headers(), &key, protocols)?;
    let (io, read) = connection.into_upgraded().await.map_err(|error| failed::exchange(server, error))?;
    let config = WebSocketConfig::default()
        .max_message_size(Some(LARGEST_MESSAGE))
        .max_frame_size(Some(LARGEST_MESSAGE));
    let stream = io.into_inner();
    let frames =
        WebSocketStream::from_partially_read(stream, read.to_vec(), Role::Client, Some(config)).await;
    Ok(socket(server.clone(), protocol, frames))
}

fn ask(server: &Server, headers: &mut HeaderMap, key: &str, protocols: &[&str]) -> Result<(), Error> {
    let value = |text: &str| {
        HeaderValue::from_str(text).map_err(|_| Error::config(format!("{text:?} cannot be sent as a header")))
    };
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    headers.insert(header::SEC_WEBSOCKET_KEY, value(key)?);
    if !protocols.is_empty() {
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, value(&protocols.join(", "))?);
    }
    // The API server refuses a handshake without an origin.
    if !headers.contains_key(header::ORIGIN) {
        headers.insert(header::ORIGIN, value(&server.to_string())?);
    }
    Ok(())
}

/// The subprotocol the peer chose, once it has shown that it understood the handshake.
fn agreed(
    server: &Server,
    headers: &HeaderMap,
    key: &str,
    protocols: &[&str],
) -> Result<Option<String>, Error> {
    let wrong = |what: String| {
        Error::transport(
            TransportErrorKind::Protocol,
            format!("{server} answers the WebSocket handshake wrongly: {what}"),
        )
    };
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    if !text(header::UPGRADE).is_some_and(|upgrade| upgrade.eq_ignore_ascii_case("websocket")) {
        return Err(wrong("it switches to another protocol".to_owned()));
    }
    if text(header::SEC_WEBSOCKET_ACCEPT) != Some(&derive_accept_key(key.as_bytes())) {
        return Err(wrong("its key does not fit".to_owned()));
    }
    match text(header::SEC_WEBSOCKET_PROTOCOL) {
        Some(chosen) if !protocols.contains(&chosen) => {
            Err(wrong(format!("it chose the subprotocol {chosen:?}, which was not offered")))
        }
        chosen => Ok(chosen.map(str::to_owned)),
    }
}

/// The error an answer other than 101 is.
async fn refusal(
    station: &Arc<Station>,
    connection: Http1,
    response: Response<hyper::body::Incoming>,
) -> Error {
    let (head, body) = response.into_parts();
    let body = Http1Body::start(station, connection, body);
    let bytes = body.collect(LARGEST_REFUSAL).await.unwrap_or_default();
    rest::refusal(head.status, &head.headers, &bytes)
}

type Frames = WebSocketStream<Box<dyn crate::dial::Duplex>>;

fn socket(server: Server, protocol: Option<String>, frames: Frames) -> Socket {
    let (sink, stream) = frames.split();
    let peer = server.clone();
    let incoming = stream.map_err(move |error| broken(&peer, error)).try_filter_map(|frame| async {
        Ok(match frame {
            Frame::Text(text) => Some(Message::Text(text.into())),
            Frame::Binary(bytes) => Some(Message::Binary(bytes)),
            Frame::Ping(_) | Frame::Pong(_) | Frame::Close(_) | Frame::Frame(_) => None,
        })
    });
    let outgoing =
        sink.sink_map_err(move |error| broken(&server, error)).with(|message| async {
            Ok(match message {
                Message::Text(text) => Frame::Text(Utf8Bytes::try_from(text).map_err(|_| {
                    Error::config("a WebSocket text message must be UTF-8: send it as binary")
                })?),
                Message::Binary(bytes) => Frame::Binary(bytes),
            })
        });
    Socket::new(protocol, Box::pin(incoming), Box::pin(outgoing))
}

fn broken(server: &Server, error: tungstenite::Error) -> Error {
    use tungstenite::Error as Failure;
    use tungstenite::error::ProtocolError;
    let (kind, text) = match &error {
        Failure::Capacity(_) => (
            TransportErrorKind::TooLarge,
            format!("a WebSocket message of {server} is larger than {LARGEST_MESSAGE} bytes"),
        ),
        Failure::Protocol(ProtocolError::ResetWithoutClosingHandshake) | Failure::Io(_) => {
            (TransportErrorKind::Interrupted, format!("the WebSocket of {server} broke off ({error})"))
        }
        Failure::ConnectionClosed | Failure::AlreadyClosed => {
            (TransportErrorKind::Interrupted, format!("the WebSocket of {server} is closed"))
        }
        _ => (TransportErrorKind::Protocol, format!("{server} breaks the WebSocket protocol ({error})")),
    };
    Error::transport(kind, text).with_source(error)
}
