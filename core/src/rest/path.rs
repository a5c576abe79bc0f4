//! Paths and queries of API requests.
//!
//! Invariant: no name can leave its segment. client-go's `rest.IsValidPathSegmentName`.

use http::Uri;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

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

/// The absolute URI of `path` (which begins with `/`) below `server`, with `query` sorted by name.
pub(super) fn absolute(server: &Uri, path: &str, query: &[(String, String)]) -> Result<Uri, Error> {
    let mut path_and_query = format!("{}{path}", server.path().trim_end_matches('/'));
    if !query.is_empty() {
        let mut sorted: Vec<_> = query.iter().collect();
        sorted.sort_by(|left, right| left.0.cmp(&right.0));
        let mut serializer = form_urlencoded::Serializer::new(String::new());
        for (name, value) in sorted {
            serializer.append_pair(name, value);
        }
        let separator = if path.contains('?') { '&' } else { '?' };
        path_and_query.push(separator);
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
