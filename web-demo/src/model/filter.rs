//! The filter box: words that must all be there, `!word` that must not, `is:unready` and its siblings.

use super::cell::Tone;

/// A parsed filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    namespace: String,
    terms: Vec<Term>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Term {
    Has(String),
    Lacks(String),
    Is(&'static [Tone]),
}

/// The words after `is:` and the tones they mean.
const STATES: &[(&str, &[Tone])] = &[
    ("ready", &[Tone::Good, Tone::Plain, Tone::Idle]),
    ("unready", &[Tone::Busy, Tone::Warn, Tone::Bad]),
    ("failing", &[Tone::Bad]),
    ("warning", &[Tone::Warn]),
    ("pending", &[Tone::Busy]),
];

impl Filter {
    /// Reads the box's `text` for one `namespace` ("" is all). An unknown word after `is:` matches as plain text.
    pub fn parse(namespace: &str, text: &str) -> Self {
        let terms = text.split_whitespace().map(|word| {
            let word = word.to_lowercase();
            let state =
                word.strip_prefix("is:").and_then(|name| STATES.iter().find(|(state, _)| *state == name));
            match (state, word.strip_prefix('!')) {
                (Some((_, tones)), _) => Term::Is(tones),
                (None, Some(rest)) if !rest.is_empty() => Term::Lacks(rest.to_owned()),
                _ => Term::Has(word),
            }
        });
        Self { namespace: namespace.to_owned(), terms: terms.collect() }
    }

    /// Whether an object of `namespace` ("" without one) is in the namespace asked for.
    pub fn here(&self, namespace: &str) -> bool {
        self.namespace.is_empty() || namespace.is_empty() || namespace == self.namespace
    }

    /// Whether a row passes. `text` is in lower case.
    pub fn accepts(&self, namespace: &str, text: &str, tone: Tone) -> bool {
        self.here(namespace)
            && self.terms.iter().all(|term| match term {
                Term::Has(word) => text.contains(word.as_str()),
                Term::Lacks(word) => !text.contains(word.as_str()),
                Term::Is(tones) => tones.contains(&tone),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_words_must_be_there_and_none_of_the_refused() {
        let filter = Filter::parse("", "Web !canary");
        assert!(filter.accepts("shop", "web-1 app=web", Tone::Good));
        assert!(!filter.accepts("shop", "web-canary-1", Tone::Good));
        assert!(!filter.accepts("shop", "db-1", Tone::Good));
    }

    #[test]
    fn states_and_namespaces_narrow() {
        let filter = Filter::parse("shop", "is:unready");
        assert!(filter.accepts("shop", "", Tone::Busy) && filter.accepts("", "", Tone::Bad));
        assert!(!filter.accepts("shop", "", Tone::Good) && !filter.accepts("bank", "", Tone::Bad));
        assert!(Filter::parse("", "is:odd").accepts("", "what is:odd", Tone::Good));
        assert!(Filter::parse("", "!").accepts("", "!", Tone::Good));
    }
}
