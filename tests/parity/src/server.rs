//! A server that answers as a script says, on bare sockets: a library would not let it misbehave.
//!
//! Every connection carries one request. The port is kept while the server is down, by a socket that is bound and does
//! not listen: connections are refused, and nobody else takes it.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

/// The server of one player in one scenario.
pub(crate) struct Server {
    address: SocketAddr,
    /// Keeps the port.
    _placeholder: TcpSocket,
    accepting: Option<JoinHandle<()>>,
    requests: UnboundedReceiver<Request>,
    arrived: UnboundedSender<Request>,
}

/// A request, and the connection to answer it on.
pub(crate) struct Request {
    /// In short, as a trace tells it.
    pub(crate) text: String,
    stream: TcpStream,
    /// Whether the metadata of objects alone were asked for.
    metadata_only: bool,
}

impl Server {
    pub(crate) fn start() -> Result<Self> {
        let placeholder = socket((Ipv4Addr::LOCALHOST, 0).into())?;
        let address = placeholder.local_addr()?;
        let (arrived, requests) = unbounded_channel();
        let mut server = Self { address, _placeholder: placeholder, accepting: None, requests, arrived };
        server.up()?;
        Ok(server)
    }

    pub(crate) fn address(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Listens.
    pub(crate) fn up(&mut self) -> Result<()> {
        let listener = socket(self.address)?.listen(64)?;
        let arrived = self.arrived.clone();
        self.accepting = Some(tokio::spawn(async move {
            let mut reading = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let arrived = arrived.clone();
                reading.spawn(async move {
                    if let Ok(Some(request)) = Request::read(stream).await {
                        // Nobody waits any more once the scenario has ended.
                        let _ = arrived.send(request);
                    }
                });
            }
        }));
        Ok(())
    }

    /// Refuses connections, and forgets the requests it has not looked at.
    pub(crate) async fn down(&mut self) {
        if let Some(accepting) = self.accepting.take() {
            accepting.abort();
            // Aborted, it ends with an error that says so.
            let _ = accepting.await;
        }
        while self.requests.try_recv().is_ok() {}
    }

    /// The next request.
    pub(crate) async fn request(&mut self) -> Result<Request> {
        self.requests.recv().await.context("the server has ended")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(accepting) = &self.accepting {
            accepting.abort();
        }
    }
}

fn socket(address: SocketAddr) -> Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.set_reuseport(true)?;
    socket.bind(address).context("binding a port of loopback")?;
    Ok(socket)
}

impl Request {
    /// Reads the head of a GET.
    async fn read(mut stream: TcpStream) -> Result<Option<Self>> {
        stream.set_nodelay(true)?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            if stream.read(&mut byte).await? == 0 {
                return Ok(None);
            }
            head.push(byte[0]);
        }
        let head = String::from_utf8(head)?;
        let target = head.split(' ').nth(1).context("a request line")?;
        let metadata_only = head.contains("as=PartialObjectMetadata");
        Ok(Some(Self { text: told(target, metadata_only), stream, metadata_only }))
    }

    /// Answers with a whole body.
    pub(crate) async fn whole(
        &mut self,
        code: u16,
        content_type: &str,
        headers: &str,
        body: &str,
    ) -> std::io::Result<()> {
        let head = format!(
            "HTTP/1.1 {code} Scripted\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n",
            body.len()
        );
        self.stream.write_all(head.as_bytes()).await?;
        self.stream.write_all(body.as_bytes()).await?;
        self.stream.shutdown().await
    }

    /// Opens a body that goes on.
    pub(crate) async fn open(&mut self) -> std::io::Result<()> {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\
                    connection: close\r\n\r\n";
        self.stream.write_all(head.as_bytes()).await
    }

    /// Sends a piece of the open body.
    pub(crate) async fn chunk(&mut self, text: &str) -> std::io::Result<()> {
        let chunk = format!("{:x}\r\n{text}\r\n", text.len());
        self.stream.write_all(chunk.as_bytes()).await
    }

    /// Ends the open body.
    pub(crate) async fn close(mut self) -> std::io::Result<()> {
        self.stream.write_all(b"0\r\n\r\n").await?;
        self.stream.shutdown().await
    }

    /// apiVersion and kind of the objects asked for.
    pub(crate) fn kind(&self) -> (&'static str, &'static str) {
        if self.metadata_only { ("meta.k8s.io/v1", "PartialObjectMetadata") } else { ("v1", "ConfigMap") }
    }

    pub(crate) fn list(&self, version: &str, continue_token: &str, items: &[Value]) -> Value {
        let (api_version, kind) = self.kind();
        let mut metadata = json!({ "resourceVersion": version });
        if !continue_token.is_empty() {
            metadata["continue"] = continue_token.into();
        }
        json!({ "apiVersion": api_version, "kind": format!("{kind}List"), "metadata": metadata, "items": items })
    }
}

/// A request in the few words that matter.
fn told(target: &str, metadata_only: bool) -> String {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let parameters: std::collections::BTreeMap<String, String> =
        form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let of = |name: &str| parameters.get(name).map(String::as_str).unwrap_or_default();
    let is = |name: &str| matches!(of(name), "true" | "1");
    let what = match (is("watch"), is("sendInitialEvents")) {
        (false, _) => "list",
        (true, false) => "watch",
        (true, true) => "watch-list",
    };
    let mut text = format!("ask: {what} rv={}", of("resourceVersion"));
    let names = [
        ("resourceVersionMatch", "match"),
        ("limit", "limit"),
        ("continue", "continue"),
        ("labelSelector", "labels"),
        ("fieldSelector", "fields"),
    ];
    for (name, short) in names {
        if !of(name).is_empty() {
            text += &format!(" {short}={}", of(name));
        }
    }
    if is("allowWatchBookmarks") {
        text += " bookmarks";
    }
    match of("timeoutSeconds").parse::<u32>() {
        Ok(300..600) => text += " for 5 to 10 minutes",
        Ok(other) => text += &format!(" for {other} s"),
        Err(_) => {}
    }
    if path != "/api/v1/configmaps" {
        text += &format!(" of {path}");
    }
    if metadata_only {
        text += " metadata";
    }
    text
}
