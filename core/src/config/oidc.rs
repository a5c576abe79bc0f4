//! The auth-provider `oidc`, as pure steps: whether an id-token still serves, what to ask the identity provider, and what
//! its answers mean. After client-go's `plugin/pkg/client/auth/oidc/oidc.go`, v0.37.
//!
//! Invariant: no token, and no byte of an answer, gets into an error.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::kubeconfig::or_default;
use super::pem::{Holds, decode};
use super::write::reveal_all;
use super::{Pem, Secret, is_header_text};
use crate::error::Error;

/// A token is renewed so long before it ends: client-go's `expiryDelta`.
const EXPIRY_DELTA: Duration = Duration::from_secs(10);

/// The provider of a user's credential. client-go's `clientcmdapi.AuthProviderConfig`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct AuthProvider {
    /// Its name: `oidc` is the one there is.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// Its settings and tokens.
    #[serde(deserialize_with = "or_default", serialize_with = "reveal_all")]
    pub config: BTreeMap<String, Secret>,
}

/// Who gives id-tokens, and the tokens at hand.
#[derive(Clone, PartialEq, Eq)]
pub struct OidcConfig {
    /// The settings by their names in a kubeconfig: `idp-issuer-url`, `client-id`, `client-secret`, `id-token`,
    /// `refresh-token`, `idp-certificate-authority`, `idp-certificate-authority-data`.
    pub settings: BTreeMap<String, Secret>,
    /// The kubeconfig they are from, where new tokens are to be kept.
    pub file: String,
    /// The user whose they are.
    pub user: String,
}

impl fmt::Debug for OidcConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OidcConfig").field("user", &self.user).finish_non_exhaustive()
    }
}

impl AuthProvider {
    /// What is wrong with it, named by its field.
    pub(super) fn problem(&self) -> Option<(&'static str, String)> {
        let plugin = |name| {
            format!("{:?} is no longer built in: use the credential plugin {name:?} (exec)", self.name)
        };
        match self.name.as_str() {
            "oidc" => {}
            "gcp" => return Some(("name", plugin("gke-gcloud-auth-plugin"))),
            "azure" => return Some(("name", plugin("kubelogin"))),
            other => {
                return Some((
                    "name",
                    format!("{other:?} is unknown: use oidc, or a credential plugin (exec)"),
                ));
            }
        }
        let given = |name: &str| self.config.get(name).is_some_and(|value| !value.is_empty());
        for (field, what) in [("idp-issuer-url", "the provider's address"), ("client-id", "the client's id")]
        {
            if !given(field) {
                return Some((field, format!("is missing: give {what}")));
            }
        }
        None
    }
}

impl OidcConfig {
    /// A setting, "" when it is not given.
    fn setting(&self, name: &str) -> &str {
        self.settings.get(name).map(Secret::reveal).unwrap_or_default()
    }

    /// An error about a user's provider: `what` follows.
    pub fn failed(&self, what: &str) -> Error {
        Error::auth(format!("kubeconfig {}: users {:?}: auth-provider oidc: {what}", self.file, self.user))
    }

    /// The address of the provider and the id we have there.
    pub fn issuer(&self) -> (&str, &str) {
        (self.setting("idp-issuer-url"), self.setting("client-id"))
    }

    /// The authorities the provider's certificate is trusted by; `None`: those of the system.
    ///
    /// # Errors
    /// `Auth`, when the data are no certificates.
    pub fn authority(&self) -> Result<Option<Pem>, Error> {
        match (self.setting("idp-certificate-authority-data"), self.setting("idp-certificate-authority")) {
            ("", "") => Ok(None),
            ("", file) => Ok(Some(Pem::File(file.to_owned()))),
            (data, _) => decode(data, Holds::Certificate)
                .map(|data| Some(Pem::Data(data)))
                .map_err(|why| self.failed(&format!("idp-certificate-authority-data: {why}"))),
        }
    }

