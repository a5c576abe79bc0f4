//! The logs of several containers of a pod as one. After kubectl 0.37 `pkg/cmd/logs/logs.go`: one container after the
//! other, and all at once where they are followed.
//!
//! Invariant: what one container refuses is told in its place and ends nothing else.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::{Stream, StreamExt, TryStreamExt, stream};

use super::{LogLine, Logs};
use crate::error::Error;
use crate::portable::{BoxFuture, BoxStream};

/// A line, and which container wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerLine {
    /// The pod.
    pub pod: Arc<str>,
    /// The container.
    pub container: Arc<str>,
    /// What it wrote.
    pub line: LogLine,
}

/// As `kubectl logs --prefix` prints it: `[pod/web/main] text`.
impl fmt::Display for ContainerLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[pod/{}/{}] {}", self.pod, self.container, self.line.text())
    }
}

/// The lines of several containers. A failure names its container; the others go on. Ends when all have.
pub struct MergedLogs {
    lines: BoxStream<'static, Result<ContainerLine, Error>>,
}

impl MergedLogs {
    /// Of the `pod`'s containers, each with what opens its logs. They are read at once where `follow`, otherwise one after
    /// the other. None is waited for: a silent container's logs open with its first line.
    pub(crate) fn new(
        pod: &str,
        containers: Vec<(String, BoxFuture<'static, Result<Logs, Error>>)>,
        follow: bool,
    ) -> Self {
        let pod: Arc<str> = pod.into();
        let each = containers.into_iter().map(|(container, logs)| of_one(&pod, container, logs));
        let lines: BoxStream<'static, _> = match follow {
            true => Box::pin(stream::select_all(each)),
            false => Box::pin(stream::iter(each.collect::<Vec<_>>()).flatten()),
        };
        Self { lines }
    }
}

fn of_one(
    pod: &Arc<str>,
    container: String,
    logs: BoxFuture<'static, Result<Logs, Error>>,
) -> BoxStream<'static, Result<ContainerLine, Error>> {
    let (pod, container): (_, Arc<str>) = (Arc::clone(pod), container.into());
    let lines = stream::once(logs).map_ok(Logs::lines).try_flatten();
    Box::pin(lines.map(move |line| match line {
        Ok(line) => Ok(ContainerLine { pod: Arc::clone(&pod), container: Arc::clone(&container), line }),
        Err(error) => Err(error.doing(format!("logs of container {container}"))),
    }))
}

impl Stream for MergedLogs {
    type Item = Result<ContainerLine, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.lines.as_mut().poll_next(context)
    }
}

impl fmt::Debug for MergedLogs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MergedLogs")
    }
}
