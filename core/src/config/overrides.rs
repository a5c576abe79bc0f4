//! What wins over a kubeconfig: what a command line or a page says beside it. After client-go's clientcmd overrides.go and
//! client_config.go (`getContext`, `getAuthInfo`, `getCluster`), v0.37.
//!
//! Invariant: a kubeconfig goes in and one comes out; what is not overridden stays as the files have it.

use super::{Cluster, Context, Kubeconfig, Secret, User, shown};
use crate::error::Error;

/// The name of the context that is made when the files name none.
const MADE: &str = "overrides";

/// What wins over the files. An empty text means: not given. client-go's `clientcmd.ConfigOverrides`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// The context to use in place of the current one; it must exist.
    pub context: String,
    /// In place of the context's cluster, user and namespace; the first two must exist.
    pub names: Context,
    /// Fields in place of the cluster's.
    pub cluster: Cluster,
    /// Fields in place of the user's.
    pub user: User,
}

impl Kubeconfig {
    /// The same with `overrides` put in; its current context is the one they make. client-go's `MergedRawConfig`.
    ///
    /// # Errors
    /// `Config` when they name a context, a cluster or a user that does not exist.
    pub fn overridden(mut self, overrides: &Overrides) -> Result<Self, Error> {
        let files = shown(&self.origins.join(", "));
        let missing = |kind: &str, name: &str| {
            let text = format!("kubeconfig {files}: there is no {kind} {name:?}: add it or name another");
            Err(Error::config(text))
        };
        if !overrides.context.is_empty() {
            self.context(Some(&overrides.context))?;
            self.current_context.clone_from(&overrides.context);
        }
        let mut context = self.contexts.get(&self.current_context).cloned().unwrap_or_default();
        set(&mut context.cluster, &overrides.names.cluster);
        set(&mut context.user, &overrides.names.user);
        set(&mut context.namespace, &overrides.names.namespace);

        let known = self.clusters.get(&context.cluster).cloned();
        if known.is_none() && !overrides.names.cluster.is_empty() {
            return missing("cluster", &context.cluster);
        }
        let changes_cluster = overrides.cluster != Cluster::default();
        if let Some(cluster) = known.or(changes_cluster.then(Cluster::default)) {
            set_if_empty(&mut context.cluster, MADE);
            self.clusters.insert(context.cluster.clone(), changed_cluster(cluster, &overrides.cluster));
        }

        let known = self.users.get(&context.user).cloned();
        if known.is_none() && !overrides.names.user.is_empty() {
            return missing("user", &context.user);
        }
        let changes_user = overrides.user != User::default() || changes_cluster;
        if let Some(user) = known.or((changes_user && context.user.is_empty()).then(User::default)) {
            set_if_empty(&mut context.user, MADE);
            self.users.insert(context.user.clone(), changed_user(user, &overrides.user));
        }
        if self.current_context.is_empty() && (changes_cluster || changes_user) {
            MADE.clone_into(&mut self.current_context);
        }
        if self.contexts.contains_key(&self.current_context) || self.current_context == MADE {
            self.contexts.insert(self.current_context.clone(), context);
        }
        Ok(self)
    }
}

fn set(field: &mut String, value: &str) {
    if !value.is_empty() {
        value.clone_into(field);
    }
}

fn set_if_empty(field: &mut String, value: &str) {
    if field.is_empty() {
        value.clone_into(field);
    }
}

fn set_secret(field: &mut Secret, value: &Secret) {
    if !value.is_empty() {
        field.clone_from(value);
    }
}

fn changed_cluster(mut cluster: Cluster, by: &Cluster) -> Cluster {
    set(&mut cluster.server, &by.server);
    set_secret(&mut cluster.proxy_url, &by.proxy_url);
    cluster.disable_compression |= by.disable_compression;
    // How the server is trusted comes from one side: an authority of the one never meets the other's.
    let trusts = by.insecure_skip_tls_verify
        || !by.certificate_authority.is_empty()
        || !by.certificate_authority_data.is_empty();
    if trusts {
        cluster.insecure_skip_tls_verify = by.insecure_skip_tls_verify;
        cluster.certificate_authority.clone_from(&by.certificate_authority);
        cluster.certificate_authority_data.clone_from(&by.certificate_authority_data);
    }
    // A name belongs to an address: another address takes it away.
    if !by.tls_server_name.is_empty() || !by.server.is_empty() {
        cluster.tls_server_name.clone_from(&by.tls_server_name);
    }
    cluster
}

fn changed_user(mut user: User, by: &User) -> User {
    if !by.client_certificate.is_empty() || !by.client_certificate_data.is_empty() {
        user.client_certificate.clone_from(&by.client_certificate);
        user.client_certificate_data.clone_from(&by.client_certificate_data);
    }
    if !by.client_key.is_empty() || !by.client_key_data.is_empty() {
        user.client_key.clone_from(&by.client_key);
        user.client_key_data.clone_from(&by.client_key_data);
    }
    set_secret(&mut user.token, &by.token);
    set(&mut user.token_file, &by.token_file);
    if by.exec.is_some() {
        user.exec.clone_from(&by.exec);
    }
    if by.auth_provider.is_some() {
        user.auth_provider.clone_from(&by.auth_provider);
    }
    set(&mut user.username, &by.username);
    set_secret(&mut user.password, &by.password);
    set(&mut user.impersonate, &by.impersonate);
    set(&mut user.impersonate_uid, &by.impersonate_uid);
    if !by.impersonate_groups.is_empty() {
        user.impersonate_groups.clone_from(&by.impersonate_groups);
    }
    user.impersonate_extra.extend(by.impersonate_extra.clone());
    user
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> Kubeconfig {
        let text = "{current-context: a, contexts: [{name: a, context: {cluster: c, user: u, namespace: n}}],
            clusters: [{name: c, cluster: {server: 'https://one', tls-server-name: x}}],
            users: [{name: u, user: {token: t}}]}";
        Kubeconfig::parse(text.as_bytes(), "FILE").unwrap()
    }

    #[test]
    fn nothing_overridden_changes_nothing() {
        assert_eq!(files().overridden(&Overrides::default()).unwrap(), files());
        assert!(Kubeconfig::default().overridden(&Overrides::default()).unwrap().is_empty());
    }

    #[test]
    fn a_server_alone_is_enough() {
        let cluster = Cluster { server: "http://localhost:8001".into(), ..Cluster::default() };
        let overrides = Overrides { cluster, ..Overrides::default() };
        let config = Kubeconfig::default().overridden(&overrides).unwrap().resolve(None).unwrap();
        assert_eq!(config.server, "http://localhost:8001/");
        let config = files().overridden(&overrides).unwrap().resolve(None).unwrap();
        assert_eq!((config.server.host(), config.tls.server_name), (Some("localhost"), None));
        assert_eq!(config.default_namespace, "n");
    }

    #[test]
    fn what_does_not_exist_is_refused() {
        let named = |names: Context| files().overridden(&Overrides { names, ..Overrides::default() });
        assert!(named(Context { cluster: "z".into(), ..Context::default() }).is_err());
        assert!(named(Context { user: "z".into(), ..Context::default() }).is_err());
        let overrides = Overrides { context: "z".into(), ..Overrides::default() };
        assert!(
            files()
                .overridden(&overrides)
                .unwrap_err()
                .to_string()
                .contains("\"z\" is not among the contexts")
        );
    }
}
