//! The simple JSONPath of printer columns: members (`.a`, `.a\.b`, `['a']`), positions (`[0]`), all items (`[*]`) and
//! items picked by one member (`[?(@.type=="Ready")]`).

use serde_json::Value;

/// The first value at `path`.
pub(super) fn first<'a>(object: &'a Value, path: &str) -> Option<&'a Value> {
    if path.is_empty() {
        return Some(object);
    }
    if let Some(rest) = path.strip_prefix('.') {
        let (name, rest) = member(rest);
        return first(object.get(name.as_str())?, rest);
    }
    let (step, rest) = path.strip_prefix('[')?.split_once(']')?;
    if let Ok(index) = step.parse::<usize>() {
        return first(object.get(index)?, rest);
    }
    if let Some(name) = step.strip_prefix('\'').and_then(|step| step.strip_suffix('\'')) {
        return first(object.get(name)?, rest);
    }
    let items = object.as_array()?.iter();
    if step == "*" {
        return items.into_iter().find_map(|item| first(item, rest));
    }
    let (name, wanted) = step.strip_prefix("?(@.")?.strip_suffix(')')?.split_once("==")?;
    let wanted = wanted.trim().trim_matches(['"', '\'']);
    let is_wanted = |item: &&Value| match first(item, &format!(".{}", name.trim())) {
        Some(Value::String(text)) => text == wanted,
        Some(other) => format!("{other}") == wanted,
        None => false,
    };
    items.into_iter().filter(is_wanted).find_map(|item| first(item, rest))
}

/// The name a path begins with, and the rest; a backslash takes the next character as it is.
fn member(path: &str) -> (String, &str) {
    let mut name = String::new();
    let mut characters = path.char_indices();
    while let Some((index, character)) = characters.next() {
        match character {
            '\\' => name.extend(characters.next().map(|(_, next)| next)),
            '.' | '[' => return (name, path.get(index..).unwrap_or_default()),
            other => name.push(other),
        }
    }
    (name, "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_lead_to_their_values() {
        let object = json!({
            "spec": { "size": 3, "a.b": "dotted" },
            "status": { "conditions": [{ "type": "A", "status": "no" }, { "type": "Ready", "status": "yes" }] },
        });
        for (path, value) in [
            (".spec.size", json!(3)),
            (r".spec.a\.b", json!("dotted")),
            (".spec['a.b']", json!("dotted")),
            (".status.conditions[1].status", json!("yes")),
            (".status.conditions[*].status", json!("no")),
            (r#".status.conditions[?(@.type=="Ready")].status"#, json!("yes")),
        ] {
            assert_eq!(first(&object, path), Some(&value), "{path}");
        }
        for path in [
            ".spec.nothing",
            ".spec[0]",
            r#".status.conditions[?(@.type=="B")].status"#,
            "spec",
            "[",
            "[?(x)]",
        ] {
            assert_eq!(first(&object, path), None, "{path}");
        }
    }
}
