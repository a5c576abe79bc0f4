//! Escape sequences of terminals in lines of logs: colours become looks, all others are dropped.
//!
//! Invariant: the text that is shown holds no control character but the tab, and none that would reorder it.

use std::ops::Range;

use super::reveal::reveal;

/// How a piece of text looks. Colours are the sixteen that a theme can make readable; any other becomes the nearest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// The colour of the letters.
    pub ink: Option<u8>,
    /// The colour behind them.
    pub paper: Option<u8>,
    /// Bold.
    pub bold: bool,
    /// Faint.
    pub dim: bool,
    /// Slanted.
    pub italic: bool,
    /// Underlined.
    pub underline: bool,
    /// Letters and what is behind them change colours.
    pub inverse: bool,
}

impl Look {
    /// As classes.
    pub fn class(self) -> String {
        let mut classes: Vec<String> = Vec::new();
        classes.extend(self.ink.map(|ink| format!("ink-{ink}")));
        classes.extend(self.paper.map(|paper| format!("paper-{paper}")));
        let words = [
            ("bold", self.bold),
            ("faint", self.dim),
            ("slanted", self.italic),
            ("underlined", self.underline),
            ("inverse", self.inverse),
        ];
        classes.extend(words.into_iter().filter(|(_, set)| *set).map(|(word, _)| word.to_owned()));
        classes.join(" ")
    }
}

/// A text and how its parts look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inked {
    /// The text.
    pub text: String,
    /// Where a look that is not the plain one holds.
    pub looks: Vec<(Range<usize>, Look)>,
}

impl Inked {
    /// Reads one line as a container wrote it.
    pub fn read(bytes: &[u8]) -> Self {
        let mut reading = Reading::default();
        vte::Parser::new().advance(&mut reading, bytes);
        reading.close();
        reading.inked
    }

    /// The look at `at`.
    pub fn look(&self, at: usize) -> Look {
        let next = self.looks.partition_point(|(range, _)| range.end <= at);
        self.looks
            .get(next)
            .filter(|(range, _)| range.contains(&at))
            .map(|(_, look)| *look)
            .unwrap_or_default()
    }
}

#[derive(Default)]
struct Reading {
    inked: Inked,
    look: Look,
    since: usize,
}

impl Reading {
    /// Ends the part that has the present look.
    fn close(&mut self) {
        let end = self.inked.text.len();
        if self.look != Look::default() && self.since < end {
            self.inked.looks.push((self.since..end, self.look));
        }
        self.since = end;
    }
}

impl vte::Perform for Reading {
    fn print(&mut self, letter: char) {
        self.inked.text.push_str(&reveal(letter.encode_utf8(&mut [0; 4])));
    }

    fn execute(&mut self, byte: u8) {
        match byte {
            b'\t' => self.inked.text.push('\t'),
            b'\r' | b'\n' => {}
            // Control characters have pictures of their own.
            0..=0x1f => self.inked.text.extend(char::from_u32(0x2400 + u32::from(byte))),
            _ => {}
        }
    }

    fn csi_dispatch(&mut self, params: &vte::Params, intermediates: &[u8], _ignore: bool, action: char) {
        if action == 'm' && intermediates.is_empty() {
            self.close();
            dress(&mut self.look, params);
        }
    }
}

/// Does what "select graphic rendition" says.
fn dress(look: &mut Look, params: &vte::Params) {
    let mut params = params.iter();
    while let Some(param) = params.next() {
        let code = param.first().copied().unwrap_or_default();
        match code {
            0 => *look = Look::default(),
            1 => look.bold = true,
            2 => look.dim = true,
            3 => look.italic = true,
            4 => look.underline = true,
            7 => look.inverse = true,
            22 => (look.bold, look.dim) = (false, false),
            23 => look.italic = false,
            24 => look.underline = false,
            27 => look.inverse = false,
            30..=37 => look.ink = u8::try_from(code - 30).ok(),
            90..=97 => look.ink = u8::try_from(code - 82).ok(),
            39 => look.ink = None,
            40..=47 => look.paper = u8::try_from(code - 40).ok(),
            100..=107 => look.paper = u8::try_from(code - 92).ok(),
            49 => look.paper = None,
            38 | 48 => {
                let colour = extended(param, &mut params);
                if code == 38 {
                    look.ink = colour.or(look.ink);
                } else {
                    look.paper = colour.or(look.paper);
                }
            }
            _ => {}
        }
    }
}

