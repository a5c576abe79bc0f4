//! A refusal is logged, and so is a guest that exceeds what it is allowed. In a process of its own: while threads of other tests are at their first event, `tracing` may take
//! it for one that nobody wants.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write;
use std::sync::{Arc, Mutex};

use k8s_openapi::api::core::v1::Secret;
use portolan::client::Client;
use portolan::config::Config;
use portolan::meta::GetOptions;
use portolan_host::Guest;
use portolan_memory::Cluster;
use portolan_native::runtime;
use portolan_plugins::wasmi::{Allowance, WasmiModule};
use portolan_plugins::{Options, Restricted, run};

/// Keeps the text of every event.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

struct Fields<'a>(&'a mut String);

impl tracing::field::Visit for Fields<'_> {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
        write!(self.0, "{field}={value:?} ").unwrap();
    }
}

impl tracing::Subscriber for Log {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "portolan::plugin"
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        let mut text = self.0.lock().unwrap();
        write!(text, "{} ", event.metadata().level()).unwrap();
        event.record(&mut Fields(&mut text));
    }
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

/// A guest's module of a few bytes whose every turn runs `code`.
fn module(code: &[u8]) -> Vec<u8> {
    let mut exports = vec![4];
    for (name, what) in [
        ("memory", [2, 0]),
        ("portolan_version", [0, 0]),
        ("portolan_input", [0, 1]),
        ("portolan_turn", [0, 2]),
    ] {
        exports.push(name.len() as u8);
        exports.extend(name.bytes().chain(what));
    }
    let mut codes = vec![3];
    for code in [&[0x41, 1][..], &[0x41, 0], code] {
        codes.extend([code.len() as u8 + 2, 0].iter().chain(code).chain(&[0x0b]));
    }
    let mut wasm = b"\0asm\x01\0\0\0".to_vec();
    let types = &[2, 0x60, 0, 1, 0x7f, 0x60, 1, 0x7f, 1, 0x7f][..];
    for (id, content) in [(1, types), (3, &[3, 0, 1, 0]), (5, &[1, 0, 1]), (7, &exports), (10, &codes)] {
        wasm.extend([id, content.len() as u8].iter().chain(content));
    }
    wasm
}

/// `loop br 0 end unreachable`.
const ENDLESS: &[u8] = &[0x03, 0x40, 0x0c, 0, 0x0b, 0];
/// 1,000 more pages.
const GREEDY: &[u8] = &[0x41, 0xe8, 7, 0x40, 0];

#[tokio::test]
async fn a_refusal_is_logged() {
    let log = Log::default();
    let guard = tracing::subscriber::set_default(log.clone());
    let cluster = Cluster::new(runtime().unwrap());
    let config = Config::default();
    let layer = Restricted::new("checker", cluster.transport(), config.server.clone(), Vec::new());
    let client = Client::new(Arc::new(layer), config.clone(), runtime().unwrap());
    client.api::<Secret>("shop").get("token", &GetOptions::default()).await.unwrap_err();
    let options = || Options { max_exchanges: 0, ..Options::new("busy", config.server.clone()) };
    let asks = Guest::new(|host| async move { host.client()?.discovery().server_version().await.map(drop) });
    run(asks, cluster.transport(), &runtime().unwrap(), options()).await.unwrap_err();
    let allowance = Allowance { memory_bytes: 1 << 20, fuel_per_turn: 10_000 };
    for code in [ENDLESS, GREEDY] {
        let guest = WasmiModule::new(&module(code), allowance).unwrap();
        run(guest, cluster.transport(), &runtime().unwrap(), options()).await.unwrap_err();
    }
    drop(guard);
    let expected = [
        r#"WARN message=refused plugin="checker" request="get resource \"secrets\" in API group \"\" in the namespace \"shop\"" "#,
        r#"WARN message=refused: too many exchanges at once plugin="busy" most=0 "#,
        "WARN message=the guest did more in one turn than the host allows (10000 steps) ",
        "WARN message=the guest wanted more memory than the host allows (1048576 bytes) ",
    ];
    assert_eq!(*log.0.lock().unwrap(), expected.concat());
}
