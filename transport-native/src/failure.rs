//! What a failure of hyper, rustls or the operating system means to whoever may try again.
//!
//! Invariant: `Connect` and `TurnedAway` are said only when no byte of the request can have been acted upon.

use std::error::Error as StdError;
use std::io;

use portolan::{Error, TransportErrorKind};
use tokio_rustls::rustls::{self, CertificateError};

use crate::dial::Server;

/// A failure to reach `server`: nothing was sent.
pub(crate) fn connecting(server: &Server, error: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
    let error = error.into();
    let hint = match find::<io::Error>(&*error).map(io::Error::kind) {
        Some(io::ErrorKind::ConnectionRefused) => "is it running, and are address and port right?",
        Some(io::ErrorKind::TimedOut) => "is it running, and does a firewall stand between?",
        _ => "are the address and the network right?",
    };
    let text = format!("cannot connect to {server} ({}): {hint}", root(&*error));
    Error::transport(TransportErrorKind::Connect, text).with_source(error)
}

/// A failure of the TLS handshake with `server`, which was asked for as `name`.
pub(crate) fn handshake(server: &Server, name: &str, error: io::Error) -> Error {
    match find::<rustls::Error>(&error) {
        Some(tls) => {
            let (kind, text) = explain(server, name, tls);
            Error::transport(kind, text).with_source(error)
        }
        None => {
            let text = format!(
                "{server} ended the connection while it was being secured ({error}): does it speak TLS?"
            );
            Error::transport(TransportErrorKind::Connect, text).with_source(error)
        }
    }
}

/// A failure of an exchange with `server` that may have been acted upon.
pub(crate) fn exchange(server: &Server, error: hyper::Error) -> Error {
    if let Some(own) = find::<Error>(&error) {
        let text = format!("the request's body failed ({own})");
        return Error::transport(TransportErrorKind::Interrupted, text).with_source(error);
    }
    if let Some(tls) = find::<rustls::Error>(&error) {
        let (kind, text) = explain(server, &server.host, tls);
        return Error::transport(kind, text).with_source(error);
    }
    let cause = root(&error);
    // HTTP/2 keeps of a failed connection only the text.
    if let Some(alert) = cause.strip_prefix("received fatal alert: ") {
        return Error::transport(TransportErrorKind::Tls, alerted(server, alert)).with_source(error);
    }
    let (kind, text) = if error.is_parse() {
        let hint = "is there a Kubernetes API server, and is it http or https?";
        (TransportErrorKind::Protocol, format!("{server} does not answer in HTTP ({cause}): {hint}"))
    } else if error.is_user() {
        (TransportErrorKind::Protocol, format!("the request to {server} cannot be sent ({cause})"))
    } else {
        (TransportErrorKind::Interrupted, format!("the exchange with {server} broke off ({cause})"))
    };
    Error::transport(kind, text).with_source(error)
}

/// An answer of `server` that broke off, though nothing is said to have gone wrong.
pub(crate) fn cut(server: &Server) -> Error {
    let text = format!("the exchange with {server} broke off (its stream was reset before the answer ended)");
    Error::transport(TransportErrorKind::Interrupted, text)
}

/// Whether the server said that it has not looked at the request: it took no further one on that connection, or no further
/// one at the time.
pub(crate) fn was_turned_away(error: &hyper::Error) -> bool {
    // What a request's body failed with may come of another exchange.
    find::<Error>(error).is_none()
        && find::<h2::Error>(error).is_some_and(|error| {
            error.is_remote() && (error.is_go_away() || error.reason() == Some(h2::Reason::REFUSED_STREAM))
        })
}

/// A request that `server` turned away.
pub(crate) fn turned_away(server: &Server, error: hyper::Error) -> Error {
    let cause = root(&error);
    let text = format!("{server} turned the request away unseen ({cause}): is it ending, or overloaded?");
    Error::transport(TransportErrorKind::TurnedAway, text).with_source(error)
}

/// A failure of an exchange whose request was given back unsent.
pub(crate) fn unsent(server: &Server, error: hyper::Error) -> Error {
    match find::<rustls::Error>(&error) {
        Some(_) => exchange(server, error),
        None => connecting(server, error),
    }
}

fn explain(server: &Server, name: &str, error: &rustls::Error) -> (TransportErrorKind, String) {
    use rustls::Error as Tls;
    let why = match error {
        Tls::InvalidMessage(_) => {
            let text = format!("{server} does not speak TLS: use http://, or the port that does");
            return (TransportErrorKind::Protocol, text);
        }
        Tls::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "is signed by no trusted authority: set certificate-authority or certificate-authority-data to the cluster's"
                .to_owned()
        }
        Tls::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => format!("is not for the name {name:?}: correct the server's address or set tls-server-name"),
        Tls::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
            "has expired: renew it, or correct this machine's clock".to_owned()
        }
        Tls::InvalidCertificate(CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. }) => {
            "is not valid yet: correct this machine's clock".to_owned()
        }
        Tls::InvalidCertificate(CertificateError::BadSignature) => {
            "is not signed by the trusted authority of that name: set certificate-authority to the cluster's".to_owned()
        }
        // webpki's own word, which rustls has no variant for.
        Tls::InvalidCertificate(CertificateError::Other(other)) if format!("{other:?}").contains("CaUsedAsEndEntity") => {
            "is an authority's (CA:TRUE), which may sign others but is no server's: give the server one of its own (CA:FALSE)"
                .to_owned()
        }
        Tls::InvalidCertificate(other) => format!("cannot be accepted ({other}): replace it"),
        Tls::AlertReceived(alert) => return (TransportErrorKind::Tls, alerted(server, &format!("{alert:?}"))),
        other => return (TransportErrorKind::Tls, format!("no secure connection to {server} ({other})")),
    };
    (TransportErrorKind::Tls, format!("the certificate of {server} {why}"))
}

/// What the server means by ending the secure connection with `alert`, named as rustls names it.
fn alerted(server: &Server, alert: &str) -> String {
    match alert {
        "CertificateRequired" => {
            format!("{server} wants a client certificate: set client-certificate and client-key")
        }
        "BadCertificate"
        | "UnknownCA"
        | "CertificateExpired"
        | "CertificateRevoked"
        | "CertificateUnknown"
        | "DecryptError"
        | "UnsupportedCertificate" => {
            format!(
                "{server} refuses the client certificate ({alert}): set one its authority has signed and that is valid"
            )
        }
        other => format!("{server} ended the secure connection ({other})"),
    }
}

/// The first cause of type `T`, the error itself included; what an `io::Error` wraps is looked at too.
fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = wrapped.map(|wrapped| wrapped as &(dyn StdError + 'static)).or_else(|| error.source());
    }
    None
}

/// The text of the innermost cause.
fn root(error: &(dyn StdError + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
