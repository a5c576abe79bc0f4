//! Label and field selectors: read from text, written back as text, and matched.
//!
//! Invariant: what is read and written again selects the same objects.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::error::Error;

/// Which labels an object must have; the default selects everything. apimachinery's `labels.Selector`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct LabelSelector(Vec<Requirement>);

/// One requirement on one label.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Requirement {
    label: String,
    operator: Operator,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Operator {
    Equals(String),
    NotEquals(String),
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    DoesNotExist,
    GreaterThan(i64),
    LessThan(i64),
}

impl LabelSelector {
    /// Selects objects that have all of `labels`.
    pub fn from_labels<'a>(labels: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let equals = |(label, value): (&str, &str)| Requirement {
            label: label.to_owned(),
            operator: Operator::Equals(value.to_owned()),
        };
        Self(labels.into_iter().map(equals).collect())
    }

    /// Whether it selects everything.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an object with `labels` is selected.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.0.iter().all(|requirement| requirement.matches(labels))
    }
}

impl Requirement {
    fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        let value = labels.get(&self.label);
        match &self.operator {
            Operator::Equals(wanted) => value == Some(wanted),
            Operator::NotEquals(unwanted) => value != Some(unwanted),
            Operator::In(wanted) => value.is_some_and(|value| wanted.contains(value)),
            Operator::NotIn(unwanted) => value.is_none_or(|value| !unwanted.contains(value)),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
            Operator::GreaterThan(bound) => integer(value).is_some_and(|value| value > *bound),
            Operator::LessThan(bound) => integer(value).is_some_and(|value| value < *bound),
        }
    }
}

fn integer(value: Option<&String>) -> Option<i64> {
    value.and_then(|value| value.parse().ok())
}

impl fmt::Display for LabelSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Requirement { label, operator }) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            match operator {
                Operator::Equals(value) => write!(f, "{label}={value}")?,
                Operator::NotEquals(value) => write!(f, "{label}!={value}")?,
                Operator::In(values) => write!(f, "{label} in ({})", values.join(","))?,
                Operator::NotIn(values) => write!(f, "{label} notin ({})", values.join(","))?,
                Operator::Exists => f.write_str(label)?,
                Operator::DoesNotExist => write!(f, "!{label}")?,
                Operator::GreaterThan(bound) => write!(f, "{label}>{bound}")?,
                Operator::LessThan(bound) => write!(f, "{label}<{bound}")?,
            }
        }
        Ok(())
    }
}

/// Reads the text of `kubectl --selector`: `a=b,c!=d,e in (f,g),h notin (i),j,!k,l>1,m<2`.
impl FromStr for LabelSelector {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        split_outside_parentheses(text)
            .filter(|part| !part.trim().is_empty())
            .map(|part| requirement(part.trim()).ok_or_else(|| malformed("label", text, part)))
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

fn malformed(what: &str, text: &str, part: &str) -> Error {
    Error::config(format!("{what} selector {text:?}: cannot read {:?}", part.trim()))
}

fn split_outside_parentheses(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_i32;
    text.split(move |character: char| {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        character == ',' && depth == 0
    })
}

fn requirement(part: &str) -> Option<Requirement> {
    let (label, operator) = if let Some(label) = part.strip_prefix('!') {
        (label, Operator::DoesNotExist)
    } else if let Some(inside) = part.strip_suffix(')') {
        let (head, values) = inside.split_once('(')?;
        let values = values.split(',').map(|value| value.trim().to_owned()).collect();
        let head = head.trim_end();
        match head.strip_suffix("notin") {
            Some(label) => (label, Operator::NotIn(values)),
            None => (head.strip_suffix("in")?, Operator::In(values)),
        }
    } else if let Some((label, value)) = part.split_once("!=") {
        (label, Operator::NotEquals(label_value(value)?))
    } else if let Some((label, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
        (label, Operator::Equals(label_value(value)?))
    } else if let Some((label, bound)) = part.split_once('>') {
        (label, Operator::GreaterThan(bound.trim().parse().ok()?))
    } else if let Some((label, bound)) = part.split_once('<') {
        (label, Operator::LessThan(bound.trim().parse().ok()?))
    } else {
        (part, Operator::Exists)
    };
    let label = label.trim();
    is_label(label).then(|| Requirement { label: label.to_owned(), operator })
}

fn label_value(text: &str) -> Option<String> {
    let text = text.trim();
    text.bytes().all(is_name_byte).then(|| text.to_owned())
}

fn is_label(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| is_name_byte(byte) || byte == b'/')
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

/// Which fields an object must have; the default selects everything. apimachinery's `fields.Selector`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct FieldSelector(Vec<Term>);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Term {
    field: String,
    equal: bool,
    value: String,
}

impl FieldSelector {
    /// Selects objects whose `field` (`metadata.name`, `spec.nodeName`) is `value`.
    pub fn equals(field: &str, value: &str) -> Self {
        Self(vec![Term { field: field.to_owned(), equal: true, value: value.to_owned() }])
    }

