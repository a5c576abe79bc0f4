//! From [`Tls`], plain data, to rustls' configuration: authorities, our certificate, protocols offered.
//!
//! Invariant: what cannot be used is refused here, in one line that names the file or field, before anything is sent.

use std::sync::Arc;

use portolan::Error;
use portolan::config::{Identity, Pem, Tls};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    self, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme, client::WantsClientCert,
};

/// The two ways to secure a connection, alike but for the protocols they offer.
#[derive(Clone)]
pub(crate) struct Connectors {
    /// Offers HTTP/2 and HTTP/1.1.
    pub(crate) any: TlsConnector,
    /// Offers HTTP/1.1 alone.
    pub(crate) http1: TlsConnector,
    /// The name to check instead of the address's host.
    pub(crate) server_name: Option<ServerName<'static>>,
}

impl Connectors {
    pub(crate) fn new(tls: &Tls) -> Result<Self, Error> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::config(format!("TLS cannot be set up: {error}")))?;
        let builder = if tls.insecure {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(AcceptAny(provider)))
        } else {
            builder.with_root_certificates(authorities(tls.certificate_authority.as_ref())?)
        };
        let mut config = with_identity(builder, tls.identity.as_ref())?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let http1 = TlsConnector::from(Arc::new(config.clone()));
        config.alpn_protocols.insert(0, b"h2".to_vec());
        let server_name = tls.server_name.clone().map(|name| {
            ServerName::try_from(name.clone())
                .map_err(|_| Error::config(format!("tls-server-name: {name:?} is no host name: correct it")))
        });
        Ok(Self { any: TlsConnector::from(Arc::new(config)), http1, server_name: server_name.transpose()? })
    }
}

fn authorities(pem: Option<&Pem>) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    let Some(pem) = pem else {
        let found = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(found.certs);
        if roots.is_empty() {
            let text =
                "the system trusts no authorities: install its CA certificates or set certificate-authority";
            return Err(Error::config(text));
        }
        return Ok(roots);
    };
    for certificate in certificates(pem, "certificate-authority")? {
        roots.add(certificate).map_err(|error| unusable(pem, "certificate-authority", &error))?;
    }
    Ok(roots)
}

fn with_identity(
    builder: rustls::ConfigBuilder<ClientConfig, WantsClientCert>,
    identity: Option<&Identity>,
) -> Result<ClientConfig, Error> {
    let Some(Identity { certificate, key }) = identity else { return Ok(builder.with_no_client_auth()) };
    let chain = certificates(certificate, "client-certificate")?;
    let key_der = PrivateKeyDer::from_pem_slice(&read(key, "client-key")?).map_err(|_| {
        let place = place(key, "client-key");
        Error::config(format!(
            "{place} holds no usable private key in PEM form: write one there, unencrypted"
        ))
    })?;
    builder.with_client_auth_cert(chain, key_der).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => {
            let (certificate, key) = (place(certificate, "client-certificate"), place(key, "client-key"));
            Error::config(format!("{key} does not belong to {certificate}: give the two of one pair"))
        }
        error => unusable(certificate, "client-certificate", &error),
    })
}

fn certificates(pem: &Pem, field: &str) -> Result<Vec<CertificateDer<'static>>, Error> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read(pem, field)?).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => {
            let place = place(pem, field);
            Err(Error::config(format!(
                "{place} holds no certificate in PEM form (-----BEGIN …-----): write one there"
            )))
        }
    }
}

fn read(pem: &Pem, field: &str) -> Result<bytes::Bytes, Error> {
    match pem {
        Pem::Data(data) => Ok(data.clone()),
        Pem::File(path) => std::fs::read(path).map(Into::into).map_err(|error| {
            let place = place(pem, field);
            Error::config(format!("{place} cannot be read ({error}): correct the path or its permissions"))
        }),
    }
}

fn unusable(pem: &Pem, field: &str, error: &rustls::Error) -> Error {
    Error::config(format!("{} cannot be used ({error}): replace it", place(pem, field)))
}

fn place(pem: &Pem, field: &str) -> String {
    match pem {
        Pem::Data(_) => format!("{field}-data"),
        Pem::File(path) => format!("{field} {path}"),
    }
}

/// Accepts whatever certificate the server shows: `insecure-skip-tls-verify`.
#[derive(Debug)]
struct AcceptAny(Arc<CryptoProvider>);

impl ServerCertVerifier for AcceptAny {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
