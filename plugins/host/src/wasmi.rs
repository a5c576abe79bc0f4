//! [`WasmiModule`]: a guest run by wasmi, an interpreter in Rust that builds in seconds.
//!
//! Invariant: a guest gets no more memory and no more steps in a turn than allowed, and tables of a few MiB; nothing is
//! linked to it. What wasmi makes of its code is not counted: some times the module's length, which its host knows.

use std::fmt;

use portolan::{Error, TransportErrorKind};
use portolan_host::wire;
use wasmi::{
    Config, Engine, Linker, Memory, Module, Store, StoreLimits, StoreLimitsBuilder, TrapCode, TypedFunc,
};

/// How many functions a table may refer to; those of Rust refer to each function that is called by pointer.
const MOST_TABLE_ELEMENTS: usize = 100_000;

/// How much a guest may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// How large its memory, of which it has one, may grow, in bytes. Default: 128 MiB.
    pub memory_bytes: usize,
    /// How much it may do in one turn, in wasmi's fuel: about one per instruction. Default: 10⁹, seconds of interpreting.
    pub fuel_per_turn: u64,
}

impl Default for Allowance {
    fn default() -> Self {
        Self { memory_bytes: 128 << 20, fuel_per_turn: 1_000_000_000 }
    }
}

/// A guest's module, instantiated.
pub struct WasmiModule {
    store: Store<StoreLimits>,
    memory: Memory,
    input: TypedFunc<u32, u32>,
    turn: TypedFunc<(), u32>,
    allowance: Allowance,
}

impl fmt::Debug for WasmiModule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WasmiModule").field("allowance", &self.allowance).finish_non_exhaustive()
    }
}

impl WasmiModule {
    /// Compiles and instantiates the guest in `wasm`.
    ///
    /// # Errors
    /// When it is no wasm module, no guest, one of another version, or wants more than allowed from the start.
    pub fn new(wasm: &[u8], allowance: Allowance) -> Result<Self, Error> {
        let engine = Engine::new(Config::default().consume_fuel(true).wasm_multi_memory(false));
        let module = Module::new(&engine, wasm).map_err(unusable)?;
        let limits = StoreLimitsBuilder::new()
            .instances(1)
            .memories(1)
            .memory_size(allowance.memory_bytes)
            .tables(4)
            .table_elements(MOST_TABLE_ELEMENTS)
            .trap_on_grow_failure(true);
        let mut store = Store::new(&engine, limits.build());
        store.limiter(|limits| limits);
        store.set_fuel(allowance.fuel_per_turn).map_err(unusable)?;
        let instance = Linker::new(&engine).instantiate_and_start(&mut store, &module).map_err(unusable)?;
        let version = instance.get_typed_func::<(), u32>(&store, "portolan_version").map_err(unusable)?;
        let version = version.call(&mut store, ()).map_err(unusable)?;
        if version != wire::VERSION {
            return Err(Error::config(format!(
                "the guest speaks version {version}, this host {}: build both with the same portolan-host",
                wire::VERSION
            )));
        }
        let memory = instance
            .get_memory(&store, "memory")
            .ok_or_else(|| Error::config("this wasm module is no guest: it exports no memory"))?;
        Ok(Self {
            memory,
            input: instance.get_typed_func(&store, "portolan_input").map_err(unusable)?,
            turn: instance.get_typed_func(&store, "portolan_turn").map_err(unusable)?,
            store,
            allowance,
        })
    }

    /// How large its memory is now, in bytes; a memory never shrinks.
    pub fn memory_bytes(&self) -> usize {
        self.memory.data_size(&self.store)
    }

    fn exchange(&mut self, message: &[u8]) -> Result<Vec<u8>, wasmi::Error> {
        let misplaced = || wasmi::Error::new("it points outside its own memory");
        let length = u32::try_from(message.len()).map_err(|_| wasmi::Error::new("a message over 4 GiB"))?;
        let at = self.input.call(&mut self.store, length)?;
        self.memory.write(&mut self.store, at as usize, message).map_err(|_| misplaced())?;
        let at = self.turn.call(&mut self.store, ())? as usize;
        let memory = self.memory.data(&self.store);
        let (length, rest) =
            memory.get(at..).and_then(|rest| rest.split_first_chunk::<4>()).ok_or_else(misplaced)?;
        Ok(rest.get(..u32::from_le_bytes(*length) as usize).ok_or_else(misplaced)?.to_vec())
    }

    /// What a guest's end means, in words.
    fn ended(&self, error: wasmi::Error) -> Error {
        let Allowance { memory_bytes, fuel_per_turn } = self.allowance;
        match error.as_trap_code() {
            Some(TrapCode::OutOfFuel) => too_much(format!(
                "the guest did more in one turn than the host allows ({fuel_per_turn} steps)"
            )),
            Some(TrapCode::GrowthOperationLimited) => {
                too_much(format!("the guest wanted more memory than the host allows ({memory_bytes} bytes)"))
            }
            _ => Error::transport(TransportErrorKind::Protocol, "the guest trapped, as after a panic")
                .with_source(error),
        }
    }
}

impl crate::Module for WasmiModule {
    fn turn(&mut self, message: &[u8]) -> Result<Vec<u8>, Error> {
        self.store.set_fuel(self.allowance.fuel_per_turn).map_err(unusable)?;
        self.exchange(message).map_err(|error| self.ended(error))
    }
}

fn too_much(text: String) -> Error {
    tracing::warn!(target: "portolan::plugin", "{text}");
    Error::transport(TransportErrorKind::TooLarge, text)
}

fn unusable(error: wasmi::Error) -> Error {
    Error::config("this wasm module is no guest that can be run here: make it with `portolan_host::guest!`")
        .with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Why a module of these sections is none to run, which each have an id and less than 128 bytes.
    fn refusal(sections: &[(u8, &[u8])]) -> String {
        let mut wasm = b"\0asm\x01\0\0\0".to_vec();
        for (id, content) in sections {
            wasm.extend([*id, u8::try_from(content.len()).unwrap()]);
            wasm.extend(*content);
        }
        let error = WasmiModule::new(&wasm, Allowance::default()).unwrap_err();
        std::error::Error::source(&error).unwrap().to_string()
    }

    #[test]
    fn tables_and_further_memories_are_no_way_around_the_allowance() {
        // Of one that wants little only what a guest exports is missed: a table of 100,000 functions, a memory of one page.
        let missed = refusal(&[(4, &[1, 0x70, 0, 0xa0, 0x8d, 6]), (5, &[1, 0, 1])]);
        assert!(missed.contains("exported function"), "{missed}");
        for (wanted, sections) in [
            ("a table of ten million", &[(4, &[1, 0x70, 0, 0x80, 0xad, 0xe2, 4][..])][..]),
            ("a table of 100,001", &[(4, &[1, 0x70, 0, 0xa1, 0x8d, 6])]),
            ("five tables", &[(4, &[5, 0x70, 0, 1, 0x70, 0, 1, 0x70, 0, 1, 0x70, 0, 1, 0x70, 0, 1])]),
            ("two memories", &[(5, &[2, 0, 1, 0, 1])]),
        ] {
            let refused = refusal(sections);
            assert!(!refused.contains("exported function"), "{wanted}: {refused}");
        }
    }
}
