//! The engine: one server asked as one user, its informers, and the sessions that call on it.
//!
//! Invariant: nothing outlives whom it is for: a session that is freed ends its calls, and an informer that no call holds
//! any more is stopped after a while.

mod failure;
mod informers;
mod live;
mod outlet;
mod place;
mod requests;
mod session;
mod streams;
mod warm;
mod watch;

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use futures::StreamExt;
use futures::future::{AbortHandle, abortable};
use js_sys::Function;
use portolan::Error;
use portolan::client::Client;
use portolan::client::discovery::{CachedDiscoveryClient, DeferredRestMapper};
use portolan::config::{Auth, Config, Credential, Secret, WatchOver};
use portolan_wasm::browser::{self, FetchTransport, Functions, Options};
use serde::Deserialize;
use serde_json::json;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};

use failure::Failure;
use informers::Informers;
use session::Session;
use warm::{Keeper, Warm};

/// What an engine is made from; the package's `ConnectOptions`, made plain.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Settings {
    server: String,
    #[serde(default)]
    token: Option<String>,
    /// "socket", "http", or either: the socket where it can be had.
    watch_over: Way,
    /// Whether watches over fetch must leave room among a browser's six connections.
    bounds_streams: bool,
    /// How long an informer that nobody holds goes on, in milliseconds.
    linger: u32,
    /// Whether caches are kept between runs, and which.
    #[serde(default)]
    warm_start: Option<warm::Settings>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Way {
    Socket,
    Http,
    Either,
}

/// One server, asked as one user.
#[wasm_bindgen]
#[derive(Clone)]
pub struct Engine(Rc<Shared>);

struct Shared {
    transport: FetchTransport,
    client: Client,
    mapper: DeferredRestMapper,
    informers: Informers,
    sessions: Cell<usize>,
    waking: AbortHandle,
}

#[wasm_bindgen]
impl Engine {
    /// An engine for `settings` (JSON), over the caller's own `fetch` and `WebSocket` where they are given. Where there is a
    /// `keeper`, and the settings say so, caches are kept between runs.
    #[wasm_bindgen(constructor)]
    pub fn new(
        settings: &str,
        fetch: JsValue,
        web_socket: JsValue,
        keeper: Option<Keeper>,
    ) -> Result<Self, JsValue> {
        Self::make(settings, fetch, web_socket, keeper).map_err(|error| Failure::new(&error).to_js())
    }

    /// A caller of its own, told of everything by `send(id, kind, payload)`.
    pub fn session(&self, send: Function) -> Session {
        Session::new(self.clone(), send)
    }

    /// What is open, as JSON: `{"informers", "sessions", "fetches", "streams", "sockets", "received"}`.
    pub fn open(&self) -> String {
        let traffic = self.0.transport.traffic();
        json!({
            "informers": self.0.informers.len(),
            "sessions": self.0.sessions.get(),
            "fetches": traffic.open_fetches,
            "streams": traffic.open_streams,
            "sockets": traffic.open_sockets + traffic.pending_sockets,
            "received": traffic.received_bytes,
        })
        .to_string()
    }

    fn make(
        settings: &str,
        fetch: JsValue,
        web_socket: JsValue,
        keeper: Option<Keeper>,
    ) -> Result<Self, Error> {
        let settings: Settings =
            session::read(settings).map_err(|error| error.doing("the options of connect"))?;
        let mut config = Config::new(&settings.server)?;
        config.watch_over = match settings.watch_over {
            Way::Socket => WatchOver::Socket,
            Way::Http => WatchOver::Http,
            Way::Either => WatchOver::SocketThenHttp,
        };
        config.refuse_indentation = true;
        config.rate_limit = None;
        if let Some(token) = settings.token {
            config.auth = Auth { credential: Credential::Token(Secret::new(token)), ..Auth::default() };
        }
        let mut options = Options::default();
        options.bounds_streams = settings.bounds_streams;
        let functions = Functions { fetch: fetch.dyn_into().ok(), web_socket: web_socket.dyn_into().ok() };
        let transport = FetchTransport::new(options).with_functions(functions);
        let client = browser::client_with(transport.clone(), config)?;
        // Whoever asks it tries again by itself, and is to hear at once why.
        let asks = client.with_max_retries(0).discovery().clone();
        let mapper = DeferredRestMapper::new(CachedDiscoveryClient::new(asks));
        let warm = settings.warm_start.zip(keeper);
        let warm = warm.map(|(settings, keeper)| Warm::new(client.clone(), keeper, settings));
        let linger = Duration::from_millis(settings.linger.into());
        let informers = Informers::new(client.clone(), linger, warm);
        let (wake, waking) = abortable(heed_wakes(informers.clone()));
        wasm_bindgen_futures::spawn_local(async move {
            // Aborted: the engine has gone.
            let _gone = wake.await;
        });
        Ok(Self(Rc::new(Shared { transport, client, mapper, informers, sessions: Cell::new(0), waking })))
    }
}

impl Engine {
    fn client(&self) -> &Client {
        &self.0.client
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.waking.abort();
        self.informers.stop();
    }
}

/// Calls `report` with the words of a panic: the engine is not to be used any more.
#[wasm_bindgen(js_name = onPanic)]
pub fn on_panic(report: Function) {
    std::panic::set_hook(Box::new(move |panic| {
        // Nobody is left to tell of a report that fails.
        let _told = report.call1(&JsValue::UNDEFINED, &JsValue::from_str(&panic.to_string()));
    }));
}

/// After sleep, out of sight or without a network, connections may be dead without knowing.
async fn heed_wakes(informers: Informers) {
    let mut wakes = browser::wakes();
    while wakes.next().await.is_some() {
        informers.wake();
    }
}
