//! Exchanges over fetch.

use std::time::Duration;

use futures::future::{Either, select};
use portolan::transport::{Body, Transport};
use portolan::{ErrorKind, TransportErrorKind};
use portolan_wasm::browser::{FetchTransport, MAX_FETCH_STREAMS, Options, runtime};
use wasm_bindgen_test::wasm_bindgen_test;

use super::{LARGE, NOBODY, get};

fn kind(error: &portolan::Error) -> Option<TransportErrorKind> {
    match error.kind() {
        ErrorKind::Transport(kind) => Some(*kind),
        _ => None,
    }
}

#[wasm_bindgen_test]
async fn status_and_headers_come_before_the_body_and_chunks_make_it_whole() {
    let transport = FetchTransport::default();
    let response = transport.send(get(LARGE)).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/wasm");
    let mut body = response.into_body();
    let (mut chunks, mut received) = (0, Vec::new());
    while let Some(chunk) = body.chunk().await {
        let chunk = chunk.unwrap();
        assert!(!chunk.is_empty());
        chunks += 1;
        received.extend_from_slice(&chunk);
    }
    assert!(chunks > 1, "{} bytes came as one chunk", received.len());
    assert!(received.starts_with(b"\0asm"));
    assert_eq!(transport.traffic().received_bytes, received.len() as u64);
    assert_eq!(transport.traffic().open_fetches, 0, "an answer read to its end holds nothing");
}

#[wasm_bindgen_test]
async fn a_dropped_body_ends_the_exchange() {
    let transport = FetchTransport::default();
    let mut body = transport.send(get(LARGE)).await.unwrap().into_body();
    body.chunk().await.unwrap().unwrap();
    assert_eq!(transport.traffic().open_fetches, 1);
    drop(body);
    assert_eq!(transport.traffic().open_fetches, 0);
}

#[wasm_bindgen_test]
async fn a_refusal_is_an_answer() {
    let response = FetchTransport::default().send(get("/no-such-file")).await.unwrap();
    assert_eq!(response.status(), 404);
}

#[wasm_bindgen_test]
async fn who_does_not_answer_is_named_with_what_to_do() {
    let transport = FetchTransport::default();
    let error = transport.send(get(&format!("{NOBODY}/api"))).await.unwrap_err();
    assert_eq!(kind(&error), Some(TransportErrorKind::Connect), "{error}");
    assert!(error.to_string().contains(NOBODY) && error.to_string().contains("kubectl proxy"), "{error}");
    let mut create = get(NOBODY);
    *create.method_mut() = http::Method::POST;
    let error = transport.send(create).await.unwrap_err();
    assert_eq!(kind(&error), Some(TransportErrorKind::Interrupted), "nobody knows whether it was sent");
    assert_eq!(transport.traffic().open_fetches, 0);
}

#[wasm_bindgen_test]
async fn a_request_that_cannot_be_made_is_refused_before_it_is_sent() {
    let mut odd = get("/");
    *odd.body_mut() = Body::from(b"a GET has no body".to_vec());
    let error = FetchTransport::default().send(odd).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Config), "{error:?}");
}

#[wasm_bindgen_test]
async fn a_request_body_is_bounded() {
    let mut options = Options::default();
    options.request_bytes = 10;
    let mut large = get("/");
    *large.method_mut() = http::Method::POST;
    *large.body_mut() = Body::from(vec![b'x'; 11]);
    let error = FetchTransport::new(options).send(large).await.unwrap_err();
    assert_eq!(kind(&error), Some(TransportErrorKind::TooLarge), "{error}");
}

#[wasm_bindgen_test]
async fn streams_leave_connections_free_for_requests() {
    let transport = FetchTransport::default();
    let watch = || get(&format!("{LARGE}?watch=true"));
    let mut open = Vec::new();
    for _ in 0..MAX_FETCH_STREAMS {
        open.push(transport.send(watch()).await.unwrap());
    }
    let error = transport.send(watch()).await.unwrap_err();
    assert!(error.is_connect() && error.to_string().contains("WebSocket"), "{error}");
    assert_eq!(transport.send(get("/")).await.unwrap().status(), 200, "a request still gets through");
    open.pop();
    assert_eq!(transport.traffic().open_streams, MAX_FETCH_STREAMS - 1);
    open.push(transport.send(watch()).await.unwrap());
    drop(open);
    assert_eq!(transport.traffic().open_streams, 0);
}

#[wasm_bindgen_test]
async fn a_dropped_future_ends_the_exchange() {
    let transport = FetchTransport::default();
    let sending = transport.send(get(LARGE));
    // Polled once, so that it has begun.
    let begun = select(sending, Box::pin(std::future::ready(()))).await;
    assert!(matches!(begun, Either::Right(_)));
    assert_eq!(transport.traffic().open_fetches, 1);
    drop(begun);
    assert_eq!(transport.traffic().open_fetches, 0);
}

#[wasm_bindgen_test]
async fn a_long_body_lets_the_page_run() {
    let (transport, runtime) = (FetchTransport::default(), runtime());
    let mut body = transport.send(get(LARGE)).await.unwrap().into_body();
    let clock = runtime.clock.clone();
    let ticking = Box::pin(async {
        let mut ticks = 0u32;
        loop {
            runtime.sleep(Duration::from_millis(1)).await;
            ticks += 1;
            if ticks == 3 {
                return;
            }
        }
    });
    let reading = Box::pin(async move {
        while let Some(chunk) = body.chunk().await {
            chunk.unwrap();
            // Work on each chunk, longer than a slice for the whole.
            let until = clock.now() + Duration::from_millis(20);
            while clock.now() < until {}
        }
    });
    assert!(
        matches!(select(ticking, reading).await, Either::Left(_)),
        "no timer ran until the whole body was read"
    );
}
