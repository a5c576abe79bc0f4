//! Kubeconfigs good and bad: each bad one with the exact line it earns.

use super::*;
use crate::config::Secret;

const CERTIFICATE: &str = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCkFBQUEKLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo=";
const KEY: &str = "LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tCkFBQUEKLS0tLS1FTkQgUFJJVkFURSBLRVktLS0tLQo=";

/// A whole kubeconfig whose context, cluster and user hold these fields.
fn file(context: &str, cluster: &str, user: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: dev\n\
         contexts: [{{name: dev, context: {{{context}}}}}]\n\
         clusters: [{{name: c, cluster: {{{cluster}}}}}]\n\
         users: [{{name: u, user: {{{user}}}}}]\n"
    )
}

fn read(text: &str) -> Result<Config, Error> {
    Kubeconfig::parse(text.as_bytes(), "FILE")?.resolve(None)
}

#[test]
fn a_file_with_everything_becomes_a_config() {
    let cluster =
        format!("server: https://h:6443, certificate-authority-data: {CERTIFICATE}, tls-server-name: k");
    let user = format!(
        "client-certificate-data: {CERTIFICATE}, client-key-data: {KEY}, token: 12345, as: jo, as-groups: [a, b]"
    );
    let config = read(&file("cluster: c, user: u, namespace: shop", &cluster, &user)).unwrap();
    assert_eq!(config.server, "https://h:6443/");
    assert_eq!(config.default_namespace, "shop");
    assert_eq!(config.auth.credential, Credential::Token(Secret::new("12345")));
    let impersonate = config.auth.impersonate.unwrap();
    assert_eq!((impersonate.user.as_str(), impersonate.groups.len()), ("jo", 2));
    assert_eq!(config.tls.server_name.as_deref(), Some("k"));
    assert!(
        matches!(config.tls.certificate_authority, Some(Pem::Data(ref data)) if data.starts_with(b"-----BEGIN"))
    );
    assert!(matches!(config.tls.identity, Some(Identity { key: Pem::Data(_), .. })));
}

#[test]
fn paths_are_seen_from_the_files_folder() {
    let cluster = "server: https://h, certificate-authority: ca.pem";
    let user = "client-certificate: /abs/c.pem, client-key: ../k.pem, tokenFile: t, token: old";
    let text = file("cluster: c, user: u", cluster, user);
    let kubeconfig = Kubeconfig::parse(text.as_bytes(), "/etc/kube/config").unwrap();
    let config = kubeconfig.relative_to(std::path::Path::new("/etc/kube")).resolve(Some("dev")).unwrap();
    assert_eq!(config.tls.certificate_authority, Some(Pem::File("/etc/kube/ca.pem".into())));
    let identity = config.tls.identity.unwrap();
    assert_eq!(identity.certificate, Pem::File("/abs/c.pem".into()));
    assert_eq!(identity.key, Pem::File("/etc/kube/../k.pem".into()));
    let fallback = Some(Secret::new("old"));
    assert_eq!(config.auth.credential, Credential::TokenFile { path: "/etc/kube/t".into(), fallback });
}

#[test]
fn an_unencrypted_server_gets_no_credential() {
    let config = read(&file("cluster: c, user: u", "server: h:8080", "token: abc, as: jo")).unwrap();
    assert_eq!(config.server, "http://h:8080/");
    assert_eq!(config.auth.credential, Credential::None);
    assert_eq!(config.auth.impersonate.map(|impersonate| impersonate.user).as_deref(), Some("jo"));
}

#[test]
fn a_context_without_a_user_is_anonymous() {
    let config = read(&file("cluster: c", "server: https://h", "token: abc")).unwrap();
    assert_eq!(config.auth, Auth::default());
    assert_eq!(config.tls, Tls::default());
}

