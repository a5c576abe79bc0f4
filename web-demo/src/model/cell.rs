//! One value of one column: its text, how it sorts, and what it says about health.

use std::cmp::Ordering;

use super::age::{self, Millis};
use super::reveal::reveal;

/// What a status means. Shown as a shape and a word; the colour only repeats it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tone {
    /// Nothing to say.
    #[default]
    Plain,
    /// Finished, or switched off on purpose.
    Idle,
    /// As it should be.
    Good,
    /// On its way.
    Busy,
    /// Worth a look.
    Warn,
    /// Broken.
    Bad,
}

impl Tone {
    /// All of them, the gravest last.
    pub const ALL: [Self; 6] = [Self::Plain, Self::Idle, Self::Good, Self::Busy, Self::Warn, Self::Bad];

    /// The name used in class names and tests.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Idle => "idle",
            Self::Good => "good",
            Self::Busy => "busy",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }

    /// Whether an object of this tone is not (yet) as it should be.
    pub fn is_unready(self) -> bool {
        matches!(self, Self::Busy | Self::Warn | Self::Bad)
    }
}

/// What a cell holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Text; sorts as text.
    Text(String),
    /// A number and how it is written; sorts as the number.
    Number(f64, String),
    /// A moment, written as the time since; sorts youngest first.
    Since(Option<Millis>),
}

/// One value of one column.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// What it holds.
    pub value: Value,
    /// What it says about health.
    pub tone: Tone,
}

impl Cell {
    /// Plain text.
    pub fn text(text: impl Into<String>) -> Self {
        Self { value: Value::Text(text.into()), tone: Tone::Plain }
    }

    /// A status word.
    pub fn status(text: impl Into<String>, tone: Tone) -> Self {
        Self { value: Value::Text(text.into()), tone }
    }

    /// A whole number.
    pub fn number(number: i64) -> Self {
        Self { value: Value::Number(number as f64, number.to_string()), tone: Tone::Plain }
    }

    /// `part/whole`, sorted by how much is missing, the most first when ascending.
    pub fn ratio(part: i64, whole: i64) -> Self {
        let missing = (part - whole) as f64;
        Self { value: Value::Number(missing, format!("{part}/{whole}")), tone: Tone::Plain }
    }

    /// A moment in RFC 3339.
    pub fn since(text: Option<&str>) -> Self {
        Self { value: Value::Since(text.and_then(age::parse)), tone: Tone::Plain }
    }

    /// As shown at `now`.
    pub fn show(&self, now: Millis) -> String {
        match &self.value {
            Value::Text(text) | Value::Number(_, text) => reveal(text).into_owned(),
            Value::Since(Some(then)) => age::since(*then, now),
            Value::Since(None) => String::new(),
        }
    }

    /// What the filter box looks through.
    pub fn searchable(&self) -> &str {
        match &self.value {
            Value::Text(text) => text,
            Value::Number(..) | Value::Since(_) => "",
        }
    }

    /// Which of two cells of a column comes first when ascending.
    pub fn compare(&self, other: &Self) -> Ordering {
        match (&self.value, &other.value) {
            (Value::Text(left), Value::Text(right)) => left.cmp(right),
            (Value::Number(left, _), Value::Number(right, _)) => left.total_cmp(right),
            (Value::Since(left), Value::Since(right)) => right.cmp(left),
            (left, right) => rank(left).cmp(&rank(right)),
        }
    }
}

/// Where the last part of a name begins, which tells it from its siblings: it stays in view when the rest is cut.
pub fn last_part(name: &str) -> usize {
    let cut = name.char_indices().rev().nth(LAST_PART - 1).map_or(0, |(at, _)| at);
    let dash = name[cut..].find(['-', '.']).map_or(cut, |dash| cut + dash);
    if name[..dash].chars().count() < LAST_PART { 0 } else { dash }
}

/// How much of a name's end is kept in view, and how much must come before it to be worth cutting, in characters.
const LAST_PART: usize = 8;

/// The number that `text` is, as JSON writes numbers.
pub fn number(text: &str) -> Option<f64> {
    // Not the library's own parser, whose table of powers alone is 10 KB that no compression makes less.
    serde_json::from_str(text).ok()
}

/// A count with its thousands set apart: `10,000`.
pub fn grouped(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn rank(value: &Value) -> u8 {
    match value {
        Value::Number(..) => 0,
        Value::Since(_) => 1,
        Value::Text(_) => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_json_writes_them() {
        assert_eq!(["7", "-1.5", "2e3"].map(number), [Some(7.0), Some(-1.5), Some(2_000.0)]);
        assert_eq!(["", "7m", "inf", "0x1", "1 2"].map(number), [None; 5]);
    }

    #[test]
    fn thousands_are_set_apart() {
        let written = [0, 999, 1_000, 12_345, 1_234_567].map(grouped);
        assert_eq!(written, ["0", "999", "1,000", "12,345", "1,234,567"]);
    }

    #[test]
    fn a_name_is_cut_before_what_tells_it_from_its_siblings() {
        let parts = [
            "payments-api-7d9f8b6c4-x2x4z",
            "web-1",
            "a-very-long-name-without-end",
            "größenverzeichnisse",
            "",
        ]
        .map(|name| name.split_at(last_part(name)));
        let expected = [
            ("payments-api-7d9f8b6c4", "-x2x4z"),
            ("", "web-1"),
            ("a-very-long-name-without", "-end"),
            ("größenverze", "ichnisse"),
            ("", ""),
        ];
        assert_eq!(parts, expected);
    }

    #[test]
    fn numbers_sort_as_numbers_and_ages_youngest_first() {
        assert_eq!(Cell::number(9).compare(&Cell::number(10)), Ordering::Less);
        assert_eq!(Cell::text("b").compare(&Cell::text("a")), Ordering::Greater);
        let old = Cell::since(Some("2020-01-01T00:00:00Z"));
        let young = Cell::since(Some("2024-01-01T00:00:00Z"));
        assert_eq!(young.compare(&old), Ordering::Less);
        assert_eq!(Cell::ratio(1, 3).compare(&Cell::ratio(3, 3)), Ordering::Less);
    }
}
