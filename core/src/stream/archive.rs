//! What a container's tar writes and reads, through exec. After kubectl 0.37 `pkg/cmd/cp/cp.go`.
//!
//! Invariant: that tar failed is an error in its own words, of which a bounded part is kept.

use std::fmt;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::future::{Either, select};
use futures::{AsyncWriteExt, Stream, StreamExt};

use super::channels::NON_ZERO_EXIT_CODE;
use super::{Output, Protocol, RemoteOutput, RemoteProcess};
use crate::error::Error;
use crate::status::failure;

/// How much of what tar complains of is kept, in bytes.
const COMPLAINT: usize = 4 << 10;

/// A tar archive, piece by piece as a container's tar writes it. That tar failed is told by the last item. Whoever does not
/// read holds it back, and dropping this ends it.
pub struct Archive {
    output: RemoteOutput,
    complaint: Vec<u8>,
}

impl Archive {
    pub(crate) fn new(output: RemoteOutput) -> Self {
        Self { output, complaint: Vec::new() }
    }

    fn failed(&self, code: i32) -> Error {
        let text = String::from_utf8_lossy(&self.complaint);
        let text = match (text.trim(), code) {
            ("", 126 | 127) => "is there a tar in the container?",
            (text, _) => text,
        };
        let text = format!("tar in the container ended with exit code {code}: {text}");
        Error::api(failure(500, NON_ZERO_EXIT_CODE, text))
    }
}

/// What tar complains of by its length alone: it may name what nobody should see.
impl fmt::Debug for Archive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let complaint = self.complaint.len();
        f.debug_struct("Archive").field("output", &self.output).field("complaint", &complaint).finish()
    }
}

impl Stream for Archive {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            return Poll::Ready(match ready!(self.output.poll_next_unpin(context)) {
                Some(Ok(Output::Stderr(bytes))) => {
                    let room = COMPLAINT.saturating_sub(self.complaint.len());
                    self.complaint.extend_from_slice(&bytes[..bytes.len().min(room)]);
                    continue;
                }
                Some(Ok(Output::Stdout(bytes))) => Some(Ok(bytes)),
                Some(Ok(Output::Exited(0))) | None => None,
                Some(Ok(Output::Exited(code))) => Some(Err(self.failed(code))),
                Some(Err(error)) => Some(Err(error)),
            });
        }
    }
}

/// Feeds `archive` to a container's tar until that has ended.
pub(crate) async fn feed(process: RemoteProcess, archive: impl Stream<Item = Bytes>) -> Result<(), Error> {
    let RemoteProcess { mut input, output } = process;
    let feeding = pin!(async {
        let mut archive = pin!(archive);
        while let Some(bytes) = archive.next().await {
            if input.write_all(&bytes).await.is_err() {
                return; // it ended: its output says how
            }
        }
        // Over v4 tar ends by the mark at the archive's end.
        let last = if input.protocol() == Protocol::V5 { input.close().await } else { input.flush().await };
        drop(last);
    });
    let ending = pin!(async {
        let mut output = Archive::new(output);
        while let Some(said) = output.next().await {
            said?;
        }
        Ok(())
    });
    match select(ending, feeding).await {
        Either::Left((outcome, _)) => outcome,
        Either::Right(((), ending)) => ending.await,
    }
}

/// A path that tar takes for no option.
pub(crate) fn no_option(path: &str) -> String {
    if path.starts_with('-') { format!("./{path}") } else { path.to_owned() }
}
