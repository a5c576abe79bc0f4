//! Logs, exec, attach and port-forward through a real API server and Kubernetes' own serving code, kubectl beside them.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use std::time::Duration;

use futures::{AsyncReadExt, AsyncWriteExt, StreamExt, stream};
use k8s_openapi::api::core::v1::Pod;
use portolan::client::Api;
use portolan::config::WatchOver;
use portolan::stream::{
    AttachOptions, Collected, ExecOptions, LogOptions, Output, Protocol, RemoteProcess, Since, TerminalSize,
};
use portolan_native::{ConfigOptions, client_for, copy_from_pod, copy_to_pod, forward, load_config};
use portolan_tests::{Cluster, ClusterOptions};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::native::{client, in_time};

/// `main` ends once and then reads; `side` writes a line and waits; `term` has a terminal.
const POD: &str = r#"
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  nodeName: node-1
  containers:
  - name: main
    image: none
    stdin: true
    command: [sh, -c, "if [ -e ran ]; then echo second; echo third; exec cat; fi; touch ran; echo first"]
  - {name: side, image: none, command: [sh, -c, "echo side; exec sleep 1000"]}
  - {name: term, image: none, stdin: true, tty: true, command: [sh, -c, "exec cat"]}
"#;

/// The most that a command here writes.
const LIMIT: usize = 64 << 20;

fn start(options: ClusterOptions) -> (Cluster, Api<Pod>) {
    let cluster = Cluster::start(&ClusterOptions { kubelet: true, ..options }).unwrap();
    cluster.apply(POD).unwrap();
    let second = "--for=jsonpath={.status.containerStatuses[0].restartCount}=1";
    cluster.kubectl(&["wait", second, "pod/web", "--timeout=120s"]).unwrap();
    cluster.kubectl(&["wait", "--for=condition=Ready", "pod/web", "--timeout=120s"]).unwrap();
    let pods = client(&cluster, WatchOver::Http).core_v1().pods("default");
    (cluster, pods)
}

fn of(container: &str) -> ExecOptions {
    ExecOptions { container: Some(container.to_owned()), ..ExecOptions::default() }
}

fn with_stdin(container: &str) -> ExecOptions {
    ExecOptions { stdin: true, ..of(container) }
}

async fn run(pods: &Api<Pod>, command: &[&str]) -> Collected {
    let process = pods.exec("web", command.iter().copied(), &of("side")).await.unwrap();
    in_time("the command", process.collect(LIMIT)).await.unwrap()
}

