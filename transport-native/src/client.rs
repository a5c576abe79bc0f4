//! From nothing to a client in one call: configuration, transport, credentials, time and tasks put together.

use std::sync::Arc;

use portolan::Error;
use portolan::client::Client;
use portolan::config::{Config, Credential};
use portolan::meta::GroupVersion;
use portolan::rest::{RestClient, WarningWriter, WarningWriterOptions};
use portolan::transport::{Authenticated, TokenSource, Transport};

use crate::exec::ExecPlugin;
use crate::load::{ConfigOptions, load_config};
use crate::oidc::OidcTokens;
use crate::runtime::runtime;
use crate::tokens::FileTokens;
use crate::transport::HyperTransport;

/// A client of the cluster this process is meant to talk to: KUBECONFIG, `~/.kube/config` or the Pod it runs in, in the
/// current context ([`load_config`] with its defaults).
///
/// # Errors
/// `Config`, naming the file, the field and what to do. Nothing is sent yet.
pub async fn client() -> Result<Client, Error> {
    runtime()?;
    let config = tokio::task::spawn_blocking(|| load_config(&ConfigOptions::default()))
        .await
        .map_err(|error| Error::canceled("loading the configuration was stopped").with_source(error))??;
    client_for(config)
}

/// A client of the server `config` names; the server's warnings go to stderr, each text once, unless
/// [`Client::with_warning_handler`] says otherwise. Call it inside a tokio runtime.
///
/// # Errors
/// `Config` or `Auth`, when a certificate, key or token cannot be used. Nothing is sent yet.
pub fn client_for(config: Config) -> Result<Client, Error> {
    let runtime = runtime()?;
    let transport = transport_for(&config)?;
    let client = Client::new(transport, config, runtime);
    let options = WarningWriterOptions { deduplicate: true, color: false };
    Ok(client.with_warning_handler(Arc::new(WarningWriter::new(std::io::stderr(), options))))
}

/// The request builder for one group and version of the server `config` names. client-go's `rest.RESTClientFor`.
///
/// # Errors
/// As [`client_for`].
pub fn rest_client_for(config: Config, group_version: GroupVersion) -> Result<RestClient, Error> {
    Ok(client_for(config)?.rest_client_for(group_version))
}

/// The request builder for any path of the server `config` names. client-go's `rest.UnversionedRESTClientFor`.
///
/// # Errors
/// As [`client_for`].
pub fn unversioned_rest_client_for(config: Config) -> Result<RestClient, Error> {
    Ok(client_for(config)?.rest().clone())
}

/// The transport `config` asks for, with its credentials: what [`client_for`] puts under a client.
///
/// # Errors
/// `Config` or `Auth`, when a certificate, key or token cannot be used.
pub fn transport_for(config: &Config) -> Result<Arc<dyn Transport>, Error> {
    let auth = &config.auth;
    let (plugin, tokens): (_, Arc<dyn TokenSource>) = match &auth.credential {
        Credential::TokenFile { path, fallback } => {
            (None, Arc::new(FileTokens::new(path.clone(), fallback.clone())))
        }
        Credential::Exec(exec) => {
            let plugin = ExecPlugin::shared(config, exec)?;
            (Some(plugin.clone()), Arc::new(plugin))
        }
        Credential::Oidc(oidc) => (None, Arc::new(OidcTokens::shared(config, oidc)?)),
        _ => return Ok(Arc::new(Authenticated::new(HyperTransport::new(config)?, auth)?)),
    };
    let wire = HyperTransport::with_plugin(config, plugin)?;
    let layer = Authenticated::with_tokens(wire, tokens, auth.impersonate.as_ref())?;
    Ok(Arc::new(layer))
}
