//! One connection, one request: each situation at its path, the questions about exchanges, and files.

use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use portolan_conformance::{MARKS, mark};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::exchanges::Exchanges;
use crate::request::Head;
use crate::sockets;

/// What a page of another origin needs to be let in.
const OPEN_TO_ALL: &str = "access-control-allow-origin: *\r\naccess-control-allow-methods: *\r\n\
                           access-control-allow-headers: *\r\naccess-control-allow-private-network: true\r\n\
                           cache-control: no-store\r\n";

/// After a piece of this many bytes the marks pause.
const PAUSE: usize = 20;

type Stream = BufReader<TcpStream>;

pub(crate) async fn connection(
    stream: TcpStream,
    exchanges: &Arc<Exchanges>,
    folder: Option<&PathBuf>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    let Some(head) = Head::read(&mut stream).await? else { return Ok(()) };
    if head.method == "OPTIONS" {
        return whole(&mut stream, 204, "text/plain", b"").await;
    }
    if head.header("upgrade").is_some() {
        return sockets::serve(stream, &head, exchanges).await;
    }
    match head.path.as_str() {
        "/seen" => {
            let seen = exchanges.seen(&head.id);
            let answer = json!({ "begun": seen.begun, "ended": seen.ended, "sent": seen.sent });
            whole(&mut stream, 200, "application/json", answer.to_string().as_bytes()).await
        }
        "/release" => {
            exchanges.release(&head.id);
            whole(&mut stream, 200, "application/json", b"{}").await
        }
        // A client whose handshake failed may ask the same without one, to learn why.
        "/socket/forbidden" => {
            whole(&mut stream, 403, "application/json", sockets::forbidden().as_bytes()).await
        }
        path if path.starts_with("/socket/") => {
            whole(&mut stream, 426, "text/plain", b"Upgrade Required: this is a WebSocket").await
        }
        _ => situation(&mut stream, &head, exchanges, folder).await,
    }
}

async fn situation(
    stream: &mut Stream,
    head: &Head,
    exchanges: &Arc<Exchanges>,
    folder: Option<&PathBuf>,
) -> io::Result<()> {
    let exchange = exchanges.begin(&head.id);
    match head.path.as_str() {
        "/marks" => marks(stream).await,
        "/stall" => {
            begin(stream, "transfer-encoding: chunked").await?;
            tokio::select! {
                () = exchange.released() => chunk(stream, b"released").await?,
                gone = until_gone(&mut *stream) => return gone,
            }
            until_gone(stream).await
        }
        "/silence" => until_gone(stream).await,
        "/pressure" => {
            begin(stream, "transfer-encoding: chunked").await?;
            let piece = vec![b'x'; 64 << 10];
            loop {
                chunk(stream, &piece).await?;
                exchange.sent(piece.len());
            }
        }
        "/cut" => {
            begin(stream, "content-length: 1000").await?;
            stream.write_all(b"begun").await
        }
        "/cut/quietly" => {
            // Without `connection: close`: after that, Node's fetch takes for whole what ends with the connection.
            let head = format!("HTTP/1.1 200 Scripted\r\n{OPEN_TO_ALL}transfer-encoding: chunked\r\n\r\n");
            stream.write_all(head.as_bytes()).await?;
            chunk(stream, b"begun").await
        }
        "/redirect" => {
            let landed = format!("location: /landed?id={}-landed\r\ncontent-length: 0", head.id);
            start(stream, 302, &landed).await
        }
        "/landed" => whole(stream, 200, "text/plain", b"landed").await,
        "/status/404" => {
            let status = refusal(404, "NotFound", "there is none");
            whole(stream, 404, "application/json", status.as_bytes()).await
        }
        "/garbage" => stream.write_all(b"\x16\x03\x01this is no HTTP\r\n\r\n").await,
        "/upload" => {
            let body = head.body(stream).await?;
            whole(stream, 200, "application/octet-stream", &body).await
        }
        path => file(stream, folder, path).await,
    }
}

/// A `Status` that refuses.
pub(crate) fn refusal(code: u16, reason: &str, message: &str) -> String {
    let (kind, version) = ("Status", "v1");
    json!({ "kind": kind, "apiVersion": version, "status": "Failure", "code": code, "reason": reason, "message": message })
        .to_string()
}

/// An answer whose body is known.
pub(crate) async fn whole(
    stream: &mut (impl AsyncWriteExt + Unpin),
    status: u16,
    content_type: &str,
    body: &[u8],
) -> io::Result<()> {
    start(stream, status, &format!("content-type: {content_type}\r\ncontent-length: {}", body.len())).await?;
    stream.write_all(body).await?;
    stream.flush().await
}

async fn begin(stream: &mut Stream, length: &str) -> io::Result<()> {
    start(stream, 200, &format!("content-type: text/plain\r\n{length}")).await
}

async fn start(stream: &mut (impl AsyncWriteExt + Unpin), status: u16, headers: &str) -> io::Result<()> {
    let head = format!("HTTP/1.1 {status} Scripted\r\n{OPEN_TO_ALL}{headers}\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await?;
    stream.flush().await
}

async fn chunk(stream: &mut Stream, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(format!("{:x}\r\n", bytes.len()).as_bytes()).await?;
    stream.write_all(bytes).await?;
    stream.write_all(b"\r\n").await?;
    stream.flush().await
}

async fn marks(stream: &mut Stream) -> io::Result<()> {
    begin(stream, "transfer-encoding: chunked").await?;
    for piece in marks_in_pieces() {
        chunk(stream, &piece).await?;
        if piece.len() == PAUSE {
            // So that no client gets it all at once.
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
    stream.write_all(b"0\r\n\r\n").await?;
    stream.flush().await
}

/// The marks, cut into pieces of one to forty bytes that care for no mark.
pub(crate) fn marks_in_pieces() -> Vec<Vec<u8>> {
    let text: String = (0..MARKS).map(mark).collect();
    let mut rest = text.as_bytes();
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        let (piece, later) = rest.split_at((pieces.len() % 40 + 1).min(rest.len()));
        pieces.push(piece.to_vec());
        rest = later;
    }
    pieces
}

/// Waits until the client has closed the connection.
async fn until_gone(stream: &mut Stream) -> io::Result<()> {
    let mut ignored = [0; 256];
    while stream.read(&mut ignored).await? > 0 {}
    Ok(())
}

async fn file(stream: &mut Stream, folder: Option<&PathBuf>, path: &str) -> io::Result<()> {
    let relative = Path::new(path.trim_start_matches('/'));
    let inside = relative.components().all(|component| matches!(component, Component::Normal(_)));
    let relative = if path.ends_with('/') { relative.join("index.html") } else { relative.to_owned() };
    let content_type = match relative.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript",
        Some("css") => "text/css",
        Some("wasm") => "application/wasm",
        Some("json") => "application/json",
        _ => "application/octet-stream",
    };
    match folder {
        Some(folder) if inside => match tokio::fs::read(folder.join(relative)).await {
            Ok(bytes) => whole(stream, 200, content_type, &bytes).await,
            Err(_) => whole(stream, 404, "text/plain", b"there is no such file").await,
        },
        _ => whole(stream, 404, "text/plain", b"there is no such file").await,
    }
}
