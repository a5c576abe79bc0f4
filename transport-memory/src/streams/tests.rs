//! Logs and commands of a Pod in memory, in virtual time.

use futures::AsyncWriteExt;
use k8s_openapi::api::core::v1::Pod;
use portolan::client::Api;
use portolan::stream::{ExecOptions, LogOptions, Since, TerminalSize};
use portolan::time::{Runtime, Simulator};
use serde_json::json;

use super::*;
use crate::Cluster;

/// Plays `test` with a Pod that is ten seconds old.
fn play(test: impl AsyncFnOnce(Runtime, Api<Pod>)) {
    play_with(|_| {}, test);
}

/// The same with a cluster that is told something before.
fn play_with(prepare: impl FnOnce(&Cluster), test: impl AsyncFnOnce(Runtime, Api<Pod>)) {
    let simulator = Simulator::new(1);
    let runtime = simulator.runtime(1);
    let cluster = Cluster::new(runtime.clone());
    let containers = json!([{"name": "main", "image": "x"}, {"name": "side", "image": "x"}]);
    let manifest = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": {"containers": containers},
    });
    cluster.create(manifest).unwrap();
    prepare(&cluster);
    let played = simulator.run(Duration::from_secs(60), async {
        runtime.sleep(Duration::from_secs(10)).await;
        test(runtime.clone(), cluster.client().core_v1().pods("default")).await;
    });
    assert!(played.is_some(), "it waits for something");
}

async fn read(pods: &Api<Pod>, options: LogOptions) -> Result<String, Error> {
    let options = LogOptions { container: Some("main".into()), ..options };
    let bytes = pods.logs("web", &options).await?.collect(1 << 20).await?;
    Ok(String::from_utf8(bytes.to_vec()).unwrap())
}

#[test]
fn logs_are_what_was_asked_for() {
    play(async |_, pods| {
        let all = read(&pods, LogOptions::default()).await.unwrap();
        let lines: Vec<&str> = all.lines().collect();
        assert_eq!((lines.len(), lines[0], lines[1]), (11, "main starts", "listening on port 8080"));
        let tail = read(&pods, LogOptions { tail_lines: Some(2), ..LogOptions::default() }).await.unwrap();
        assert_eq!(tail.lines().collect::<Vec<_>>(), lines[9..]);
        let since = Some(Since::Last(Duration::from_secs(3)));
        let since = read(&pods, LogOptions { since, ..LogOptions::default() }).await.unwrap();
        assert_eq!(since.lines().count(), 4);
        let cut = read(&pods, LogOptions { limit_bytes: Some(14), ..LogOptions::default() }).await.unwrap();
        assert_eq!(cut, all[..14]);
        let stamped = read(&pods, LogOptions { timestamps: true, ..LogOptions::default() }).await.unwrap();
        let stamps: Vec<Timestamp> =
            stamped.lines().map(|line| line.split(' ').next().unwrap().parse().unwrap()).collect();
        assert!(stamps.is_sorted() && stamps[10].as_second() - stamps[0].as_second() == 10);
    });
}

#[test]
fn what_there_are_no_logs_of_is_told() {
    play(async |_, pods| {
        let previous = LogOptions { previous: true, ..LogOptions::default() };
        let error = read(&pods, previous).await.unwrap_err();
        assert!(error.is_bad_request() && error.to_string().contains("previous terminated"), "{error}");
        let error = pods.logs("web", &LogOptions::default()).await.unwrap_err();
        assert!(error.to_string().contains("choose one of: [main side]"), "{error}");
        assert!(pods.logs("none", &LogOptions::default()).await.unwrap_err().is_not_found());
        let last = LogOptions { tail_lines: Some(1), ..LogOptions::default() };
        let merged = pods.logs_of_all("web", &last).await.unwrap();
        let merged: Vec<String> = merged.map(|line| line.unwrap().container.to_string()).collect().await;
        assert_eq!(merged, ["main", "side"]);
    });
}

#[test]
fn followed_logs_go_on_with_the_clock() {
    play(async |runtime, pods| {
        let options = LogOptions {
            container: Some("main".into()),
            follow: true,
            tail_lines: Some(1),
            ..LogOptions::default()
        };
        let mut lines = pods.logs("web", &options).await.unwrap().lines();
        lines.next().await.unwrap().unwrap();
        for _ in 0..3 {
            let before = runtime.clock.now();
            lines.next().await.unwrap().unwrap();
            assert_eq!(runtime.clock.now() - before, BETWEEN_LINES);
        }
    });
}

