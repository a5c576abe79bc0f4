//! What an object in its buffer says of itself before it is read.

use std::borrow::Cow;

use super::wire::{Fault, Item, Reader};
use crate::meta::MetaRef;

/// The apiVersion and the kind it names, "" where it names none.
pub(crate) fn type_names(bytes: &[u8]) -> Option<(&str, &str)> {
    let mut names = ("", "");
    each_member(&mut Reader::of(bytes), |name, value| {
        match name {
            "apiVersion" => names.0 = text(value)?,
            "kind" => names.1 = text(value)?,
            _ => skip(value)?,
        }
        Ok(())
    })
    .ok()?;
    Some(names)
}

/// Who it is.
pub(crate) fn identity(bytes: &[u8]) -> Option<MetaRef<'_>> {
    let mut found = None;
    each_member(&mut Reader::of(bytes), |name, value| {
        if name != "metadata" {
            return skip(value);
        }
        let meta = found.insert(MetaRef::default());
        each_member(value, |name, value| {
            match name {
                "name" => meta.name = text(value)?,
                "namespace" => meta.namespace = text(value)?,
                "uid" => meta.uid = text(value)?,
                "resourceVersion" => meta.resource_version = text(value)?,
                _ => skip(value)?,
            }
            Ok(())
        })
    })
    .ok()?;
    found
}

/// Hands out the name of each member of a map, with the reader at its value.
fn each_member<'a>(
    reader: &mut Reader<'a>,
    mut take: impl FnMut(&'a str, &mut Reader<'a>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let start = reader.rest();
    let Item::Map(members) = reader.item()? else { return Err(Fault::new("not a map", start)) };
    for _ in 0..members {
        let name = text(reader)?;
        take(name, reader)?;
    }
    Ok(())
}

/// A text that lies in the buffer as it is.
fn text<'a>(reader: &mut Reader<'a>) -> Result<&'a str, Fault> {
    let start = reader.rest();
    match reader.item()? {
        Item::Text(Cow::Borrowed(text)) => Ok(text),
        _ => Err(Fault::new("not a text", start)),
    }
}

fn skip(reader: &mut Reader<'_>) -> Result<(), Fault> {
    let item = reader.item()?;
    reader.skip_members(&item)
}
