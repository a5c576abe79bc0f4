//! Files and folders between this machine and a container, as a tar that goes through exec.
//!
//! After kubectl 0.37 `pkg/cmd/cp/cp.go`: the container needs a `tar`; a folder as target takes the source into it going
//! up; symlinks go up as they are and are left out coming down. Differs: what leaves the target folder is an error and
//! not a warning. Invariant: nothing is written outside the target, whatever the container sends.

mod archive;

use std::path::Path;

use bytes::Bytes;
use futures::channel::mpsc;
use futures::{AsyncWriteExt, SinkExt, StreamExt};
use portolan::Error;
use portolan::client::{Api, HasExec};
use portolan::status::failure;
use portolan::stream::{ExecOptions, Output, Protocol, RemoteOutput, RemoteProcess};

/// So many chunks wait between the archive and the connection.
const WAITING: usize = 4;
/// How much of what `tar` complains of is kept, in bytes.
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
    let options = ExecOptions { container: container.map(str::to_owned), ..ExecOptions::default() };
    let command = ["tar", "cf", "-", "-C", &folder, &format!("./{name}")];
    let process = pods.exec(pod, command, &options).await?;
    let (mut chunks, archive) = mpsc::channel::<Bytes>(WAITING);
    let (root, target) = (name, local.to_owned());
    let unpacking = tokio::task::spawn_blocking(move || archive::unpack(archive, &root, &target));
    let RemoteProcess { input, mut output } = process;
    let received = receive(&mut output, async |bytes| {
        // Whoever unpacks has given up: it says why.
        chunks.send(bytes).await.is_ok()
    })
    .await;
    drop((input, output));
    chunks.close_channel();
    let unpacked = unpacking.await.map_err(|error| Error::canceled("unpacking ended").with_source(error))?;
    // What tar says of a file that is not there is more than that its archive is empty.
    received?;
    unpacked
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
    let with_input = ExecOptions { stdin: true, ..options };
    let folder = relative(&folder);
    let process = pods.exec(pod, ["tar", "xmf", "-", "-C", &folder], &with_input).await?;
    let (sender, mut archive) = mpsc::channel::<Bytes>(WAITING);
    let source = local.to_owned();
    let packing = tokio::task::spawn_blocking(move || archive::pack(&source, &name, sender));
    let RemoteProcess { mut input, mut output } = process;
    let v5 = input.protocol() == Protocol::V5;
    let sending = async {
        while let Some(bytes) = archive.next().await {
            if input.write_all(&bytes).await.is_err() {
                return; // it ended: its output says how
            }
        }
        // Over v4 tar ends by the mark at the archive's end.
        if v5 {
            drop(input.close().await);
        } else {
            drop(input.flush().await);
        }
    };
    let (received, ()) = futures::join!(receive(&mut output, async |_| true), sending);
    drop(archive);
    let packed = packing.await.map_err(|error| Error::canceled("packing ended").with_source(error))?;
    // What cannot be read here made tar fail there.
    let packed = packed?;
    received?;
    Ok(packed)
}

/// Gives `take` what tar writes, until it ends or `take` wants no more. That tar failed is an error in its own words.
async fn receive(output: &mut RemoteOutput, mut take: impl AsyncFnMut(Bytes) -> bool) -> Result<(), Error> {
    let mut complaint = Vec::new();
    while let Some(next) = output.next().await {
        match next? {
            Output::Stdout(bytes) => {
                if !take(bytes).await {
                    return Ok(());
                }
            }
            Output::Stderr(bytes) => {
                let room = COMPLAINT.saturating_sub(complaint.len());
                complaint.extend_from_slice(&bytes[..bytes.len().min(room)]);
            }
            Output::Exited(0) => return Ok(()),
            Output::Exited(code) => {
                let text = String::from_utf8_lossy(&complaint);
                let text = match (text.trim(), code) {
                    ("", 126 | 127) => "is there a tar in the container?",
                    (text, _) => text,
                };
                let text = format!("tar in the container ended with exit code {code}: {text}");
                return Err(Error::api(failure(500, "NonZeroExitCode", text)));
            }
        }
    }
    Ok(())
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
        ".." => Ok((relative(trimmed), ".".to_owned())),
        _ => Ok((relative(folder), name.to_owned())),
    }
}

/// A path that tar takes for no option.
fn relative(path: &str) -> String {
    if path.starts_with('-') { format!("./{path}") } else { path.to_owned() }
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
            ("-x/-y", "./-x", "-y"),
            ("/", "/", "."),
            (".", ".", "."),
            ("a/..", "a/..", "."),
        ] {
            assert_eq!(parts(path).unwrap(), (folder.to_owned(), name.to_owned()), "{path}");
        }
        assert!(parts("").unwrap_err().to_string().contains("empty"));
    }
}