/// `38;5;N`, `38;2;R;G;B`, and both written with colons.
fn extended<'a>(param: &[u16], rest: &mut impl Iterator<Item = &'a [u16]>) -> Option<u8> {
    let byte = |number: u16| u8::try_from(number).unwrap_or(u8::MAX);
    let mut next = || rest.next().and_then(|param| param.first().copied());
    match param {
        [_, 5, index, ..] => Some(of_256(byte(*index))),
        [_, 2, .., red, green, blue] => Some(nearest(byte(*red), byte(*green), byte(*blue))),
        [_] => match next()? {
            5 => Some(of_256(byte(next()?))),
            2 => Some(nearest(byte(next()?), byte(next()?), byte(next()?))),
            _ => None,
        },
        _ => None,
    }
}

/// The nearest of the sixteen colours to one of 256.
pub fn of_256(index: u8) -> u8 {
    const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let step = |at: u8| STEPS[usize::from(at % 6)];
    match index {
        0..=15 => index,
        16..=231 => {
            let cube = index - 16;
            nearest(step(cube / 36), step(cube / 6), step(cube))
        }
        232..=255 => {
            let grey = 8 + (index - 232) * 10;
            nearest(grey, grey, grey)
        }
    }
}

/// The nearest of the sixteen colours.
pub fn nearest(red: u8, green: u8, blue: u8) -> u8 {
    const SIXTEEN: [[u8; 3]; 16] = [
        [0, 0, 0],
        [205, 0, 0],
        [0, 205, 0],
        [205, 205, 0],
        [0, 0, 238],
        [205, 0, 205],
        [0, 205, 205],
        [229, 229, 229],
        [127, 127, 127],
        [255, 0, 0],
        [0, 255, 0],
        [255, 255, 0],
        [92, 92, 255],
        [255, 0, 255],
        [0, 255, 255],
        [255, 255, 255],
    ];
    let distance = |colour: &[u8; 3]| -> u32 {
        colour.iter().zip([red, green, blue]).map(|(&one, other)| u32::from(one.abs_diff(other)).pow(2)).sum()
    };
    let places = 0u8..16;
    places.min_by_key(|&at| distance(&SIXTEEN[usize::from(at)])).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_become_looks_and_other_sequences_go() {
        let inked = Inked::read(b"\x1b[2J\x1b]0;title\x07a \x1b[1;31mred\x1b[0m \x1b[38;5;196mx\x1b[48;2;0;0;250my\x1b[m z\x1b[3D");
        assert_eq!(inked.text, "a red xy z");
        assert_eq!(inked.look(0), Look::default());
        assert_eq!(inked.look(2), Look { ink: Some(1), bold: true, ..Look::default() });
        assert_eq!(inked.look(6).ink, Some(9));
        assert_eq!((inked.look(7).ink, inked.look(7).paper), (Some(9), Some(4)));
        assert_eq!(inked.look(2).class(), "ink-1 bold");
        assert_eq!(Inked::read(b"\x1b[38:5:46mg").looks[0].1.ink, Some(10));
    }

    #[test]
    fn what_is_hostile_is_shown_harmless() {
        let inked = Inked::read("<b>x</b>\u{202e}evil\0\x08\r\u{9b}31mno\u{ff}".as_bytes());
        assert_eq!(inked.text, "<b>x</b>‹U+202E›evil␀␈31mnoÿ");
        assert_eq!(Inked::read(b"\xff\xfeok").text, "\u{fffd}\u{fffd}ok");
        assert_eq!(Inked::read(b"unfinished \x1b[31").text, "unfinished ");
        assert_eq!(Inked::read(b"\x1b[38;5m\x1b[38;2;1m\x1b[999999;;;mx").text, "x");
    }
}
