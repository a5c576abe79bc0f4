//! An object as YAML in coloured lines. Invariant: the values of a Secret never leave this file unmasked.

use serde_json::Value;

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

/// `object` as YAML lines; of a Secret the values are masked, and what would reorder a line is written out.
pub fn lines(mut object: Value, secret: bool) -> Result<Vec<Line>, String> {
    if secret {
        mask(&mut object);
    }
    let text =
        serde_saphyr::to_string(&object).map_err(|error| format!("not to be written as YAML: {error}"))?;
    let mut block = None;
    Ok(text.lines().map(|line| spans(line, &mut block)).collect())
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

/// Cuts a line into key and value. `block` is the indentation of the key whose block text we are in.
fn spans(line: &str, block: &mut Option<usize>) -> Line {
    let indent = line.len() - line.trim_start().len();
    if block.is_some_and(|outer| indent > outer || line.trim().is_empty()) {
        return vec![span("string", line)];
    }
    *block = None;
    let body = line[indent..].trim_start_matches("- ");
    let start = line.len() - body.len();
    let Some((key, value)) = split(body) else {
        return vec![span("plain", &line[..start]), span(class(body), body)];
    };
    if value.trim_start().starts_with(['|', '>']) {
        *block = Some(indent);
    }
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
        _ if value.parse::<f64>().is_ok() => "number",
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

    fn text(object: &Value) -> String {
        let lines = lines(object.clone(), object["kind"] == "Secret").unwrap();
        lines
            .iter()
            .map(|line| line.iter().map(|span| span.text.as_str()).collect::<String>() + "\n")
            .collect()
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
        let lines = lines(json!({"a": {"b": 1, "c": true, "d": "x"}}), false).unwrap();
        let classes: Vec<Vec<_>> = lines
            .iter()
            .map(|line| line.iter().map(|span| span.class).filter(|class| *class != "plain").collect())
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
