//! A request's head and body, read from a bare socket.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

/// The longest head and the longest body taken.
const LONGEST: usize = 1 << 20;

/// The head of a request.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) method: String,
    pub(crate) path: String,
    /// The value of `id` in the query, "" for none.
    pub(crate) id: String,
    headers: Vec<(String, String)>,
}

impl Head {
    /// Reads a head; `None` when the client closes before one.
    pub(crate) async fn read(input: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Self>> {
        let Some(first) = line(input).await? else { return Ok(None) };
        let mut words = first.split(' ');
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let id = query.split('&').find_map(|pair| pair.strip_prefix("id=")).unwrap_or_default();
        let mut head = Self { method: method.into(), path: path.into(), id: id.into(), headers: Vec::new() };
        while let Some(line) = line(input).await?.filter(|line| !line.is_empty()) {
            if let Some((name, value)) = line.split_once(':') {
                head.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
            }
        }
        Ok(Some(head))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// Reads the body that follows, whole or in chunks.
    pub(crate) async fn body(&self, input: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        if let Some(length) = self.header("content-length").and_then(|length| length.parse().ok()) {
            take(input, length, &mut body).await?;
        } else if self.header("transfer-encoding").is_some() {
            loop {
                let size = line(input).await?.unwrap_or_default();
                let size = usize::from_str_radix(size.trim(), 16).map_err(io::Error::other)?;
                take(input, size, &mut body).await?;
                line(input).await?;
                if size == 0 {
                    break;
                }
            }
        }
        Ok(body)
    }
}

async fn take(input: &mut (impl AsyncBufRead + Unpin), length: usize, body: &mut Vec<u8>) -> io::Result<()> {
    if length + body.len() > LONGEST {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let from = body.len();
    body.resize(from + length, 0);
    input.read_exact(&mut body[from..]).await.map(drop)
}

async fn line(input: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<String>> {
    let mut line = String::new();
    let read = (&mut *input).take(LONGEST as u64).read_line(&mut line).await?;
    Ok((read > 0).then(|| line.trim_end().to_owned()))
}
