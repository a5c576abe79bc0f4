//! Loading from temporary directories.

use portolan::config::{Context, Secret};

use super::*;

fn kubeconfig(name: &str, token: &str) -> String {
    format!(
        "current-context: {name}\n\
         contexts: [{{name: {name}, context: {{cluster: {name}, user: {name}}}}}]\n\
         clusters: [{{name: {name}, cluster: {{server: 'https://{name}', certificate-authority: ca.pem}}}}]\n\
         users: [{{name: {name}, user: {{token: {token}}}}}]\n"
    )
}

/// A certificate and its key.
fn certificate() -> (String, String) {
    let signed = rcgen::generate_simple_self_signed(["home".to_owned()]).unwrap();
    (signed.cert.pem(), signed.signing_key.serialize_pem())
}

pub(crate) struct Machine {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) environment: Environment,
}

impl Machine {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let environment = Environment {
            kubeconfig: None,
            home: Some(folder.path().join("home")),
            service_host: None,
            service_port: None,
            namespace: None,
            service_account: folder.path().join("account"),
        };
        Self { folder, environment }
    }

    pub(crate) fn write(&self, path: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// A kubeconfig and the authority it names.
    fn write_kubeconfig(&self, path: &str, text: &str) -> PathBuf {
        let path = self.write(path, text);
        std::fs::write(path.with_file_name("ca.pem"), certificate().0).unwrap();
        path
    }

    fn load(&self, context: Option<&str>) -> Result<Config, Error> {
        let context = context.map(str::to_owned);
        self.environment.load(&ConfigOptions { context, ..Default::default() })
    }

    fn in_cluster(&mut self) {
        self.environment.service_host = Some("fd00::1".into());
        self.environment.service_port = Some("443".into());
        self.write("account/token", "t");
    }
}

fn host(config: &Config) -> &str {
    config.server.host().unwrap_or_default()
}

#[test]
fn the_home_directory_is_read_and_its_paths_are_absolute() {
    let machine = Machine::new();
    let path = machine.write_kubeconfig("home/.kube/config", &kubeconfig("home", "t"));
    let config = machine.load(None).unwrap();
    assert_eq!(host(&config), "home");
    let authority = path.with_file_name("ca.pem").to_str().unwrap().to_owned();
    assert_eq!(config.tls.certificate_authority, Some(Pem::File(authority)));
    let program = std::env::current_exe().unwrap().file_name().unwrap().to_str().unwrap().to_owned();
    let system = format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH);
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(config.user_agent, format!("{program}/unknown ({system}) portolan/{version}"));
}

#[test]
fn a_program_is_named_as_a_header_may_carry_it() {
    for (path, name) in [
        ("/usr/bin/shop-controller", Some("shop-controller")),
        ("/usr/bin/shop (deleted)", Some("shop")),
        ("/home/jo/l\u{e4}den v2\n", Some("l-den-v2-")),
        ("/", None),
    ] {
        assert_eq!(program(Path::new(path)).as_deref(), name, "{path:?}");
    }
}

#[test]
fn the_listed_files_are_merged_and_the_first_wins() {
    let mut machine = Machine::new();
    machine.write_kubeconfig("home/.kube/config", &kubeconfig("home", "t"));
    let one = machine.write_kubeconfig("a/one", &kubeconfig("one", "first"));
    let two =
        machine.write_kubeconfig("b/two", &format!("{}preferences: {{}}\n", kubeconfig("two", "second")));
    let missing = machine.folder.path().join("missing");
    let list = std::env::join_paths([&missing, &one, &one, &two]).unwrap();
    machine.environment.kubeconfig = Some(list);
    let config = machine.load(None).unwrap();
    assert_eq!((host(&config), &config.auth.credential), ("one", &Credential::Token(Secret::new("first"))));
    let config = machine.load(Some("two")).unwrap();
    assert_eq!(host(&config), "two");
    let authority = machine.folder.path().join("b/ca.pem").to_str().unwrap().to_owned();
    assert_eq!(config.tls.certificate_authority, Some(Pem::File(authority)));
    let error = machine.load(Some("home")).unwrap_err().to_string();
    let files = format!("{}, {}", one.display(), two.display());
    assert_eq!(
        error,
        format!("kubeconfig {files}: contexts: \"home\" is not among the contexts: choose one of one, two")
    );
}

