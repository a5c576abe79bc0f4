//! The archive on this side: made of local files, and turned into them. Blocking, for files are.
//!
//! Invariant: an entry lands below the target or is refused, and no link is made or followed out of it: none is made at
//! all. What describes an entry is read into memory, and bounded.

use std::cell::Cell;
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

/// So much may come before an entry's content, in bytes: its header and its long names. A path has 4 KiB at most.
const LARGEST_HEADER: u64 = 64 << 10;

/// Writes what comes out of the archive `chunks`, all of it named `root` or below, as `target`.
pub(super) fn unpack(
    chunks: impl futures::Stream<Item = Bytes> + Unpin,
    root: &str,
    target: &Path,
) -> Result<Copied, Error> {
    let mut copied = Copied::default();
    let allowed = Cell::new(u64::MAX);
    let mut archive = Archive::new(Incoming { chunks, rest: Bytes::new(), allowed: &allowed });
    let mut entries = archive.entries().map_err(broken)?;
    loop {
        allowed.set(LARGEST_HEADER);
        let Some(entry) = entries.next() else { break };
        let mut entry = entry.map_err(broken)?;
        allowed.set(u64::MAX);
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
            // It may claim any size, and is made of as many zeros.
            EntryType::GNUSparse => {
                return Err(Error::decode(format!(
                    "{} comes as a sparse file: pack it otherwise",
                    name.display()
                )));
            }
            _ => copied.leave_out(&below),
        }
        // So that what comes next is a header.
        io::copy(&mut entry, &mut io::sink()).map_err(broken)?;
    }
    allowed.set(u64::MAX);
    // The archive's end is not tar's: how tar ended is told after all that it wrote.
    io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(broken)?;
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
        copied.leave_out(name);
        return Ok(());
    }
    let file = fs::File::open(path).map_err(failed)?;
    let found = file.metadata().map_err(failed)?;
    append(archive, name, &found, file).or_else(given_up).map_err(failed)?;
    copied.files += 1;
    copied.bytes += found.len();
    Ok(())
}

/// As much of a file as its header tells: it may grow or shrink while it is read.
fn append(
    archive: &mut Builder<Outgoing>,
    name: &Path,
    found: &fs::Metadata,
    content: impl Read,
) -> io::Result<()> {
    let mut header = Header::new_gnu();
    header.set_metadata(found);
    let mut content = content.take(found.len());
    archive.append_data(&mut header, name, &mut content)?;
    if content.limit() > 0 {
        return Err(io::Error::other("it became shorter while it was read: copy it again"));
    }
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
struct Incoming<'a, S> {
    chunks: S,
    rest: Bytes,
    /// So many bytes more may be read.
    allowed: &'a Cell<u64>,
}

impl<S: futures::Stream<Item = Bytes> + Unpin> Read for Incoming<'_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let allowed = self.allowed.get();
        if allowed == 0 {
            return Err(io::Error::other(format!(
                "the header of an entry is larger than {LARGEST_HEADER} bytes: its tar is not to be trusted"
            )));
        }
        while self.rest.is_empty() {
            match block_on(self.chunks.next()) {
                Some(chunk) => self.rest = chunk,
                None => return Ok(0),
            }
        }
        let length = buffer.len().min(self.rest.len()).min(usize::try_from(allowed).unwrap_or(usize::MAX));
        let taken = self.rest.split_to(length);
        buffer[..length].copy_from_slice(&taken);
        self.allowed.set(allowed - length as u64);
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
