//! A small HTTP server on loopback, plain or over TLS, that counts its connections and open exchanges.

use std::convert::Infallible;
use std::io::Write;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Frame;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use portolan::config::{Config, Pem, Tls};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

/// An authority that signs certificates.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key, as PEM.
pub(crate) struct Signed {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut parameters = CertificateParams::new(Vec::new()).unwrap();
        parameters.distinguished_name.push(rcgen::DnType::CommonName, name);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn pem(&self) -> Pem {
        Pem::Data(self.0.pem().into())
    }

    pub(crate) fn sign(&self, name: &str) -> Signed {
        self.sign_as(name, IsCa::ExplicitNoCa)
    }

    fn sign_as(&self, name: &str, is_ca: IsCa) -> Signed {
        let key = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::new(vec![name.to_owned()]).unwrap();
        parameters.is_ca = is_ca;
        let certificate = parameters.signed_by(&key, &self.0).unwrap();
        Signed { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

/// How to serve.
#[derive(Default)]
pub(crate) struct Options<'a> {
    /// The authority and name of the certificate; `None`: no TLS.
    pub(crate) certificate: Option<(&'a Authority, &'a str)>,
    /// Whether that certificate is one of an authority.
    pub(crate) is_authority: bool,
    /// Whose client certificates are required.
    pub(crate) clients: Option<&'a Authority>,
    /// Offer HTTP/2 with at most this many streams on a connection.
    pub(crate) http2_streams: Option<u32>,
    /// End every HTTP/2 connection gracefully once it has answered its first request.
    pub(crate) goes_away: bool,
    /// The frames that the first HTTP/2 connection answers a request with, whatever it is.
    pub(crate) turns_away: Option<&'static [u8]>,
}

#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) connections: AtomicUsize,
    pub(crate) open: AtomicUsize,
    /// The client certificate of each connection over TLS, in DER.
    pub(crate) certificates: Mutex<Vec<Option<Vec<u8>>>>,
    /// The `Authorization` of each request.
    pub(crate) authorizations: Mutex<Vec<String>>,
    /// The `Authorization` that is answered with 401.
    pub(crate) refused: Mutex<Option<String>>,
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) counters: Arc<Counters>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Server {
    pub(crate) async fn start(options: &Options<'_>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let counters = Arc::new(Counters::default());
        let acceptor = options.certificate.map(|signed| acceptor(signed, options));
        let (seen, streams, goes_away) = (Arc::clone(&counters), options.http2_streams, options.goes_away);
        let turns_away = options.turns_away;
        let accepting = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let first = seen.connections.fetch_add(1, Ordering::SeqCst) == 0;
                let (acceptor, seen) = (acceptor.clone(), Arc::clone(&seen));
                tokio::spawn(async move {
                    let Some(acceptor) = acceptor else { return serve_http1(stream, seen).await };
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
                    let shown = shown.map(|certificate| certificate.to_vec());
                    seen.certificates.lock().unwrap().push(shown);
                    if let Some(frames) = turns_away.filter(|_| first) {
                        return turn_away(stream, frames).await;
                    }
                    match stream.get_ref().1.alpn_protocol() {
                        Some(b"h2") => serve_http2(stream, seen, streams.unwrap_or(100), goes_away).await,
                        _ => serve_http1(stream, seen).await,
                    }
                });
            }
        });
        Self { address, counters, accepting }
    }

    pub(crate) fn config(&self, tls: Tls) -> Config {
        Config { tls, ..Config::new(&format!("https://localhost:{}", self.address.port())).unwrap() }
    }

    pub(crate) fn url(&self, scheme: &str, path: &str) -> String {
        format!("{scheme}://localhost:{}{path}", self.address.port())
    }

    pub(crate) fn connections(&self) -> usize {
        self.counters.connections.load(Ordering::SeqCst)
    }

    /// Waits until this many exchanges are open.
    pub(crate) async fn until_open(&self, wanted: usize) {
        let waiting = async {
            while self.counters.open.load(Ordering::SeqCst) != wanted {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let open = || self.counters.open.load(Ordering::SeqCst);
        tokio::time::timeout(Duration::from_secs(30), waiting)
            .await
            .unwrap_or_else(|_| panic!("{} exchanges are open, not {wanted}", open()));
    }
}

pub(crate) fn acceptor((authority, name): (&Authority, &str), options: &Options<'_>) -> TlsAcceptor {
    use tokio_rustls::rustls::crypto::ring::default_provider;
    use tokio_rustls::rustls::pki_types::pem::PemObject;
    use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let signed = if options.is_authority { authority.sign_as(name, ca) } else { authority.sign(name) };
    let certificate = CertificateDer::from_pem_slice(signed.certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(signed.key.as_bytes()).unwrap();
    let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match options.clients {
        Some(clients) => {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_slice(clients.0.pem().as_bytes()).unwrap()).unwrap();
            let provider = Arc::new(default_provider());
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_single_cert(vec![certificate], key).unwrap();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    if options.http2_streams.is_some() {
        config.alpn_protocols.insert(0, b"h2".to_vec());
    }
    TlsAcceptor::from(Arc::new(config))
}

async fn serve_http1(stream: impl AsyncRead + AsyncWrite + Unpin, counters: Arc<Counters>) {
    let service = service_fn(move |request| answer(request, Arc::clone(&counters)));
    // A client that goes away is what several tests are about.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn serve_http2(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    counters: Arc<Counters>,
    streams: u32,
    goes_away: bool,
) {
    let answered = Arc::new(tokio::sync::Notify::new());
    let first = Arc::clone(&answered);
    let service = service_fn(move |request| {
        first.notify_one();
        answer(request, Arc::clone(&counters))
    });
    let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
        .max_concurrent_streams(streams)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        () = answered.notified(), if goes_away => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

async fn answer(request: Request<Incoming>, counters: Arc<Counters>) -> Result<Response<Answer>, Infallible> {
    let version = format!("{:?}", request.version());
    counters.open.fetch_add(1, Ordering::SeqCst);
    let authorization =
        request.headers().get("authorization").map(|value| value.to_str().unwrap().to_owned());
    let refused = request.headers().contains_key("x-refuse")
        || authorization.is_some() && *counters.refused.lock().unwrap() == authorization;
    counters.authorizations.lock().unwrap().push(authorization.unwrap_or_default());
    let zipped = request.uri().path() == "/zip"
        && request.headers().get("accept-encoding").is_some_and(|encoding| encoding == "gzip");
    let body = match request.uri().path() {
        _ if zipped => Answer { chunk: Some(zip(version.as_bytes())), ends: true, counters },
        "/hang" => Answer { chunk: Some("begun".into()), ends: false, counters },
        "/silence" => {
            let never = Answer { chunk: None, ends: false, counters };
            std::future::pending::<()>().await;
            never
        }
        _ => Answer { chunk: Some(version.into()), ends: true, counters },
    };
    let status = if refused { StatusCode::UNAUTHORIZED } else { StatusCode::OK };
    let mut response = Response::builder().status(status);
    if zipped {
        response = response.header("content-encoding", "gzip");
    }
    Ok(response.body(body).unwrap())
}

fn zip(text: &[u8]) -> Bytes {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap().into()
}

/// One chunk, then the end or nothing more. Counts as open until it is dropped.
struct Answer {
    chunk: Option<Bytes>,
    ends: bool,
    counters: Arc<Counters>,
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.chunk.take() {
            Some(chunk) => Poll::Ready(Some(Ok(Frame::data(chunk)))),
            None if self.ends => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.counters.open.fetch_sub(1, Ordering::SeqCst);
    }
}

/// An HTTP/2 connection that answers the head of a request with `frames`.
async fn turn_away(mut stream: impl AsyncRead + AsyncWrite + Unpin, frames: &[u8]) {
    const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    const HEADERS: u8 = 1;
    stream.write_all(&SETTINGS).await.unwrap();
    stream.read_exact(&mut [0; b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".len()]).await.unwrap();
    let mut head = [0; 9];
    while stream.read_exact(&mut head).await.is_ok() {
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        stream.read_exact(&mut vec![0; length as usize]).await.unwrap();
        if head[3] == HEADERS {
            stream.write_all(frames).await.unwrap();
        }
    }
}