    /// Whether it selects everything.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an object is selected, whose fields `value_of` tells; a field that is not there is "".
    pub fn matches<'a>(&self, mut value_of: impl FnMut(&str) -> std::borrow::Cow<'a, str>) -> bool {
        self.0.iter().all(|term| (value_of(&term.field) == term.value) == term.equal)
    }

    /// The fields it asks about.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|term| term.field.as_str())
    }
}

impl fmt::Display for FieldSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, term) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            write!(f, "{}{}", term.field, if term.equal { "=" } else { "!=" })?;
            for character in term.value.chars() {
                if matches!(character, ',' | '=' | '\\') {
                    f.write_str("\\")?;
                }
                write!(f, "{character}")?;
            }
        }
        Ok(())
    }
}

/// Reads the text of `kubectl --field-selector`: `a=b,c!=d`; a backslash takes `,`, `=` and itself into a value.
impl FromStr for FieldSelector {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        let mut terms = Vec::new();
        for part in split_unescaped(text) {
            if part.is_empty() {
                continue;
            }
            let (field, equal, value) = if let Some((field, value)) = part.split_once("!=") {
                (field, false, value)
            } else if let Some((field, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
                (field, true, value)
            } else {
                return Err(malformed("field", text, part));
            };
            let value = unescape(value).ok_or_else(|| malformed("field", text, part))?;
            terms.push(Term { field: field.to_owned(), equal, value });
        }
        Ok(Self(terms))
    }
}

fn split_unescaped(text: &str) -> impl Iterator<Item = &str> {
    let mut escaped = false;
    text.split(move |character: char| {
        let splits = character == ',' && !escaped;
        escaped = character == '\\' && !escaped;
        splits
    })
}

fn unescape(value: &str) -> Option<String> {
    let mut plain = String::with_capacity(value.len());
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => plain.push(characters.next().filter(|next| matches!(next, ',' | '=' | '\\'))?),
            '=' | ',' => return None,
            other => plain.push(other),
        }
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn label_selectors_match_as_the_server_matches() {
        let object = labels(&[("app", "web"), ("tier", "front"), ("generation", "3")]);
        for (text, expected) in [
            ("", true),
            ("app=web", true),
            ("app==web,tier!=back", true),
            ("app in (api, web)", true),
            ("app notin (web)", false),
            ("missing notin (x)", true),
            ("missing!=x", true),
            ("app,!missing", true),
            ("!app", false),
            ("generation>2,generation<4", true),
            ("generation>3", false),
        ] {
            let selector: LabelSelector = text.parse().unwrap();
            assert_eq!(selector.matches(&object), expected, "{text}");
            assert_eq!(selector.to_string().parse::<LabelSelector>().unwrap(), selector, "{text}");
        }
        for text in ["a=b=c", "a in b", "=x", "a>b", "a b"] {
            assert!(text.parse::<LabelSelector>().is_err(), "{text}");
        }
    }

    #[test]
    fn field_selectors_escape_what_they_must() {
        let selector: FieldSelector = r"metadata.name=a\,b\=c,spec.nodeName!=n".parse().unwrap();
        let value = |field: &str| if field == "metadata.name" { "a,b=c".into() } else { "".into() };
        assert!(selector.matches(value));
        assert_eq!(selector.to_string().parse::<FieldSelector>().unwrap(), selector);
        assert!("metadata.name".parse::<FieldSelector>().is_err());
        assert!("a=b=c".parse::<FieldSelector>().is_err());
    }
}
