//! A real guest, `tests/guest`, run by wasmi on the native transport and on the API server in memory.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use k8s_openapi::api::rbac::v1::PolicyRule;
use portolan::config::Config;
use portolan::transport::Transport;
use portolan::{Error, ErrorKind, TransportErrorKind};
use portolan_memory::Cluster;
use portolan_native::{HyperTransport, runtime};
use portolan_peer::{Peer, nobody};
use portolan_plugins::wasmi::{Allowance, WasmiModule};
use portolan_plugins::{Grant, Options, Restricted, run};

/// The module that `cargo build --package=test-guest --target=wasm32-unknown-unknown --profile=wasm` made.
fn guest() -> Vec<u8> {
    let target = std::env::var_os("PORTOLAN_TARGET").map_or_else(default_target, PathBuf::from);
    let path = target.join("wasm32-unknown-unknown/wasm/test_guest.wasm");
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}; build test-guest first", path.display()))
}

fn default_target() -> PathBuf {
    std::env::current_exe().unwrap().ancestors().nth(3).unwrap().to_owned()
}

/// Runs the guest; gives what it said, how it ended, and how large its memory was then.
async fn play(
    input: &str,
    server: &str,
    transport: Arc<dyn Transport>,
    allowance: Allowance,
) -> (Vec<String>, Result<(), Error>) {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let heard = lines.clone();
    let options = Options {
        input: input.into(),
        say: Box::new(move |line| heard.lock().unwrap().push(line.to_owned())),
        ..Options::new("guest", server.parse().unwrap())
    };
    let module = WasmiModule::new(&guest(), allowance).unwrap();
    let ended = run(module, transport, &runtime().unwrap(), options).await;
    let lines = std::mem::take(&mut *lines.lock().unwrap());
    (lines, ended)
}

fn memory_cluster() -> (String, Arc<dyn Transport>) {
    let cluster = Cluster::new(runtime().unwrap());
    (cluster.client().config().server.to_string(), cluster.transport())
}

#[tokio::test]
async fn a_guest_keeps_the_contract_on_the_native_transport() {
    let peer = Peer::start(None).await.unwrap();
    let input = format!(r#"{{"play":"contract","nobody":"{}"}}"#, nobody().unwrap());
    let wire = Arc::new(HyperTransport::new(&Config::default()).unwrap());
    let (lines, ended) = play(&input, &peer.address(), wire, Allowance::default()).await;
    ended.unwrap();
    let broken: Vec<_> = lines.iter().filter(|line| !line.starts_with("holds: ")).collect();
    assert!(broken.is_empty() && lines.len() >= 18, "{broken:#?}");
    println!("{0} of {0} clauses hold", lines.len());
}

#[tokio::test]
async fn a_guest_plays_the_scenario() {
    let (server, transport) = memory_cluster();
    let (lines, ended) = play(r#"{"play":"scenario"}"#, &server, transport, Allowance::default()).await;
    ended.unwrap();
    assert_eq!(lines, portolan_scenario::EXPECTED);
}

#[tokio::test]
async fn a_guest_is_refused_what_it_was_not_granted() {
    let (server, transport) = memory_cluster();
    let rule = PolicyRule {
        api_groups: Some(vec![String::new()]),
        resources: Some(vec!["configmaps".into()]),
        verbs: vec!["list".into()],
        ..PolicyRule::default()
    };
    let grant = Grant { namespaces: vec!["default".into()], rule };
    let allowed = Arc::new(Restricted::new("guest", transport, server.parse().unwrap(), vec![grant]));
    let (lines, ended) = play(r#"{"play":"forbidden"}"#, &server, allowed, Allowance::default()).await;
    ended.unwrap();
    assert_eq!(lines.len(), 2, "{lines:#?}");
    assert_eq!(lines[0], "0 config maps");
    assert!(lines[1].contains(r#"does not let the plugin "guest" list resource "secrets""#), "{lines:#?}");
}

#[tokio::test]
async fn a_guest_that_uses_more_than_allowed_is_ended() {
    let too_large = |error: &Error| *error.kind() == ErrorKind::Transport(TransportErrorKind::TooLarge);
    let (server, transport) = memory_cluster();
    let small = Allowance { memory_bytes: 32 << 20, fuel_per_turn: 100_000_000 };
    for (input, told) in
        [(r#"{"play":"memory"}"#, "more memory"), (r#"{"play":"endless"}"#, "more in one turn")]
    {
        let (lines, ended) = play(input, &server, transport.clone(), small).await;
        let error = ended.unwrap_err();
        assert!(lines.is_empty() && too_large(&error) && error.to_string().contains(told), "{error}");
    }
    let (lines, ended) = play(r#"{"play":"trap"}"#, &server, transport, small).await;
    let error = ended.unwrap_err();
    assert!(lines.is_empty() && error.to_string().contains("the guest trapped"), "{error}");
}

#[test]
fn what_is_no_guest_is_refused() {
    let empty = *b"\0asm\x01\0\0\0";
    for bytes in [&b"no wasm"[..], &empty] {
        let error = WasmiModule::new(bytes, Allowance::default()).unwrap_err();
        assert!(error.to_string().contains("no guest"), "{error}");
    }
    let tiny = Allowance { memory_bytes: 1 << 16, ..Allowance::default() };
    assert!(WasmiModule::new(&guest(), tiny).is_err());
}
