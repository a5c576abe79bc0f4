//! A real cluster for a test: the program of tests/cluster, which this drives over stdin and stdout.
//!
//! It ends when the [`Cluster`] is dropped and when the test's process ends in any way, for it ends with its stdin.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::Value;

/// Far longer than anything it is asked takes (a start is 2 to 5 s), for busy machines.
const DEADLINE: Duration = Duration::from_secs(240);

/// What cluster to start; the default is a plain API server and etcd, with watch-list.
#[derive(Clone, Debug, Default)]
pub struct ClusterOptions {
    /// Whether watch-list is switched off at the server.
    pub without_watch_list: bool,
    /// Resources served without a watch cache (`configmaps`, `deployments.apps`): for these, [`Cluster::compact`] makes
    /// older versions expire.
    pub without_watch_cache: Vec<String>,
    /// Whether alpha and beta APIs are served.
    pub all_apis: bool,
    /// Feature gates of the API server, each `Name=true` or `Name=false`.
    pub feature_gates: Vec<String>,
    /// Further flags of kube-apiserver, each `--flag=value`.
    pub apiserver_flags: Vec<String>,
    /// Whether kube-controller-manager runs too, so that deployments make pods and namespaces end.
    pub controller_manager: bool,
    /// Whether a small kubelet runs as the node `node-1`: the commands of Pods bound to it run on this machine, each
    /// container in a directory of its own, and have logs, exec, attach and port-forward.
    pub kubelet: bool,
    /// Where logs and kubeconfig go, and stay; by default a temporary directory.
    pub directory: Option<PathBuf>,
}

/// What a running cluster says of itself.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct ClusterFacts {
    /// A kubeconfig with a client certificate of an administrator; its one context is `portolan`.
    pub kubeconfig: PathBuf,
    /// The API server's URL, `https://127.0.0.1:<port>`.
    pub server: String,
    /// etcd's URL, plain HTTP.
    pub etcd: String,
    /// A bearer token of an administrator.
    pub token: String,
    /// A bearer token of a user who may do nothing.
    pub viewer_token: String,
    /// The CA the server's certificate is signed by, PEM.
    pub ca_file: PathBuf,
    /// A program that is kubectl.
    pub kubectl: PathBuf,
    /// Where the logs are.
    #[serde(rename = "dir")]
    pub directory: PathBuf,
    /// The API server's version, as `v1.36.3`.
    pub version: String,
}

/// A running etcd and API server.
#[derive(Debug)]
pub struct Cluster {
    facts: ClusterFacts,
    // In this order: closing stdin is what ends the process.
    control: Mutex<Control>,
    process: Child,
}

