//! Serves the scripted peer, and the files of the folder named, until its input is closed.

use std::io;

use portolan_peer::Peer;
use tokio::io::AsyncReadExt;

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "its address is its output")]
async fn main() -> io::Result<()> {
    let peer = Peer::start(std::env::args_os().nth(1).map(Into::into)).await?;
    println!("READY {}", peer.address());
    let mut input = tokio::io::stdin();
    let closed = async move {
        let mut buffer = [0; 256];
        while input.read(&mut buffer).await? > 0 {}
        io::Result::Ok(())
    };
    tokio::select! {
        () = peer.serve() => Ok(()),
        closed = closed => closed,
    }
}
