//! From a kubeconfig and the name of a context to a [`Config`]. After client-go's clientcmd client_config.go and
//! validation.go, v0.37.
//!
//! Invariant: an error names the file, the field and what to do, and stands in one line.

use http::Uri;

use super::exec::{CLUSTER_EXTENSION, harmless};
use super::pem::{Holds, decode};
use super::{
    Auth, Cluster, Config, Context, Credential, ExecConfig, Identity, Impersonate, Kubeconfig, OidcConfig,
    Pem, ProxyUrl, Tls, User, is_header_text, server_address, shown,
};
use crate::error::Error;

impl Kubeconfig {
    /// The config of `context`, or of the current context. client-go's `ClientConfig()`: credentials are sent only to an
    /// `https` server, and a context without a user is anonymous. A user that is named must exist, though client-go takes
    /// one that does not for nobody.
    pub fn resolve(&self, context: Option<&str>) -> Result<Config, Error> {
        let (context_name, context) = self.context(context)?;
        let missing = |kind: &str, name: &str| {
            let why = match name {
                "" => "names none: add one".to_owned(),
                name => format!("{name:?} is not among the {kind}s: add it there or correct the name"),
            };
            wrong(&context.origin, &format!("contexts {context_name:?}: {kind}"), &why)
        };
        let cluster = self.clusters.get(&context.cluster).filter(|_| !context.cluster.is_empty());
        let cluster = cluster.ok_or_else(|| missing("cluster", &context.cluster))?;
        let nobody = User { origin: context.origin.clone(), ..User::default() };
        let user = match context.user.as_str() {
            "" => &nobody,
            name => self.users.get(name).ok_or_else(|| missing("user", name))?,
        };
        let cluster = ClusterPart { name: &context.cluster, cluster };
        let user = UserPart { name: &context.user, user };
        let server = cluster.server()?;
        let secure = server.scheme_str() == Some("https");
        let proxy_url = cluster.proxy_url()?;
        let disable_compression = cluster.cluster.disable_compression;
        let mut config = Config { server, proxy_url, disable_compression, ..Config::default() };
        if !context.namespace.is_empty() {
            config.default_namespace = namespace(context_name, context)?;
        }
        config.auth.impersonate = user.impersonate()?;
        if secure {
            config.tls = Tls { identity: user.identity()?, ..cluster.tls()? };
            let mut credential = user.credential(config.tls.identity.is_some())?;
            if let Credential::Exec(exec) = &mut credential {
                exec.cluster_config = cluster.cluster.extensions.get(CLUSTER_EXTENSION).cloned();
            }
            config.auth = Auth { credential, ..config.auth };
        }
        Ok(config)
    }

    pub(super) fn context<'a>(&'a self, asked: Option<&'a str>) -> Result<(&'a str, &'a Context), Error> {
        let files = self.origins.join(", ");
        let choice = match self.contexts.keys().map(String::as_str).collect::<Vec<_>>() {
            names if names.is_empty() => "add one, for example with `kubectl config set-context`".to_owned(),
            names => format!("choose one of {}", shown(&names.join(", "))),
        };
        if self.is_empty() {
            return Err(wrong(&files, "contexts", &format!("there are none: {choice}")));
        }
        let (field, name) = match asked {
            Some(name) => ("contexts", name),
            None => ("current-context", self.current_context.as_str()),
        };
        if name.is_empty() {
            return Err(wrong(&files, field, &format!("none is set: {choice}")));
        }
        match self.contexts.get_key_value(name) {
            Some((name, context)) => Ok((name, context)),
            None => Err(wrong(&files, field, &format!("{name:?} is not among the contexts: {choice}"))),
        }
    }
}

