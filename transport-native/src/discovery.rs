//! Discovery with kubectl's cache on disk. After cli-runtime's `genericclioptions/config_flags.go`, v0.37.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use portolan::Error;
use portolan::client::Client;
use portolan::client::discovery::{CachedDiscoveryClient, DiscoveryClient};
use portolan::config::ContentType;

use crate::disk::DiskStorage;

/// How long kubectl believes what it keeps.
const LIFETIME: Duration = Duration::from_secs(6 * 60 * 60);

/// Discovery that shares kubectl's cache below `folder` (see [`cache_folder`]): what either has found, the other uses for six hours
/// without asking. The groups and resources of each server are in `discovery/<host>`, answers with their ETag in `http`.
pub fn cached_discovery(client: &Client, folder: &Path) -> CachedDiscoveryClient {
    // In JSON, as kubectl asks: each keeps one answer for both.
    let rest = client.rest().with_content_type(ContentType::Json);
    let documents = DiskStorage::documents(folder.join("discovery").join(host_folder(&rest.config().server)));
    let live = DiscoveryClient::with_storage(&rest, Arc::new(DiskStorage::answers(folder.join("http"))));
    CachedDiscoveryClient::new(live).keep(Arc::new(documents), LIFETIME)
}

/// The folder of kubectl's cache: `KUBECACHEDIR`, else `~/.kube/cache`.
///
/// # Errors
/// `Config`, without a home directory.
pub fn cache_folder() -> Result<PathBuf, Error> {
    let named = std::env::var_os("KUBECACHEDIR").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    let home = || std::env::home_dir().filter(|home| !home.as_os_str().is_empty());
    named.or_else(|| home().map(|home| home.join(".kube").join("cache"))).ok_or_else(|| {
        Error::config("there is no home directory to keep a cache in: name a folder with KUBECACHEDIR")
    })
}

/// The folder that kubectl keeps a server's documents in: its address without the scheme, with `_` for unusual characters.
fn host_folder(server: &Uri) -> PathBuf {
    let address =
        format!("{}{}", server.authority().map_or("", |authority| authority.as_str()), server.path());
    let usual = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '/' | '.' | '(' | ')');
    let safe: String = address.chars().map(|c| if usual(c) { c } else { '_' }).collect();
    safe.split('/').filter(|part| !matches!(*part, "" | "." | "..")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// TestComputeDiscoverCacheDir of config_flags_test.go, and what must not lead out of the folder.
    #[test]
    fn a_servers_folder_is_named_as_kubectl_names_it() {
        for (server, folder) in [
            ("http://arbitrary.tld", "arbitrary.tld"),
            ("https://127.0.0.1:6443", "127.0.0.1_6443"),
            ("https://[::1]:6443/", "___1__6443"),
            ("https://host/k8s/clusters/c-1", "host/k8s/clusters/c_1"),
            ("https://host/a/../../b", "host/a/b"),
        ] {
            assert_eq!(host_folder(&server.parse().unwrap()), Path::new(folder), "{server}");
        }
    }
}
