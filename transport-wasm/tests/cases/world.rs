//! Time, tasks, chance, and what wakes us.

use std::time::Duration;

use futures::StreamExt;
use futures::channel::oneshot;
use futures::future::join_all;
use portolan_wasm::browser::{Wake, runtime, wakes};
use wasm_bindgen::JsCast;
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::{Event, EventTarget};

#[wasm_bindgen_test]
async fn a_sleep_never_ends_early() {
    let clock = runtime().clock;
    let sleeps = [0u64, 1, 3, 7, 20, 50].map(|milliseconds| {
        let clock = clock.clone();
        async move {
            let until = clock.now() + Duration::from_millis(milliseconds);
            clock.sleep_until(until).await;
            assert!(clock.now() >= until, "{milliseconds} ms ended early");
        }
    });
    join_all(sleeps).await;
}

#[wasm_bindgen_test]
fn the_wall_clock_is_past_the_day_this_was_written() {
    assert!(runtime().clock.unix_time() > Duration::from_secs(1_767_225_600));
}

#[wasm_bindgen_test]
async fn a_spawned_task_runs_by_itself() {
    let (sender, receiver) = oneshot::channel();
    runtime().spawner.spawn("test", Box::pin(async move { sender.send(7).unwrap() }));
    assert_eq!(receiver.await, Ok(7));
}

#[wasm_bindgen_test]
fn seeds_differ() {
    assert_ne!(runtime().seed, runtime().seed);
}

#[wasm_bindgen_test]
async fn the_network_coming_back_is_a_wake() {
    let mut wakes = wakes();
    let global: EventTarget = js_sys::global().unchecked_into();
    global.dispatch_event(&Event::new("online").unwrap()).unwrap();
    assert_eq!(wakes.next().await, Some(Wake::Online));
}

#[wasm_bindgen_test]
async fn wakes_that_nobody_reads_are_bounded() {
    let mut wakes = wakes();
    let global: EventTarget = js_sys::global().unchecked_into();
    for _ in 0..1_000 {
        global.dispatch_event(&Event::new("online").unwrap()).unwrap();
    }
    let mut kept = 0;
    while let Some(Some(_)) = futures::FutureExt::now_or_never(wakes.next()) {
        kept += 1;
    }
    assert!((1..20).contains(&kept), "{kept} of 1000 wakes were kept");
}
