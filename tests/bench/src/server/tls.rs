//! The server's certificate, and TLS over its blocking sockets. Only HTTP/1.1 is offered: what is compared is the price
//! of TLS, not of another HTTP.

use std::io;
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tempfile::NamedTempFile;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A certificate of its own, and the file that names it for those who are to trust it.
pub(super) struct Tls {
    acceptor: Acceptor,
    authority: NamedTempFile,
}

/// Secures connections.
#[derive(Clone)]
pub(super) struct Acceptor(Arc<ServerConfig>);

impl Tls {
    pub(super) fn new() -> Result<Self> {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["127.0.0.1".to_owned()]).context("making a certificate")?;
        let authority = NamedTempFile::new().context("a file for the certificate")?;
        std::fs::write(authority.path(), cert.pem()).context("writing the certificate")?;
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).map_err(anyhow::Error::msg)?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { acceptor: Acceptor(Arc::new(config)), authority })
    }

    pub(super) fn acceptor(&self) -> Acceptor {
        self.acceptor.clone()
    }

    pub(super) fn authority(&self) -> &Path {
        self.authority.path()
    }
}

impl Acceptor {
    /// The handshake is made with the first read.
    pub(super) fn accept(&self, stream: TcpStream) -> io::Result<StreamOwned<ServerConnection, TcpStream>> {
        let connection = ServerConnection::new(self.0.clone()).map_err(io::Error::other)?;
        Ok(StreamOwned::new(connection, stream))
    }
}
