//! [`DiskStorage`]: bytes kept in files, in the two layouts of kubectl's cache. After client-go's
//! `discovery/cached/disk/cached_discovery.go` and `round_tripper.go`, v0.37.
//!
//! Invariant: a file is written beside its place and renamed into it, so that readers and writers of any number of processes
//! see whole files only; folders are for the owner and its group, files too.

use std::fs::{DirBuilder, File};
use std::io::{Read, Write};
use std::path::{Component, Path, PathBuf};
use std::time::UNIX_EPOCH;

use async_trait::async_trait;
use bytes::Bytes;
use portolan::Error;
use portolan::storage::{Storage, Stored};
use ring::digest::{SHA256, SHA256_OUTPUT_LEN, digest};

/// What is larger than this was not written here.
const LARGEST: u64 = 256 << 20;

/// Keeps bytes in the files of one folder, which is made when the first file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskStorage {
    folder: PathBuf,
    layout: Layout,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    /// A key is a path below the folder: `apps/v1/serverresources.json`.
    Documents,
    /// A key is anything; the file has the name of its hash, and begins with the hash of what follows.
    Answers,
}

impl DiskStorage {
    /// Files named as their keys, which are relative paths: kubectl's `discovery/<host>`.
    pub fn documents(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), layout: Layout::Documents }
    }

    /// Files named by the SHA-256 of their keys and checked by the SHA-256 of their content: kubectl's `http`.
    pub fn answers(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), layout: Layout::Answers }
    }

    /// The file of `key`; `None` for a path that leads elsewhere.
    fn path(&self, key: &str) -> Option<PathBuf> {
        match self.layout {
            Layout::Documents => {
                let inside = |part: Component<'_>| matches!(part, Component::Normal(_));
                let key = Path::new(key);
                (key.components().next().is_some() && key.components().all(inside))
                    .then(|| self.folder.join(key))
            }
            Layout::Answers => {
                let hash = digest(&SHA256, key.as_bytes());
                let name: String = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
                Some(self.folder.join(name))
            }
        }
    }

    fn read(&self, key: &str) -> Option<Stored> {
        let mut file = File::open(self.path(key)?).ok()?;
        let facts = file.metadata().ok()?;
        let written = facts.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
        if facts.len() > LARGEST {
            return None;
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).ok()?;
        let bytes = Bytes::from(bytes);
        let bytes = match self.layout {
            Layout::Documents => bytes,
            Layout::Answers => {
                let (sum, content) = bytes.split_at_checked(SHA256_OUTPUT_LEN)?;
                (digest(&SHA256, content).as_ref() == sum).then(|| bytes.slice(SHA256_OUTPUT_LEN..))?
            }
        };
        Some(Stored { bytes, written })
    }

    fn write(&self, key: &str, bytes: &[u8]) -> Result<(), Error> {
        let Some(path) = self.path(key) else {
            return Err(Error::config(format!("{key:?} is no path below the cache folder")));
        };
        let place = path.parent().unwrap_or(&self.folder);
        let whole = || {
            folders().create(place)?;
            let mut file = tempfile::Builder::new().prefix(".portolan-").tempfile_in(place)?;
            if self.layout == Layout::Answers {
                file.write_all(digest(&SHA256, bytes).as_ref())?;
            }
            file.write_all(bytes)?;
            share_with_group(file.as_file())?;
            file.persist(&path).map_err(|error| error.error)
        };
        whole().map(drop).map_err(|error: std::io::Error| {
            let text =
                format!("{} cannot be written ({error}): correct its folder's permissions", path.display());
            Error::config(text)
        })
    }
}

#[async_trait]
impl Storage for DiskStorage {
    async fn load(&self, key: &str) -> Option<Stored> {
        let (storage, key) = (self.clone(), key.to_owned());
        tokio::task::spawn_blocking(move || storage.read(&key)).await.ok()?
    }

