//! Runs a command in a container of a pod, as `kubectl exec` does, and ends with its exit code. `-i` passes the input on.
#![expect(clippy::print_stderr, reason = "an example's errors go there")]

mod cluster;
mod pod;

use std::io::Read;
use std::process::ExitCode;

use futures::channel::mpsc;
use futures::io::AllowStdIo;
use futures::{SinkExt, TryStreamExt, stream};
use portolan::Error;
use portolan::client::Client;
use portolan::stream::ExecOptions;

fn main() -> ExitCode {
    cluster::run("[-i] [--container NAME] [NAMESPACE/POD] -- COMMAND...", exec)
}

async fn exec(client: Client, arguments: Vec<String>) -> Result<(), Error> {
    let mut words = arguments.into_iter();
    let (mut options, mut named) = (ExecOptions::default(), None);
    loop {
        match words.next().as_deref() {
            Some("-i") => options.stdin = true,
            Some("--container") => options.container = words.next(),
            Some("--") => break,
            Some(pod) => named = Some(pod.to_owned()),
            None => return Err(Error::config("the command is missing: put it after --")),
        }
    }
    let (pods, name) = pod::find(&client, named.as_deref()).await?;
    let process = pods.exec(&name, words, &options).await?;
    let stdin = if options.stdin { stdin() } else { mpsc::channel(0).1 };
    let (stdout, stderr) = (AllowStdIo::new(std::io::stdout()), AllowStdIo::new(std::io::stderr()));
    let code = process.copy(stdin.into_async_read(), stdout, stderr, stream::pending()).await?;
    if code != 0 {
        eprintln!("command terminated with exit code {code}");
        std::process::exit(code);
    }
    Ok(())
}

/// Our own input, read by a thread: nothing else may wait for it.
fn stdin() -> mpsc::Receiver<std::io::Result<Vec<u8>>> {
    let (mut sender, receiver) = mpsc::channel(0);
    std::thread::spawn(move || {
        let mut buffer = [0; 8192];
        loop {
            let chunk = match std::io::stdin().lock().read(&mut buffer) {
                Ok(0) => return,
                Ok(length) => Ok(buffer[..length].to_vec()),
                Err(error) => Err(error),
            };
            if futures::executor::block_on(sender.send(chunk)).is_err() {
                return;
            }
        }
    });
    receiver
}
