//! The layer that says who we are: a bearer token or a password, and whom to act as. After client-go's
//! `transport/round_trippers.go` and `token_source.go`, v0.37.
//!
//! Invariant: a header the request bears already is left as it is, and what is secret is marked as such.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

use super::{Body, Socket, Transport};
use crate::config::{Auth, Credential, Impersonate, Secret};
use crate::error::Error;
use crate::portable::{MaybeSend, MaybeSync};

/// Gives the bearer token of the moment. client-go's `oauth2.TokenSource`, or a credential plugin.
#[cfg_attr(not(target_family = "wasm"), async_trait)]
#[cfg_attr(target_family = "wasm", async_trait(?Send))]
pub trait TokenSource: fmt::Debug + MaybeSend + MaybeSync + 'static {
    /// The token to send now, `None` where something else proves who we are, such as a client certificate. An error is of
    /// the kind `Auth`, and nothing is sent.
    async fn token(&self) -> Result<Option<Secret>, Error>;

    /// The server refused (401) a request that bore `token`: do not give the same again without looking.
    fn refused(&self, token: Option<&Secret>);
}

/// Adds the `Authorization` and `Impersonate-…` headers to every request. A transport that can send no headers with a
/// WebSocket has to carry them another way or refuse.
#[derive(Debug)]
pub struct Authenticated<T> {
    inner: T,
    proof: Proof,
    impersonate: HeaderMap,
}

#[derive(Debug)]
enum Proof {
    None,
    Fixed(HeaderValue),
    Tokens(Arc<dyn TokenSource>),
}

impl<T: Transport> Authenticated<T> {
    /// The layer for `auth`, whose credential is at hand. A token file or a plugin needs [`Authenticated::with_tokens`].
    pub fn new(inner: T, auth: &Auth) -> Result<Self, Error> {
        let proof = match &auth.credential {
            Credential::None => Proof::None,
            Credential::Token(token) => Proof::Fixed(bearer(token)?),
            Credential::Basic { username, password } => Proof::Fixed(basic(username, password)?),
            Credential::TokenFile { fallback: Some(token), .. } => Proof::Fixed(bearer(token)?),
            Credential::TokenFile { .. } => {
                return Err(Error::unsupported(
                    "this transport reads no files: give the token itself, not a tokenFile",
                ));
            }
            Credential::Oidc(oidc) => {
                let error = oidc.failed("this transport cannot ask it: give a token");
                return Err(Error::unsupported(error.to_string()));
            }
            Credential::Exec(exec) => {
                let error = exec.failed("cannot be run by this transport: give a token");
                return Err(Error::unsupported(error.to_string()));
            }
        };
        Ok(Self { inner, proof, impersonate: impersonation(auth.impersonate.as_ref())? })
    }

    /// The layer for tokens that change, acting as `impersonate` says.
    pub fn with_tokens(
        inner: T,
        tokens: Arc<dyn TokenSource>,
        impersonate: Option<&Impersonate>,
    ) -> Result<Self, Error> {
        Ok(Self { inner, proof: Proof::Tokens(tokens), impersonate: impersonation(impersonate)? })
    }

    /// Adds what says who we are, and tells how to take a refusal.
    async fn sign(&self, headers: &mut HeaderMap) -> Result<Signed<'_>, Error> {
        let mut source = None;
        if !headers.contains_key(AUTHORIZATION) {
            match &self.proof {
                Proof::None => {}
                Proof::Fixed(value) => {
                    headers.insert(AUTHORIZATION, value.clone());
                }
                Proof::Tokens(tokens) => {
                    let token = tokens.token().await?;
                    if let Some(token) = &token {
                        headers.insert(AUTHORIZATION, bearer(token)?);
                    }
                    source = Some((tokens, token));
                }
            }
        }
        if !headers.contains_key(IMPERSONATE_USER) {
            for (name, value) in &self.impersonate {
                headers.append(name.clone(), value.clone());
            }
        }
        Ok(Signed(source))
    }
}

/// The source a request's token is from, and the token.
struct Signed<'a>(Option<(&'a Arc<dyn TokenSource>, Option<Secret>)>);

