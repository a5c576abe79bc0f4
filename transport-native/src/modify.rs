//! Kubeconfig files changed on disk, each change in the file it belongs to. After client-go's `clientcmd/config.go`
//! (`ModifyConfig`, `PathOptions`) and `loader.go` (`lockFile`, `WriteToFile`), v0.37.
//!
//! Differs: a file is replaced as a whole, so that nobody reads half of it, unless it would get another owner or is a mount
//! of its own; and a lock that is taken is waited for.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use portolan::Error;
use portolan::config::{Kubeconfig, KubeconfigFile};

use crate::files;
use crate::load::{ConfigOptions, Environment};

/// How long another program may hold a lock: kubectl holds one for milliseconds.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

/// Changes the kubeconfig that [`crate::load_config`] would read (context and overrides do not count), paths in it as they
/// are written: what `change` alters goes into the file each entry came from, new entries and a new current context into
/// the first that exists. What is not understood, and comments aside, all else stays as it is. Holds the lock that kubectl
/// holds (`FILE.lock`), and blocks.
/// client-go's `clientcmd.ModifyConfig`.
///
/// ```no_run
/// use portolan_native::{ConfigOptions, modify_config};
///
/// modify_config(&ConfigOptions::default(), |kubeconfig| kubeconfig.current_context = "staging".to_owned())?;
/// # Ok::<(), portolan::Error>(())
/// ```
///
/// # Errors
/// `Config`, naming the file and what to do; files written before it stay written. Nothing is written when a changed entry
/// has an `origin` that is none of the files: an empty one puts it into the default file.
pub fn modify_config(options: &ConfigOptions, change: impl FnOnce(&mut Kubeconfig)) -> Result<(), Error> {
    modify(&Environment::of_process(), options, change)
}

pub(crate) fn modify(
    environment: &Environment,
    options: &ConfigOptions,
    change: impl FnOnce(&mut Kubeconfig),
) -> Result<(), Error> {
    let places = match &options.kubeconfig {
        Some(path) => vec![path.clone()],
        None => environment.places(),
    };
    let Some(default) = places.iter().find(|path| path.exists()).or(places.last()) else {
        let why = environment.without_places();
        return Err(Error::config(format!("{why} to keep a kubeconfig in: name one with KUBECONFIG")));
    };
    let mut sorted = places.clone();
    sorted.sort();
    let locked = sorted.iter().filter(|path| path.exists() || *path == default);
    let _locks = locked.map(|path| Lock::take(path)).collect::<Result<Vec<_>, _>>()?;

    let mut files = Vec::new();
    let mut before = Kubeconfig::default();
    for path in &places {
        let bytes = read(path)?;
        if bytes.is_some() || path == default {
            let origin = path.display().to_string();
            let bytes = bytes.unwrap_or_default();
            let own = Kubeconfig::parse(&bytes, &origin)?;
            let names_context = !own.current_context.is_empty();
            before = before.merge(own);
            files.push((path, KubeconfigFile::parse(&bytes, &origin)?, names_context));
        }
    }
    let mut after = before.clone();
    change(&mut after);
    if after == before {
        return Ok(());
    }
    after.check_origins(&before)?;
    let mut context =
        (after.current_context != before.current_context).then_some(after.current_context.as_str());
    for (path, file, names_context) in &mut files {
        let unchanged = file.to_yaml()?;
        file.apply(&before, &after, *path == default);
        // A context is unset where it is set, and set in the default file.
        let here =
            context.is_some_and(|name| if name.is_empty() { *names_context } else { *path == default });
        if here && let Some(name) = context.take() {
            file.set_current_context(name);
        }
        let text = file.to_yaml()?;
        if text != unchanged {
            write(path, &text).map_err(|error| {
                let text =
                    format!("cannot be written ({error}): correct its permissions or those of its folder");
                wrong(path, &text)
            })?;
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    match files::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => {
            Err(wrong(path, &format!("cannot be read ({error}): correct the path or its permissions")))
        }
    }
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    // What a link leads to is replaced, not the link.
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    if let Ok(known) = std::fs::metadata(&path) {
        // Another's file must not become ours: its owner could read it no more.
        if keep_owner(file.as_file(), &known).is_err() {
            return write_in_place(&path, text);
        }
        file.as_file().set_permissions(known.permissions())?;
    }
    file.as_file().sync_all()?;
    match file.persist(&path) {
        // A mount of its own, as containers have: nothing can take its place.
        Err(failed) if failed.error.kind() == ErrorKind::ResourceBusy => write_in_place(&path, text),
        done => done.map(drop).map_err(Into::into),
    }
}

/// Writes over what a file holds; what is longer is cut only when all is written.
fn write_in_place(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(path)?;
    file.write_all(text.as_bytes())?;
    file.set_len(text.len() as u64)?;
    file.sync_all()
}

#[cfg(unix)]
fn keep_owner(file: &File, known: &Metadata) -> std::io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};
    fchown(file, Some(known.uid()), Some(known.gid()))
}

#[cfg(not(unix))]
fn keep_owner(_: &File, _: &Metadata) -> std::io::Result<()> {
    Ok(())
}

/// The lock of one file, as kubectl takes it: a file beside it, gone when it is dropped.
struct Lock(PathBuf);

impl Lock {
    fn take(path: &Path) -> Result<Self, Error> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder)
                .map_err(|error| wrong(path, &format!("has no folder ({error}): make one")))?;
        }
        let mut name = path.as_os_str().to_owned();
        name.push(".lock");
        let lock = PathBuf::from(name);
        let end = Instant::now() + LOCK_TIMEOUT;
        loop {
            match OpenOptions::new().write(true).create_new(true).open(&lock) {
                Ok(file) => {
                    drop::<File>(file);
                    return Ok(Self(lock));
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists && Instant::now() < end => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    let text = format!(
                        "is being changed by another program: if it is not, remove {}",
                        lock.display()
                    );
                    return Err(wrong(path, &text));
                }
                Err(error) => {
                    return Err(wrong(
                        path,
                        &format!("cannot be locked ({error}): correct its folder's permissions"),
                    ));
                }
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Nothing can be done about it; whoever comes next is told which file to remove.
        let _ = std::fs::remove_file(&self.0);
    }
}

fn wrong(path: &Path, what: &str) -> Error {
    Error::config(format!("kubeconfig {}: {what}", path.display()))
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
