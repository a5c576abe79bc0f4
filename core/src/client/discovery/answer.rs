//! An HTTP answer as kubectl keeps it between runs: its head and body as they would go over an HTTP/1.1 connection.
//!
//! Follows client-go 0.37 `third_party/forked/httpcache`, as far as discovery needs it: GET, 200, ETag, Expires, max-age,
//! no-cache, no-store, Vary.

use std::time::Duration;

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, DATE, ETAG, EXPIRES, HeaderMap,
    HeaderName, HeaderValue, TRANSFER_ENCODING, VARY,
};
use jiff::civil::DateTime;
use jiff::tz::Offset;

use super::documents::Document;

/// What of an answer's head is kept; the rest is of that exchange alone.
const KEPT: [HeaderName; 6] = [CACHE_CONTROL, CONTENT_TYPE, DATE, ETAG, EXPIRES, VARY];

/// A kept answer.
#[derive(Debug)]
pub(super) struct KeptAnswer {
    headers: HeaderMap,
    body: Bytes,
}

impl KeptAnswer {
    /// Reads what was kept, by this library or by kubectl; `None` when it is no whole answer.
    pub(super) fn read(kept: &Bytes) -> Option<Self> {
        let end = kept.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&kept[..end]).ok()?;
        let mut lines = head.split("\r\n");
        let status = lines.next()?.strip_prefix("HTTP/")?;
        if status.split(' ').nth(1) != Some("200") {
            return None;
        }
        let mut headers = HeaderMap::new();
        for line in lines {
            let (name, value) = line.split_once(':')?;
            let name = HeaderName::try_from(name).ok()?;
            headers.append(name, HeaderValue::from_str(value.trim()).ok()?);
        }
        let answer = Self { headers, body: kept.slice(end + 4..) };
        let body = if answer.header(TRANSFER_ENCODING) == Some("chunked") {
            unchunked(&answer.body)?
        } else {
            let length = answer.header(CONTENT_LENGTH).map(str::parse::<usize>);
            let whole = length.is_none_or(|length| length == Ok(answer.body.len()));
            whole.then(|| answer.body.clone())?
        };
        answer.header(CONTENT_ENCODING).is_none().then_some(Self { body, ..answer })
    }

    /// An answer with `headers` and `body` to a request that accepted `accept`, to be kept; `None` when that would be of no use.
    pub(super) fn write(headers: &HeaderMap, accept: &str, body: &Bytes) -> Option<Bytes> {
        let answer = Self { headers: headers.clone(), body: Bytes::new() };
        let useful = headers.contains_key(ETAG) || answer.lifetime().is_some();
        if !useful || answer.directive("no-store").is_some() {
            return None;
        }
        let mut text = b"HTTP/1.1 200 OK\r\n".to_vec();
        let mut line = |name: &str, value: &[u8]| {
            text.extend_from_slice(name.as_bytes());
            text.extend_from_slice(b": ");
            text.extend_from_slice(value);
            text.extend_from_slice(b"\r\n");
        };
        for name in &KEPT {
            for value in headers.get_all(name) {
                line(name.as_str(), value.as_bytes());
            }
        }
        if answer.varies().any(|name| name.eq_ignore_ascii_case("accept")) {
            line("x-varied-accept", accept.as_bytes());
        }
        line(CONTENT_LENGTH.as_str(), body.len().to_string().as_bytes());
        text.extend_from_slice(b"\r\n");
        text.extend_from_slice(body);
        Some(text.into())
    }

    pub(super) fn document(&self) -> Document {
        let content_type = self.header(CONTENT_TYPE).unwrap_or_default().to_owned();
        Document { content_type, bytes: self.body.clone() }
    }

    pub(super) fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether it is the answer to a request that accepts `accept` and has no other header that the server heeds.
    pub(super) fn answers(&self, accept: &str) -> bool {
        self.varies().all(|name| {
            let asked = if name.eq_ignore_ascii_case("accept") { accept } else { "" };
            let varied = self.headers.get(format!("x-varied-{name}"));
            varied.map_or(asked.is_empty(), |varied| varied.as_bytes() == asked.as_bytes())
        })
    }

    /// Whether it may be used without asking the server, `now` being the wall-clock time since the Unix epoch.
    pub(super) fn is_fresh(&self, now: Duration) -> bool {
        let Some(answered) = self.header(DATE).and_then(moment) else { return false };
        self.directive("no-cache").is_none()
            && self.lifetime().is_some_and(|lifetime| now < answered.saturating_add(lifetime))
    }

    /// How long after its `Date` it may be used without asking.
    fn lifetime(&self) -> Option<Duration> {
        if let Some(seconds) = self.directive("max-age") {
            return seconds.parse().ok().map(Duration::from_secs);
        }
        self.header(EXPIRES).and_then(moment)?.checked_sub(self.header(DATE).and_then(moment)?)
    }

    /// The value of a directive of `Cache-Control`, "" for one without.
    fn directive(&self, name: &str) -> Option<&str> {
        self.header(CACHE_CONTROL)?.split(',').find_map(|part| {
            let (given, value) = part.split_once('=').unwrap_or((part, ""));
            given.trim().eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    fn varies(&self) -> impl Iterator<Item = &str> {
        let values = self.headers.get_all(VARY).into_iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).map(str::trim).filter(|name| !name.is_empty())
    }
}

/// An HTTP date (`Sun, 06 Nov 1994 08:49:37 GMT`) as the time since the Unix epoch. jiff's own parser reads all that mail
/// allows, and all of it would be in every page.
fn moment(text: &str) -> Option<Duration> {
    let (_, text) = text.split_once(", ")?;
    let [day, month, year, time] = *text.strip_suffix(" GMT")?.split(' ').collect::<Vec<_>>() else {
        return None;
    };
    let [hour, minute, second] = *time.split(':').collect::<Vec<_>>() else { return None };
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    let [day, hour, minute, second] = [day, hour, minute, second].map(|text| text.parse().ok());
    let (year, month) = (year.parse().ok()?, i8::try_from(month).ok()?);
    let date = DateTime::new(year, month, day?, hour?, minute?, second?, 0);
    let moment = Offset::UTC.to_timestamp(date.ok()?).ok()?;
    u64::try_from(moment.as_second()).ok().map(Duration::from_secs)
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The body of a chunked answer; kubectl keeps those of HTTP/1.1 servers as they came.
fn unchunked(mut rest: &[u8]) -> Option<Bytes> {
    let mut whole = Vec::new();
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n")?;
        let size = std::str::from_utf8(&rest[..end]).ok()?;
        let size = usize::from_str_radix(size.split(';').next()?.trim(), 16).ok()?;
        rest = &rest[end + 2..];
        if size == 0 {
            return Some(whole.into());
        }
        whole.extend_from_slice(rest.get(..size)?);
        rest = rest.get(size..)?.strip_prefix(b"\r\n")?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1_800_000_000);

    fn kept(head: &str, body: &str) -> Option<KeptAnswer> {
        KeptAnswer::read(&format!("{}\r\n\r\n{body}", head.replace('\n', "\r\n")).into())
    }

    #[test]
    fn what_is_written_is_read() {
        let mut headers = HeaderMap::new();
        for (name, value) in
            [("etag", "\"ABC\""), ("vary", "Accept"), ("content-type", "application/json"), ("audit-id", "1")]
        {
            headers.insert(name, value.parse().unwrap());
        }
        let bytes = KeptAnswer::write(&headers, "application/json", &"{}\r\n\r\n".into()).unwrap();
        let read = KeptAnswer::read(&bytes).unwrap();
        assert_eq!((read.header(ETAG), &read.document().bytes[..]), (Some("\"ABC\""), &b"{}\r\n\r\n"[..]));
        assert!(read.answers("application/json") && !read.answers("text/plain") && !read.is_fresh(NOW));
        assert!(!read.headers.contains_key("audit-id"));
        headers.remove("etag");
        assert!(KeptAnswer::write(&headers, "", &Bytes::new()).is_none(), "no use without a validator");
    }

    #[test]
    fn moments_are_read_as_http_writes_them() {
        let named = |text| moment(text).map(|moment| moment.as_secs());
        assert_eq!(named("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        for none in [
            "",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun, 31 Feb 1994 08:49:37 GMT",
            "Sun, 06 Nov 1894 08:49:37 GMT",
        ] {
            assert_eq!(named(none), None, "{none}");
        }
    }

    #[test]
    fn an_answer_as_go_keeps_it_is_read() {
        let chunked = kept(
            "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\nEtag: \"a\"",
            "3\r\nabc\r\n2;x\r\nde\r\n0\r\n\r\n",
        );
        assert_eq!(chunked.unwrap().body, "abcde");
        let plain = kept("HTTP/2.0 200 OK\nConnection: close\nEtag: \"a\"", "abc");
        assert_eq!(plain.unwrap().body, "abc");
    }

    #[test]
    fn what_is_no_whole_answer_is_none() {
        for (head, body) in [
            ("HTTP/1.1 404 Not Found\nEtag: \"a\"", ""),
            ("HTTP/1.1 200 OK\nContent-Length: 4", "abc"),
            ("HTTP/1.1 200 OK\nContent-Length: x", "abc"),
            ("HTTP/1.1 200 OK\nContent-Encoding: gzip", "abc"),
            ("HTTP/1.1 200 OK\nTransfer-Encoding: chunked", "ffffffffffffffff\r\nabc"),
            ("HTTP/1.1 200 OK\nTransfer-Encoding: chunked", "3\r\nab"),
            ("HTTP/1.1 200 OK\nno colon", "abc"),
            ("nonsense", ""),
        ] {
            assert!(kept(head, body).is_none(), "{head} {body}");
        }
        assert!(KeptAnswer::read(&Bytes::new()).is_none());
    }

    #[test]
    fn an_answer_is_fresh_until_it_expires() {
        let date = "Date: Fri, 15 Jan 2027 08:00:00 GMT"; // NOW
        for (head, fresh) in [
            ("Expires: Sat, 15 Jan 2028 08:00:00 GMT", true),
            ("Expires: Fri, 15 Jan 2027 08:00:00 GMT", false),
            ("Expires: Sat, 15 Jan 2028 08:00:00 GMT\nCache-Control: no-cache, private", false),
            ("Expires: Sat, 15 Jan 2028 08:00:00 GMT\nCache-Control: max-age=0", false),
            ("Cache-Control: public, max-age=60", true),
            ("Cache-Control: public", false),
            ("Expires: tomorrow", false),
        ] {
            let answer = kept(&format!("HTTP/1.1 200 OK\n{date}\n{head}"), "").unwrap();
            assert_eq!(answer.is_fresh(NOW), fresh, "{head}");
            let undated = kept(&format!("HTTP/1.1 200 OK\n{head}"), "").unwrap();
            assert!(!undated.is_fresh(NOW), "{head}");
        }
    }

    #[test]
    fn an_answer_that_depends_on_other_headers_is_not_ours() {
        for (head, ours) in [
            ("Vary: Accept\nX-Varied-Accept: a", true),
            ("Vary: Accept, Authorization\nX-Varied-Accept: a", true),
            ("Vary: Accept, Authorization\nX-Varied-Accept: a\nX-Varied-Authorization: Bearer x", false),
            ("Vary: Accept", false),
            ("Etag: \"a\"", true),
        ] {
            assert_eq!(kept(&format!("HTTP/1.1 200 OK\n{head}"), "").unwrap().answers("a"), ours, "{head}");
        }
    }
}
