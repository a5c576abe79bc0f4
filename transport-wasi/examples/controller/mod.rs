//! The controller: an informer fills a queue, a worker brings each ConfigMap to where it should be.
#![expect(clippy::print_stdout, reason = "an example's output is its purpose")]

use std::process::exit;

use k8s_openapi::api::core::v1::ConfigMap;
use portolan::Error;
use portolan::cache::{HandlerOptions, ReflectorOptions};
use portolan::client::Client;
use portolan::informer::{FactoryOptions, Lister, RateLimitingQueue, SharedInformerFactory};
use portolan::meta::{Key, Patch, PatchOptions};
use portolan::object::Lazy;
use serde_json::json;

/// The label of those that ask for a checksum.
const LABEL: &str = "example.com/checksum";

/// The annotation that holds it.
const ANNOTATION: &str = "example.com/checksum-of-data";

/// Runs until its host ends it, or it fails.
pub(crate) async fn run() {
    let Some(server) = std::env::args().nth(1) else {
        println!("say where the API server is: http://127.0.0.1:8001 for `kubectl proxy`");
        exit(2);
    };
    if let Err(error) = control(&server).await {
        println!("{error}");
        exit(1);
    }
}

async fn control(server: &str) -> Result<(), Error> {
    let client = portolan_wasi::client(server)?;
    let reflector =
        ReflectorOptions { label_selector: format!("{LABEL}=wanted").parse()?, ..Default::default() };
    let factory =
        SharedInformerFactory::new(&client, FactoryOptions { reflector, ..FactoryOptions::default() });
    let maps = factory.informer::<ConfigMap>();
    let queue = RateLimitingQueue::<Key>::new(client.runtime());
    maps.add_handler(HandlerOptions::default(), queue.enqueue_keys());
    factory.start();
    factory.wait_for_cache_sync().await?;
    println!("in sync: {} config maps", maps.lister().len());
    while let Some(key) = queue.get().await {
        match sync(&client, &key, &maps.lister()).await {
            Ok(()) => queue.forget(&key),
            Err(error) => {
                println!("{}: {error}, again later", *key);
                queue.add_rate_limited(key.clone());
            }
        }
    }
    Ok(())
}

async fn sync(client: &Client, key: &Key, maps: &Lister<Lazy<ConfigMap>>) -> Result<(), Error> {
    let Some(map) = maps.get(key) else { return Ok(()) };
    let map: ConfigMap = map.decode()?;
    let checksum = checksum(&map);
    if map.metadata.annotations.is_some_and(|annotations| annotations.get(ANNOTATION) == Some(&checksum)) {
        return Ok(());
    }
    let change = Patch::Merge(json!({ "metadata": { "annotations": { ANNOTATION: checksum } } }));
    client.api::<ConfigMap>(key.namespace()).patch(key.name(), &change, &PatchOptions::default()).await?;
    println!("{key}: {checksum}");
    Ok(())
}

/// FNV-1a over keys and values, in order.
fn checksum(map: &ConfigMap) -> String {
    let texts = map.data.iter().flatten().flat_map(|(key, value)| [key, value]);
    let sum = texts
        .flat_map(|text| text.bytes().chain([0]))
        .fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{sum:016x}")
}
