//! Writes a document as JSON text without anything in between.
//!
//! It is also the check of a document: that it is one whole item, within the depth, without members of one name.
//! Invariant: bounded stack; of hostile counts nothing is believed before its bytes are there.

use std::borrow::Cow;

use super::wire::{Fault, Item, Reader};
use crate::codec::json::write::{put_double, put_text};

/// Where the JSON goes.
pub(super) trait Sink {
    /// Punctuation and words.
    fn put(&mut self, text: &str);
    /// A string, to be quoted.
    fn text(&mut self, text: &str);
    /// A number that is finite.
    fn double(&mut self, value: f64);
}

impl Sink for Vec<u8> {
    fn put(&mut self, text: &str) {
        self.extend_from_slice(text.as_bytes());
    }

    fn text(&mut self, text: &str) {
        put_text(text, self);
    }

    fn double(&mut self, value: f64) {
        put_double(value, self);
    }
}

/// For a check alone.
pub(super) struct Nowhere;

impl Sink for Nowhere {
    fn put(&mut self, _: &str) {}

    fn text(&mut self, _: &str) {}

    fn double(&mut self, _: f64) {}
}

/// A container that has been begun.
struct Open {
    is_map: bool,
    /// How many values it lacks.
    lacking: u64,
    /// How many names were there before its own.
    names: usize,
    is_first: bool,
}

/// Writes the document, which is all of `bytes`.
pub(super) fn transcode(bytes: &[u8], depth: usize, out: &mut impl Sink) -> Result<(), Fault> {
    let (mut reader, mut open, mut names) = (Reader::of(bytes), Vec::<Open>::new(), Vec::new());
    loop {
        if let Some(container) = open.last_mut() {
            if container.lacking == 0 {
                out.put(if container.is_map { "}" } else { "]" });
                check_names(&mut names, container.names)?;
                open.pop();
                if open.is_empty() {
                    break;
                }
                continue;
            }
            container.lacking -= 1;
            if !std::mem::take(&mut container.is_first) {
                out.put(",");
            }
            if container.is_map {
                name(&mut reader, &mut names, out)?;
            }
        }
        let here = reader.rest();
        let (is_map, lacking) = match reader.item()? {
            Item::Array(count) => (false, count),
            Item::Map(count) => (true, count),
            scalar => {
                put_scalar(&scalar, out);
                if open.is_empty() {
                    break;
                }
                continue;
            }
        };
        if open.len() == depth {
            return Err(Fault::new("more nested values than allowed", here));
        }
        out.put(if is_map { "{" } else { "[" });
        open.push(Open { is_map, lacking, names: names.len(), is_first: true });
    }
    match reader.rest() {
        [] => Ok(()),
        rest => Err(Fault::new("something follows its end", rest)),
    }
}

fn name<'a>(
    reader: &mut Reader<'a>,
    names: &mut Vec<(Cow<'a, str>, &'a [u8])>,
    out: &mut impl Sink,
) -> Result<(), Fault> {
    let here = reader.rest();
    let Item::Text(name) = reader.item()? else {
        return Err(Fault::new("a name that is not a text", here));
    };
    out.text(&name);
    out.put(":");
    names.push((name, here));
    Ok(())
}

/// Drops the names from `first` on, once no two of them are the same.
fn check_names(names: &mut Vec<(Cow<'_, str>, &[u8])>, first: usize) -> Result<(), Fault> {
    let own = names.get_mut(first..).unwrap_or_default();
    own.sort_unstable_by(|(left, _), (right, _)| left.cmp(right));
    if let Some([_, (_, twice)]) = own.array_windows().find(|[(left, _), (right, _)]| left == right) {
        return Err(Fault::new("a name stands there twice", twice));
    }
    names.truncate(first);
    Ok(())
}

fn put_scalar(item: &Item<'_>, out: &mut impl Sink) {
    match item {
        Item::Null | Item::Array(_) | Item::Map(_) => out.put("null"),
        Item::Bool(value) => out.put(if *value { "true" } else { "false" }),
        Item::Unsigned(value) => out.put(&value.to_string()),
        Item::Negative(value) => out.put(&value.to_string()),
        Item::Double(value) => out.double(*value),
        Item::Text(text) => out.text(text),
    }
}
