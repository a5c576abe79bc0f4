//! The plugin as its user runs it: on the API server in memory, and through kubectl on that and on a real one.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[cfg(feature = "cluster")]
mod kubectl;

use std::fs::{File, read_to_string};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use portolan_tests::MemoryServer;
use serde_json::{Value, json};
use tempfile::TempDir;

/// So long a line may take to come on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A server in memory, and a kubeconfig for it.
struct Memory {
    server: MemoryServer,
    folder: TempDir,
}

impl Memory {
    fn start() -> Self {
        let (server, folder) = (MemoryServer::start().unwrap(), TempDir::new().unwrap());
        let kubeconfig = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "memory",
            "contexts": [{ "name": "memory", "context": { "cluster": "memory", "user": "nobody" } }],
            "clusters": [{ "name": "memory", "cluster": { "server": server.url() } }],
            "users": [{ "name": "nobody", "user": {} }],
        });
        std::fs::write(folder.path().join("config"), kubeconfig.to_string()).unwrap();
        Self { server, folder }
    }

    fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("config")
    }

    fn create(&self, object: Value) -> Value {
        self.server.cluster().create(object).unwrap()
    }

    /// A Deployment with what a controller would make for it.
    fn deploy(&self) {
        let deployment = self.create(json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": { "name": "x" },
            "spec": { "selector": { "matchLabels": { "app": "x" } }, "template": template() },
        }));
        let set = self.create(owned(
            "apps/v1",
            "ReplicaSet",
            "x-1",
            &deployment,
            &json!({
                "selector": { "matchLabels": { "app": "x" } },
                "template": template(),
            }),
        ));
        for name in ["x-1-a", "x-1-b"] {
            self.create(owned("v1", "Pod", name, &set, &template()["spec"]));
        }
    }
}

fn template() -> Value {
    let resources = json!({ "requests": { "cpu": "100m", "memory": "64Mi" } });
    let container = json!({ "name": "main", "image": "example.com/x:1", "resources": resources });
    json!({ "metadata": { "labels": { "app": "x" } }, "spec": { "containers": [container] } })
}

fn owned(api_version: &str, kind: &str, name: &str, owner: &Value, spec: &Value) -> Value {
    let reference = json!({
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": true,
    });
    json!({
        "apiVersion": api_version,
        "kind": kind,
        "metadata": { "name": name, "labels": { "app": "x" }, "ownerReferences": [reference] },
        "spec": spec,
    })
}

fn plugin(kubeconfig: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-portolan"));
    command.arg("--kubeconfig").arg(kubeconfig);
    command
}

fn output(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().unwrap()
}

