//! `Warning` headers: what the server says beside an answer, such as that an API is deprecated.
//!
//! Follows client-go 0.37 `rest/warnings.go` and apimachinery's `util/net.ParseWarningHeaders`. Differs: there is no
//! process-wide handler; without one given, warnings are dropped, and the constructors of transports give one that shows
//! them. Invariant: a malformed header yields the warnings before its fault and harms no request.

use std::collections::BTreeSet;
use std::fmt;
use std::io::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};

use http::HeaderMap;
use http::header::WARNING;

use crate::portable::{MaybeSend, MaybeSync};

/// The code of warnings meant for people.
const MISCELLANEOUS_PERSISTENT: u16 = 299;

/// One warning. apimachinery's `net.WarningHeader`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Three digits; the API server sends 299.
    pub code: u16,
    /// Who warns; "-" when it does not say.
    pub agent: String,
    /// The words.
    pub text: String,
}

/// Is told the warnings of every answer. client-go's `rest.WarningHandler`.
pub trait WarningHandler: fmt::Debug + MaybeSend + MaybeSync + 'static {
    /// One warning. client-go's `HandleWarningHeader`.
    fn handle_warning(&self, warning: &Warning);
}

/// Drops warnings. client-go's `rest.NoWarnings`.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoWarnings;

impl WarningHandler for NoWarnings {
    fn handle_warning(&self, _: &Warning) {}
}

/// How a [`WarningWriter`] writes. client-go's `rest.WarningWriterOptions`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WarningWriterOptions {
    /// Write the same text once only; all texts ever written are then kept.
    pub deduplicate: bool,
    /// Write `Warning:` in yellow, for terminals.
    pub color: bool,
}

/// Writes warnings of code 299, a line each. client-go's `rest.NewWarningWriter`.
pub struct WarningWriter<W> {
    options: WarningWriterOptions,
    state: Mutex<Written<W>>,
}

struct Written<W> {
    out: W,
    count: usize,
    texts: BTreeSet<String>,
}

impl<W: Write> WarningWriter<W> {
    /// Writes to `out`.
    pub fn new(out: W, options: WarningWriterOptions) -> Self {
        Self { options, state: Mutex::new(Written { out, count: 0, texts: BTreeSet::new() }) }
    }

    /// How many it has written. client-go's `WarningCount`.
    pub fn warning_count(&self) -> usize {
        self.lock().count
    }

    fn lock(&self) -> MutexGuard<'_, Written<W>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W> fmt::Debug for WarningWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WarningWriter").field("options", &self.options).finish_non_exhaustive()
    }
}

impl<W: Write + MaybeSend + 'static> WarningHandler for WarningWriter<W> {
    fn handle_warning(&self, warning: &Warning) {
        if warning.code != MISCELLANEOUS_PERSISTENT || warning.text.is_empty() {
            return;
        }
        let mut written = self.lock();
        if self.options.deduplicate && !written.texts.insert(warning.text.clone()) {
            return;
        }
        written.count += 1;
        let (on, off) = if self.options.color { ("\u{1b}[33;1m", "\u{1b}[0m") } else { ("", "") };
        // Whoever gave a writer that fails has no better place to be told.
        let _ = writeln!(written.out, "{on}Warning:{off} {}", warning.text);
    }
}

/// The warnings of an answer with these headers.
pub(super) fn warnings(headers: &HeaderMap) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for header in headers.get_all(WARNING) {
        let Ok(mut rest) = std::str::from_utf8(header.as_bytes()) else { continue };
        while !rest.is_empty() {
            let Some((warning, next)) = parse(rest) else { break };
            warnings.push(warning);
            rest = next;
        }
    }
    warnings
}

