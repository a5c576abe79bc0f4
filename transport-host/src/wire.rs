//! What a guest and its host say to each other, and how it is written down.
//!
//! The host says [`Event`]s, the guest [`Command`]s. Each turn is one message either way: the host's is the time and what
//! has happened since the last, the guest's is when it wants the next turn at the latest, and what is to be done. Numbers
//! are little-endian; a text or bytes are their length in a `u32` and then themselves; a list is its length and then its
//! items; something that may be missing is preceded by 0 or 1.
//!
//! An *exchange* is one request with its answer, or one WebSocket, under a number of the guest's choice, greater than any it
//! used before. Pieces of it (chunks of a body, messages of a socket) cross only when asked for, one at a time either way: so
//! whoever is slow holds the other back, across the border as well.
//!
//! Invariant: nothing the other side sends can make either side panic, or allocate more than a small multiple of what was
//! sent: commands are read one by one, and a list of more than [`MOST_ITEMS`] is malformed.

mod bytes;
mod commands;
mod events;
mod failure;

pub use self::bytes::{MOST_ITEMS, Malformed};
pub use commands::{Command, Commands, Outcome, Upload, read_commands, write_commands};
pub use events::{Event, Moment, read_events, write_events};

use std::fmt;

use portolan::transport::Message;

use self::bytes::{Reader, Writer};

/// The version of what is written here. The guest exports it; a host refuses another.
pub const VERSION: u32 = 1;

/// The number of an exchange.
pub type ExchangeId = u32;

/// The headers of a request or an answer, in order; values need not be text.
pub type Headers = Vec<(String, Vec<u8>)>;

/// A part of an exchange.
#[derive(Clone, PartialEq, Eq)]
pub enum Piece {
    /// Bytes of a body, at least one.
    Chunk(::bytes::Bytes),
    /// A message of a socket.
    Message(Message),
}

/// Its length only: it may be part of a Secret.
impl fmt::Debug for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chunk(bytes) => write!(f, "Chunk({} bytes)", bytes.len()),
            Self::Message(message) => message.fmt(f),
        }
    }
}

impl Piece {
    fn write(&self, writer: &mut Writer) {
        let (tag, bytes) = match self {
            Self::Chunk(bytes) => (0, bytes),
            Self::Message(Message::Text(bytes)) => (1, bytes),
            Self::Message(Message::Binary(bytes)) => (2, bytes),
        };
        writer.u8(tag);
        writer.bytes(bytes);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let tag = reader.u8()?;
        match tag {
            0 => Ok(Self::Chunk(reader.bytes()?)),
            1 => {
                let text = reader.bytes()?;
                std::str::from_utf8(&text).map_err(|_| Malformed)?;
                Ok(Self::Message(Message::Text(text)))
            }
            2 => Ok(Self::Message(Message::Binary(reader.bytes()?))),
            _ => Err(Malformed),
        }
    }
}

/// The headers of a request or answer, to be sent across.
pub fn headers_of(map: &http::HeaderMap) -> Headers {
    map.iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect()
}

/// Headers that came across; those that are none are left out.
///
/// # Errors
/// When there are more than a [`http::HeaderMap`] holds.
pub fn header_map(headers: &Headers) -> Result<http::HeaderMap, Malformed> {
    let mut map = http::HeaderMap::new();
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) =
            (name.parse::<http::HeaderName>(), http::HeaderValue::from_bytes(value))
        {
            map.try_append(name, value).map_err(|_| Malformed)?;
        }
    }
    Ok(map)
}

fn write_headers(writer: &mut Writer, headers: &Headers) {
    writer.list(headers, |writer, (name, value)| {
        writer.text(name);
        writer.bytes(value);
    });
}

fn read_headers(reader: &mut Reader<'_>) -> Result<Headers, Malformed> {
    reader.list(|reader| Ok((reader.text()?, reader.bytes()?.to_vec())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_headers_than_can_be_are_malformed() {
        let some = |count: usize| (0..count).map(|number| (format!("x-{number}"), Vec::new())).collect();
        assert_eq!(header_map(&some(100)).unwrap().len(), 100);
        assert_eq!(header_map(&some(40_000)), Err(Malformed));
        let mut writer = Writer::default();
        write_headers(&mut writer, &some(MOST_ITEMS));
        assert_eq!(read_headers(&mut Reader(&writer.0)).unwrap().len(), MOST_ITEMS);
        let mut writer = Writer::default();
        write_headers(&mut writer, &some(MOST_ITEMS + 1));
        assert_eq!(read_headers(&mut Reader(&writer.0)), Err(Malformed));
    }
    #[test]
    fn what_is_printed_holds_no_credential_and_no_body() {
        let headers = || vec![("authorization".to_owned(), b"hunter2".to_vec())];
        let secret = || ::bytes::Bytes::from_static(b"hunter2");
        let (uri, method) = (|| "https://server/api".to_owned(), || "PUT".to_owned());
        let body = Upload::Whole(secret());
        let commands = [
            Command::Send { id: 1, method: method(), uri: uri(), headers: headers(), body },
            Command::Connect { id: 2, uri: uri(), headers: headers(), protocols: vec!["hunter2".to_owned()] },
            Command::Give(3, Piece::Chunk(secret())),
            Command::Give(4, Piece::Message(Message::Text(secret()))),
        ];
        let (server, input) = (uri(), b"hunter2".to_vec());
        let watch_over = portolan::config::WatchOver::default();
        let events = [
            Event::Start { server, watch_over, seed: 7, input },
            Event::Head { id: 1, status: 200, headers: headers() },
            Event::Opened { id: 2, protocol: Some("hunter2".to_owned()) },
            Event::Piece(3, Piece::Message(Message::Binary(secret()))),
        ];
        let text = format!("{commands:?} {events:?}");
        // As text, and as the numbers of its bytes.
        assert!(!text.contains("hunter2") && !text.contains("104, 117"), "{text}");
        assert!(text.contains("https://server/api") && text.contains("Chunk(7 bytes)"), "{text}");
    }
}
