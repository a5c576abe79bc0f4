//! Credential plugins, as `sh -c` scripts: run once for all who wait, again when what they gave has ended or was refused,
//! and held within bounds when hostile.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{Request, StatusCode};
use portolan::config::{Config, Credential, ExecConfig, ExecVariable, Secret, Tls};
use portolan::transport::{Body, Transport};
use portolan::{Error, ErrorKind};
use portolan_native::transport_for;
use serde_json::json;

use crate::server::{Authority, Options, Server, Signed};

const V1: &str = "client.authentication.k8s.io/v1";

/// A server, and a plugin whose answer is in a file and which counts its runs in another.
struct Scene {
    authority: Authority,
    server: Server,
    folder: tempfile::TempDir,
}

impl Scene {
    async fn new(client_certificates: bool) -> Self {
        let authority = Authority::new("ours");
        let options = Options {
            certificate: Some((&authority, "localhost")),
            clients: client_certificates.then_some(&authority),
            http2_streams: Some(100),
            ..Options::default()
        };
        let server = Server::start(&options).await;
        Self { server, authority, folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn answers(&self, status: &serde_json::Value) {
        let answer = json!({"kind": "ExecCredential", "apiVersion": V1, "status": status});
        std::fs::write(self.path("answer"), answer.to_string()).unwrap();
    }

    fn runs(&self) -> usize {
        std::fs::read_to_string(self.path("runs")).map_or(0, |text| text.lines().count())
    }

    /// A configuration whose plugin runs `script`, in which `$1` is the folder.
    fn config(&self, script: &str) -> Config {
        let tls = Tls { certificate_authority: Some(self.authority.pem()), ..Tls::default() };
        let mut config = self.server.config(tls);
        config.auth.credential = Credential::Exec(Box::new(ExecConfig {
            command: "sh".into(),
            args: vec!["-c".into(), script.into(), "plugin".into(), text(self.folder.path())],
            api_version: V1.into(),
            interactive_mode: "Never".into(),
            origin: "kubeconfig FILE: users \"jo\": exec".into(),
            ..ExecConfig::default()
        }));
        config
    }

    fn counting(&self) -> Config {
        self.config("echo run >> $1/runs; cat $1/answer")
    }
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

fn plugin(config: &mut Config) -> &mut ExecConfig {
    match &mut config.auth.credential {
        Credential::Exec(exec) => exec,
        other => panic!("{other:?}"),
    }
}

async fn get(transport: &Arc<dyn Transport>, config: &Config) -> Result<StatusCode, Error> {
    let request = Request::get(config.server.clone()).body(Body::Empty).unwrap();
    let response = transport.send(request).await?;
    let status = response.status();
    response.into_body().collect(1000).await?;
    Ok(status)
}

#[tokio::test]
async fn one_run_serves_all_clients_of_a_configuration_until_it_ends_or_is_refused() {
    let scene = Scene::new(false).await;
    let config = scene.counting();
    scene.answers(&json!({"token": "one"}));
    let (first, second) = (transport_for(&config).unwrap(), transport_for(&config.clone()).unwrap());
    let asks = (0..20).map(|ask| get(if ask % 2 == 0 { &first } else { &second }, &config));
    for status in futures::future::join_all(asks).await {
        assert_eq!(status.unwrap(), StatusCode::OK);
    }
    assert_eq!(scene.runs(), 1);

    scene.answers(&json!({"token": "two", "expirationTimestamp": "2006-01-02T15:04:05Z"}));
    *scene.server.counters.refused.lock().unwrap() = Some("Bearer one".into());
    assert_eq!(get(&first, &config).await.unwrap(), StatusCode::UNAUTHORIZED);
    assert_eq!(get(&second, &config).await.unwrap(), StatusCode::OK);
    assert_eq!(scene.runs(), 2);
    scene.answers(&json!({"token": "three"}));
    assert_eq!(get(&second, &config).await.unwrap(), StatusCode::OK, "what it gave had ended");
    assert_eq!(scene.runs(), 3);
    let sent = scene.server.counters.authorizations.lock().unwrap().clone();
    let sent: Vec<_> = sent.iter().skip(19).map(String::as_str).collect();
    assert_eq!(sent, ["Bearer one", "Bearer one", "Bearer two", "Bearer three"]);

    let mut own = Request::get(config.server.clone()).body(Body::Empty).unwrap();
    own.headers_mut().insert("authorization", "own".parse().unwrap());
    first.send(own).await.unwrap();
    assert_eq!(scene.runs(), 3);
}

#[tokio::test]
async fn a_plugins_certificate_is_shown_and_a_new_one_opens_a_new_connection() {
    let scene = Scene::new(true).await;
    let config = scene.counting();
    let (one, two) = (scene.authority.sign("one"), scene.authority.sign("two"));
    let status =
        |signed: &Signed| json!({"clientCertificateData": signed.certificate, "clientKeyData": signed.key});
    scene.answers(&status(&one));
    let transport = transport_for(&config).unwrap();
    let watch = Request::get(scene.server.url("https", "/hang?watch=true")).body(Body::Empty).unwrap();
    let mut watch = transport.send(watch).await.unwrap().into_body();
    assert_eq!(watch.chunk().await.unwrap().unwrap(), "begun");
    for _ in 0..3 {
        assert_eq!(get(&transport, &config).await.unwrap(), StatusCode::OK);
    }
    assert_eq!((scene.runs(), scene.server.connections()), (1, 2), "the watch has one of its own");

    // A refusal without a token is of the certificate.
    scene.answers(&status(&two));
    let mut ask = Request::get(config.server.clone()).body(Body::Empty).unwrap();
    ask.headers_mut().insert("x-refuse", "yes".parse().unwrap());
    assert_eq!(transport.send(ask).await.unwrap().status(), StatusCode::UNAUTHORIZED);
    for _ in 0..3 {
        assert_eq!(get(&transport, &config).await.unwrap(), StatusCode::OK);
    }
    assert_eq!((scene.runs(), scene.server.connections()), (2, 3));
    let shown = scene.server.counters.certificates.lock().unwrap().clone();
    assert!(shown.iter().all(Option::is_some) && shown[0] == shown[1] && shown[1] != shown[2]);
    scene.server.until_open(1).await;
    drop(watch);
    scene.server.until_open(0).await;
}

#[tokio::test]
async fn a_child_that_a_plugin_leaves_behind_holds_up_nobody() {
    let scene = Scene::new(false).await;
    let mut config = scene.config("sleep 10 >/dev/null & cat $1/answer");
    plugin(&mut config).timeout = Some(Duration::from_secs(8));
    scene.answers(&json!({"token": "one"}));
    assert_eq!(get(&transport_for(&config).unwrap(), &config).await.unwrap(), StatusCode::OK);
}

#[tokio::test]
async fn a_plugin_is_told_what_it_is_for() {
    let scene = Scene::new(false).await;
    let mut config = scene.config(
        "echo \"$KUBERNETES_EXEC_INFO\" > $1/info; echo \"$EXTRA $HOME\" > $1/env; cat $1/answer; cat",
    );
    plugin(&mut config).provide_cluster_info = true;
    plugin(&mut config).cluster_config = Some(json!({"audience": "a"}));
    plugin(&mut config).env = vec![ExecVariable { name: "EXTRA".into(), value: Secret::new("value") }];
    scene.answers(&json!({"token": "one"}));
    get(&transport_for(&config).unwrap(), &config).await.unwrap();
    let info: serde_json::Value =
        serde_json::from_slice(&std::fs::read(scene.path("info")).unwrap()).unwrap();
    assert_eq!((&info["kind"], &info["apiVersion"]), (&json!("ExecCredential"), &json!(V1)));
    let cluster = &info["spec"]["cluster"];
    assert_eq!(cluster["server"], json!(format!("https://localhost:{}", scene.server.address.port())));
    assert_eq!(
        (&cluster["config"], &info["spec"]["interactive"]),
        (&json!({"audience": "a"}), &json!(false))
    );
    assert!(cluster["certificate-authority-data"].as_str().unwrap().starts_with("LS0tLS1CRUdJTi"));
    let home = std::env::var("HOME").unwrap_or_default();
    assert_eq!(std::fs::read_to_string(scene.path("env")).unwrap(), format!("value {home}\n"));
}

#[tokio::test]
async fn whoever_stops_waiting_does_not_stop_the_plugin() {
    let scene = Scene::new(false).await;
    let config = scene.config("echo run >> $1/runs; until test -e $1/go; do sleep 0.01; done; cat $1/answer");
    scene.answers(&json!({"token": "one"}));
    let transport = transport_for(&config).unwrap();
    let waiting = tokio::spawn({
        let (transport, config) = (Arc::clone(&transport), config.clone());
        async move { get(&transport, &config).await }
    });
    tokio::time::timeout(Duration::from_secs(30), async {
        while scene.runs() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap();
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    std::fs::write(scene.path("go"), "").unwrap();
    assert_eq!(get(&transport, &config).await.unwrap(), StatusCode::OK);
    assert_eq!(scene.runs(), 1);
}

#[tokio::test]
async fn a_hostile_plugin_ends_in_one_clear_line() {
    let scene = Scene::new(false).await;
    let begin = "kubeconfig FILE: users \"jo\": exec: the credential plugin \"sh\" ";
    for (script, expected) in [
        ("exec sleep 60", "did not end within 3s and was stopped: run it by hand to see why"),
        ("sleep 60 & exec sleep 60", "did not end within 3s and was stopped: run it by hand to see why"),
        ("exit 0", "answered nothing: run it by hand to see why"),
        ("echo please log in", "answered something else than an ExecCredential: run it by hand to see what"),
        (
            "head -c 100000000 /dev/zero",
            "answered more than 1048576 bytes and was stopped: it must print an ExecCredential alone",
        ),
        ("head -c 10000000 /dev/zero | tr '\\0' 0 >&2; exit 1", "ended with exit code 1: "),
        (
            "echo \"the password $SECRET, hunter2, is wrong\" >&2; exit 73",
            "ended with exit code 73: its standard error says why, or run it by hand to see",
        ),
        ("echo hunter2; exit 74", "ended with exit code 74: "),
        ("sleep 10 >/dev/null & echo hunter2 >&2; exit 7", "ended with exit code 7: "),
        ("kill -9 $$", "was killed: run it by hand to see why"),
    ] {
        let mut config = scene.config(script);
        plugin(&mut config).timeout = Some(Duration::from_secs(3));
        plugin(&mut config).env = vec![ExecVariable { name: "SECRET".into(), value: Secret::new("s3cr3t") }];
        let started = Instant::now();
        let error = get(&transport_for(&config).unwrap(), &config).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Auth), "{error:?}");
        assert!(error.to_string().starts_with(&format!("{begin}{expected}")), "{script}: {error}");
        assert!(error.to_string().len() < 250 && !error.to_string().contains('\n'), "{error}");
        let secrets = ["s3cr3t", "hunter2", "password", "0000"];
        assert!(secrets.iter().all(|secret| !format!("{error} {error:?}").contains(secret)), "{error:?}");
        assert!(started.elapsed() < Duration::from_secs(60), "{script} took {:?}", started.elapsed());
    }
    assert_eq!(scene.server.connections(), 0, "nothing was sent");
}

#[tokio::test]
async fn a_plugin_that_is_not_there_says_how_to_get_it() {
    let scene = Scene::new(false).await;
    scene.answers(&json!({}));
    let file = text(&scene.path("answer"));
    for (command, hint, expected) in [
        (
            "no-such-plugin",
            "brew install foo",
            "\"no-such-plugin\" is not installed: install it: brew install foo",
        ),
        ("no-such-plugin", "", "\"no-such-plugin\" is not installed: install it, or correct the command"),
        (&file, "", "may not be run: make it executable"),
    ] {
        let mut config = scene.counting();
        plugin(&mut config).command = command.into();
        plugin(&mut config).install_hint = hint.into();
        let error = get(&transport_for(&config).unwrap(), &config).await.unwrap_err().to_string();
        assert!(error.ends_with(expected), "{error}");
    }
    let mut config = scene.counting();
    scene.answers(&json!({"clientCertificateData": scene.authority.sign("a").certificate, "clientKeyData": scene.authority.sign("b").key}));
    plugin(&mut config).timeout = Some(Duration::from_secs(60));
    let error = get(&transport_for(&config).unwrap(), &config).await.unwrap_err().to_string();
    assert!(error.ends_with("answered with what cannot be used: client-key-data does not belong to client-certificate-data: give the two of one pair"), "{error}");
}
