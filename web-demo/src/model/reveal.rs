//! Characters that would change the order or the lines in which text is read, made visible.
//!
//! Invariant: what the page shows of the cluster's texts, and of the address, holds no such character, so that no object
//! can make a line look like another one (CVE-2021-42574 is the same trick on source code). The editor alone holds a text
//! as it is; beside it is told what is not seen there.

use std::borrow::Cow;

/// `text` with each bidirectional control, and each other control but the ends of lines and tabs, written as its number:
/// `‹U+202E›`.
pub(super) fn reveal(text: &str) -> Cow<'_, str> {
    written_out(text, is_control)
}

/// The same for what is one line by its nature, a name or a title: of such the ends of lines are written out too.
pub(super) fn line(text: &str) -> Cow<'_, str> {
    written_out(text, |letter| letter.is_control() || is_control(letter))
}

fn written_out(text: &str, wanted: impl Fn(char) -> bool) -> Cow<'_, str> {
    // Nearly every text is plain, and they are looked through for every cell.
    let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    if is_plain(text) || !text.contains(&wanted) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        if wanted(letter) {
            shown.push_str(&format!("‹U+{:04X}›", u32::from(letter)));
        } else {
            shown.push(letter);
        }
    }
    Cow::Owned(shown)
}

/// Unicode's property Bidi_Control, its separators of lines and paragraphs, and the controls that are no white space.
pub(super) fn is_control(letter: char) -> bool {
    matches!(letter, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || letter.is_control() && !matches!(letter, '\t' | '\n' | '\r')
}

/// How many of them [`unseen`] tells one by one.
const MOST_TOLD: usize = 8;

/// Where in `text` there is what is not seen, or turns around what is: `U+202E in line 3, column 7`, counted from one, in
/// characters; "" where there is nothing.
pub(super) fn unseen(text: &str) -> String {
    if text.bytes().all(|byte| byte.is_ascii_graphic() || matches!(byte, b' ' | b'\n')) {
        return String::new();
    }
    let lines = text.split('\n').zip(1..);
    let letters = lines.flat_map(|(line, at): (&str, usize)| {
        line.chars().zip(1..).map(move |(letter, column): (char, usize)| (letter, at, column))
    });
    let mut hidden = letters.filter(|(letter, ..)| is_control(*letter) || has_no_width(*letter));
    let first = hidden.by_ref().take(MOST_TOLD);
    let mut told: Vec<String> = first
        .map(|(letter, at, column)| format!("U+{:04X} in line {at}, column {column}", u32::from(letter)))
        .collect();
    match hidden.count() {
        0 => {}
        more => told.push(format!("and {more} more")),
    }
    told.join("; ")
}

/// Letters that take no room: the soft hyphen, spaces and joiners of no width, the byte order mark, tags. Scripts and
/// emoji need some of them, so they are told where bytes matter and not written out elsewhere.
fn has_no_width(letter: char) -> bool {
    matches!(letter, '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_are_written_out_and_letters_of_any_script_stay() {
        assert_eq!(reveal("a\u{202e}b\u{2066}"), "a‹U+202E›b‹U+2066›");
        assert_eq!(reveal("a\u{2028}b\u{1b}c\u{85}"), "a‹U+2028›b‹U+001B›c‹U+0085›");
        for text in ["plain", "größer", "שלום", "a\u{200d}b", "two\nlines\tand\r\n"] {
            assert!(matches!(reveal(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn a_name_has_no_lines() {
        assert_eq!(line("web\nDelete nothing\u{202e}"), "web‹U+000A›Delete nothing‹U+202E›");
        assert!(matches!(line("größer"), Cow::Borrowed("größer")));
    }
    #[test]
    fn what_is_not_seen_is_told_by_its_place() {
        assert_eq!(unseen("kind: größer\r\n\tשלום\n"), "");
        assert_eq!(
            unseen("a: \u{202e}b\nschön\u{200b}: \u{feff}"),
            "U+202E in line 1, column 4; U+200B in line 2, column 6; U+FEFF in line 2, column 9"
        );
        let many = unseen(&"\u{1b}".repeat(MOST_TOLD + 3));
        assert!(many.ends_with("; U+001B in line 1, column 8; and 3 more"), "{many}");
    }
}
