//! Discovery on a real API server, beside the real kubectl: the same output, the same cache, and every request counted on the
//! way to a real `kubectl proxy`.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use portolan::client::Client;
use portolan::client::discovery::{DeferredRestMapper, Discovery, FailureCause, RestMapper};
use portolan::config::{Config, ContentType};
use portolan_native::{ConfigOptions, cached_discovery, client_for, load_config};
use portolan_tests::{Cluster, ClusterOptions};

const WIDGETS: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: widgets, singular: widget, kind: Widget, shortNames: [wg, wi], categories: [all, toys]}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
    subresources: {status: {}, scale: {specReplicasPath: .spec.size, statusReplicasPath: .status.size}}
  - name: v1beta1
    served: true
    storage: false
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
";

/// An API whose server cannot be reached: its Service does not exist.
const BROKEN: &str = "
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1beta1.broken.example.com}
spec:
  group: broken.example.com
  version: v1beta1
  groupPriorityMinimum: 100
  versionPriority: 100
  insecureSkipTLSVerify: true
  service: {name: nobody, namespace: default}
";

fn cluster() -> Cluster {
    let cluster = Cluster::start(&ClusterOptions::default()).unwrap();
    cluster.apply(WIDGETS).unwrap();
    cluster.kubectl(&["wait", "--for=condition=Established", "crd/widgets.example.com"]).unwrap();
    cluster
}

fn config(cluster: &Cluster) -> Config {
    let kubeconfig = Some(cluster.facts().kubeconfig.clone());
    load_config(&ConfigOptions { kubeconfig, ..Default::default() }).unwrap()
}

/// The program of an example, built beside this test by the workspace's build of examples.
fn example(name: &str) -> PathBuf {
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--package=portolan-native", "--example", name])
        .status()
        .unwrap();
    assert!(built.success(), "building the example {name}");
    let test = std::env::current_exe().unwrap();
    test.ancestors().nth(2).unwrap().join("examples").join(name)
}

/// Output, error output and whether it succeeded.
fn run(command: &mut Command) -> (String, String, bool) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.success())
}