fn namespace(name: &str, context: &Context) -> Result<String, Error> {
    let text = &context.namespace;
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let dash = text.starts_with('-') || text.ends_with('-');
    if text.len() > 63 || dash || !text.bytes().all(fits) {
        let why = format!("{text:?} is no namespace: use up to 63 of a-z, 0-9 and inner -");
        return Err(wrong(&context.origin, &format!("contexts {name:?}: namespace"), &why));
    }
    Ok(text.clone())
}

struct ClusterPart<'a> {
    name: &'a str,
    cluster: &'a Cluster,
}

impl ClusterPart<'_> {
    fn wrong(&self, field: &str, why: &str) -> Error {
        wrong(&self.cluster.origin, &format!("clusters {:?}: {field}", self.name), why)
    }

    fn server(&self) -> Result<Uri, Error> {
        server_address(&self.cluster.server).map_err(|why| self.wrong("server", &why))
    }

    fn proxy_url(&self) -> Result<Option<ProxyUrl>, Error> {
        let given = Some(self.cluster.proxy_url.reveal()).filter(|address| !address.is_empty());
        given.map(ProxyUrl::parse).transpose().map_err(|why| self.wrong("proxy-url", &why))
    }

    fn tls(&self) -> Result<Tls, Error> {
        let cluster = self.cluster;
        let both =
            !cluster.certificate_authority_data.is_empty() && !cluster.certificate_authority.is_empty();
        if both {
            let why = "and certificate-authority are both given: remove one of the two";
            return Err(self.wrong("certificate-authority-data", why));
        }
        let certificate_authority = if !cluster.certificate_authority_data.is_empty() {
            let data = decode(&cluster.certificate_authority_data, Holds::Certificate);
            Some(Pem::Data(data.map_err(|why| self.wrong("certificate-authority-data", &why))?))
        } else {
            file(&cluster.certificate_authority)
        };
        if cluster.insecure_skip_tls_verify && certificate_authority.is_some() {
            let why = "cannot be combined with a certificate-authority: remove one of the two";
            return Err(self.wrong("insecure-skip-tls-verify", why));
        }
        Ok(Tls {
            certificate_authority,
            identity: None,
            insecure: cluster.insecure_skip_tls_verify,
            server_name: Some(cluster.tls_server_name.clone()).filter(|name| !name.is_empty()),
        })
    }
}

struct UserPart<'a> {
    name: &'a str,
    user: &'a User,
}

