//! The harness itself: a cluster starts, forgets, hangs, crashes and comes back as the other tests rely on.

use std::process::{Command, Output};

use portolan_tests::{Cluster, ClusterOptions};

/// Asks for `path` with curl's stand-in: kubectl, which fails with the server's own words.
fn raw(cluster: &Cluster, path: &str) -> anyhow::Result<String> {
    cluster.kubectl(&["get", "--raw", path])
}

#[test]
fn a_compaction_expires_versions_from_before() {
    let options =
        ClusterOptions { without_watch_cache: vec!["configmaps".into()], ..ClusterOptions::default() };
    let cluster = Cluster::start(&options).unwrap();
    let configmaps = "/api/v1/namespaces/default/configmaps";
    cluster.kubectl(&["create", "configmap", "first"]).unwrap();
    let version = cluster
        .kubectl(&["get", "configmap", "first", "--output=jsonpath={.metadata.resourceVersion}"])
        .unwrap();
    cluster.kubectl(&["create", "configmap", "second"]).unwrap();
    cluster.kubectl(&["create", "configmap", "third"]).unwrap();
    let watch = format!("{configmaps}?watch=1&timeoutSeconds=1&resourceVersion={version}");
    assert!(raw(&cluster, &watch).unwrap().contains(r#""name":"second""#));
    let revision = cluster.compact().unwrap();
    assert!(revision > version.parse().unwrap());
    let expired = raw(&cluster, &watch).unwrap();
    assert!(expired.contains(r#""code":410"#), "{expired}");
}

#[test]
fn the_api_server_crashes_hangs_and_comes_back_with_its_objects() {
    let cluster = Cluster::start(&ClusterOptions::default()).unwrap();
    cluster.apply("{apiVersion: v1, kind: ConfigMap, metadata: {name: kept}}").unwrap();
    cluster.stop_apiserver().unwrap();
    assert!(cluster.kubectl(&["get", "configmap", "kept"]).is_err());
    assert!(cluster.stop_apiserver().is_err(), "it was stopped twice");
    cluster.start_apiserver().unwrap();
    assert!(cluster.kubectl(&["get", "configmap", "kept"]).unwrap().contains("kept"));
    cluster.pause_apiserver().unwrap();
    assert!(cluster.kubectl(&["get", "configmap", "kept", "--request-timeout=1s"]).is_err());
    cluster.resume_apiserver().unwrap();
    assert!(cluster.kubectl(&["get", "configmap", "kept"]).unwrap().contains("kept"));
}

#[test]
fn watch_list_can_be_off_and_tokens_differ() {
    let options = ClusterOptions { without_watch_list: true, ..ClusterOptions::default() };
    let cluster = Cluster::start(&options).unwrap();
    let stream = "/api/v1/secrets?watch=1&timeoutSeconds=1&sendInitialEvents=true&allowWatchBookmarks=true\
                  &resourceVersionMatch=NotOlderThan";
    assert!(raw(&cluster, stream).is_err());
    let list = |token: &str| -> Output {
        Command::new(&cluster.facts().kubectl)
            .env("KUBECONFIG", "/dev/null")
            .arg(format!("--server={}", cluster.facts().server))
            .arg(format!("--certificate-authority={}", cluster.facts().ca_file.display()))
            .arg(format!("--token={token}"))
            .args(["get", "secrets"])
            .output()
            .unwrap()
    };
    assert!(list(&cluster.facts().token).status.success());
    let forbidden = String::from_utf8(list(&cluster.facts().viewer_token).stderr).unwrap();
    assert!(forbidden.contains("Forbidden"), "{forbidden}");
    let stranger = String::from_utf8(list("of-nobody").stderr).unwrap();
    assert!(stranger.contains("Unauthorized") || stranger.contains("logged in"), "{stranger}");
}