    /// The id-token at hand, if it still serves at `unix_time`, a time since the Unix epoch.
    ///
    /// # Errors
    /// `Auth`, when it is no JSON Web Token, or when there is no way to another.
    pub fn id_token(&self, unix_time: Duration) -> Result<Option<Secret>, Error> {
        let token = self.setting("id-token");
        if !token.is_empty() {
            let ends = expiry(token)
                .filter(|_| is_header_text(token))
                .ok_or_else(|| self.failed("the id-token is no JSON Web Token: log in again"))?;
            if unix_time + EXPIRY_DELTA < ends {
                return Ok(self.settings.get("id-token").cloned());
            }
        }
        match self.setting("refresh-token") {
            "" => Err(self.failed("the id-token has ended, and there is no refresh-token: log in again")),
            _ => Ok(None),
        }
    }

    /// Where the provider tells its addresses.
    pub fn discovery_url(&self) -> String {
        let issuer = self.setting("idp-issuer-url");
        format!("{}/.well-known/openid-configuration", issuer.strip_suffix('/').unwrap_or(issuer))
    }

    /// Where tokens are asked for, out of what the provider told.
    ///
    /// # Errors
    /// `Auth`, when it does not say so.
    pub fn token_endpoint(&self, answer: &[u8]) -> Result<String, Error> {
        #[derive(Deserialize)]
        struct Metadata {
            #[serde(default)]
            token_endpoint: String,
        }
        let metadata: Option<Metadata> = serde_json::from_slice(answer).ok();
        metadata.map(|metadata| metadata.token_endpoint).filter(|endpoint| !endpoint.is_empty()).ok_or_else(|| {
            self.failed("the provider names no token_endpoint in its openid-configuration: correct idp-issuer-url")
        })
    }

    /// The form that asks for new tokens; the client's id and secret stand in it, if they do not stand in a header.
    pub fn refresh_form(&self, with_client: bool) -> Secret {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "refresh_token")
            .append_pair("refresh_token", self.setting("refresh-token"));
        if with_client {
            form.append_pair("client_id", self.setting("client-id"));
            if !self.setting("client-secret").is_empty() {
                form.append_pair("client_secret", self.setting("client-secret"));
            }
        }
        Secret::new(form.finish())
    }

    /// The client's id and secret as basic authentication, each as in a form first: RFC 6749, 2.3.1.
    pub fn client_header(&self) -> Secret {
        let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let pair = format!("{}:{}", encode(self.setting("client-id")), encode(self.setting("client-secret")));
        Secret::new(format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair)))
    }

    /// The same with the tokens the provider gave.
    ///
    /// # Errors
    /// `Auth`, when it gave no id-token.
    pub fn renewed(&self, answer: &[u8]) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Tokens {
            #[serde(default)]
            id_token: Secret,
            #[serde(default)]
            refresh_token: Secret,
        }
        let tokens: Tokens = serde_json::from_slice(answer).map_err(|_| {
            self.failed("the provider answered with something else than tokens: correct idp-issuer-url")
        })?;
        if tokens.id_token.is_empty() {
            let text = "the provider gave no id_token: log in again with the scope \"openid\", if it gives them at a refresh at all";
            return Err(self.failed(text));
        }
        let mut renewed = self.clone();
        renewed.settings.insert("id-token".to_owned(), tokens.id_token);
        if !tokens.refresh_token.is_empty() {
            renewed.settings.insert("refresh-token".to_owned(), tokens.refresh_token);
        }
        Ok(renewed)
    }
}

