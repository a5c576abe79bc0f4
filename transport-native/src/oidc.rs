//! Asks an identity provider for new id-tokens, once for all who wait, and keeps them in the kubeconfig. After client-go's
//! `plugin/pkg/client/auth/oidc/oidc.go`, v0.37; what is asked and what it means is core's to say.
//!
//! Differs: new tokens that cannot be written to the file serve this process, where client-go fails; users never share
//! tokens; and who has logged in again, here or in another program, is taken up without a restart and never overwritten.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{Request, StatusCode};
use portolan::Error;
use portolan::config::{Config, OidcConfig, Pem, Secret, Tls};
use portolan::transport::{Body, TokenSource, Transport};

use crate::in_use::InUse;
use crate::load::{self, ConfigOptions};
use crate::modify::modify_config;
use crate::runtime::unix_now;
use crate::transport::HyperTransport;

/// The largest answer taken of a provider.
const LARGEST_ANSWER: usize = 1 << 20;
/// How long a provider may take for each answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The providers in use, so that a user's clients of one server share one. client-go's `clientCache`, whose key names no
/// user: there two of one server and provider share their tokens.
static SHARED: InUse<Provider> = InUse::new();

/// The id-tokens of a user. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct OidcTokens(Arc<Provider>);

#[derive(Debug)]
struct Provider {
    key: Key,
    wire: HyperTransport,
    /// Held while new tokens are asked for.
    config: Arc<tokio::sync::Mutex<OidcConfig>>,
    read: Mutex<Read>,
}

/// Whose tokens they are, of which provider, and for which server.
#[derive(Clone, Debug, PartialEq)]
struct Key {
    server: http::Uri,
    issuer: String,
    client: String,
    authority: Option<Pem>,
    file: String,
    user: String,
}

/// What kubeconfigs have said.
#[derive(Debug)]
struct Read {
    /// Fingerprints of all settings that were read or written: such a kubeconfig says nothing new, however old it is.
    known: HashSet<u64>,
    /// A later login, to be used from the next request on.
    newer: Option<OidcConfig>,
}

impl OidcTokens {
    /// The tokens of `oidc` for the server of `config`: those in use already, if there are of the same server, provider,
    /// client and user, and `oidc` is of no later login.
    pub(crate) fn shared(config: &Config, oidc: &OidcConfig) -> Result<Self, Error> {
        let (issuer, client) = oidc.issuer();
        let key = Key {
            server: config.server.clone(),
            issuer: issuer.to_owned(),
            client: client.to_owned(),
            authority: oidc.authority()?,
            file: oidc.file.clone(),
            user: oidc.user.clone(),
        };
        let provider =
            SHARED.get(|provider: &Provider| provider.key == key, || Provider::new(key.clone(), oidc))?;
        let mut read = provider.read();
        if read.known.insert(fingerprint(&oidc.settings)) {
            read.newer = Some(oidc.clone());
        }
        drop(read);
        Ok(Self(provider))
    }
}

#[async_trait]
impl TokenSource for OidcTokens {
    async fn token(&self) -> Result<Option<Secret>, Error> {
        let mut config = Arc::clone(&self.0.config).lock_owned().await;
        if let Some(newer) = self.0.read().newer.take() {
            *config = newer;
        }
        let now = unix_now();
        if let Ok(Some(token)) = config.id_token(now) {
            return Ok(Some(token));
        }
        // A task of its own: a refresh token may serve but once, so what it brought must not be lost with a request.
        let provider = Arc::clone(&self.0);
        let asked = tokio::spawn(async move {
            // Another program may have asked already, and a refresh token may serve but once.
            if let Some(newer) = provider.look_into_the_file(&config).await {
                *config = newer;
            }
            if let Some(token) = config.id_token(now)? {
                return Ok(Some(token));
            }
            *config = provider.refresh(&config).await?;
            provider.keep(&config).await;
            Ok(config.settings.get("id-token").cloned())
        });
        asked.await.unwrap_or_else(|error| Err(Error::canceled("a login was stopped").with_source(error)))
    }

    /// As with client-go, a token serves until it ends: a refusal says that it is not enough, not that it is stale.
    fn refused(&self, _: Option<&Secret>) {}
}

impl Provider {
    fn new(key: Key, oidc: &OidcConfig) -> Result<Self, Error> {
        let tls = Tls { certificate_authority: key.authority.clone(), ..Tls::default() };
        let place = Config {
            tls,
            ..Config::new(&key.issuer).map_err(|error| oidc.failed(&format!("idp-issuer-url: {error}")))?
        };
        let wire = HyperTransport::new(&place).map_err(|error| oidc.failed(&format!("idp-{error}")))?;
        let read = Mutex::new(Read { known: HashSet::from([fingerprint(&oidc.settings)]), newer: None });
        Ok(Self { key, wire, config: Arc::new(tokio::sync::Mutex::new(oidc.clone())), read })
    }

