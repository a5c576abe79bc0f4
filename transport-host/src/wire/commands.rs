//! What a guest wants of its host.

use std::fmt;

use bytes::Bytes;

use super::bytes::{Malformed, Reader, Writer};
use super::{ExchangeId, Headers, Piece, read_headers, write_headers};

/// The body of a request.
#[derive(Clone, PartialEq, Eq)]
pub enum Upload {
    /// Nothing.
    Empty,
    /// All of it.
    Whole(Bytes),
    /// It comes as pieces.
    Pieces,
}

/// Its length only.
impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty"),
            Self::Whole(bytes) => write!(f, "Whole({} bytes)", bytes.len()),
            Self::Pieces => f.write_str("Pieces"),
        }
    }
}

/// How a guest came to its end.
pub type Outcome = Result<(), String>;

/// What is to be done.
#[derive(Clone, PartialEq, Eq)]
pub enum Command {
    /// Send a request and tell its head.
    Send {
        /// Which exchange this begins.
        id: ExchangeId,
        /// The method.
        method: String,
        /// The absolute address.
        uri: String,
        /// The request's headers.
        headers: Headers,
        /// The request's body.
        body: Upload,
    },
    /// Open a WebSocket.
    Connect {
        /// Which exchange this begins.
        id: ExchangeId,
        /// The absolute address, of scheme http or https.
        uri: String,
        /// The handshake's headers.
        headers: Headers,
        /// The subprotocols offered.
        protocols: Vec<String>,
    },
    /// Tell the next piece of the answer or socket, or its end.
    Take(ExchangeId),
    /// Send this piece of the request's body or of the socket, and say so ([`super::Event::Taken`]).
    Give(ExchangeId, Piece),
    /// There are no more pieces to send: end the request's body, or close the socket; and say so.
    Finish(ExchangeId),
    /// Abort the exchange. Nothing more is told of it.
    Drop(ExchangeId),
    /// A line for the host's log.
    Say(String),
    /// The guest has ended and wants no further turn.
    Done(Outcome),
}

/// Without headers and subprotocols, which hold credentials.
impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send { id, method, uri, body, .. } => {
                let mut told = f.debug_struct("Send");
                told.field("id", id).field("method", method).field("uri", uri).field("body", body);
                told.finish_non_exhaustive()
            }
            Self::Connect { id, uri, .. } => {
                f.debug_struct("Connect").field("id", id).field("uri", uri).finish_non_exhaustive()
            }
            Self::Take(id) => f.debug_tuple("Take").field(id).finish(),
            Self::Give(id, piece) => f.debug_tuple("Give").field(id).field(piece).finish(),
            Self::Finish(id) => f.debug_tuple("Finish").field(id).finish(),
            Self::Drop(id) => f.debug_tuple("Drop").field(id).finish(),
            Self::Say(line) => f.debug_tuple("Say").field(line).finish(),
            Self::Done(outcome) => f.debug_tuple("Done").field(outcome).finish(),
        }
    }
}

/// Writes the guest's side of a turn. `wake` is the monotonic nanosecond at which it wants its next turn at the latest.
pub fn write_commands(wake: Option<u64>, commands: &[Command]) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.u64(wake.unwrap_or(u64::MAX));
    commands.iter().for_each(|command| command.write(&mut writer));
    writer.0
}

/// Reads the guest's side of a turn: when it wants the next, and its commands.
pub fn read_commands(message: &[u8]) -> Result<(Option<u64>, Commands<'_>), Malformed> {
    let mut reader = Reader(message);
    let wake = Some(reader.u64()?).filter(|wake| *wake != u64::MAX);
    Ok((wake, Commands(reader)))
}

/// The commands of a turn, each read when it is its turn: together they could take many times the room of the message.
/// Nothing that follows one that is malformed can be read.
#[derive(Debug)]
pub struct Commands<'a>(Reader<'a>);

impl Iterator for Commands<'_> {
    type Item = Result<Command, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        (!self.0.is_at_end()).then(|| Command::read(&mut self.0))
    }
}

impl Command {
    fn write(&self, writer: &mut Writer) {
        match self {
            Self::Send { id, method, uri, headers, body } => {
                writer.tagged(0, *id);
                writer.text(method);
                writer.text(uri);
                write_headers(writer, headers);
                body.write(writer);
            }
            Self::Connect { id, uri, headers, protocols } => {
                writer.tagged(1, *id);
                writer.text(uri);
                write_headers(writer, headers);
                writer.list(protocols, |writer, protocol| writer.text(protocol));
            }
            Self::Take(id) => writer.tagged(2, *id),
            Self::Give(id, piece) => {
                writer.tagged(3, *id);
                piece.write(writer);
            }
            Self::Finish(id) => writer.tagged(4, *id),
            Self::Drop(id) => writer.tagged(5, *id),
            Self::Say(line) => {
                writer.u8(6);
                writer.text(line);
            }
            Self::Done(outcome) => {
                writer.u8(7);
                writer.maybe(outcome.as_ref().err(), |writer, why| writer.text(why));
            }
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(match reader.u8()? {
            0 => Self::Send {
                id: reader.u32()?,
                method: reader.text()?,
                uri: reader.text()?,
                headers: read_headers(reader)?,
                body: Upload::read(reader)?,
            },
            1 => Self::Connect {
                id: reader.u32()?,
                uri: reader.text()?,
                headers: read_headers(reader)?,
                protocols: reader.list(Reader::text)?,
            },
            2 => Self::Take(reader.u32()?),
            3 => Self::Give(reader.u32()?, Piece::read(reader)?),
            4 => Self::Finish(reader.u32()?),
            5 => Self::Drop(reader.u32()?),
            6 => Self::Say(reader.text()?),
            7 => Self::Done(reader.maybe(Reader::text)?.map_or(Ok(()), Err)),
            _ => return Err(Malformed),
        })
    }
}

impl Upload {
    fn write(&self, writer: &mut Writer) {
        match self {
            Self::Empty => writer.u8(0),
            Self::Whole(bytes) => {
                writer.u8(1);
                writer.bytes(bytes);
            }
            Self::Pieces => writer.u8(2),
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        match reader.u8()? {
            0 => Ok(Self::Empty),
            1 => reader.bytes().map(Self::Whole),
            2 => Ok(Self::Pieces),
            _ => Err(Malformed),
        }
    }
}
