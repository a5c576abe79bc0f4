//! The API server in memory on a port, for kubectl by hand: prints its URL and serves until its input ends.

use std::io::Write as _;
use std::io::{Read, stdin, stdout};

use anyhow::Result;
use portolan_tests::MemoryServer;

fn main() -> Result<()> {
    let server = MemoryServer::start()?;
    writeln!(stdout(), "{}", server.url())?;
    stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
