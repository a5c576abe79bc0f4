//! Finds the configuration: a kubeconfig named by the caller, those of KUBECONFIG, the one in the home directory, or the
//! service account of a Pod. After client-go's clientcmd loader.go and rest/config.go, v0.37.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use portolan::Error;
use portolan::config::{Auth, Cluster, Config, Credential, Kubeconfig, Overrides, Pem, Tls, User};

use crate::dial::bracketed;
use crate::{files, tls};

/// Where the service account of a Pod lies.
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// Which configuration is wanted; by default the current context of the usual places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigOptions {
    /// The kubeconfig to read instead of the usual places. It must exist.
    pub kubeconfig: Option<PathBuf>,
    /// The context to use instead of the current one and that of `overrides`.
    pub context: Option<String>,
    /// What wins over the files. Where there are none, a server here is enough; a Pod's service account takes the
    /// namespace alone. Its paths are relative to the working directory.
    pub overrides: Overrides,
}

/// The configuration of this process: the named kubeconfig; else the files of KUBECONFIG, merged, or
/// `~/.kube/config`; and when none of them says anything, the service account of the Pod this runs in. client-go's
/// `clientcmd.NewNonInteractiveDeferredLoadingClientConfig`.
///
/// ```no_run
/// use portolan::config::{Cluster, Overrides};
/// use portolan_native::{ConfigOptions, load_config};
///
/// let cluster = Cluster { server: "http://localhost:8001".into(), ..Cluster::default() };
/// let overrides = Overrides { cluster, ..Overrides::default() };
/// let config = load_config(&ConfigOptions { overrides, ..ConfigOptions::default() })?;
/// assert_eq!(config.server, "http://localhost:8001/");
/// # Ok::<(), portolan::Error>(())
/// ```
///
/// # Errors
/// `Config`, naming the file, the field and what to do.
pub fn load_config(options: &ConfigOptions) -> Result<Config, Error> {
    Environment::of_process().load(options)
}

/// What the service account of the Pod this runs in says, whatever kubeconfigs there are: its token and authority are read
/// again as they change. [`load_config`] takes it where no kubeconfig says anything. client-go's `rest.InClusterConfig`.
///
/// # Errors
/// `Config`, when this is no Pod of a cluster.
pub fn in_cluster_config() -> Result<Config, Error> {
    Environment::of_process().in_cluster()
}

/// What is read of the process, so that tests can have their own.
pub(crate) struct Environment {
    pub(crate) kubeconfig: Option<OsString>,
    home: Option<PathBuf>,
    service_host: Option<String>,
    service_port: Option<String>,
    namespace: Option<String>,
    service_account: PathBuf,
}

impl Environment {
    pub(crate) fn of_process() -> Self {
        let text = |name| std::env::var(name).ok().filter(|text| !text.is_empty());
        Self {
            kubeconfig: std::env::var_os("KUBECONFIG").filter(|list| !list.is_empty()),
            home: std::env::home_dir().filter(|home| !home.as_os_str().is_empty()),
            service_host: text("KUBERNETES_SERVICE_HOST"),
            service_port: text("KUBERNETES_SERVICE_PORT"),
            namespace: text("POD_NAMESPACE"),
            service_account: SERVICE_ACCOUNT.into(),
        }
    }

    fn load(&self, options: &ConfigOptions) -> Result<Config, Error> {
        let mut overrides = options.overrides.clone();
        if let Some(context) = &options.context {
            overrides.context.clone_from(context);
        }
        if let Some(path) = &options.kubeconfig {
            let text = "there is no such file: correct the path";
            let file =
                read(path)?.ok_or_else(|| Error::config(format!("kubeconfig {}: {text}", path.display())))?;
            return resolve(file, &overrides);
        }
        let places = self.places();
        let files = merged(&places)?;
        let are_more_than_names =
            overrides.cluster != Cluster::default() || overrides.user != User::default();
        if files.is_empty() && !are_more_than_names {
            return self.without_kubeconfig(&places, &overrides);
        }
        resolve(files, &overrides)
    }

    /// The usual files, the one that wins first.
    pub(crate) fn places(&self) -> Vec<PathBuf> {
        let mut places: Vec<PathBuf> = Vec::new();
        match &self.kubeconfig {
            Some(list) => {
                for path in std::env::split_paths(list).filter(|path| !path.as_os_str().is_empty()) {
                    if !places.contains(&path) {
                        places.push(path);
                    }
                }
            }
            None => places.extend(self.home.as_ref().map(|home| home.join(".kube").join("config"))),
        }
        places
    }