#[test]
fn a_plugin_is_asked_where_nothing_else_says_who_we_are() {
    let cluster = "server: https://h, extensions: [{name: client.authentication.k8s.io/exec, extension: {audience: a}}]";
    let exec = "exec: {command: bin/login, apiVersion: client.authentication.k8s.io/v1beta1, args: ~, \
                installHint: \"\\e[1m\", env: [{name: A, value: b}]}";
    let text = file("cluster: c, user: u", cluster, exec);
    let kubeconfig = Kubeconfig::parse(text.as_bytes(), "FILE").unwrap();
    let config = kubeconfig.relative_to("/etc/kube".as_ref()).resolve(None).unwrap();
    let Credential::Exec(plugin) = config.auth.credential else { panic!("{:?}", config.auth) };
    assert_eq!((plugin.command.as_str(), plugin.install_hint.as_str()), ("/etc/kube/bin/login", "U+001B[1m"));
    assert_eq!(plugin.cluster_config, Some(serde_json::json!({"audience": "a"})));
    assert_eq!(plugin.origin, "kubeconfig FILE: users \"u\": exec");

    let pair = format!("client-certificate-data: {CERTIFICATE}, client-key-data: {KEY}");
    for other in ["token: t", "tokenFile: t", "username: u", &pair] {
        let config = read(&file("cluster: c, user: u", cluster, &format!("{exec}, {other}"))).unwrap();
        assert!(!matches!(config.auth.credential, Credential::Exec(_)), "{other}");
    }
}

#[test]
fn nulls_and_json_are_read_as_go_reads_them() {
    let none = Kubeconfig::parse(b"apiVersion: v1\nclusters: null\nusers:\ncontexts: ~\n", "FILE").unwrap();
    assert!(none.is_empty());
    assert!(Kubeconfig::parse(b"", "FILE").unwrap().is_empty());
    let json =
        b"{\n\t\"kind\": \"Config\",\n\t\"users\": [{\"name\": \"a\", \"user\": {\"token\": \"t\"}}]\n}";
    assert_eq!(Kubeconfig::parse(json, "FILE").unwrap().users["a"].token, Secret::new("t"));
    let unknown = b"preferences: {colors: true}\nextensions: [{name: x, extension: {a: [1]}}]\nnew: 1\n";
    assert!(Kubeconfig::parse(unknown, "FILE").unwrap().is_empty());
}

#[test]
fn the_first_file_to_name_something_wins_and_entries_never_mix() {
    let first = "current-context: ''\nclusters: [{name: c, cluster: {server: https://one}}]\n\
                 users: [{name: u, user: {username: one}}]\n";
    let second = "current-context: two\nclusters: [{name: c, cluster: {server: https://two, tls-server-name: x}}]\n\
                  users: [{name: u, user: {password: two}}]\ncontexts: [{name: two, context: {cluster: c, user: u}}]\n";
    let third = "current-context: three\ncontexts: [{name: two, context: {cluster: d, user: u}}]\n";
    let parse = |text: &str, name| Kubeconfig::parse(text.as_bytes(), name).unwrap();
    let merged = parse(first, "ONE").merge(parse(second, "TWO")).merge(parse(third, "THREE"));
    assert_eq!(merged.current_context, "two");
    assert_eq!(merged.clusters["c"].server, "https://one");
    assert_eq!(merged.clusters["c"].tls_server_name, "");
    assert!(merged.users["u"].password.is_empty());
    assert_eq!(
        (merged.contexts["two"].cluster.as_str(), merged.contexts["two"].origin.as_str()),
        ("c", "TWO")
    );
    let config = merged.resolve(None).unwrap();
    let password = Secret::default();
    assert_eq!(config.auth.credential, Credential::Basic { username: "one".into(), password });
    let error = merged.resolve(Some("four")).unwrap_err();
    let line = "kubeconfig ONE, TWO, THREE: contexts: \"four\" is not among the contexts: choose one of two";
    assert_eq!(error.to_string(), line);
}

