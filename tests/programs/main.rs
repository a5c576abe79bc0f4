//! The examples of portolan-native, run as their user would: on the cluster in memory, and on a real one.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod plugins;
#[cfg(feature = "cluster")]
mod real;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// So long an example may take to say what is awaited, or to end, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// An example that runs.
struct Example {
    process: Child,
    lines: Receiver<String>,
    said: Vec<String>,
}

impl Example {
    fn start(name: &str, arguments: &[&str]) -> Self {
        let mut process = Command::new(folder().join(name))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = process.stdout.take().unwrap();
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                drop(sender.send(line));
            }
        });
        Self { process, lines, said: Vec::new() }
    }

    /// Waits for a line that `wanted` wants.
    fn until(&mut self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let Some(line) = self.next_line(what, deadline) else { self.fail("ended before", what) };
            if wanted(&line) {
                return line;
            }
        }
    }

    /// The next line, none once its output has ended.
    fn next_line(&mut self, what: &str, deadline: Instant) -> Option<String> {
        match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => {
                self.said.push(line.clone());
                Some(line)
            }
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => self.fail("gave up waiting for", what),
        }
    }

    fn fail(&self, how: &str, what: &str) -> ! {
        panic!("{how}: {what}; it said {:#?}", self.said);
    }

    /// Ctrl-C.
    fn interrupt(&self) {
        let sent = Command::new("kill").args(["-INT", &self.process.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits until it ends, well, and gives all it said.
    fn end(mut self) -> Vec<String> {
        let deadline = Instant::now() + PATIENCE;
        while self.next_line("its end", deadline).is_some() {}
        let status = loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                break status;
            }
            if Instant::now() > deadline {
                self.fail("gave up waiting for", "its exit");
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        assert!(status.success(), "{status}: {:#?}", self.said);
        std::mem::take(&mut self.said)
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Where the examples are, built once.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--package=portolan-native", "--examples"]);
        // Of this package the build must hear nothing: build scripts that look would run again each time.
        for (name, _) in std::env::vars()
            .filter(|(name, _)| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"))
        {
            build.env_remove(name);
        }
        let built = build.status().unwrap();
        assert!(built.success());
        let test = std::env::current_exe().unwrap(); // <target>/debug/deps/<test>
        test.ancestors().nth(2).unwrap().join("examples")
    })
}

#[test]
fn a_reader_that_goes_away_ends_an_example_quietly() {
    let mut command = Command::new(folder().join("list_pods"));
    let mut process =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(process.stdout.take());
    let output = process.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", output.status);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn pods_are_listed_in_pages_and_by_namespace() {
    let all = Example::start("list_pods", &[]).end();
    assert!(all.len() > 100, "more than a page");
    let distinct: BTreeSet<&String> = all.iter().collect();
    assert_eq!(distinct.len(), all.len());
    let namespace = all[0].split('/').next().unwrap();
    let some = Example::start("list_pods", &[namespace]).end();
    assert!(some.iter().all(|line| line.starts_with(&format!("{namespace}/"))));
}

#[test]
fn the_classic_controller_syncs_goes_on_and_stops() {
    let mut example = Example::start("pod_controller", &[]);
    let synced = example.until("in sync", |line| line.starts_with("in sync: "));
    let pods: usize = synced.split(' ').nth(2).unwrap().parse().unwrap();
    for _ in 0..pods {
        example.until("a Pod's phase", |line| line.contains(" is "));
    }
    example.until("what the workload changes", |line| line.contains(" is "));
    example.interrupt();
    let said = example.end();
    assert!(said.contains(&"stopped".to_owned()), "{said:#?}");
}

#[test]
fn the_operator_plays_the_life_of_a_website() {
    let said = Example::start("operator", &["--demo", "here"]).end();
    let expected = [
        r#"leader: "here""#,
        "reconciling as here",
        "default/hello: took its name",
        "default/hello: published",
        "demo: https://hello.example.com",
        "default/hello: gave its name back",
        "demo: deleted",
        "stopped",
    ];
    let mut rest = said.iter();
    for line in expected {
        assert!(rest.any(|said| said == line), "{line:?} is missing or late in {said:#?}");
    }
}

#[test]
fn resources_and_versions_of_the_cluster_in_memory_are_printed() {
    let names = Example::start("api_resources", &["-o", "name", "--api-group=apps"]).end();
    assert_eq!(
        names,
        [
            "controllerrevisions.apps",
            "daemonsets.apps",
            "deployments.apps",
            "replicasets.apps",
            "statefulsets.apps"
        ]
    );
    let table = Example::start("api_resources", &["--api-group=batch"]).end();
    let expected = [
        "NAME       SHORTNAMES   APIVERSION   NAMESPACED   KIND",
        "cronjobs   cj           batch/v1     true         CronJob",
        "jobs                    batch/v1     true         Job",
    ];
    assert_eq!(table, expected);
    assert!(Example::start("api_versions", &[]).end().contains(&"apps/v1".to_owned()));
}

#[test]
fn wrong_arguments_are_told_in_one_line() {
    for (arguments, told) in [
        (&["--kubeconfig"][..], "--kubeconfig wants a value after it"),
        (&["--kubeconfig", "/none/such"], "there is no such file"),
        (&["--bogus"], "\"--bogus\" is not known here"),
    ] {
        let output = Command::new(folder().join("pod_controller")).args(arguments).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && output.stdout.is_empty());
        assert!(text.contains(told) && text.lines().count() == 1, "{text}");
    }
}

#[test]
fn the_three_ways_to_list_see_the_same_pods() {
    let said = Example::start("list_three_ways", &[]).end();
    let counts: BTreeSet<&str> =
        said.iter().filter_map(|line| line.split(' ').find(|word| is_number(word))).collect();
    assert!(said.len() == 3 && counts.len() == 1, "{said:#?}");
}

#[test]
fn namespaces_are_watched_over_http_and_over_a_web_socket() {
    for (arguments, way) in [(&[][..], "Http"), (&["--socket"], "Socket")] {
        let said = Example::start("proxy", arguments).end();
        let watching = format!("watching over {way} for five seconds");
        for line in ["kube-system", &watching, "added kube-system"] {
            assert!(said.iter().any(|given| given == line), "{line}: {said:#?}");
        }
    }
}

fn is_number(word: &str) -> bool {
    word.parse::<u32>().is_ok_and(|number| number > 0)
}

#[test]
fn a_pod_is_read_back_with_its_requests_and_limits() {
    nginx(&[]);
}

fn nginx(arguments: &[&str]) {
    let said = Example::start("nginx_pod", arguments).end();
    assert_eq!(
        said,
        ["default/nginx nginx:1.29", "  requests: cpu=100m memory=64Mi", "  limits: cpu=250m memory=128Mi"]
    );
}

#[test]
fn a_deployment_lives_through_conflict_scale_and_deletion() {
    let said = Example::start("deployment", &[]).end();
    changed(&said);
}

/// Each of the three lives of the example's Deployment went as it should.
fn changed(said: &[String]) {
    for line in ["created Unstructured(Deployment default/example)", "scaled to Some(2)"] {
        assert_eq!(said.iter().filter(|given| *given == line).count(), 3, "{line}: {said:#?}");
    }
    // A controller may interfere beside the example's own other writer.
    let attempts = said.iter().filter_map(|line| {
        let (attempts, outcome) = line.strip_prefix("updated after ")?.split_once(" attempts: ")?;
        (outcome == r#"3 replicas of nginx:1.29, note Some("of another")"#)
            .then(|| attempts.parse::<u32>().unwrap())
    });
    assert_eq!(attempts.filter(|attempts| *attempts >= 2).count(), 3, "{said:#?}");
    for policy in ["Foreground", "Background", "Orphan"] {
        let line = format!("deleted, what it owns: {policy}");
        assert!(said.contains(&line), "{line}: {said:#?}");
    }
}

#[test]
fn logs_are_printed_and_a_command_runs() {
    let said = Example::start("logs", &["--tail", "3", "--timestamps"]).end();
    assert!(said.len() == 3 && said.iter().all(|line| line.starts_with("20")), "{said:#?}");
    let said = Example::start("logs", &["--all-containers", "--tail", "1"]).end();
    assert!(!said.is_empty() && said.iter().all(|line| line.starts_with("[pod/")), "{said:#?}");
    let mut followed = Example::start("logs", &["--tail", "1", "--follow"]);
    for _ in 0..3 {
        followed.until("a further line", |line| !line.is_empty());
    }
    assert_eq!(Example::start("exec", &["--", "hello", "there"]).end(), ["hello there"]);
    let failed = Command::new(folder().join("exec")).args(["--", "false"]).output().unwrap();
    assert_eq!(failed.status.code(), Some(1), "{failed:?}");
}

#[test]
fn a_kind_of_ones_own_is_declared_and_made() {
    let said = Example::start("redis_cluster", &[]).end();
    assert!(said[0].contains("created") && said[0].ends_with("3 replicas"), "{said:#?}");
}
