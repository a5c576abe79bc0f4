//! The workqueue under real threads: what no simulation in one thread shows.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use k8s_openapi::api::core::v1::Namespace;
use portolan::Error;
use portolan::controller::Controller;
use portolan::informer::{FactoryOptions, RateLimitingQueue, SharedInformerFactory};
use portolan::meta::Key;
use portolan_memory::Cluster;

const KEYS: usize = 100;
const ADDS: u64 = 50_000;

/// What one key stands for: how often it was added, and what the worker saw of that.
#[derive(Default)]
struct Cell {
    added: AtomicU64,
    seen: AtomicU64,
    busy: AtomicU64,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn producers_and_workers_on_threads_lose_nothing_and_share_no_key() {
    for workers in [1, 2, 8] {
        let queue = RateLimitingQueue::<usize>::new(&portolan_native::runtime().unwrap());
        let cells: Arc<Vec<Cell>> = Arc::new((0..KEYS).map(|_| Cell::default()).collect());
        let started = Instant::now();
        let working: Vec<_> = (0..workers)
            .map(|_| {
                let (queue, cells) = (queue.clone(), cells.clone());
                tokio::spawn(async move {
                    let mut turns = 0_u64;
                    while let Some(key) = queue.get().await {
                        let cell = &cells[*key];
                        assert_eq!(cell.busy.fetch_add(1, Ordering::SeqCst), 0, "two workers have one key");
                        cell.seen.store(cell.added.load(Ordering::SeqCst), Ordering::SeqCst);
                        turns += 1;
                        if turns.is_multiple_of(16) {
                            tokio::task::yield_now().await;
                        }
                        cell.busy.fetch_sub(1, Ordering::SeqCst);
                    }
                    turns
                })
            })
            .collect();
        let producing: Vec<_> = (0..4_u64)
            .map(|producer| {
                let (queue, cells) = (queue.clone(), cells.clone());
                std::thread::spawn(move || {
                    let mut random = portolan::policy::Random::new(producer);
                    for _ in 0..ADDS {
                        let key = random.below(KEYS as u64) as usize;
                        cells[key].added.fetch_add(1, Ordering::SeqCst);
                        queue.add(key);
                    }
                })
            })
            .collect();
        tokio::task::spawn_blocking(|| producing.into_iter().for_each(|thread| thread.join().unwrap()))
            .await
            .unwrap();
        queue.shut_down_with_drain().await;
        let mut turns = 0;
        for worker in working {
            turns += worker.await.unwrap();
        }
        println!("{workers} workers: {} additions, {turns} turns in {:?}", 4 * ADDS, started.elapsed());
        for (key, cell) in cells.iter().enumerate() {
            let (added, seen) = (cell.added.load(Ordering::SeqCst), cell.seen.load(Ordering::SeqCst));
            assert_eq!(added, seen, "the last addition of key {key} was not worked on");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_controller_can_be_a_task_of_its_own() {
    let cluster = Cluster::new(portolan_native::runtime().unwrap());
    let factory = SharedInformerFactory::new(&cluster.client(), FactoryOptions::default());
    let namespaces = factory.informer::<Namespace>();
    let controller = Controller::new(&namespaces);
    let queue = controller.queue().clone();
    let (sender, mut keys) = tokio::sync::mpsc::unbounded_channel();
    let lister = namespaces.lister();
    let reconcile = move |key: Key| {
        let (sender, lister) = (sender.clone(), lister.clone());
        async move {
            sender.send((lister.get(&key).is_some(), key)).map_err(|_| Error::canceled("nobody listens"))
        }
    };
    let run = tokio::spawn(controller.run(2, reconcile));
    let mut seen = Vec::new();
    while seen.len() < 4 {
        seen.push(keys.recv().await.unwrap());
    }
    queue.shut_down();
    run.await.unwrap().unwrap();
    assert!(seen.contains(&(true, Key::new("", "default"))));
    factory.shutdown();
}
