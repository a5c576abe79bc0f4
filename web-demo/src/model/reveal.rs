//! Characters that would change the order or the lines in which text is read, made visible.
//!
//! Invariant: what the page shows of the cluster's texts, and of the address, holds no such character, so that no object
//! can make a line look like another one (CVE-2021-42574 is the same trick on source code).

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
}