/// When a JSON Web Token ends, since the Unix epoch; its signature is the server's to check.
fn expiry(token: &str) -> Option<Duration> {
    #[derive(Deserialize)]
    struct Claims {
        exp: f64,
    }
    let mut parts = token.split('.');
    let (_, claims, _, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()) else {
        return None;
    };
    let claims: Claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
    Duration::try_from_secs_f64(claims.exp).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> String {
        format!("eyJhbGciOiJub25lIn0.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
    }

    fn config(settings: &[(&str, &str)]) -> OidcConfig {
        let always = [("idp-issuer-url", "https://idp/"), ("client-id", "a b"), ("client-secret", "s3cr3t:")];
        let settings = always.iter().chain(settings);
        let settings = settings.map(|(name, value)| ((*name).to_owned(), Secret::new((*value).to_owned())));
        OidcConfig { settings: settings.collect(), file: "FILE".into(), user: "jo".into() }
    }

    #[test]
    fn an_id_token_serves_until_shortly_before_it_ends() {
        let at = |seconds| Duration::from_secs(seconds);
        for claims in ["{\"exp\": 100}", "{\"exp\": 100.0, \"sub\": \"jo\"}"] {
            let given = token(claims);
            let own = config(&[("id-token", &given), ("refresh-token", "r")]);
            assert!(own.id_token(at(89)).unwrap().is_some());
            assert_eq!(own.id_token(at(90)).unwrap(), None);
        }
        assert_eq!(config(&[("refresh-token", "r")]).id_token(at(0)).unwrap(), None);
        for (settings, part) in [
            (vec![], "there is no refresh-token: log in again"),
            (vec![("id-token", "s3cr3t")], "the id-token is no JSON Web Token"),
            (vec![("id-token", "a.!.c"), ("refresh-token", "s3cr3t")], "the id-token is no JSON Web Token"),
        ] {
            let error = config(&settings).id_token(at(0)).unwrap_err().to_string();
            assert!(error.starts_with("kubeconfig FILE: users \"jo\": auth-provider oidc: "), "{error}");
            assert!(error.contains(part) && !error.contains("s3cr3t"), "{error}");
        }
    }

    #[test]
    fn a_refresh_asks_as_oauth2_does() {
        let own = config(&[("refresh-token", "r&t")]);
        assert_eq!(own.discovery_url(), "https://idp/.well-known/openid-configuration");
        assert_eq!(
            own.token_endpoint(br#"{"token_endpoint": "https://idp/token"}"#).unwrap(),
            "https://idp/token"
        );
        assert_eq!(own.refresh_form(false).reveal(), "grant_type=refresh_token&refresh_token=r%26t");
        assert!(own.refresh_form(true).reveal().ends_with("&client_id=a+b&client_secret=s3cr3t%3A"));
        assert_eq!(own.client_header().reveal(), "Basic YStiOnMzY3IzdCUzQQ==");
        let renewed = own.renewed(br#"{"id_token": "new", "access_token": "x"}"#).unwrap();
        assert_eq!((renewed.setting("id-token"), renewed.setting("refresh-token")), ("new", "r&t"));
        let renewed = own.renewed(br#"{"id_token": "new", "refresh_token": "next"}"#).unwrap();
        assert_eq!(renewed.setting("refresh-token"), "next");
        for wrong in [
            own.token_endpoint(b"<html>"),
            own.token_endpoint(b"{}"),
            own.renewed(b"{}").map(|_| String::new()),
            own.renewed(b"s3cr3t").map(|_| String::new()),
        ] {
            assert!(!wrong.unwrap_err().to_string().contains("s3cr3t"));
        }
        assert!(!format!("{own:?}").contains("s3cr3t"));
    }

    #[test]
    fn providers_that_are_gone_say_what_took_their_place() {
        let provider = |name: &str, settings: &[(&str, &'static str)]| AuthProvider {
            name: name.into(),
            config: settings.iter().map(|(name, value)| ((*name).to_owned(), Secret::new(*value))).collect(),
        };
        assert!(provider("gcp", &[]).problem().unwrap().1.contains("gke-gcloud-auth-plugin"));
        assert!(provider("other", &[]).problem().unwrap().1.contains("is unknown"));
        assert_eq!(provider("oidc", &[]).problem().unwrap().0, "idp-issuer-url");
        assert_eq!(provider("oidc", &[("idp-issuer-url", "x")]).problem().unwrap().0, "client-id");
        assert_eq!(provider("oidc", &[("idp-issuer-url", "x"), ("client-id", "y")]).problem(), None);
    }
}