#[test]
fn a_named_file_must_be_there_and_stands_alone() {
    let machine = Machine::new();
    machine.write_kubeconfig("home/.kube/config", &kubeconfig("home", "t"));
    let named = machine.write_kubeconfig("named", &kubeconfig("named", "t"));
    let load = |path: &Path| {
        machine.environment.load(&ConfigOptions { kubeconfig: Some(path.to_owned()), ..Default::default() })
    };
    assert_eq!(host(&load(&named).unwrap()), "named");
    let missing = machine.folder.path().join("missing");
    let text = format!("kubeconfig {}: there is no such file: correct the path", missing.display());
    assert_eq!(load(&missing).unwrap_err().to_string(), text);
    let folder = machine.folder.path();
    let text = format!(
        "kubeconfig {}: cannot be read (Is a directory (os error 21)): correct the path or its permissions",
        folder.display()
    );
    assert_eq!(load(folder).unwrap_err().to_string(), text);
    if cfg!(target_os = "linux") {
        let text = "kubeconfig /dev/zero: cannot be read (it is larger than 16777216 bytes): correct the path or its permissions";
        assert_eq!(load(Path::new("/dev/zero")).unwrap_err().to_string(), text);
    }
    let broken = machine.write("broken", "users: [");
    let text = format!("kubeconfig {}: line 1, column 8: users: this is not YAML: ", broken.display());
    let error = load(&broken).unwrap_err().to_string();
    assert!(error.starts_with(&text), "{error}");
}

#[test]
fn a_pod_uses_its_service_account() {
    let mut machine = Machine::new();
    machine.in_cluster();
    machine.write("account/ca.crt", "pem");
    machine.write("account/namespace", "shop\n");
    let config = machine.load(None).unwrap();
    assert_eq!(config.server, "https://[fd00::1]:443/");
    assert_eq!(config.default_namespace, "shop");
    let file = |name: &str| machine.folder.path().join("account").join(name).to_str().unwrap().to_owned();
    assert_eq!(config.auth.credential, Credential::TokenFile { path: file("token"), fallback: None });
    assert_eq!(config.tls.certificate_authority, Some(Pem::File(file("ca.crt"))));

    machine.write_kubeconfig("home/.kube/config", &kubeconfig("home", "t"));
    assert_eq!(host(&machine.load(None).unwrap()), "home", "a kubeconfig comes first");
    let asked_for = machine.environment.in_cluster().unwrap();
    assert_eq!((host(&asked_for), &asked_for.auth), ("[fd00::1]", &config.auth));
    assert_eq!(asked_for.user_agent, config.user_agent);
    std::fs::remove_file(file("token")).unwrap();
    let error = machine.environment.in_cluster().unwrap_err().to_string();
    assert!(error.starts_with("this is no Pod of a cluster: ") && error.contains(&file("token")), "{error}");
}

#[test]
fn overrides_win_over_the_files() {
    let mut machine = Machine::new();
    let load = |machine: &Machine, overrides: &Overrides, context: Option<&str>| {
        let context = context.map(str::to_owned);
        let options = ConfigOptions { overrides: overrides.clone(), context, ..Default::default() };
        machine.environment.load(&options)
    };
    let names = Context { namespace: "shop".into(), ..Context::default() };
    let user = User { impersonate: "jo".into(), ..User::default() };
    let overrides = Overrides { context: "one".into(), names, user, ..Overrides::default() };
    let one = machine.write_kubeconfig("one", &kubeconfig("one", "t"));
    let two = machine.write_kubeconfig("two", &kubeconfig("two", "t"));
    machine.environment.kubeconfig = Some(std::env::join_paths([&two, &one]).unwrap());
    for (context, expected) in [(None, "one"), (Some("two"), "two")] {
        let config = load(&machine, &overrides, context).unwrap();
        let acts_as = config.auth.impersonate.as_ref().unwrap().user.as_str();
        assert_eq!((host(&config), config.default_namespace.as_str(), acts_as), (expected, "shop", "jo"));
        assert_eq!(config.auth.credential, Credential::Token(Secret::new("t")), "the rest is the files'");
    }

    // No file: a namespace goes to the service account, anything more wants a server.
    machine.environment.kubeconfig = None;
    machine.in_cluster();
    let namespace = Overrides { names: overrides.names.clone(), ..Overrides::default() };
    let config = load(&machine, &namespace, None).unwrap();
    assert_eq!((host(&config), config.default_namespace.as_str()), ("[fd00::1]", "shop"));
    assert!(load(&machine, &Overrides { context: String::new(), ..overrides }, None).is_err());
    let cluster = Cluster { server: "localhost:8001".into(), ..Cluster::default() };
    let config = load(&machine, &Overrides { cluster, ..namespace }, None).unwrap();
    assert_eq!((host(&config), config.default_namespace.as_str()), ("localhost", "shop"));
}

