//! What differs between two objects, line by line of their YAML, with a little of what is around.

use serde_json::Value;
use similar::ChangeTag;
use similar::algorithms::{Capture, Compact, Replace, myers};

use super::reveal::reveal;
use super::yaml::written;

/// How many lines around a change are shown.
const AROUND: usize = 3;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What becomes of it.
    pub change: Change,
    /// The text, with what would reorder it written out.
    pub text: String,
}

/// What becomes of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It stays.
    Kept,
    /// It goes.
    Removed,
    /// It comes.
    Added,
    /// Lines in between are left out.
    Skipped,
}

impl Change {
    /// Its name in the document, and the sign before the line.
    pub const fn signs(self) -> (&'static str, &'static str) {
        match self {
            Self::Kept => ("kept", " "),
            Self::Removed => ("removed", "-"),
            Self::Added => ("added", "+"),
            Self::Skipped => ("skipped", "⋯"),
        }
    }
}

/// The lines that make `new` of `old`; none when they are the same.
pub(super) fn changes(old: &Value, new: &Value) -> Vec<Line> {
    let [old, new] = [old, new].map(|object| written(object).unwrap_or_default());
    let [old, new] = [&old, &new].map(|text| text.lines().collect::<Vec<&str>>());
    // By name: whoever leaves the choice of the algorithm open ships all of them.
    let mut found = Compact::new(Replace::new(Capture::new()), &*old, &*new);
    let Ok(()) = myers::diff(&mut found, &*old, 0..old.len(), &*new, 0..new.len());
    let mut lines = Vec::new();
    for group in found.into_inner().into_inner().into_grouped_ops(AROUND) {
        if !lines.is_empty() {
            lines.push(Line { change: Change::Skipped, text: String::new() });
        }
        for change in group.iter().flat_map(|operation| operation.iter_changes(&*old, &*new)) {
            let text = reveal(change.value()).into_owned();
            let change = match change.tag() {
                ChangeTag::Equal => Change::Kept,
                ChangeTag::Delete => Change::Removed,
                ChangeTag::Insert => Change::Added,
            };
            lines.push(Line { change, text });
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn changed_lines_are_shown_with_what_is_around_them() {
        let old = json!({"a": 1, "b": 2, "c": 3, "d": 4, "e": 5, "f": 6, "g": 7, "h": 8, "i": 9, "j": 10});
        let mut new = old.clone();
        (new["a"], new["j"]) = (json!("\u{202e}x"), json!(11));
        let lines = changes(&old, &new);
        let signs: String = lines.iter().map(|line| line.change.signs().1).collect();
        assert_eq!(signs, "-+   ⋯   -+");
        assert!(lines[1].text.contains("‹U+202E›"), "{}", lines[1].text);
        assert!(changes(&old, &old).is_empty());
    }
}
