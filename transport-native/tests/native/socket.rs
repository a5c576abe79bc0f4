//! WebSockets that are refused, or never answered.

use portolan::config::{Config, WatchOver};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// The error of a watch over a socket that is met with `answer`.
async fn refused(answer: &str) -> portolan::Error {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let config = Config { watch_over: WatchOver::Socket, ..Config::new(&address).unwrap() };
    let client = portolan_native::client_for(config).unwrap();
    let answering = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        stream.write_all(answer.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
    };
    let watch = client.rest().get().abs_path("/api/v1/pods").param("watch", "true").watch_body();
    let (outcome, ()) = tokio::join!(watch, answering);
    outcome.unwrap_err()
}

#[tokio::test]
async fn a_refused_handshake_keeps_when_to_come_back_and_shows_no_object() {
    let busy = "HTTP/1.1 429 Too Many Requests\r\nretry-after: 7\r\nconnection: close\r\n";
    let error =
        refused(&format!("{busy}content-type: text/plain\r\n\r\nToo many requests, please try again later."))
            .await;
    assert!(error.is_too_many_requests(), "{error}");
    assert_eq!(error.retry_after().map(|wait| wait.as_secs()), Some(7));
    assert!(error.to_string().contains("please try again later"), "{error}");
    let object = r#"{"kind":"Secret","data":{"password":"aHVudGVyMg=="}}"#;
    let error = refused(&format!("{busy}content-type: application/json\r\n\r\n{object}")).await;
    assert_eq!(error.retry_after().map(|wait| wait.as_secs()), Some(7));
    assert!(!format!("{error} {error:?}").contains("aHVudGVyMg"), "{error:?}");
    let status = r#"{"kind":"Status","apiVersion":"v1","status":"Failure","code":403,"reason":"Forbidden","message":"not you"}"#;
    let error = refused(&format!(
        "HTTP/1.1 403 Forbidden\r\nconnection: close\r\ncontent-type: application/json\r\n\r\n{status}"
    ))
    .await;
    assert!(error.is_forbidden() && error.to_string().contains("not you"), "{error}");
}

#[tokio::test]
async fn a_handshake_that_is_not_answered_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let client = portolan_native::client_for(Config::new(&address).unwrap()).unwrap();
    let request = client.rest().get().abs_path("/api/v1/namespaces/default/pods/web/exec");
    let silent = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_u8().await.unwrap();
        tokio::time::pause();
        std::future::pending::<()>().await;
    };
    let started = tokio::time::Instant::now();
    let error = tokio::select! {
        opened = request.connect(&["v5.channel.k8s.io"]) => opened.unwrap_err(),
        () = silent => unreachable!(),
    };
    let kind = portolan::ErrorKind::Transport(portolan::TransportErrorKind::Interrupted);
    assert!(*error.kind() == kind && error.to_string().contains("does not answer"), "{error}");
    assert!(started.elapsed().as_secs() >= 29);
}