    fn read(&self) -> MutexGuard<'_, Read> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn refresh(&self, config: &OidcConfig) -> Result<OidcConfig, Error> {
        let discovery = Request::get(config.discovery_url()).body(Body::Empty);
        let (status, answer) = self.ask(config, discovery).await?;
        if status != StatusCode::OK {
            let url = config.discovery_url();
            return Err(config.failed(&format!("{url} answers with {status}: correct idp-issuer-url")));
        }
        let endpoint = config.token_endpoint(&answer)?;
        // Providers differ in where they want the client's id and secret: first in a header, then in the form.
        let mut refused = StatusCode::OK;
        for with_client in [false, true] {
            let mut request =
                Request::post(&endpoint).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
            if !with_client && let Ok(mut value) = HeaderValue::from_str(config.client_header().reveal()) {
                value.set_sensitive(true);
                request = request.header(AUTHORIZATION, value);
            }
            let form = Bytes::from(config.refresh_form(with_client).reveal().to_owned());
            let (status, answer) = self.ask(config, request.body(Body::Bytes(form))).await?;
            if status.is_success() {
                return config.renewed(&answer);
            }
            refused = status;
        }
        Err(config.failed(&format!("the provider refuses the refresh-token ({refused}): log in again")))
    }

    async fn ask(
        &self,
        config: &OidcConfig,
        request: Result<Request<Body>, http::Error>,
    ) -> Result<(StatusCode, Bytes), Error> {
        let request =
            request.map_err(|_| config.failed("the provider's address is none: correct idp-issuer-url"))?;
        let answer = async {
            let response = self.wire.send(request).await?;
            Ok::<_, Error>((response.status(), response.into_body().collect(LARGEST_ANSWER).await?))
        };
        let answer = tokio::time::timeout(TIMEOUT, answer).await;
        let answer =
            answer.map_err(|_| config.failed(&format!("the provider does not answer within {TIMEOUT:?}")))?;
        answer.map_err(|error| {
            config.failed(&format!("the provider cannot be asked: {error}")).with_source(error)
        })
    }

    /// The login in the file, if it is of another program's making.
    async fn look_into_the_file(&self, config: &OidcConfig) -> Option<OidcConfig> {
        let own = config.clone();
        let reading = tokio::task::spawn_blocking(move || {
            // That it cannot be read was said when it was loaded; what is held may serve.
            let kubeconfig = load::read(own.file.as_ref()).ok()??;
            login_of(&kubeconfig.users.get(&own.user)?.auth_provider.as_ref()?.config, &own)
        });
        let found = reading.await.ok()??;
        self.read().known.insert(fingerprint(&found.settings)).then_some(found)
    }

    /// Writes new tokens where the old ones were read, unless somebody has logged in there meanwhile: then those serve from
    /// the next request on.
    async fn keep(&self, config: &OidcConfig) {
        let known = {
            let mut read = self.read();
            read.known.insert(fingerprint(&config.settings));
            read.known.clone()
        };
        let own = config.clone();
        let kept = tokio::task::spawn_blocking(move || {
            let mut newer = None;
            let options = ConfigOptions { kubeconfig: Some((&own.file).into()), ..ConfigOptions::default() };
            modify_config(&options, |kubeconfig| {
                let user = kubeconfig.users.get_mut(&own.user);
                let Some(provider) = user.and_then(|user| user.auth_provider.as_mut()) else { return };
                if known.contains(&fingerprint(&provider.config)) {
                    provider.config.clone_from(&own.settings);
                } else {
                    newer = login_of(&provider.config, &own);
                }
            })
            .map(|()| newer)
        });
        match kept.await {
            Ok(Ok(None)) | Err(_) => {}
            Ok(Ok(Some(newer))) => {
                let mut read = self.read();
                read.known.insert(fingerprint(&newer.settings));
                read.newer = Some(newer);
            }
            Ok(Err(error)) => {
                let user = &config.user;
                tracing::warn!(%error, user, "new tokens cannot be kept: the next process must log in again");
            }
        }
    }
}

/// `settings` in place of those of `config`, if they are of the same provider and client.
fn login_of(settings: &BTreeMap<String, Secret>, config: &OidcConfig) -> Option<OidcConfig> {
    let found = OidcConfig { settings: settings.clone(), ..config.clone() };
    let same = found.issuer() == config.issuer() && found.authority().ok()? == config.authority().ok()?;
    same.then_some(found)
}

/// What tells settings apart, without keeping each token there was.
fn fingerprint(settings: &BTreeMap<String, Secret>) -> u64 {
    let mut hasher = DefaultHasher::new();
    for (name, value) in settings {
        (name, value.reveal()).hash(&mut hasher);
    }
    hasher.finish()
}
