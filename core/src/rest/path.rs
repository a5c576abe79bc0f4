//! Paths and queries of API requests.
//!
//! Invariant: no name can leave its segment. client-go's `rest.IsValidPathSegmentName`.

use std::time::Duration;

use http::Uri;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::error::Error;

/// What Go's `URL.EscapedPath` leaves as it is, `/` apart.
const SEGMENT: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b',')
    .remove(b':')
    .remove(b';')
    .remove(b'=')
    .remove(b'@');

/// Appends `/segment` to `path`, refusing a segment that could mean another path.
pub(super) fn push_segment(path: &mut String, what: &str, segment: &str) -> Result<(), Error> {
    if segment.is_empty() {
        return Err(Error::config(format!("the {what} may not be empty")));
    }
    if matches!(segment, "." | "..") || segment.contains(['/', '%']) {
        let text = format!("invalid {what} {segment:?}: it may not be `.` or `..` or hold `/` or `%`");
        return Err(Error::config(text));
    }
    path.push('/');
    path.extend(utf8_percent_encode(segment, &SEGMENT));
    Ok(())
}

/// Refuses a path of the caller's own that could mean another one.
pub(super) fn check_absolute(path: &str) -> Result<(), Error> {
    if !path.starts_with('/') {
        return Err(Error::config(format!("the path {path:?} must begin with `/`")));
    }
    if path.contains(['?', '#']) {
        return Err(Error::config(format!(
            "the path {path:?} holds a query: give it by `param` or `request_uri`"
        )));
    }
    if path.contains('\\') {
        return Err(Error::config(format!("the path {path:?} holds a `\\`, which a browser reads as `/`")));
    }
    // A browser takes `%2e` for a dot here.
    let is_dots = |segment: &str| [".", ".."].iter().any(|dots| percent_decode_str(segment).eq(dots.bytes()));
    if path.split('/').any(is_dots) {
        return Err(Error::config(format!(
            "the path {path:?} leads out of itself: write it without `.` and `..`"
        )));
    }
    Ok(())
}

/// As Go writes a duration: `1h2m3.5s`, `250ms`.
pub(super) fn go_duration(duration: Duration) -> String {
    let (seconds, nanos) = (duration.as_secs(), duration.subsec_nanos());
    let fraction = |whole: u64, unit: u32| {
        let rest = format!("{:0width$}", nanos % unit, width = unit.ilog10() as usize);
        match rest.trim_end_matches('0') {
            "" => whole.to_string(),
            digits => format!("{whole}.{digits}"),
        }
    };
    match (seconds, nanos) {
        (0, 0) => "0s".to_owned(),
        (0, 1..1_000) => format!("{nanos}ns"),
        (0, 1_000..1_000_000) => format!("{}µs", fraction((nanos / 1_000).into(), 1_000)),
        (0, _) => format!("{}ms", fraction((nanos / 1_000_000).into(), 1_000_000)),
        _ => {
            let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
            let hours_text = if hours > 0 { format!("{hours}h") } else { String::new() };
            let minutes_text = if seconds >= 60 { format!("{minutes}m") } else { String::new() };
            format!("{hours_text}{minutes_text}{}s", fraction(seconds % 60, 1_000_000_000))
        }
    }
}

/// The absolute URI of `path` (which begins with `/`) below `server`, with `query` sorted by name. Go's `path.Join` would
/// clean a server's own path; here one that leads out of itself is refused.
pub(super) fn absolute(server: &Uri, path: &str, query: &[(String, String)]) -> Result<Uri, Error> {
    check_absolute(server.path()).map_err(|error| error.doing("read the server's address"))?;
    let mut path_and_query = format!("{}{path}", server.path().trim_end_matches('/'));
    if !query.is_empty() {
        // They are a handful, and the library's sort is compiled for each type, 3 KB at a time.
        let mut sorted: Vec<&(String, String)> = Vec::new();
        for pair in query {
            sorted.insert(sorted.partition_point(|before| before.0 <= pair.0), pair);
        }
        let mut serializer = form_urlencoded::Serializer::new(String::new());
        for (name, value) in sorted {
            serializer.append_pair(name, value);
        }
        path_and_query.push('?');
        path_and_query.push_str(&serializer.finish());
    }
    let mut parts = server.clone().into_parts();
    let invalid = || Error::config(format!("{server} with path {path:?} is not a valid URI"));
    parts.path_and_query = Some(path_and_query.parse().map_err(|_| invalid())?);
    if parts.scheme.is_none() || parts.authority.is_none() {
        return Err(Error::config(format!(
            "the server address {server:?} is not absolute: write it as https://host:port"
        )));
    }
    Uri::from_parts(parts).map_err(|_| invalid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_cannot_escape() {
        for bad in ["", ".", "..", "a/b", "a%2fb"] {
            let mut path = String::new();
            assert!(push_segment(&mut path, "name", bad).is_err(), "{bad:?}");
            assert_eq!(path, "");
        }
        let mut path = String::new();
        push_segment(&mut path, "name", "system:node é?#").unwrap();
        assert_eq!(path, "/system:node%20%C3%A9%3F%23");
    }

    #[test]
    fn durations_are_written_as_go_writes_them() {
        for (nanos, text) in [
            (0, "0s"),
            (1, "1ns"),
            (1_100, "1.1µs"),
            (2_200_000, "2.2ms"),
            (3_300_000_000, "3.3s"),
            (245_000_000_000, "4m5s"),
            (245_001_000_000, "4m5.001s"),
            (3_600_000_000_000, "1h0m0s"),
            (18_367_001_000_000, "5h6m7.001s"),
        ] {
            assert_eq!(go_duration(Duration::from_nanos(nanos)), text);
        }
    }

    #[test]
    fn a_path_of_the_callers_own_leads_where_it_says() {
        for bad in [
            "",
            "version",
            "../x",
            "/a/../b",
            "/.",
            "/a?b=c",
            "/a#b",
            "/a\\..\\b",
            "/%2e%2E/b",
            "/a/.%2e",
            "/%2E",
        ] {
            assert!(check_absolute(bad).is_err(), "{bad}");
        }
        for good in ["/", "/version", "/apis/", "/a..b/.c", "/%2e%2e%2e/a%2fb"] {
            assert!(check_absolute(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn a_servers_own_path_leads_where_it_says() {
        for bad in ["https://host/a/../b", "https://host/%2e%2e", "https://host/./a"] {
            let error = absolute(&bad.parse().unwrap(), "/version", &[]).unwrap_err();
            assert!(error.is_config() && error.to_string().contains("leads out of itself"), "{bad}: {error}");
        }
        let good = absolute(&"https://host/a..b/".parse().unwrap(), "/version", &[]).unwrap();
        assert_eq!(good, "https://host/a..b/version");
    }

    #[test]
    fn a_server_may_have_a_path_prefix() {
        let server: Uri = "https://host:6443/clusters/a/".parse().unwrap();
        let query =
            [("watch".to_owned(), "true".to_owned()), ("labelSelector".to_owned(), "a in (b)".to_owned())];
        let uri = absolute(&server, "/api/v1/pods", &query).unwrap();
        assert_eq!(
            uri.to_string(),
            "https://host:6443/clusters/a/api/v1/pods?labelSelector=a+in+%28b%29&watch=true"
        );
    }
}
