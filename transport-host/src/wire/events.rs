//! What a host tells its guest.

use std::fmt;

use portolan::Error;
use portolan::config::WatchOver;

use super::bytes::{Malformed, Reader, Writer};
use super::{ExchangeId, Headers, Piece, failure, read_headers, write_headers};

/// The time of a turn. It stands still while the guest has its turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// Nanoseconds since an origin of the host's choice; never less than in the turn before.
    pub monotonic: u64,
    /// Nanoseconds since the Unix epoch.
    pub unix: u64,
}

/// What has happened.
pub enum Event {
    /// The guest begins: the first event of the first turn, and only there.
    Start {
        /// The API server's address, as the guest is to write it in its requests.
        server: String,
        /// What watches are to go over.
        watch_over: WatchOver,
        /// For random choices, as jitter.
        seed: u64,
        /// Whatever the host has to say to this guest: settings, arguments.
        input: Vec<u8>,
    },
    /// The answer's head is there.
    Head {
        /// Which exchange.
        id: ExchangeId,
        /// The HTTP status.
        status: u16,
        /// The answer's headers.
        headers: Headers,
    },
    /// The socket is open.
    Opened {
        /// Which exchange.
        id: ExchangeId,
        /// The subprotocol the peer chose.
        protocol: Option<String>,
    },
    /// The piece that was asked for.
    Piece(ExchangeId, Piece),
    /// Instead of the piece that was asked for: there is none left. The exchange is over.
    End(ExchangeId),
    /// The exchange is over and has failed. Of the error its kind, its message and the server's Status cross.
    Failed(ExchangeId, Error),
    /// The guest's piece was taken, or its end: the next may follow.
    Taken(ExchangeId),
}

/// Without the input and the headers, which may hold credentials.
impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start { server, watch_over, .. } => {
                let mut told = f.debug_struct("Start");
                told.field("server", server).field("watch_over", watch_over).finish_non_exhaustive()
            }
            Self::Head { id, status, .. } => {
                f.debug_struct("Head").field("id", id).field("status", status).finish_non_exhaustive()
            }
            Self::Opened { id, .. } => f.debug_struct("Opened").field("id", id).finish_non_exhaustive(),
            Self::Piece(id, piece) => f.debug_tuple("Piece").field(id).field(piece).finish(),
            Self::End(id) => f.debug_tuple("End").field(id).finish(),
            Self::Failed(id, error) => f.debug_tuple("Failed").field(id).field(error).finish(),
            Self::Taken(id) => f.debug_tuple("Taken").field(id).finish(),
        }
    }
}

/// Writes the host's side of a turn.
pub fn write_events(moment: Moment, events: &[Event]) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.u64(moment.monotonic);
    writer.u64(moment.unix);
    events.iter().for_each(|event| event.write(&mut writer));
    writer.0
}

/// Reads the host's side of a turn.
pub fn read_events(message: &[u8]) -> Result<(Moment, Vec<Event>), Malformed> {
    let mut reader = Reader(message);
    let moment = Moment { monotonic: reader.u64()?, unix: reader.u64()? };
    let mut events = Vec::new();
    while !reader.is_at_end() {
        events.push(Event::read(&mut reader)?);
    }
    Ok((moment, events))
}

impl Event {
    fn write(&self, writer: &mut Writer) {
        match self {
            Self::Start { server, watch_over, seed, input } => {
                writer.u8(0);
                writer.text(server);
                writer.u8(match watch_over {
                    WatchOver::Http => 0,
                    WatchOver::Socket => 1,
                    WatchOver::SocketThenHttp => 2,
                });
                writer.u64(*seed);
                writer.bytes(input);
            }
            Self::Head { id, status, headers } => {
                writer.tagged(1, *id);
                writer.u16(*status);
                write_headers(writer, headers);
            }
            Self::Opened { id, protocol } => {
                writer.tagged(2, *id);
                writer.maybe(protocol.as_ref(), |writer, protocol| writer.text(protocol));
            }
            Self::Piece(id, piece) => {
                writer.tagged(3, *id);
                piece.write(writer);
            }
            Self::End(id) => {
                writer.tagged(4, *id);
            }
            Self::Failed(id, error) => {
                writer.tagged(5, *id);
                failure::write(writer, error);
            }
            Self::Taken(id) => {
                writer.tagged(6, *id);
            }
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(match reader.u8()? {
            0 => Self::Start {
                server: reader.text()?,
                watch_over: match reader.u8()? {
                    0 => WatchOver::Http,
                    1 => WatchOver::Socket,
                    2 => WatchOver::SocketThenHttp,
                    _ => return Err(Malformed),
                },
                seed: reader.u64()?,
                input: reader.bytes()?.to_vec(),
            },
            1 => Self::Head { id: reader.u32()?, status: reader.u16()?, headers: read_headers(reader)? },
            2 => Self::Opened { id: reader.u32()?, protocol: reader.maybe(Reader::text)? },
            3 => Self::Piece(reader.u32()?, Piece::read(reader)?),
            4 => Self::End(reader.u32()?),
            5 => Self::Failed(reader.u32()?, failure::read(reader)?),
            6 => Self::Taken(reader.u32()?),
            _ => return Err(Malformed),
        })
    }
}
