//! The informers of one engine: one for each place, however many hold it.
//!
//! Invariant: an informer runs as long as somebody holds it, and `linger` longer: a page that turns to another view and
//! back, or is loaded anew, finds it still in sync.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use portolan::Error;
use portolan::cache::ReflectorOptions;
use portolan::client::Client;
use portolan::informer::{InformerOptions, SharedIndexInformer};
use portolan::object::{Lazy, Unstructured};

use super::place::Place;

/// An informer on objects of any kind, which it holds as they came.
pub(super) type Informer = SharedIndexInformer<Lazy<Unstructured>>;

/// All of them. Clones share them.
#[derive(Clone)]
pub(super) struct Informers(Rc<Shared>);

struct Shared {
    client: Client,
    linger: Duration,
    running: RefCell<BTreeMap<Place, Running>>,
}

struct Running {
    informer: Informer,
    holders: usize,
    /// Grows with each holder: whoever waits to stop it sees whether it was held again meanwhile.
    generation: u64,
}

/// One hold on an informer.
pub(super) struct Hold {
    pub(super) informer: Informer,
    place: Place,
    informers: Informers,
}

impl Informers {
    pub(super) fn new(client: Client, linger: Duration) -> Self {
        Self(Rc::new(Shared { client, linger, running: RefCell::default() }))
    }

    /// Holds the informer of `place`, which is started if there is none.
    pub(super) fn hold(&self, place: Place) -> Result<Hold, Error> {
        let mut all = self.0.running.borrow_mut();
        if !all.contains_key(&place) {
            let (label_selector, field_selector) = place.selectors()?;
            let api = self.0.client.resource(&place.resource, &place.namespace);
            let reflector =
                ReflectorOptions { label_selector, field_selector, ..ReflectorOptions::default() };
            let informer = Informer::new(api, InformerOptions { reflector, ..InformerOptions::default() });
            informer.start();
            all.insert(place.clone(), Running { informer, holders: 0, generation: 0 });
        }
        let running = all.get_mut(&place).ok_or_else(|| Error::canceled("the informer has gone"))?;
        running.holders += 1;
        running.generation += 1;
        Ok(Hold { informer: running.informer.clone(), place, informers: self.clone() })
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
        for running in self.0.running.take().into_values() {
            running.informer.stop();
        }
    }

    fn release(&self, place: &Place) {
        let generation = match self.0.running.borrow_mut().get_mut(place) {
            Some(running) => {
                running.holders -= 1;
                if running.holders > 0 {
                    return;
                }
                running.generation
            }
            None => return,
        };
        let (weak, place) = (Rc::downgrade(&self.0), place.clone());
        let lingers = self.0.client.runtime().sleep(self.0.linger);
        wasm_bindgen_futures::spawn_local(async move {
            lingers.await;
            let Some(shared) = weak.upgrade() else { return };
            let mut all = shared.running.borrow_mut();
            let unheld = |running: &Running| running.holders == 0 && running.generation == generation;
            if all.get(&place).is_some_and(unheld)
                && let Some(running) = all.remove(&place)
            {
                running.informer.stop();
            }
        });
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.informers.release(&self.place);
    }
}
