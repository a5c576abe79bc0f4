//! Copies a file or folder to or from a container, as `kubectl cp` does: `cp LOCAL NAMESPACE/POD:PATH`, or the other way.
#![expect(clippy::print_stdout, reason = "an example's output is its purpose")]

mod cluster;
mod pod;

use std::path::Path;
use std::process::ExitCode;

use portolan::Error;
use portolan::client::Client;
use portolan_native::{copy_from_pod, copy_to_pod};

fn main() -> ExitCode {
    cluster::run("[--container NAME] FROM TO, one of them NAMESPACE/POD:PATH", cp)
}

async fn cp(client: Client, mut arguments: Vec<String>) -> Result<(), Error> {
    let container = match arguments.iter().position(|argument| argument == "--container") {
        Some(place) if place + 1 < arguments.len() => arguments.drain(place..place + 2).nth(1),
        _ => None,
    };
    let container = container.as_deref();
    let [from, to] = arguments.as_slice() else { return Err(Error::config("name what to copy and where")) };
    let copied = match (from.split_once(':'), to.split_once(':')) {
        (Some((named, remote)), None) => {
            let (pods, name) = pod::find(&client, Some(named)).await?;
            copy_from_pod(&pods, &name, container, remote, Path::new(to)).await?
        }
        (None, Some((named, remote))) => {
            let (pods, name) = pod::find(&client, Some(named)).await?;
            copy_to_pod(&pods, &name, container, Path::new(from), remote).await?
        }
        _ => return Err(Error::config("one of the two is in a pod: NAMESPACE/POD:PATH")),
    };
    println!("{} files, {} bytes", copied.files, copied.bytes);
    for path in copied.left_out {
        println!("left out, for it is neither a file nor a folder: {path}");
    }
    if copied.more_left_out > 0 {
        println!("and {} more", copied.more_left_out);
    }
    Ok(())
}
