//! What was granted gets through to the API server in memory; what was not is answered with 403.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use http::Request;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use k8s_openapi::api::rbac::v1::PolicyRule;
use portolan::client::Client;
use portolan::config::Config;
use portolan::informer::{FactoryOptions, SharedInformerFactory};
use portolan::meta::{DeleteOptions, GetOptions, ListOptions};
use portolan::transport::{Body, Transport};
use portolan_memory::Cluster;
use portolan_native::runtime;
use portolan_plugins::{Grant, Restricted};
use serde_json::json;

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn grant(namespaces: &[&str], verbs: &[&str], resources: &[&str]) -> Grant {
    let rule = PolicyRule {
        api_groups: Some(words(&["", "apps"])),
        resources: Some(words(resources)),
        verbs: words(verbs),
        ..PolicyRule::default()
    };
    Grant { namespaces: words(namespaces), rule }
}

/// A memory cluster behind grants; the transport, and a client over it.
fn restricted(grants: Vec<Grant>) -> (Cluster, Arc<dyn Transport>, Client) {
    let cluster = Cluster::new(runtime().unwrap());
    let config = Config { rate_limit: None, ..Config::default() };
    let layer = Restricted::new("checker", cluster.transport(), config.server.clone(), grants);
    let layer: Arc<dyn Transport> = Arc::new(layer);
    (cluster, layer.clone(), Client::new(layer, config, runtime().unwrap()))
}

#[tokio::test]
async fn verbs_resources_and_namespaces_are_kept_to() {
    let (_cluster, _, client) = restricted(vec![grant(&["default"], &["get", "list"], &["configmaps"])]);
    let (maps, all) = (client.api::<ConfigMap>("default"), ListOptions::default());
    maps.list(&all).await.unwrap();
    assert!(maps.get("none", &GetOptions::default()).await.unwrap_err().is_not_found());
    let refused = [
        maps.delete("none", &DeleteOptions::default()).await.map(drop),
        client.api::<ConfigMap>("kube-system").list(&all).await.map(drop),
        client.all::<ConfigMap>().list(&all).await.map(drop),
        client.api::<Secret>("default").list(&all).await.map(drop),
        client.discovery().server_version().await.map(drop),
    ];
    for refused in refused {
        let error = refused.unwrap_err();
        assert!(error.is_forbidden(), "{error}");
        assert!(error.to_string().contains(r#"the host does not let the plugin "checker""#), "{error}");
    }
}

#[tokio::test]
async fn an_informer_without_the_right_to_watch_is_told_so() {
    let (_cluster, _, client) = restricted(vec![grant(&["*"], &["list"], &["*"])]);
    let factory = SharedInformerFactory::new(&client, FactoryOptions::default());
    let informer = factory.informer::<ConfigMap>();
    factory.start();
    let error = informer.wait_for_status(|status| status.last_error.as_ref().map(ToString::to_string)).await;
    assert!(error.contains(r#"let the plugin "checker" watch resource "configmaps""#), "{error}");
}

#[tokio::test]
async fn names_subresources_and_other_paths_are_granted_as_in_rbac() {
    let mut named = grant(&["default"], &["get"], &["configmaps"]);
    named.rule.resource_names = Some(words(&["mine"]));
    let paths = PolicyRule {
        non_resource_urls: Some(words(&["/version", "/apis/*"])),
        verbs: words(&["get"]),
        ..PolicyRule::default()
    };
    let paths = Grant { namespaces: Vec::new(), rule: paths };
    let (cluster, transport, client) =
        restricted(vec![named, paths, grant(&["default"], &["get"], &["*/scale", "deployments"])]);
    for name in ["mine", "other"] {
        cluster
            .create(json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name } }))
            .unwrap();
    }
    client.api::<ConfigMap>("default").get("mine", &GetOptions::default()).await.unwrap();
    assert!(
        client
            .api::<ConfigMap>("default")
            .get("other", &GetOptions::default())
            .await
            .unwrap_err()
            .is_forbidden()
    );
    client.discovery().server_version().await.unwrap();
    for (path, status) in [
        ("/apis/apps/v1", 200),
        ("/api/v1", 403),
        ("/apis/apps/v1/namespaces/default/deployments/none/scale", 404),
        ("/apis/apps/v1/namespaces/default/deployments/none", 404),
        ("/apis/apps/v1/namespaces/default/deployments/none/status", 403),
        ("/api/v1/namespaces/default/../default/configmaps/mine", 403),
        ("/api/v1/watch/configmaps", 403),
    ] {
        let uri = format!("{}{path}", client.config().server.to_string().trim_end_matches('/'));
        let answer = transport.send(Request::get(uri).body(Body::Empty).unwrap()).await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{path}");
    }
}

#[tokio::test]
async fn other_servers_and_other_identities_are_refused() {
    let (_cluster, transport, client) = restricted(vec![grant(&["*"], &["*"], &["*"])]);
    let path = "api/v1/namespaces/default/configmaps";
    let here = format!("{}{path}", client.config().server);
    let get = |uri: &str| Request::get(uri).body(Body::Empty).unwrap();
    let with = |name: &'static str| {
        let mut request = get(&here);
        request.headers_mut().insert(name, "someone".parse().unwrap());
        request
    };
    assert_eq!(transport.send(get(&here)).await.unwrap().status(), 200);
    for request in [
        get(&format!("http://elsewhere/{path}")),
        with("authorization"),
        with("impersonate-user"),
        with("host"),
        with("x-remote-user"),
        with("upgrade"),
        with("sec-websocket-protocol"),
    ] {
        let told = format!("{request:?}");
        assert_eq!(transport.send(request).await.unwrap().status(), 403, "{told}");
    }
    let exec = Request::get(format!("{}api/v1/namespaces/default/pods/p/exec", client.config().server));
    let error = transport
        .connect(exec.body(()).unwrap(), &["base64url.bearer.authorization.k8s.io.eA", "v5.channel.k8s.io"])
        .await
        .unwrap_err();
    assert!(error.is_forbidden() && error.to_string().contains("credentials"), "{error}");
}

