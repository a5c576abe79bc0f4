//! The archive on this side: made of local files, and turned into them. Blocking, for files are.
//!
//! Invariant: an entry lands below the target or is refused, and no link is made or followed out of it: none is made at
//! all.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Component, Path, PathBuf};

use bytes::Bytes;
use futures::channel::mpsc;
use futures::executor::block_on;
use futures::{SinkExt, StreamExt};
use portolan::Error;
use tar::{Archive, Builder, EntryType, Header, HeaderMode};

use super::Copied;

/// Writes what comes out of the archive `chunks`, all of it named `root` or below, as `target`.
pub(super) fn unpack(
    chunks: impl futures::Stream<Item = Bytes> + Unpin,
    root: &str,
    target: &Path,
) -> Result<Copied, Error> {
    let mut copied = Copied::default();
    let mut archive = Archive::new(Incoming { chunks, rest: Bytes::new() });
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        let name = entry.path().map_err(broken)?.into_owned();
        let below = below(&name, root)?;
        let path = if below.as_os_str().is_empty() { target.to_owned() } else { target.join(&below) };
        refuse_links(target, &below)?;
        match entry.header().entry_type() {
            EntryType::Directory => fs::create_dir_all(&path).map_err(|error| local(&path, error))?,
            EntryType::Regular | EntryType::Continuous => {
                if let Some(folder) = path.parent() {
                    fs::create_dir_all(folder).map_err(|error| local(folder, error))?;
                }
                let mut file = fs::File::create(&path).map_err(|error| local(&path, error))?;
                let expected = entry.size();
                let written = io::copy(&mut entry, &mut file).map_err(|error| local(&path, error))?;
                if written != expected {
                    return Err(Error::decode(format!("the archive ends within {}", name.display())));
                }
                copied.files += 1;
                copied.bytes += written;
            }
            EntryType::XGlobalHeader => {}
            _ => copied.left_out.push(below.to_string_lossy().into_owned()),
        }
    }
    Ok(copied)
}

/// Where an entry belongs, below the target.
fn below(name: &Path, root: &str) -> Result<PathBuf, Error> {
    let hostile = || {
        Error::decode(format!(
            "the archive holds {name:?}, which is not below what was asked for: the container's tar is not to be trusted"
        ))
    };
    let mut parts = name.components().filter(|part| *part != Component::CurDir);
    if root != "." && parts.next() != Some(Component::Normal(root.as_ref())) {
        return Err(hostile());
    }
    let mut below = PathBuf::new();
    for part in parts {
        match part {
            Component::Normal(part) => below.push(part),
            _ => return Err(hostile()),
        }
    }
    Ok(below)
}

/// A link in the target that was there before leads out of it.
fn refuse_links(target: &Path, below: &Path) -> Result<(), Error> {
    let mut path = target.to_owned();
    for part in below {
        path.push(part);
        if fs::symlink_metadata(&path).is_ok_and(|found| found.is_symlink()) {
            return Err(Error::config(format!(
                "{} is a symlink: remove it, or copy elsewhere",
                path.display()
            )));
        }
    }
    Ok(())
}

/// Makes an archive of `source`, under the name `root`, into `chunks`.
pub(super) fn pack(source: &Path, root: &str, chunks: mpsc::Sender<Bytes>) -> Result<Copied, Error> {
    let mut copied = Copied::default();
    let mut archive = Builder::new(Outgoing(chunks));
    archive.mode(HeaderMode::Complete);
    // What was named may be a link itself: what it leads to is meant.
    let source = source.canonicalize().map_err(|error| local(source, error))?;
    add(&mut archive, &source, Path::new(root), &mut copied)?;
    match archive.into_inner() {
        Ok(_) => Ok(copied),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(copied),
        Err(error) => Err(local(&source, error)),
    }
}

fn add(archive: &mut Builder<Outgoing>, path: &Path, name: &Path, copied: &mut Copied) -> Result<(), Error> {
    let failed = |error| local(path, error);
    let found = fs::symlink_metadata(path).map_err(failed)?;
    if found.is_symlink() {
        let mut header = Header::new_gnu();
        header.set_metadata(&found);
        header.set_size(0);
        let target = fs::read_link(path).map_err(failed)?;
        return archive.append_link(&mut header, name, target).or_else(given_up).map_err(failed);
    }
    if found.is_dir() {
        archive.append_dir(name, path).or_else(given_up).map_err(failed)?;
        let mut entries: Vec<_> = fs::read_dir(path).and_then(Iterator::collect).map_err(failed)?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            add(archive, &entry.path(), &name.join(entry.file_name()), copied)?;
        }
        return Ok(());
    }
    if !found.is_file() {
        copied.left_out.push(name.to_string_lossy().into_owned());
        return Ok(());
    }
    let mut file = fs::File::open(path).map_err(failed)?;
    archive.append_file(name, &mut file).or_else(given_up).map_err(failed)?;
    copied.files += 1;
    copied.bytes += found.len();
    Ok(())
}

/// That nobody takes the archive any more is told by whoever did.
fn given_up(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) }
}

fn broken(error: io::Error) -> Error {
    Error::decode(format!("the container's archive cannot be read: {error}")).with_source(error)
}

fn local(path: &Path, error: io::Error) -> Error {
    Error::config(format!("{}: {error}", path.display())).with_source(error)
}

/// Chunks that come, read by whoever may block.
struct Incoming<S> {
    chunks: S,
    rest: Bytes,
}

impl<S: futures::Stream<Item = Bytes> + Unpin> Read for Incoming<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() {
            match block_on(self.chunks.next()) {
                Some(chunk) => self.rest = chunk,
                None => return Ok(0),
            }
        }
        let taken = self.rest.split_to(buffer.len().min(self.rest.len()));
        buffer[..taken.len()].copy_from_slice(&taken);
        Ok(taken.len())
    }
}

/// Chunks that go, written by whoever may block.
struct Outgoing(mpsc::Sender<Bytes>);

impl Write for Outgoing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match block_on(self.0.send(Bytes::copy_from_slice(bytes))) {
            Ok(()) => Ok(bytes.len()),
            Err(_) => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
