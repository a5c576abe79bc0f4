//! The auth-provider `oidc` beside an identity provider that hands out each refresh token once.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Frame;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use portolan::config::Pem;
use portolan::transport::{Body, Transport};
use portolan_native::{ConfigOptions, load_config, transport_for};
use serde_json::json;
use tokio::net::TcpListener;

use crate::server::{Authority, Options, Server, acceptor};

/// What a provider does.
#[derive(Clone, Copy, PartialEq)]
enum Manner {
    /// Wants the client's id and secret in a header.
    Header,
    /// Wants them in the form.
    Form,
    Refusing,
    NoIdToken,
    NoEndpoint,
    Huge,
}

struct Provider {
    url: String,
    state: Arc<State>,
    accepting: tokio::task::JoinHandle<()>,
}

/// What a provider remembers and is told.
#[derive(Default)]
struct State {
    refreshes: AtomicUsize,
    /// The refresh token that serves, once.
    current: Mutex<String>,
    /// A file to write while it is asked for tokens, as another program would.
    meanwhile: Mutex<Option<(std::path::PathBuf, String)>>,
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn token(number: usize, expires: u64) -> String {
    let claims = URL_SAFE_NO_PAD.encode(json!({"exp": expires, "sub": number}).to_string());
    format!("eyJhbGciOiJub25lIn0.{claims}.c2ln")
}

impl Provider {
    async fn start(authority: &Authority, manner: Manner, expires: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let acceptor = acceptor((authority, "localhost"), &Options::default());
        let state = Arc::new(State { current: Mutex::new("refresh-0".to_owned()), ..State::default() });
        let (shared, own) = (Arc::clone(&state), url.clone());
        let accepting = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let Ok(stream) = acceptor.accept(stream).await else { continue };
                let (state, own) = (Arc::clone(&shared), own.clone());
                let service = service_fn(move |request: Request<Incoming>| {
                    let (state, own) = (Arc::clone(&state), own.clone());
                    async move { Ok::<_, Infallible>(answer(manner, expires, request, &own, &state).await) }
                });
                tokio::spawn(async move {
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Self { url, state, accepting }
    }
}

async fn answer(
    manner: Manner,
    expires: u64,
    request: Request<Incoming>,
    own: &str,
    state: &State,
) -> Response<Whole> {
    let reply = |status: StatusCode, text: String| {
        Response::builder().status(status).body(Whole(Some(text.into()))).unwrap()
    };
    if request.uri().path() == "/.well-known/openid-configuration" {
        let endpoint = if manner == Manner::NoEndpoint { String::new() } else { format!("{own}/token") };
        return reply(StatusCode::OK, json!({"token_endpoint": endpoint}).to_string());
    }
    let header = request.headers().get("authorization").map(|value| value.to_str().unwrap().to_owned());
    let mut form = Vec::new();
    let mut body = request.into_body();
    while let Some(frame) = futures::future::poll_fn(|context| {
        http_body::Body::poll_frame(std::pin::Pin::new(&mut body), context)
    })
    .await
    {
        form.extend_from_slice(&frame.unwrap().into_data().unwrap());
    }
    let form = String::from_utf8(form).unwrap();
    let known = match manner {
        Manner::Form => form.contains("&client_id=us&client_secret=s3cr3t"),
        _ => header == Some(format!("Basic {}", STANDARD.encode("us:s3cr3t"))),
    };
    let mut current = state.current.lock().unwrap();
    if !known || manner == Manner::Refusing || !form.contains(&format!("refresh_token={current}")) {
        return reply(StatusCode::BAD_REQUEST, json!({"error": "s3cr3t"}).to_string());
    }
    if let Some((file, text)) = state.meanwhile.lock().unwrap().take() {
        std::fs::write(file, text).unwrap();
    }
    let number = state.refreshes.fetch_add(1, Ordering::SeqCst) + 1;
    *current = format!("refresh-{number}");
    match manner {
        Manner::NoIdToken => reply(StatusCode::OK, json!({"access_token": "s3cr3t"}).to_string()),
        Manner::Huge => reply(StatusCode::OK, "s3cr3t".repeat(1 << 20)),
        _ => {
            let tokens =
                json!({"id_token": token(number, expires), "refresh_token": *current, "access_token": "x"});
            reply(StatusCode::OK, tokens.to_string())
        }
    }
}

struct Whole(Option<Bytes>);

impl http_body::Body for Whole {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        std::task::Poll::Ready(self.0.take().map(|chunk| Ok(Frame::data(chunk))))
    }
}

/// A kubeconfig whose user logs in at `provider`; the id-token it holds has ended.
fn kubeconfig(
    server: &Server,
    authority: &Authority,
    provider: &Provider,
    folder: &std::path::Path,
) -> std::path::PathBuf {
    let Pem::Data(pem) = authority.pem() else { panic!("the authority is at hand") };
    let (pem, path) = (STANDARD.encode(pem), folder.join("config"));
    let text = format!(
        "# mine\ncurrent-context: c\ncontexts: [{{name: c, context: {{cluster: c, user: jo}}}}]\n\
         clusters: [{{name: c, cluster: {{server: '{}', certificate-authority-data: {pem}}}}}]\n\
         users:\n- name: jo\n  user:\n    auth-provider:\n      name: oidc\n      unknown: kept\n      config: {{idp-issuer-url: '{}/', client-id: us, client-secret: s3cr3t, \
         idp-certificate-authority-data: {pem}, id-token: {}, refresh-token: refresh-0, extra-scopes: groups}}\n",
        server.url("https", ""),
        provider.url,
        token(0, 1000),
    );
    std::fs::write(&path, text).unwrap();
    path
}

async fn scene(manner: Manner, expires: u64) -> (Server, Provider, tempfile::TempDir, std::path::PathBuf) {
    let authority = Authority::new("ours");
    let certificate = Some((&authority, "localhost"));
    let server =
        Server::start(&Options { certificate, http2_streams: Some(100), ..Options::default() }).await;
    let provider = Provider::start(&authority, manner, expires).await;
    let folder = tempfile::tempdir().unwrap();
    let path = kubeconfig(&server, &authority, &provider, folder.path());
    (server, provider, folder, path)
}

async fn get(transport: &Arc<dyn Transport>, server: &Server) -> Result<(), portolan::Error> {
    let request = Request::get(server.url("https", "/")).body(Body::Empty).unwrap();
    transport.send(request).await?.into_body().collect(1000).await.map(drop)
}

#[tokio::test]
async fn new_tokens_are_asked_for_once_and_kept_in_the_file() {
    for manner in [Manner::Header, Manner::Form] {
        let (server, provider, _folder, path) = scene(manner, 1 << 40).await;
        let load =
            || load_config(&ConfigOptions { kubeconfig: Some(path.clone()), ..Default::default() }).unwrap();
        let (first, second) = (transport_for(&load()).unwrap(), transport_for(&load()).unwrap());
        let asks = (0..20).map(|ask| get(if ask % 2 == 0 { &first } else { &second }, &server));
        futures::future::try_join_all(asks).await.unwrap();
        assert_eq!(provider.state.refreshes.load(Ordering::SeqCst), 1);
        let sent = server.counters.authorizations.lock().unwrap().clone();
        assert!(sent.iter().all(|sent| *sent == format!("Bearer {}", token(1, 1 << 40))), "{sent:?}");

        // Another process finds the tokens in the file, beside what was there.
        drop((first, second));
        let text = std::fs::read_to_string(&path).unwrap();
        for part in ["refresh-token: refresh-1", "extra-scopes: groups", "unknown: kept", &token(1, 1 << 40)]
        {
            assert!(text.contains(part), "{part} in {text}");
        }
        get(&transport_for(&load()).unwrap(), &server).await.unwrap();
        assert_eq!(provider.state.refreshes.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn a_users_tokens_are_the_users_alone_and_a_new_login_takes_their_place() {
    let (server, _provider, _folder, path) = scene(Manner::Header, 1 << 40).await;
    let load =
        || load_config(&ConfigOptions { kubeconfig: Some(path.clone()), ..Default::default() }).unwrap();
    let rewrite = |from: &str, to: &str| {
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{from} in {text}");
        std::fs::write(&path, text.replace(from, to)).unwrap();
    };
    let sent = || server.counters.authorizations.lock().unwrap().last().cloned().unwrap();
    let bearer = |number| format!("Bearer {}", token(number, 1 << 40));
    let first_read = load();
    let first = transport_for(&first_read).unwrap();
    get(&first, &server).await.unwrap();
    assert_eq!(sent(), bearer(1));

    // Another of the same server, provider and client.
    let (written, other) = (std::fs::read_to_string(&path).unwrap(), token(7, 1 << 40));
    for (from, to) in
        [("user: jo", "user: al"), ("name: jo", "name: al"), (token(1, 1 << 40).as_str(), other.as_str())]
    {
        rewrite(from, to);
    }
    get(&transport_for(&load()).unwrap(), &server).await.unwrap();
    assert_eq!(sent(), bearer(7));
    std::fs::write(&path, written).unwrap();
    get(&first, &server).await.unwrap();
    assert_eq!(sent(), bearer(1));

    // The same has logged in again: clients of before profit, and what was read before that changes nothing.
    rewrite(&token(1, 1 << 40), &token(8, 1 << 40));
    rewrite("refresh-1", "refresh-of-a-new-login");
    let again = transport_for(&load()).unwrap();
    for config in [None, Some(first_read)] {
        let old = config.map(|config| transport_for(&config).unwrap());
        for transport in [&again, &first].into_iter().chain(&old) {
            get(transport, &server).await.unwrap();
            assert_eq!(sent(), bearer(8));
        }
    }
}

#[tokio::test]
async fn what_another_program_wrote_is_taken_up_and_never_overwritten() {
    let (server, provider, _folder, path) = scene(Manner::Header, 1 << 40).await;
    let load = || {
        load_config(&ConfigOptions { kubeconfig: Some(path.clone()), ..ConfigOptions::default() }).unwrap()
    };
    let sent = || server.counters.authorizations.lock().unwrap().last().cloned().unwrap();
    let before = std::fs::read_to_string(&path).unwrap();
    let login =
        |number| before.replace(&token(0, 1000), &token(number, 1 << 40)).replace("refresh-0", "of-another");

    // It had logged in before the first request: nobody needs to be asked.
    let transport = transport_for(&load()).unwrap();
    std::fs::write(&path, login(8)).unwrap();
    get(&transport, &server).await.unwrap();
    assert_eq!(
        (sent(), provider.state.refreshes.load(Ordering::SeqCst)),
        (format!("Bearer {}", token(8, 1 << 40)), 0)
    );
    drop(transport);

    // It logs in while the provider is asked.
    std::fs::write(&path, &before).unwrap();
    let transport = transport_for(&load()).unwrap();
    *provider.state.meanwhile.lock().unwrap() = Some((path.clone(), login(9)));
    get(&transport, &server).await.unwrap();
    assert_eq!(
        (sent(), provider.state.refreshes.load(Ordering::SeqCst)),
        (format!("Bearer {}", token(1, 1 << 40)), 1)
    );
    assert_eq!(std::fs::read_to_string(&path).unwrap(), login(9));
    get(&transport, &server).await.unwrap();
    assert_eq!(sent(), format!("Bearer {}", token(9, 1 << 40)));
}

#[tokio::test]
async fn a_token_that_has_ended_is_renewed_with_the_token_that_came_last() {
    let (server, provider, _folder, path) = scene(Manner::Header, 1000).await;
    let config =
        load_config(&ConfigOptions { kubeconfig: Some(path.clone()), ..Default::default() }).unwrap();
    let transport = transport_for(&config).unwrap();
    std::fs::remove_file(&path).unwrap();
    for round in 1..4 {
        get(&transport, &server).await.unwrap();
        assert_eq!(provider.state.refreshes.load(Ordering::SeqCst), round);
    }
    assert!(!path.exists(), "a file that is gone does not come back");
}

#[tokio::test]
async fn what_goes_wrong_is_told_in_one_line_without_a_token() {
    for (manner, part) in [
        (Manner::Refusing, "the provider refuses the refresh-token (400 Bad Request): log in again"),
        (Manner::NoIdToken, "the provider gave no id_token"),
        (Manner::NoEndpoint, "the provider names no token_endpoint"),
        (Manner::Huge, "the provider cannot be asked: the body is larger than the 1048576 bytes allowed"),
    ] {
        let (server, _provider, _folder, path) = scene(manner, 1000).await;
        let config =
            load_config(&ConfigOptions { kubeconfig: Some(path.clone()), ..Default::default() }).unwrap();
        let error = get(&transport_for(&config).unwrap(), &server).await.unwrap_err();
        let begin = format!("kubeconfig {}: users \"jo\": auth-provider oidc: {part}", path.display());
        assert!(error.to_string().starts_with(&begin), "{error}");
        assert!(!format!("{error:?}").contains("s3cr3t"), "{error:?}");
        assert_eq!(server.connections(), 0);
    }
}
