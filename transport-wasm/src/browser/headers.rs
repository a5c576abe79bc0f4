//! Headers, between `http`'s map and the browser's; and what becomes of them on a WebSocket, which carries none.
//!
//! Invariant: a header that changes who is asking or what is meant is never dropped in silence.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CACHE_CONTROL, ORIGIN, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue};
use js_sys::Array;
use portolan::Error;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::Headers;

use super::scope;

/// How the API server takes a bearer token from a WebSocket: as a subprotocol, followed by exactly one other.
const BEARER_PROTOCOL: &str = "base64url.bearer.authorization.k8s.io.";

/// The other one, where the caller has none; a watch ignores its name.
const NO_PROTOCOL: &str = "base64.binary.k8s.io";

/// The browser's headers. It sets Host, Origin, Content-Length and their like itself and ignores ours.
pub(super) fn to_browser(headers: &HeaderMap) -> Result<Headers, Error> {
    let ours = Headers::new().map_err(|thrown| refused("headers", &thrown))?;
    for (name, value) in headers {
        ours.append(name.as_str(), text(name, value)?).map_err(|thrown| refused(name.as_str(), &thrown))?;
    }
    Ok(ours)
}

/// An answer's headers. Of another origin's answer the browser shows only a few.
pub(super) fn from_browser(headers: &Headers) -> HeaderMap {
    let mut ours = HeaderMap::new();
    for entry in headers.entries() {
        let Ok(entry) = entry.map(JsCast::unchecked_into::<Array>) else { break };
        let (Some(name), Some(value)) = (entry.get(0).as_string(), entry.get(1).as_string()) else {
            continue;
        };
        if let (Ok(name), Ok(value)) =
            (HeaderName::try_from(name.as_bytes()), HeaderValue::try_from(value.as_bytes()))
        {
            ours.append(name, value);
        }
    }
    ours
}

/// The subprotocols to offer for a request with `headers`: those of `protocols` that a browser may offer, and the bearer
/// token, if there is one, before them. Headers that only say how to answer are left out; any other cannot be sent and is refused.
pub(super) fn socket_protocols(headers: &HeaderMap, protocols: &[&str]) -> Result<Vec<String>, Error> {
    let mut offered = Vec::new();
    for (name, value) in headers {
        if [ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, ORIGIN, USER_AGENT].contains(name) {
            continue;
        }
        let token = if name == AUTHORIZATION { text(name, value)?.strip_prefix("Bearer ") } else { None };
        let Some(token) = token else {
            return Err(Error::unsupported(format!(
                "a browser's WebSocket cannot carry the header {name}: use a bearer token, or watch over HTTP"
            )));
        };
        offered.push(format!("{BEARER_PROTOCOL}{}", URL_SAFE_NO_PAD.encode(token)));
    }
    if protocols.is_empty() && !offered.is_empty() {
        offered.push(NO_PROTOCOL.to_owned());
    }
    let mut can: Vec<&str> = protocols.iter().copied().filter(|protocol| is_token(protocol)).collect();
    if can.is_empty() {
        can = protocols.to_vec(); // the browser says what is wrong
    }
    offered.extend(can.into_iter().map(str::to_owned));
    Ok(offered)
}

/// Whether a browser takes it as a subprotocol's name: a token of HTTP.
fn is_token(protocol: &str) -> bool {
    let mark = |byte: u8| b"!#$%&'*+-.^_`|~".contains(&byte);
    !protocol.is_empty() && protocol.bytes().all(|byte| byte.is_ascii_alphanumeric() || mark(byte))
}

fn text<'a>(name: &HeaderName, value: &'a HeaderValue) -> Result<&'a str, Error> {
    value
        .to_str()
        .map_err(|_| Error::config(format!("the header {name} holds characters that cannot be sent")))
}

fn refused(name: &str, thrown: &JsValue) -> Error {
    Error::config(format!("the browser refuses {name}: {}", scope::text(thrown)))
}
