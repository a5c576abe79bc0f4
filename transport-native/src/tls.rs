//! From [`Tls`], plain data, to rustls' configuration: authorities, our certificate, protocols offered.
//!
//! Invariant: what cannot be used is refused here, in one line that names the file or field, before anything is sent.

use std::sync::Arc;

use bytes::Bytes;
use portolan::Error;
use portolan::config::{Identity, Pem, Tls};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio_rustls::rustls::{
    self, ClientConfig, DigitallySignedStruct, InconsistentKeys, RootCertStore, SignatureScheme,
};

use crate::files;

/// What is wrong with which field.
#[derive(Debug)]
pub(crate) struct Problem {
    /// The field without its `-data`, such as `client-key`.
    pub(crate) field: &'static str,
    /// The field as it is given, with the file it names.
    place: String,
    why: String,
}

impl Problem {
    fn new(field: &'static str, pem: &Pem, why: impl Into<String>) -> Self {
        let place = match pem {
            Pem::Data(_) => format!("{field}-data"),
            Pem::File(path) => format!("{field} {path}"),
        };
        Self { field, place, why: why.into() }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.place, self.why)
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::config(problem.to_string())
    }
}

/// The PEM texts a connection is secured with, read where they are in files.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Material {
    pub(crate) authority: Option<Bytes>,
    certificate: Option<Bytes>,
    key: Option<Bytes>,
}

impl Material {
    /// Reads the files that `tls` names.
    pub(crate) fn read(tls: &Tls) -> Result<Self, Problem> {
        let (authority, identity) = (tls.certificate_authority.as_ref(), tls.identity.as_ref());
        let read = |field, pem: Option<&Pem>| pem.map(|pem| read(pem, field)).transpose();
        Ok(Self {
            authority: read("certificate-authority", authority)?,
            certificate: read("client-certificate", identity.map(|identity| &identity.certificate))?,
            key: read("client-key", identity.map(|identity| &identity.key))?,
        })
    }

    /// Whether the client certificate is the one that `tls` gives as data, or is in a file.
    pub(crate) fn is_of(&self, tls: &Tls) -> bool {
        let same = |pem: Option<&Pem>, data: &Option<Bytes>| match pem {
            Some(Pem::Data(given)) => data.as_ref() == Some(given),
            Some(Pem::File(_)) => true,
            None => data.is_none(),
        };
        let identity = tls.identity.as_ref();
        same(identity.map(|identity| &identity.certificate), &self.certificate)
            && same(identity.map(|identity| &identity.key), &self.key)
    }
}

/// Looks whether `tls` can be used, without the system's authorities.
pub(crate) fn check(tls: &Tls) -> Result<(), Problem> {
    let material = Material::read(tls)?;
    if let Some((pem, data)) = tls.certificate_authority.as_ref().zip(material.authority.as_ref()) {
        roots(pem, data)?;
    }
    certified(tls, &material)?;
    server_name(tls)?;
    Ok(())
}

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
    /// As `tls` says, with `material` in place of the files it names.
    pub(crate) fn new(tls: &Tls, material: &Material) -> Result<Self, Error> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::config(format!("TLS cannot be set up: {error}")))?;
        let builder = if tls.insecure {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(AcceptAny(provider)))
        } else {
            let roots = match tls.certificate_authority.as_ref().zip(material.authority.as_ref()) {
                Some((pem, data)) => roots(pem, data)?,
                None => system_roots()?,
            };
            builder.with_root_certificates(roots)
        };
        let mut config = match certified(tls, material)? {
            Some(own) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(own))),
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let http1 = TlsConnector::from(Arc::new(config.clone()));
        config.alpn_protocols.insert(0, b"h2".to_vec());
        Ok(Self { any: TlsConnector::from(Arc::new(config)), http1, server_name: server_name(tls)? })
    }
}

fn server_name(tls: &Tls) -> Result<Option<ServerName<'static>>, Problem> {
    let Some(name) = &tls.server_name else { return Ok(None) };
    ServerName::try_from(name.clone()).map(Some).map_err(|_| Problem {
        field: "tls-server-name",
        place: "tls-server-name:".to_owned(),
        why: format!("{name:?} is no host name: correct it"),
    })
}

fn system_roots() -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let text =
            "the system trusts no authorities: install its CA certificates or set certificate-authority";
        return Err(Error::config(text));
    }
    Ok(roots)
}

fn roots(pem: &Pem, data: &[u8]) -> Result<RootCertStore, Problem> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(pem, data, "certificate-authority")? {
        roots.add(certificate).map_err(|error| damaged(pem, "certificate-authority", &error))?;
    }
    Ok(roots)
}

/// Our certificate and its key.
fn certified(tls: &Tls, material: &Material) -> Result<Option<CertifiedKey>, Problem> {
    let (Some(identity), Some(chain), Some(key)) = (&tls.identity, &material.certificate, &material.key)
    else {
        return Ok(None);
    };
    let Identity { certificate: certificate_pem, key: key_pem } = identity;
    let chain = certificates(certificate_pem, chain, "client-certificate")?;
    let unusable = |why| Problem::new("client-key", key_pem, why);
    let key = PrivateKeyDer::from_pem_slice(key)
        .map_err(|_| unusable("holds no usable private key in PEM form: write one there, unencrypted"))?;
    let key = ring::default_provider().key_provider.load_private_key(key).map_err(|_| {
        unusable("holds a private key that is damaged or of an unknown kind: write an RSA, ECDSA or Ed25519 key there")
    })?;
    let own = CertifiedKey::new(chain, key);
    match own.keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(Some(own)),
        Err(rustls::Error::InconsistentKeys(_)) => {
            let certificate = Problem::new("client-certificate", certificate_pem, "").place;
            let why = format!("does not belong to {certificate}: give the two of one pair");
            Err(Problem::new("client-key", key_pem, why))
        }
        Err(error) => Err(damaged(certificate_pem, "client-certificate", &error)),
    }
}

fn certificates(
    pem: &Pem,
    data: &[u8],
    field: &'static str,
) -> Result<Vec<CertificateDer<'static>>, Problem> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(data).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => {
            let why = "holds no certificate in PEM form (-----BEGIN …-----): write one there";
            Err(Problem::new(field, pem, why))
        }
    }
}

fn read(pem: &Pem, field: &'static str) -> Result<Bytes, Problem> {
    match pem {
        Pem::Data(data) => Ok(data.clone()),
        Pem::File(path) => files::read(path).map(Into::into).map_err(|error| {
            let why = format!("cannot be read ({error}): correct the path or its permissions");
            Problem::new(field, pem, why)
        }),
    }
}

fn damaged(pem: &Pem, field: &'static str, error: &rustls::Error) -> Problem {
    let why = match error {
        rustls::Error::InvalidCertificate(_) => {
            "holds a certificate that is damaged (PEM around what is no X.509): write it anew".to_owned()
        }
        other => format!("cannot be used ({other}): replace it"),
    };
    Problem::new(field, pem, why)
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
