//! Answers compressed by gzip: asked for as Go's `net/http` asks, and read as they come.
//!
//! Invariants: memory is bounded whatever arrives, a body that grows beyond all reason is refused, and one that ends in its
//! middle is an error, never a short answer.

use std::io::Write;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use flate2::write::MultiGzDecoder;
use futures::Stream;
use http::Response;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap, HeaderValue, RANGE};
use portolan::transport::Body;
use portolan::{Error, TransportErrorKind};

/// So many compressed bytes are taken at once: what they become, at most 1,032 times as many, is held whole.
const STEP: usize = 4 << 10;
/// A body may always grow to this size.
const HARMLESS: u64 = 64 << 20;
/// Beyond, it may be so many times as large as its compressed form: lists of like objects come to a hundred, and only a
/// body made to hurt comes near the format's limit of 1,032.
const LARGEST_RATIO: u64 = 250;

/// Asks for a compressed answer, unless the request says itself what it takes.
pub(crate) fn ask(headers: &mut HeaderMap) -> bool {
    let own = headers.contains_key(ACCEPT_ENCODING) || headers.contains_key(RANGE);
    if !own {
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
    }
    !own
}

/// The answer as it was before it was compressed, if it was; one in an encoding that was not asked for is refused.
pub(crate) fn uncompressed(mut response: Response<Body>) -> Result<Response<Body>, Error> {
    let encoding = response.headers().get(CONTENT_ENCODING).map_or(&b""[..], HeaderValue::as_bytes);
    match encoding.to_ascii_lowercase().as_slice() {
        b"" | b"identity" => return Ok(response),
        b"gzip" => {}
        _ => {
            let encoding = String::from_utf8_lossy(encoding);
            let text = format!(
                "the answer is encoded as {encoding:?} where gzip was asked for: look at the proxies on the way"
            );
            return Err(Error::transport(TransportErrorKind::Protocol, text));
        }
    }
    response.headers_mut().remove(CONTENT_ENCODING);
    response.headers_mut().remove(CONTENT_LENGTH);
    Ok(response.map(|body| match body {
        Body::Empty => Body::Empty,
        body => Body::Stream(Box::pin(Unzipped {
            body,
            arrived: Bytes::new(),
            decoder: Some(MultiGzDecoder::new(Vec::new())),
            read: 0,
            written: 0,
        })),
    }))
}

struct Unzipped {
    body: Body,
    /// What has arrived and is not decoded yet.
    arrived: Bytes,
    /// Nothing once the end or an error was told.
    decoder: Option<MultiGzDecoder<Vec<u8>>>,
    read: u64,
    written: u64,
}

impl Unzipped {
    /// Decodes a step of what has arrived.
    fn step(&mut self) -> Result<Bytes, Error> {
        let Some(decoder) = &mut self.decoder else { return Ok(Bytes::new()) };
        let count = self.arrived.len().min(STEP);
        let decoded = decoder.write_all(&self.arrived[..count]);
        decoded.map_err(|error| failed(decoder, self.written, false, error))?;
        self.arrived.advance(count);
        let piece = std::mem::take(decoder.get_mut());
        self.read += count as u64;
        self.written += piece.len() as u64;
        if self.written > HARMLESS && self.written / LARGEST_RATIO > self.read {
            let text = format!(
                "a compressed answer grew to more than {LARGEST_RATIO} times its size and was refused"
            );
            return Err(Error::transport(TransportErrorKind::TooLarge, text));
        }
        Ok(piece.into())
    }

    /// What is left when nothing more arrives.
    fn end(&mut self) -> Result<Bytes, Error> {
        let Some(mut decoder) = self.decoder.take() else { return Ok(Bytes::new()) };
        // An answer without a byte is no gzip, and nothing is lost.
        if self.read == 0 {
            return Ok(Bytes::new());
        }
        let ended = decoder.try_finish();
        ended.map_err(|error| failed(&decoder, self.written, true, error))?;
        Ok(std::mem::take(decoder.get_mut()).into())
    }
}

