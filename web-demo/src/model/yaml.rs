//! An object as YAML in coloured lines, however large. Invariant: the values of a Secret never leave this file unmasked.

use std::ops::{ControlFlow, Range};

use serde_json::Value;

use super::cell::number;
use super::reveal::reveal;

/// A piece of a line and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The class it is shown in: `key`, `string`, `number`, `word` or `plain`.
    pub class: &'static str,
    /// The text.
    pub text: String,
}

/// One line.
pub type Line = Vec<Span>;

/// An object as YAML, cut into rows: a line each, or a piece of one that is too long to be laid out. Their spans are made as
/// they are shown.
#[derive(Debug, PartialEq, Eq)]
pub struct Document {
    text: String,
    rows: Vec<Row>,
}

#[derive(Debug, PartialEq, Eq)]
struct Row {
    place: Range<usize>,
    /// It belongs to a block of text, or goes on with a line that began above.
    within_text: bool,
    /// The line ends here.
    ends: bool,
}

/// The most bytes of one row.
const ROW_BYTES: usize = 200;

/// A document while it is written, which takes two steps.
#[derive(Debug)]
pub(super) enum Draft {
    Object(Value),
    Text(String),
}

impl Draft {
    /// Begins to write `object`; of a Secret the values are masked.
    pub(super) fn begin(mut object: Value, secret: bool) -> Self {
        if secret {
            mask(&mut object);
        }
        Self::Object(object)
    }

    /// Takes a step: to the next, or to the document.
    pub(super) fn step(self) -> Result<ControlFlow<Document, Self>, String> {
        Ok(match self {
            Self::Object(object) => ControlFlow::Continue(Self::Text(written(&object)?)),
            Self::Text(text) => ControlFlow::Break(Document::cut(text)),
        })
    }
}

impl Document {
    /// Cuts `text` into rows.
    fn cut(text: String) -> Self {
        let (mut rows, mut block, mut start) = (Vec::new(), None, 0);
        for line in text.split_inclusive('\n') {
            let shown = line.trim_end_matches('\n');
            push_rows(&mut rows, shown, start, is_within_block(shown, &mut block));
            start += line.len();
        }
        Self { text, rows }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Some of the rows, and whether a line ends with each; what would reorder one is written out.
    pub fn rows(&self, range: Range<usize>) -> impl Iterator<Item = (Line, bool)> {
        let rows = self.rows.iter().skip(range.start).take(range.len());
        rows.map(|row| {
            let text = self.text.get(row.place.clone()).unwrap_or_default();
            (if row.within_text { vec![span("string", text)] } else { spans(text) }, row.ends)
        })
    }
}

/// `object` as YAML, as it is; or why not.
pub(super) fn written(object: &Value) -> Result<String, String> {
    serde_saphyr::to_string(object).map_err(|error| format!("not to be written as YAML: {error}"))
}

/// Cuts `line`, which begins at `start`, into rows.
fn push_rows(rows: &mut Vec<Row>, line: &str, start: usize, mut within_text: bool) {
    let mut from = 0;
    loop {
        let to = line.floor_char_boundary(from + ROW_BYTES);
        let ends = to == line.len();
        rows.push(Row { place: start + from..start + to, within_text, ends });
        if ends {
            return;
        }
        (from, within_text) = (to, true);
    }
}

/// Replaces what a Secret keeps by its size.
fn mask(object: &mut Value) {
    for field in ["data", "stringData"] {
        let Some(Value::Object(entries)) = object.get_mut(field) else { continue };
        for value in entries.values_mut() {
            let text = value.as_str().unwrap_or_default();
            let size = if field == "data" { decoded_size(text) } else { text.len() };
            *value = Value::String(format!("•••••••• ({size} bytes, masked)"));
        }
    }
    if let Some(Value::Object(annotations)) = object.pointer_mut("/metadata/annotations")
        && let Some(applied) = annotations.get_mut("kubectl.kubernetes.io/last-applied-configuration")
    {
        *applied = Value::String("•••••••• (masked)".to_owned());
    }
}

fn decoded_size(base64: &str) -> usize {
    base64.trim_end_matches('=').len() * 3 / 4
}

/// Whether `line` belongs to a block of text. `block` is the indentation of the key whose block we are in.
fn is_within_block(line: &str, block: &mut Option<usize>) -> bool {
    let indent = line.len() - line.trim_start().len();
    if block.is_some_and(|outer| indent > outer || line.trim().is_empty()) {
        return true;
    }
    let value = split(line[indent..].trim_start_matches("- ")).map(|(_, value)| value.trim_start());
    *block = value.filter(|value| value.starts_with(['|', '>'])).map(|_| indent);
    false
}

/// Cuts a line into key and value.
fn spans(line: &str) -> Line {
    let indent = line.len() - line.trim_start().len();
    let body = line[indent..].trim_start_matches("- ");
    let start = line.len() - body.len();
    let Some((key, value)) = split(body) else {
        return vec![span("plain", &line[..start]), span(class(body), body)];
    };
    let mut spans = vec![span("plain", &line[..start]), span("key", key), span("plain", ":")];
    if !value.is_empty() {
        spans.push(span(class(value.trim()), value));
    }
    spans.retain(|span| !span.text.is_empty());
    spans
}

/// Splits at the first `:` outside quotes that ends the line or stands before a space.
fn split(body: &str) -> Option<(&str, &str)> {
    let mut quote = None;
    let bytes = body.as_bytes();
    for (at, &byte) in bytes.iter().enumerate() {
        match (quote, byte) {
            (None, b'"' | b'\'') if at == 0 => quote = Some(byte),
            (Some(open), _) if byte == open => quote = None,
            (None, b':') if bytes.get(at + 1).is_none_or(|&next| next == b' ') => {
                return Some((&body[..at], &body[at + 1..]));
            }
            _ => {}
        }
    }
    None
}

fn class(value: &str) -> &'static str {
    match value {
        "true" | "false" | "null" | "~" | "{}" | "[]" => "word",
        _ if number(value).is_some() => "number",
        _ => "string",
    }
}

