//! The informers of one engine: one for each place, however many hold it.
//!
//! One that was kept by an earlier run begins with that.
//!
//! Invariant: an informer runs as long as somebody holds it, and `linger` longer: a page that turns to another view and
//! back, or is loaded anew, finds it still in sync.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::rc::Rc;
use std::time::Duration;

use futures::future::{AbortHandle, Abortable, abortable};
use portolan::Error;
use portolan::cache::ReflectorOptions;
use portolan::client::Client;
use portolan::informer::{InformerOptions, SharedIndexInformer};
use portolan::object::{Lazy, Unstructured};

use super::place::Place;
use super::warm::{Kept, Warm};

/// An informer on objects of any kind, which it holds as they came.
pub(super) type Informer = SharedIndexInformer<Lazy<Unstructured>>;

/// All of them. Clones share them.
#[derive(Clone)]
pub(super) struct Informers(Rc<Shared>);

struct Shared {
    client: Client,
    linger: Duration,
    warm: Option<Warm>,
    running: RefCell<BTreeMap<Place, Running>>,
}

struct Running {
    informer: Informer,
    holders: usize,
    /// Aborted when it is held again or stopped: nothing waits to stop it any more, no timer keeps a program from its end.
    lingering: Option<AbortHandle>,
    as_of: AsOf,
    /// Aborted when the informer is stopped.
    keeping: AbortHandle,
}

/// When what is shown was kept, in milliseconds since the Unix epoch, as long as the server has not confirmed it.
pub(super) type AsOf = Rc<Cell<Option<f64>>>;

/// One hold on an informer.
pub(super) struct Hold {
    pub(super) informer: Informer,
    pub(super) as_of: AsOf,
    place: Place,
    informers: Informers,
}

impl Informers {
    pub(super) fn new(client: Client, linger: Duration, warm: Option<Warm>) -> Self {
        Self(Rc::new(Shared { client, linger, warm, running: RefCell::default() }))
    }

    /// Holds the informer of `place`, which is started if there is none.
    pub(super) async fn hold(&self, place: Place) -> Result<Hold, Error> {
        let is_there = self.0.running.borrow().contains_key(&place);
        let mut name = None;
        let mut kept = None;
        if !is_there && let Some(warm) = &self.0.warm {
            name = warm.name(&place).await;
            if let Some(name) = &name {
                kept = warm.load(name, &place.resource).await;
            }
        }
        let hold = self.hold_now(place, name, kept)?;
        if hold.as_of.get().is_some() {
            // What was kept is there before anybody looks.
            hold.informer.wait_for_cache_sync().await?;
        }
        Ok(hold)
    }

    fn hold_now(&self, place: Place, name: Option<String>, kept: Option<Kept>) -> Result<Hold, Error> {
        let mut all = self.0.running.borrow_mut();
        // Another may have started it meanwhile.
        let running = match all.entry(place.clone()) {
            Entry::Occupied(there) => there.into_mut(),
            Entry::Vacant(place) => {
                let running = self.start(place.key(), name, kept)?;
                place.insert(running)
            }
        };
        running.holders += 1;
        running.lingering.take().inspect(AbortHandle::abort);
        let (informer, as_of) = (running.informer.clone(), running.as_of.clone());
        Ok(Hold { informer, as_of, place, informers: self.clone() })
    }

    fn start(&self, place: &Place, name: Option<String>, kept: Option<Kept>) -> Result<Running, Error> {
        let (label_selector, field_selector) = place.selectors()?;
        let reflector = ReflectorOptions { label_selector, field_selector, ..ReflectorOptions::default() };
        let (resume, written) = kept.map(|kept| (kept.resume, kept.written)).unzip();
        let api = self.0.client.resource(&place.resource, &place.namespace);
        let informer =
            Informer::new(api, InformerOptions { reflector, resume, ..InformerOptions::default() });
        informer.start();
        let (keeping, aborted) = AbortHandle::new_pair();
        if let (Some(warm), Some(name)) = (self.0.warm.clone(), name) {
            let informer = informer.clone();
            wasm_bindgen_futures::spawn_local(async move {
                // It ends only so.
                let _aborted = Abortable::new(warm.keep(&informer, &name), aborted).await;
            });
        }
        Ok(Running { informer, holders: 0, lingering: None, as_of: Rc::new(Cell::new(written)), keeping })
    }

    pub(super) fn len(&self) -> usize {
        self.0.running.borrow().len()
    }

    /// Makes all of them ask at once whether they are current.
    pub(super) fn wake(&self) {
        let informers: Vec<Informer> =
            self.0.running.borrow().values().map(|running| running.informer.clone()).collect();
        informers.iter().for_each(Informer::wake);
    }

    /// Stops and forgets all of them.
    pub(super) fn stop(&self) {
        self.0.running.take().into_values().for_each(|running| running.stop());
    }

    fn release(&self, place: &Place) {
        let mut all = self.0.running.borrow_mut();
        let Some(running) = all.get_mut(place) else { return };
        running.holders -= 1;
        if running.holders > 0 {
            return;
        }
        let (weak, place) = (Rc::downgrade(&self.0), place.clone());
        let (lingers, lingering) = abortable(self.0.client.runtime().sleep(self.0.linger));
        running.lingering = Some(lingering);
        wasm_bindgen_futures::spawn_local(async move {
            if lingers.await.is_ok()
                && let Some(shared) = weak.upgrade()
                && let Some(running) = shared.running.borrow_mut().remove(&place)
            {
                running.stop();
            }
        });
    }
}

impl Running {
    fn stop(&self) {
        self.lingering.iter().for_each(AbortHandle::abort);
        self.keeping.abort();
        self.informer.stop();
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.informers.release(&self.place);
    }
}
