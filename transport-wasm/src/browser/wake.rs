//! When to doubt that connections still live: the page comes back into sight or out of the back/forward cache, the
//! network returns, or the machine has slept. A WebSocket whose peer is gone says nothing by itself.
//!
//! Invariant: dropping [`Wakes`] takes every listener and timer off.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::Stream;
use futures::channel::mpsc;
use gloo_timers::callback::Interval;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{Event, EventTarget, PageTransitionEvent};

use super::scope;

/// How often the clock is looked at, in milliseconds.
const LOOK: u32 = 5_000;

/// A gap longer than this between two looks is a sleep, in milliseconds. Out of sight, a browser may run timers only
/// once a minute.
const GAP_IN_SIGHT: f64 = 15_000.0;
const GAP_HIDDEN: f64 = 150_000.0;

/// How many wakes wait for a reader: one more says nothing new.
const WAITING: usize = 4;

/// Why connections are in doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Wake {
    /// The page is in sight again.
    Visible,
    /// The browser has a network again.
    Online,
    /// The page came out of the back/forward cache, where its sockets were closed.
    Restored,
    /// The page was frozen and runs again.
    Resumed,
    /// Timers stood still this long: the machine slept.
    Slept(Duration),
}

/// The wakes as they come. Wakes that nobody reads are few and kept; the rest are dropped.
#[derive(Debug)]
pub struct Wakes {
    receiver: mpsc::Receiver<Wake>,
    _listeners: Vec<Listener>,
    _interval: Interval,
}

impl Stream for Wakes {
    type Item = Wake;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Wake>> {
        Pin::new(&mut self.receiver).poll_next(context)
    }
}

/// Listens from now on. In a worker, which is neither seen nor cached, only the network and sleep are noticed.
pub fn wakes() -> Wakes {
    let (sender, receiver) = mpsc::channel(WAITING);
    let mut listeners = Vec::new();
    let mut listen = |target: &str, name: &'static str, wake: fn(&Event) -> Option<Wake>| {
        let mut sender = sender.clone();
        let on_event = move |event: Event| tell(&mut sender, wake(&event));
        listeners.extend(scope::target(target).map(|target| Listener::new(target, name, on_event)));
    };
    listen("document", "visibilitychange", |_| (!scope::hidden()).then_some(Wake::Visible));
    listen("document", "resume", |_| Some(Wake::Resumed));
    listen("", "online", |_| Some(Wake::Online));
    listen("", "pageshow", |event| {
        let cached = event.dyn_ref::<PageTransitionEvent>().is_some_and(PageTransitionEvent::persisted);
        cached.then_some(Wake::Restored)
    });
    Wakes { receiver, _listeners: listeners, _interval: watch_the_clock(sender) }
}

/// The wall clock, for the monotonic one may stand still in sleep.
fn watch_the_clock(mut sender: mpsc::Sender<Wake>) -> Interval {
    let mut last = js_sys::Date::now();
    Interval::new(LOOK, move || {
        let now = js_sys::Date::now();
        let gap = now - std::mem::replace(&mut last, now);
        let longest = if scope::hidden() { GAP_HIDDEN } else { GAP_IN_SIGHT };
        let slept = || Wake::Slept(Duration::try_from_secs_f64(gap / 1000.0).unwrap_or_default());
        tell(&mut sender, (gap > longest).then(slept));
    })
}

fn tell(sender: &mut mpsc::Sender<Wake>, wake: Option<Wake>) {
    if let Some(wake) = wake {
        // Full: those that wait to be read say the same.
        let _full = sender.try_send(wake);
    }
}

#[derive(Debug)]
struct Listener {
    target: EventTarget,
    name: &'static str,
    handler: Closure<dyn FnMut(Event)>,
}

impl Listener {
    fn new(target: EventTarget, name: &'static str, on_event: impl FnMut(Event) + 'static) -> Self {
        let handler = Closure::<dyn FnMut(Event)>::new(on_event);
        // It fails only on what is no function.
        let _added = target.add_event_listener_with_callback(name, handler.as_ref().unchecked_ref());
        Self { target, name, handler }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _removed =
            self.target.remove_event_listener_with_callback(self.name, self.handler.as_ref().unchecked_ref());
    }
}
