//! From nothing to a client in one call: configuration, transport, credentials, time and tasks put together.

use std::sync::Arc;

use portolan::Error;
use portolan::client::Client;
use portolan::config::{Config, Credential, WatchOver};
use portolan::transport::{Authenticated, Transport};

use crate::load::{ConfigOptions, load_config};
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

/// A client of the server `config` names, its watches over HTTP. Call it inside a tokio runtime.
///
/// # Errors
/// `Config` or `Auth`, when a certificate, key or token cannot be used. Nothing is sent yet.
pub fn client_for(config: Config) -> Result<Client, Error> {
    let runtime = runtime()?;
    let transport = transport_for(&config)?;
    Ok(Client::new(transport, Config { watch_over: WatchOver::Http, ..config }, runtime))
}

/// The transport `config` asks for, with its credentials: what [`client_for`] puts under a client.
///
/// # Errors
/// `Config` or `Auth`, when a certificate, key or token cannot be used.
pub fn transport_for(config: &Config) -> Result<Arc<dyn Transport>, Error> {
    let wire = HyperTransport::new(config)?;
    let auth = &config.auth;
    let layer = match &auth.credential {
        Credential::TokenFile { path, fallback } => {
            let tokens = Arc::new(FileTokens::new(path.clone(), fallback.clone()));
            Authenticated::with_tokens(wire, tokens, auth.impersonate.as_ref())?
        }
        _ => Authenticated::new(wire, auth)?,
    };
    Ok(Arc::new(layer))
}