/// Group, version, name and everything else of each resource and subresource, in no order.
fn told(discovery: &Discovery) -> BTreeSet<String> {
    let mut told: BTreeSet<String> = discovery.group_versions().map(|version| format!("{version}")).collect();
    told.extend(discovery.groups.iter().map(|group| format!("{}: {}", group.name, group.preferred)));
    for found in discovery.resources() {
        told.insert(format!(
            "{:?}",
            portolan::client::discovery::DiscoveredResource { subresources: Vec::new(), ..found.clone() }
        ));
        told.extend(found.subresources.iter().map(|sub| format!("{}/{sub:?}", found.resource)));
    }
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_to_discover_finds_the_same() {
    let cluster = cluster();
    let config = config(&cluster);
    let client = client_for(config.clone()).unwrap();
    let aggregated = client.discovery().server_groups_and_resources().await.unwrap();
    let legacy = client.discovery().legacy().server_groups_and_resources().await.unwrap();
    let protobuf = client_for(Config { content_type: ContentType::Protobuf, ..config }).unwrap();
    let protobuf = protobuf.discovery().server_groups_and_resources().await.unwrap();
    assert!(told(&aggregated).len() > 150, "{}", told(&aggregated).len());
    assert_eq!(told(&aggregated), told(&legacy));
    assert_eq!(aggregated.groups, protobuf.groups);
    assert!(aggregated.warning().is_none() && legacy.warning().is_none());

    assert_eq!(client.discovery().server_version().await.unwrap().git_version, cluster.facts().version);
    let mapper = RestMapper::new(Arc::new(aggregated));
    for (argument, expected) in [
        ("po", "pods"),
        ("deploy", "deployments.apps"),
        ("wg", "widgets.example.com"),
        ("Widget", "widgets.example.com"),
        ("widgets.v1beta1.example.com", "widgets.example.com"),
        ("ep", "endpoints"),
        ("hpa", "horizontalpodautoscalers.autoscaling"),
        ("crd", "customresourcedefinitions.apiextensions.k8s.io"),
        ("cs", "componentstatuses"),
    ] {
        assert_eq!(mapper.mapping_for(argument).unwrap().to_string(), expected);
    }
    let all = cluster.kubectl(&["api-resources", "--categories=all", "-o", "name"]).unwrap();
    let all: BTreeSet<&str> = all.lines().collect();
    let ours: Vec<String> = mapper.expand_category("all").iter().map(ToString::to_string).collect();
    assert_eq!(ours.iter().map(String::as_str).collect::<BTreeSet<_>>(), all);
    let (_, error, _) = run(cluster.kubectl_command().args(["get", "gizmos"]));
    assert_eq!(format!("error: {}\n", mapper.mapping_for("gizmos").unwrap_err()), error);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_output_is_kubectls_byte_for_byte() {
    let cluster = cluster();
    let kubeconfig = format!("--kubeconfig={}", cluster.facts().kubeconfig.display());
    let (resources, versions) = (example("api_resources"), example("api_versions"));
    let ours = |program: &Path, arguments: &[&str]| {
        let shared = kubeconfig.split_once('=').unwrap();
        run(Command::new(program).args([shared.0, shared.1]).args(arguments))
    };
    for arguments in [
        &[][..],
        &["-o", "wide"],
        &["-o", "name"],
        &["--namespaced=true"],
        &["--namespaced=false"],
        &["--api-group=example.com"],
        &["--api-group="],
        &["--api-group=none.example.com"],
        &["--verbs=list,get"],
        &["--verbs=create", "-o", "wide"],
        &["--categories=all"],
        &["--categories=toys", "-o", "name"],
        &["--sort-by=name"],
        &["--sort-by=kind", "-o", "wide"],
        &["--no-headers"],
    ] {
        let theirs = run(cluster.kubectl_command().arg("api-resources").args(arguments));
        assert!(theirs.2, "{theirs:?}");
        assert_eq!(ours(&resources, arguments), theirs, "{arguments:?}");
    }
    let theirs = run(cluster.kubectl_command().arg("api-versions"));
    assert!(theirs.0.contains("example.com/v1beta1"));
    assert_eq!(ours(&versions, &[]), theirs);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_api_hides_nothing_else() {
    let cluster = cluster();
    let client = client_for(config(&cluster)).unwrap();
    let before = client.discovery().server_groups_and_resources().await.unwrap();
    cluster.apply(BROKEN).unwrap();
    let broken = async |client: &portolan::client::discovery::DiscoveryClient| {
        for _ in 0..240 {
            let found = client.server_groups_and_resources().await.unwrap();
            if !found.failures.is_empty() {
                return found;
            }
            tokio::time::sleep(std::time::Duration::from_millis(250)).await;
        }
        panic!("the broken API is not told within a minute");
    };
    let aggregated = broken(client.discovery()).await;
    let legacy = broken(&client.discovery().legacy()).await;
    for found in [&aggregated, &legacy] {
        let failed: Vec<String> =
            found.failures.iter().map(|failure| failure.group_version.to_string()).collect();
        assert_eq!(failed, ["broken.example.com/v1beta1"]);
        let missing: Vec<String> = told(&before).difference(&told(found)).cloned().collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
    assert!(matches!(aggregated.failures[0].cause, FailureCause::Stale));
    let FailureCause::Failed(error) = &legacy.failures[0].cause else { panic!("{legacy:?}") };
    assert!(error.is_service_unavailable(), "{error:?}");
    assert!(
        aggregated.warning().unwrap().contains("stale GroupVersion discovery: broken.example.com/v1beta1")
    );
}

/// `kubectl proxy` behind a relay that notes every request and the answer's status.
struct Counting {
    address: SocketAddr,
    noted: Arc<Mutex<Vec<String>>>,
    proxy: Child,
}

impl Counting {
    fn start(cluster: &Cluster) -> Self {
        let mut proxy = cluster.kubectl_command();
        let mut proxy = proxy.args(["proxy", "--port=0"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(proxy.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let behind = line.trim().rsplit(' ').next().unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, noted) = (listener.local_addr().unwrap(), Arc::<Mutex<Vec<String>>>::default());
        let notes = noted.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(&behind) else { break };
                let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                relay(from, to, notes.clone(), |line| line.strip_suffix(" HTTP/1.1").map(str::to_owned));
                relay(server, client, notes.clone(), |line| {
                    line.strip_prefix("HTTP/1.1 304").map(|_| "304".to_owned())
                });
            }
        });
        Self { address, noted, proxy }
    }

    fn kubeconfig(&self, folder: &Path) -> PathBuf {
        let path = folder.join("counted.kubeconfig");
        let text = format!(
            "{{apiVersion: v1, kind: Config, current-context: c, clusters: [{{name: c, cluster: {{server: 'http://{}'}}}}], \
             users: [{{name: u, user: {{}}}}], contexts: [{{name: c, context: {{cluster: c, user: u}}}}]}}",
            self.address
        );
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Requests, and `304` for each answer that is one, since the last call.
    fn noted(&self) -> Vec<String> {
        std::mem::take(&mut self.noted.lock().unwrap())
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        drop(self.proxy.kill());
        drop(self.proxy.wait());
    }
}

/// Passes bytes on, noting the lines that `note` takes.
fn relay(
    mut from: TcpStream,
    mut to: TcpStream,
    notes: Arc<Mutex<Vec<String>>>,
    note: fn(&str) -> Option<String>,
) {
    std::thread::spawn(move || {
        let (mut buffer, mut line) = ([0; 16 << 10], Vec::new());
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            for byte in &buffer[..count] {
                match byte {
                    b'\n' => {
                        let whole = String::from_utf8_lossy(&line).trim_end().to_owned();
                        notes.lock().unwrap().extend(note(&whole));
                        line.clear();
                    }
                    byte if line.len() < 1000 => line.push(*byte),
                    _ => {}
                }
            }
            if to.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        drop(to.shutdown(std::net::Shutdown::Both));
    });
}

fn counted_client(kubeconfig: &Path) -> Client {
    let options = ConfigOptions { kubeconfig: Some(kubeconfig.to_owned()), ..Default::default() };
    client_for(load_config(&options).unwrap()).unwrap()
}

fn kubectl(cluster: &Cluster, kubeconfig: &Path, cache: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(&cluster.facts().kubectl);
    command.env("KUBECONFIG", kubeconfig).env("KUBECACHEDIR", cache).args(arguments);
    let (output, error, good) = run(&mut command);
    assert!(good, "{error}");
    output
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cache_on_disk_is_shared_with_kubectl_both_ways() {
    let cluster = cluster();
    let counting = Counting::start(&cluster);
    let folder = std::env::temp_dir().join(format!("portolan-cache-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let kubeconfig = counting.kubeconfig(&folder);
    let cached = ["api-resources", "--cached", "-o", "wide"];

    // kubectl fills, we read.
    let (theirs, ours) = (folder.join("theirs"), folder.join("ours"));
    let expected = kubectl(&cluster, &kubeconfig, &theirs, &cached);
    assert!(counting.noted().len() >= 2);
    let client = counted_client(&kubeconfig);
    let kept = cached_discovery(&client, &theirs);
    let read = kept.server_groups_and_resources().await.unwrap();
    assert_eq!(counting.noted(), Vec::<String>::new(), "everything was kept by kubectl");
    assert!(!kept.fresh().await);
    let live = client.discovery().server_groups_and_resources().await.unwrap();
    assert_eq!(told(&read), told(&live));

    // Answers kept by kubectl spare us the documents: 304.
    counting.noted();
    kept.invalidate().await;
    kept.server_groups_and_resources().await.unwrap();
    let noted = counting.noted();
    assert_eq!(noted.iter().filter(|line| *line == "304").count(), 2, "{noted:?}");

    // We fill, kubectl reads.
    let filled = cached_discovery(&client, &ours);
    filled.server_groups_and_resources().await.unwrap();
    counting.noted();
    assert_eq!(kubectl(&cluster, &kubeconfig, &ours, &cached), expected);
    assert_eq!(counting.noted(), Vec::<String>::new(), "everything was kept by us");
    kubectl(&cluster, &kubeconfig, &ours, &["get", "wg"]);
    let noted = counting.noted();
    assert!(noted.iter().all(|line| line.contains("/widgets")) && !noted.is_empty(), "{noted:?}");
    // And kubectl asks anew by our ETags.
    kubectl(&cluster, &kubeconfig, &ours, &["api-versions"]);
    let noted = counting.noted();
    assert_eq!(noted.iter().filter(|line| *line == "304").count(), 2, "{noted:?}");

    // A definition that came later is found by asking once more.
    cluster.apply(&WIDGETS.replace("idget", "adget").replace("[wg, wi]", "[gd]")).unwrap();
    cluster.kubectl(&["wait", "--for=condition=Established", "crd/wadgets.example.com"]).unwrap();
    let mapper = DeferredRestMapper::new(cached_discovery(&client, &ours));
    assert_eq!(mapper.find(|known| known.mapping_for("gd")).await.unwrap().plural, "wadgets");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn many_processes_share_one_cache() {
    let cluster = cluster();
    let counting = Counting::start(&cluster);
    let folder = std::env::temp_dir().join(format!("portolan-crowd-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (kubeconfig, cache) = (counting.kubeconfig(&folder), folder.join("cache"));
    let program = example("api_resources");
    let expected = kubectl(&cluster, &kubeconfig, &folder.join("other"), &["api-resources", "-o", "wide"]);
    for round in ["empty", "filled"] {
        counting.noted();
        let start = |number: usize| {
            let mut command = if number % 4 == 3 {
                let mut kubectl = Command::new(&cluster.facts().kubectl);
                kubectl.env("KUBECONFIG", &kubeconfig).arg("api-resources");
                kubectl
            } else {
                let mut ours = Command::new(&program);
                ours.arg("--kubeconfig").arg(&kubeconfig);
                ours
            };
            command.env("KUBECACHEDIR", &cache).args(["--cached", "-o", "wide"]);
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let processes: Vec<Child> = (0..24).map(start).collect();
        for process in processes {
            let output = process.wait_with_output().unwrap();
            assert_eq!(
                String::from_utf8(output.stdout).unwrap(),
                expected,
                "{:?}",
                String::from_utf8(output.stderr)
            );
        }
        assert_eq!(counting.noted().is_empty(), round == "filled", "{round}");
    }
    let left: Vec<String> = files(&cache).into_iter().filter(|path| path.contains(".portolan-")).collect();
    assert!(left.is_empty(), "{left:?}");
    std::fs::remove_dir_all(&folder).unwrap();
}

fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let of = |path: PathBuf| if path.is_dir() { files(&path) } else { vec![path.display().to_string()] };
    entries.flat_map(of).collect()
}
