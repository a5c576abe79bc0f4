//! The logs of one container, as they come.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::LogLines;
use crate::error::Error;
use crate::meta::whole_seconds;
use crate::rest::Request;
use crate::transport::Body;

/// Which part of a container's logs. The default is all of its present run, up to now. client-go's
/// `corev1.PodLogOptions`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogOptions {
    /// The container; the server takes the only one where there is one, and refuses otherwise.
    pub container: Option<String>,
    /// Whether to go on with what is written from now on, until the container ends.
    pub follow: bool,
    /// Whether to give the logs of the run before the present one.
    pub previous: bool,
    /// From when on.
    pub since: Option<Since>,
    /// Whether each line begins with its time, in RFC 3339 with nanoseconds, and a space.
    pub timestamps: bool,
    /// At most so many lines from the end.
    pub tail_lines: Option<u64>,
    /// At most so many bytes; the last line may be cut.
    pub limit_bytes: Option<u64>,
    /// Only one of the two outputs; a feature gate of the server (`PodLogsQuerySplitStreams`), which otherwise gives both.
    pub source: Option<LogSource>,
    /// Whether the API server is to take the logs from a node whose certificate it cannot check: whoever stands between
    /// the two can then make them up.
    pub insecure_skip_tls_verify_backend: bool,
}

/// From when on logs are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Since {
    /// So long before now, by the node's clock, in whole seconds and at least one. client-go's `SinceSeconds`.
    Last(Duration),
    /// From this moment on. To go on where a stream broke off, ask for `timestamps` and give the last one seen. client-go's
    /// `SinceTime`.
    Time(Time),
}

/// One of a container's outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogSource {
    /// Its standard output.
    Stdout,
    /// Its standard error.
    Stderr,
}

impl LogOptions {
    /// As query parameters.
    pub fn query(&self) -> Vec<(&'static str, String)> {
        let mut query: Vec<(&'static str, String)> = Vec::new();
        query.extend(self.container.clone().map(|container| ("container", container)));
        for (name, set) in [
            ("follow", self.follow),
            ("previous", self.previous),
            ("timestamps", self.timestamps),
            ("insecureSkipTLSVerifyBackend", self.insecure_skip_tls_verify_backend),
        ] {
            query.extend(set.then(|| (name, "true".to_owned())));
        }
        query.extend(self.since.as_ref().map(|since| match since {
            Since::Last(duration) => ("sinceSeconds", whole_seconds(*duration).to_string()),
            // The server reads whole seconds alone here.
            Since::Time(time) => ("sinceTime", format!("{:.0}", time.0)),
        }));
        query.extend(self.tail_lines.map(|lines| ("tailLines", lines.to_string())));
        query.extend(self.limit_bytes.map(|bytes| ("limitBytes", bytes.to_string())));
        query.extend(self.source.map(|source| {
            let name = match source {
                LogSource::Stdout => "Stdout",
                LogSource::Stderr => "Stderr",
            };
            ("stream", name.to_owned())
        }));
        query
    }
}

/// A container's logs, as chunks of bytes split anywhere; [`Logs::lines`] makes lines of them. The stream ends where the
/// logs do, or fails when the connection breaks: beginning anew is the caller's choice (see [`Since::Time`]).
pub struct Logs {
    body: Body,
}

impl Logs {
    pub(crate) async fn open(request: Request, options: &LogOptions) -> Result<Self, Error> {
        let request = request.header("accept", "*/*").params(options.query());
        Ok(Self { body: request.stream().await? })
    }

    /// Line by line.
    pub fn lines(self) -> LogLines {
        LogLines::new(self)
    }

    /// All of it at once, refusing more than `limit` bytes.
    pub async fn collect(self, limit: usize) -> Result<Bytes, Error> {
        self.body.collect(limit).await
    }
}

impl Stream for Logs {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.body).poll_next(context)
    }
}

impl fmt::Debug for Logs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Logs")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_spelled_as_the_server_reads_them() {
        assert!(LogOptions::default().query().is_empty());
        let options = LogOptions {
            container: Some("main".into()),
            follow: true,
            previous: true,
            since: Some(Since::Last(Duration::from_millis(1500))),
            timestamps: true,
            tail_lines: Some(0),
            limit_bytes: Some(10),
            source: Some(LogSource::Stderr),
            insecure_skip_tls_verify_backend: true,
        };
        let spelled: Vec<String> =
            options.query().into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(
            spelled.join("&"),
            "container=main&follow=true&previous=true&timestamps=true&insecureSkipTLSVerifyBackend=true&sinceSeconds=2\
             &tailLines=0&limitBytes=10&stream=Stderr"
        );
        let since = Since::Time(Time("2026-01-02T03:04:05.6Z".parse().unwrap()));
        let query = LogOptions { since: Some(since), ..LogOptions::default() }.query();
        assert_eq!(query, [("sinceTime", "2026-01-02T03:04:05Z".to_owned())]);
        let query = LogOptions { since: Some(Since::Last(Duration::ZERO)), ..LogOptions::default() }.query();
        assert_eq!(query, [("sinceSeconds", "1".to_owned())]);
    }
}