/// The whole file, and the line.
const BAD_FILES: &[(&str, &str)] = &[
    ("", "contexts: there are none: add one, for example with `kubectl config set-context`"),
    ("just text", "line 1, column 1: this is not a mapping of fields to values: correct it"),
    ("a: [1, 2", "line 1, column 4: a: this is not YAML: correct it or name another file"),
    ("\ta: b: c", "line 1, column 6: this is not YAML: correct it or name another file"),
    (
        "kind: Pod\napiVersion: v1",
        "kind: is \"Pod\" of \"v1\" instead of \"Config\" of \"v1\": name a kubeconfig",
    ),
    (
        "kind: Config\napiVersion: v2",
        "kind: is \"Config\" of \"v2\" instead of \"Config\" of \"v1\": name a kubeconfig",
    ),
    ("users: 5", "line 1, column 8: users: this is not a list: correct it"),
    (
        "users: [{name: a, user: {token: [s3cr3t]}}]",
        "line 1, column 33: users[0].user.token: this is not a text: correct it",
    ),
    (
        "users: [{name: a, user: {client-key-data: {x: s3cr3t}}}]",
        "line 1, column 43: users[0].user.client-key-data: this is not a text: correct it",
    ),
    (
        "users: [{name: a, user: s3cr3t}]",
        "line 1, column 25: users[0].user: this is not a mapping of fields to values: correct it",
    ),
    (
        "clusters: [{name: a, cluster: {insecure-skip-tls-verify: perhaps}}]",
        "line 1, column 58: clusters[0].cluster.insecure-skip-tls-verify: this is not a boolean: correct it",
    ),
    (
        "users: [{name: a}, {name: b}, {name: a}]",
        "users: there are two of the name \"a\": remove or rename one",
    ),
    ("users: []\nusers: []", "line 2, column 1: a field is given twice: remove one"),
    ("users: []\n---\nusers: []", "line 3, column 1: a second YAML document begins: keep one"),
    ("a: &a [*a, *a]", "line 1, column 8: a: the value of an anchor holds an alias to itself: take it out"),
    ("users: *b", "line 1, column 8: this alias has no anchor before it: add the anchor or correct the name"),
    (
        "contexts: [{name: \"a\\e[1m\\n\"}]",
        "current-context: none is set: choose one of a\u{fffd}[1m\u{fffd}",
    ),
    ("contexts: [{name: a}, {name: b}]", "current-context: none is set: choose one of a, b"),
    (
        "current-context: c\ncontexts: [{name: a}, {name: b}]",
        "current-context: \"c\" is not among the contexts: choose one of a, b",
    ),
    (
        "current-context: c\nusers: []",
        "current-context: \"c\" is not among the contexts: add one, for example with `kubectl config set-context`",
    ),
];

#[test]
fn bad_files_earn_their_line() {
    for (text, line) in BAD_FILES {
        let error = read(text).unwrap_err();
        assert_eq!(error.to_string(), format!("kubeconfig FILE: {line}"));
        assert!(!error.to_string().contains("s3cr3t"));
    }
}

#[test]
fn a_file_that_is_too_deep_says_so() {
    for text in [format!("a: {}", "[".repeat(5000)), format!("a: {}{}", "[".repeat(900), "]".repeat(900))] {
        let error = read(&text).unwrap_err().to_string();
        assert!(
            error.ends_with("the YAML is too deep or its aliases grow too large: simplify it"),
            "{error}"
        );
    }
}

#[test]
fn a_file_that_is_huge_or_grows_is_refused() {
    let huge = "#".repeat(17 << 20);
    let error = read(&huge).unwrap_err().to_string();
    assert!(
        error.ends_with("is larger than 16777216 bytes: this is no kubeconfig, name another file"),
        "{error}"
    );
    let mut growing = "x0: &x0 [s3cr3t]\n".to_owned();
    for level in 1..30 {
        let below = vec![format!("*x{}", level - 1); 10].join(", ");
        growing.push_str(&format!("x{level}: &x{level} [{below}]\n"));
    }
    growing.push_str("clusters: [{name: a, cluster: {extensions: [{name: e, extension: *x29}]}}]\n");
    let error = read(&growing).unwrap_err().to_string();
    assert!(error.ends_with("the YAML is too deep or its aliases grow too large: simplify it"), "{error}");
}

