//! As much of SPDY/3.1 as one forwarded connection needs: two streams, opened at once, one for its bytes and one for
//! the error that ends it. Pure: bytes in, what they mean out.
//!
//! After client-go 0.37 `tools/portforward/portforward.go` and the framing of `moby/spdystream`, which knows no flow
//! control. Headers go uncompressed within the compressed form; those that come say nothing we ask for and are skipped.
//! Invariant: after [`Event::End`] or an error nothing comes.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::channels::protocol_error;
use crate::error::{Error, TransportErrorKind};

const ERROR_STREAM: u32 = 1;
const DATA_STREAM: u32 = 3;

const CONTROL: u16 = 0x8000;
const VERSION: u16 = 3;
const SYN_STREAM: u16 = 1;
const RST_STREAM: u16 = 3;
const PING: u16 = 6;
const GOAWAY: u16 = 7;
const FIN: u8 = 1;
const HEAD: usize = 8;

/// The largest frame taken, in bytes; spdystream sends some 32 KiB.
const LARGEST: usize = 1 << 20;
/// The most of an error's text that is kept, in bytes.
pub(super) const LONGEST_ERROR: usize = 4 << 10;

/// The head of a zlib stream with SPDY's dictionary, by its checksum. We make no use of its content.
const ZLIB_HEAD: [u8; 6] = [0x78, 0xbb, 0xe3, 0xc6, 0xa7, 0xc2];

/// What came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// Bytes from the port.
    Data(Bytes),
    /// The port sends no more.
    End,
    /// To be sent back.
    Answer(Bytes),
}

/// The first bytes to send: opens both streams for `port`.
pub(super) fn open(port: u16) -> Bytes {
    let mut frames = BytesMut::new();
    // The error stream carries nothing from us: its half ends where it begins.
    syn_stream(&mut frames, ERROR_STREAM, FIN, "error", port, &ZLIB_HEAD);
    syn_stream(&mut frames, DATA_STREAM, 0, "data", port, &[]);
    frames.freeze()
}

/// Bytes for the port.
pub(super) fn data(bytes: &[u8]) -> Bytes {
    frame(DATA_STREAM, 0, bytes)
}

/// The end of the bytes for the port.
pub(super) fn finish() -> Bytes {
    frame(DATA_STREAM, FIN, &[])
}

fn frame(stream: u32, flags: u8, bytes: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(HEAD + bytes.len());
    frame.put_u32(stream);
    put_length(&mut frame, flags, bytes.len());
    frame.put_slice(bytes);
    frame.freeze()
}

fn put_length(frame: &mut BytesMut, flags: u8, length: usize) {
    frame.put_u8(flags);
    frame.put_uint(length as u64, 3);
}

fn syn_stream(to: &mut BytesMut, stream: u32, flags: u8, kind: &str, port: u16, zlib_head: &[u8]) {
    let port = port.to_string();
    let headers = [("streamtype", kind), ("port", &port), ("requestid", "0")];
    let mut block = BytesMut::new();
    block.put_u32(headers.len() as u32);
    for text in headers.iter().flat_map(|(name, value)| [name, value]) {
        block.put_u32(text.len() as u32);
        block.put_slice(text.as_bytes());
    }
    let mut payload = BytesMut::new();
    payload.put_u32(stream);
    payload.put_u32(0); // of no other stream
    payload.put_u16(0); // priority and slot
    payload.put_slice(zlib_head);
    stored(&mut payload, &block);
    stored(&mut payload, &[]); // flushes
    to.put_u16(CONTROL | VERSION);
    to.put_u16(SYN_STREAM);
    put_length(to, flags, payload.len());
    to.put_slice(&payload);
}

/// A block of DEFLATE that is stored as it is.
fn stored(to: &mut BytesMut, bytes: &[u8]) {
    let length = bytes.len() as u16;
    to.put_u8(0);
    to.put_u16_le(length);
    to.put_u16_le(!length);
    to.put_slice(bytes);
}

/// Reads what the server sends.
#[derive(Debug, Default)]
pub(super) struct Reader {
    buffer: BytesMut,
    error: Vec<u8>,
}

impl Reader {
    /// Takes bytes, split anywhere.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// What the next whole frame means; `None` when there is none yet.
    pub(super) fn next_event(&mut self) -> Result<Option<Event>, Error> {
        loop {
            let Some(head) = self.buffer.first_chunk::<HEAD>() else { return Ok(None) };
            let [first, second, kind_high, kind_low, flags, length @ ..] = *head;
            let length = usize::from(length[0]) << 16 | usize::from(length[1]) << 8 | usize::from(length[2]);
            if length > LARGEST {
                return Err(protocol_error(format!("the server sent a SPDY frame of {length} bytes")));
            }
            if self.buffer.len() < HEAD + length {
                return Ok(None);
            }
            let whole = self.buffer.split_to(HEAD + length).freeze();
            let payload = whole.slice(HEAD..);
            let word = u16::from_be_bytes([first, second]);
            let event = if word & CONTROL == 0 {
                let stream = u32::from_be_bytes([first, second, kind_high, kind_low]);
                self.handle_data(stream, flags, payload)?
            } else if word == CONTROL | VERSION {
                self.handle_control(u16::from_be_bytes([kind_high, kind_low]), payload, &whole)?
            } else {
                return Err(protocol_error("the server speaks another version of SPDY than 3"));
            };
            if event.is_some() {
                return Ok(event);
            }
        }
    }

    /// What it means that the connection ended.
    pub(super) fn ended(&self) -> Error {
        match self.error.is_empty() {
            true => Error::transport(TransportErrorKind::Interrupted, "the connection to the pod ended"),
            false => refused(&self.error),
        }
    }

    fn handle_data(&mut self, stream: u32, flags: u8, bytes: Bytes) -> Result<Option<Event>, Error> {
        let last = flags & FIN != 0;
        match stream {
            ERROR_STREAM => {
                let room = LONGEST_ERROR.saturating_sub(self.error.len());
                self.error.extend_from_slice(&bytes[..bytes.len().min(room)]);
                if last && !self.error.is_empty() { Err(refused(&self.error)) } else { Ok(None) }
            }
            DATA_STREAM if !bytes.is_empty() => {
                if last {
                    // Its end is told next.
                    let mut rest = BytesMut::from(&finish()[..]);
                    rest.extend_from_slice(&self.buffer);
                    self.buffer = rest;
                }
                Ok(Some(Event::Data(bytes)))
            }
            DATA_STREAM if last && !self.error.is_empty() => Err(refused(&self.error)),
            DATA_STREAM if last => Ok(Some(Event::End)),
            _ => Ok(None),
        }
    }

    fn handle_control(&self, kind: u16, mut payload: Bytes, whole: &Bytes) -> Result<Option<Event>, Error> {
        match kind {
            // Even numbers are the server's own.
            PING if payload.len() == 4 && payload[3] & 1 == 0 => Ok(Some(Event::Answer(whole.clone()))),
            RST_STREAM if payload.len() == 8 && payload.get_u32() == DATA_STREAM => Err(self.ended()),
            GOAWAY => Err(self.ended()),
            // Answers to our streams, settings, windows: of no consequence here.
            _ => Ok(None),
        }
    }
}

/// What the node says of a failure, which is text alone.
pub(super) fn refused(text: &[u8]) -> Error {
    let text = String::from_utf8_lossy(text);
    Error::transport(TransportErrorKind::Interrupted, text.trim().to_owned())
}

#[cfg(test)]
mod tests;