/// The first warning of `299 agent "text" "date", …` and what follows it; `None` when it is malformed.
fn parse(header: &str) -> Option<(Warning, &str)> {
    let mut parts = header.trim().splitn(3, ' ');
    let (code, agent, rest) = (parts.next()?, parts.next()?, parts.next()?);
    if code.len() != 3 || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    if agent.is_empty() || agent.chars().any(char::is_control) {
        return None;
    }
    let (text, rest) = quoted(rest)?;
    if text.chars().any(char::is_control) {
        return None;
    }
    let rest = match rest.strip_prefix('"') {
        Some(date) => date.split_once('"')?.1.trim(),
        None => rest,
    };
    let rest = match rest.strip_prefix(',') {
        Some(rest) => rest.trim(),
        None if rest.is_empty() => rest,
        None => return None,
    };
    Some((Warning { code: code.parse().ok()?, agent: agent.to_owned(), text }, rest))
}

/// The text between the quotes that `text` begins with, and what follows them.
fn quoted(text: &str) -> Option<(String, &str)> {
    let inside = text.strip_prefix('"')?;
    let mut plain = String::new();
    let mut escaped = false;
    for (at, character) in inside.char_indices() {
        match character {
            _ if escaped => {
                escaped = false;
                plain.push(character);
            }
            '\\' => escaped = true,
            '"' => return Some((plain, inside[at + 1..].trim())),
            _ => plain.push(character),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(headers: &[&str]) -> Vec<(u16, String, String)> {
        let mut map = HeaderMap::new();
        for header in headers {
            map.append(WARNING, header.parse().unwrap());
        }
        warnings(&map).into_iter().map(|warning| (warning.code, warning.agent, warning.text)).collect()
    }

    /// Cases of apimachinery's `TestParseWarningHeader` and `TestParseWarningHeaders`.
    #[test]
    fn headers_are_read_as_go_reads_them() {
        let one = |code: u16, agent: &str, text: &str| vec![(code, agent.to_owned(), text.to_owned())];
        for (header, expected) in [
            ("", vec![]),
            ("abc", vec![]),
            ("299 -", vec![]),
            ("299 - text", vec![]),
            (r#"299 - "unterminated"#, vec![]),
            (r#"1000 - "text""#, vec![]),
            (r#"29 - "text""#, vec![]),
            (r#"299  "text""#, vec![]),
            (r#"299 - "text" trailing"#, vec![]),
            (r#"299 - "text" "date"#, vec![]),
            (r#"299 - "text" "date" trailing"#, vec![]),
            (r#"299 - "text""#, one(299, "-", "text")),
            (r#"  299 - "text" "#, one(299, "-", "text")),
            (r#"100 host:80 "a \"b\" \\ c""#, one(100, "host:80", r#"a "b" \ c"#)),
            (r#"299 - "text" "Tue, 15 Nov 1994 08:12:31 GMT""#, one(299, "-", "text")),
            ("299 - \"\"", one(299, "-", "")),
        ] {
            assert_eq!(parsed(&[header]), expected, "{header}");
        }
        let many = parsed(&[r#"299 - "1" "date", 299 - "2" , 299 - "3", bad"#, r#"299 - "4""#]);
        let texts: Vec<&str> = many.iter().map(|(_, _, text)| text.as_str()).collect();
        assert_eq!(texts, ["1", "2", "3", "4"], "a fault ends its own header only");
    }

    #[test]
    fn a_writer_writes_what_is_meant_for_people_and_repeats_itself_unless_told() {
        let warning = |code, text: &str| Warning { code, agent: "-".into(), text: text.into() };
        for (options, expected, count) in [
            (WarningWriterOptions::default(), "Warning: a\nWarning: a\nWarning: b\n", 3),
            (
                WarningWriterOptions { deduplicate: true, color: true },
                "\u{1b}[33;1mWarning:\u{1b}[0m a\n\u{1b}[33;1mWarning:\u{1b}[0m b\n",
                2,
            ),
        ] {
            let writer = WarningWriter::new(Vec::new(), options);
            for (code, text) in [(299, "a"), (199, "no"), (299, ""), (299, "a"), (299, "b")] {
                writer.handle_warning(&warning(code, text));
            }
            assert_eq!(writer.warning_count(), count);
            assert_eq!(String::from_utf8(writer.lock().out.clone()).unwrap(), expected);
        }
    }
}
