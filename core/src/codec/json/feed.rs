//! Chunks in, whole values out: the buffer under both decoders.
//!
//! Invariant: a value that lies within one chunk is lent from it; only one that straddles chunks is copied, once, and
//! never beyond the size limit.

use std::collections::VecDeque;
use std::ops::Range;

use bytes::Bytes;

use super::scan::ValueScanner;
use super::{is_space, too_deep};
use crate::codec::Limits;

/// A carry buffer larger than this is given back after use.
const KEPT_CAPACITY: usize = 256 << 10;

/// The chunks not yet read, and how far the value at hand has come.
pub(super) struct Feed {
    limits: Limits,
    chunks: VecDeque<Bytes>,
    /// Where reading goes on in the first chunk.
    position: usize,
    /// Bytes of all chunks before the first.
    passed: u64,
    /// The value at hand, when it has been begun and not ended.
    scanner: Option<ValueScanner>,
    /// Where in the body the value at hand, or the last one, begins.
    start: u64,
    /// Its bytes from earlier chunks.
    carry: Vec<u8>,
    /// The last whole value, when it lies in the first chunk; else it is in `carry`.
    within: Option<Range<usize>>,
    /// Where in it the only array or object within it ends.
    only_part_end: Option<usize>,
}

impl Feed {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            chunks: VecDeque::new(),
            position: 0,
            passed: 0,
            scanner: None,
            start: 0,
            carry: Vec::new(),
            within: None,
            only_part_end: None,
        }
    }

    pub(super) fn push(&mut self, chunk: Bytes) {
        if !chunk.is_empty() {
            self.chunks.push_back(chunk);
        }
    }

    /// Bytes of the body read so far.
    pub(super) fn offset(&self) -> u64 {
        self.passed + self.position as u64
    }

    /// Whether a value has been begun and not ended.
    pub(super) fn is_within_value(&self) -> bool {
        self.scanner.is_some()
    }

    /// The next byte that is not white space, left unread. Not for within a value.
    pub(super) fn peek(&mut self) -> Option<u8> {
        while let Some(chunk) = self.chunks.front() {
            match chunk[self.position..].iter().position(|&byte| !is_space(byte)) {
                Some(spaces) => {
                    self.position += spaces;
                    return Some(chunk[self.position]);
                }
                None => self.drop_chunk(),
            }
        }
        None
    }

    /// Takes the byte that `peek` has shown.
    pub(super) fn bump(&mut self) {
        self.position += 1;
    }

    /// Reads the next value, or goes on reading it. True once it is whole: then [`Feed::value`] is it.
    pub(super) fn read_value(&mut self) -> Result<bool, String> {
        if self.scanner.is_none() {
            if self.peek().is_none() {
                return Ok(false);
            }
            self.start = self.offset();
            self.carry.clear();
            self.carry.shrink_to(KEPT_CAPACITY);
            self.within = None;
        }
        let scanner = self.scanner.get_or_insert_with(|| ValueScanner::new(self.limits.depth));
        while let Some(chunk) = self.chunks.front() {
            let rest = &chunk[self.position..];
            let end = scanner.scan(rest).map_err(|_| too_deep(self.limits))?;
            let taken = end.unwrap_or(rest.len());
            if self.carry.len() + taken > self.limits.object_bytes {
                return Err(format!("larger than the {} bytes allowed", self.limits.object_bytes));
            }
            if end.is_some() && self.carry.is_empty() {
                self.within = Some(self.position..self.position + taken);
            } else {
                self.carry.extend_from_slice(&rest[..taken]);
            }
            self.position += taken;
            if end.is_some() {
                self.only_part_end = scanner.only_part_end();
                self.scanner = None;
                return Ok(true);
            }
            self.passed += self.position as u64;
            self.position = 0;
            self.chunks.pop_front();
        }
        Ok(false)
    }

    /// The last whole value. Valid until the next read.
    pub(super) fn value(&self) -> &[u8] {
        match (&self.within, self.chunks.front()) {
            (Some(range), Some(chunk)) => &chunk[range.clone()],
            _ => &self.carry,
        }
    }

    /// Where in the last whole value the array or object ends that is the only one to lie directly in it.
    pub(super) fn only_part_end(&self) -> Option<usize> {
        self.only_part_end
    }

    /// Where in the body the value at hand, or the last one, begins.
    pub(super) fn value_start(&self) -> u64 {
        self.start
    }

    fn drop_chunk(&mut self) {
        if let Some(chunk) = self.chunks.pop_front() {
            self.passed += chunk.len() as u64;
        }
        self.position = 0;
    }
}
