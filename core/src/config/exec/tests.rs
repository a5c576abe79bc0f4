//! The cases of `TestRefreshCreds` and `TestCleanANSIEscapeCodes` of client-go 0.37, and hostile answers.

use serde_json::json;

use super::*;

const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
const KEY: &str = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
const V1: &str = VERSIONS[0];

fn plugin(version: &str) -> ExecConfig {
    ExecConfig {
        command: "login".into(),
        api_version: version.into(),
        origin: "kubeconfig FILE: users \"jo\": exec".into(),
        ..ExecConfig::default()
    }
}

fn answer(version: &str, status: &serde_json::Value) -> Vec<u8> {
    json!({"kind": "ExecCredential", "apiVersion": version, "status": status}).to_string().into_bytes()
}

#[test]
fn answers_become_credentials() {
    let token = |text: &'static str| Some(Secret::new(text));
    for version in VERSIONS {
        let read = |status| plugin(version).read(&answer(version, &status)).unwrap();
        let given = read(json!({"token": "foo-bar"}));
        assert_eq!(given, ExecCredential { token: token("foo-bar"), identity: None, expires: None });
        let given = read(json!({"token": "foo-bar", "expirationTimestamp": "2006-01-02T15:04:05Z"}));
        assert_eq!(given.expires, Some(Duration::from_secs(1_136_214_245)));
        let given = read(json!({"clientKeyData": KEY, "clientCertificateData": CERTIFICATE, "token": null}));
        let pem = |text: &'static str| Pem::Data(Bytes::from_static(text.as_bytes()));
        assert_eq!(given.identity, Some(Identity { certificate: pem(CERTIFICATE), key: pem(KEY) }));
        assert_eq!(given.token, None);
    }
    let yaml = format!("kind: ExecCredential\napiVersion: {V1}\nstatus: {{token: t}}\n");
    assert_eq!(plugin(V1).read(yaml.as_bytes()).unwrap().token, token("t"));
}

#[test]
fn what_is_no_answer_is_refused_without_being_shown() {
    let of = |status| answer(V1, &status);
    let deep = [b"{\"status\": ".as_slice(), &b"[".repeat(100_000)].concat();
    let table: [(Vec<u8>, &str); 14] = [
        (b" \n".to_vec(), "answered nothing: run it by hand"),
        (b"s3cr3t, please log in".to_vec(), "answered something else than an ExecCredential"),
        (b"{\"s3cr3t\": ".to_vec(), "answered something else"),
        (vec![0xff; 100], "answered something else"),
        (deep, "answered something else"),
        (
            answer(BETA, &json!({"token": "s3cr3t"})),
            "else than an ExecCredential of \"client.authentication.k8s.io/v1\"",
        ),
        (br#"{"kind": "s3cr3t", "apiVersion": "s3cr3t"}"#.to_vec(), "else than an ExecCredential of"),
        (of(serde_json::Value::Null), "without a status"),
        (of(json!({})), "with neither a token nor a certificate"),
        (of(json!({"clientCertificateData": CERTIFICATE})), "with a certificate or a key alone"),
        (
            of(json!({"clientKeyData": "s3cr3t", "clientCertificateData": "bar"})),
            "clientCertificateData that holds no certificate",
        ),
        (
            of(json!({"clientKeyData": "s3cr3t", "clientCertificateData": CERTIFICATE})),
            "clientKeyData that holds no private key",
        ),
        (of(json!({"token": "s3cr3t\nX: y"})), "a character no header may carry"),
        (
            of(json!({"token": "s3cr3t", "expirationTimestamp": "soon"})),
            "expirationTimestamp that is no time",
        ),
    ];
    for (bytes, part) in table {
        let error = plugin(V1).read(&bytes).unwrap_err().to_string();
        assert!(
            error.starts_with("kubeconfig FILE: users \"jo\": exec: the credential plugin \"login\" "),
            "{error}"
        );
        assert!(error.contains(part) && !error.contains("s3cr3t"), "{error}");
    }
}

#[test]
fn a_plugin_asks_only_where_it_may() {
    let mode = |mode: &str, unavailable: Option<&str>| ExecConfig {
        interactive_mode: mode.into(),
        stdin_unavailable: unavailable.map(str::to_owned),
        ..plugin(BETA)
    };
    for (kind, unavailable, terminal, expected) in [
        ("Never", None, true, false),
        ("Never", Some("x"), true, false),
        ("", None, false, false),
        ("", None, true, true),
        ("IfAvailable", None, true, true),
        ("IfAvailable", Some("x"), true, false),
        ("IfAvailable", Some("x"), false, false),
        ("Always", None, true, true),
    ] {
        assert_eq!(
            mode(kind, unavailable).interactive(terminal).unwrap(),
            expected,
            "{kind} {unavailable:?}"
        );
    }
    let error = mode("Always", None).interactive(false).unwrap_err().to_string();
    assert!(error.contains("standard input is no terminal"), "{error}");
    let error = mode("Always", Some("some message")).interactive(true).unwrap_err().to_string();
    assert!(error.contains("standard input is unavailable (some message)"), "{error}");
}

#[test]
fn a_plugin_is_told_what_client_go_tells_it() {
    let cluster_config = Some(json!({"apiVersion": "group/v1", "spec": {"audience": "snorlax"}}));
    let exec = ExecConfig { provide_cluster_info: true, cluster_config, ..plugin(V1) };
    let mut config = Config::new("https://foo:6443").unwrap();
    config.tls.server_name = Some("bar".into());
    let cluster = ExecCluster::new(&config, &exec, Some(&Bytes::from_static(b"baz")));
    let told =
        |exec: &ExecConfig| serde_json::from_str::<serde_json::Value>(&exec.info(false, &cluster)).unwrap();
    let spec = json!({"cluster": {"server": "https://foo:6443", "tls-server-name": "bar",
        "certificate-authority-data": "YmF6", "config": {"apiVersion": "group/v1", "spec": {"audience": "snorlax"}}},
        "interactive": false});
    assert_eq!(told(&exec), json!({"kind": "ExecCredential", "apiVersion": V1, "spec": spec}));
    assert_eq!(told(&plugin(V1))["spec"], json!({"interactive": false}));
}

#[test]
fn a_credential_serves_until_it_ends_or_is_refused() {
    let mut cache = ExecCache::default();
    let at = Duration::from_secs;
    let credential = |token: &'static str, expires: Option<u64>| ExecCredential {
        token: Some(Secret::new(token)),
        identity: None,
        expires: expires.map(at),
    };
    assert_eq!(cache.current(at(1)), None);
    cache.put(credential("one", Some(10)));
    assert!(cache.current(at(10)).is_some(), "client-go asks whether now is after the end");
    assert_eq!(cache.current(at(11)), None);
    cache.put(credential("two", None));
    cache.refused(Some(&Secret::new("one")));
    assert!(cache.current(at(1 << 40)).is_some(), "the refusal was of an earlier token");
    cache.refused(Some(&Secret::new("two")));
    assert_eq!(cache.current(at(0)), None);
    cache.put(credential("three", None));
    assert!(cache.current(at(0)).is_some());
}

#[test]
fn a_hint_cannot_drive_a_terminal() {
    assert_eq!(
        harmless("brew install foo\n\tthen \u{1b}[1mlog in"),
        "brew install foo\n\tthen U+001B[1mlog in"
    );
    let exec = ExecConfig {
        args: vec!["--password=s3cr3t".into()],
        env: vec![ExecVariable { name: "TOKEN".into(), value: Secret::new("s3cr3t") }],
        ..plugin(V1)
    };
    assert!(!format!("{exec:?}").contains("s3cr3t"));
}
