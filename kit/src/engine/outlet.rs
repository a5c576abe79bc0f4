//! Where a call tells its caller what comes, and how far the caller may fall behind.
//!
//! Invariant: of a call that waits for [`Outlet::ready`] before each message, at most [`AHEAD`] are unread.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use js_sys::Function;
use wasm_bindgen::JsValue;

/// How many messages may be on their way to a caller who has not read them.
const AHEAD: usize = 4;

/// The way back to whoever made one call. Clones share it.
#[derive(Clone)]
pub(super) struct Outlet {
    id: u32,
    send: Function,
    unread: Rc<Unread>,
}

/// How many messages the caller has not read.
#[derive(Default)]
pub(super) struct Unread {
    count: Cell<usize>,
    waiting: RefCell<Option<Waker>>,
}

impl Unread {
    /// The caller has read one.
    pub(super) fn read(&self) {
        self.count.set(self.count.get().saturating_sub(1));
        if let Some(waker) = self.waiting.take() {
            waker.wake();
        }
    }
}

impl Outlet {
    pub(super) fn new(id: u32, send: Function) -> Self {
        Self { id, send, unread: Rc::default() }
    }

    pub(super) fn unread(&self) -> Rc<Unread> {
        self.unread.clone()
    }

    /// Ready once the caller has room for one more message.
    pub(super) fn poll_ready(&self, context: &mut Context<'_>) -> Poll<()> {
        if self.unread.count.get() < AHEAD {
            return Poll::Ready(());
        }
        *self.unread.waiting.borrow_mut() = Some(context.waker().clone());
        Poll::Pending
    }

    /// Resolves once the caller has room for one more message.
    pub(super) async fn ready(&self) {
        poll_fn(|context| self.poll_ready(context)).await;
    }

    /// One message of several.
    pub(super) fn next(&self, payload: &JsValue) {
        self.unread.count.set(self.unread.count.get() + 1);
        self.send("next", payload);
    }

    /// The last one.
    pub(super) fn done(&self, payload: &JsValue) {
        self.send("done", payload);
    }

    /// The call failed.
    pub(super) fn fail(&self, failure: &JsValue) {
        self.send("fail", failure);
    }

    fn send(&self, kind: &str, payload: &JsValue) {
        // A caller that throws has nobody to tell but itself.
        let _thrown =
            self.send.call3(&JsValue::UNDEFINED, &self.id.into(), &JsValue::from_str(kind), payload);
    }
}