    async fn store(&self, key: &str, bytes: Bytes) -> Result<(), Error> {
        let (storage, key) = (self.clone(), key.to_owned());
        tokio::task::spawn_blocking(move || storage.write(&key, &bytes))
            .await
            .map_err(|error| Error::canceled("writing to the cache was stopped").with_source(error))?
    }
}

/// Makes folders with all that lead to them.
fn folders() -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o750);
    builder
}

#[cfg(unix)]
fn share_with_group(file: &File) -> std::io::Result<()> {
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o660))
}

#[cfg(not(unix))]
fn share_with_group(_: &File) -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(folder: &Path) -> [DiskStorage; 2] {
        [DiskStorage::documents(folder.join("d")), DiskStorage::answers(folder.join("h"))]
    }

    #[tokio::test]
    async fn what_is_stored_is_loaded_and_replaced() {
        let folder = tempfile::tempdir().unwrap();
        for storage in both(folder.path()) {
            assert_eq!(storage.load("a/b.json").await, None);
            for text in ["one", "", "three"] {
                storage.store("a/b.json", Bytes::from(text)).await.unwrap();
                let loaded = storage.load("a/b.json").await.unwrap();
                assert_eq!(loaded.bytes, text);
                assert!(loaded.written.as_secs() > 1_700_000_000);
            }
        }
        assert!(folder.path().join("d/a/b.json").is_file());
    }

    /// The name and the content that client-go's `sumDiskCache` gives, here computed with sha256sum.
    #[tokio::test]
    async fn answers_lie_where_kubectl_looks() {
        let folder = tempfile::tempdir().unwrap();
        let storage = DiskStorage::answers(folder.path());
        storage.store("testing", Bytes::from_static(b"testing")).await.unwrap();
        let sum = "cf80cd8aed482d5d1527d7dc72fceff84e6326592848447d2dc0b0e87dfc9a90";
        let mut file = std::fs::read(folder.path().join(sum)).unwrap();
        let hex: String = file[..32].iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!((hex.as_str(), &file[32..]), (sum, &b"testing"[..]));
        // TestSumDiskCache: an invalid checksum, an empty file.
        file[38] = b'k';
        for bad in [&file[..], &[], &file[..31]] {
            std::fs::write(folder.path().join(sum), bad).unwrap();
            assert_eq!(storage.load("testing").await, None);
        }
        storage.store("testing", Bytes::from_static(b"again")).await.unwrap();
        assert_eq!(storage.load("testing").await.unwrap().bytes, "again");
    }

    #[tokio::test]
    async fn no_key_leads_out_of_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let storage = DiskStorage::documents(folder.path().join("inner"));
        std::fs::write(folder.path().join("outside"), "secret").unwrap();
        for key in ["../outside", "a/../../outside", "/etc/hostname", "", "."] {
            assert!(storage.store(key, Bytes::new()).await.is_err(), "{key}");
            assert_eq!(storage.load(key).await, None, "{key}");
        }
        assert_eq!(std::fs::read(folder.path().join("outside")).unwrap(), b"secret");
    }

    /// TestNewCachedDiscoveryClient_PathPerm and TestCacheRoundTripperPathPerm.
    #[cfg(unix)]
    #[tokio::test]
    async fn folders_and_files_have_kubectls_modes_and_nothing_is_left_over() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        for storage in both(folder.path()) {
            storage.store("apps/v1/serverresources.json", Bytes::from_static(b"{}")).await.unwrap();
        }
        let mode =
            |path: &str| std::fs::metadata(folder.path().join(path)).unwrap().permissions().mode() & 0o777;
        for path in ["d", "d/apps", "d/apps/v1", "h"] {
            assert_eq!(
                (mode(path), std::fs::read_dir(folder.path().join(path)).unwrap().count()),
                (0o750, 1),
                "{path}"
            );
        }
        assert_eq!(mode("d/apps/v1/serverresources.json"), 0o660);
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_written_is_told() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("d"), "a file").unwrap();
        let error = both(folder.path())[0].store("a.json", Bytes::new()).await.unwrap_err();
        assert!(error.to_string().contains("d/a.json cannot be written"), "{error}");
    }
}