/// Reads standard output until it holds `wanted`.
async fn until(process: &mut RemoteProcess, wanted: &str) -> String {
    let mut read = String::new();
    while !read.contains(wanted) {
        match in_time(wanted, process.output.next()).await.unwrap().unwrap() {
            Output::Stdout(bytes) | Output::Stderr(bytes) => read.push_str(&String::from_utf8_lossy(&bytes)),
            Output::Exited(code) => panic!("it exited with {code} before {wanted:?}: {read:?}"),
        }
    }
    read
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_are_what_kubectl_prints() {
    let (cluster, pods) = start(ClusterOptions::default());
    let main = LogOptions { container: Some("main".into()), ..LogOptions::default() };
    let kubectl =
        |own: &[&str]| cluster.kubectl(&[&["logs", "web", "--container=main"], own].concat()).unwrap();
    let hour = Duration::from_secs(3600);
    for (options, own, expected) in [
        (main.clone(), &[][..], "second\nthird\n"),
        (LogOptions { tail_lines: Some(1), ..main.clone() }, &["--tail=1"], "third\n"),
        (LogOptions { limit_bytes: Some(9), ..main.clone() }, &["--limit-bytes=9"], "second\nth"),
        (LogOptions { previous: true, ..main.clone() }, &["--previous"], "first\n"),
        (LogOptions { since: Some(Since::Last(hour)), ..main.clone() }, &["--since=1h"], "second\nthird\n"),
    ] {
        let ours = pods.logs("web", &options).await.unwrap().collect(LIMIT).await.unwrap();
        assert_eq!(
            (&ours[..], kubectl(own).as_bytes()),
            (expected.as_bytes(), expected.as_bytes()),
            "{own:?}"
        );
    }
    let stamped = LogOptions { timestamps: true, ..main.clone() };
    let ours = pods.logs("web", &stamped).await.unwrap().collect(LIMIT).await.unwrap();
    let ours = String::from_utf8(ours.to_vec()).unwrap();
    assert_eq!(ours, kubectl(&["--timestamps"]));
    let last = ours.lines().last().unwrap().split(' ').next().unwrap();
    let since = LogOptions { since: Some(Since::Time(later(last))), ..main.clone() };
    assert!(pods.logs("web", &since).await.unwrap().collect(LIMIT).await.unwrap().is_empty());

    let all = pods.logs_of_all("web", &LogOptions::default()).await.unwrap();
    let mut all: Vec<String> = all.map(|line| line.unwrap().to_string()).collect().await;
    assert!(all[0].starts_with("[pod/web/main]"), "in the pod's order: {all:?}");
    let theirs = cluster.kubectl(&["logs", "web", "--all-containers", "--prefix"]).unwrap();
    let mut theirs: Vec<&str> = theirs.lines().collect();
    // Between containers kubectl has no order.
    all.sort_by_key(|line| line.split(' ').next().map(str::to_owned));
    theirs.sort_by_key(|line| line.split(' ').next());
    assert_eq!(all, theirs);
    let no_run_before = LogOptions { previous: true, ..LogOptions::default() };
    let mut merged = pods.logs_of_all("web", &no_run_before).await.unwrap();
    assert_eq!(merged.next().await.unwrap().unwrap().to_string(), "[pod/web/main] first");
    let error = merged.next().await.unwrap().unwrap_err();
    assert!(error.is_bad_request() && error.to_string().contains("container side"), "{error}");
    follow(&pods, &main).await;
}

/// The second after this moment.
fn later(text: &str) -> k8s_openapi::apimachinery::pkg::apis::meta::v1::Time {
    let time: k8s_openapi::jiff::Timestamp = text.parse().unwrap();
    k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(time + Duration::from_secs(1))
}

/// Followed logs go on with what the container writes, and end with it.
async fn follow(pods: &Api<Pod>, main: &LogOptions) {
    let options = LogOptions { follow: true, ..main.clone() };
    let mut lines = pods.logs("web", &options).await.unwrap().lines();
    let mut all = pods.logs_of_all("web", &options).await.unwrap();
    let mut attached = pods.attach("web", &with_stdin("main")).await.unwrap();
    attached.input.write_all(b"written later\n").await.unwrap();
    for expected in ["second", "third", "written later"] {
        let line = in_time(expected, lines.next()).await.unwrap().unwrap();
        assert_eq!((line.text().as_ref(), line.goes_on), (expected, false));
    }
    while in_time("the same, merged", all.next()).await.unwrap().unwrap().line.text() != "written later" {}
    pods.delete("web", &Default::default()).await.unwrap();
    assert!(in_time("the end of the logs", lines.next()).await.is_none_or(|line| line.is_err()));
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_run_and_say_how_they_ended() {
    let (cluster, pods) = start(ClusterOptions::default());
    let said = run(&pods, &["sh", "-c", "echo out; echo err >&2; exit 3"]).await;
    assert_eq!((&said.stdout[..], &said.stderr[..], said.exit_code), (&b"out\n"[..], &b"err\n"[..], 3));
    let theirs = cluster.kubectl(&["exec", "web", "--container=side", "--", "sh", "-c", "echo out"]).unwrap();
    assert_eq!(theirs, "out\n");
    let odd = run(&pods, &["printf", "%s|", "a b", "", "ü&=?#%", "--"]).await;
    assert_eq!(String::from_utf8_lossy(&odd.stdout), "a b||ü&=?#%|--|");
    assert_eq!(run(&pods, &["no-such-program"]).await.exit_code, 127);

    // More than any buffer on the way holds, both ways at once.
    let process = pods.exec("web", ["cat"], &with_stdin("side")).await.unwrap();
    assert_eq!(process.input.protocol(), Protocol::V5);
    let sent: Vec<u8> = (0..8_000_000_u32).flat_map(|number| (number as u8).to_le_bytes()).collect();
    let mut received = Vec::new();
    let copied = process.copy(&sent[..], &mut received, futures::io::sink(), stream::pending());
    assert_eq!(in_time("cat", copied).await.unwrap(), 0);
    assert!(received == sent, "{} bytes of {}", received.len(), sent.len());

    // Whoever does not read holds the command back, and dropping it ends it.
    let slow = pods.exec("web", ["sh", "-c", "yes & echo $! > yes.pid; wait"], &of("side")).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    drop(slow);
    let gone = ["sh", "-c", "while kill -0 $(cat yes.pid) 2>/dev/null; do sleep 0.1; done; echo gone"];
    assert_eq!(run(&pods, &gone).await.stdout, "gone\n");
    terminal(&pods).await;
}

async fn terminal(pods: &Api<Pod>) {
    let options = ExecOptions { tty: true, ..with_stdin("side") };
    let mut process = pods.exec("web", ["sh"], &options).await.unwrap();
    process.input.resize(TerminalSize { width: 132, height: 43 }).await.unwrap();
    process
        .input
        .write_all(b"until stty size | grep -q '43 132'; do sleep 0.1; done; echo rea''dy\n")
        .await
        .unwrap();
    until(&mut process, "ready").await;
    process.input.resize(TerminalSize { width: 80, height: 24 }).await.unwrap();
    process
        .input
        .write_all(b"until stty size | grep -q '24 80'; do sleep 0.1; done; tty; exit 7\n")
        .await
        .unwrap();
    until(&mut process, "/dev/pts/").await;
    assert_eq!(in_time("the end", process.collect(LIMIT)).await.unwrap().exit_code, 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_is_told() {
    let (cluster, pods) = start(ClusterOptions::default());
    let options = of("side");
    assert!(pods.exec("none", ["true"], &options).await.unwrap_err().is_not_found());
    let error = pods.exec("web", ["true"], &of("none")).await.unwrap_err();
    assert!(error.is_bad_request() && error.to_string().contains("container none is not valid"), "{error}");
    let none = AttachOptions { stdout: false, stderr: false, ..of("side") };
    let error = pods.attach("web", &none).await.unwrap_err();
    assert!(error.to_string().contains("at least one of stdin, stdout and stderr"), "{error}");
    assert!(pods.logs("none", &LogOptions::default()).await.unwrap_err().is_not_found());
    let error = pods.logs("web", &LogOptions::default()).await.unwrap_err();
    assert!(error.is_bad_request() && error.to_string().contains("main side term"), "{error}");
    assert!(pods.port_forward("none", 80).await.unwrap_err().is_not_found());
    assert!(pods.port_forward("web", 0).await.unwrap_err().to_string().contains("port 0"));

    let kubeconfig = Some(cluster.facts().kubeconfig.clone());
    let mut config = load_config(&ConfigOptions { kubeconfig, ..Default::default() }).unwrap();
    config.tls.identity = None;
    config.auth.credential = portolan::config::Credential::Token(portolan::config::Secret::new(
        cluster.facts().viewer_token.clone(),
    ));
    let viewer = client_for(config).unwrap().core_v1().pods("default");
    for error in [
        viewer.exec("web", ["true"], &options).await.unwrap_err(),
        viewer.attach("web", &options).await.unwrap_err(),
        viewer.port_forward("web", 80).await.unwrap_err(),
        viewer.logs("web", &LogOptions::default()).await.unwrap_err(),
    ] {
        assert!(error.is_forbidden() && error.to_string().contains("portolan-viewer"), "{error}");
    }

    cluster.stop_kubelet().unwrap();
    let process = pods.exec("web", ["true"], &options).await.unwrap();
    let error = in_time("no node", process.collect(LIMIT)).await.unwrap_err();
    assert!(error.is_internal_error() && error.to_string().contains("connection refused"), "{error}");
    let logs = LogOptions { container: Some("side".into()), ..LogOptions::default() };
    let error = in_time("no node", pods.logs("web", &logs)).await.unwrap_err();
    assert!(error.to_string().contains("connection refused"), "{error}");
    let error = in_time("no node", pods.port_forward("web", 80)).await.unwrap_err();
    assert!(error.to_string().contains("connection refused"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn attached_is_what_the_container_reads_and_writes() {
    let (_cluster, pods) = start(ClusterOptions::default());
    let mut first = pods.attach("web", &with_stdin("main")).await.unwrap();
    let mut second = pods.attach("web", &of("main")).await.unwrap();
    first.input.write_all(b"to all\n").await.unwrap();
    assert_eq!(until(&mut first, "to all\n").await, "to all\n");
    // One that came later may have missed it, so it is told again until it has it.
    let (mut input, telling) = (first.input, async { until(&mut second, "again\n").await });
    let mut telling = Box::pin(telling);
    loop {
        input.write_all(b"again\n").await.unwrap();
        tokio::select! {
            _ = &mut telling => break,
            () = tokio::time::sleep(Duration::from_millis(50)) => {}
        }
    }
    let options = AttachOptions { tty: true, ..with_stdin("term") };
    let mut terminal = pods.attach("web", &options).await.unwrap();
    terminal.input.write_all(b"echoed\r").await.unwrap();
    until(&mut terminal, "echoed\r\nechoed\r\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_is_reached_and_either_side_can_end_first() {
    let (_cluster, pods) = start(ClusterOptions::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    // Answers with all it was sent, once that has ended.
    let server = tokio::spawn(async move {
        for _ in 0..2 {
            let (mut peer, _) = listener.accept().await.unwrap();
            let mut all = Vec::new();
            peer.read_to_end(&mut all).await.unwrap();
            peer.write_all(&all).await.unwrap();
        }
    });
    for length in [5, 8_000_000] {
        let sent: Vec<u8> = (0..length).map(|number: u32| number as u8).collect();
        let mut connection = pods.port_forward("web", port).await.unwrap();
        in_time("the port takes all", connection.write_all(&sent)).await.unwrap();
        in_time("our end", connection.close()).await.unwrap();
        let mut received = Vec::new();
        in_time("the answer", connection.read_to_end(&mut received)).await.unwrap();
        assert!(received == sent, "{} bytes of {length}", received.len());
    }
    in_time("the server", server).await.unwrap(); // and stops listening
    let mut refused = pods.port_forward("web", port).await.unwrap();
    let error = from_io(in_time("a refusal", refused.read_to_end(&mut Vec::new())).await.unwrap_err());
    assert!(error.is_transport() && error.to_string().contains("connection refused"), "{error}");
    assert_eq!(in_time("the end", refused.read(&mut [0; 8])).await.unwrap(), 0, "told once");
}

/// A listener here is the port there, for as long as it is held.
#[tokio::test(flavor = "multi_thread")]
async fn a_local_port_is_forwarded_to_any_number_of_connections() {
    let (_cluster, pods) = start(ClusterOptions::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        loop {
            let (mut peer, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let (mut read, mut write) = peer.split();
                drop(tokio::io::copy(&mut read, &mut write).await);
            });
        }
    });
    let mut forwarder = forward(&pods, "web", port, "127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = forwarder.local_addr();
    let connections = (0..10_u8).map(|number| async move {
        let mut connection = TcpStream::connect(address).await.unwrap();
        let sent = vec![number; 100_000];
        let (mut read, mut write) = connection.split();
        let mut received = Vec::new();
        let sending = async {
            write.write_all(&sent).await.unwrap();
            write.shutdown().await.unwrap();
        };
        let (_, outcome) = tokio::join!(sending, read.read_to_end(&mut received));
        outcome.unwrap();
        assert!(received == sent, "{} bytes", received.len());
    });
    in_time("ten at once", futures::future::join_all(connections)).await;
    server.abort();
    drop(server.await);
    let mut refused = TcpStream::connect(address).await.unwrap();
    let error = in_time("a failure", forwarder.failure()).await;
    assert!(error.to_string().contains("connection refused"), "{error}");
    assert_eq!(in_time("the end", refused.read(&mut [0; 8])).await.unwrap_or(0), 0);
    drop(forwarder);
    in_time("nobody listens", async { while TcpStream::connect(address).await.is_ok() {} }).await;
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let error = forward(&pods, "web", port, taken.local_addr().unwrap()).await.unwrap_err();
    assert!(error.to_string().contains("cannot listen on 127.0.0.1"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_and_folders_are_copied_both_ways_as_kubectl_does() {
    let (cluster, pods) = start(ClusterOptions::default());
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source");
    std::fs::create_dir_all(source.join("sub/empty")).unwrap();
    std::fs::write(source.join("sub/ü file"), "content").unwrap();
    std::fs::write(source.join("large"), vec![7; 3_000_000]).unwrap();
    std::os::unix::fs::symlink("large", source.join("link")).unwrap();
    let container = Some("side");

    let copied = in_time("up", copy_to_pod(&pods, "web", container, &source, "copy")).await.unwrap();
    assert_eq!((copied.files, copied.bytes), (2, 3_000_007));
    let listed = run(&pods, &["sh", "-c", "cd copy && find . | sort && readlink link"]).await;
    let expected = "./large\n./link\n./sub\n./sub/empty\n./sub/ü file\nlarge\n";
    assert_eq!(String::from_utf8_lossy(&listed.stdout), format!(".\n{expected}"));
    // Into a folder that is there.
    in_time("up again", copy_to_pod(&pods, "web", container, &source, "copy")).await.unwrap();
    assert_eq!(run(&pods, &["test", "-f", "copy/source/large"]).await.exit_code, 0);
    run(&pods, &["rm", "-r", "copy/source"]).await;

    let back = folder.path().join("back");
    let copied = in_time("down", copy_from_pod(&pods, "web", container, "copy", &back)).await.unwrap();
    assert_eq!((copied.files, copied.bytes, copied.left_out), (2, 3_000_007, vec!["link".to_owned()]));
    let theirs = folder.path().join("theirs");
    let target = theirs.to_str().unwrap();
    cluster.kubectl(&["cp", "--container=side", "web:copy", target]).unwrap();
    assert_eq!(files(&back), files(&theirs));
    let one = folder.path().join("new/one");
    in_time("one", copy_from_pod(&pods, "web", container, "./copy/sub/ü file", &one)).await.unwrap();
    assert_eq!(std::fs::read_to_string(&one).unwrap(), "content");

    let error = copy_from_pod(&pods, "web", container, "none", &back).await.unwrap_err();
    assert!(error.to_string().contains("none"), "{error}");
    let error = copy_to_pod(&pods, "web", container, &source, "no/such/folder").await.unwrap_err();
    assert!(error.to_string().contains("no/such"), "{error}");
    let error = copy_to_pod(&pods, "web", container, &folder.path().join("none"), "x").await.unwrap_err();
    assert!(error.to_string().contains("none"), "{error}");
}

/// What is below a folder: paths and contents, folders as such.
fn files(folder: &std::path::Path) -> Vec<(String, Option<Vec<u8>>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(folder).unwrap().to_string_lossy().into_owned();
            found.push((name, std::fs::read(&path).ok()));
            if path.is_dir() {
                folders.push(path);
            }
        }
    }
    found.sort();
    found
}

/// As API servers before 1.30 and 1.31 are.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_speaks_v4_alone_is_spoken_to_in_v4() {
    let off = ["TranslateStreamCloseWebsocketRequests=false", "PortForwardWebsockets=false"];
    let feature_gates = off.map(str::to_owned).to_vec();
    let (_cluster, pods) = start(ClusterOptions { feature_gates, ..ClusterOptions::default() });
    let said = run(&pods, &["sh", "-c", "echo out; echo err >&2; exit 3"]).await;
    assert_eq!((&said.stdout[..], &said.stderr[..], said.exit_code), (&b"out\n"[..], &b"err\n"[..], 3));
    let mut process = pods.exec("web", ["head", "-n1"], &with_stdin("side")).await.unwrap();
    assert_eq!(process.input.protocol(), Protocol::V4);
    process.input.write_all(b"one\ntwo\n").await.unwrap();
    assert_eq!(in_time("head", process.collect(LIMIT)).await.unwrap().stdout, "one\n");
    let process = pods.exec("web", ["cat"], &with_stdin("side")).await.unwrap();
    let copied = process.copy(&b"x"[..], futures::io::sink(), futures::io::sink(), stream::pending());
    assert!(in_time("no end of input", copied).await.unwrap_err().is_unsupported());

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        let (mut peer, _) = listener.accept().await.unwrap();
        let mut five = [0; 5];
        peer.read_exact(&mut five).await.unwrap();
        peer.write_all(&five).await.unwrap();
    });
    let mut connection = pods.port_forward("web", port).await.unwrap();
    connection.write_all(b"hello").await.unwrap();
    let mut received = String::new();
    in_time("the answer", connection.read_to_string(&mut received)).await.unwrap();
    assert_eq!(received, "hello");
    assert!(from_io(connection.close().await.unwrap_err()).is_unsupported());
    in_time("the server", server).await.unwrap();
    let mut refused = pods.port_forward("web", port).await.unwrap();
    let error = from_io(in_time("a refusal", refused.read(&mut [0; 8])).await.unwrap_err());
    assert!(error.to_string().contains("connection refused"), "{error}");
}

fn from_io(error: std::io::Error) -> portolan::Error {
    error.downcast().unwrap()
}