impl Signed<'_> {
    fn refused(&self) {
        if let Some((source, token)) = &self.0 {
            source.refused(token.as_ref());
        }
    }
}

#[cfg_attr(not(target_family = "wasm"), async_trait)]
#[cfg_attr(target_family = "wasm", async_trait(?Send))]
impl<T: Transport> Transport for Authenticated<T> {
    async fn send(&self, mut request: http::Request<Body>) -> Result<http::Response<Body>, Error> {
        let signed = self.sign(request.headers_mut()).await?;
        let response = self.inner.send(request).await?;
        if response.status() == http::StatusCode::UNAUTHORIZED {
            signed.refused();
        }
        Ok(response)
    }

    async fn connect(&self, mut request: http::Request<()>, protocols: &[&str]) -> Result<Socket, Error> {
        let signed = self.sign(request.headers_mut()).await?;
        let socket = self.inner.connect(request, protocols).await;
        if socket.as_ref().is_err_and(Error::is_unauthorized) {
            signed.refused();
        }
        socket
    }
}

const IMPERSONATE_USER: &str = "impersonate-user";

fn bearer(token: &Secret) -> Result<HeaderValue, Error> {
    let token = token.reveal().trim();
    if token.is_empty() {
        return Err(Error::auth("the bearer token is empty: give one"));
    }
    secret_value(&format!("Bearer {token}"), "bearer token")
}

fn basic(username: &str, password: &Secret) -> Result<HeaderValue, Error> {
    if username.contains(':') {
        return Err(Error::auth("the user name of basic authentication holds a colon: use one without"));
    }
    let pair = format!("{username}:{}", password.reveal());
    let encoded = base64::engine::general_purpose::STANDARD.encode(pair);
    secret_value(&format!("Basic {encoded}"), "password")
}

fn secret_value(text: &str, what: &str) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_str(text).map_err(|_| {
        Error::auth(format!("the {what} holds a character no header may carry: check where it comes from"))
    })?;
    value.set_sensitive(true);
    Ok(value)
}

fn impersonation(impersonate: Option<&Impersonate>) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::new();
    let Some(impersonate) = impersonate else { return Ok(headers) };
    if impersonate.user.is_empty() {
        return Err(Error::config(
            "whom to act as has no user: a uid, groups and extra facts are those of a user",
        ));
    }
    let value = |text: &str| {
        HeaderValue::from_str(text)
            .map_err(|_| Error::config("whom to act as holds a character no header may carry: correct it"))
    };
    headers.insert(IMPERSONATE_USER, value(&impersonate.user)?);
    if !impersonate.uid.is_empty() {
        headers.insert("impersonate-uid", value(&impersonate.uid)?);
    }
    for group in &impersonate.groups {
        headers.append("impersonate-group", value(group)?);
    }
    for (key, values) in &impersonate.extra {
        for text in values {
            headers.append(extra_name(key)?, value(text)?);
        }
    }
    Ok(headers)
}

