//! The situations of WebSockets.

use std::io;
use std::sync::Arc;

use futures::{SinkExt, StreamExt};
use portolan_conformance::{MARKS, mark};
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::exchanges::Exchanges;
use crate::request::Head;
use crate::serve::{refusal, whole};

type Frames = WebSocketStream<BufReader<TcpStream>>;

pub(crate) async fn serve(
    mut stream: BufReader<TcpStream>,
    head: &Head,
    exchanges: &Arc<Exchanges>,
) -> io::Result<()> {
    let _exchange = exchanges.begin(&head.id);
    if head.path == "/socket/forbidden" || head.header("origin").is_none() {
        return whole(&mut stream, 403, "application/json", forbidden().as_bytes()).await;
    }
    let Some(key) = head.header("sec-websocket-key") else {
        return whole(&mut stream, 400, "text/plain", b"a WebSocket needs a key").await;
    };
    let protocol = head.header("sec-websocket-protocol").and_then(|offered| offered.split(',').next());
    let protocol =
        protocol.map(|first| format!("sec-websocket-protocol: {}\r\n", first.trim())).unwrap_or_default();
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-accept: {}\r\n{protocol}\r\n",
        derive_accept_key(key.as_bytes())
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.flush().await?;
    let frames = WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
    talk(&head.path, frames).await.map_err(io::Error::other)
}

/// The refusal of a socket.
pub(crate) fn forbidden() -> String {
    refusal(403, "Forbidden", "you may not, because this peer says so")
}

async fn talk(path: &str, mut frames: Frames) -> Result<(), Error> {
    match path {
        "/socket/marks" => {
            for number in 0..MARKS {
                frames.send(Message::text(mark(number))).await?;
            }
            while frames.next().await.transpose()?.is_some() {}
            Ok(())
        }
        "/socket/close" => {
            frames.send(Message::text("only")).await?;
            frames.close(None).await?;
            while frames.next().await.transpose()?.is_some() {}
            Ok(())
        }
        "/socket/break" => frames.send(Message::text("only")).await,
        _ => {
            while let Some(message) = frames.next().await.transpose()? {
                if message.is_text() || message.is_binary() {
                    frames.send(message).await?;
                }
            }
            Ok(())
        }
    }
}