fn span(class: &'static str, text: &str) -> Span {
    Span { class, text: reveal(text).into_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn write(object: &Value) -> Document {
        let mut draft = Draft::begin(object.clone(), object["kind"] == "Secret");
        loop {
            match draft.step().unwrap() {
                ControlFlow::Continue(next) => draft = next,
                ControlFlow::Break(document) => return document,
            }
        }
    }

    fn text(object: &Value) -> String {
        let document = write(object);
        let rows = document.rows(0..document.len()).map(|(line, ends)| {
            let text: String = line.iter().map(|span| span.text.as_str()).collect();
            text + if ends { "\n" } else { "" }
        });
        rows.collect()
    }

    #[test]
    fn a_long_line_is_cut_into_rows_and_none_but_those_asked_for_are_made() {
        let long = "größe ".repeat(200);
        let object = json!({"data": {"long": long, "next": "b", "block": "one\n  two\nthree\n"}});
        let document = write(&object);
        assert!(document.len() > 8, "{}", document.len());
        for (line, _) in document.rows(0..document.len()) {
            assert!(line.iter().map(|span| span.text.len()).sum::<usize>() <= ROW_BYTES);
        }
        assert_eq!(serde_saphyr::from_str::<Value>(&text(&object)).unwrap(), object);
        assert_eq!(document.rows(2..4).count(), 2);
        assert_eq!(document.rows(document.len()..document.len() + 9).count(), 0);
    }

    #[test]
    fn lines_put_together_are_the_yaml_and_read_back() {
        let object = json!({"kind": "Pod", "metadata": {"name": "a: b", "labels": {"x": "<script>alert(1)</script>", "on": "true"}},
            "spec": {"text": "one\ntwo: three\n", "list": [{"a": 1}, "b", []], "n": 1.5, "empty": "", "null": null}});
        let read: Value = serde_saphyr::from_str(&text(&object)).unwrap();
        assert_eq!(read, object);
    }

    #[test]
    fn keys_and_values_are_told_apart() {
        let document = write(&json!({"a": {"b": 1, "c": true, "d": "x"}}));
        let classes: Vec<Vec<_>> = document
            .rows(0..9)
            .map(|(line, _)| line.iter().map(|span| span.class).filter(|class| *class != "plain").collect())
            .collect();
        assert_eq!(classes, [vec!["key"], vec!["key", "number"], vec!["key", "word"], vec!["key", "string"]]);
    }

    #[test]
    fn no_line_can_be_made_to_read_backwards() {
        let shown = text(&json!({"metadata": {"annotations": {"note": "a \u{202e}evil\u{202c} word"}}}));
        assert!(shown.contains("‹U+202E›evil‹U+202C› word"), "{shown}");
    }

    #[test]
    fn a_secret_shows_names_and_sizes_alone() {
        let secret = json!({"kind": "Secret", "data": {"password": "aHVudGVyMg=="}, "stringData": {"pin": "1234"},
            "metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{\"data\":\"aHVudGVyMg==\"}"}}});
        let shown = text(&secret);
        assert!(!shown.contains("aHVudGVyMg") && !shown.contains("1234"), "{shown}");
        assert!(shown.contains("password") && shown.contains("7 bytes") && shown.contains("4 bytes"));
        let map = json!({"kind": "ConfigMap", "data": {"a": "b"}});
        assert!(text(&map).contains("a: b"));
    }
}
