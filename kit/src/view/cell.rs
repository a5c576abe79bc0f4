//! One value of a row: what is at a path of an object, as something that can be compared, sorted and shown.
//!
//! Invariant: reads never fail; what is not there, or is null, is [`Cell::Absent`].

use std::cmp::Ordering;
use std::fmt;

use portolan::object::{Json, Lazy, Unstructured};
use serde::{Serialize, Serializer};

use super::query::Take;

/// A value of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Nothing, or null.
    Absent,
    /// True or false.
    Flag(bool),
    /// A number.
    Number(f64),
    /// A string; of an array or object, its JSON.
    Text(String),
}

impl Cell {
    /// What `object` has at `path`.
    pub fn read(object: &Lazy<Unstructured>, path: &str, take: Take) -> Self {
        let mut values = object.values(path);
        match take {
            Take::Count => Self::Number(values.count() as f64),
            Take::Sum => {
                let numbers = values.filter_map(|value| value.text()?.parse::<f64>().ok());
                // Without `-0.0`, which the empty sum is.
                Self::Number(numbers.sum::<f64>() + 0.0)
            }
            Take::Auto if path.contains("[*]") => {
                let texts: Vec<String> = values.map(|value| Self::of(value).to_string()).collect();
                if texts.is_empty() { Self::Absent } else { Self::Text(texts.join(", ")) }
            }
            Take::Auto => values.next().map_or(Self::Absent, Self::of),
        }
    }

    /// One value.
    pub fn of(value: Json<'_>) -> Self {
        let raw = value.raw();
        match raw.first() {
            None | Some(b'n') => Self::Absent,
            Some(b't') => Self::Flag(true),
            Some(b'f') => Self::Flag(false),
            Some(b'"' | b'{' | b'[') => Self::Text(match value.text() {
                Some(text) => text.into_owned(),
                None => String::from_utf8_lossy(&raw).into_owned(),
            }),
            Some(_) => match value.text().and_then(|text| text.parse().ok()) {
                Some(number) => Self::Number(number),
                None => Self::Absent,
            },
        }
    }

    /// Absent before flags before numbers before texts.
    pub fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Flag(one), Self::Flag(other)) => one.cmp(other),
            (Self::Number(one), Self::Number(other)) => one.total_cmp(other),
            (Self::Text(one), Self::Text(other)) => one.cmp(other),
            _ => self.rank().cmp(&other.rank()),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Absent => 0,
            Self::Flag(_) => 1,
            Self::Number(_) => 2,
            Self::Text(_) => 3,
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => Ok(()),
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Absent => serializer.serialize_none(),
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::Number(number) => serializer.serialize_f64(*number),
            Self::Text(text) => serializer.serialize_str(text),
        }
    }
}