/// The fields of context, cluster and user, and the line.
const BAD_FIELDS: &[(&str, &str, &str, &str)] = &[
    ("user: u", "", "", "contexts \"dev\": cluster: names none: add one"),
    (
        "cluster: x, user: u",
        "",
        "",
        "contexts \"dev\": cluster: \"x\" is not among the clusters: add it there or correct the name",
    ),
    (
        "cluster: c, user: x",
        "",
        "",
        "contexts \"dev\": user: \"x\" is not among the users: add it there or correct the name",
    ),
    (
        "cluster: c, user: u",
        "",
        "",
        "clusters \"c\": server: the server's address is empty: give one such as https://localhost:6443",
    ),
    (
        "cluster: c, user: u",
        "server: 'ftp://h'",
        "",
        "clusters \"c\": server: \"ftp://h\" is no server address (its scheme must be http or https): give one such as https://localhost:6443",
    ),
    (
        "cluster: c, user: u",
        "server: 'https://jo:s3cr3t@h'",
        "",
        "clusters \"c\": server: the server's address holds a user name: put credentials under users",
    ),
    (
        "cluster: c, user: u",
        "server: 'https://h', proxy-url: 'socks6://jo:s3cr3t@p'",
        "",
        "clusters \"c\": proxy-url: has a scheme other than http, https and socks5: \
         give one such as http://proxy:3128, https://proxy or socks5://proxy:1080",
    ),
    (
        "cluster: c, user: u, namespace: Up",
        "server: h",
        "",
        "contexts \"dev\": namespace: \"Up\" is no namespace: use up to 63 of a-z, 0-9 and inner -",
    ),
    (
        "cluster: c, user: u",
        "server: 'https://h', certificate-authority-data: 's3cr3t!'",
        "",
        "clusters \"c\": certificate-authority-data: is not base64: encode the PEM file with `base64 -w0`, or name it without -data",
    ),
    (
        "cluster: c, user: u",
        "server: 'https://h', certificate-authority-data: czNjcjN0",
        "",
        "clusters \"c\": certificate-authority-data: holds no certificate in PEM form (-----BEGIN …-----): write one there",
    ),
    (
        "cluster: c, user: u",
        "server: 'https://h', certificate-authority: a, insecure-skip-tls-verify: true",
        "",
        "clusters \"c\": insecure-skip-tls-verify: cannot be combined with a certificate-authority: remove one of the two",
    ),
    (
        "cluster: c, user: u",
        "server: 'https://h'",
        "client-certificate-data: CERTIFICATE",
        "users \"u\": client-key-data: is missing beside the client certificate: add it or client-key",
    ),
    (
        "cluster: c, user: u",
        "server: 'https://h'",
        "client-certificate-data: KEY, client-key: k",
        "users \"u\": client-certificate-data: holds no certificate in PEM form (-----BEGIN …-----): write one there",
    ),
    (
        "cluster: c, user: u",
        "server: 'https://h'",
        "client-certificate: c, client-key-data: CERTIFICATE",
        "users \"u\": client-key-data: holds no private key in PEM form (-----BEGIN …-----): write one there",
    ),
    (
        "cluster: c, user: u",
        "server: 'https://h'",
        "client-certificate: c, client-key-data: ENCRYPTED",
        "users \"u\": client-key-data: holds an encrypted private key: decrypt it first, for example with `openssl pkey`",
    ),
    (
        "cluster: c, user: u",
        "server: 'https://h'",
        "client-certificate: c, client-key-data: CUT",
        "users \"u\": client-key-data: holds a PEM block without its end: write the private key anew",
    ),
    (
        "cluster: c, user: u",
        "server: 'https://h'",
        "client-certificate: c, client-key-data: DAMAGED",
        "users \"u\": client-key-data: holds a damaged PEM block (PRIVATE KEY): write the private key anew",
    ),
    (
        "cluster: c, user: u",
        "server: 'https://h'",
        "token: s3cr3t, username: jo, password: s3cr3t",
        "users \"u\": token: is given beside username and password: keep one of the two",
    ),
    (
        "cluster: c, user: u",
        "server: 'https://h'",
        "exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never}",
        "users \"u\": exec: command: is missing: name the program",
    ),
    (
        "cluster: c, user: u",
        "server: 'https://h'",
        "exec: {command: get-token, args: [s3cr3t]}",
        "users \"u\": exec: apiVersion: is missing: give client.authentication.k8s.io/v1 or client.authentication.k8s.io/v1beta1",
    ),
    (
        "cluster: c, user: u",
        "server: 'https://h'",
        "exec: {command: get-token, apiVersion: client.authentication.k8s.io/v1alpha1}",
        "users \"u\": exec: apiVersion: \"client.authentication.k8s.io/v1alpha1\" is not supported: \
         give client.authentication.k8s.io/v1 or client.authentication.k8s.io/v1beta1",
    ),
    (
        "cluster: c, user: u",
        "server: 'https://h'",
        "exec: {command: get-token, apiVersion: client.authentication.k8s.io/v1}",
        "users \"u\": exec: interactiveMode: is missing: give Never, IfAvailable or Always",
    ),
    (
        "cluster: c, user: u",
        "server: 'https://h'",
        "exec: {command: get-token, apiVersion: client.authentication.k8s.io/v1beta1, interactiveMode: x}",
        "users \"u\": exec: interactiveMode: \"x\" is none of Never, IfAvailable and Always: give one",
    ),
    (
        "cluster: c, user: u",
        "server: 'https://h'",
        "exec: {command: get-token, apiVersion: client.authentication.k8s.io/v1beta1, env: [{value: s3cr3t}]}",
        "users \"u\": exec: env: a variable has no name: give it one",
    ),
    (
        "cluster: c, user: u",
        "server: 'https://h'",
        "exec: {command: get-token}, auth-provider: {name: x}",
        "users \"u\": exec: is given beside auth-provider: keep one of the two",
    ),
    (
        "cluster: c, user: u",
        "server: 'https://h'",
        "token: \"s3cr3t\\0\"",
        "users \"u\": token: holds a character no header may carry: write it anew",
    ),
    (
        "cluster: c, user: u",
        "server: 'https://h'",
        "as: \"jo\\n\"",
        "users \"u\": as: holds a character no header may carry: write it anew",
    ),
    (
        "cluster: c, user: u",
        "server: 'https://h'",
        "as: jo, as-groups: [a, \"b\\n\"]",
        "users \"u\": as-groups: holds a character no header may carry: write it anew",
    ),
    (
        "cluster: c, user: u",
        "server: 'https://h'",
        "as: jo, as-user-extra: {a: [\"b\\n\"]}",
        "users \"u\": as-user-extra: holds a character no header may carry: write it anew",
    ),
    (
        "cluster: c, user: u",
        "server: 'https://h'",
        "auth-provider: {name: oidc}",
        "users \"u\": auth-provider: idp-issuer-url: is missing: give the provider's address",
    ),
    (
        "cluster: c, user: u",
        "server: 'https://h'",
        "as-groups: [a]",
        "users \"u\": as: is missing beside as-uid, as-groups or as-user-extra: name the user",
    ),
];

#[test]
fn bad_fields_earn_their_line() {
    use base64::Engine;
    let encode = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
    let encrypted =
        encode("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n");
    let cut = encode("-----BEGIN PRIVATE KEY-----\nAAAA\n");
    let damaged = encode("-----BEGIN PRIVATE KEY-----\nA!AA\n-----END PRIVATE KEY-----\n");
    let words = [("ENCRYPTED", encrypted.as_str()), ("CUT", &cut), ("DAMAGED", &damaged)];
    for (context, cluster, user, line) in BAD_FIELDS {
        let words = [("CERTIFICATE", CERTIFICATE), ("KEY", KEY)].into_iter().chain(words);
        let user_text = words.fold((*user).to_owned(), |text, (word, value)| {
            text.replace(&format!(": {word}"), &format!(": {value}"))
        });
        let error = read(&file(context, cluster, &user_text)).unwrap_err();
        assert_eq!(error.to_string(), format!("kubeconfig FILE: {line}"));
        assert!(!error.to_string().contains("s3cr3t"));
    }
}