#[test]
fn a_command_repeats_its_words_and_what_it_reads() {
    play(async |_, pods| {
        let options = ExecOptions { container: Some("main".into()), ..ExecOptions::default() };
        let said = pods.exec("web", ["hello", "there"], &options).await.unwrap().collect(100).await.unwrap();
        assert_eq!((&said.stdout[..], said.exit_code), (&b"hello there\n"[..], 0));
        let failed = pods.exec("web", ["false"], &options).await.unwrap().collect(100).await.unwrap();
        assert_eq!(failed.exit_code, 1);
        let with_input = ExecOptions { stdin: true, ..options.clone() };
        let mut process = pods.exec("web", ["cat"], &with_input).await.unwrap();
        process.input.write_all(b"read ").await.unwrap();
        process.input.write_all(b"back").await.unwrap();
        process.input.close().await.unwrap();
        assert_eq!(process.collect(100).await.unwrap().stdout, "cat\nread back");
        let wrong = ExecOptions { container: Some("none".into()), ..options };
        assert!(pods.exec("web", ["x"], &wrong).await.unwrap_err().is_bad_request());
    });
}

#[test]
fn a_terminal_finds_a_stand_in_that_ends_with_a_code() {
    play(async |_, pods| {
        let options =
            ExecOptions { container: Some("main".into()), stdin: true, tty: true, ..ExecOptions::default() };
        let mut process = pods.exec("web", ["sh"], &options).await.unwrap();
        process.input.resize(TerminalSize { width: 132, height: 43 }).await.unwrap();
        process.input.write_all(b"size\rexit 3\r").await.unwrap();
        let said = process.collect(1000).await.unwrap();
        let text = String::from_utf8_lossy(&said.stdout);
        assert!(text.starts_with("This is no shell") && text.contains("\r\n43 132\r\n"), "{text}");
        assert_eq!(said.exit_code, 3);
    });
}

#[test]
#[cfg(feature = "full")]
fn a_test_writes_the_logs_and_ends_the_commands() {
    let mut recording = None;
    let prepare = |cluster: &Cluster| {
        recording = Some(cluster.record());
        cluster.react("get", "pods/log", |log| {
            (log.body["container"] == "side").then(|| Ok(json!("one\ntwo\n")))
        });
        cluster.react("get", "pods/exec", |exec| {
            match exec.body["command"].as_array()?.first()?.as_str()? {
                "backup" => Some(Ok(json!({"stdout": "begun", "stderr": "disk full", "exitCode": 28}))),
                "refused" => Some(Err(Error::api(portolan::status::failure(403, "Forbidden", "hands off")))),
                _ => None,
            }
        });
    };
    let check = async |_: Runtime, pods: Api<Pod>| {
        let side = LogOptions { container: Some("side".into()), ..LogOptions::default() };
        assert_eq!(pods.logs("web", &side).await.unwrap().collect(100).await.unwrap(), "one\ntwo\n");
        assert!(read(&pods, LogOptions::default()).await.unwrap().starts_with("main starts"));
        let options = ExecOptions { container: Some("main".into()), stdin: true, ..ExecOptions::default() };
        let mut process = pods.exec("web", ["backup", "all"], &options).await.unwrap();
        process.input.write_all(b"unread").await.unwrap();
        let said = process.collect(100).await.unwrap();
        assert_eq!(
            (&said.stdout[..], &said.stderr[..], said.exit_code),
            (&b"begun"[..], &b"disk full"[..], 28)
        );
        assert!(pods.exec("web", ["refused", "it"], &options).await.unwrap_err().is_forbidden());
        let echo = ExecOptions { stdin: false, ..options };
        let said = pods.exec("web", ["another", "word"], &echo).await.unwrap().collect(100).await.unwrap();
        assert_eq!(said.stdout, "another word\n");
    };
    play_with(prepare, check);
    let asked: Vec<String> = recording.unwrap().actions().iter().map(ToString::to_string).collect();
    let (log, exec) = ("get pods/log default/web", "get pods/exec default/web");
    assert_eq!(asked, [log, log, exec, exec, exec]);
}
