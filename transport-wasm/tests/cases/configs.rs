//! Kubeconfigs as a page gets them: as bytes.

use portolan::config::{Credential, Kubeconfig, KubeconfigFile, Secret};
use portolan_wasm::browser::{FetchTransport, client_with};
use wasm_bindgen_test::wasm_bindgen_test;

const FIRST: &str = "
current-context: dev
contexts: [{name: dev, context: {cluster: here, user: jo, namespace: shop}}]
clusters: [{name: here, cluster: {server: 'https://here'}}]
users: [{name: jo, user: {token: first}}]
";
const SECOND: &str = "
current-context: live
contexts: [{name: live, context: {cluster: far, user: plugin}}]
clusters: [{name: far, cluster: {server: 'https://far', tls-server-name: other}}]
users:
- {name: jo, user: {token: second}}
- {name: plugin, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: get-token, interactiveMode: Never}}}
";

#[wasm_bindgen_test]
fn kubeconfigs_are_read_merged_and_written_from_bytes() {
    let read = |text: &str, origin: &str| Kubeconfig::parse(text.as_bytes(), origin).unwrap();
    let merged = read(FIRST, "first").merge(read(SECOND, "second"));
    let config = merged.resolve(None).unwrap();
    assert_eq!((config.server.host(), config.default_namespace.as_str()), (Some("here"), "shop"));
    assert_eq!(config.auth.credential, Credential::Token(Secret::new("first")));
    client_with(FetchTransport::default(), config).unwrap();

    let mut file = KubeconfigFile::parse(FIRST.as_bytes(), "first").unwrap();
    file.set_current_context("live");
    let written = Kubeconfig::parse(file.to_yaml().unwrap().as_bytes(), "first").unwrap();
    assert_eq!(written.current_context, "live");
    assert_eq!(written.users["jo"].token, Secret::new("first"));
}

#[wasm_bindgen_test]
fn what_a_page_cannot_do_is_refused_with_what_to_do() {
    let merged = Kubeconfig::parse(SECOND.as_bytes(), "second").unwrap();
    let mut config = merged.resolve(None).unwrap();
    let refused = |config| client_with(FetchTransport::default(), config).unwrap_err().to_string();
    assert!(refused(config.clone()).contains("a page cannot set certificates"));
    config.tls = Default::default();
    let error = refused(config);
    assert!(
        error.contains("get-token") && error.ends_with("cannot be run by this transport: give a token"),
        "{error}"
    );
}
