//! A listener on this machine whose connections end at a port of a pod.
//!
//! After client-go 0.37 `tools/portforward/portforward.go`. Differs: each connection goes to the API server on its own, so
//! one that fails ends no other, and the listener outlives a lost pod. Invariant: nothing outlives the
//! [`PortForwarder`].

use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use futures::future::{Either, select};
use futures::{AsyncReadExt as _, AsyncWriteExt as _};
use portolan::Error;
use portolan::client::{Api, HasPortForward};
use portolan::stream::PortStream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// So many failures are kept for [`PortForwarder::failure`]; of more the first are.
const KEPT_FAILURES: usize = 16;
/// How much is copied at once, in bytes.
const CHUNK: usize = 32 << 10;
/// So long it pauses after a connection it could not take: out of file descriptors, the next fails at once too.
const PAUSE: Duration = Duration::from_millis(100);

/// Forwards connections as long as it lives. client-go's `portforward.PortForwarder`.
#[derive(Debug)]
pub struct PortForwarder {
    address: SocketAddr,
    failures: mpsc::Receiver<Error>,
    _tasks: JoinSet<()>,
}

impl PortForwarder {
    /// Where it listens. client-go's `GetPorts`.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Waits for a connection that fails (the pod is gone, nothing listens on its port) and says why. The peer on this side
    /// saw its connection end.
    pub async fn failure(&mut self) -> Error {
        match self.failures.recv().await {
            Some(error) => error,
            None => std::future::pending().await,
        }
    }
}

/// Listens on `address`, where port 0 is any free one, and forwards each connection to `port` of the pod `name`. Fails
/// when it cannot listen there. client-go's `ForwardPorts`.
pub async fn forward<K: HasPortForward>(
    pods: &Api<K>,
    name: &str,
    port: u16,
    address: SocketAddr,
) -> Result<PortForwarder, Error> {
    let cannot = |error: std::io::Error| {
        Error::config(format!("cannot listen on {address}: {error}")).with_source(error)
    };
    let listener = TcpListener::bind(address).await.map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    let (failed, failures) = mpsc::channel(KEPT_FAILURES);
    let mut tasks = JoinSet::new();
    tasks.spawn(accept(listener, pods.clone(), name.to_owned(), port, failed));
    Ok(PortForwarder { address, failures, _tasks: tasks })
}

async fn accept<K: HasPortForward>(
    listener: TcpListener,
    pods: Api<K>,
    name: String,
    port: u16,
    failed: mpsc::Sender<Error>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // One that is gone before it is taken is no failure of the listener.
                let Ok((local, _)) = accepted else {
                    tokio::time::sleep(PAUSE).await;
                    continue;
                };
                let (pods, name, failed) = (pods.clone(), name.clone(), failed.clone());
                connections.spawn(async move {
                    if let Err(error) = connect(local, &pods, &name, port).await {
                        let error = error.doing(format!("forward port {port} of {name}"));
                        tracing::warn!(%error, "a forwarded connection failed");
                        drop(failed.try_send(error));
                    }
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connect<K: HasPortForward>(
    local: TcpStream,
    pods: &Api<K>,
    name: &str,
    port: u16,
) -> Result<(), Error> {
    let pod = pods.port_forward(name, port).await?;
    copy(local, pod).await.map_err(|error| match error.downcast::<Error>() {
        Ok(ours) => ours,
        Err(other) => Error::canceled(format!("the connection on this side: {other}")).with_source(other),
    })
}

/// Copies both ways until the pod's side ends. That this side has ended is told to the pod; where it cannot be told, only
/// the pod ends the connection.
async fn copy(mut local: TcpStream, pod: PortStream) -> std::io::Result<()> {
    let (mut from_local, mut to_local) = local.split();
    let (mut from_pod, mut to_pod) = pod.split();
    let up = pin!(async {
        let mut buffer = vec![0; CHUNK];
        loop {
            match from_local.read(&mut buffer).await? {
                0 => return to_pod.close().await.or_else(untold),
                length => {
                    to_pod.write_all(&buffer[..length]).await?;
                    to_pod.flush().await?;
                }
            }
        }
    });
    let down = pin!(async {
        let mut buffer = vec![0; CHUNK];
        loop {
            match from_pod.read(&mut buffer).await? {
                0 => return to_local.shutdown().await,
                length => to_local.write_all(&buffer[..length]).await?,
            }
        }
    });
    match select(up, down).await {
        Either::Left((Ok(()), down)) => down.await,
        Either::Left((failed, _)) => failed,
        Either::Right((ended, _)) => ended,
    }
}

/// That an end cannot be told over this connection is no failure of it.
fn untold(error: std::io::Error) -> std::io::Result<()> {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(ours) if ours.is_unsupported() => Ok(()),
        _ => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_end_that_cannot_be_told_is_passed_over() {
        untold(std::io::Error::other(Error::unsupported("over v4"))).unwrap();
        untold(std::io::Error::other(Error::canceled("gone"))).unwrap_err();
        untold(std::io::ErrorKind::BrokenPipe.into()).unwrap_err();
    }
}