#[derive(Debug)]
struct Control {
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Cluster {
    /// Starts a cluster and returns once it serves.
    ///
    /// # Errors
    /// When the program is not built (`cargo xtask setup` builds it) or the cluster does not start; the program has
    /// then written why to stderr.
    pub fn start(options: &ClusterOptions) -> Result<Self> {
        let program = program()?;
        let mut process = Command::new(&program)
            .arg("up")
            .args(options.flags())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        let stdin = process.stdin.take();
        let stdout = process.stdout.take().context("the cluster program's output")?;
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let control = Control { stdin, lines };
        let ready = control.line()?;
        let facts = ready.strip_prefix("READY ").with_context(|| format!("instead of READY: {ready}"))?;
        let facts = serde_json::from_str(facts).context("the READY line")?;
        Ok(Self { facts, control: Mutex::new(control), process })
    }

    /// What there is to know about it: addresses, credentials, files.
    pub fn facts(&self) -> &ClusterFacts {
        &self.facts
    }

    /// Runs kubectl as the administrator and returns its output.
    ///
    /// # Errors
    /// When it fails, with what it wrote to stderr.
    pub fn kubectl<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Result<String> {
        let output = self
            .kubectl_command()
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .context("starting kubectl")?;
        finished("kubectl", output)
    }

    /// `kubectl apply` of a manifest in YAML or JSON.
    ///
    /// # Errors
    /// When it fails, with what it wrote to stderr.
    pub fn apply(&self, manifest: &str) -> Result<String> {
        let mut process = self
            .kubectl_command()
            .args(["apply", "--filename=-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("starting kubectl")?;
        if let Some(mut stdin) = process.stdin.take() {
            stdin.write_all(manifest.as_bytes())?;
        }
        finished("kubectl apply", process.wait_with_output()?)
    }

    /// kubectl as the administrator, for a caller that runs it in its own way (`kubectl proxy`).
    pub fn kubectl_command(&self) -> Command {
        let mut kubectl = Command::new(&self.facts.kubectl);
        kubectl.env("KUBECONFIG", &self.facts.kubeconfig);
        kubectl
    }

    /// Kills the API server, as a crash would.
    ///
    /// # Errors
    /// When it is not running.
    pub fn stop_apiserver(&self) -> Result<()> {
        self.command("stop-apiserver").map(drop)
    }

    /// Starts the API server again, on the same port, and returns once it serves.
    ///
    /// # Errors
    /// When it is running, or does not start.
    pub fn start_apiserver(&self) -> Result<()> {
        self.command("start-apiserver").map(drop)
    }

    /// Kills the API server and starts it again.
    ///
    /// # Errors
    /// When it is not running, or does not start.
    pub fn restart_apiserver(&self) -> Result<()> {
        self.command("restart-apiserver").map(drop)
    }

    /// Stops the API server in its tracks: connections stay open and nothing answers.
    ///
    /// # Errors
    /// When it is not running.
    pub fn pause_apiserver(&self) -> Result<()> {
        self.command("pause-apiserver").map(drop)
    }

    /// Lets a paused API server go on.
    ///
    /// # Errors
    /// When it is not running.
    pub fn resume_apiserver(&self) -> Result<()> {
        self.command("resume-apiserver").map(drop)
    }

    /// Kills the kubelet and with it the containers.
    ///
    /// # Errors
    /// When it is not running.
    pub fn stop_kubelet(&self) -> Result<()> {
        self.command("stop-kubelet").map(drop)
    }

    /// Drops etcd's history before its current revision, which it returns: what is served without a watch cache then
    /// answers 410 for versions before it.
    ///
    /// # Errors
    /// When etcd refuses.
    pub fn compact(&self) -> Result<u64> {
        self.command("compact")?
            .get("revision")
            .and_then(Value::as_u64)
            .context("compact answered no revision")
    }

    fn command(&self, command: &str) -> Result<Value> {
        let mut control = self.control.lock().unwrap_or_else(PoisonError::into_inner);
        let stdin = control.stdin.as_mut().context("the cluster has ended")?;
        writeln!(stdin, "{command}").with_context(|| format!("telling the cluster: {command}"))?;
        let line = control.line()?;
        let answer: Value =
            serde_json::from_str(&line).with_context(|| format!("answer to {command}: {line}"))?;
        if let Some(error) = answer.get("error") {
            bail!("{command}: {error}");
        }
        if answer.get("done").and_then(Value::as_str) != Some(command) {
            bail!("answer to {command}: {line}");
        }
        Ok(answer)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let control = self.control.get_mut().unwrap_or_else(PoisonError::into_inner);
        control.stdin = None; // asks it to end
        let _ = self.process.wait();
    }
}

impl Control {
    fn line(&self) -> Result<String> {
        match self.lines.recv_timeout(DEADLINE) {
            Ok(line) => Ok(line),
            Err(RecvTimeoutError::Timeout) => bail!("the cluster program said nothing for {DEADLINE:?}"),
            Err(RecvTimeoutError::Disconnected) => bail!("the cluster program ended; it wrote why to stderr"),
        }
    }
}

impl ClusterOptions {
    fn flags(&self) -> Vec<String> {
        let mut flags = Vec::new();
        if self.without_watch_list {
            flags.push("--watch-list=false".to_owned());
        }
        flags.extend(self.without_watch_cache.iter().map(|resource| format!("--no-watch-cache={resource}")));
        if self.all_apis {
            flags.push("--api-all".to_owned());
        }
        flags.extend(self.feature_gates.iter().map(|gate| format!("--feature-gates={gate}")));
        flags.extend(self.apiserver_flags.iter().map(|flag| format!("--apiserver-flag={flag}")));
        if self.controller_manager {
            flags.push("--controller-manager".to_owned());
        }
        if self.kubelet {
            flags.push("--kubelet".to_owned());
        }
        flags.extend(self.directory.iter().map(|directory| format!("--dir={}", directory.display())));
        flags
    }
}

fn finished(what: &str, output: std::process::Output) -> Result<String> {
    if !output.status.success() {
        bail!("{what}: {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    String::from_utf8(output.stdout).with_context(|| format!("the output of {what}"))
}

/// `PORTOLAN_CLUSTER`, or the one `cargo xtask setup` built into the target directory this test runs from.
fn program() -> Result<PathBuf> {
    let program = match std::env::var_os("PORTOLAN_CLUSTER") {
        Some(path) => PathBuf::from(path),
        None => {
            let test = std::env::current_exe().context("finding this test")?;
            let target = test.ancestors().nth(3).unwrap_or(Path::new("target")); // <target>/debug/deps/<test>
            target.join("cluster/portolan-cluster")
        }
    };
    if !program.is_file() {
        bail!("no cluster program at {}: `cargo xtask setup` builds it", program.display());
    }
    Ok(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_become_flags() {
        assert!(ClusterOptions::default().flags().is_empty());
        let options = ClusterOptions {
            without_watch_list: true,
            without_watch_cache: vec!["configmaps".into(), "secrets".into()],
            directory: Some("out".into()),
            ..ClusterOptions::default()
        };
        let expected =
            ["--watch-list=false", "--no-watch-cache=configmaps", "--no-watch-cache=secrets", "--dir=out"];
        assert_eq!(options.flags(), expected);
    }
}
