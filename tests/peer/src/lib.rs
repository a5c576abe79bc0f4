//! A scripted HTTP/1.1 and WebSocket server on loopback: the other end of the conformance suite. It makes each
//! [`portolan_conformance::Situation`] at a path of its own, keeps count of what became of every exchange, and serves the
//! files of a folder, so that a page in a browser can run the suite too. It is written on bare sockets, for a server
//! library would not let it misbehave. Over HTTP/2, where there is less to misbehave in, it is hyper behind TLS.

mod exchanges;
mod http2;
mod request;
mod serve;
mod sockets;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use exchanges::Exchanges;

/// A running peer; dropping it ends it.
#[derive(Debug)]
pub struct Peer {
    scheme: &'static str,
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Peer {
    /// Serves on a free port of loopback, with the files of `folder` at every path that is no situation.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(folder: Option<PathBuf>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let exchanges = Arc::new(Exchanges::default());
        let folder = folder.map(Arc::new);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (exchanges, folder) = (Arc::clone(&exchanges), folder.clone());
                // A client that goes away is what the suite is about.
                tokio::spawn(
                    async move { serve::connection(stream, &exchanges, folder.as_deref()).await.ok() },
                );
            }
        });
        Ok(Self { scheme: "http", address, accepting })
    }

    /// Serves over TLS and HTTP/2 alone. The second value is the authority to trust, in PEM.
    ///
    /// # Errors
    /// When no port or certificate can be had.
    pub async fn start_http2() -> io::Result<(Self, String)> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let exchanges = Arc::new(Exchanges::default());
        let (acceptor, authority) = http2::acceptor()?;
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (exchanges, acceptor) = (Arc::clone(&exchanges), acceptor.clone());
                tokio::spawn(http2::connection(stream, acceptor, exchanges));
            }
        });
        Ok((Self { scheme: "https", address, accepting }, authority))
    }

    /// Its address, as `http://127.0.0.1:1234`.
    pub fn address(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// Serves until its accepting task ends, which is never.
    pub async fn serve(mut self) {
        // The task neither panics nor ends.
        let _ = (&mut self.accepting).await;
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// An address where nobody listens: a port that was free a moment ago.
///
/// # Errors
/// When no port can be had.
pub fn nobody() -> io::Result<String> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(format!("http://{}", listener.local_addr()?))
}
