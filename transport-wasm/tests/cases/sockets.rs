//! WebSockets that do not open, and how we learn why.

use futures::future::join_all;
use portolan::transport::Transport;
use portolan::{Error, ErrorKind};
use portolan_wasm::browser::FetchTransport;
use wasm_bindgen_test::wasm_bindgen_test;

use super::{NOBODY, origin};

async fn refused(transport: &FetchTransport, address: String) -> Error {
    let request = http::Request::get(address).body(()).unwrap();
    transport.connect(request, &[]).await.unwrap_err()
}

#[wasm_bindgen_test]
async fn a_server_without_sockets_is_told_from_one_that_is_gone() {
    let transport = FetchTransport::default();
    let error = refused(&transport, origin()).await;
    assert!(error.is_connect() && error.to_string().contains("opens no WebSocket"), "{error}");
    let error = refused(&transport, NOBODY.to_owned()).await;
    assert!(error.is_connect() && error.to_string().contains("kubectl proxy"), "{error}");
    assert_eq!(transport.traffic().failed_handshakes, 2);
}

#[wasm_bindgen_test]
async fn a_refusal_is_learnt_by_asking_over_fetch() {
    let error = refused(&FetchTransport::default(), format!("{}/no-such-file", origin())).await;
    assert!(error.is_not_found() && error.code() == Some(404), "{error:?}");
}

#[wasm_bindgen_test]
async fn many_at_once_take_turns_and_leave_nothing_behind() {
    let transport = FetchTransport::default();
    let errors = join_all((0..10).map(|_| refused(&transport, NOBODY.to_owned()))).await;
    assert!(errors.iter().all(Error::is_connect));
    let traffic = transport.traffic();
    assert_eq!((traffic.pending_sockets, traffic.open_sockets, traffic.open_fetches), (0, 0, 0));
    assert_eq!(traffic.failed_handshakes, 10);
}

#[wasm_bindgen_test]
async fn a_header_that_cannot_be_carried_is_refused_by_name() {
    let request = http::Request::get(origin()).header("impersonate-user", "somebody").body(()).unwrap();
    let error = FetchTransport::default().connect(request, &[]).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Unsupported), "{error:?}");
    assert!(error.to_string().contains("impersonate-user"), "{error}");
}

#[wasm_bindgen_test]
async fn a_protocol_the_browser_refuses_is_a_wrong_setting() {
    let request = http::Request::get(origin()).body(()).unwrap();
    let error = FetchTransport::default().connect(request, &["not a token"]).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Config), "{error:?}");
}