/// The header of an extra fact: bytes no header name may hold are percent-encoded, as the server expects.
fn extra_name(key: &str) -> Result<HeaderName, Error> {
    let mut name = "impersonate-extra-".to_owned();
    for byte in key.bytes() {
        match byte {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => name.push(char::from(byte)),
            b'!' | b'#' | b'$' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|'
            | b'~' => {
                name.push(char::from(byte));
            }
            other => name.push_str(&format!("%{other:02X}")),
        }
    }
    name.parse().map_err(|_| Error::config("a name in as-user-extra cannot be sent as a header: shorten it"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicU32, Ordering};

    use futures::FutureExt;

    use super::*;

    /// Answers `401` and keeps the headers it saw.
    #[derive(Debug, Default)]
    struct Refusing(Mutex<HeaderMap>);

    #[cfg_attr(not(target_family = "wasm"), async_trait)]
    #[cfg_attr(target_family = "wasm", async_trait(?Send))]
    impl Transport for Refusing {
        async fn send(&self, request: http::Request<Body>) -> Result<http::Response<Body>, Error> {
            *self.0.lock().unwrap() = request.headers().clone();
            Ok(http::Response::builder().status(401).body(Body::Empty).unwrap())
        }
    }

    #[derive(Debug, Default)]
    struct Counting(AtomicU32);

    #[cfg_attr(not(target_family = "wasm"), async_trait)]
    #[cfg_attr(target_family = "wasm", async_trait(?Send))]
    impl TokenSource for Counting {
        async fn token(&self) -> Result<Option<Secret>, Error> {
            Ok(Some(Secret::new(format!("token-{}\n", self.0.load(Ordering::Relaxed)))))
        }

        fn refused(&self, token: Option<&Secret>) {
            assert!(token.is_some_and(|token| token.reveal().starts_with("token-")));
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn seen(layer: &Authenticated<Refusing>, request: http::Request<Body>) -> HeaderMap {
        layer.send(request).now_or_never().unwrap().unwrap();
        layer.inner.0.lock().unwrap().clone()
    }

    #[test]
    fn the_credential_becomes_a_header_that_hides_itself() {
        let token = Credential::Token(Secret::new("abc"));
        let basic = Credential::Basic { username: "jo".into(), password: Secret::new("pw") };
        for (credential, expected) in [(token, "Bearer abc"), (basic, "Basic am86cHc=")] {
            let auth = Auth { credential, impersonate: None };
            let layer = Authenticated::new(Refusing::default(), &auth).unwrap();
            let headers = seen(&layer, http::Request::new(Body::Empty));
            assert_eq!(headers[AUTHORIZATION], expected);
            assert!(!format!("{layer:?}").contains(expected));
            let own = http::Request::builder().header(AUTHORIZATION, "own").body(Body::Empty).unwrap();
            assert_eq!(seen(&layer, own)[AUTHORIZATION], "own");
        }
        let broken = Auth { credential: Credential::Token(Secret::new("s3cr3t\0")), impersonate: None };
        let error = Authenticated::new(Refusing::default(), &broken).unwrap_err();
        assert!(!error.to_string().contains("s3cr3t"));
    }

    #[test]
    fn a_refused_token_is_told_to_its_source() {
        let layer =
            Authenticated::with_tokens(Refusing::default(), Arc::new(Counting::default()), None).unwrap();
        assert_eq!(seen(&layer, http::Request::new(Body::Empty))[AUTHORIZATION], "Bearer token-0");
        assert_eq!(seen(&layer, http::Request::new(Body::Empty))[AUTHORIZATION], "Bearer token-1");
    }

    #[test]
    fn impersonation_is_spelled_as_the_server_reads_it() {
        let impersonate = Impersonate {
            user: "jo".into(),
            uid: "7".into(),
            groups: vec!["a".into(), "b".into()],
            extra: BTreeMap::from([(
                "acme.com/project x".to_owned(),
                vec!["one".to_owned(), "two".to_owned()],
            )]),
        };
        let nobody = Impersonate { user: String::new(), ..impersonate.clone() };
        let injecting = Impersonate {
            groups: vec!["a\r\nImpersonate-Group: system:masters".into()],
            ..impersonate.clone()
        };
        for wrong in [nobody, injecting] {
            let auth = Auth { credential: Credential::None, impersonate: Some(wrong) };
            let error = Authenticated::new(Refusing::default(), &auth).unwrap_err();
            assert!(matches!(error.kind(), crate::ErrorKind::Config), "{error}");
        }
        let auth = Auth { credential: Credential::None, impersonate: Some(impersonate) };
        let layer = Authenticated::new(Refusing::default(), &auth).unwrap();
        let headers = seen(&layer, http::Request::new(Body::Empty));
        assert_eq!(
            (&headers["impersonate-user"], &headers["impersonate-uid"]),
            (&"jo".parse().unwrap(), &"7".parse().unwrap())
        );
        assert_eq!(headers.get_all("impersonate-group").iter().count(), 2);
        assert_eq!(headers.get_all("impersonate-extra-acme.com%2Fproject%20x").iter().count(), 2);
    }
}
