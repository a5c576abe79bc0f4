//! Credential plugins of a program as its user starts it: at a terminal, where one may ask, and apart from any, where what a
//! stopped one has started is stopped with it.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};

use rustix::fs::{Mode, OFlags};
use rustix::pty::OpenptFlags;
use serde_json::json;

use crate::{PATIENCE, folder};

/// Where nobody serves: a plugin runs before anything is sent.
const NOBODY: &str = "https://127.0.0.1:1";

/// `list_pods` with a kubeconfig whose plugin runs `script`, in which `$1` is `files`.
fn list_pods(script: &str, mode: &str, files: &Path) -> Command {
    let exec = json!({
        "apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": mode,
        "command": "sh", "args": ["-c", script, "plugin", files],
    });
    let kubeconfig = json!({
        "clusters": [{"name": "nobody", "cluster": {"server": NOBODY}}],
        "users": [{"name": "jo", "user": {"exec": exec}}],
        "contexts": [{"name": "here", "context": {"cluster": "nobody", "user": "jo"}}],
        "current-context": "here",
    });
    let file = files.join("kubeconfig");
    std::fs::write(&file, kubeconfig.to_string()).unwrap();
    let mut command = Command::new(folder().join("list_pods"));
    command.arg("--kubeconfig").arg(file).stdin(Stdio::null());
    command
}

/// A terminal: the end for whoever sits there, and the one for a program.
fn terminal() -> (File, File) {
    let ours = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    rustix::pty::grantpt(&ours).unwrap();
    rustix::pty::unlockpt(&ours).unwrap();
    let name = rustix::pty::ptsname(&ours, Vec::new()).unwrap();
    let flags = OFlags::RDWR | OFlags::NOCTTY;
    let theirs = rustix::fs::open(name.as_c_str(), flags, Mode::empty()).unwrap();
    (ours.into(), theirs.into())
}

#[test]
fn a_plugin_that_has_to_ask_does_so_at_a_terminal_only() {
    let files = tempfile::tempdir().unwrap();
    let script = "printf 'code? ' >&2; read code; echo \"$code\" > $1/code; echo \"{\\\"apiVersion\\\": \
        \\\"client.authentication.k8s.io/v1\\\", \\\"kind\\\": \\\"ExecCredential\\\", \\\"status\\\": {\\\"token\\\": \\\"$code\\\"}}\"";
    let mut program = list_pods(script, "Always", files.path());
    let refused = program.output().unwrap();
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && told.contains("standard input is no terminal"), "{told}");

    let (ours, theirs) = terminal();
    let mut running = program.stdin(theirs.try_clone().unwrap()).stderr(theirs).spawn().unwrap();
    drop(program); // and with it our hold on its end of the terminal
    let (sender, shown) = channel();
    let mut screen = ours.try_clone().unwrap();
    std::thread::spawn(move || {
        let mut byte = [0];
        // Fails once nobody is at the other end.
        while screen.read_exact(&mut byte).is_ok() && sender.send(byte[0]).is_ok() {}
    });
    let mut so_far = Vec::new();
    while !so_far.ends_with(b"code? ") {
        so_far.push(shown.recv_timeout(PATIENCE).unwrap());
    }
    (&ours).write_all(b"4711\n").unwrap();
    while shown.recv_timeout(PATIENCE) != Err(RecvTimeoutError::Disconnected) {}
    assert!(!running.wait().unwrap().success(), "nobody serves");
    assert_eq!(std::fs::read_to_string(files.path().join("code")).unwrap(), "4711\n");
}

#[test]
fn what_a_stopped_plugin_started_is_stopped_too() {
    let files = tempfile::tempdir().unwrap();
    let pipe = files.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    // Its end comes when nobody can write to it any more.
    let (sender, ended) = channel();
    std::thread::spawn(move || sender.send(File::open(&pipe).and_then(|mut pipe| pipe.read(&mut [0]))));
    let output = list_pods("sleep 100000 > $1/pipe & yes", "Never", files.path()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("answered more than 1048576 bytes and was stopped"), "{told}");
    assert_eq!(ended.recv_timeout(PATIENCE).unwrap().unwrap(), 0);
}
