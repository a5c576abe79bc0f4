//! Portolan as a contestant: told by arguments what to be, telling on standard output what it took.
//!
//! All contestants, in whatever language, keep to this: arguments `name=value`; one line of JSON for each thing done;
//! an informer is then told on standard input what to do next, line by line. The proof of the work is the sum over all
//! objects of the FNV-1a hash (32 bits) of `name NUL resourceVersion NUL deep field`.

mod informer;
mod queue;
mod store;

use std::collections::HashMap;
use std::io::Write;
use std::time::Instant;

use k8s_openapi::api::core::v1::Pod;
use portolan::Error;
use portolan::object::{Compact, Lazy, PartialObjectMetadata, Unstructured};

use crate::usage;

/// How many bytes the allocator has out, if it counts.
pub type Heap = fn() -> Option<u64>;

/// Runs the contestant to its end.
///
/// # Errors
/// When the server cannot be had or an argument is not known.
pub fn run(heap: Heap) -> Result<(), Error> {
    let arguments: HashMap<String, String> = std::env::args()
        .skip(1)
        .filter_map(|pair| pair.split_once('=').map(|(name, value)| (name.into(), value.into())))
        .collect();
    let settings = Settings { arguments, heap };
    let objects = settings.number("objects", 0);
    match settings.get("form") {
        "store" => store::run(objects),
        "queue" => queue::run(objects, settings.number("workers", 1) as usize),
        form => runtime(1)?.block_on(async {
            match form {
                "lazy" => informer::run::<Lazy<Pod>>(&settings).await,
                "compact" => informer::run::<Compact<Pod>>(&settings).await,
                "dynamic" => informer::run::<Lazy<Unstructured>>(&settings).await,
                "typed" => informer::run::<Pod>(&settings).await,
                "metadata" => informer::run::<Lazy<PartialObjectMetadata>>(&settings).await,
                other => Err(Error::config(format!(
                    "form={other:?} is none of lazy, compact, dynamic, typed, metadata, store, queue"
                ))),
            }
        }),
    }
}

fn runtime(threads: usize) -> Result<tokio::runtime::Runtime, Error> {
    let mut builder = match threads {
        1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    if threads > 1 {
        builder.worker_threads(threads);
    }
    builder.enable_all().build().map_err(|error| Error::config("no tokio runtime").with_source(error))
}

struct Settings {
    arguments: HashMap<String, String>,
    heap: Heap,
}

impl Settings {
    fn get(&self, name: &str) -> &str {
        self.arguments.get(name).map_or("", String::as_str)
    }

    fn number(&self, name: &str, otherwise: u64) -> u64 {
        self.get(name).parse().unwrap_or(otherwise)
    }
}

/// CPU and wall time since it was made.
struct Since(f64, Instant);

impl Since {
    fn now() -> Self {
        Self(usage::cpu_seconds(), Instant::now())
    }

    fn read(&self) -> (f64, f64) {
        (usage::cpu_seconds() - self.0, self.1.elapsed().as_secs_f64())
    }
}

/// The hash of the parts with a NUL between each two.
fn fnv(parts: [&str; 3]) -> u64 {
    let mut hash = 0x811c_9dc5_u32;
    let mut take = |byte: u8| hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    for (index, part) in parts.into_iter().enumerate() {
        if index > 0 {
            take(0);
        }
        part.bytes().for_each(&mut take);
    }
    u64::from(hash)
}

fn say(line: &serde_json::Value) {
    let mut out = std::io::stdout().lock();
    // Whoever listens may have gone; then there is nobody to tell.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
