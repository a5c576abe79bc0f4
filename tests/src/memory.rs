//! The API server in memory behind a real socket: what a program that is not ours, such as kubectl, can talk to.
//!
//! Plain HTTP/1.1 on the loopback interface. It ends when the [`MemoryServer`] is dropped.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use futures::{Stream, StreamExt};
use http_body::{Body as _, Frame};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use portolan::transport::{Body, Transport};
use portolan::{Error, TransportErrorKind};
use portolan_memory::Cluster;
use portolan_native::runtime;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// A memory cluster that serves on a port of its own.
#[derive(Debug)]
pub struct MemoryServer {
    cluster: Cluster,
    address: SocketAddr,
    /// Its threads; dropping it ends every connection.
    _runtime: Runtime,
}

impl MemoryServer {
    /// Starts an empty cluster on a free port.
    ///
    /// # Errors
    /// When no threads or no port are to be had.
    pub fn start() -> Result<Self> {
        let threads = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let (cluster, listener) = threads.block_on(async {
            let cluster = Cluster::new(runtime()?);
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("a free port")?;
            anyhow::Ok((cluster, listener))
        })?;
        let address = listener.local_addr()?;
        threads.spawn(accept(listener, cluster.clone()));
        Ok(Self { cluster, address, _runtime: threads })
    }

    /// The cluster behind it.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Where it serves, `http://127.0.0.1:<port>`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

async fn accept(listener: TcpListener, cluster: Cluster) {
    while let Ok((socket, _)) = listener.accept().await {
        let transport = cluster.transport();
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let transport = transport.clone();
                async move { Ok::<_, Infallible>(answer(&*transport, request).await) }
            });
            // A connection that breaks off is the client's to notice.
            drop(
                hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(socket), service)
                    .await,
            );
        });
    }
}

async fn answer(transport: &dyn Transport, request: http::Request<Incoming>) -> http::Response<Answer> {
    let request = request.map(|body| {
        if body.is_end_stream() {
            return Body::Empty;
        }
        Body::Stream(Box::pin(chunks(body)))
    });
    match transport.send(request).await {
        Ok(answer) => answer.map(Answer),
        Err(error) => {
            let mut failed = http::Response::new(Answer(Bytes::from(error.to_string()).into()));
            *failed.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
            failed
        }
    }
}

fn chunks(mut body: Incoming) -> impl Stream<Item = Result<Bytes, Error>> + Send + 'static {
    let broken = |error: hyper::Error| Error::transport(TransportErrorKind::Protocol, error.to_string());
    futures::stream::poll_fn(move |context| Pin::new(&mut body).poll_frame(context)).filter_map(
        move |frame| {
            std::future::ready(frame.map(|frame| frame.into_data().ok()).map_err(broken).transpose())
        },
    )
}

/// An answer's body as hyper sends it.
struct Answer(Body);

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        self.0.poll_next_unpin(context).map_ok(Frame::data)
    }
}
