//! Certificates in files that change: what is asked afterwards goes over new connections, without a restart.

use std::time::Duration;

use http::Request;
use portolan::Error;
use portolan::config::{Identity, Pem, Tls};
use portolan::transport::{Body, Transport};
use portolan_native::HyperTransport;

use crate::server::{Authority, Options, Server, Signed};

async fn get(transport: &HyperTransport, server: &Server) -> Result<(), Error> {
    let request = Request::get(server.url("https", "/")).body(Body::Empty).unwrap();
    transport.send(request).await?.into_body().collect(1000).await.map(drop)
}

/// Lets the transport's minute pass.
async fn a_minute_later() {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(61)).await;
    tokio::time::resume();
}

#[tokio::test]
async fn a_client_certificate_is_read_again() {
    let authority = Authority::new("ours");
    for http2_streams in [None, Some(100)] {
        let certificate = Some((&authority, "localhost"));
        let options = Options { certificate, clients: Some(&authority), http2_streams, ..Options::default() };
        let server = Server::start(&options).await;
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let write = |Signed { certificate, key }: Signed| {
            std::fs::write(path("tls.crt"), certificate).unwrap();
            std::fs::write(path("tls.key"), key).unwrap();
        };
        write(authority.sign("one"));
        let file = |name: &str| Pem::File(path(name).to_str().unwrap().to_owned());
        let identity = Some(Identity { certificate: file("tls.crt"), key: file("tls.key") });
        let tls = Tls { identity, certificate_authority: Some(authority.pem()), ..Tls::default() };
        let transport = HyperTransport::new(&server.config(tls)).unwrap();
        get(&transport, &server).await.unwrap();
        a_minute_later().await;
        get(&transport, &server).await.unwrap();
        assert_eq!(server.connections(), 1, "nothing has changed");

        write(authority.sign("two"));
        get(&transport, &server).await.unwrap();
        assert_eq!(server.connections(), 1, "not yet looked at");
        a_minute_later().await;
        get(&transport, &server).await.unwrap();
        get(&transport, &server).await.unwrap();
        assert_eq!(server.connections(), 2);
        let shown = server.counters.certificates.lock().unwrap().clone();
        assert!(shown[0].is_some() && shown[1].is_some() && shown[0] != shown[1]);

        // Half a change: the key is another's. The last pair serves on.
        std::fs::write(path("tls.key"), authority.sign("three").key).unwrap();
        a_minute_later().await;
        get(&transport, &server).await.unwrap();
        std::fs::remove_file(path("tls.crt")).unwrap();
        a_minute_later().await;
        get(&transport, &server).await.unwrap();
        assert_eq!(server.connections(), 2);
    }
}

#[tokio::test]
async fn an_authority_is_read_again() {
    let (old, new) = (Authority::new("old"), Authority::new("new"));
    let first =
        Server::start(&Options { certificate: Some((&old, "localhost")), ..Options::default() }).await;
    let second =
        Server::start(&Options { certificate: Some((&new, "localhost")), ..Options::default() }).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.crt");
    let write = |authority: &Authority| {
        let Pem::Data(pem) = authority.pem() else { panic!("the authority is at hand") };
        std::fs::write(&path, pem).unwrap();
    };
    write(&old);
    let tls = Tls { certificate_authority: Some(Pem::File(path.to_str().unwrap().into())), ..Tls::default() };
    let transport = HyperTransport::new(&first.config(tls)).unwrap();
    get(&transport, &first).await.unwrap();
    assert!(get(&transport, &second).await.is_err());
    write(&new);
    a_minute_later().await;
    get(&transport, &second).await.unwrap();
    assert!(
        get(&transport, &first).await.is_err(),
        "the old authority is trusted no more, nor its connection used"
    );
}
