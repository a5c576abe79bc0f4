//! The channel protocol of exec and attach: a message is a channel's number and what it carries. Pure: messages in,
//! what they mean out.
//!
//! Follows client-go 0.37 `tools/remotecommand/websocket.go` and the decoder of `v4.go`. Invariant: it ends once, with
//! the Status that the server sends last, or in an error.

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};
use serde_json::json;

use crate::error::{Error, TransportErrorKind};
use crate::status::Status;
use crate::transport::Message;

const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const ERROR: u8 = 3;
const RESIZE: u8 = 4;
const CLOSE: u8 = 255;

/// The most of a Status that is held, in bytes.
const STATUS_LIMIT: usize = 1 << 20;

/// The reason and the cause by which the Status of a command that failed says its exit code.
pub(super) const NON_ZERO_EXIT_CODE: &str = "NonZeroExitCode";
const EXIT_CODE: &str = "ExitCode";

/// What the two ends agreed to speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// `v4.channel.k8s.io`: the end of the input cannot be told. API servers before 1.30.
    V4,
    /// `v5.channel.k8s.io`.
    V5,
}

impl Protocol {
    /// What is offered, the best first.
    pub(super) const OFFERED: [&str; 2] = ["v5.channel.k8s.io", "v4.channel.k8s.io"];

    /// The one the server chose.
    pub(super) fn chosen(name: Option<&str>) -> Result<Self, Error> {
        match name {
            Some("v5.channel.k8s.io") => Ok(Self::V5),
            Some("v4.channel.k8s.io") => Ok(Self::V4),
            other => Err(protocol_error(format!(
                "the server chose the subprotocol {other:?} in place of {}",
                Self::OFFERED.join(" or ")
            ))),
        }
    }
}

/// How large a terminal is, in characters. client-go's `remotecommand.TerminalSize`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TerminalSize {
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
}

/// What a command in a container does.
#[derive(Clone, PartialEq, Eq)]
pub enum Output {
    /// It wrote this to its standard output; a terminal's output is all here.
    Stdout(Bytes),
    /// It wrote this to its standard error.
    Stderr(Bytes),
    /// It ended with this exit code. After attach, 0 says no more than that the stream ended well.
    Exited(i32),
}

/// What was written by its length alone: it may be a secret.
impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdout(bytes) => write!(f, "Stdout({} bytes)", bytes.len()),
            Self::Stderr(bytes) => write!(f, "Stderr({} bytes)", bytes.len()),
            Self::Exited(code) => write!(f, "Exited({code})"),
        }
    }
}

/// Bytes for the command's standard input.
pub(super) fn stdin(bytes: &[u8]) -> Message {
    channel(STDIN, bytes)
}

/// The end of the command's standard input. Only for v5.
pub(super) fn close_stdin() -> Message {
    channel(CLOSE, &[STDIN])
}

/// The terminal's size from now on.
pub(super) fn resize(size: TerminalSize) -> Message {
    channel(RESIZE, json!({"Width": size.width, "Height": size.height}).to_string().as_bytes())
}

fn channel(number: u8, bytes: &[u8]) -> Message {
    let mut message = BytesMut::with_capacity(1 + bytes.len());
    message.put_u8(number);
    message.put_slice(bytes);
    Message::Binary(message.freeze())
}

/// Reads what the server sends.
#[derive(Debug, Default)]
pub(super) struct Reader {
    status: BytesMut,
}

impl Reader {
    /// What a message means; `None` when nothing, as an empty one, which only says that all is set up.
    pub(super) fn handle_message(&mut self, message: Message) -> Result<Option<Output>, Error> {
        let Message::Binary(mut bytes) = message else {
            return Err(protocol_error("the server sent text where bytes belong"));
        };
        if bytes.len() < 2 {
            return Ok(None);
        }
        match bytes.split_to(1)[0] {
            STDOUT => Ok(Some(Output::Stdout(bytes))),
            STDERR => Ok(Some(Output::Stderr(bytes))),
            ERROR => self.handle_status(&bytes),
            // The close of a channel, or one of a protocol to come.
            _ => Ok(None),
        }
    }

    fn handle_status(&mut self, bytes: &[u8]) -> Result<Option<Output>, Error> {
        if self.status.len() + bytes.len() > STATUS_LIMIT {
            return Err(protocol_error(format!("the server's Status is larger than {STATUS_LIMIT} bytes")));
        }
        self.status.extend_from_slice(bytes);
        // Nothing is sent after it: it is whole as soon as it can be read.
        match serde_json::from_slice::<Status>(&self.status) {
            Ok(status) => outcome(status).map(|code| Some(Output::Exited(code))),
            Err(error) if error.is_eof() => Ok(None),
            Err(error) => {
                Err(protocol_error("what the server tells of the end is no Status").with_source(error))
            }
        }
    }
}

