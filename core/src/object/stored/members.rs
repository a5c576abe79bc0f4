//! The table of where the members of spec and status lie, so that a read two names deep walks over nothing.
//!
//! It stands behind an object's bytes: three bytes a member, a hash of its name and where the name begins, and last how
//! many there are; 0 where there is no table. Invariant: it lists all of those members, in their order, or none.

use std::ops::Range;

/// The bytes of a member: its hash, and its place, highest byte first.
const ENTRY: usize = 3;
/// Objects of more members have no table, and those so large that two bytes do not tell a place in them.
const MOST: usize = 96;

/// The members that a survey notes.
#[cfg_attr(test, derive(Debug, PartialEq))]
pub(super) struct Members {
    /// The hash in the highest byte, the place in the source below.
    noted: [u32; MOST],
    count: usize,
}

impl Default for Members {
    fn default() -> Self {
        Self { noted: [0; MOST], count: 0 }
    }
}

impl Members {
    /// Notes a member whose name, without escapes, begins at `place`.
    pub(super) fn note(&mut self, name: &[u8], place: usize) {
        match self.noted.get_mut(self.count) {
            Some(noted) if place < 1 << 24 => {
                *noted = u32::from(hash(name)) << 24 | place as u32;
                self.count += 1;
            }
            _ => self.give_up(),
        }
    }

    /// There is a member that cannot be noted.
    pub(super) fn give_up(&mut self) {
        self.count = MOST + 1;
    }

    /// How many bytes the table takes.
    pub(super) fn size(&self) -> usize {
        1 + self.entries().len() * ENTRY
    }

    /// Appends the table of the members, whose places have `moved`.
    pub(super) fn write(&self, out: &mut Vec<u8>, moved: impl Fn(usize) -> u32) {
        let start = out.len();
        for noted in self.entries() {
            let Ok(place) = u16::try_from(moved((noted & 0xff_ffff) as usize)) else {
                out.truncate(start);
                break;
            };
            out.push((noted >> 24) as u8);
            out.extend_from_slice(&place.to_be_bytes());
        }
        out.push(((out.len() - start) / ENTRY) as u8);
    }

    fn entries(&self) -> &[u32] {
        self.noted.get(..self.count).unwrap_or_default()
    }
}

/// A table as it stands behind an object.
pub(super) struct Table<'a>(&'a [[u8; ENTRY]]);

impl<'a> Table<'a> {
    /// The table at the end of `bytes`, if there is one.
    pub(super) fn at_end_of(bytes: &'a [u8]) -> Option<Self> {
        let (count, rest) = bytes.split_last()?;
        let start = rest.len().checked_sub(usize::from(*count) * ENTRY)?;
        let entries = rest.get(start..)?.as_chunks().0;
        (!entries.is_empty()).then_some(Self(entries))
    }

    /// The JSON from the value of the first member of this name on whose name begins within `range`.
    pub(super) fn find<'j>(&self, json: &'j [u8], range: Range<usize>, name: &str) -> Option<&'j [u8]> {
        // No name with one of these stands in JSON without an escape.
        if memchr::memchr2(b'"', b'\\', name.as_bytes()).is_some() {
            return None;
        }
        let wanted = hash(name.as_bytes());
        self.0.iter().find_map(|[hash, high, low]| {
            let place = usize::from(u16::from_be_bytes([*high, *low]));
            if *hash != wanted || !range.contains(&place) {
                return None;
            }
            let behind = json.get(place..)?.strip_prefix(name.as_bytes())?.strip_prefix(b"\"")?;
            behind.trim_ascii_start().strip_prefix(b":").map(<[u8]>::trim_ascii_start)
        })
    }
}

/// Enough to tell most names of an object apart without looking at them.
fn hash(bytes: &[u8]) -> u8 {
    let at = |index: usize| bytes.get(index).copied().unwrap_or_default();
    at(0).wrapping_mul(3)
        ^ at(bytes.len() / 2).wrapping_mul(5)
        ^ at(bytes.len().wrapping_sub(1))
        ^ bytes.len() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_tells_where_members_are_or_that_it_does_not_know() {
        let json = br#"{"a":1,"b" : {"c":2},"a":3}"#;
        let places = [("a", 2), ("b", 8), ("a", 22)];
        let table = |notes: &dyn Fn(&mut Members), moved: usize| {
            let (mut members, mut bytes) = (Members::default(), json.to_vec());
            notes(&mut members);
            let size = members.size();
            members.write(&mut bytes, |place| (place + moved) as u32);
            assert!(bytes.len() <= json.len() + size);
            bytes
        };
        let bytes = table(
            &|members| places.iter().for_each(|(name, place)| members.note(name.as_bytes(), *place)),
            0,
        );
        let known = Table::at_end_of(&bytes).unwrap();
        let find = |range, name| known.find(json, range, name);
        assert_eq!(find(0..json.len(), "a"), Some(&json[5..]));
        assert_eq!(find(5..json.len(), "a"), Some(&json[25..]));
        assert_eq!(find(0..json.len(), "b"), Some(&json[13..]));
        assert_eq!(
            (find(0..json.len(), "c"), find(0..8, "b"), find(0..json.len(), "a\":1,\"b")),
            (None, None, None)
        );
        let too_many = |members: &mut Members| (0..=MOST).for_each(|_| members.note(b"a", 2));
        let given_up = |members: &mut Members| (members.note(b"a", 2), members.give_up()).1;
        let noted = |members: &mut Members| members.note(b"a", 2);
        for bytes in [table(&too_many, 0), table(&given_up, 0), table(&noted, 1 << 16), table(&|_| {}, 0)] {
            assert!(Table::at_end_of(&bytes).is_none());
        }
        assert!(Table::at_end_of(&[]).is_none());
    }
}
