//! What a live query asks: columns, a filter, an order, a group. Data that crosses a port, so there are no functions in it.

use std::cmp::Ordering;

use portolan::meta::{LabelSelector, Object as _};
use portolan::object::{Lazy, Unstructured};
use portolan::{Error, object::Path};
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

use super::cell::Cell;

/// A query over the objects of one informer.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Query {
    /// What each row shows.
    pub columns: Vec<Column>,
    /// Which objects have a row.
    pub filter: Filter,
    /// By what rows are sorted, the first first; rows that are equal in all of it are sorted by key.
    pub sort: Vec<Sort>,
    /// The path by whose values rows are counted.
    pub group: Option<String>,
}

/// One column.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// What it is called.
    pub name: String,
    /// Where its value is: `status.phase`.
    pub path: String,
    /// What becomes of several values.
    #[serde(default)]
    pub take: Take,
}

/// What becomes of the values at a path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Take {
    /// The value itself; those of a path with `[*]` as one text, with commas between.
    #[default]
    Auto,
    /// The sum of the numbers.
    Sum,
    /// How many there are.
    Count,
}

/// Which objects have a row: those that fulfil all of it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Filter {
    /// Each of these words is found in the key or in a column, in any case of its letters.
    #[serde(deserialize_with = "words")]
    pub text: Vec<String>,
    /// The labels are selected by this.
    #[serde(deserialize_with = "selector")]
    pub labels: LabelSelector,
    /// These hold of the values at paths.
    #[serde(rename = "where")]
    pub conditions: Vec<Condition>,
}

/// A condition on the values at one path; of several values one must fulfil it, and for `notIn` all must.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Condition {
    /// Where the values are.
    pub path: String,
    /// It is one of these.
    #[serde(default, rename = "in")]
    pub one_of: Option<Vec<Value>>,
    /// It is none of these, or is not there.
    #[serde(default)]
    pub not_in: Option<Vec<Value>>,
    /// Whether there is one at all.
    #[serde(default)]
    pub exists: Option<bool>,
}

/// One level of the order.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sort {
    /// The name of a column, or a path.
    pub by: String,
    /// Whether the greatest comes first.
    #[serde(default)]
    pub descending: bool,
}

impl Query {
    /// Fails at the first path that is none, and says which.
    pub fn check(&self) -> Result<(), Error> {
        let columns = self.columns.iter().map(|column| &column.path);
        let conditions = self.filter.conditions.iter().map(|condition| &condition.path);
        let sorts = self.sort.iter().filter(|sort| self.column(&sort.by).is_none()).map(|sort| &sort.by);
        for path in columns.chain(conditions).chain(sorts).chain(&self.group) {
            Path::parse(path)?;
        }
        Ok(())
    }

    /// The values that decide where `object` stands.
    pub(super) fn sort_cells(&self, object: &Lazy<Unstructured>) -> Box<[Cell]> {
        let cell = |sort: &Sort| match self.column(&sort.by) {
            Some(column) => Cell::read(object, &column.path, column.take),
            None => Cell::read(object, &sort.by, Take::Auto),
        };
        self.sort.iter().map(cell).collect()
    }

    pub(super) fn compare(&self, one: &[Cell], other: &[Cell]) -> Ordering {
        for ((sort, one), other) in self.sort.iter().zip(one).zip(other) {
            let order = one.compare(other);
            if order.is_ne() {
                return if sort.descending { order.reverse() } else { order };
            }
        }
        Ordering::Equal
    }

    fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}

impl Filter {
    pub(super) fn lets_through(&self, object: &Lazy<Unstructured>, columns: &[Column]) -> bool {
        (self.labels.is_empty() || self.labels.matches(&object.labels()))
            && self.conditions.iter().all(|condition| condition.holds(object))
            && self.finds_words(object, columns)
    }

    fn finds_words(&self, object: &Lazy<Unstructured>, columns: &[Column]) -> bool {
        if self.text.is_empty() {
            return true;
        }
        let mut text = object.key().to_string();
        for column in columns {
            text.push('\n');
            text.push_str(&Cell::read(object, &column.path, column.take).to_string());
        }
        let text = text.to_lowercase();
        self.text.iter().all(|word| text.contains(word))
    }
}

impl Condition {
    fn holds(&self, object: &Lazy<Unstructured>) -> bool {
        let mut cells =
            object.values(&self.path).map(Cell::of).filter(|cell| *cell != Cell::Absent).peekable();
        let exists = cells.peek().is_some();
        if self.exists.is_some_and(|wanted| wanted != exists) {
            return false;
        }
        if self.one_of.is_none() && self.not_in.is_none() {
            return true;
        }
        let cells: Vec<Cell> = cells.collect();
        let among = |values: &[Value]| cells.iter().any(|cell| values.iter().any(|value| is(cell, value)));
        self.one_of.as_deref().is_none_or(among) && !self.not_in.as_deref().is_some_and(among)
    }
}

fn is(cell: &Cell, value: &Value) -> bool {
    match (cell, value) {
        (Cell::Text(text), Value::String(value)) => text == value,
        (Cell::Flag(flag), Value::Bool(value)) => flag == value,
        (Cell::Number(number), value) => value.as_f64() == Some(*number),
        _ => false,
    }
}

fn words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let text = String::deserialize(deserializer)?.to_lowercase();
    Ok(text.split_whitespace().map(str::to_owned).collect())
}

fn selector<'de, D: Deserializer<'de>>(deserializer: D) -> Result<LabelSelector, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
}
