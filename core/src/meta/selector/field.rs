//! Field selectors.
//!
//! Invariant: whatever a value holds, its escaped text reads as that value.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use crate::error::Error;

/// Which fields an object must have; the default selects everything. apimachinery's `fields.Selector`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct FieldSelector(Vec<FieldRequirement>);

/// What one field must be. apimachinery's `fields.Requirement`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FieldRequirement {
    /// The field: `metadata.name`, `spec.nodeName`.
    pub field: String,
    /// Whether it must be the value, or must not.
    pub is_equal: bool,
    /// The value, as it is.
    pub value: String,
}

impl FieldSelector {
    /// Selects objects whose `field` (`metadata.name`, `spec.nodeName`) is `value`. apimachinery's
    /// `fields.OneTermEqualSelector`.
    pub fn equals(field: &str, value: &str) -> Self {
        Self(vec![FieldRequirement { field: field.to_owned(), is_equal: true, value: value.to_owned() }])
    }

    /// Selects objects whose `field` is not `value`. apimachinery's `fields.OneTermNotEqualSelector`.
    pub fn not_equals(field: &str, value: &str) -> Self {
        Self(vec![FieldRequirement { field: field.to_owned(), is_equal: false, value: value.to_owned() }])
    }

    /// Selects what both select. apimachinery's `fields.AndSelectors`.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// The same with every field and value changed; a requirement of which both become "" is left out. apimachinery's
    /// `Selector.Transform`.
    pub fn transform<E>(
        self,
        mut change: impl FnMut(&str, &str) -> Result<(String, String), E>,
    ) -> Result<Self, E> {
        Self::of(self.0.into_iter().map(|FieldRequirement { field, is_equal, value }| {
            let (field, value) = change(&field, &value)?;
            Ok(FieldRequirement { field, is_equal, value })
        }))
    }

    /// Of the requirements that ask for something.
    fn of<E>(requirements: impl Iterator<Item = Result<FieldRequirement, E>>) -> Result<Self, E> {
        let mut requirements = requirements.collect::<Result<Vec<_>, E>>()?;
        requirements.retain(|requirement| !(requirement.field.is_empty() && requirement.value.is_empty()));
        Ok(Self(requirements))
    }

    /// Whether it selects everything.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an object is selected, whose fields `value_of` tells; a field that is not there is "".
    pub fn matches<'a>(&self, mut value_of: impl FnMut(&str) -> Cow<'a, str>) -> bool {
        self.0
            .iter()
            .all(|requirement| (value_of(&requirement.field) == requirement.value) == requirement.is_equal)
    }

    /// What it requires.
    pub fn requirements(&self) -> &[FieldRequirement] {
        &self.0
    }

    /// The fields it asks about.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|requirement| requirement.field.as_str())
    }

    /// The value that `field` must have, when it must have one. apimachinery's `Selector.RequiresExactMatch`.
    pub fn exact_match(&self, field: &str) -> Option<&str> {
        let requirement =
            self.0.iter().find(|requirement| requirement.is_equal && requirement.field == field)?;
        Some(&requirement.value)
    }

    /// The text of `value` in a selector. apimachinery's `fields.EscapeValue`.
    pub fn escape(value: &str) -> String {
        let mut escaped = String::with_capacity(value.len());
        for character in value.chars() {
            if matches!(character, ',' | '=' | '\\') {
                escaped.push('\\');
            }
            escaped.push(character);
        }
        escaped
    }

    /// The value of `text` in a selector; `None` when its escapes are wrong. apimachinery's `fields.UnescapeValue`.
    pub fn unescape(text: &str) -> Option<String> {
        plain(text).ok()
    }
}

impl fmt::Display for FieldSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, FieldRequirement { field, is_equal, value }) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let operator = if *is_equal { "=" } else { "!=" };
            write!(f, "{comma}{field}{operator}{}", Self::escape(value))?;
        }
        Ok(())
    }
}

/// Reads the text of `kubectl --field-selector`: `a=b,c!=d`; a backslash takes `,`, `=` and itself into a value.
/// A requirement of no field and no value, such as `=`, is left out. Where it cannot be read, [`Error::message`] is what
/// the server says of such a text. apimachinery's `fields.ParseSelector`.
impl FromStr for FieldSelector {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        let mut parts: Vec<&str> = split_unescaped(text).filter(|part| !part.is_empty()).collect();
        parts.sort_unstable();
        let read = |part: &str| {
            let unreadable = || format!("invalid selector: '{text}'; can't understand '{part}'");
            requirement(part).unwrap_or_else(|| Err(unreadable()))
        };
        Self::of(parts.into_iter().map(read))
            .map_err(|what| Error::config(what).doing(format!("field selector {text:?}")))
    }
}

/// The first operator of a part is its own: fields know no escapes. `None` when there is none.
fn requirement(part: &str) -> Option<Result<FieldRequirement, String>> {
    let equals = part.find('=')?;
    let (field, is_equal) = match part[..equals].strip_suffix('!') {
        Some(field) => (field, false),
        None => (&part[..equals], true),
    };
    let value = &part[equals + 1..];
    let value = if is_equal { value.strip_prefix('=').unwrap_or(value) } else { value };
    Some(plain(value).map(|value| FieldRequirement { field: field.to_owned(), is_equal, value }))
}

/// The value of `text`; the error is what the server says of its escapes.
fn plain(text: &str) -> Result<String, String> {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some(next @ (',' | '=' | '\\')) => plain.push(next),
                next => {
                    let next = next.map(String::from).unwrap_or_default();
                    return Err(format!("invalid field selector: invalid escape sequence: \\{next}"));
                }
            },
            // Go tells the character by its number.
            '=' | ',' => {
                let number = u32::from(character);
                return Err(format!("invalid field selector: unescaped character in value: {number}"));
            }
            other => plain.push(other),
        }
    }
    Ok(plain)
}

fn split_unescaped(text: &str) -> impl Iterator<Item = &str> {
    let mut escaped = false;
    text.split(move |character: char| {
        let splits = character == ',' && !escaped;
        escaped = character == '\\' && !escaped;
        splits
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn field_selectors_escape_what_they_must() {
        let selector: FieldSelector = r"metadata.name=a\,b\=c,spec.nodeName!=n".parse().unwrap();
        let value = |field: &str| if field == "metadata.name" { "a,b=c".into() } else { "".into() };
        assert!(selector.matches(value));
        assert_eq!(selector.to_string().parse::<FieldSelector>().unwrap(), selector);
        for (text, expected) in [
            ("a=b,metadata.name", "invalid selector: 'a=b,metadata.name'; can't understand 'metadata.name'"),
            ("a=b=c", "invalid field selector: unescaped character in value: 61"),
            (r"a=\x", r"invalid field selector: invalid escape sequence: \x"),
            (r"a=\", r"invalid field selector: invalid escape sequence: \"),
        ] {
            let error = text.parse::<FieldSelector>().unwrap_err();
            assert_eq!(error.message(), expected);
            assert_eq!(error.to_string(), format!("field selector {text:?}: {expected}"));
        }
        for nothing in ["=", "==", "!=", ",=,"] {
            assert!(nothing.parse::<FieldSelector>().unwrap().is_empty(), "{nothing}");
        }
        assert_eq!("=,a=b".parse::<FieldSelector>().unwrap().to_string(), "a=b");
    }
}
