//! TLS: who is trusted, who we are, and what a failure says.

use crate::server::{Authority, Options, Server, Signed};
use http::Request;
use portolan::config::{Config, Identity, Pem, Tls};
use portolan::transport::{Body, Transport};
use portolan::{Error, ErrorKind, TransportErrorKind};
use portolan_native::HyperTransport;

async fn get(config: &Config) -> Result<String, Error> {
    let transport = HyperTransport::new(config)?;
    let response = transport.send(Request::get(config.server.clone()).body(Body::Empty).unwrap()).await?;
    Ok(String::from_utf8(response.into_body().collect(1000).await?.to_vec()).unwrap())
}

fn identity(Signed { certificate, key }: Signed) -> Option<Identity> {
    Some(Identity { certificate: Pem::Data(certificate.into()), key: Pem::Data(key.into()) })
}

fn trusting(authority: &Authority) -> Tls {
    Tls { certificate_authority: Some(authority.pem()), ..Tls::default() }
}

#[track_caller]
fn failed(answer: Result<String, Error>, kind: TransportErrorKind, expected: &str) {
    let error = answer.unwrap_err();
    assert_eq!(error.to_string(), expected);
    assert!(matches!(error.kind(), ErrorKind::Transport(own) if *own == kind), "{error:?}");
}

#[tokio::test]
async fn the_protocol_is_agreed_on() {
    let authority = Authority::new("ours");
    for (http2_streams, expected) in [(None, "HTTP/1.1"), (Some(100), "HTTP/2.0")] {
        let certificate = Some((&authority, "localhost"));
        let server = Server::start(&Options { certificate, http2_streams, ..Options::default() }).await;
        assert_eq!(get(&server.config(trusting(&authority))).await.unwrap(), expected);
    }
}

#[tokio::test]
async fn a_client_certificate_is_shown_and_wanted() {
    let (authority, other) = (Authority::new("ours"), Authority::new("another"));
    let certificate = Some((&authority, "localhost"));
    for http2_streams in [None, Some(100)] {
        let options = Options { certificate, clients: Some(&authority), http2_streams, ..Options::default() };
        let server = Server::start(&options).await;
        let with = |identity| server.config(Tls { identity, ..trusting(&authority) });
        get(&with(identity(authority.sign("jo")))).await.unwrap();

        let address = format!("https://localhost:{}", server.address.port());
        let text = format!("{address} wants a client certificate: set client-certificate and client-key");
        failed(get(&with(None)).await, TransportErrorKind::Tls, &text);
        let error = get(&with(identity(other.sign("jo")))).await.unwrap_err();
        assert!(
            error.to_string().starts_with(&format!("{address} refuses the client certificate")),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_says_what_to_do() {
    let (authority, other) = (Authority::new("ours"), Authority::new("another"));
    let certificate = Some((&authority, "kubernetes"));
    let server = Server::start(&Options { certificate, ..Options::default() }).await;
    let address = format!("https://localhost:{}", server.address.port());

    let text = format!(
        "the certificate of {address} is signed by no trusted authority: \
         set certificate-authority or certificate-authority-data to the cluster's"
    );
    failed(get(&server.config(trusting(&other))).await, TransportErrorKind::Tls, &text);
    let text = format!(
        "the certificate of {address} is not for the name \"localhost\": \
         correct the server's address or set tls-server-name"
    );
    failed(get(&server.config(trusting(&authority))).await, TransportErrorKind::Tls, &text);

    let options =
        Options { certificate: Some((&authority, "localhost")), is_authority: true, ..Options::default() };
    let signing = Server::start(&options).await;
    let text = format!(
        "the certificate of https://localhost:{} is an authority's (CA:TRUE), which may sign others but is no server's: \
         give the server one of its own (CA:FALSE)",
        signing.address.port()
    );
    failed(get(&signing.config(trusting(&authority))).await, TransportErrorKind::Tls, &text);

    let named = Tls { server_name: Some("kubernetes".into()), ..trusting(&authority) };
    assert_eq!(get(&server.config(named)).await.unwrap(), "HTTP/1.1");
    let insecure = Tls { insecure: true, ..Tls::default() };
    assert_eq!(get(&server.config(insecure)).await.unwrap(), "HTTP/1.1");
}

#[tokio::test]
async fn servers_that_are_not_what_was_meant() {
    let authority = Authority::new("ours");
    let plain = Server::start(&Options::default()).await;
    let port = plain.address.port();
    let text = format!("https://localhost:{port} does not speak TLS: use http://, or the port that does");
    failed(get(&plain.config(trusting(&authority))).await, TransportErrorKind::Protocol, &text);

    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let text = format!(
        "cannot connect to http://{free} (Connection refused (os error 111)): \
         is it running, and are address and port right?"
    );
    failed(get(&Config::new(&free.to_string()).unwrap()).await, TransportErrorKind::Connect, &text);
}

#[tokio::test]
async fn what_cannot_be_used_is_refused_before_anything_is_sent() {
    let authority = Authority::new("ours");
    let config = |tls| Config { tls, ..Config::new("https://localhost:1").unwrap() };
    let signed = authority.sign("jo");
    let swapped = Signed { key: authority.sign("al").key, ..signed };
    let folder = tempfile::tempdir().unwrap();
    let (missing, empty) = (folder.path().join("missing.pem"), folder.path().join("empty.pem"));
    std::fs::write(&empty, "").unwrap();
    let file = |path: &std::path::Path| Tls {
        certificate_authority: Some(Pem::File(path.to_str().unwrap().into())),
        ..Tls::default()
    };
    let table = [
        (
            Tls { identity: identity(swapped), ..trusting(&authority) },
            "client-key-data does not belong to client-certificate-data: give the two of one pair".to_owned(),
        ),
        (
            file(&missing),
            format!(
                "certificate-authority {} cannot be read (No such file or directory (os error 2)): \
                 correct the path or its permissions",
                missing.display()
            ),
        ),
        (
            file(&empty),
            format!(
                "certificate-authority {} holds no certificate in PEM form (-----BEGIN …-----): write one there",
                empty.display()
            ),
        ),
        (
            Tls { server_name: Some("no name".into()), ..trusting(&authority) },
            "tls-server-name: \"no name\" is no host name: correct it".to_owned(),
        ),
    ];
    for (tls, expected) in table {
        let error = HyperTransport::new(&config(tls)).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Config), "{error:?}");
        assert_eq!(error.to_string(), expected);
    }
}
