//! A live table of pods in a page: the program of docs/dashboard-rust.md.
#![cfg(target_family = "wasm")]

// ANCHOR: uses
mod page;

use futures::StreamExt;
use futures::channel::mpsc::unbounded;
use k8s_openapi::api::core::v1::Pod;
use portolan::Error;
use portolan::cache::{HandlerOptions, Phase};
use portolan::client::Client;
use portolan::informer::{FactoryOptions, InformerStatus, SharedIndexInformer, SharedInformerFactory};
use portolan::meta::{DeleteOptions, Key, Object};
use portolan::object::Lazy;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::spawn_local;

use page::Page;
// ANCHOR_END: uses

// ANCHOR: start
#[wasm_bindgen(start)]
async fn start() -> Result<(), JsValue> {
    let page = Page::find()?;
    match connect(&page).await {
        Ok(client) => dashboard(page, client).await,
        Err(error) => {
            page.tell_standing(&error.to_string());
            Ok(())
        }
    }
}

async fn connect(page: &Page) -> Result<Client, Error> {
    let client = portolan_wasm::browser::client()?;
    let version = client.discovery().server_version().await?;
    page.tell_server(&version.git_version);
    Ok(client)
}
// ANCHOR_END: start

// ANCHOR: dashboard
async fn dashboard(page: Page, client: Client) -> Result<(), JsValue> {
    let factory = SharedInformerFactory::new(&client, FactoryOptions::default());
    let pods = factory.informer::<Pod>();
    let changes = pods.events(HandlerOptions::default());
    factory.start();

    spawn_local(tell_standing(page.clone(), pods.clone()));

    let teller = page.clone();
    page.on_delete(move |key| spawn_local(delete(teller.clone(), client.clone(), key)))?;

    let (typed, filters) = unbounded();
    page.on_filter(move || drop(typed.unbounded_send(())))?;

    // The cluster or the filter has changed: whatever has come by now is drawn at once.
    let mut reasons = futures::stream::select(changes.map(|_| ()), filters).ready_chunks(10_000);
    while reasons.next().await.is_some() {
        draw(&page, &pods)?;
    }
    Ok(())
}
// ANCHOR_END: dashboard

// ANCHOR: draw
/// So many rows are drawn at most.
const MOST_ROWS: usize = 200;

fn draw(page: &Page, pods: &SharedIndexInformer<Lazy<Pod>>) -> Result<(), JsValue> {
    let filter = page.filter();
    let all = pods.lister().list();
    let mut found: Vec<_> = all.iter().filter(|pod| pod.meta().name.contains(&filter)).collect();
    found.sort_by_key(|pod| pod.key());

    page.tell_count(&format!("{} of {} pods", found.len(), all.len()));
    page.clear_rows();
    for pod in found.iter().take(MOST_ROWS) {
        let phase = pod.text("status.phase").unwrap_or_default(); // read by path: the rest is not decoded
        let node = pod.text("spec.nodeName").unwrap_or_default();
        page.add_row(&pod.key(), &[&phase, &node])?;
    }
    Ok(())
}
// ANCHOR_END: draw

// ANCHOR: tell_standing
/// Says whether what is on show is current.
async fn tell_standing(page: Page, pods: SharedIndexInformer<Lazy<Pod>>) {
    let mut shown = String::new();
    loop {
        let changed = |status: &InformerStatus| Some(words(status)).filter(|words| *words != shown);
        shown = pods.wait_for_status(changed).await;
        page.tell_standing(&shown);
    }
}

fn words(status: &InformerStatus) -> String {
    match (&status.phase, &status.last_error) {
        (Phase::Live, _) => "live".to_owned(),
        (Phase::Retrying { .. }, Some(error)) => format!("trying again: {error}"),
        (Phase::Stale | Phase::Retrying { .. }, _) => "reconnecting".to_owned(),
        (Phase::Connecting | Phase::Syncing { .. }, _) => "loading".to_owned(),
    }
}
// ANCHOR_END: tell_standing

// ANCHOR: delete_one
async fn delete(page: Page, client: Client, key: Key) {
    let pods = client.core_v1().pods(key.namespace());
    let outcome = pods.delete(key.name(), &DeleteOptions::default()).await;
    // Gone already, or not allowed: the server's own words say it.
    page.tell_problem(&outcome.err().map(|error| error.to_string()).unwrap_or_default());
}
// ANCHOR_END: delete_one
