//! The survey of an object that is to be checked: one pass over all of it, which tells the places of its outer members.
//!
//! It knows the layout that servers write; what it meets of any other it leaves to serde_json and the plain walk.
//! Invariant: what it gives is valid JSON of valid UTF-8.

use std::ops::Range;

use serde::de::IgnoredAny;

use super::{FIELDS, LANDMARKS, Survey};
use crate::codec::json::{self, Malformed};

impl<'a> Survey<'a> {
    /// Surveys and checks `source`. `None` when it is valid and of another layout.
    pub(super) fn checked(source: &'a [u8], drop_managed_fields: bool) -> Result<Option<Self>, Malformed> {
        if let Some(marks) = json::outline(source) {
            let walk = Walk { survey: Self::empty(source), marks: &marks, drop_managed_fields };
            return Ok(walk.top());
        }
        json::text(source)?;
        match serde_json::from_slice::<IgnoredAny>(source) {
            Ok(_) => Ok(None),
            Err(error) => Err(json::malformed(&error, source)),
        }
    }
}

/// How far the survey has come. Each step gives `None` at what is not as servers write it.
struct Walk<'m, 'a> {
    survey: Survey<'a>,
    /// The marks of the outline that lie ahead.
    marks: &'m [u32],
    drop_managed_fields: bool,
}

impl<'a> Walk<'_, 'a> {
    /// The members at the top.
    fn top(mut self) -> Option<Survey<'a>> {
        self.survey.is_empty = false;
        while let Some(place) = self.member() {
            let (name, value) = (plain(self.text(&place))?, place.end + 2);
            self.survey.has_api_version |= name == b"apiVersion";
            self.survey.has_kind |= name == b"kind";
            let Some(index) = LANDMARKS.iter().position(|landmark| landmark.as_bytes() == name) else {
                self.skip();
                continue;
            };
            if std::mem::replace(&mut self.survey.landmarks[index], value) != 0 {
                return None;
            }
            match (index, self.survey.source.get(value)) {
                (0, Some(b'{')) => self.metadata()?,
                (0, _) => return None,
                (_, Some(b'{')) => self.noted(),
                _ => drop(self.skip()),
            }
        }
        Some(self.survey)
    }

    /// The members of the metadata.
    fn metadata(&mut self) -> Option<()> {
        let mut previous_end = None;
        while let Some(place) = self.member() {
            let name = plain(self.text(&place))?;
            let value = place.end + 2..self.skip();
            if self.drop_managed_fields && name == b"managedFields" {
                if !self.survey.cut.is_empty() {
                    return None;
                }
                self.survey.cut = previous_end?..value.end;
                continue;
            }
            previous_end = Some(value.end);
            if let Some(index) = FIELDS.iter().position(|field| field.as_bytes() == name) {
                self.survey.field(index, value).ok()?;
            }
        }
        previous_end.map(drop)
    }

    /// The members of spec or status.
    fn noted(&mut self) {
        while let Some(place) = self.member() {
            match plain(self.text(&place)) {
                Some(name) => self.survey.members.note(name, place.start),
                None => self.survey.members.give_up(),
            }
            self.skip();
        }
    }

    /// Where the name of the next member lies, from the bracket or comma before it; its value begins two bytes behind.
    /// `None` behind the last.
    fn member(&mut self) -> Option<Range<usize>> {
        let before = self.next()?;
        match self.survey.source.get(before)? {
            b'}' => None,
            _ => {
                let behind = self.next()?;
                // Of an object without members this is its end.
                self.survey.source.get(behind)?.eq(&b':').then(|| before + 2..behind - 1)
            }
        }
    }

    /// Goes past a value. Returns where it ends.
    fn skip(&mut self) -> usize {
        let mut depth = 0;
        while let [mark, rest @ ..] = self.marks {
            let at = *mark as usize;
            match self.survey.source.get(at) {
                Some(b'{' | b'[') => depth += 1,
                Some(b'}' | b']' | b',') if depth == 0 => return at,
                Some(b'}' | b']') if depth == 1 => {
                    self.marks = rest;
                    return at + 1;
                }
                Some(b'}' | b']') => depth -= 1,
                _ => {}
            }
            self.marks = rest;
        }
        self.survey.source.len()
    }

    fn next(&mut self) -> Option<usize> {
        let (mark, rest) = self.marks.split_first()?;
        self.marks = rest;
        Some(*mark as usize)
    }

    fn text(&self, place: &Range<usize>) -> &'a [u8] {
        self.survey.source.get(place.clone()).unwrap_or_default()
    }
}

/// What stands between quotes, if it holds no escapes.
fn plain(text: &[u8]) -> Option<&[u8]> {
    memchr::memchr(b'\\', text).is_none().then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json::generate::{Random, kubernetes_object};
    use crate::object::stored::Members;

    #[test]
    fn what_the_marks_tell_is_what_the_plain_walk_finds() {
        let mut random = Random::new(41);
        let mut told = 0;
        for case in 0..2_000 {
            let (text, drops) = (kubernetes_object(&mut random, 3), random.below(2) == 0);
            let checked =
                Survey::checked(text.as_bytes(), drops).unwrap_or_else(|_| panic!("{case}: {text}"));
            let Some(checked) = checked else { continue };
            told += 1;
            // The plain walk notes none.
            let checked = Survey { members: Members::default(), ..checked };
            let plain = Survey::of(text.as_bytes(), drops).unwrap_or_else(|_| panic!("{case}: {text}"));
            assert_eq!(checked, plain, "{case}: {text}");
        }
        assert!(told > 500, "{told}");
    }
}