    /// Why there are no usual files.
    pub(crate) fn without_places(&self) -> &'static str {
        if self.kubeconfig.is_some() { "KUBECONFIG names no file" } else { "there is no home directory" }
    }

    /// The Pod's service account, of whose configuration only the namespace may be another.
    fn without_kubeconfig(&self, places: &[PathBuf], overrides: &Overrides) -> Result<Config, Error> {
        let names = &overrides.names;
        let names_any = [&overrides.context, &names.cluster, &names.user].iter().any(|name| !name.is_empty());
        if names_any || self.service().is_none() {
            let looked: Vec<_> = places.iter().map(|path| path.display().to_string()).collect();
            let looked = if looked.is_empty() { self.without_places().to_owned() } else { looked.join(", ") };
            let text = format!(
                "there is no kubeconfig ({looked}), and this is no Pod of a cluster: \
                 write one there or name one with KUBECONFIG"
            );
            return Err(Error::config(text));
        }
        let mut config = self.in_cluster()?;
        if !names.namespace.is_empty() {
            names.namespace.trim().clone_into(&mut config.default_namespace);
        }
        Ok(config)
    }

    /// The API server's host and port, in a Pod.
    fn service(&self) -> Option<(&str, &str)> {
        let service = (self.service_host.as_deref()?, self.service_port.as_deref()?);
        self.token().is_file().then_some(service)
    }

    fn token(&self) -> PathBuf {
        self.service_account.join("token")
    }

    fn in_cluster(&self) -> Result<Config, Error> {
        let Some((host, port)) = self.service() else {
            let text = format!(
                "this is no Pod of a cluster: KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT and the file {} are there in one",
                self.token().display()
            );
            return Err(Error::config(text));
        };
        let mut config = Config::new(&format!("https://{}:{port}", bracketed(host)))
            .map_err(|error| error.doing("KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT"))?;
        let authority = self.service_account.join("ca.crt");
        config.auth = Auth {
            credential: Credential::TokenFile { path: text(&self.token()), fallback: None },
            impersonate: None,
        };
        config.tls = Tls {
            certificate_authority: authority.is_file().then(|| Pem::File(text(&authority))),
            ..Tls::default()
        };
        let own = || std::fs::read_to_string(self.service_account.join("namespace")).ok();
        if let Some(namespace) = self.namespace.clone().or_else(own) {
            namespace.trim().clone_into(&mut config.default_namespace);
        }
        Ok(told_apart(config))
    }
}

/// With the program, the system and its processor in the user agent, as client-go's `DefaultKubernetesUserAgent`. What
/// stands first is who made a change, to the server; the program's version is not known here.
fn told_apart(config: Config) -> Config {
    let program = std::env::current_exe().ok().and_then(|path| program(&path));
    let program = program.as_deref().unwrap_or("portolan");
    let (system, processor) = (std::env::consts::OS, std::env::consts::ARCH);
    let user_agent = format!("{program}/unknown ({system}/{processor}) {}", config.user_agent);
    Config { user_agent, ..config }
}

/// The name of the program at `path`, as a header may carry it.
fn program(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_string_lossy();
    // Linux says so of a program whose file has been replaced since.
    let name = name.strip_suffix(" (deleted)").unwrap_or(&name);
    Some(name.chars().map(|letter| if letter.is_ascii_graphic() { letter } else { '-' }).collect())
}

/// What a kubeconfig says with `overrides` over it. Certificates and keys it names must be there, and usable: client-go's
/// `clientcmd.ConfirmUsable` and, with its file and field named, what would fail when a client is made.
fn resolve(kubeconfig: Kubeconfig, overrides: &Overrides) -> Result<Config, Error> {
    let kubeconfig = kubeconfig.overridden(overrides)?;
    let config = kubeconfig.resolve(None)?;
    tls::check(&config.tls).map_err(|problem| {
        let chosen = kubeconfig.contexts.get(&kubeconfig.current_context);
        let (cluster, user) = chosen.map_or(("", ""), |chosen| (&chosen.cluster, &chosen.user));
        let (list, name, origin) = match problem.field {
            "client-certificate" | "client-key" => {
                ("users", user, kubeconfig.users.get(user).map(|found| &found.origin))
            }
            _ => ("clusters", cluster, kubeconfig.clusters.get(cluster).map(|found| &found.origin)),
        };
        let origin = origin.map(String::as_str).unwrap_or_default();
        Error::config(format!("kubeconfig {origin}: {list} {name:?}: {problem}"))
    })?;
    Ok(told_apart(config))
}

fn merged(places: &[PathBuf]) -> Result<Kubeconfig, Error> {
    let files = places.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
    Ok(files.into_iter().flatten().fold(Kubeconfig::default(), Kubeconfig::merge))
}

/// The file at `path` with its relative paths made absolute, `None` when there is none.
pub(crate) fn read(path: &Path) -> Result<Option<Kubeconfig>, Error> {
    let wrong = |what: String| Error::config(format!("kubeconfig {}: {what}", path.display()));
    let bytes = match files::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(wrong(format!("cannot be read ({error}): correct the path or its permissions")));
        }
    };
    let absolute = std::path::absolute(path).map_err(|error| wrong(format!("has no folder ({error})")))?;
    let folder = absolute.parent().unwrap_or(Path::new("/"));
    Ok(Some(Kubeconfig::parse(&bytes, &path.display().to_string())?.relative_to(folder)))
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[cfg(test)]
pub(crate) mod tests;
