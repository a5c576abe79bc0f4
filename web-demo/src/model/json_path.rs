//! The JSONPath of printer columns: `.status.phase`, `.spec.ports[0].name`, `.spec.rules[*].host`,
//! `.status.conditions[?(@.type=="Ready")].status`.
//!
//! Invariant: a path that is read finds what client-go's finds; what else JSONPath knows is no path here.

use portolan::object::Json;

/// Where in an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct JsonPath(Vec<Step>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Member(String),
    Item(usize),
    All,
    /// Those items of an array whose member at the path is this text.
    Where(JsonPath, String),
}

impl JsonPath {
    /// Reads a path; `None` for one that is malformed or asks for more than printer columns do.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_start_matches('{').trim_end_matches('}').trim_start_matches('$');
        let (mut steps, mut rest) = (Vec::new(), text);
        if !rest.starts_with(['.', '[']) && !rest.is_empty() {
            return None;
        }
        while !rest.is_empty() {
            let step;
            (step, rest) = match rest.strip_prefix('[') {
                Some(bracket) => {
                    let (inner, rest) = bracket.split_once(']')?;
                    (Self::bracket(inner.trim())?, rest)
                }
                None => {
                    let (name, rest) = member(rest.strip_prefix('.')?);
                    (Step::Member(name), rest)
                }
            };
            // `.` alone is the whole object, `..` is not known here.
            match step {
                Step::Member(name) if name.is_empty() && !rest.starts_with('[') && !rest.is_empty() => {
                    return None;
                }
                Step::Member(name) if name.is_empty() => {}
                step => steps.push(step),
            }
        }
        Some(Self(steps))
    }

    fn bracket(inner: &str) -> Option<Step> {
        if inner == "*" {
            return Some(Step::All);
        }
        if let Ok(index) = inner.parse() {
            return Some(Step::Item(index));
        }
        if let Some(name) = quoted(inner) {
            return Some(Step::Member(name.to_owned()));
        }
        let (path, wanted) = inner.strip_prefix("?(@")?.strip_suffix(')')?.split_once("==")?;
        let wanted = wanted.trim();
        Some(Step::Where(Self::parse(path)?, quoted(wanted).unwrap_or(wanted).to_owned()))
    }

    /// Every value at the path, in order.
    pub(super) fn values<'a>(&self, root: Json<'a>) -> Vec<Json<'a>> {
        self.0
            .iter()
            .fold(vec![root], |found, step| found.into_iter().flat_map(|value| step.take(value)).collect())
    }
}

impl Step {
    fn take<'a>(&self, value: Json<'a>) -> Vec<Json<'a>> {
        match self {
            Self::Member(name) => value.member(name).into_iter().collect(),
            Self::Item(index) => value.elements().nth(*index).into_iter().collect(),
            Self::All => value.elements().chain(value.members().map(|(_, value)| value)).collect(),
            Self::Where(path, wanted) => {
                let is_wanted = |item: &Json<'a>| {
                    path.values(*item).iter().any(|value| value.text().is_some_and(|text| text == *wanted))
                };
                value.elements().filter(is_wanted).collect()
            }
        }
    }
}

/// What stands between quotes of one kind.
fn quoted(text: &str) -> Option<&str> {
    ['"', '\''].into_iter().find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote))
}

/// The name a path begins with, and the rest; a backslash takes the next letter as it is.
fn member(path: &str) -> (String, &str) {
    let mut name = String::new();
    let mut letters = path.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => name.extend(letters.next().map(|(_, next)| next)),
            '.' | '[' => return (name, &path[at..]),
            other => name.push(other),
        }
    }
    (name, "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::testing::manifest;
    use serde_json::json;

    #[test]
    fn paths_of_printer_columns_lead_to_their_values() {
        let object = manifest(json!({
            "metadata": {"annotations": {"a.b/c": "dotted"}},
            "spec": {"size": 3, "rules": [{"host": "a"}, {"host": "b"}]},
            "status": {"conditions": [{"type": "A", "status": "no"}, {"type": "Ready", "status": "yes"}]},
        }));
        let read = |path: &str| -> String {
            let values = JsonPath::parse(path).unwrap().values(object.root());
            values.into_iter().filter_map(Json::text).collect::<Vec<_>>().join(" ")
        };
        let cases = [
            (".spec.size", "3"),
            ("{.spec.size}", "3"),
            (".spec.rules[*].host", "a b"),
            (".spec.rules[1].host", "b"),
            (".status.conditions[?(@.type==\"Ready\")].status", "yes"),
            (".status.conditions[?(@.type=='A')].status", "no"),
            (r".metadata.annotations.a\.b/c", "dotted"),
            (".metadata.annotations['a.b/c']", "dotted"),
            (".spec.nothing[0].there", ""),
        ];
        for (path, expected) in cases {
            assert_eq!(read(path), expected, "{path}");
        }
        for path in ["spec.size", ".spec..size", ".a[", ".a[-1]", ".a[0:2]", ".a[?(@.b>3)]"] {
            assert_eq!(JsonPath::parse(path), None, "{path}");
        }
    }
}
