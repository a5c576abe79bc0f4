//! A TCP proxy that is a bad line: it cuts, stalls, slows and truncates what goes through it.
//!
//! Invariant: what gets through is what was sent, in order, up to where it is cut.

use std::collections::BTreeMap;
use std::io::{Read, Result, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// So long a slowed connection rests after each small piece.
const REST: Duration = Duration::from_millis(20);

/// The size of such a piece.
const PIECE: usize = 256;

/// What the line does to everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// Everything gets through.
    Good,
    /// Of each connection one in this many pieces meets a fault: a cut, half of it and a cut, a stall and a cut, or it is
    /// slow from then on.
    Bad(u64),
    /// Connections are closed as they are opened.
    Closed,
    /// Connections stay open and nothing gets through.
    Stalled,
}

/// The proxy. It listens until its process ends; dropping it closes its connections.
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    target: SocketAddr,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    line: Line,
    /// Of the chance that chooses faults.
    seed: u64,
    next: u64,
    connections: BTreeMap<u64, [TcpStream; 2]>,
    faults: BTreeMap<&'static str, u64>,
}

impl FaultProxy {
    /// Listens on a free port of loopback, and is a good line to `target` until told otherwise.
    ///
    /// # Errors
    /// When no port can be had.
    pub fn start(target: SocketAddr, seed: u64) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let state = State {
            line: Line::Good,
            seed: seed | 1,
            next: 0,
            connections: BTreeMap::new(),
            faults: BTreeMap::new(),
        };
        let shared = Arc::new(Shared { target, state: Mutex::new(state), changed: Condvar::new() });
        let accepting = shared.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let shared = accepting.clone();
                // A connection that fails is what this proxy is for.
                std::thread::spawn(move || shared.connect(&client).ok());
            }
        });
        Ok(Self { address, shared })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What the line does from now on. Connections that are open stay so, unless the line is [`Line::Closed`].
    pub fn set(&self, line: Line) {
        let mut state = self.shared.state();
        state.line = line;
        if line == Line::Closed {
            state.close_all();
        }
        drop(state);
        self.shared.changed.notify_all();
    }

    /// Closes every connection.
    pub fn cut(&self) {
        self.shared.state().close_all();
        self.shared.changed.notify_all();
    }

    /// How often each fault happened.
    pub fn faults(&self) -> BTreeMap<&'static str, u64> {
        self.shared.state().faults.clone()
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.set(Line::Closed);
    }
}

impl State {
    fn close_all(&mut self) {
        for stream in std::mem::take(&mut self.connections).into_values().flatten() {
            // It may be closed already.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// xorshift: the proxy needs variety, not quality.
    fn below(&mut self, bound: u64) -> u64 {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        self.seed % bound
    }

    fn fault(&mut self) -> Option<&'static str> {
        let Line::Bad(one_in) = self.line else { return None };
        if self.below(one_in) > 0 {
            return None;
        }
        let fault = ["cut", "truncated", "stalled", "slowed"][self.below(4) as usize];
        *self.faults.entry(fault).or_default() += 1;
        Some(fault)
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn connect(&self, client: &TcpStream) -> Result<()> {
        if self.state().line == Line::Closed {
            return client.shutdown(Shutdown::Both);
        }
        let server = TcpStream::connect(self.target)?;
        for stream in [client, &server] {
            stream.set_nodelay(true)?;
        }
        let number = {
            let mut state = self.state();
            state.next += 1;
            let number = state.next;
            state.connections.insert(number, [client.try_clone()?, server.try_clone()?]);
            number
        };
        std::thread::scope(|scope| {
            scope.spawn(|| self.copy(client, &server, false));
            self.copy(&server, client, true);
        });
        self.state().connections.remove(&number);
        Ok(())
    }

    /// Carries one direction; answers meet faults. When it ends, so do both.
    fn copy(&self, mut from: &TcpStream, mut to: &TcpStream, is_answer: bool) {
        let mut buffer = [0; 16 << 10];
        let mut slow = false;
        while let Ok(count) = from.read(&mut buffer) {
            if count == 0 {
                break;
            }
            self.wait_while_stalled();
            let fault = if is_answer { self.state().fault() } else { None };
            slow |= fault == Some("slowed");
            let whole = match fault {
                Some("cut") => 0,
                Some("truncated") => count / 2,
                Some("stalled") => {
                    let pause = Duration::from_millis(self.state().below(8_000));
                    std::thread::sleep(pause);
                    0
                }
                _ => count,
            };
            let piece = if slow { PIECE } else { buffer.len() };
            let written = buffer[..whole].chunks(piece).try_for_each(|bytes| {
                if slow {
                    std::thread::sleep(REST);
                }
                to.write_all(bytes)
            });
            if written.is_err() || whole < count {
                break;
            }
        }
        for stream in [from, to] {
            // The other direction may have closed it.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    fn wait_while_stalled(&self) {
        let state = self.state();
        let stalled = |state: &mut State| state.line == Line::Stalled;
        drop(self.changed.wait_while(state, stalled).unwrap_or_else(PoisonError::into_inner));
    }
}
