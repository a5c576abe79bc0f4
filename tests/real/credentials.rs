//! Credentials on a real API server: plugins' tokens and certificates, refusals and renewals, beside kubectl with the same
//! kubeconfig; kubeconfigs that each of the two changes for the other; and a service account whose files change.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::{Path, PathBuf};

use portolan::Error;
use portolan::config::{Config, Context, Credential, ExecConfig, Kubeconfig, Pem, Secret, User};
use portolan::meta::ListOptions;
use portolan_native::{ConfigOptions, client_for, load_config, modify_config};
use portolan_tests::{Cluster, ClusterOptions};
use serde_json::{Value, json};

use crate::native::in_time;

const V1: &str = "client.authentication.k8s.io/v1";

/// A kubeconfig of the cluster whose users can be changed.
struct Files {
    cluster: Cluster,
    folder: tempfile::TempDir,
}

impl Files {
    fn new() -> Self {
        let cluster = Cluster::start(&ClusterOptions::default()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::copy(&cluster.facts().kubeconfig, folder.path().join("config")).unwrap();
        Self { cluster, folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn options(&self) -> ConfigOptions {
        ConfigOptions { kubeconfig: Some(self.path("config")), ..Default::default() }
    }

    fn change(&self, change: impl FnOnce(&mut Kubeconfig)) {
        modify_config(&self.options(), change).unwrap();
    }

    /// Makes the user one whose plugin prints the file `answer`.
    fn log_in_by_plugin(&self) {
        self.change(|config| {
            let exec = ExecConfig {
                command: "cat".into(),
                args: vec![text(&self.path("answer"))],
                api_version: V1.into(),
                interactive_mode: "Never".into(),
                ..ExecConfig::default()
            };
            let user = config.users.values_mut().next().unwrap();
            *user = User { exec: Some(exec), origin: user.origin.clone(), ..User::default() };
        });
    }

    fn answers(&self, status: &Value) {
        let answer = json!({"kind": "ExecCredential", "apiVersion": V1, "status": status});
        std::fs::write(self.path("answer"), answer.to_string()).unwrap();
    }

    fn client(&self) -> portolan::client::Client {
        client_for(load_config(&self.options()).unwrap()).unwrap()
    }

    fn kubectl(&self, arguments: &[&str]) -> String {
        let mut all = vec!["--kubeconfig".to_owned(), text(&self.path("config"))];
        all.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        self.cluster.kubectl(&all).unwrap()
    }
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

async fn namespaces(client: &portolan::client::Client) -> Result<usize, Error> {
    Ok(client.core_v1().namespaces().list(&ListOptions::default()).await?.items.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugins_tokens_and_certificates_are_taken_by_the_server() {
    let files = Files::new();
    let identity = load_config(&files.options()).unwrap().tls.identity.unwrap();
    files.log_in_by_plugin();
    files.answers(&json!({"token": "wrong"}));
    let client = files.client();
    assert!(namespaces(&client).await.unwrap_err().is_unauthorized());
    files.answers(
        &json!({"token": files.cluster.facts().token, "expirationTimestamp": "2100-01-01T00:00:00Z"}),
    );
    let count = namespaces(&client).await.unwrap();
    assert_eq!(files.kubectl(&["get", "namespaces", "--output=name"]).lines().count(), count);

    // The viewer's token says who that is: what changes is told by a refusal or an end alone.
    let viewer = files.client();
    files.answers(&json!({"token": files.cluster.facts().viewer_token}));
    assert_eq!(namespaces(&viewer).await.unwrap(), count, "one plugin serves both");
    drop((client, viewer));
    assert!(namespaces(&files.client()).await.unwrap_err().is_forbidden());

    let (Pem::Data(certificate), Pem::Data(key)) = (&identity.certificate, &identity.key) else {
        panic!("the kubeconfig holds its certificate itself")
    };
    let pem = |data: &[u8]| String::from_utf8(data.to_vec()).unwrap();
    files.answers(&json!({"clientCertificateData": pem(certificate), "clientKeyData": pem(key)}));
    assert_eq!(namespaces(&files.client()).await.unwrap(), count);
    assert_eq!(files.kubectl(&["get", "namespaces", "--output=name"]).lines().count(), count);
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_and_portolan_change_one_file_for_each_other() {
    let files = Files::new();
    let view = || {
        serde_json::from_str::<Value>(&files.kubectl(&["config", "view", "--raw", "--output=json"])).unwrap()
    };
    let before = view();
    let (cluster, user) = {
        let kubeconfig = Kubeconfig::parse(&std::fs::read(files.path("config")).unwrap(), "").unwrap();
        let context = &kubeconfig.contexts[&kubeconfig.current_context];
        (context.cluster.clone(), context.user.clone())
    };
    files.change(|config| {
        let context = Context { cluster: cluster.clone(), ..Context::default() };
        config.contexts.insert("anonymous".into(), context);
        // What an older YAML reader takes for a number, a boolean or a time.
        for name in
            ["0777", "1e3", "yes", "2024-01-01", "12:30", "~", "0x1f", "a: b", "#", "null", "\u{e9}\n"]
        {
            let token = Secret::new(name.to_owned());
            config.users.insert(name.into(), User { token, username: name.into(), ..User::default() });
        }
    });
    let after = view();
    assert_eq!(after["users"].as_array().unwrap().len(), 12);
    for named in after["users"].as_array().unwrap().iter().filter(|named| named["name"] != *user) {
        assert_eq!((&named["user"]["token"], &named["user"]["username"]), (&named["name"], &named["name"]));
    }
    assert_eq!(after["clusters"], before["clusters"]);
    let options = ConfigOptions { context: Some("anonymous".into()), ..files.options() };
    let anonymous = client_for(load_config(&options).unwrap()).unwrap();
    let error = namespaces(&anonymous).await.unwrap_err();
    assert!(error.is_forbidden() || error.is_unauthorized(), "{error}");

    files.kubectl(&[
        "config",
        "set-context",
        "mine",
        "--cluster",
        &cluster,
        "--user",
        &user,
        "--namespace",
        "kube-system",
    ]);
    files.kubectl(&["config", "use-context", "mine"]);
    let config = load_config(&files.options()).unwrap();
    assert_eq!(config.default_namespace, "kube-system");
    namespaces(&client_for(config).unwrap()).await.unwrap();
    files.change(|config| {
        for user in config.users.keys().filter(|name| **name != user).cloned().collect::<Vec<_>>() {
            config.users.remove(&user);
        }
        config.contexts.retain(|name, _| name != "mine" && name != "anonymous");
        config.current_context = before["current-context"].as_str().unwrap().to_owned();
    });
    assert_eq!(view(), before);
}

/// What a Pod has of its service account, in a folder, and a configuration as it is made of that in a cluster.
struct ServiceAccount {
    folder: tempfile::TempDir,
}

impl ServiceAccount {
    fn path(&self, name: &str) -> String {
        text(&self.folder.path().join(name))
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), content).unwrap();
    }

    fn client(&self, server: &str) -> portolan::client::Client {
        let mut config = Config::new(server).unwrap();
        config.auth.credential = Credential::TokenFile { path: self.path("token"), fallback: None };
        config.tls.certificate_authority = Some(Pem::File(self.path("ca.crt")));
        client_for(config).unwrap()
    }
}

#[tokio::test]
async fn a_service_account_goes_on_as_its_token_and_its_authority_change() {
    let cluster = Cluster::start(&ClusterOptions::default()).unwrap();
    let facts = cluster.facts();
    let kubectl = |line: &str| cluster.kubectl(&line.split(' ').collect::<Vec<_>>()).unwrap();
    kubectl("create serviceaccount robot");
    kubectl("create clusterrolebinding robot --clusterrole=cluster-admin --serviceaccount=default:robot");
    let token = |secret: &str| {
        kubectl(&format!("create secret generic {secret}"));
        kubectl(&format!("create token robot --bound-object-kind=Secret --bound-object-name={secret}"))
    };
    let account = ServiceAccount { folder: tempfile::tempdir().unwrap() };

    // Of another authority, whose place the right one then takes.
    let admin = ConfigOptions { kubeconfig: Some(facts.kubeconfig.clone()), ..ConfigOptions::default() };
    let Pem::Data(other) = load_config(&admin).unwrap().tls.identity.unwrap().certificate else {
        unreachable!()
    };
    account.write("ca.crt", other);
    account.write("token", token("one"));
    let client = account.client(&facts.server);
    let error = namespaces(&client).await.unwrap_err().to_string();
    assert!(error.contains("is signed by no trusted authority"), "{error}");
    account.write("ca.crt", std::fs::read(&facts.ca_file).unwrap());
    a_minute_later().await;
    namespaces(&client).await.unwrap();

    // Its token is renewed, and the one of before is revoked: within the minute only a refusal tells.
    let before = ServiceAccount { folder: tempfile::tempdir().unwrap() };
    for name in ["ca.crt", "token"] {
        before.write(name, std::fs::read(account.path(name)).unwrap());
    }
    account.write("token", token("two"));
    kubectl("delete secret one");
    let old = before.client(&facts.server);
    in_time("the old token refused", async {
        while !namespaces(&old).await.is_err_and(|error| error.is_unauthorized()) {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    })
    .await;
    assert!(namespaces(&client).await.unwrap_err().is_unauthorized(), "it still uses the old one");
    namespaces(&client).await.unwrap();
}

/// Lets the minute pass after which files are looked at again.
async fn a_minute_later() {
    tokio::time::pause();
    tokio::time::advance(std::time::Duration::from_secs(61)).await;
    tokio::time::resume();
}
