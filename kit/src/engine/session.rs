//! One caller: a tab, a page or a program. Its calls are numbered by itself.
//!
//! Invariant: each call ends with one `done` or `fail`, unless it is cancelled or the session is freed: then with nothing.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use futures::channel::mpsc;
use futures::future::{AbortHandle, Abortable};
use js_sys::Function;
use portolan::Error;
use serde::de::DeserializeOwned;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use super::Engine;
use super::failure::Failure;
use super::outlet::{Outlet, Unread};
use super::{live, place, requests, streams, watch};

/// One caller of an engine.
#[wasm_bindgen]
pub struct Session {
    engine: Engine,
    send: Function,
    calls: Rc<RefCell<BTreeMap<u32, Running>>>,
}

struct Running {
    abort: AbortHandle,
    pushes: mpsc::UnboundedSender<JsValue>,
    unread: Rc<Unread>,
}

/// What a caller hands in while its call runs.
pub(super) type Pushes = mpsc::UnboundedReceiver<JsValue>;

#[wasm_bindgen]
impl Session {
    /// Begins call `id`: `operation` with `arguments` (JSON). `send` is told what comes of it.
    pub fn call(&self, id: u32, operation: String, arguments: String) {
        let outlet = Outlet::new(id, self.send.clone());
        let (pushes, pushed) = mpsc::unbounded();
        let (abort, aborted) = AbortHandle::new_pair();
        self.calls.borrow_mut().insert(id, Running { abort, pushes, unread: outlet.unread() });
        let (calls, engine) = (Rc::downgrade(&self.calls), self.engine.clone());
        wasm_bindgen_futures::spawn_local(async move {
            let work = Box::pin(run(engine, operation, arguments, outlet.clone(), pushed));
            let outcome = Abortable::new(work, aborted).await;
            if let Some(calls) = calls.upgrade() {
                calls.borrow_mut().remove(&id);
            }
            match outcome {
                Ok(Ok(last)) => outlet.done(&last),
                Ok(Err(error)) => outlet.fail(&Failure::new(&error).to_js()),
                Err(_aborted) => {}
            }
        });
    }

    /// Hands something to call `id`; what it is depends on the operation.
    pub fn push(&self, id: u32, what: JsValue) {
        if let Some(running) = self.calls.borrow().get(&id) {
            // The call takes nothing more.
            let _over = running.pushes.unbounded_send(what);
        }
    }

    /// One message of call `id` has been read.
    pub fn read(&self, id: u32) {
        let unread = self.calls.borrow().get(&id).map(|running| running.unread.clone());
        if let Some(unread) = unread {
            unread.read();
        }
    }

    /// Ends call `id` without another word; one that has ended is left alone.
    pub fn cancel(&self, id: u32) {
        let running = self.calls.borrow_mut().remove(&id);
        if let Some(running) = running {
            running.abort.abort();
        }
    }
}

impl Session {
    pub(super) fn new(engine: Engine, send: Function) -> Self {
        engine.0.sessions.set(engine.0.sessions.get() + 1);
        Self { engine, send, calls: Rc::default() }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        for running in self.calls.take().into_values() {
            running.abort.abort();
        }
        self.engine.0.sessions.set(self.engine.0.sessions.get() - 1);
    }
}

async fn run(
    engine: Engine,
    operation: String,
    arguments: String,
    outlet: Outlet,
    pushed: Pushes,
) -> Result<JsValue, Error> {
    match operation.as_str() {
        "request" => requests::request(&engine, read(&arguments)?).await,
        "discovery" => requests::discovery(&engine).await,
        "resource" => place::resource(&engine, read(&arguments)?).await,
        "logs" => streams::logs(&engine, read(&arguments)?, &outlet).await,
        "exec" => streams::exec(&engine, read(&arguments)?, &outlet, pushed).await,
        "watch" => watch::watch(&engine, read(&arguments)?, &outlet).await,
        "cached" => watch::cached(&engine, read(&arguments)?).await,
        "live" => live::live(&engine, read(&arguments)?, &outlet, pushed).await,
        "open" => Ok(JsValue::from_str(&engine.open())),
        unknown => Err(Error::config(format!("the engine knows no operation {unknown:?}"))),
    }
}

/// Reads what a caller says.
pub(super) fn read<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|error| {
        // Of text that no caller has seen, a line and a column say nothing.
        let position = format!(" at line {} column {}", error.line(), error.column());
        Error::config(error.to_string().trim_end_matches(&position).to_owned())
    })
}
