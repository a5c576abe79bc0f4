//! [`WasmiModule`]: a guest run by wasmi, an interpreter in Rust that builds in seconds.
//!
//! Invariant: a guest gets no more memory and no more steps in a turn than allowed; nothing is linked to it.

use std::fmt;

use portolan::{Error, TransportErrorKind};
use portolan_host::wire;
use wasmi::{
    Config, Engine, Linker, Memory, Module, Store, StoreLimits, StoreLimitsBuilder, TrapCode, TypedFunc,
};

/// How much a guest may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// How large its memory may grow, in bytes. Default: 128 MiB.
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
        let engine = Engine::new(Config::default().consume_fuel(true));
        let module = Module::new(&engine, wasm).map_err(unusable)?;
        let limits = StoreLimitsBuilder::new().memory_size(allowance.memory_bytes).trap_on_grow_failure(true);
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
