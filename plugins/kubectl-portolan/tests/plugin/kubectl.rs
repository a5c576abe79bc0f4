//! Through kubectl, which finds the plugin on the path: on the server in memory and on a real one with controllers.

use std::path::Path;
use std::process::Command;

use portolan_tests::{Cluster, ClusterOptions};

use super::{Live, Memory, TREE, lines, names, output};

const DEPLOYMENT: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: x}
spec:
  replicas: 2
  selector: {matchLabels: {app: x}}
  template:
    metadata: {labels: {app: x}}
    spec: {containers: [{name: main, image: 'example.com/x:1', resources: {requests: {cpu: 100m}}}]}
";

/// `kubectl portolan`, with this kubeconfig.
fn portolan(cluster: &Cluster, kubeconfig: &Path) -> Command {
    let path = std::env::var_os("PATH").unwrap();
    let own = Path::new(env!("CARGO_BIN_EXE_kubectl-portolan")).parent().unwrap();
    let folders = std::iter::once(own.to_owned()).chain(std::env::split_paths(&path));
    let mut command = Command::new(&cluster.facts().kubectl);
    command.env("PATH", std::env::join_paths(folders).unwrap());
    command.env("KUBECONFIG", kubeconfig).arg("portolan");
    command
}

#[test]
fn kubectl_runs_the_plugin() {
    let options = ClusterOptions { controller_manager: true, ..ClusterOptions::default() };
    let cluster = Cluster::start(&options).unwrap();
    let memory = Memory::start();
    memory.deploy();
    let tree = lines(&output(portolan(&cluster, &memory.kubeconfig()).args(["tree", "deployment", "x"])));
    assert_eq!(names(&tree), TREE);
    real(&cluster);
}

fn real(cluster: &Cluster) {
    let kubeconfig = cluster.facts().kubeconfig.clone();
    let mut pods = Live::start(portolan(cluster, &kubeconfig).args(["watch", "pods", "-n", "default"]));
    pods.until(|line| line.starts_with("NAME"));
    cluster.apply(DEPLOYMENT).unwrap();
    for _ in 0..2 {
        pods.until(|line| line.starts_with("x-") && line.contains("Pending"));
    }
    let tree = lines(&output(portolan(cluster, &kubeconfig).args(["tree", "deployment", "x"])));
    let kinds: Vec<&str> = names(&tree).into_iter().map(|name| name.split('/').next().unwrap()).collect();
    assert_eq!(kinds, ["NAME", "Deployment", "└─ReplicaSet", "  ├─Pod", "  └─Pod"], "{tree:#?}");
    let mut top = Live::start(portolan(cluster, &kubeconfig).args(["top", "pods", "-A"]));
    top.until(|line| line.starts_with("default/x-") && line.contains("100m"));
    cluster.kubectl(&["scale", "deployment", "x", "--replicas=0"]).unwrap();
    pods.until(|line| line.starts_with("default/x-") && line.ends_with(" is gone"));
}
