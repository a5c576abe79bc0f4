//! Files and folders between this machine and a container, as a tar that goes through exec.
//!
//! After kubectl 0.37 `pkg/cmd/cp/cp.go`: the container needs a `tar`; a folder as target takes the source into it going
//! up; symlinks go up as they are and are left out coming down. Differs: what leaves the target folder is an error and
//! not a warning. Invariant: nothing is written outside the target, whatever the container sends.

mod archive;

use std::path::Path;

use bytes::Bytes;
use futures::channel::mpsc;
use futures::{SinkExt, StreamExt};
use portolan::Error;
use portolan::client::{Api, HasExec};
use portolan::stream::ExecOptions;

/// So many chunks wait between the archive and the connection.
const WAITING: usize = 4;
/// How much `test` may complain, in bytes.
const COMPLAINT: usize = 4 << 10;
/// So many of those left out are named.
const NAMED: usize = 1000;

/// What was copied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    /// How many files.
    pub files: u64,
    /// How many bytes they have.
    pub bytes: u64,
    /// What was left out, for it is neither a file nor a folder: symlinks, devices. Paths below what was copied, the first
    /// thousand of them.
    pub left_out: Vec<String>,
    /// How many more were left out.
    pub more_left_out: u64,
}

impl Copied {
    fn leave_out(&mut self, path: &Path) {
        if self.left_out.len() < NAMED {
            self.left_out.push(path.to_string_lossy().into_owned());
        } else {
            self.more_left_out += 1;
        }
    }
}

/// Copies `remote`, a file or a folder in a container of the pod, to `local`, which becomes its copy; folders on the way
/// are made, files that are there are overwritten, and what else is in a folder stays. Of several containers name one.
/// `kubectl cp POD:REMOTE LOCAL`.
pub async fn copy_from_pod<K: HasExec>(
    pods: &Api<K>,
    pod: &str,
    container: Option<&str>,
    remote: &str,
    local: &Path,
) -> Result<Copied, Error> {
    let (folder, name) = parts(remote)?;
    let mut packed = pods.pack(pod, container, &folder, &name).await?;
    let (mut chunks, archive) = mpsc::channel::<Bytes>(WAITING);
    let (root, target) = (name, local.to_owned());
    let unpacking = tokio::task::spawn_blocking(move || archive::unpack(archive, &root, &target));
    let mut failure = None;
    while let Some(piece) = packed.next().await {
        match piece {
            Ok(bytes) => {
                if chunks.send(bytes).await.is_err() {
                    break; // whoever unpacks has given up: it says why
                }
            }
            Err(error) => failure = Some(error),
        }
    }
    drop(packed);
    chunks.close_channel();
    let unpacked = unpacking.await.map_err(|error| Error::canceled("unpacking ended").with_source(error))?;
    // What tar says of a file that is not there is more than that its archive is empty.
    failure.map_or(unpacked, Err)
}

/// Copies `local`, a file or a folder, to `remote` in a container of the pod: into it where that is a folder, otherwise
/// under that name. `kubectl cp LOCAL POD:REMOTE`.
pub async fn copy_to_pod<K: HasExec>(
    pods: &Api<K>,
    pod: &str,
    container: Option<&str>,
    local: &Path,
    remote: &str,
) -> Result<Copied, Error> {
    let options = ExecOptions { container: container.map(str::to_owned), ..ExecOptions::default() };
    let (mut folder, mut name) = parts(remote)?;
    let is_folder = pods.exec(pod, ["test", "-d", remote], &options).await?.collect(COMPLAINT).await?;
    if is_folder.exit_code == 0 {
        folder = remote.to_owned();
        name = match local.canonicalize().ok().as_deref().and_then(Path::file_name) {
            Some(name) => name.to_string_lossy().into_owned(),
            None => return Err(Error::config(format!("{} has no name to be copied under", local.display()))),
        };
    }
    let (sender, archive) = mpsc::channel::<Bytes>(WAITING);
    let source = local.to_owned();
    let packing = tokio::task::spawn_blocking(move || archive::pack(&source, &name, sender));
    let unpacked = pods.unpack(pod, container, &folder, archive).await;
    let packed = packing.await.map_err(|error| Error::canceled("packing ended").with_source(error))?;
    // What cannot be read here made tar fail there.
    let packed = packed?;
    unpacked?;
    Ok(packed)
}

/// The folder and the name of a path in a container.
fn parts(path: &str) -> Result<(String, String), Error> {
    let trimmed = path.trim_end_matches('/');
    let (folder, name) = match trimmed.rsplit_once('/') {
        Some(("", name)) => ("/", name),
        Some((folder, name)) => (folder, name),
        None => (if path.starts_with('/') { "/" } else { "." }, trimmed),
    };
    match name {
        "" if path.is_empty() => {
            Err(Error::config("the path in the container is empty: name a file or folder"))
        }
        "" => Ok((folder.to_owned(), ".".to_owned())),
        ".." => Ok((trimmed.to_owned(), ".".to_owned())),
        _ => Ok((folder.to_owned(), name.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_in_a_container_is_a_folder_and_a_name() {
        for (path, folder, name) in [
            ("/etc/hosts", "/etc", "hosts"),
            ("/etc/", "/", "etc"),
            ("file", ".", "file"),
            ("-x/-y", "-x", "-y"),
            ("/", "/", "."),
            (".", ".", "."),
            ("a/..", "a/..", "."),
        ] {
            assert_eq!(parts(path).unwrap(), (folder.to_owned(), name.to_owned()), "{path}");
        }
        assert!(parts("").unwrap_err().to_string().contains("empty"));
    }
    #[tokio::test]
    async fn a_copy_can_be_a_task_of_its_own() {
        let cluster = portolan_memory::Cluster::new(crate::runtime().unwrap());
        let pods = cluster.client().core_v1().pods("default");
        let down = {
            let pods = pods.clone();
            tokio::spawn(async move { copy_from_pod(&pods, "web", None, "/x", Path::new("/none")).await })
        };
        let up = tokio::spawn(async move { copy_to_pod(&pods, "web", None, Path::new("/none"), "/x").await });
        for copied in [down.await.unwrap(), up.await.unwrap()] {
            assert!(copied.unwrap_err().is_not_found());
        }
    }
}
