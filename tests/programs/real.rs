//! The examples on a real cluster; what they did is asked of kubectl.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;

use portolan_tests::{Cluster, ClusterOptions};

use super::{Example, changed, nginx};

const POD: &str = "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {nodeName: node-1, containers: [{name: main, image: example.com/web:1}]}
";

fn start(cluster: &Cluster, name: &str, own: &[&str]) -> Example {
    let kubeconfig = cluster.facts().kubeconfig.to_str().unwrap().to_owned();
    let arguments: Vec<&str> = ["--kubeconfig", &kubeconfig].into_iter().chain(own.iter().copied()).collect();
    Example::start(name, &arguments)
}

#[test]
fn the_examples_work_on_a_real_cluster() {
    let cluster = Cluster::start(&ClusterOptions::default()).unwrap();
    classic(&cluster);
    operator(&cluster);
    two_operators(&cluster);
}

#[test]
fn the_examples_of_clients_work_on_a_real_cluster() {
    let options = ClusterOptions { controller_manager: true, ..ClusterOptions::default() };
    let cluster = Cluster::start(&options).unwrap();
    let kubeconfig = cluster.facts().kubeconfig.to_str().unwrap().to_owned();
    nginx(&["--kubeconfig", &kubeconfig]);
    cluster.apply(POD).unwrap();
    let said = start(&cluster, "list_three_ways", &[]).end();
    assert_eq!(said, ["by requests: 1 pods", "typed: 1 pods", "dynamic: 1 pods on 1 nodes"]);
    let said = start(&cluster, "redis_cluster", &[]).end();
    assert!(said[0].contains("created") && said[1].contains("less than or equal to 20"), "{said:#?}");
    let image = "--output=jsonpath={.spec.image}";
    assert_eq!(cluster.kubectl(&["get", "redisclusters", "sessions", image]).unwrap(), "redis:8");
    let said = start(&cluster, "deployment", &[]).end();
    changed(&said);
    assert!(said.iter().any(|line| line.starts_with("added default/example-")), "{said:#?}");
    let orphans = cluster.kubectl(&["get", "pods", "--selector=app=example", "--output=name"]).unwrap();
    assert!(orphans.lines().count() >= 2, "those of a rollout under way may be more: {orphans}");
    proxy(&cluster);
}

const SHELL: &str = "
apiVersion: v1
kind: Pod
metadata: {name: shell}
spec: {nodeName: node-1, containers: [{name: main, image: none, command: [sh, -c, 'echo one; echo two; exec sleep 1000']}]}
";

#[test]
fn the_examples_of_streams_work_on_a_real_cluster() {
    let cluster = Cluster::start(&ClusterOptions { kubelet: true, ..ClusterOptions::default() }).unwrap();
    cluster.apply(SHELL).unwrap();
    cluster.kubectl(&["wait", "--for=condition=Ready", "pod/shell", "--timeout=120s"]).unwrap();
    let mut logs = start(&cluster, "logs", &["--follow", "shell"]);
    logs.until("the last line", |line| line == "two");
    let said = start(&cluster, "exec", &["shell", "--", "sh", "-c", "echo here; cat"]).end();
    assert_eq!(said, ["here"]);
    let said = start(&cluster, "cp", &["Cargo.toml", "default/shell:copy.toml"]).end();
    let length = std::fs::metadata("Cargo.toml").unwrap().len();
    assert_eq!(said, [format!("1 files, {length} bytes")]);
    assert_eq!(
        start(&cluster, "exec", &["--", "wc", "-c", "copy.toml"]).end(),
        [format!("{length} copy.toml")]
    );

    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port();
    let mut forward = start(&cluster, "port_forward", &["shell", &format!("0:{port}")]);
    let line = forward.until("where it listens", |line| line.starts_with("Forwarding from "));
    let address = line.split(' ').nth(2).unwrap();
    let mut connection = TcpStream::connect(address).unwrap();
    connection.write_all(b"hello").unwrap();
    let (mut peer, _) = server.accept().unwrap();
    let mut five = [0; 5];
    peer.read_exact(&mut five).unwrap();
    assert_eq!(&five, b"hello");
    forward.interrupt();
    forward.end();
}

