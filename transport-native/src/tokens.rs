//! A bearer token in a file, read again as it changes: the token of a service account. After client-go's
//! `transport/token_source.go`, v0.37.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use portolan::Error;
use portolan::config::Secret;
use portolan::transport::TokenSource;
use tokio::time::Instant;

use crate::files;

/// How long a token is used before its file is read again, as in client-go. The kubelet renews them long before they end.
const PERIOD: Duration = Duration::from_secs(60);

/// Reads a token from a file, again each minute and after the server refused it. While the file cannot be read the last
/// token serves on.
#[derive(Debug)]
pub struct FileTokens {
    path: String,
    known: Mutex<Known>,
}

#[derive(Debug)]
struct Known {
    token: Option<Secret>,
    fresh_until: Option<Instant>,
}

impl FileTokens {
    /// Tokens from the file at `path`; `fallback` serves until it can be read.
    pub fn new(path: impl Into<String>, fallback: Option<Secret>) -> Self {
        Self { path: path.into(), known: Mutex::new(Known { token: fallback, fresh_until: None }) }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn read(&self) -> Result<Secret, Error> {
        let wrong = |what: String| Error::auth(format!("tokenFile {}: {what}", self.path));
        let path = self.path.clone();
        let read = tokio::task::spawn_blocking(move || files::read(path)).await;
        let bytes = read.unwrap_or_else(|error| Err(std::io::Error::other(error))).map_err(|error| {
            wrong(format!("cannot be read ({error}): correct the path or its permissions"))
        })?;
        let text = std::str::from_utf8(&bytes);
        match text.map_err(|_| wrong("is no text: write the token there".to_owned()))?.trim() {
            "" => Err(wrong("is empty: write the token there".to_owned())),
            token if http::HeaderValue::from_str(token).is_err() => {
                Err(wrong("holds a character no header may carry: write the token alone there".to_owned()))
            }
            token => Ok(Secret::new(token.to_owned())),
        }
    }
}

#[async_trait]
impl TokenSource for FileTokens {
    async fn token(&self) -> Result<Option<Secret>, Error> {
        let now = Instant::now();
        {
            let known = self.known();
            if let Some(token) = known.token.clone()
                && known.fresh_until.is_some_and(|until| now < until)
            {
                return Ok(Some(token));
            }
        }
        let read = self.read().await;
        let mut known = self.known();
        match (read, known.token.clone()) {
            (Ok(token), _) => {
                known.token = Some(token.clone());
                known.fresh_until = Some(now + PERIOD);
                Ok(Some(token))
            }
            (Err(_), Some(last)) => Ok(Some(last)),
            (Err(error), None) => Err(error),
        }
    }

    fn refused(&self, token: Option<&Secret>) {
        let mut known = self.known();
        if known.token.as_ref() == token {
            known.fresh_until = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_token_is_read_again_each_minute_and_after_a_refusal() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let tokens = FileTokens::new(path.to_str().unwrap(), None);
        let secret = |text: &'static str| Some(Secret::new(text));
        let error = tokens.token().await.unwrap_err();
        assert!(
            error.to_string().starts_with(&format!("tokenFile {}: cannot be read", path.display())),
            "{error}"
        );

        std::fs::write(&path, "s3c\u{7f}r3t").unwrap();
        let error = tokens.token().await.unwrap_err().to_string();
        assert!(
            error.contains(&path.display().to_string()) && error.contains("a character no header"),
            "{error}"
        );
        assert!(!error.contains("s3c"));

        std::fs::write(&path, "one\n").unwrap();
        assert_eq!(tokens.token().await.unwrap(), secret("one"));
        std::fs::write(&path, "two").unwrap();
        assert_eq!(tokens.token().await.unwrap(), secret("one"));
        tokens.refused(secret("one").as_ref());
        assert_eq!(tokens.token().await.unwrap(), secret("two"));
        std::fs::write(&path, "three").unwrap();
        tokio::time::advance(PERIOD).await;
        assert_eq!(tokens.token().await.unwrap(), secret("three"));
        std::fs::remove_file(&path).unwrap();
        tokio::time::advance(PERIOD).await;
        assert_eq!(tokens.token().await.unwrap(), secret("three"), "the last token serves on");
    }
}
