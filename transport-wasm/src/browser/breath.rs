//! Lets the page draw: work that goes on without a pause gives way to the browser's event loop now and then.
//!
//! Promises that are already settled run back to back, so a long body that the browser has in hand would otherwise be
//! read, decoded and stored in one go while the page stands still. Timers would do, but a hidden tab slows them down.
//!
//! Invariant: a slice of our work is asked to end after [`SLICE_MILLISECONDS`], all bodies, sockets and tasks together.

use std::cell::Cell;
use std::future::poll_fn;
use std::task::{Context, Poll};

use futures::FutureExt;
use futures::channel::oneshot;
use wasm_bindgen::JsValue;
use wasm_bindgen::closure::Closure;
use web_sys::{MessageChannel, MessagePort};

use super::scope;

/// Less than half a frame at 60 Hz: what was begun within the slice goes on beyond it for a while.
const SLICE_MILLISECONDS: f64 = 6.0;

thread_local! {
    static SLICE_BEGAN: Cell<f64> = const { Cell::new(f64::NEG_INFINITY) };
}

/// Says that the browser has just called us: a new slice begins.
pub(super) fn begin() {
    SLICE_BEGAN.set(scope::milliseconds());
}

/// Resolves at once while the slice lasts; else once the event loop has gone round.
pub(super) async fn breathe() {
    let mut breath = Breath::default();
    poll_fn(|context| breath.poll(context)).await;
}

/// The pause of one body, socket or task.
#[derive(Debug, Default)]
pub(super) struct Breath {
    pause: Option<Pause>,
}

impl Breath {
    /// Ready while the slice lasts; else once the event loop has gone round.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.pause.is_none() && scope::milliseconds() - SLICE_BEGAN.get() < SLICE_MILLISECONDS {
            return Poll::Ready(());
        }
        if self.pause.is_none() {
            self.pause = Pause::new().ok();
        }
        if let Some(pause) = &mut self.pause {
            // A sender that is gone cannot be waited for: either way the pause is over.
            let _over = std::task::ready!(pause.over.poll_unpin(context));
            self.pause = None;
        }
        Poll::Ready(())
    }
}

/// A message to ourselves: the event loop brings it after whatever it had to do first.
#[derive(Debug)]
struct Pause {
    over: oneshot::Receiver<()>,
    near: MessagePort,
    far: MessagePort,
    _handler: Closure<dyn FnMut()>,
}

impl Pause {
    fn new() -> Result<Self, JsValue> {
        let channel = MessageChannel::new()?;
        let (sender, over) = oneshot::channel();
        let mut sender = Some(sender);
        let handler = Closure::<dyn FnMut()>::new(move || {
            begin();
            if let Some(sender) = sender.take() {
                // Nobody waits any more: the body was dropped.
                let _gone = sender.send(());
            }
        });
        let (near, far) = (channel.port1(), channel.port2());
        near.set_onmessage(Some(wasm_bindgen::JsCast::unchecked_ref(handler.as_ref())));
        far.post_message(&JsValue::NULL)?;
        Ok(Self { over, near, far, _handler: handler })
    }
}

impl Drop for Pause {
    fn drop(&mut self) {
        self.near.set_onmessage(None);
        self.near.close();
        self.far.close();
    }
}
