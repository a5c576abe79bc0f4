//! `globalThis`, typed for what a page and a worker have in common.
//!
//! Invariant: the only place that reaches the global object.

use http::Uri;
use js_sys::{Promise, Reflect};
use portolan::Error;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Crypto, EventTarget, Performance, Request};

#[wasm_bindgen]
extern "C" {
    /// What `globalThis` is everywhere: a Window or a WorkerGlobalScope.
    #[wasm_bindgen(extends = EventTarget)]
    type Scope;

    #[wasm_bindgen(method, getter)]
    fn performance(this: &Scope) -> Performance;

    #[wasm_bindgen(method, getter)]
    fn crypto(this: &Scope) -> Option<Crypto>;

    #[wasm_bindgen(method, catch)]
    fn fetch(this: &Scope, request: &Request) -> Result<Promise, JsValue>;
}

fn scope() -> Scope {
    js_sys::global().unchecked_into()
}

/// The origin this page or worker was loaded from: through `kubectl proxy --www` that is the API server's address.
pub fn base_uri() -> Result<Uri, Error> {
    let origin = read(&js_sys::global(), &["location", "origin"]).and_then(|origin| origin.as_string());
    let origin = origin.filter(|origin| origin != "null").ok_or_else(|| {
        Error::config("this page has no origin: open it through `kubectl proxy --www` or name the server")
    })?;
    let parsed = origin.parse();
    parsed.map_err(|error: http::uri::InvalidUri| {
        Error::config(format!("the page's origin {origin:?} is no server address")).with_source(error)
    })
}

/// Whether this page or worker was loaded from where `uri` leads.
pub(super) fn is_own_origin(uri: &Uri) -> bool {
    base_uri().is_ok_and(|own| own.scheme() == uri.scheme() && own.authority() == uri.authority())
}

/// Milliseconds since this page or worker began; never goes back.
pub(super) fn milliseconds() -> f64 {
    scope().performance().now()
}

/// A seed from the browser's cryptographic source, from its ordinary one where that is missing.
pub(super) fn seed() -> u64 {
    let mut bytes = [0u8; 8];
    match scope().crypto().map(|crypto| crypto.get_random_values_with_u8_array(&mut bytes)) {
        Some(Ok(_)) => u64::from_le_bytes(bytes),
        Some(Err(_)) | None => js_sys::Math::random().to_bits(),
    }
}

/// Starts a fetch.
pub(super) fn fetch(request: &Request) -> Result<Promise, JsValue> {
    scope().fetch(request)
}

/// Whatever is an event target by this name, `globalThis` itself for "".
pub(super) fn target(name: &str) -> Option<EventTarget> {
    let found =
        if name.is_empty() { Some(js_sys::global().into()) } else { read(&js_sys::global(), &[name]) };
    found?.dyn_into().ok()
}

/// Whether the page is out of sight; never in a worker.
pub(super) fn hidden() -> bool {
    read(&js_sys::global(), &["document", "hidden"]).is_some_and(|hidden| hidden.is_truthy())
}

/// The text of something thrown.
pub(super) fn text(thrown: &JsValue) -> String {
    let message = read(thrown, &["message"]).and_then(|message| message.as_string());
    message.or_else(|| thrown.as_string()).unwrap_or_else(|| "an unnamed failure".to_owned())
}

fn read(from: &JsValue, path: &[&str]) -> Option<JsValue> {
    let mut value = from.clone();
    for name in path {
        if value.is_undefined() || value.is_null() {
            return None;
        }
        value = Reflect::get(&value, &JsValue::from_str(name)).ok()?;
    }
    (!value.is_undefined() && !value.is_null()).then_some(value)
}