fn proxy(cluster: &Cluster) {
    let mut proxy = cluster
        .kubectl_command()
        .args(["proxy", "--port=0"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(proxy.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = format!("http://{}", line.trim().rsplit(' ').next().unwrap());
    for arguments in [&[address.as_str()][..], &["--socket", address.as_str()]] {
        let said = Example::start("proxy", arguments).end();
        assert!(
            said.contains(&"kube-system".to_owned()) && said.contains(&"added kube-system".to_owned()),
            "{said:#?}"
        );
    }
    proxy.kill().unwrap();
    proxy.wait().unwrap();
}

fn classic(cluster: &Cluster) {
    let mut example = start(cluster, "pod_controller", &[]);
    example.until("in sync", |line| line == "in sync: 0 pods");
    cluster.apply(POD).unwrap();
    example.until("the Pod", |line| line == "default/web is Pending");
    assert_eq!(start(cluster, "list_pods", &["default"]).end().len(), 1);
    cluster.kubectl(&["delete", "pod", "web", "--force", "--grace-period=0"]).unwrap();
    example.until("its end", |line| line == "default/web is gone");
    example.interrupt();
    assert_eq!(example.end().last().map(String::as_str), Some("stopped"));
}

fn operator(cluster: &Cluster) {
    let said = start(cluster, "operator", &["--demo", "here"]).end();
    assert!(said.contains(&"demo: deleted".to_owned()), "{said:#?}");
    let parts = r"--output=jsonpath={.data.index\.html} {.metadata.ownerReferences[0].controller}";
    assert_eq!(cluster.kubectl(&["get", "configmap", "hello", parts]).unwrap(), "<h1>Hello</h1> true");
    let events = cluster.kubectl(&["events", "--for=website/hello", "--no-headers"]).unwrap();
    assert!(events.contains("Published") && events.contains("NameReleased"), "{events}");
    let holder = "--output=jsonpath={.spec.holderIdentity}";
    let lease = cluster.kubectl(&["get", "lease", "website-operator", holder]).unwrap();
    assert_eq!(lease, "", "the Lease was given up");
}

/// The second leads once the first ends, and what a user does through kubectl comes about.
fn two_operators(cluster: &Cluster) {
    let mut first = start(cluster, "operator", &["first"]);
    first.until("that it leads", |line| line == "reconciling as first");
    let mut second = start(cluster, "operator", &["second"]);
    second.until("who leads", |line| line == r#"leader: "first""#);
    cluster
        .apply("{apiVersion: example.com/v1, kind: Website, metadata: {name: site}, spec: {title: One}}")
        .unwrap();
    first.until("the page", |line| line == "default/site: published");
    cluster.kubectl(&["delete", "configmap", "site"]).unwrap();
    first.until("the page anew, for a child leads to its owner", |line| line == "default/site: published");
    first.interrupt();
    assert_eq!(first.end().last().map(String::as_str), Some("stopped"));
    second.until("that it leads", |line| line == "reconciling as second");
    let change = r#"{"spec": {"title": "Two"}}"#;
    cluster.kubectl(&["patch", "website", "site", "--type=merge", "--patch", change]).unwrap();
    second.until("the change", |line| line == "default/site: published");
    let page = cluster.kubectl(&["get", "configmap", "site", "--output=jsonpath={.data}"]).unwrap();
    assert!(page.contains("Two"), "{page}");
    cluster.kubectl(&["delete", "website", "site"]).unwrap(); // waits for the finalizer
    second.interrupt();
    assert_eq!(second.end().last().map(String::as_str), Some("stopped"));
}
