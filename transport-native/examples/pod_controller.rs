//! The classic controller, by hand: an informer's handler puts keys into a rate-limited queue, two workers take them and
//! bring each Pod "to where it should be", which here is one line on the screen. Ctrl-C stops it gracefully.
//!
//! `portolan::controller::Controller` does the same in two lines; this shows what it is made of.
#![expect(clippy::print_stdout, reason = "an example's output is its purpose")]

mod cluster;
mod stop;

use std::process::ExitCode;
use std::time::Duration;

use futures::future::join;
use k8s_openapi::api::core::v1::Pod;
use portolan::Error;
use portolan::cache::{HandlerOptions, ReflectorOptions};
use portolan::client::Client;
use portolan::informer::{FactoryOptions, Lister, RateLimitingQueue, SharedInformerFactory};
use portolan::meta::Key;
use portolan::object::Lazy;

const MOST_RETRIES: u32 = 5;

fn main() -> ExitCode {
    cluster::run("", |client, _| pod_controller(client))
}

async fn pod_controller(client: Client) -> Result<(), Error> {
    let reflector =
        ReflectorOptions { resync_period: Duration::from_secs(30 * 60), ..ReflectorOptions::default() };
    let factory =
        SharedInformerFactory::new(&client, FactoryOptions { reflector, ..FactoryOptions::default() });
    let pods = factory.informer::<Pod>();
    let queue = RateLimitingQueue::<Key>::new(client.runtime());
    // Added, updated or deleted: the key of the object goes into the queue.
    pods.add_handler(HandlerOptions::default(), queue.enqueue_keys());
    factory.start();
    factory.wait_for_cache_sync().await?;
    println!("in sync: {} pods", pods.lister().len());

    let lister = pods.lister();
    let workers = join(work(&queue, &lister), work(&queue, &lister));
    let stop = async {
        stop::asked().await;
        println!("stopping: {} keys left", queue.len());
        queue.shut_down();
    };
    join(workers, stop).await;
    factory.shutdown();
    println!("stopped");
    Ok(())
}

/// One worker: takes keys until the queue is shut down and empty.
async fn work(queue: &RateLimitingQueue<Key>, pods: &Lister<Lazy<Pod>>) {
    // Dropping `key` at the end of the turn is client-go's `defer queue.Done(key)`.
    while let Some(key) = queue.get().await {
        match sync(&key, pods).await {
            Ok(()) => queue.forget(&key),
            Err(error) if queue.num_requeues(&key) < MOST_RETRIES => {
                println!("{}: {error}, again later", *key);
                queue.add_rate_limited(key.clone());
            }
            Err(error) => {
                println!("{}: {error}, giving up", *key);
                queue.forget(&key);
            }
        }
    }
}

/// Looks at the cache, not at the event: several changes may be one key.
async fn sync(key: &Key, pods: &Lister<Lazy<Pod>>) -> Result<(), Error> {
    match pods.get(key) {
        Some(pod) => println!("{key} is {}", pod.text("status.phase").unwrap_or("Unknown".into())),
        None => println!("{key} is gone"),
    }
    Ok(())
}
