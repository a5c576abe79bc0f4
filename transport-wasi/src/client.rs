//! One call from an address to a client.

use std::sync::Arc;

use portolan::Error;
use portolan::client::Client;
use portolan::config::Config;
use portolan::transport::{Authenticated, Transport};

use crate::{WasiTransport, runtime};

/// A client of the server at `address`, such as `http://127.0.0.1:8001` of `kubectl proxy`, which adds the credentials.
///
/// # Errors
/// When that is no proper address.
pub fn client(address: &str) -> Result<Client, Error> {
    client_with(Config { rate_limit: None, ..Config::new(address)? })
}

/// A client of the server that `config` names. A token goes in a header; what needs TLS settings or a proxy is refused.
///
/// # Errors
/// When `config` asks for what a component cannot do.
pub fn client_with(config: Config) -> Result<Client, Error> {
    if config.tls != Default::default() || config.proxy_url.is_some() {
        return Err(Error::unsupported(
            "a component can set neither certificates nor a proxy: that is its host's; or go through `kubectl proxy`",
        ));
    }
    let authenticated = Authenticated::new(WasiTransport, &config.auth)?;
    #[expect(
        clippy::arc_with_non_send_sync,
        reason = "a client holds an Arc on every target; here is one thread"
    )]
    let transport: Arc<dyn Transport> = Arc::new(authenticated);
    Ok(Client::new(transport, config, runtime()))
}