#[test]
fn nothing_at_all_says_where_it_looked() {
    let mut machine = Machine::new();
    let path = machine.folder.path().join("home/.kube/config");
    let text = format!(
        "there is no kubeconfig ({}), and this is no Pod of a cluster: write one there or name one with KUBECONFIG",
        path.display()
    );
    assert_eq!(machine.load(None).unwrap_err().to_string(), text);
    machine.in_cluster();
    assert_eq!(machine.load(Some("dev")).unwrap_err().to_string(), text, "a service account has no contexts");
}

#[test]
fn a_list_that_names_no_file_is_told() {
    let mut machine = Machine::new();
    machine.environment.kubeconfig = Some(":::".into());
    let text = machine.load(None).unwrap_err().to_string();
    assert!(text.starts_with("there is no kubeconfig (KUBECONFIG names no file)"), "{text}");
}

#[test]
fn a_file_that_a_kubeconfig_names_must_be_there() {
    let machine = Machine::new();
    let path = machine.write("home/.kube/config", &kubeconfig("home", "t"));
    let home = |field: &str, list: &str, why: &str| {
        let file = path.with_file_name(field);
        let (path, file) = (path.display(), file.display().to_string());
        format!("kubeconfig {path}: {list} \"home\": {}", why.replace("FILE", &file))
    };
    let missing =
        "cannot be read (No such file or directory (os error 2)): correct the path or its permissions";
    let expected = home("ca.pem", "clusters", &format!("certificate-authority FILE {missing}"));
    assert_eq!(machine.load(None).unwrap_err().to_string(), expected);
    let identified =
        kubeconfig("home", "t").replace("user: {", "user: {client-certificate: c.pem, client-key: k.pem, ");
    machine.write_kubeconfig("home/.kube/config", &identified);
    let (own, key) = certificate();
    std::fs::write(path.with_file_name("c.pem"), &own).unwrap();
    let expected = home("k.pem", "users", &format!("client-key FILE {missing}"));
    assert_eq!(machine.load(None).unwrap_err().to_string(), expected);

    // PEM around garbage, and a key of another pair: each is blamed on the file that is at fault.
    let garbage = |label: &str| format!("-----BEGIN {label}-----\nczNjcjN0\n-----END {label}-----\n");
    std::fs::write(path.with_file_name("k.pem"), garbage("PRIVATE KEY")).unwrap();
    let damaged = "client-key FILE holds a private key that is damaged or of an unknown kind: write an RSA, ECDSA or Ed25519 key there";
    assert_eq!(machine.load(None).unwrap_err().to_string(), home("k.pem", "users", damaged));
    std::fs::write(path.with_file_name("k.pem"), certificate().1).unwrap();
    let pair = format!(
        "client-key FILE does not belong to client-certificate {}: give the two of one pair",
        path.with_file_name("c.pem").display()
    );
    assert_eq!(machine.load(None).unwrap_err().to_string(), home("k.pem", "users", &pair));
    std::fs::write(path.with_file_name("k.pem"), &key).unwrap();
    std::fs::write(path.with_file_name("c.pem"), garbage("CERTIFICATE")).unwrap();
    let damaged = "client-certificate FILE holds a certificate that is damaged (PEM around what is no X.509): write it anew";
    assert_eq!(machine.load(None).unwrap_err().to_string(), home("c.pem", "users", damaged));
    std::fs::write(path.with_file_name("c.pem"), own).unwrap();
    machine.load(None).unwrap();
    std::fs::write(path.with_file_name("ca.pem"), garbage("CERTIFICATE")).unwrap();
    let damaged = "certificate-authority FILE holds a certificate that is damaged (PEM around what is no X.509): write it anew";
    assert_eq!(machine.load(None).unwrap_err().to_string(), home("ca.pem", "clusters", damaged));
    machine.write_kubeconfig(
        "home/.kube/config",
        &identified.replace("server:", "tls-server-name: no name, server:"),
    );
    let expected = home("", "clusters", "tls-server-name: \"no name\" is no host name: correct it");
    assert_eq!(machine.load(None).unwrap_err().to_string(), expected);
}