/// What it printed, a line each, without the ages; it must have ended well.
fn lines(output: &Output) -> Vec<String> {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// The first column: what is apart by three spaces.
fn names(lines: &[String]) -> Vec<&str> {
    lines.iter().map(|line| line.split("   ").next().unwrap().trim_end()).collect()
}

/// A command that goes on.
struct Live {
    process: Child,
    lines: Receiver<String>,
    said: Vec<String>,
}

impl Live {
    fn start(command: &mut Command) -> Self {
        let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let output = process.stdout.take().unwrap();
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            BufReader::new(output).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Self { process, lines, said: Vec::new() }
    }

    fn until(&mut self, wanted: impl Fn(&str) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) if wanted(&line) => return,
                Ok(line) => self.said.push(line),
                Err(why) => panic!("{why}; it said {:#?}", self.said),
            }
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

const TREE: [&str; 5] = ["NAME", "Deployment/x", "└─ReplicaSet/x-1", "  ├─Pod/x-1-a", "  └─Pod/x-1-b"];

#[test]
fn a_tree_is_printed_from_the_topmost_owner() {
    let memory = Memory::start();
    memory.deploy();
    let tree = |arguments: &[&str]| lines(&output(plugin(&memory.kubeconfig()).arg("tree").args(arguments)));
    assert_eq!(names(&tree(&["deployment", "x"])), TREE);
    assert_eq!(names(&tree(&["deploy/x"])), TREE);
    assert_eq!(names(&tree(&["deploy/x", "rs/x-1"]))[..6], [&TREE[..], &[""]].concat());
    assert_eq!(tree(&["po", "x-1-a", "x-1-b"]).len(), 2 * TREE.len() + 1);
    assert_eq!(names(&tree(&["po", "x-1-b"]))[4], "  └─Pod/x-1-b ←");
}

#[test]
fn objects_that_are_not_there_keep_no_other_from_being_printed() {
    let memory = Memory::start();
    memory.deploy();
    let output = output(plugin(&memory.kubeconfig()).args(["tree", "po", "none", "x-1-a", "gone", "x-1-b"]));
    let (text, told) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    let trees: Vec<&str> = text.split("\n\n").collect();
    assert_eq!(trees.len(), 2, "{text}");
    for (tree, asked) in trees.iter().zip(["Pod/x-1-a ←", "Pod/x-1-b ←"]) {
        assert!(tree.starts_with("NAME") && tree.contains("Deployment/x") && tree.contains(asked), "{text}");
    }
    let told: Vec<&str> = told.lines().collect();
    assert_eq!(output.status.code(), Some(1), "{told:?}");
    assert!(
        matches!(told[..], [one, two] if one.contains("\"none\" not found") && two.contains("\"gone\" not found")),
        "{told:?}"
    );
}

#[test]
fn a_table_stays_current() {
    let memory = Memory::start();
    memory.deploy();
    let notes = memory.folder.path().join("notes");
    let mut command = plugin(&memory.kubeconfig());
    command.args(["watch", "configmaps", "-n", "default"]).stderr(File::create(&notes).unwrap());
    let mut live = Live::start(&mut command);
    live.until(|line| line.starts_with("NAME") && line.contains("DATA"));
    assert_eq!(read_to_string(&notes).unwrap(), "No resources found in default namespace.\n");
    memory.create(json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "new" }, "data": { "a": "1" } }));
    live.until(|line| line.starts_with("new ") && line.contains(" 1 "));
    let mut everywhere = Live::start(plugin(&memory.kubeconfig()).args(["watch", "po", "-A", "-l", "app=x"]));
    everywhere.until(|line| line.starts_with("NAMESPACE   NAME"));
    everywhere.until(|line| line.starts_with("default     x-1-b"));
    let mut one = Live::start(plugin(&memory.kubeconfig()).args(["watch", "po/x-1-b"]));
    one.until(|line| line.starts_with("x-1-b"));
    assert!(one.said.iter().all(|line| line.starts_with("NAME")), "{:#?}", one.said);
}

#[test]
fn what_pods_ask_for_is_summed() {
    let memory = Memory::start();
    memory.deploy();
    let mut live = Live::start(plugin(&memory.kubeconfig()).args(["top", "pods"]));
    live.until(|line| line.starts_with("NAME") && line.contains("CPU REQUESTED"));
    live.until(|line| line.starts_with("x-1-a") && line.contains("100m") && line.contains("64Mi"));
}

#[test]
fn what_cannot_be_done_is_told_in_one_line() {
    let memory = Memory::start();
    for (arguments, told) in [
        (&["tree", "deployment", "none"][..], "\"none\" not found"),
        (&["tree", "deployment"], "TYPE/NAME"),
        (&["tree", "po/a", "svc"], "TYPE/NAME"),
        (&["tree", "deploy/x", "unknowns/b"], "unknowns"),
        (&["watch", "unknowns"], "unknowns"),
        (&["watch", "po/a", "po/b"], "one object"),
        (&["watch", "componentstatuses"], "does not support watching componentstatuses"),
        (&["watch", "pods", "-l", "a in"], "a in"),
        (&["--context", "none", "top", "nodes"], "none"),
    ] {
        let output = output(plugin(&memory.kubeconfig()).args(arguments));
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {text}");
        assert!(output.stdout.is_empty() && text.lines().count() == 1 && text.contains(told), "{text}");
    }
    let unknown = output(plugin(&memory.kubeconfig()).arg("bogus"));
    assert_eq!(unknown.status.code(), Some(2));
}
