//! Characters that would change the order in which text is read, made visible.
//!
//! Invariant: what the page shows of the cluster's texts holds no such character, so that no object can make a line look
//! like another one (CVE-2021-42574 is the same trick on source code).

use std::borrow::Cow;

/// `text` with each bidirectional control written as its number: `‹U+202E›`.
pub(super) fn reveal(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || !text.contains(is_control) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        if is_control(letter) {
            shown.push_str(&format!("‹U+{:04X}›", u32::from(letter)));
        } else {
            shown.push(letter);
        }
    }
    Cow::Owned(shown)
}

/// Unicode's property Bidi_Control.
pub(super) fn is_control(letter: char) -> bool {
    matches!(letter, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_are_written_out_and_letters_of_any_script_stay() {
        assert_eq!(reveal("a\u{202e}b\u{2066}"), "a‹U+202E›b‹U+2066›");
        for text in ["plain", "größer", "שלום", "a\u{200d}b"] {
            assert!(matches!(reveal(text), Cow::Borrowed(same) if same == text));
        }
    }
}