#[tokio::test]
async fn sockets_are_refused_too() {
    let (_cluster, transport, client) = restricted(vec![grant(&["*"], &["*"], &["pods"])]);
    let exec = Request::get(format!("{}api/v1/namespaces/default/pods/p/exec", client.config().server));
    let error = transport.connect(exec.body(()).unwrap(), &["v5.channel.k8s.io"]).await.unwrap_err();
    assert!(error.is_forbidden() && error.to_string().contains(r#"get resource "pods/exec""#), "{error}");
}

#[tokio::test]
async fn what_may_create_wants_the_verb_create() {
    let mut grant = grant(&["default"], &["get", "update", "patch"], &["*"]);
    grant.rule.api_groups = Some(words(&["*"]));
    let mut creating = grant.clone();
    creating.rule.verbs.push("create".to_owned());
    let asked = [
        ("GET", "api/v1/namespaces/default/pods/p/exec", "", true),
        ("GET", "api/v1/namespaces/default/pods/p/attach", "", true),
        ("GET", "api/v1/namespaces/default/pods/p/portforward", "", true),
        ("GET", "api/v1/namespaces/default/pods/p/log", "", false),
        ("PUT", "api/v1/namespaces/default/services/s", "application/json", true),
        ("PUT", "apis/rbac.authorization.k8s.io/v1/namespaces/default/roles/r", "application/json", true),
        ("PUT", "api/v1/namespaces/default/configmaps/c", "application/json", false),
        ("PATCH", "api/v1/namespaces/default/configmaps/c", "application/merge-patch+json", false),
        ("PATCH", "api/v1/namespaces/default/configmaps/c", "application/Apply-patch+yaml; a=b", true),
        (
            "PATCH",
            "apis/apps/v1/namespaces/default/deployments/d/status",
            "application/apply-patch+yaml",
            false,
        ),
    ];
    for (may_create, grant) in [(false, grant), (true, creating)] {
        let (_cluster, transport, client) = restricted(vec![grant]);
        for (method, path, kind, creates) in asked {
            let request = Request::builder().method(method).uri(format!("{}{path}", client.config().server));
            let request = request.header("content-type", kind).body(Body::from(b"{}".to_vec())).unwrap();
            let answer = transport.send(request).await.unwrap();
            assert_eq!(
                answer.status() == 403,
                creates && !may_create,
                "{method} {path}: {}",
                answer.status()
            );
        }
    }
}
