//! Where the data comes from: an API server in memory, inside this tab, or a real one through `kubectl proxy`.
//!
//! `?source=memory` (with `pods=`, `rate=` in changes per second, and `seed=`) and `?source=proxy` choose; without either
//! the page asks its own origin for a version and takes the memory only when that origin is plainly no proxy: any other
//! trouble is shown, never covered by invented objects.
//!
//! `?server=http://127.0.0.1:8001` names a server at another address than the page's. Nothing is asked of it but its
//! version until it has let this page read that: a WebSocket would read the cluster even where CORS forbids the rest.

use std::time::Duration;

use portolan::Error;
use portolan::client::Client;
use portolan::config::{Config, WatchOver};
use portolan_wasm::browser as wasm;
use wasm_bindgen_futures::JsFuture;

use super::super::{Page, browser, modules};
use super::patience::{PATIENCE, patiently, within};
use crate::model::Event;
use crate::model::cell::number;
use crate::model::trouble::{Reach, Trouble, is_unanswered, may_ask, serves_files_only};

/// How long a wait follows a foreign server's refusal.
const AGAIN: Duration = Duration::from_secs(3);

/// Where the data comes from.
#[derive(Clone)]
pub(super) struct Source {
    /// In words.
    pub(super) title: String,
    /// As an address.
    pub(super) address: String,
    /// Asks it.
    pub(super) client: Client,
    /// Another origin than the page's.
    pub(super) foreign: bool,
}

/// Does what the address says.
pub(super) async fn choose(page: Page) -> Result<Source, Trouble> {
    match browser::query("source").as_deref() {
        Some("memory") => memory(page).await,
        Some(other) if other != "proxy" => {
            Err(wrong(&Error::config(format!("?source={other} is neither `memory` nor `proxy`"))))
        }
        source => {
            let server = server().map_err(|error| wrong(&error))?;
            if server.foreign {
                ask_to_be_let_in(page, &server).await;
                return Ok(server);
            }
            if source.is_some() {
                return Ok(server);
            }
            let version = server.client.discovery();
            match within(server.client.runtime(), PATIENCE, version.server_version()).await {
                Some(Err(error)) if serves_files_only(error.kind()) => memory(page).await,
                _ => Ok(server),
            }
        }
    }
}

/// Who answers: asks the page's own server for the page itself, then for the API server's version; another server
/// without reading its answer, which CORS may forbid.
pub(super) async fn reach(source: &Source) -> Reach {
    let runtime = source.client.runtime();
    let address = if source.foreign { source.address.as_str() } else { "boot.js" };
    let discovery = source.client.discovery();
    match within(runtime, PATIENCE, anything(address, source.foreign)).await {
        Some(true) => {}
        Some(false) | None => return Reach::Nobody,
    }
    match within(runtime, PATIENCE, discovery.server_version()).await {
        Some(Ok(_)) => Reach::Answers,
        Some(Err(error)) if !is_unanswered(error.kind()) => Reach::Answers,
        Some(Err(_)) | None if source.foreign => Reach::Silent,
        Some(Err(_)) | None => Reach::Behind,
    }
}

/// Whether `address` answers at all.
async fn anything(address: &str, foreign: bool) -> bool {
    let Some(window) = web_sys::window() else { return false };
    let options = web_sys::RequestInit::new();
    options.set_mode(if foreign { web_sys::RequestMode::NoCors } else { web_sys::RequestMode::SameOrigin });
    options.set_cache(web_sys::RequestCache::NoStore);
    JsFuture::from(window.fetch_with_str_and_init(address, &options)).await.is_ok()
}

/// Waits until a foreign server lets this page read its version, and says meanwhile why it does not.
async fn ask_to_be_let_in(page: Page, source: &Source) {
    page.apply(Event::Source(source.title.clone()));
    let runtime = source.client.runtime();
    loop {
        let tell = |trouble| page.apply(Event::Outside(trouble));
        let waiting = || tell(Some(Trouble::waiting(&source.address)));
        let discovery = source.client.discovery();
        let Err(error) = patiently(runtime, discovery.server_version(), waiting).await else {
            return tell(None);
        };
        let reach = reach(source).await;
        tell(Some(Trouble::of_server(error.kind(), &error.to_string(), &source.address, reach)));
        runtime.sleep(AGAIN.max(error.retry_after().unwrap_or_default())).await;
    }
}

fn server() -> Result<Source, Error> {
    let mut config = wasm::config()?;
    let own = config.server.to_string();
    if let Some(server) = browser::query("server") {
        config.server = server.parse().map_err(|_| {
            Error::config(format!("?server={server} is no address: write it like http://127.0.0.1:8001"))
        })?;
    }
    let foreign = config.server.to_string() != own;
    if foreign && !may_ask(config.server.scheme_str(), config.server.host()) {
        let server = config.server;
        return Err(Error::config(format!(
            "{server} is out of reach: the policy of this page lets it ask its own origin and loopback addresses alone, \
             http://127.0.0.1 and http://localhost"
        )));
    }
    let title = config.server.authority().map(ToString::to_string).unwrap_or_default();
    let address = config.server.to_string().trim_end_matches('/').to_owned();
    // Whoever asks here asks again: so the reader is told at once of a server that wants to be left alone for a while.
    let client = wasm::client_with(wasm::FetchTransport::default(), config)?.with_max_retries(0);
    Ok(Source { title, address, client, foreign })
}

/// A cluster inside this tab that lives by itself.
async fn memory(page: Page) -> Result<Source, Trouble> {
    page.apply(Event::Source("Planting a cluster …".to_owned()));
    let rate = browser::query("rate").and_then(|rate| number(&rate));
    let planted = modules::plant(whole("pods"), rate, whole("seed")).await;
    let functions = planted.map_err(|error| Trouble::unloaded(&error))?;
    let mut options = wasm::Options::default();
    // Its watches take none of the browser's connections, and over fetch whoever does not read holds them back.
    options.bounds_streams = false;
    let transport = wasm::FetchTransport::new(options).with_functions(functions);
    let client = wasm::config()
        .and_then(|config| wasm::client_with(transport, Config { watch_over: WatchOver::Http, ..config }));
    Ok(Source {
        title: "In-memory cluster".to_owned(),
        address: "the in-memory cluster".to_owned(),
        client: client.map_err(|error| wrong(&error))?,
        foreign: false,
    })
}

/// What to say of an address that names no source.
fn wrong(error: &Error) -> Trouble {
    Trouble::of(error.kind(), &error.to_string(), "this page", Reach::Unknown)
}

/// A number in the address's query.
fn whole(name: &str) -> Option<u32> {
    browser::query(name)?.parse().ok()
}
