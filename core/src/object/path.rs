//! Where in an object: `spec.containers[0].image`, `metadata.annotations["a.b/c"]`, `spec.containers[*].name`.
//!
//! Invariant: [`Path`] is well formed; a plain `&str` is read the same way step by step, with no allocation.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;

/// A well-formed path. Every method that takes a path takes a `&str` as well; there a malformed one finds nothing, so
/// parse what comes from a user.
///
/// Names are parted by dots, the first dot is optional, the empty path is the whole object. `["…"]` or `['…']` holds a
/// name with dots or brackets, word for word. `[3]` is an element of an array, `[*]` every element, or every member of
/// an object.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Path(Box<str>);

impl Path {
    /// Reads a path.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut steps = Steps::of(text);
        while let Some(step) = steps.next() {
            if step.is_err() {
                let place = text.len() - steps.rest.len();
                return Err(Error::config(format!("malformed path {text:?} at character {place}")));
            }
        }
        Ok(Self(text.into()))
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Path {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl AsRef<str> for Path {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Path({})", self.0)
    }
}

/// One step of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step<'p> {
    Member(&'p str),
    Index(usize),
    Every,
}

/// The path is malformed from here on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BadPath;

/// The steps of a path, in order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Steps<'p> {
    rest: &'p str,
    /// Before the first step, where a name needs no dot.
    first: bool,
}

impl<'p> Steps<'p> {
    pub(super) fn of(path: &'p str) -> Self {
        Self { rest: path, first: true }
    }

    fn step(&mut self) -> Result<Step<'p>, BadPath> {
        let first = std::mem::take(&mut self.first);
        if let Some(inner) = self.rest.strip_prefix('[') {
            return self.bracketed(inner);
        }
        let name = match self.rest.strip_prefix('.') {
            Some(name) => name,
            None if first => self.rest,
            None => return Err(BadPath),
        };
        let end = name.find(['.', '[', ']']).unwrap_or(name.len());
        if end == 0 || name[end..].starts_with(']') {
            return Err(BadPath);
        }
        self.rest = &name[end..];
        Ok(Step::Member(&name[..end]))
    }

    fn bracketed(&mut self, inner: &'p str) -> Result<Step<'p>, BadPath> {
        let (step, rest) = if let Some(quoted) = inner.strip_prefix('"') {
            let (name, rest) = quoted.split_once("\"]").ok_or(BadPath)?;
            (Step::Member(name), rest)
        } else if let Some(quoted) = inner.strip_prefix('\'') {
            let (name, rest) = quoted.split_once("']").ok_or(BadPath)?;
            (Step::Member(name), rest)
        } else {
            match inner.split_once(']').ok_or(BadPath)? {
                ("*", rest) => (Step::Every, rest),
                (index, rest) if index.bytes().all(|byte| byte.is_ascii_digit()) => {
                    (Step::Index(index.parse().map_err(|_| BadPath)?), rest)
                }
                _ => return Err(BadPath),
            }
        };
        self.rest = rest;
        Ok(step)
    }
}

impl<'p> Iterator for Steps<'p> {
    type Item = Result<Step<'p>, BadPath>;

    fn next(&mut self) -> Option<Self::Item> {
        (!self.rest.is_empty()).then(|| self.step())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_split_into_steps() {
        use Step::{Every, Index, Member};
        for (text, expected) in [
            ("", vec![]),
            ("spec", vec![Member("spec")]),
            (".spec.nodeName", vec![Member("spec"), Member("nodeName")]),
            ("a[0].b[*].c", vec![Member("a"), Index(0), Member("b"), Every, Member("c")]),
            (r#"a["x.y/z"].b"#, vec![Member("a"), Member("x.y/z"), Member("b")]),
            (r#"['say "hi"'][3]"#, vec![Member(r#"say "hi""#), Index(3)]),
            (r#"data[""]"#, vec![Member("data"), Member("")]),
        ] {
            let steps: Vec<_> = Steps::of(text).map(Result::unwrap).collect();
            assert_eq!(steps, expected, "{text}");
            assert_eq!(Path::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn malformed_paths_are_named() {
        for text in [
            "a..b",
            ".",
            "a.",
            "a]",
            "a[",
            "a[x]",
            "a[]",
            "a[-1]",
            "a[0]b",
            "[\"a]",
            "a[1",
            "['a\"]",
            "a[99999999999999999999]",
        ] {
            let error = Path::parse(text).unwrap_err().to_string();
            assert!(error.contains("malformed path"), "{text}: {error}");
        }
    }
}
