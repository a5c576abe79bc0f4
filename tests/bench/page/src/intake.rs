//! A list's bytes to a store, without a connection.

use std::sync::Arc;

use portolan::cache::Indexer;
use portolan::codec::Limits;
use portolan::codec::json::ListDecoder;
use portolan::meta::{ApiResource, Encoded, Format, Object};
use portolan::object::{Compact, Lazy, Packer};
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::{proof, thrown};

/// Takes a list of pods in, chunk by chunk, checking every item.
#[wasm_bindgen]
pub struct Intake {
    decoder: ListDecoder,
    resource: ApiResource,
    store: Store,
}

enum Store {
    Lazy(Indexer<Lazy>),
    Compact(Packer, Indexer<Compact>),
}

#[wasm_bindgen]
impl Intake {
    /// Compact, or as the bytes that come.
    #[wasm_bindgen(constructor)]
    pub fn new(compact: bool) -> Result<Self, JsError> {
        let store = match compact {
            false => Store::Lazy(Indexer::new()),
            true => Store::Compact(Packer::default(), Indexer::new()),
        };
        let resource = ApiResource::new("v1", "Pod", "pods", true).map_err(thrown)?;
        Ok(Self { decoder: ListDecoder::new(Limits::default()), resource, store })
    }

    /// Takes the next chunk.
    #[expect(clippy::arc_with_non_send_sync, reason = "a store holds Arcs on every target")]
    pub fn push(&mut self, chunk: Vec<u8>) -> Result<(), JsError> {
        self.decoder.push(chunk.into());
        while let Some(item) = self.decoder.next_item().map_err(thrown)? {
            let encoded =
                Encoded { drop_managed_fields: true, ..Encoded::new(Format::Json, item, &self.resource) };
            match &mut self.store {
                Store::Lazy(store) => drop(store.insert(Arc::new(Object::read(encoded).map_err(thrown)?))),
                Store::Compact(packer, store) => {
                    let object = Object::read(encoded).map_err(thrown)?;
                    store.insert(Arc::new(packer.pack(object)));
                }
            }
        }
        Ok(())
    }

    /// How many objects there are.
    pub fn objects(&self) -> usize {
        match &self.store {
            Store::Lazy(store) => store.len(),
            Store::Compact(_, store) => store.len(),
        }
    }

    /// The sum that proves the work.
    pub fn proof(&self) -> f64 {
        match &self.store {
            Store::Lazy(store) => proof(store.iter()),
            Store::Compact(_, store) => proof(store.iter()),
        }
    }
}
