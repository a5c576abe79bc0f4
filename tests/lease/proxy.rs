//! A TCP proxy in front of a server, whose wire can be cut or fall silent.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// How the wire is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    /// Bytes go through.
    Whole,
    /// Connections are closed, also new ones.
    Cut,
    /// Connections stay open and nothing goes through; what was sent meanwhile is lost with its connection.
    Silent,
}

/// The proxy; it listens on a port of its own, on loopback.
pub(crate) struct Proxy {
    address: SocketAddr,
    state: Mutex<State>,
}

struct State {
    wire: Wire,
    /// Both ends of every connection.
    open: Vec<TcpStream>,
}

impl Proxy {
    /// Starts a proxy for `server`, an address and port.
    pub(crate) fn start(server: &str) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Mutex::new(State { wire: Wire::Whole, open: Vec::new() });
        let proxy = Arc::new(Self { address, state });
        let (shared, server) = (proxy.clone(), server.to_owned());
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                shared.connect(client, &server);
            }
        });
        proxy
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes the wire. Connections that were silent are closed when it is whole again.
    pub(crate) fn set(&self, wire: Wire) {
        let mut state = self.state.lock().unwrap();
        if wire == Wire::Cut || state.wire == Wire::Silent {
            state.open.drain(..).for_each(|end| drop(end.shutdown(Shutdown::Both)));
        }
        state.wire = wire;
    }

    fn wire(&self) -> Wire {
        self.state.lock().unwrap().wire
    }

    fn connect(self: &Arc<Self>, client: TcpStream, server: &str) {
        let wire = self.wire();
        if wire == Wire::Cut {
            return;
        }
        let Ok(server) = TcpStream::connect(server) else { return };
        let ends = [client.try_clone().unwrap(), server.try_clone().unwrap()];
        self.state.lock().unwrap().open.extend(ends);
        for (from, to) in [(client.try_clone().unwrap(), server.try_clone().unwrap()), (server, client)] {
            let proxy = self.clone();
            std::thread::spawn(move || proxy.carry(from, to));
        }
    }

    fn carry(&self, mut from: TcpStream, mut to: TcpStream) {
        let mut buffer = [0; 16 * 1024];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            // What a silent wire swallowed is lost: the connection is closed before the wire is whole again.
            if self.wire() == Wire::Whole && to.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        drop(to.shutdown(Shutdown::Both));
    }
}
