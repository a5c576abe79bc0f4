//! Where the data comes from: an API server in memory, inside this tab, or a real one through `kubectl proxy`.
//!
//! `?source=memory` (with `pods=`, `rate=` in changes per second, and `seed=`) and `?source=proxy` choose; without either the page asks its own origin for a version and takes the
//! memory only when that origin is plainly no proxy: any other trouble is shown, never covered by invented objects. `?server=http://127.0.0.1:8001` names a proxy at another address than the page's.

use portolan::Error;
use portolan::client::Client;
use portolan::config::Config;
use portolan_memory::Cluster;
use portolan_memory::workload::{Workload, WorkloadOptions};
use portolan_wasm::browser as wasm;
use wasm_bindgen_futures::{JsFuture, spawn_local};

use super::super::browser;
use crate::model::trouble::{Reach, serves_files_only};

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
pub(super) async fn choose() -> Result<Source, Error> {
    match browser::query("source").as_deref() {
        Some("proxy") => proxy(),
        Some("memory") => memory(),
        Some(other) => Err(Error::config(format!("?source={other} is neither `memory` nor `proxy`"))),
        None if browser::query("server").is_some() => proxy(),
        None => {
            let server = proxy()?;
            match server.client.discovery().server_version().await {
                Err(error) if serves_files_only(error.kind()) => memory(),
                Ok(_) | Err(_) => Ok(server),
            }
        }
    }
}

/// What the browser can tell of a server that does not answer: asks it without reading the answer, the page's own
/// server for the page itself.
pub(super) async fn reach(source: &Source) -> Reach {
    let Some(window) = web_sys::window() else { return Reach::Unknown };
    let options = web_sys::RequestInit::new();
    options.set_mode(if source.foreign {
        web_sys::RequestMode::NoCors
    } else {
        web_sys::RequestMode::SameOrigin
    });
    options.set_cache(web_sys::RequestCache::NoStore);
    let address = if source.foreign { source.address.as_str() } else { "boot.js" };
    match JsFuture::from(window.fetch_with_str_and_init(address, &options)).await {
        Ok(_) if source.foreign => Reach::Silent,
        Ok(_) => Reach::Behind,
        Err(_) => Reach::Nobody,
    }
}

fn proxy() -> Result<Source, Error> {
    let mut config = wasm::config()?;
    let own = config.server.to_string();
    if let Some(server) = browser::query("server") {
        config.server = server.parse().map_err(|_| {
            Error::config(format!("?server={server} is no address: write it like http://127.0.0.1:8001"))
        })?;
    }
    let foreign = config.server.to_string() != own;
    let title = config.server.authority().map(ToString::to_string).unwrap_or_default();
    let address = config.server.to_string().trim_end_matches('/').to_owned();
    let client = wasm::client_with(wasm::FetchTransport::default(), config)?;
    Ok(Source { title, address, client, foreign })
}

/// A cluster inside this tab that lives by itself.
fn memory() -> Result<Source, Error> {
    let runtime = wasm::runtime();
    let cluster = Cluster::new(runtime.clone());
    let mut options = WorkloadOptions::default();
    options.pods = number("pods").unwrap_or(options.pods);
    options.changes_per_second = number("rate").unwrap_or(options.changes_per_second);
    let workload = Workload::new(&cluster, number("seed").unwrap_or(1), &options)?;
    spawn_local(workload.run());
    let client = Client::new(cluster.transport(), Config::default(), runtime);
    Ok(Source {
        title: "In-memory cluster".to_owned(),
        address: "the in-memory cluster".to_owned(),
        client,
        foreign: false,
    })
}

/// A number in the address's query.
fn number<T: std::str::FromStr>(name: &str) -> Option<T> {
    browser::query(name)?.parse().ok()
}
