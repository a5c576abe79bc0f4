//! Chunks in, whole pieces of known length out: the buffer under both decoders.
//!
//! Invariant: a piece that lies within one chunk shares its memory; only one that straddles chunks is copied, once.
//! Nothing is taken before it is whole.

use std::collections::VecDeque;

use bytes::{Buf, Bytes, BytesMut};

use super::wire::{Fault, Records};

/// The chunks not yet read.
#[derive(Default)]
pub(super) struct Supply {
    chunks: VecDeque<Bytes>,
    /// Bytes in `chunks`.
    held: usize,
    /// Bytes taken so far.
    passed: u64,
}

/// The head of a record: its field and either its number or the length of what follows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    pub(super) number: u64,
    pub(super) wire_type: u8,
    /// Of wire type 2 the length of the payload, of 0 the value itself, else the size.
    pub(super) value: u64,
    /// How many bytes the head takes.
    pub(super) size: usize,
}

impl Supply {
    pub(super) fn push(&mut self, chunk: Bytes) {
        if !chunk.is_empty() {
            self.held += chunk.len();
            self.chunks.push_back(chunk);
        }
    }

    /// Bytes taken so far.
    pub(super) fn offset(&self) -> u64 {
        self.passed
    }

    /// Bytes at hand.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    /// The next `size` bytes, once all of them are there.
    pub(super) fn take(&mut self, size: usize) -> Option<Bytes> {
        if self.held < size {
            return None;
        }
        self.held -= size;
        self.passed += size as u64;
        let front = self.chunks.front_mut()?;
        let piece = if front.len() >= size {
            front.split_to(size)
        } else {
            let mut whole = BytesMut::with_capacity(size);
            while whole.len() < size {
                let Some(front) = self.chunks.front_mut() else { break };
                let taken = front.len().min(size - whole.len());
                whole.extend_from_slice(&front[..taken]);
                front.advance(taken);
                if front.is_empty() {
                    self.chunks.pop_front();
                }
            }
            whole.freeze()
        };
        if self.chunks.front().is_some_and(Bytes::is_empty) {
            self.chunks.pop_front();
        }
        Some(piece)
    }

    /// The head of the next record, left where it is, once all of it is there. A head has at most 20 bytes.
    pub(super) fn head(&self) -> Result<Option<Head>, Fault> {
        let mut first = [0; 20];
        let mut length = 0;
        for (byte, place) in self.chunks.iter().flatten().zip(&mut first) {
            *place = *byte;
            length += 1;
        }
        let first = &first[..length];
        let is_cut = |fault: Fault| if length < 20 { Ok(None) } else { Err(fault) };
        let mut records = Records::of(first);
        let tag = match records.varint() {
            Ok(tag) => tag,
            Err(fault) => return if length < 10 { Ok(None) } else { Err(fault) },
        };
        let value = match tag & 7 {
            1 => 8,
            5 => 4,
            0 | 2 => match records.varint() {
                Ok(value) => value,
                Err(fault) => return is_cut(fault),
            },
            _ => return Err(Fault::new("a wire type that is not in use", &[])),
        };
        let size = length - records.left();
        Ok(Some(Head { number: tag >> 3, wire_type: (tag & 7) as u8, value, size }))
    }
}

impl Head {
    /// How many bytes follow the head.
    pub(super) fn payload(&self) -> u64 {
        if self.wire_type == 0 { 0 } else { self.value }
    }
}