/// What a failure of `decoder` means, of whose work so many bytes were handed on; `is_end` when nothing more arrives.
fn failed(decoder: &MultiGzDecoder<Vec<u8>>, written: u64, is_end: bool, error: std::io::Error) -> Error {
    let is_behind = written > 0 || !decoder.get_ref().is_empty();
    let (kind, text) = match decoder.header() {
        None if is_behind => (
            TransportErrorKind::Protocol,
            "something that is not compressed follows a compressed answer: look at the proxies on the way",
        ),
        None if !is_end => (
            TransportErrorKind::Protocol,
            "an answer that says it is compressed by gzip is not: ask for it with disable-compression",
        ),
        Some(_) if !is_end => (TransportErrorKind::Protocol, "a compressed answer is damaged"),
        _ => (TransportErrorKind::Interrupted, "a compressed answer ended in its middle, or is damaged"),
    };
    Error::transport(kind, text).with_source(error)
}

impl Stream for Unzipped {
    type Item = Result<Bytes, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let unzipped = self.get_mut();
        loop {
            if unzipped.decoder.is_none() {
                return Poll::Ready(None);
            }
            let piece = if unzipped.arrived.is_empty() {
                match ready!(Pin::new(&mut unzipped.body).poll_next(context)) {
                    Some(Ok(chunk)) => {
                        unzipped.arrived = chunk;
                        continue;
                    }
                    Some(Err(error)) => Err(error),
                    None => unzipped.end(),
                }
            } else {
                unzipped.step()
            };
            match piece {
                Ok(piece) if piece.is_empty() => {}
                Ok(piece) => return Poll::Ready(Some(Ok(piece))),
                Err(error) => {
                    (unzipped.decoder, unzipped.body) = (None, Body::Empty);
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use futures::{FutureExt, StreamExt};

    use super::*;

    fn zip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn answer(chunks: Vec<Bytes>) -> Response<Body> {
        let body = Body::Stream(Box::pin(futures::stream::iter(chunks.into_iter().map(Ok))));
        Response::builder().header(CONTENT_ENCODING, "gzip").header(CONTENT_LENGTH, "1").body(body).unwrap()
    }

    fn read(response: Response<Body>) -> Result<Vec<u8>, Error> {
        let mut body = uncompressed(response)?.into_body();
        let mut whole = Vec::new();
        while let Some(chunk) = body.next().now_or_never().unwrap() {
            whole.extend_from_slice(&chunk?);
        }
        Ok(whole)
    }

    #[test]
    fn a_body_comes_out_as_it_was_however_it_is_cut() {
        let text: Vec<u8> = (0..200_000_u32).flat_map(|number| (number * 7919 % 251).to_le_bytes()).collect();
        let zipped = zip(&text);
        for size in [1, 7, 4096, 10_000, zipped.len()] {
            let chunks = zipped.chunks(size).map(Bytes::copy_from_slice).collect();
            assert!(read(answer(chunks)).unwrap() == text, "{size}");
        }
        let twice = [zip(b"one"), zip(b"two")].concat();
        assert_eq!(read(answer(vec![twice.into()])).unwrap(), b"onetwo");
        assert_eq!(read(answer(vec![])).unwrap(), b"");
        let plain = Response::new(Body::Bytes(Bytes::from_static(b"plain")));
        assert_eq!(read(plain).unwrap(), b"plain");
        let headers = uncompressed(answer(vec![])).unwrap().headers().clone();
        assert!(headers.is_empty(), "{headers:?}");
    }

    #[test]
    fn damage_and_cuts_are_errors() {
        let zipped = zip(b"a text that was whole once");
        for cut in 1..zipped.len() {
            let error = read(answer(vec![Bytes::copy_from_slice(&zipped[..cut])])).unwrap_err();
            assert!(error.is_transport(), "{cut}: {error}");
        }
        for index in 0..zipped.len() {
            let mut damaged = zipped.clone();
            damaged[index] ^= 0x55;
            // Name, time and system in the head are nobody's business.
            let same =
                read(answer(vec![damaged.into()])).is_ok_and(|text| text == b"a text that was whole once");
            assert!(!same || index < 10, "{index}");
        }
    }

    #[test]
    fn a_failure_says_what_is_wrong() {
        let (whole, plain) = (zip(b"a text that is whole"), &b"{\"kind\": \"Pod\"}"[..]);
        let mut damaged = whole.clone();
        damaged[10] ^= 0x55;
        let cases = [
            (whole[..5].to_vec(), "ended in its middle"),
            (whole[..20].to_vec(), "ended in its middle"),
            (plain.to_vec(), "is not: ask for it"),
            ([&whole, plain].concat(), "follows a compressed answer"),
            ([&whole, &b"x"[..]].concat(), "follows a compressed answer"),
            (damaged, "is damaged"),
        ];
        for (body, told) in cases {
            for size in [1, body.len()] {
                let error =
                    read(answer(body.chunks(size).map(Bytes::copy_from_slice).collect())).unwrap_err();
                assert!(error.to_string().contains(told), "{told}: {error}");
            }
        }
    }

    #[test]
    fn an_encoding_that_was_not_asked_for_is_named() {
        for (encoding, is_taken) in [("br", false), ("gzip, br", false), ("identity", true), ("", true)] {
            let body = Body::from(Bytes::from_static(b"{}"));
            let response = Response::builder().header(CONTENT_ENCODING, encoding).body(body).unwrap();
            match read(response) {
                Ok(bytes) => assert!(is_taken && bytes == b"{}", "{encoding}"),
                Err(error) => {
                    let text = format!("the answer is encoded as {encoding:?}");
                    assert!(!is_taken && error.to_string().contains(&text), "{error}");
                }
            }
        }
    }

    #[test]
    fn a_bomb_is_refused_and_a_list_of_like_objects_is_not() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        for _ in 0..100 {
            encoder.write_all(&[0; 1 << 20]).unwrap();
        }
        let bomb: Bytes = encoder.finish().unwrap().into();
        let mut body = uncompressed(answer(vec![bomb])).unwrap().into_body();
        let (mut taken, mut largest) = (0, 0);
        let error = loop {
            match body.next().now_or_never().unwrap() {
                Some(Ok(chunk)) => (taken, largest) = (taken + chunk.len(), largest.max(chunk.len())),
                Some(Err(error)) => break error,
                None => panic!("the bomb came whole"),
            }
        };
        assert!(error.to_string().contains("250 times its size"), "{error}");
        assert!(taken < 80 << 20 && largest < 5 << 20, "{taken} {largest}");
        assert!(body.next().now_or_never().unwrap().is_none());

        let spec: String =
            (0..1200_u32).map(|number| format!("{:x}:", number.wrapping_mul(2_654_435_761))).collect();
        let list: String =
            (0..7000).map(|index| format!("{{\"name\": \"web-{index}\", \"spec\": \"{spec}\"}}")).collect();
        assert!(list.len() as u64 > HARMLESS);
        assert_eq!(read(answer(vec![zip(list.as_bytes()).into()])).unwrap().len(), list.len());
    }

    #[test]
    fn a_request_that_says_what_it_takes_is_left_alone() {
        let mut headers = HeaderMap::new();
        assert!(ask(&mut headers) && headers[ACCEPT_ENCODING] == "gzip");
        assert!(!ask(&mut headers));
        let mut headers = HeaderMap::from_iter([(RANGE, HeaderValue::from_static("bytes=0-"))]);
        assert!(!ask(&mut headers) && !headers.contains_key(ACCEPT_ENCODING));
    }
}