impl UserPart<'_> {
    fn wrong(&self, field: &str, why: &str) -> Error {
        wrong(&self.user.origin, &format!("users {:?}: {field}", self.name), why)
    }

    fn identity(&self) -> Result<Option<Identity>, Error> {
        let user = self.user;
        for (data, file, field) in [
            (!user.client_certificate_data.is_empty(), &user.client_certificate, "client-certificate"),
            (!user.client_key_data.is_empty(), &user.client_key, "client-key"),
        ] {
            if data && !file.is_empty() {
                let why = format!("and {field} are both given: remove one of the two");
                return Err(self.wrong(&format!("{field}-data"), &why));
            }
        }
        let certificate = if !user.client_certificate_data.is_empty() {
            let data = decode(&user.client_certificate_data, Holds::Certificate);
            Some(Pem::Data(data.map_err(|why| self.wrong("client-certificate-data", &why))?))
        } else {
            file(&user.client_certificate)
        };
        let key = if !user.client_key_data.is_empty() {
            let data = decode(user.client_key_data.reveal(), Holds::Key);
            Some(Pem::Data(data.map_err(|why| self.wrong("client-key-data", &why))?))
        } else {
            file(&user.client_key)
        };
        match (certificate, key) {
            (Some(certificate), Some(key)) => Ok(Some(Identity { certificate, key })),
            (Some(_), None) => Err(self
                .wrong("client-key-data", "is missing beside the client certificate: add it or client-key")),
            (None, _) => Ok(None),
        }
    }

    /// What proves who we are beside a client certificate, whose presence keeps a plugin from being asked, as does any
    /// other credential: client-go's `Authenticator.UpdateTransportConfig`.
    fn credential(&self, has_identity: bool) -> Result<Credential, Error> {
        let user = self.user;
        let has_token = !user.token.is_empty();
        let has_basic = !user.username.is_empty() || !user.password.is_empty();
        if has_token && has_basic {
            return Err(self.wrong("token", "is given beside username and password: keep one of the two"));
        }
        if !is_header_text(user.token.reveal().trim()) {
            return Err(self.wrong("token", "holds a character no header may carry: write it anew"));
        }
        let exec = self.exec()?;
        if !user.token_file.is_empty() {
            let fallback = has_token.then(|| user.token.clone());
            return Ok(Credential::TokenFile { path: user.token_file.clone(), fallback });
        }
        if has_token {
            return Ok(Credential::Token(user.token.clone()));
        }
        if has_basic {
            return Ok(Credential::Basic {
                username: user.username.clone(),
                password: user.password.clone(),
            });
        }
        if let Some(exec) = exec.filter(|_| !has_identity) {
            return Ok(Credential::Exec(Box::new(exec)));
        }
        if let Some(provider) = &user.auth_provider {
            if let Some((field, why)) = provider.problem() {
                return Err(self.wrong(&format!("auth-provider: {field}"), &why));
            }
            let (settings, file) = (provider.config.clone(), user.origin.clone());
            return Ok(Credential::Oidc(Box::new(OidcConfig { settings, file, user: self.name.to_owned() })));
        }
        Ok(Credential::None)
    }

    fn exec(&self) -> Result<Option<ExecConfig>, Error> {
        let Some(exec) = &self.user.exec else { return Ok(None) };
        if self.user.auth_provider.is_some() {
            return Err(self.wrong("exec", "is given beside auth-provider: keep one of the two"));
        }
        if let Some((field, why)) = exec.problem() {
            return Err(self.wrong(&format!("exec: {field}"), &why));
        }
        let origin = format!("kubeconfig {}: users {:?}: exec", self.user.origin, self.name);
        Ok(Some(ExecConfig { install_hint: harmless(&exec.install_hint), origin, ..exec.clone() }))
    }

    fn impersonate(&self) -> Result<Option<Impersonate>, Error> {
        let user = self.user;
        let details = !user.impersonate_uid.is_empty()
            || !user.impersonate_groups.is_empty()
            || !user.impersonate_extra.is_empty();
        match (user.impersonate.is_empty(), details) {
            (true, true) => {
                Err(self.wrong("as", "is missing beside as-uid, as-groups or as-user-extra: name the user"))
            }
            (true, false) => Ok(None),
            (false, _) if let Some(field) = unsendable(user) => {
                Err(self.wrong(field, "holds a character no header may carry: write it anew"))
            }
            (false, _) => Ok(Some(Impersonate {
                user: user.impersonate.clone(),
                uid: user.impersonate_uid.clone(),
                groups: user.impersonate_groups.clone(),
                extra: user.impersonate_extra.clone(),
            })),
        }
    }
}

/// The field of whom to act as that no header can carry.
fn unsendable(user: &User) -> Option<&'static str> {
    let is_sendable = |text: &String| is_header_text(text);
    [
        ("as", is_header_text(&user.impersonate)),
        ("as-uid", is_header_text(&user.impersonate_uid)),
        ("as-groups", user.impersonate_groups.iter().all(is_sendable)),
        ("as-user-extra", user.impersonate_extra.values().flatten().all(is_sendable)),
    ]
    .into_iter()
    .find_map(|(field, fits)| (!fits).then_some(field))
}

fn file(path: &str) -> Option<Pem> {
    (!path.is_empty()).then(|| Pem::File(path.to_owned()))
}

fn wrong(origin: &str, field: &str, why: &str) -> Error {
    Error::config(format!("kubeconfig {}: {field}: {why}", shown(origin)))
}

#[cfg(test)]
mod tests;
