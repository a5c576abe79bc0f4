//! Lines of a container's logs.
//!
//! Invariant: no byte is lost, whatever a container writes, and no more than the limit and one chunk is held: a line
//! beyond the limit comes in pieces.

use std::borrow::Cow;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use futures::Stream;

use super::Logs;
use crate::error::Error;

/// The longest line that comes in one piece, unless told otherwise, in bytes.
const LIMIT: usize = 64 << 10;

/// One line, or a piece of one that is longer than the limit.
#[derive(Clone, PartialEq, Eq)]
pub struct LogLine {
    /// What was written, without the line's end. A container may write what is no UTF-8.
    pub bytes: Bytes,
    /// Whether the line goes on in the next piece.
    pub goes_on: bool,
}

impl LogLine {
    /// As text; what is no UTF-8 is replaced.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes)
    }
}

impl fmt::Debug for LogLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogLine({} bytes)", self.bytes.len())
    }
}

/// The lines of a container's logs; see [`Logs::lines`].
#[derive(Debug)]
pub struct LogLines {
    logs: Logs,
    splitter: Splitter,
    ended: bool,
}

impl LogLines {
    pub(super) fn new(logs: Logs) -> Self {
        Self { logs, splitter: Splitter { buffer: BytesMut::new(), limit: LIMIT, searched: 0 }, ended: false }
    }

    /// A line of more than `limit` bytes comes in pieces; 64 KiB unless said otherwise.
    #[must_use]
    pub fn with_limit(mut self, limit: usize) -> Self {
        self.splitter.limit = limit.max(1);
        self
    }
}

impl Stream for LogLines {
    type Item = Result<LogLine, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(line) = self.splitter.next() {
                return Poll::Ready(Some(Ok(line)));
            }
            if self.ended {
                return Poll::Ready(self.splitter.rest().map(Ok));
            }
            match ready!(Pin::new(&mut self.logs).poll_next(context)) {
                Some(Ok(chunk)) => self.splitter.buffer.extend_from_slice(&chunk),
                Some(Err(error)) => {
                    self.ended = true;
                    return Poll::Ready(Some(Err(error)));
                }
                None => self.ended = true,
            }
        }
    }
}

struct Splitter {
    buffer: BytesMut,
    limit: usize,
    /// So much of the buffer holds no line's end.
    searched: usize,
}

impl fmt::Debug for Splitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Splitter")
            .field("buffered", &self.buffer.len())
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

impl Splitter {
    fn next(&mut self) -> Option<LogLine> {
        let end = memchr::memchr(b'\n', &self.buffer[self.searched..]).map(|at| self.searched + at);
        match end {
            Some(end) if end <= self.limit => {
                let mut line = self.buffer.split_to(end + 1);
                line.truncate(end);
                self.searched = 0;
                Some(LogLine { bytes: line.freeze(), goes_on: false })
            }
            None if self.buffer.len() <= self.limit => {
                self.searched = self.buffer.len();
                None
            }
            _ => {
                self.searched = 0;
                Some(LogLine { bytes: self.buffer.split_to(self.limit).freeze(), goes_on: true })
            }
        }
    }

    /// What is left of a last line that does not end.
    fn rest(&mut self) -> Option<LogLine> {
        self.searched = 0;
        let rest = self.buffer.split().freeze();
        (!rest.is_empty()).then_some(LogLine { bytes: rest, goes_on: false })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_piece_of_a_line_that_has_come_is_not_shown() {
        let splitter = Splitter { buffer: BytesMut::from("s3cr3t"), limit: 10, searched: 6 };
        assert_eq!(format!("{splitter:?}"), "Splitter { buffered: 6, limit: 10, .. }");
    }

    fn lines(text: &[u8], chunk: usize, limit: usize) -> Vec<(Vec<u8>, bool)> {
        let mut splitter = Splitter { buffer: BytesMut::new(), limit, searched: 0 };
        let mut lines = Vec::new();
        for chunk in text.chunks(chunk) {
            splitter.buffer.extend_from_slice(chunk);
            lines.extend(std::iter::from_fn(|| splitter.next()));
        }
        lines.extend(splitter.rest());
        lines.into_iter().map(|line| (line.bytes.to_vec(), line.goes_on)).collect()
    }

    #[test]
    fn a_line_is_the_same_however_it_arrives_and_a_long_one_comes_in_pieces() {
        let text = b"one\n\nfour5678ninth\nabcd\n\xff\xfe\nrest";
        let expected: [(&[u8], bool); 9] = [
            (b"one", false),
            (b"", false),
            (b"four", true),
            (b"5678", true),
            (b"nint", true),
            (b"h", false),
            (b"abcd", false),
            (b"\xff\xfe", false),
            (b"rest", false),
        ];
        let expected = expected.map(|(bytes, goes_on)| (bytes.to_vec(), goes_on));
        for chunk in 1..=text.len() {
            assert_eq!(lines(text, chunk, 4), expected, "chunks of {chunk}");
        }
        assert!(lines(b"", 1, 4).is_empty());
    }
}
