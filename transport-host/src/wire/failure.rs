//! An error as it crosses: its kind, its message, and the server's Status where there is one.

use portolan::{Error, ErrorKind, TransportErrorKind};

use super::bytes::{Malformed, Reader, Writer};

const CONNECT: u8 = 0;
const TLS: u8 = 1;
const INTERRUPTED: u8 = 2;
const PROTOCOL: u8 = 3;
const TOO_LARGE: u8 = 4;
const API: u8 = 5;
const UNSUPPORTED: u8 = 6;
const CONFIG: u8 = 7;
const AUTH: u8 = 8;
const TIMEOUT: u8 = 9;
const CANCELED: u8 = 10;
const TURNED_AWAY: u8 = 11;

pub(super) fn write(writer: &mut Writer, error: &Error) {
    let kind = match error.kind() {
        ErrorKind::Transport(TransportErrorKind::Connect) => CONNECT,
        ErrorKind::Transport(TransportErrorKind::TurnedAway) => TURNED_AWAY,
        ErrorKind::Transport(TransportErrorKind::Tls) => TLS,
        ErrorKind::Transport(TransportErrorKind::Interrupted) => INTERRUPTED,
        ErrorKind::Transport(TransportErrorKind::TooLarge) => TOO_LARGE,
        ErrorKind::Api(status) => {
            writer.u8(API);
            writer.bytes(&serde_json::to_vec(status).unwrap_or_default());
            return;
        }
        ErrorKind::Unsupported => UNSUPPORTED,
        ErrorKind::Config => CONFIG,
        ErrorKind::Auth => AUTH,
        ErrorKind::Timeout => TIMEOUT,
        ErrorKind::Canceled => CANCELED,
        // What else a transport may say one day: that trying again changes nothing is the careful reading.
        _ => PROTOCOL,
    };
    writer.u8(kind);
    writer.text(&error.to_string());
}

pub(super) fn read(reader: &mut Reader<'_>) -> Result<Error, Malformed> {
    let kind = match reader.u8()? {
        API => {
            let status = serde_json::from_slice(&reader.bytes()?).map_err(|_| Malformed)?;
            return Ok(Error::api(status));
        }
        CONNECT => ErrorKind::Transport(TransportErrorKind::Connect),
        TURNED_AWAY => ErrorKind::Transport(TransportErrorKind::TurnedAway),
        TLS => ErrorKind::Transport(TransportErrorKind::Tls),
        INTERRUPTED => ErrorKind::Transport(TransportErrorKind::Interrupted),
        PROTOCOL => ErrorKind::Transport(TransportErrorKind::Protocol),
        TOO_LARGE => ErrorKind::Transport(TransportErrorKind::TooLarge),
        UNSUPPORTED => ErrorKind::Unsupported,
        CONFIG => ErrorKind::Config,
        AUTH => ErrorKind::Auth,
        TIMEOUT => ErrorKind::Timeout,
        CANCELED => ErrorKind::Canceled,
        _ => return Err(Malformed),
    };
    Ok(Error::new(kind, reader.text()?))
}
