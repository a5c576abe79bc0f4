//! Finds the end of one data item whose bytes come in pieces.
//!
//! Invariant: each head is looked at once, nothing is kept but one number for each open container, and what exceeds the
//! limits is refused before it is waited for.

use bytes::{Buf, Bytes, BytesMut};

use super::wire::{Fault, Head, major};
use crate::codec::Limits;

/// Bytes that came and have not been taken, and how far the item they begin with has been scanned.
pub(super) struct Pieces {
    limits: Limits,
    bytes: BytesMut,
    /// Bytes taken so far.
    passed: u64,
    /// Where the next head of the item at hand is; beyond `bytes` when a string is not whole yet.
    at: usize,
    /// Of each open container how many items it lacks.
    open: Vec<u64>,
    /// Whether nothing but the last string's bytes may be missing.
    is_last: bool,
}

impl Pieces {
    pub(super) fn new(limits: Limits) -> Self {
        let bytes = BytesMut::new();
        Self { limits, bytes, passed: 0, at: 0, open: Vec::new(), is_last: false }
    }

    pub(super) fn push(&mut self, chunk: Bytes) {
        if self.bytes.is_empty() {
            self.bytes = chunk.into();
        } else {
            self.bytes.extend_from_slice(&chunk);
        }
    }

    /// Bytes taken so far.
    pub(super) fn offset(&self) -> u64 {
        self.passed
    }

    /// Whether no byte is at hand.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The head of the next item, left where it is. Not for within an item.
    pub(super) fn head(&self) -> Result<Option<Head>, Fault> {
        Head::read(&self.bytes)
    }

    /// Goes past the head that [`Pieces::head`] gave.
    pub(super) fn skip(&mut self, head: Head) {
        self.bytes.advance(head.size);
        self.passed += head.size as u64;
    }

    /// The next item, once all of it is there.
    pub(super) fn take(&mut self) -> Result<Option<Bytes>, Fault> {
        if !self.scan()? {
            return Ok(None);
        }
        let size = std::mem::take(&mut self.at);
        self.is_last = false;
        self.passed += size as u64;
        Ok(Some(self.bytes.split_to(size).freeze()))
    }

    fn scan(&mut self) -> Result<bool, Fault> {
        loop {
            if self.at > self.limits.object_bytes {
                return Err(Fault::new("larger than allowed", &[]));
            }
            if self.is_last {
                return Ok(self.at <= self.bytes.len());
            }
            let Some(head) = Head::read(self.bytes.get(self.at..).unwrap_or_default())? else {
                return Ok(false);
            };
            self.at += head.size;
            let members = match head.major {
                major::TAG => continue,
                major::BYTES | major::TEXT => {
                    let length = usize::try_from(head.value).unwrap_or(usize::MAX);
                    self.at = self.at.saturating_add(length);
                    0
                }
                major::ARRAY => head.value,
                major::MAP => head.value.saturating_mul(2),
                _ => 0,
            };
            if members > 0 {
                if self.open.len() == self.limits.depth {
                    return Err(Fault::new("more nested values than allowed", &[]));
                }
                self.open.push(members);
            } else {
                self.close();
            }
        }
    }

    /// Counts one whole item, and with it the containers whose last it was.
    fn close(&mut self) {
        while let Some(lacking) = self.open.last_mut() {
            *lacking -= 1;
            if *lacking > 0 {
                return;
            }
            self.open.pop();
        }
        self.is_last = true;
    }
}
