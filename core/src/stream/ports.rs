//! The older protocol of port-forward, `v4.channel.k8s.io`: a message is a channel's number and what it carries, and
//! the first of each channel tells the port. Pure: messages in, what they mean out.
//!
//! After `k8s.io/cri-streaming` 0.36 `portforward/websocket.go`, which serves it. The end of our bytes cannot be told, and
//! the connection's own end is that of the port's.

use bytes::{Bytes, BytesMut};

use super::channels::protocol_error;
use super::spdy::{Event, LONGEST_ERROR, refused};
use crate::error::Error;

const DATA: u8 = 0;
const ERROR: u8 = 1;
/// A port in two bytes, the low one first, begins each channel.
const PORT: usize = 2;

/// Bytes for the port.
pub(super) fn data(bytes: &[u8]) -> Bytes {
    [&[DATA], bytes].concat().into()
}

/// Reads what the server sends.
#[derive(Debug, Default)]
pub(super) struct Reader {
    /// How much of the port has come on each channel.
    heads: [usize; 2],
    unread: BytesMut,
    error: Vec<u8>,
}

impl Reader {
    /// Takes a message.
    pub(super) fn push(&mut self, mut message: Bytes) -> Result<(), Error> {
        if message.is_empty() {
            return Ok(());
        }
        let channel = message.split_to(1)[0];
        let Some(head) = self.heads.get_mut(usize::from(channel)) else {
            return Err(protocol_error(format!("the server sent on channel {channel}, which nobody opened")));
        };
        let skipped = message.len().min(PORT - *head);
        *head += skipped;
        let bytes = message.split_off(skipped);
        if channel == ERROR {
            let room = LONGEST_ERROR.saturating_sub(self.error.len());
            self.error.extend_from_slice(&bytes[..bytes.len().min(room)]);
        } else {
            self.unread.extend_from_slice(&bytes);
        }
        Ok(())
    }

    /// What has come since.
    pub(super) fn next_event(&mut self) -> Option<Event> {
        (!self.unread.is_empty()).then(|| Event::Data(self.unread.split().freeze()))
    }

    /// What it means that the connection ended.
    pub(super) fn ended(&self) -> Result<Event, Error> {
        if self.error.is_empty() { Ok(Event::End) } else { Err(refused(&self.error)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_begin_with_the_port_and_the_connection_s_end_is_the_end() {
        let mut reader = Reader::default();
        for message in [&b"\x00\x50"[..], b"\x01\x50\x00", b"\x00\x00one", b"", b"\x00two"] {
            reader.push(Bytes::copy_from_slice(message)).unwrap();
        }
        assert_eq!(reader.next_event(), Some(Event::Data("onetwo".into())));
        assert_eq!((reader.next_event(), reader.ended().unwrap()), (None, Event::End));
        reader.push(Bytes::from_static(b"\x01connection refused")).unwrap();
        assert!(reader.ended().unwrap_err().to_string().contains("connection refused"));
        assert!(reader.push(Bytes::from_static(b"\x02x")).unwrap_err().to_string().contains("channel 2"));
        assert_eq!(data(b"hi")[..], *b"\x00hi");
    }
}
