//! What must hold in a page and in every kind of worker alike. The peer is the runner's own file server: it streams,
//! it knows 404, and it opens no WebSockets.

mod configs;
mod controllers;
mod exchanges;
mod sockets;
mod world;

use portolan::transport::Body;
use portolan_wasm::browser::base_uri;

/// The test's own wasm module: the largest file the runner serves.
const LARGE: &str = "/wasm-bindgen-test_bg.wasm";

/// A port that nobody listens on: the first of all, which only root could take.
const NOBODY: &str = "http://127.0.0.1:1";

fn get(path: &str) -> http::Request<Body> {
    let address = if path.starts_with('/') { format!("{}{path}", origin()) } else { path.to_owned() };
    http::Request::get(address).body(Body::Empty).unwrap()
}

fn origin() -> String {
    base_uri().unwrap().to_string().trim_end_matches('/').to_owned()
}
