//! Reads files that a configuration names: whatever they turn out to be, memory is bounded.

use std::fs::File;
use std::io::{Error, ErrorKind, Read};
use std::path::Path;

/// The largest file read: larger than any kubeconfig or bundle of certificates.
const LARGEST: u64 = 16 << 20;

/// All of the file at `path`.
pub(crate) fn read(path: impl AsRef<Path>) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(Error::new(ErrorKind::FileTooLarge, format!("it is larger than {LARGEST} bytes")));
    }
    Ok(bytes)
}
