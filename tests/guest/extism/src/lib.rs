//! The scenario as an Extism plug-in: the form of docs/plugins.md, run by tests/guest/extism.test.mjs.
#![expect(missing_docs, reason = "plugin_fn drops the documentation of what it exports")]

use portolan::Error;
use portolan_host::Host;

// ANCHOR: plugin
use std::cell::RefCell;

use extism_pdk::{FnResult, plugin_fn};
use portolan_host::Guest;

thread_local! {
    static GUEST: RefCell<Guest> = RefCell::new(Guest::new(run));
}

/// A turn: in goes what has happened, out comes what is to be done.
#[plugin_fn]
pub fn turn(message: Vec<u8>) -> FnResult<Vec<u8>> {
    Ok(GUEST.with_borrow_mut(|guest| guest.turn(&message)))
}
// ANCHOR_END: plugin

/// The scenario that every transport must tell alike.
async fn run(host: Host) -> Result<(), Error> {
    let told = portolan_scenario::play(&host.client()?).await?;
    told.iter().for_each(|line| host.say(line));
    match told == portolan_scenario::EXPECTED {
        true => Ok(()),
        false => Err(Error::canceled("the scenario was told in another way than expected")),
    }
}
