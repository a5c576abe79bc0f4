//! The browser as a world for Portolan: [`client`] is the one call for a page; beneath it are [`FetchTransport`],
//! [`BrowserClock`] and [`BrowserSpawner`]. [`wakes`] says when to doubt that a connection still lives.
//!
//! Invariant: no `window`. What differs between a page and a worker is asked of `globalThis`.

mod breath;
mod clock;
mod fetch;
mod headers;
mod probe;
mod scope;
mod slots;
mod socket;
mod traffic;
mod transport;
mod wake;

use std::sync::Arc;

use portolan::Error;
use portolan::client::Client;
use portolan::config::{Config, WatchOver};
use portolan::transport::{Authenticated, Transport};

pub use clock::{BrowserClock, BrowserSpawner, runtime};
pub use scope::base_uri;
pub use traffic::Traffic;
pub use transport::{FetchTransport, Functions, MAX_FETCH_STREAMS, MAX_PENDING_HANDSHAKES, Options};
pub use wake::{Wake, Wakes, wakes};

/// The config of whatever this page was loaded from: `kubectl proxy --www`, which adds the credentials itself.
/// Watches go over WebSocket, and over fetch where none can be had. There is no rate limit: a page is one reader, and the
/// browser lets six requests go at a time.
pub fn config() -> Result<Config, Error> {
    Ok(Config {
        server: base_uri()?,
        watch_over: WatchOver::SocketThenHttp,
        // The server indents JSON for whoever looks like a browser.
        refuse_indentation: true,
        rate_limit: None,
        ..Config::default()
    })
}

/// A client of the API server behind this page's own origin.
pub fn client() -> Result<Client, Error> {
    client_with(FetchTransport::default(), config()?)
}

/// A client of the server that `config` names, over `transport`, whose traffic the caller can go on watching. A token
/// goes in a header, and as a subprotocol where a WebSocket carries none; what needs files, TLS settings or a proxy is refused.
pub fn client_with(transport: FetchTransport, config: Config) -> Result<Client, Error> {
    if config.tls != Default::default() {
        return Err(Error::unsupported(
            "a page cannot set certificates: trust the server's in the browser, or go through `kubectl proxy`",
        ));
    }
    if config.proxy_url.is_some() {
        return Err(Error::unsupported(
            "a page cannot choose a proxy: set it in the browser, and no proxy-url",
        ));
    }
    let authenticated = Authenticated::new(transport, &config.auth)?;
    #[expect(
        clippy::arc_with_non_send_sync,
        reason = "a client holds an Arc on every target; here is one thread"
    )]
    let transport: Arc<dyn Transport> = Arc::new(authenticated);
    Ok(Client::new(transport, config, runtime()))
}