/// What it means that the connection ended before a Status came.
pub(super) fn ended_early() -> Error {
    Error::transport(
        TransportErrorKind::Interrupted,
        "the connection ended before the server told how the command did: it may still run",
    )
}

fn outcome(status: Status) -> Result<i32, Error> {
    match status.status.as_deref() {
        Some("Success") => Ok(0),
        Some("Failure") if status.reason.as_deref() == Some(NON_ZERO_EXIT_CODE) => exit_code(&status),
        Some("Failure") => Err(Error::api(status)),
        other => {
            Err(protocol_error(format!("the server's Status is {other:?}, neither Success nor Failure")))
        }
    }
}

fn exit_code(status: &Status) -> Result<i32, Error> {
    let details = status.details.as_ref();
    let causes = details.and_then(|details| details.causes.as_ref()).into_iter().flatten();
    let cause = causes.into_iter().find(|cause| cause.reason.as_deref() == Some(EXIT_CODE));
    let code = cause.and_then(|cause| cause.message.as_deref()?.parse().ok());
    code.ok_or_else(|| protocol_error("the server tells of an exit code and does not say which"))
}

pub(super) fn protocol_error(text: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::transport(TransportErrorKind::Protocol, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_is_shown_without_its_bytes() {
        let outputs = [Output::Stdout("s3cr3t".into()), Output::Stderr(Bytes::new()), Output::Exited(3)];
        assert_eq!(format!("{outputs:?}"), "[Stdout(6 bytes), Stderr(0 bytes), Exited(3)]");
    }

    fn read(messages: &[&[u8]]) -> Result<Vec<Output>, Error> {
        let mut reader = Reader::default();
        let mut outputs = Vec::new();
        for message in messages {
            outputs.extend(reader.handle_message(Message::Binary(Bytes::copy_from_slice(message)))?);
        }
        Ok(outputs)
    }

    #[test]
    fn messages_are_what_their_channel_says() {
        let success = b"\x03{\"metadata\":{},\"status\":\"Success\"}";
        let outputs =
            read(&[b"\x01", b"\x01out", b"\x02err", b"\xff\x01", b"\x09new", b"", success]).unwrap();
        let expected = [Output::Stdout("out".into()), Output::Stderr("err".into()), Output::Exited(0)];
        assert_eq!(outputs, expected);
        assert_eq!(stdin(b"in"), Message::Binary(Bytes::from_static(b"\x00in")));
        assert_eq!(close_stdin(), Message::Binary(Bytes::from_static(b"\xff\x00")));
        let size = resize(TerminalSize { width: 80, height: 24 });
        assert_eq!(size, Message::Binary(Bytes::from_static(b"\x04{\"Height\":24,\"Width\":80}")));
        let text = Reader::default().handle_message(Message::Text("x".into())).unwrap_err();
        assert!(text.is_transport(), "{text}");
    }

    /// After client-go's `TestV4ErrorDecoder`.
    #[test]
    fn a_status_says_how_it_ended() {
        let exit = br#"{"status":"Failure","reason":"NonZeroExitCode","details":{"causes":[{"reason":"foo"},{"reason":"ExitCode","message":"42"}]}}"#;
        for cut in 1..exit.len() {
            let (first, second) = exit.split_at(cut);
            let parts = [&[&[3], first].concat()[..], &[&[3], second].concat()[..]];
            assert_eq!(read(&parts).unwrap(), [Output::Exited(42)], "cut at {cut}");
        }
        for (status, told) in [
            (
                r#"{"status":"Failure","reason":"InternalError","message":"no such node","code":500}"#,
                "no such node",
            ),
            (r#"{"status":"Failure","reason":"NonZeroExitCode"}"#, "does not say which"),
            (
                r#"{"status":"Failure","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"x"}]}}"#,
                "does not say which",
            ),
            (r#"{"status":"Maybe"}"#, "neither Success nor Failure"),
            ("[]", "no Status"),
            ("exit 7", "no Status"),
        ] {
            let error = read(&[format!("\x03{status}").as_bytes()]).unwrap_err();
            assert!(error.to_string().contains(told), "{status}: {error}");
        }
        let endless = vec![b' '; STATUS_LIMIT];
        let error = read(&[&[&[3], &endless[..]].concat(), b"\x03  "]).unwrap_err();
        assert!(error.to_string().contains("larger than"), "{error}");
    }

    #[test]
    fn only_what_was_offered_can_be_chosen() {
        assert_eq!(Protocol::chosen(Some("v5.channel.k8s.io")).unwrap(), Protocol::V5);
        assert_eq!(Protocol::chosen(Some("v4.channel.k8s.io")).unwrap(), Protocol::V4);
        for other in [None, Some("channel.k8s.io")] {
            assert!(Protocol::chosen(other).unwrap_err().to_string().contains("v4.channel.k8s.io"));
        }
    }
}
